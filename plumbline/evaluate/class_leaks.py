"""The search for leaks of several classes: each against all others, as if it were the label. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from plumbline.core.declarations import Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines, leak_search
from plumbline.evaluate.evaluate_document import LeakSearch, LeakSuspicion
from plumbline.evaluate.leak_columns import Searched


def search(
    searched: Searched, sample: Columns, harmless: Mapping[str, str], important: list[str]
) -> LeakSearch:
    """What is suspected of any class, each by its clearest; `sample`: rows of train that fit baselines."""
    case = searched.usecase
    each = [
        (name, _of_class(searched, sample, harmless, important, code))
        for code, name in enumerate(case.classes)
    ]
    best: dict[str, LeakSuspicion] = {}
    for name, one in each:
        for found in one.found:
            if found.key not in best or found.figure > best[found.key].figure:
                text = f"{found.text}, for class {name}"
                best[found.key] = found.model_copy(update={"text": text})
    persistence = [one.persistence for _, one in each if one.persistence is not None]
    return LeakSearch(
        columns=max(one.columns for _, one in each),
        found=list(best.values()),
        persistence=max(persistence, default=None),
        unused=sorted(set(harmless) - set(best)),
    )


def against_others(usecase: UseCase) -> UseCase:
    """The use case as if its label were whether an event is of one of its classes."""
    label = replace(usecase.column(usecase.label), type="int", allowed=(), min=0, max=1)
    columns = tuple(label if c.name == usecase.label else c for c in usecase.columns)
    return replace(usecase, problem="classification", columns=columns, behaviours=())


def _of_class(
    searched: Searched,
    sample: Columns,
    harmless: Mapping[str, str],
    important: list[str],
    code: int,
) -> LeakSearch:
    case = against_others(searched.usecase)
    rows = _labelled(case, sample, code)
    label = np.asarray(rows[case.label], np.float64)
    own = replace(
        searched,
        usecase=case,
        train=_labelled(case, searched.train, code),
        test=_labelled(case, searched.test, code),
        valid=_labelled(case, searched.valid, code),
        first=_labelled(case, searched.first, code),
        last=_labelled(case, searched.last, code),
    )
    if len(np.unique(label)) < 2:
        return LeakSearch(columns=0, found=[], persistence=None, unused=[])
    given = case, case.features, rows, label
    models = baselines.fit(*given), baselines.fit_tree(*given)
    return leak_search.search(own, harmless, models, important)


def _labelled(case: UseCase, table: Columns, code: int) -> dict[str, np.ndarray]:
    return {**table, case.label: (np.asarray(table[case.label]) == code).astype(np.float64)}
