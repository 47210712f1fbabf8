"""What a bundle says of its classes, held against its trees, its calibration and its costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from plumbline.core.class_checks import FEWEST, MOST
from plumbline.model.calibration import Calibration
from plumbline.model.manifest import Manifest

ONE, SEVERAL = ("platt", "isotonic"), ("temperature", "vector")
"""Calibrations of one score, and of several classes."""


def check(contents: Manifest, fitted: Calibration, booster: Any) -> None:
    """ValueError where they do not go together: an answer would be of other classes than it says."""
    for mistake in _mistakes(contents, fitted, booster):
        raise ValueError(f"{mistake}; restore the bundle with `dvc checkout`")


def _mistakes(contents: Manifest, fitted: Calibration, booster: Any) -> Iterator[str]:
    size, several = len(contents.classes), contents.problem == "multiclass"
    if several and not FEWEST <= size <= MOST:
        yield f"classes: expected {FEWEST} to {MOST}, found {size}"
    if not several and size:
        yield f"classes: a {contents.problem} has none, found {size}"
    if len(set(map(str, contents.classes))) < size:
        yield "classes: one stands there twice"
    if trees := _classes_of(booster, several=several, size=size):
        yield trees
    if fitted.kind in (ONE if several else SEVERAL):
        yield f"calibration: kind {fitted.kind!r} is not of a {contents.problem}"
    if fitted.kind == "vector" and len(fitted.x) != size:
        yield f"calibration: {len(fitted.x)} scales for {size} classes"
    rows = contents.class_costs
    if rows and ([len(row) for row in rows] != [size] * size or not np.isfinite(rows).all()):
        yield f"class_costs: expected {size} rows of {size} amounts"


def _classes_of(booster: Any, *, several: bool, size: int) -> str:
    """What is wrong with the trees' own number of classes, 0 of one score; "" where nothing is."""
    held = json.loads(booster.save_config())["learner"]["learner_model_param"]
    own = int(held["num_class"])
    if own == (size if several else 0):
        return ""
    return f"classes: {size} are named, and the trees answer for {own or 'one score'}"
