"""A bundle compiled to score checked events: bit for bit `admission.Scorer` and `serve.scoring`.

Done once at load: the definitions' hash, row functions' inputs, codes, encodings, thresholds. One request
is one matrix and one call of the trees, in one thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plumbline.core import dvc_hash, only, row_features
from plumbline.core.declarations import Array
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.core.files import dumps
from plumbline.model import admission, calibration, manifest, scale, softmax
from plumbline.model.admission import Scorer
from plumbline.model.bundle import Bundle
from plumbline.serve.online.decisions import CompiledPolicy
from plumbline.serve.online.row_inputs import Computed, RowInputs, ScoringError
from plumbline.serve.online.single_values import calibrator
from plumbline.serve.online.trees import Trees
from plumbline.serve.single_event import RawEvent


@dataclass(frozen=True, slots=True)
class Scored:
    """One event's answer, with what the log keeps of how it came about.

    `computed`: row features as declared, then category codes; `derived`: in the order of `FeatureSet.derived`.
    `raw`, `score`: one number, or one per class; empty where the model does not score the event, and
    `ineligible` says why.
    """

    computed: tuple[float, ...]
    derived: tuple[int | None, ...]
    raw: tuple[float, ...]
    score: tuple[float, ...]
    alarm: bool | None
    decision: str | None
    ineligible: tuple[str, ...] = ()


class CompiledScorer:
    """A scorer of events; `rows` computes the features, which scorers of one `definitions` share."""

    def __init__(self, scorer: Scorer) -> None:
        self.usecase, self.bundle = scorer.usecase, scorer.bundle
        described = self.bundle.manifest
        if manifest.definitions(self.usecase) != described.definitions:
            raise BundleError(
                f"usecases/{self.usecase.name}/features.py: the features are not those that this model learned; "
                "serve it from its own commit"
            )
        self.definitions = definitions_md5(scorer.bundle)
        self.rows = RowInputs(self.usecase)
        self._trees = Trees(self.bundle.booster)
        self._encodings = {
            name: (one.column, dict(zip(one.values, one.encoded, strict=True)), one.other)
            for name, one in described.encodings.items()
        }
        self._policy = CompiledPolicy(described.decisions) if described.decisions else None
        self._hidden = {c.name for c in self.usecase.known if c.forbidden}
        self._calibrate = calibrator(self.bundle.calibration)

    def score(
        self, events: Sequence[RawEvent], aggregates: Sequence[Sequence[float]]
    ) -> list[Scored]:
        """The answers to checked events with their histories, in the order of `FeatureSet.aggregates`.

        Raises ScoringError where a feature or an answer is no finite number.
        """
        return self.of(self.rows.compute(events, aggregates)) if events else []

    def of(self, computed: Computed) -> list[Scored]:
        """The answers from features that a scorer of the same `definitions` computed."""
        columns = {**computed.columns, **self._encoded(computed.events)}
        reasons = [self._ineligible(columns, place) for place in range(len(computed.events))]
        keep = [i for i, why in enumerate(reasons) if not why]
        if len(keep) == len(reasons):
            return self._answers(computed, columns)
        scored = iter(self._answers(*_part(computed, columns, keep)) if keep else [])
        return [
            Scored(f, d, (), (), None, None, why) if why else next(scored)
            for f, d, why in zip(computed.features, computed.derived, reasons, strict=True)
        ]

    def logged(
        self, event: RawEvent, aggregates: Sequence[float], computed: Sequence[float]
    ) -> dict[str, Array]:
        """The columns (1,) of an event as it was served; ValueError where its features are others."""
        columns = self.rows.logged(event, aggregates, computed)
        return {**columns, **self._encoded([event])}

    def rescored(self, columns: Mapping[str, Array]) -> tuple[float, ...]:
        """The score of one event from its columns, as `Scored.score`."""
        score = self._calibrated(self._raw(columns))
        return tuple(score.reshape(-1).tolist())

    def _answers(self, computed: Computed, columns: Mapping[str, Array]) -> list[Scored]:
        raw = self._raw(columns)
        score = self._calibrated(raw)
        finite = np.isfinite(score)
        if not finite.all():
            where = self._first(columns, ~finite.reshape(len(score), -1).all(axis=1))
            raise ScoringError(
                f"{where}: the model's answer is no finite number; do not serve it: restore the bundle with "
                "`dvc checkout`, or train again"
            )
        if self.bundle.classes:
            return self._of_classes(computed, raw, score)
        limit, numbers = self.bundle.threshold, score.tolist()
        alarms = [None if limit is None else s >= limit for s in numbers]
        decisions = self._decisions(columns, numbers)
        rows = zip(
            computed.features,
            computed.derived,
            raw.tolist(),
            numbers,
            alarms,
            decisions,
            strict=True,
        )
        return [Scored(f, d, (r,), (s,), a, one) for f, d, r, s, a, one in rows]

    def _of_classes(self, computed: Computed, raw: Array, score: Array) -> list[Scored]:
        decided = [str(name) for name in self.bundle.decide(score)]
        rows = zip(
            computed.features, computed.derived, raw.tolist(), score.tolist(), decided, strict=True
        )
        return [Scored(f, d, tuple(r), tuple(s), None, one) for f, d, r, s, one in rows]

    def _raw(self, columns: Mapping[str, Array]) -> Array:
        """As `Bundle.raw`, float64 (n,) or (n, k)."""
        kind, offset = self.bundle.manifest.scale, self.bundle.offset
        x = self._matrix(columns)
        try:
            start = scale.start(kind, offset, columns)
            if self.bundle.classes:
                return softmax.of(self._trees.predict(x, None, "margin"))
            if kind == "label":
                return self._trees.predict(x, start, "value")
            return scale.answer(kind, offset, columns, self._trees.predict(x, start, "margin"))
        except PlumblineError as error:
            raise ScoringError(str(error)) from None

    def _matrix(self, columns: Mapping[str, Array]) -> Array:
        """As `row_features.matrix`, float32 (n, k)."""
        features = self.bundle.features
        x = np.empty((len(columns[features[0]]), len(features)), np.float32)
        with np.errstate(over="ignore"):
            for place, name in enumerate(features):
                x[:, place] = columns[name]
        infinite = np.isinf(x)
        if infinite.any():
            try:
                row_features.matrix(features, columns)
            except PlumblineError as error:
                where = self._first(columns, np.asarray(infinite.any(axis=1)))
                raise ScoringError(f"{where}: {error}") from None
        return x

    def _first(self, columns: Mapping[str, Array], wrong: Array) -> str:
        """The first event at fault, by its key."""
        key = self.usecase.key
        value = columns[key].tolist()[int(np.argmax(wrong))]
        return f"{self.usecase.name}, {key} {value}"

    def _calibrated(self, raw: Array) -> Array:
        if raw.shape == (1,):
            return np.array([self._calibrate(float(raw[0]))])
        return calibration.apply(self.bundle.calibration, raw)

    def _encoded(self, events: Sequence[RawEvent]) -> dict[str, Array]:
        return {
            name: np.array([places.get(e[column], other) for e in events])
            for name, (column, places, other) in self._encodings.items()
        }

    def _decisions(self, columns: Mapping[str, Array], scores: list[float]) -> list[str | None]:
        policy = self._policy
        if policy is None:
            return [None] * len(scores)
        if policy.column is None:
            return [policy.decide(score) for score in scores]
        values = columns[policy.column].tolist()
        return [policy.decide(s, v) for s, v in zip(scores, values, strict=True)]

    def _ineligible(self, columns: Mapping[str, Array], place: int) -> tuple[str, ...]:
        """Why the event at this place is not scored, by the use case's `eligible`; () where it is."""
        reasons: list[str] = []
        for rule in self.usecase.eligible:
            value = columns[rule.column][place : place + 1].tolist()[0]
            if not only.holds(rule, value):
                found = "a value" if rule.column in self._hidden else repr(value)
                words = f"the model scores events with {only.words(rule)}"
                reasons.append(f"{rule.column} is {found}, and {words}")
        return tuple(reasons)


def load(folder: Path, admit: Iterable[str] = ()) -> CompiledScorer:
    """The bundle in `folder`, compiled; BundleError as `admission.load`."""
    return CompiledScorer(admission.load(folder, admit, threads=1))


def definitions_md5(loaded: Bundle) -> str:
    """The md5 of what a bundle's features mean, constants and helpers of row functions included."""
    functions = {n: o.sha256 for n, o in loaded.carried.functions.items()} if loaded.carried else {}
    return dvc_hash.md5_text(dumps([loaded.manifest.definitions, functions]))


def _part(
    computed: Computed, columns: Mapping[str, Array], keep: list[int]
) -> tuple[Computed, dict[str, Array]]:
    """The features and columns of some of the events."""
    kept = {name: values[keep] for name, values in columns.items()}
    features = [computed.features[i] for i in keep]
    derived = [computed.derived[i] for i in keep]
    return Computed([computed.events[i] for i in keep], kept, features, derived), kept
