"""The search for leaks before a model is accepted: what nearly answers by itself, column by column. Pure.

A first model has nothing to be compared with. What it is made of has: the label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from plumbline.core.documents import rounded
from plumbline.core.errors import ParamsError, suggest
from plumbline.core.usecase import UseCase
from plumbline.evaluate import leak_columns, leak_formulas, leak_groups, leak_rows, leak_twins
from plumbline.evaluate.baselines import Linear, Tree
from plumbline.evaluate.evaluate_document import LeakSearch, LeakSuspicion
from plumbline.evaluate.leak_columns import Searched, Suspect

MEASURES = {"classification": "average precision above chance", "regression": "R²"}
MOST_COLUMNS = 100
"""Columns of the source whose rows are compared with each other."""
ROWS = "rows"
"""The name under which equal rows in train and test are declared harmless."""


def columns(usecase: UseCase) -> list[str]:
    """The columns of the model tables that a search reads."""
    further = [n for n in (usecase.naive, usecase.offset, usecase.time) if n is not None]
    known = [c.name for c in usecase.known]
    return list(dict.fromkeys([*usecase.features, usecase.label, *further, *known]))


def search(
    searched: Searched,
    harmless: Mapping[str, str],
    baselines: tuple[Linear, Tree],
    important: Sequence[str] = (),
) -> LeakSearch:
    """What is suspected, each with the reason why it is harmless where that is declared.

    `important`: features, the most used first: where they are many, formulas are made of these. The same on
    any number of processors. Raises ParamsError for a declaration of what is no column.
    """
    from threadpoolctl import threadpool_limits

    _check(searched.usecase, harmless)
    enough = _enough(searched)
    searched = replace(searched, persistence=leak_rows.persistence(searched))
    with threadpool_limits(limits=1):
        suspects = list(_suspects(searched, baselines, important)) if enough else []
    measure = MEASURES["classification" if searched.labels[0].classes else "regression"]
    found = [_suspicion(one, measure, harmless) for one in suspects]
    return LeakSearch(
        columns=len(searched.names) if enough else 0,
        found=found,
        persistence=rounded(searched.persistence) or None,
        unused=sorted(set(harmless) - {one.key for one in found}),
    )


def _suspects(
    searched: Searched, models: tuple[Linear, Tree], important: Sequence[str]
) -> Iterator[Suspect]:
    found = list(leak_columns.suspects(searched))
    named = {name for one in found for name in one.columns}
    used = tuple(n for n in _used(searched.usecase) if n not in named)
    found += leak_rows.suspects(searched, used)
    named |= {name for one in found for name in one.columns}
    found += leak_groups.encodings(searched, tuple(n for n in used if n not in named))
    found += leak_twins.suspects(searched)
    named |= {name for one in found for name in one.columns}
    ordered = dict.fromkeys([*(n for n in important if n in searched.names), *searched.names])
    left = [n for n in ordered if n not in named]
    yield from found
    yield from leak_formulas.suspects(searched, left, *models)


def _enough(searched: Searched) -> bool:
    """Whether the windows have rows enough (of the rarer class, too) that chance alone names nothing."""
    return leak_columns.enough(*searched.labels)


def _used(usecase: UseCase) -> tuple[str, ...]:
    """The known numbers that the model is made of, direct or not; no key, id or code."""
    used = {*usecase.features, usecase.naive, usecase.offset}
    used |= {name for row in usecase.rows for name in row.inputs}
    for one in usecase.aggregates:
        used |= {one.column, *(w.column for w in one.where)}
    apart = {
        usecase.key,
        *usecase.entity_columns,
        *(c.name for c in usecase.categories),
    }
    numbers = [c.name for c in usecase.known if c.type in ("int", "float", "bool")]
    return tuple(n for n in numbers if n in used and n not in apart)[:MOST_COLUMNS]


def _suspicion(one: Suspect, measure: str, harmless: Mapping[str, str]) -> LeakSuspicion:
    key = ", ".join(sorted(one.columns))
    return LeakSuspicion(
        key=key,
        text=one.text,
        measure=one.measure or measure,
        figure=rounded(one.figure),
        harmless=harmless.get(key),
    )


def _check(usecase: UseCase, harmless: Mapping[str, str]) -> None:
    """ParamsError where a declaration names what the use case does not have."""
    there = {*usecase.available, *(c.name for c in usecase.known), ROWS}
    for key in harmless:
        for name in key.split(", "):
            if name not in there:
                raise ParamsError(
                    f"params.yaml, {usecase.name}.evaluate.harmless: there is no column '{name}'; "
                    f'{suggest(name, sorted(there))}. Several columns are written as one text, "a, b".'
                )
