"""The model card's section on its data: source, licence, what was set aside or let through, windows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plumbline.core.usecase import UseCase
from plumbline.evaluate.evaluate_document import DataOrigin, EvaluateDocument, ServedRows
from plumbline.report import columns
from plumbline.report.blocks import Block, Heading, Table
from plumbline.report.numbers import NONE, figure, share

WINDOWS = ("train", "valid", "test", "current")


def section(usecase: UseCase, figures: EvaluateDocument) -> list[Block]:
    """The source, its rows, the rows in quarantine, and the days of each window."""
    data = figures.data
    rows = [("source", data.source), *_licence(usecase)]
    if data.sha256:
        rows.append(("sha256 of the source", f"`{data.sha256}`"))
    if data.span:
        rows.append(("span", " to ".join(data.span)))
    if data.as_of:
        rows.append(("as of", data.as_of))
    rows += [(f"left out: not {rule}", figure(n)) for rule, n in data.left_out.items()]
    for kind, counts in data.rows.items():
        rows.append((f"rows of {kind}", figure(counts["in"])))
        rows.append((f"{kind} in quarantine", _quarantined(counts["set_aside"], data, kind)))
    rows += [("let through", text) for text in data.let_through]
    rows += [("to be looked at", text) for text in data.irregularities]
    rows += [("plan", text) for text in data.plan]
    rows += [("of some rows", text) for text in figures.sampled or ()]
    windows = {name: data.windows[name] for name in WINDOWS if name in data.windows}
    if any(one.class_rows for one in windows.values()):
        return [
            Heading("Data"),
            Table("Source", ("item", "value"), rows),
            _by_class(windows, figures),
        ]
    rated = any(one.label_rate is not None for one in windows.values())
    head = (
        "window",
        "from",
        "to (excluded)",
        "rows",
        "share of positives" if rated else "mean label",
    )
    levels = [one.label_rate if rated else one.label_mean for one in windows.values()]
    texts = columns.figures(levels, percent=rated)
    spans = [
        (*_window(name, one), text)
        for (name, one), text in zip(windows.items(), texts, strict=True)
    ]
    return [
        Heading("Data"),
        Table("Source", ("item", "value"), rows),
        Table("Windows", head, spans),
    ]


def _by_class(windows: Mapping[str, ServedRows], figures: EvaluateDocument) -> Table:
    """The windows with the share of each class."""
    names = figures.classes.names if figures.classes else []
    rows = [(*_window(name, one), *_shares(one, names)) for name, one in windows.items()]
    return Table("Windows", ("window", "from", "to (excluded)", "rows", *names), rows)


def _shares(one: ServedRows, names: Sequence[str]) -> list[str]:
    counts = one.class_rows or {}
    known = sum(counts.values())
    return [share(counts.get(n, 0) / known) if known else NONE for n in names]


def _licence(usecase: UseCase) -> list[tuple[str, str]]:
    """Licence, purpose and persons, as the contract declares them."""
    if usecase.terms is None:
        text = f"not declared; declare `terms` in `usecases/{usecase.name}/contract.py`"
        return [("licence and purpose", text)]
    terms = usecase.terms
    consent = f"; used by: {terms.consent}" if terms.consent else ""
    rows = [("licence", terms.licence), ("collected for", terms.purpose)]
    return [*rows, ("persons in it", terms.persons + consent)]


def _quarantined(count: int, data: DataOrigin, kind: str) -> str:
    reasons = data.quarantined.get(kind, {})
    text = ", ".join(f"{name}: {figure(n)}" for name, n in reasons.items())
    return figure(count) + (f" ({text})" if text else "")


def _window(name: str, one: ServedRows) -> tuple[str, ...]:
    return name, one.start or NONE, one.end or NONE, figure(one.rows)
