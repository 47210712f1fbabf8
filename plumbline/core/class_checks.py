"""What is refused of a label of several classes, and of what has no meaning with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plumbline.core.errors import SpecError, suggest

if TYPE_CHECKING:
    from plumbline.core.usecase import Contract, FeatureSet, UseCase

FEWEST, MOST = 3, 20
"""Classes of a multiclass label."""


def label(usecase: Contract) -> None:
    """SpecError unless the label's column lists its classes, each once."""
    column = usecase.column(usecase.label)
    where = f"usecases/{usecase.name}/contract.py: the label '{column.name}' of several classes"
    if column.type not in ("string", "int"):
        raise SpecError(f"{where} is of type {column.type}; expected string or int.")
    if not FEWEST <= len(column.allowed) <= MOST:
        more = ' Two classes are a problem="classification".' if len(column.allowed) == 2 else ""
        raise SpecError(
            f"{where} has {len(column.allowed)} values in allowed=(...); expected its {FEWEST} to {MOST} "
            f"classes. Put rare ones together in derive=...{more}"
        )
    twice = [v for v in column.allowed if column.allowed.count(v) > 1]
    if twice:
        raise SpecError(f"{where}: allowed has {twice[0]!r} twice; remove one.")
    own = {f"probability_{c}" for c in column.allowed} | {"decision"}
    taken = own.intersection(n for n in (usecase.key, usecase.time, usecase.label) if n)
    if taken:
        raise SpecError(
            f"{where}: '{min(taken)}' is a column of the predictions; rename the contract's."
        )
    blank = [v for v in column.allowed if not str(v).strip() or not str(v).isprintable()]
    if blank:
        raise SpecError(f"{where}: {blank[0]!r} is no name to show; derive another.")


def features(usecase: FeatureSet) -> None:
    """SpecError for features that are made of a label that is a number."""
    if usecase.problem != "multiclass":
        return
    where = f"usecases/{usecase.name}/features.py"
    if usecase.offset is not None:
        raise SpecError(
            f"{where}: offset '{usecase.offset}': several classes start from none; remove it."
        )
    if usecase.encodings:
        raise SpecError(
            f"{where}: encoding '{usecase.encodings[0].name}' is a mean of the label, and classes have none; "
            "make the column a Category."
        )
    summed = [f for f in usecase.aggregates if f.column == usecase.label]
    if summed:
        raise SpecError(
            f"{where}: '{summed[0].name}' sums the label, and classes have no sum; derive a 0/1 column of one "
            "class with known=False, and sum that."
        )


def model(usecase: UseCase) -> None:
    """SpecError for what one number answers, of several classes; for a class that is none."""
    several = usecase.problem == "multiclass"
    where = f"usecases/{usecase.name}/model.py"
    for one in usecase.behaviours:
        named = f"{where}: behaviour '{one.name}'"
        if not several and one.of is not None:
            raise SpecError(
                f"{named}: of={one.of!r} names a class, and this is a {usecase.problem}; remove it."
            )
        if several and one.of not in usecase.classes:
            raise SpecError(
                f"{named}: of={one.of!r}; expected the class whose probability is meant: "
                f"{suggest(str(one.of), [str(c) for c in usecase.classes])}."
            )
        if several and one.expect in ("above", "below") and one.limit is None:
            raise SpecError(
                f"{named} expects '{one.expect}', and several classes have no threshold; give it a limit."
            )
    if not several:
        return
    if usecase.naive is not None:
        raise SpecError(
            f"{where}: naive '{usecase.naive}' is one number, and several classes need a probability each; "
            "remove it: the shares of the classes, a linear model and a small tree are the baselines."
        )
    if usecase.groups:
        raise SpecError(
            f"{where}: groups compare recall and false alarms of one positive class; name the groups as slices, or "
            "declare a classification of the class that matters."
        )
