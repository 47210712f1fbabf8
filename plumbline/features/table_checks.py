"""Whether the model tables that were written can be learnt from: rows, both classes, numbers that the model tells apart."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np

from plumbline.core.errors import ContractError
from plumbline.core.tables import Counts
from plumbline.core.usecase import FeatureSet
from plumbline.features.catalog import Written
from plumbline.features.splits import SplitWindow

log = logging.getLogger("plumbline")


def check(usecase: FeatureSet, written: Written, windows: Mapping[str, SplitWindow]) -> Written:
    """`written`, or ContractError where a table is empty, or has one class where both are needed."""
    for name, (counts, unlabelled) in written.items():
        if not counts.rows:
            raise ContractError(_no_rows(usecase, written, windows, name, unlabelled))
    both = ("train",) if usecase.problem == "regression" else ("train", "valid", "test")
    for name in (n for n in both if n in written):
        _check_classes(usecase, written[name][0], name, windows)
    _check_learned(usecase, written["train"][0], windows)
    _warn_rounded(usecase, written)
    return written


def _no_rows(
    usecase: FeatureSet,
    written: Written,
    windows: Mapping[str, SplitWindow],
    name: str,
    unlabelled: int,
) -> str:
    if windows:
        return (
            f"{usecase.name}: no row with a known label for {name}{dates(windows, name)} "
            f"({unlabelled} without); widen features.{name}_days, or move data.as_of."
        )
    total = sum(counts.rows for counts, _ in written.values())
    known = "1 row" if total == 1 else f"{total} rows"
    split = ", ".join(f"{table} {counts.rows}" for table, (counts, _) in written.items())
    share = "the other shares lower" if name == "train" else f"features.{name}_share higher"
    return (
        f"{usecase.name}: {known} with a known label, split into {split}; expected at least one "
        f"in each, and some hundred in all to tell a good model from a bad one. Add rows, or set {share} "
        "in params.yaml."
    )


def _check_classes(
    usecase: FeatureSet, counts: Counts, name: str, windows: Mapping[str, SplitWindow]
) -> None:
    low, high = (np.float32(end) for end in counts.label_ends)
    if low < high:
        return
    only = repr(usecase.classes[int(low)]) if usecase.classes else f"{low:g}"
    use = {"train": "learnt", "valid": "tuned", "test": "judged"}[name]
    more = f"raise features.{name}_{'days' if windows else 'share'}"
    if name == "train":
        more = "move data.as_of, or give train more days" if windows else "lower the other shares"
    raise ContractError(
        f"{usecase.name}: '{usecase.label}' is {only} on all {counts.labelled} rows of "
        f"{name}{dates(windows, name)}; nothing can be {use} from it. Correct the label, add rows, or "
        f"{more} in params.yaml."
    )


def _check_learned(usecase: FeatureSet, counts: Counts, windows: Mapping[str, SplitWindow]) -> None:
    """ContractError where train has no row of one of several classes."""
    absent = [name for name, rows in counts.classes.items() if not rows]
    if absent:
        raise ContractError(
            f"{usecase.name}: train{dates(windows, 'train')} has no row of class {', '.join(absent)}; nothing "
            f"can be learnt of it. Give train more rows, or take it out of allowed=(...) of '{usecase.label}'."
        )


def _warn_rounded(usecase: FeatureSet, written: Written) -> None:
    """Warn of features whose whole numbers the model's float32 makes equal."""
    for name, lost in written["train"][0].rounded.items():
        if lost:
            log.warning(
                "features: %s: feature '%s': %d of train's distinct values are equal to another in the model's "
                "float32, which has whole numbers up to 16,777,216; use a smaller unit, or a Row of it",
                usecase.name, name, lost,
            )  # fmt: skip


def dates(windows: Mapping[str, SplitWindow], name: str) -> str:
    return f" ({windows[name].start} to {windows[name].end})" if name in windows else ""
