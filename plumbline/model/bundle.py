"""The bundle: everything needed to score a raw event, as UBJ and JSON. Nothing is ever unpickled.

A folder of three files: `model.ubj` (XGBoost's trees), `bundle.json` (a `Manifest`), which holds the md5 of
the first, and `usecase.json`, what the use case declares and its row functions as text, which holds the
sha256 of the second. Older bundles lack the third.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import class_codes, dvc_hash, row_features, stored_columns
from plumbline.core.declarations import Array, Columns, Problem, Scale
from plumbline.core.encodings import LearnedEncoding
from plumbline.core.errors import BundleError
from plumbline.core.files import dumps, replacing_folder
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import class_metrics
from plumbline.model import (
    bundle_files,
    calibration,
    class_bundle,
    manifest,
    softmax,
    usecase_file,
)
from plumbline.model import scale as scales
from plumbline.model.calibration import Calibration
from plumbline.model.manifest import Manifest
from plumbline.model.usecase_file import UsecaseFile

MODEL, MANIFEST = bundle_files.MODEL, bundle_files.MANIFEST


@dataclass(frozen=True)
class Bundle:
    """A model that can score; `booster` is XGBoost's. `carried`: the use case that came with it."""

    manifest: Manifest
    booster: Any
    calibration: Calibration
    carried: UsecaseFile | None = None

    @property
    def usecase(self) -> str:
        """The use case's name."""
        return self.manifest.usecase

    @property
    def problem(self) -> Problem:
        """classification, multiclass or regression."""
        return self.manifest.problem

    @property
    def features(self) -> tuple[str, ...]:
        """The matrix's columns, in order."""
        return self.manifest.order

    @property
    def threshold(self) -> float | None:
        """Alarm at this probability and above; None for a regression."""
        return self.manifest.threshold.value if self.manifest.threshold else None

    @property
    def offset(self) -> str | None:
        """The column that the regression starts from."""
        return self.manifest.offset

    @property
    def provenance(self) -> Mapping[str, str | int]:
        """md5s of the tables it was fitted on, and the seed."""
        return self.manifest.provenance

    def predict(self, columns: Columns) -> Array:
        """Calibrated probability, or value in the label's unit, float64 (n,); of several classes a
        probability each, (n, k).

        `columns` holds the features and the offset. Raises SpecError where one is missing, and
        PlumblineError where a feature is infinite or an answer is no number.
        """
        return self.calibrated(self.raw(columns))

    def calibrated(self, raw: Array) -> Array:
        """The answer that a `raw` one, (n,) or (n, k), is after calibration; PlumblineError where it is no number."""
        answer = calibration.apply(self.calibration, raw)
        odd = int(np.count_nonzero(~np.isfinite(answer)))
        if odd:
            raise BundleError(
                f"the model of '{self.usecase}': {odd:,} of {len(answer):,} answers are no finite number; "
                "do not serve it: restore the bundle with `dvc checkout`, or train again"
            )
        return answer

    def decide(self, answer: Array) -> Array:
        """Of several classes, the one decided on by an answer (n, k) of `predict`, object (n,)."""
        return class_codes.names(self.classes, self.decided(answer))

    def decided(self, answer: Array) -> Array:
        """The code (n,) of the class that `decide` names."""
        return class_metrics.decide(answer, self.class_costs)

    @property
    def classes(self) -> tuple[str | int, ...]:
        """Of a multiclass label, the classes in the order of the answer's columns; else ()."""
        return self.manifest.classes

    @property
    def class_costs(self) -> Array | None:
        """By class and the class decided on, (k, k); None where the likeliest is."""
        return np.array(self.manifest.class_costs) if self.manifest.class_costs else None

    def raw(self, columns: Columns) -> Array:
        """`predict` before calibration, float64 (n,) or (n, k); of columns on disk piece by piece."""
        names = [*self.features, *(e.column for e in self.manifest.encodings.values())]
        names += [self.offset] if self.offset else []
        return stored_columns.row_by_row(columns, list(dict.fromkeys(names)), self._raw)

    def _raw(self, columns: Columns) -> Array:
        scale, whole = self.manifest.scale, self.with_encodings(columns)
        return raw_score(self.booster, self.features, self.offset, whole, scale, len(self.classes))

    def with_encodings(self, columns: Columns) -> Columns:
        """`columns` with the target encodings that they lack: of raw events, not of a model table."""
        lacking = {n: e for n, e in self.manifest.encodings.items() if n not in columns}
        if not lacking:
            return columns
        encoded = {
            name: LearnedEncoding(one.values, one.encoded, one.other).apply(columns[one.column])
            for name, one in lacking.items()
        }
        return {**columns, **encoded}

    def score(self, usecase: FeatureSet, columns: Columns) -> Array:
        """`predict` for raw events, float64 (n,): row features and category codes are computed here.

        `columns` holds the known columns and, where there is a history, snapshots and fresh features;
        those left out take their declared defaults. Raises BundleError where the use case's features
        are no longer those that the model learned.
        """
        return self.predict(self._completed(usecase, columns))

    def score_and_decide(self, usecase: FeatureSet, columns: Columns) -> tuple[Array, Array | None]:
        """`score` and the decision about each event, object (n,); None where no decisions are declared."""
        whole = self._completed(usecase, columns)
        score = self.predict(whole)
        return score, self.decisions_of(whole, score)

    def decisions_of(self, columns: Columns, score: Array) -> Array | None:
        """The decision about each row of a model table with these scores, object (n,); None without any."""
        policy = self.manifest.decisions
        return policy.decide(self.with_encodings(columns), score) if policy else None

    def _completed(self, usecase: FeatureSet, columns: Columns) -> dict[str, Array]:
        if manifest.definitions(usecase) != self.manifest.definitions:
            raise BundleError(
                f"usecases/{usecase.name}/features.py: the features are not those that this model of "
                f"'{self.usecase}' learned; run `dvc repro train@{usecase.name}`, or check out the "
                "model's commit"
            )
        return complete(usecase, columns)


