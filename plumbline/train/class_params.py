"""The `train` params of several classes: what is refused, and what stands where nothing is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.core.errors import ParamsError
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import class_costs
from plumbline.model import booster_settings
from plumbline.model.calibration import Kind
from plumbline.train.params import Train

SEVERAL = ("none", "temperature", "vector")
"""Calibrations of several classes."""
ONE = ("none", "platt", "isotonic")
"""Calibrations of one probability."""


def check(usecase: FeatureSet, train: Train, fixed: Mapping[str, Any]) -> None:
    """ParamsError where the params are not of such a label. `fixed`: tune's settings of every trial."""
    where, several = f"params.yaml, {usecase.name}.train", usecase.problem == "multiclass"
    choices = SEVERAL if several else ONE
    if "calibration" in train.model_fields_set and train.calibration not in choices:
        raise ParamsError(
            f"{where}.calibration: got '{train.calibration}', which is not of a {usecase.problem}; expected one "
            f"of {', '.join(choices)}"
        )
    if not several:
        if train.class_costs is not None:
            raise ParamsError(
                f"{where}.class_costs: they are of several classes; expected `costs` here"
            )
        return
    if train.costs is not None:
        raise ParamsError(
            f"{where}.costs: they are of an alarm on one class, and there are {len(usecase.classes)}; expected "
            "`class_costs`, an amount per class and the class decided on"
        )
    if any(train.monotone.values()):
        raise ParamsError(
            f"{where}.monotone: it is of one score, and there is one per class; remove it"
        )
    booster_settings.check_classes(f"{where}.params", train.params)
    booster_settings.check_classes(f"params.yaml, {usecase.name}.tune.params", fixed)
    amounts(usecase, train)


def calibration(usecase: FeatureSet, train: Train) -> Kind:
    """The kind that is fitted: as set, else Platt's, or of several classes a temperature."""
    if usecase.problem == "multiclass" and "calibration" not in train.model_fields_set:
        return "temperature"
    return train.calibration


def amounts(usecase: FeatureSet, train: Train) -> tuple[tuple[float, ...], ...]:
    """The costs by class and the class decided on; () where none are set."""
    if train.class_costs is None or not usecase.classes:
        return ()
    where = f"params.yaml, {usecase.name}.train.class_costs"
    matrix = class_costs.matrix(where, train.class_costs, usecase.classes)
    return tuple(map(tuple, matrix.tolist()))
