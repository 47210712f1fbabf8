"""Bundles loaded for serving: admitted by their golden events, of the process's features or of others. An edge.

Loading takes a good part of a second and needs the disk, so it is done beside the event loop; what is
loaded stays in memory while a route or the last champions name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core.errors import BundleError, PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission, bundle, library_versions
from plumbline.model.admission import Scorer
from plumbline.serve import scoring
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.serve.routes import bundle_store as stores
from plumbline.serve.routes import other_features
from plumbline.serve.routes.bundle_store import BundleStore, Golden
from plumbline.serve.single_event import RawEvent


@dataclass(frozen=True)
class LoadedBundle:
    """A bundle that was admitted; `scores`: those of its golden events, one row each, for ranks.

    `features`: the md5 of its features' definitions where they are other than the process's; else "".
    """

    md5: str
    scorer: Scorer
    compiled: CompiledScorer
    scores: Any
    features: str = ""

    @property
    def definitions(self) -> str:
        """The md5 of what its features mean."""
        return self.compiled.definitions


@dataclass(frozen=True)
class Arms:
    """Loads bundles of one use case for one process. `beside`: also those of other features, each with its own state."""

    usecase: FeatureSet
    store: BundleStore
    beside: bool = True

    def admit(self, md5: str) -> LoadedBundle:
        """Load a bundle of the store; BundleError where it is damaged, of other features, or its golden events differ."""
        self.store.check(md5)
        scorer = self._scorer(md5)
        golden = self.store.golden(md5)
        answers = scoring.answers(scorer, golden.events)
        stores.refuse_different(self.usecase.name, golden.recorded, answers)
        compiled = CompiledScorer(scorer)
        scores = _one_by_one(scorer.usecase, compiled, golden, answers)
        features = "" if scorer.usecase is self.usecase else compiled.definitions
        if features:
            self.store.tiles(md5)
        return LoadedBundle(md5, scorer, compiled, scores, features)

    def _scorer(self, md5: str) -> Scorer:
        recorded = self.store.about(md5).is_recorded
        return load(self.store.model(md5), self.usecase, beside=self.beside, recorded=recorded)

    def all(
        self, md5s: Iterable[str], known: Mapping[str, LoadedBundle]
    ) -> tuple[dict[str, LoadedBundle], dict[str, str]]:
        """These bundles, from memory where they are known; and what was wrong with those that failed."""
        loaded, problems = {}, {}
        for md5 in md5s:
            try:
                loaded[md5] = known[md5] if md5 in known else self.admit(md5)
            except PlumblineError as error:
                problems[md5] = str(error)
        return loaded, problems


def load(
    folder: Path, usecase: FeatureSet, *, beside: bool = False, recorded: bool = False
) -> Scorer:
    """A bundle with the process's use case; BundleError where that declares other features, or libraries refuse.

    `beside`: other features are scored by the use case that came with the bundle, where that can be (`other_features`).
    """
    loaded = bundle.load(folder, usecase.name, threads=1)
    verdicts = library_versions.compared(loaded.carried.libraries if loaded.carried else {})
    library_versions.refuse(loaded.usecase, verdicts)
    if admission.same_code(loaded, usecase):
        return Scorer(loaded, usecase, "checkout", tuple(verdicts))
    if not beside:
        raise BundleError(
            f"{folder}: this bundle of '{usecase.name}' has other features or row functions than the running process, "
            f"which keeps one state for several: {other_features.NEW_PROCESS}"
        )
    other = other_features.usecase_of(folder, loaded, usecase, recorded=recorded)
    return Scorer(loaded, other, "admitted", tuple(verdicts))


def plain_events(
    usecase: FeatureSet, table: Any
) -> tuple[Sequence[RawEvent], Sequence[list[float]]]:
    """The raw events of an Arrow table as a service has them, and their histories in the declared order."""
    rows = table.to_pylist()
    names = [f.name for f in usecase.aggregates]
    events = [{c.name: _plain(row.get(c.name), c.type) for c in usecase.known} for row in rows]
    return events, [[float(row[n]) for n in names] for row in rows]


def _plain(value: Any, kind: str) -> Any:
    """A value as a request brings it: null for NaN, a whole number that a table holds as a float."""
    if isinstance(value, float) and value != value:
        return None
    return int(value) if kind == "int" and isinstance(value, float) else value


def _one_by_one(
    usecase: FeatureSet, compiled: CompiledScorer, golden: Golden, answers: Mapping[str, Any]
) -> Any:
    """The scores (n, k) of the golden events one at a time; BundleError where one differs from the table's."""
    events, aggregates = plain_events(usecase, golden.events)
    scored = [compiled.score([e], [a])[0] for e, a in zip(events, aggregates, strict=True)]
    own = np.array([one.score for one in scored])
    names = [n for n in answers if n not in (scoring.ALARM, scoring.DECISION)]
    together = {n: answers[n] for n in names}
    for place, name in enumerate(names):
        wrong = np.flatnonzero(own[:, place] != np.asarray(together[name]))
        if len(wrong):
            raise BundleError(
                f"{usecase.name}: the bundle is not admitted: golden event {wrong[0]}, {name}: alone "
                f"{stores.shown(own[wrong[0], place])}, in a table {stores.shown(together[name][wrong[0]])}"
            )
    for name in (scoring.ALARM, scoring.DECISION):
        single = [getattr(one, name) for one in scored]
        if name in answers and any(
            str(a) != str(b) for a, b in zip(single, answers[name], strict=True)
        ):
            raise BundleError(
                f"{usecase.name}: the bundle is not admitted: a golden event's {name} is another alone than in a table"
            )
    return own