def raw_score(
    booster: Any,
    features: tuple[str, ...],
    offset: str | None,
    columns: Columns,
    scale: Scale = "label",
    classes: int = 0,
) -> Array:
    """The booster's answer before calibration, float64 (n,); of several classes (n, k)."""
    if classes:
        return _several(booster, features, columns, classes)
    if scale != "label":
        return _scaled(booster, features, offset, columns, scale)
    x = row_features.matrix((*features, offset) if offset else features, columns)
    if not len(x):
        return np.empty(0)
    margin = x[:, -1] if offset else None
    answer = booster.inplace_predict(
        x[:, : len(features)], base_margin=margin, validate_features=False
    )
    return np.asarray(answer, np.float64)


def _scaled(
    booster: Any, features: tuple[str, ...], offset: str | None, columns: Columns, scale: Scale
) -> Array:
    x = row_features.matrix((*features, offset) if offset else features, columns)
    if not len(x):
        return np.empty(0)
    margin = booster.inplace_predict(
        x[:, : len(features)],
        base_margin=scales.start(scale, offset, columns),
        predict_type="margin",
        validate_features=False,
    )
    return scales.answer(scale, offset, columns, np.asarray(margin, np.float64))


def _several(booster: Any, features: tuple[str, ...], columns: Columns, classes: int) -> Array:
    x = row_features.matrix(features, columns)
    if not len(x):
        return np.empty((0, classes))
    margin = booster.inplace_predict(x, predict_type="margin", validate_features=False)
    return softmax.of(np.asarray(margin, np.float64))


def complete(usecase: FeatureSet, columns: Columns) -> dict[str, Array]:
    """Raw events' columns with defaults for missing histories, category codes and row features."""
    size = len(columns[usecase.key])
    defaults = {h.name: np.full(size, h.empty_value) for h in usecase.aggregates}
    whole = defaults | dict(columns)
    return {
        **whole,
        **row_features.category_codes(usecase, whole),
        **row_features.row_features(usecase, whole),
    }


def save(
    path: Path, booster: Any, described: Mapping[str, Any], usecase: FeatureSet | None = None
) -> Bundle:
    """Write the bundle's files to the folder `path`, whole or not at all, and load it back.

    `described` holds all of `Manifest` but the model's md5; `usecase` travels with it where it is given.
    Raises BundleError where it cannot be written.
    """
    with replacing_folder(path) as beside:
        try:
            booster.save_model(beside / MODEL)
        except ValueError as error:  # XGBoostError: it has no other word for a full disk
            contents = str(error).splitlines()[0]
            raise BundleError(
                f"{path}: XGBoost could not write it; is the disk full? ({contents})"
            ) from None
        whole = Manifest(**described, model_md5=dvc_hash.md5(beside / MODEL))
        text = dumps(_plain(whole))
        (beside / MANIFEST).write_text(text, encoding="utf-8")
        if usecase:
            carried = usecase_file.text(usecase_file.describe(usecase, text))
            (beside / usecase_file.FILE).write_text(carried, encoding="utf-8")
        return load(beside)


def _plain(whole: Manifest) -> dict[str, Any]:
    """As plain values; what is later than the format only where it is declared, as bundles always were."""
    later = ("scale", "encodings", "dropped", "classes", "class_costs", "decisions")
    absent = {name for name in later if getattr(whole, name) in ("label", {}, (), None)}
    return whole.model_dump(exclude=absent)


def load(path: Path, usecase: str | None = None, *, threads: int = 0) -> Bundle:
    """The bundle in the folder `path`, checked. It scores with `threads`, 0 = all cores.

    Raises BundleError where a file is missing, the format is another, something in it is missing,
    unknown or damaged, or it is not of `usecase`.
    """
    contents = bundle_files.read_manifest(path)
    bundle_files.check_usecase(path, contents, usecase)
    bundle_files.check_md5(path / MODEL, contents.model_md5)
    booster = bundle_files.booster(path / MODEL, contents, threads)
    try:
        fitted = calibration.from_json(contents.calibration)
        class_bundle.check(contents, fitted, booster)
    except ValueError as error:
        raise BundleError(f"{path / MANIFEST}: {error}") from None
    return Bundle(contents, booster, fitted, usecase_file.read(path, contents))


def described(path: Path) -> tuple[Manifest, UsecaseFile | None]:
    """What a bundle says of itself and of its use case, checked; the trees are not read.

    The second is None of a bundle from before there was one. Raises BundleError as `load` does.
    """
    contents = bundle_files.read_manifest(path)
    return contents, usecase_file.read(path, contents)
