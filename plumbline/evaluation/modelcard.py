"""The model card: what the model is for, how good it is and how it was made, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plumbline.usecase import UseCase

WORDS = {
    "ece": "expected calibration error",
    "mae": "mean absolute error",
    "r2": "R²",
    "rmse": "root mean squared error",
    "roc_auc": "ROC AUC",
    "error_p50": "median absolute error",
    "error_p90": "90 % absolute error",
    "precision_at_k": "precision at k a day",
    "recall_at_false_alarm": "recall at the false-alarm rate",
}
TOP = 10

Figures = Mapping[str, Any]


def render(
    usecase: UseCase, figures: Figures, asked: Figures, made: Figures, important: Sequence[str]
) -> str:
    """The card's text.

    `figures`: evaluate.json's. `asked`: params evaluate. `made`: provenance of the bundle, by name.
    `important`: features by falling gain.
    """
    parts = [
        f"# Model card: {usecase.title}",
        _summary(usecase, figures),
        "## Verdict",
        _verdict(figures),
        "## Quality",
        f"{_window(figures)} Intervals: {asked['level']:.0%}, {asked['bootstrap']} bootstrap replicates"
        f" of whole {'days' if usecase.time else 'rows'}.",
        _quality(figures),
        _differences(figures),
        _asked(figures, asked),
        "![Quality](quality.png)",
        *_months(usecase, figures),
        *_slices(usecase, figures),
        "## Expected behaviours",
        _behaviours(usecase, figures),
        "## What it looks at",
        ", ".join(f"`{name}`" for name in important[:TOP]) + " (by gain).",
        "![Importance](importance.png)",
        "## How it was made",
        table(("what", "value"), [(k, f"`{v}`") for k, v in made.items()]),
        "## Limits",
        _limits(usecase),
    ]
    return "\n\n".join(p for p in parts if p) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in lines)


def words(metric: str) -> str:
    """A metric's name as one reads it.

    >>> words("cost_saved")
    'cost saved'
    """
    return WORDS.get(metric, metric.replace("_", " "))


def number(value: float | None) -> str:
    """Four significant digits, without an exponent; a dash for nothing."""
    if value is None or value != value:
        return "–"
    digits = f"{value:.4g}"
    return f"{value:,.0f}" if abs(value) >= 10_000 or "e+" in digits else digits


def interval(found: Figures) -> str:
    """A figure with its interval, where there is one."""
    if found["low"] is None or found["low"] != found["low"]:
        return number(found["value"])
    return f"{number(found['value'])} ({number(found['low'])} to {number(found['high'])})"


def _summary(usecase: UseCase, figures: Figures) -> str:
    delay = f", known {usecase.label_delay} days after the event" if usecase.label_delay else ""
    label = usecase.column(usecase.label)
    unit = f" in {label.unit}" if label.unit not in ("-", "0/1") else ""
    return (
        f"A {figures['problem']} of `{usecase.label}` ({label.description}{unit}{delay}), "
        f"from {len(usecase.features)} features. Owner: {usecase.owner}."
    )


def _verdict(figures: Figures) -> str:
    gate = figures["gate"]
    return "\n".join([f"**{gate['verdict']}**", "", *(f"- {r}" for r in gate["reasons"])])


def _window(figures: Figures) -> str:
    rows = figures["rows"]
    days = f" on {rows['days']} days" if "days" in rows else ""
    positives = f", {rows['positives']:,} of them positive" if "positives" in rows else ""
    return f"Test window: {rows['test']:,} rows{days}{positives}."


def _quality(figures: Figures) -> str:
    others = figures["baselines"]
    rows = []
    for metric, found in figures["metrics"].items():
        cells = [number(o.get(metric)) for o in others.values()]
        rows.append((words(metric), interval(found), *cells))
    return table(("metric", "model", *others), rows)


def _differences(figures: Figures) -> str:
    rows = [
        (f"minus {name}", interval(found), _percent(found["relative"]), found["word"])
        for name, found in figures["differences"].items()
    ]
    return table((words(figures["primary"]), "difference", "relative", "the model is"), rows)


def _asked(figures: Figures, asked: Figures) -> str:
    if figures["problem"] == "regression":
        return "Bias is prediction minus label."
    return (
        f"k = {asked['k']} alarms a day; false-alarm rate {asked['false_alarm_rate']:.2%}. "
        "A naive score ranks, it is no probability."
    )


def _months(usecase: UseCase, figures: Figures) -> list[str]:
    months = figures.get("months")
    if not months:
        return []
    against = "naive" if usecase.naive else "constant"
    rows = [
        (
            m,
            f"{f['rows']:,}",
            interval(f),
            interval(f["differences"][against]),
            f["differences"][against]["word"],
        )
        for m, f in months.items()
    ]
    head = ("month", "rows", words(figures["primary"]), f"minus {against}", "the model is")
    return ["## By month", table(head, rows), "![By month](months.png)"]


def _slices(usecase: UseCase, figures: Figures) -> list[str]:
    if not usecase.slices:
        return []
    rows = [
        (piece.description, group, f"{found['rows']:,}", interval(found))
        for piece in usecase.slices
        for group, found in figures["slices"][piece.name].items()
    ]
    head = ("slice", "group", "rows", words(figures["primary"]))
    return ["## By slice", table(head, rows), "![By slice](slices.png)"]


def _behaviours(usecase: UseCase, figures: Figures) -> str:
    if not usecase.behaviours:
        return "None is declared."
    rows = []
    for one in usecase.behaviours:
        found = figures["behaviours"][one.name]
        held = f"{found['share']:.1%} of {found['pairs']:,} pairs"
        rows.append(
            (
                one.description,
                held,
                f"{found['required']:.1%}",
                "holds" if found["holds"] else "broken",
            )
        )
    return table(("behaviour", "found", "required", ""), rows)


def _limits(usecase: UseCase) -> str:
    lines = ["Figures hold for events like those of the test window, and no others."]
    if usecase.time:
        lines.append(
            "Intervals take days as independent of each other; a change of regime is not in them."
        )
    if usecase.costs:
        lines.append(
            f"Money is in {usecase.costs.unit}: a missed case loses {usecase.costs.missed_share:.0%} of "
            f"`{usecase.costs.missed}`, a false alarm costs {usecase.costs.alarm:g}."
        )
    lines.append("Importance by gain says what the trees split on, not what causes the label.")
    return "\n".join(f"- {line}" for line in lines)


def _percent(share: float | None) -> str:
    return "–" if share is None or share != share else f"{share:+.1%}"
