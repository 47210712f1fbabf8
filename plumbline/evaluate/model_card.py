"""The model card: what the model is for, how good it is, where not, and how it was made. Pure.

It is a function of the use case and of evaluate.json alone, so that a card can be held against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.core.usecase import Slice, UseCase
from plumbline.evaluate import model_card_costs, model_card_sections, slices
from plumbline.report import card_page
from plumbline.report.card_text import (
    Bullets,
    Figures,
    Heading,
    Part,
    Picture,
    Rows,
    Text,
    Title,
    interval,
    markdown,
    number,
    words,
)

MARKDOWN, PAGE = "model_card.md", "model_card.html"


def render(usecase: UseCase, figures: Figures) -> str:
    """The card as Markdown; `figures`: evaluate.json's."""
    return markdown(parts(usecase, figures))


def page(usecase: UseCase, figures: Figures, pictures: Mapping[str, bytes]) -> str:
    """The card as an HTML page, with the PNGs by name within."""
    return card_page.render(parts(usecase, figures), pictures)


def parts(usecase: UseCase, figures: Figures) -> list[Part]:
    """All sections that the problem and the declarations allow; none is empty."""
    return [
        Title(f"Model card: {usecase.title}"),
        Text(_summary(usecase, figures)),
        Heading("Verdict"),
        Text(f"**{figures['gate']['verdict']}**"),
        Bullets(figures["gate"]["reasons"]),
        *model_card_sections.use(usecase),
        *model_card_sections.data(figures),
        *model_card_sections.quality(usecase, figures),
        *model_card_sections.calibration(figures),
        *model_card_costs.policies(figures),
        *_slices(usecase, figures),
        *_found(usecase, figures),
        *_fairness(usecase, figures),
        Heading("Expected behaviours"),
        _behaviours(usecase, figures),
        *model_card_sections.looks(figures["important"]),
        Heading("Limits"),
        Bullets(_limits(usecase)),
        *_lineage(usecase, figures),
    ]


def _summary(usecase: UseCase, figures: Figures) -> str:
    delay = f", known {usecase.label_delay} days after the event" if usecase.label_delay else ""
    label = usecase.column(usecase.label)
    unit = f" in {label.unit}" if label.unit not in ("-", "0/1") else ""
    return (
        f"A {figures['problem']} of `{usecase.label}` ({label.description}{unit}{delay}), "
        f"from {len(usecase.features)} features. Owner: {usecase.owner}."
    )


def _slices(usecase: UseCase, figures: Figures) -> list[Part]:
    rows = [
        (piece.description, group, f"{found['rows']:,}", interval(found))
        for piece in usecase.slices
        for group, found in _groups(piece, figures["slices"][piece.name])
    ]
    if not rows:
        return [Heading("Slices declared"), Text("None is declared.")]
    head = ("slice", "group", "rows", words(figures["primary"]))
    return [
        Heading("Slices declared"),
        Rows("Quality by slice", head, rows),
        Picture("slices", "Quality by slice, with intervals and limits"),
    ]


def _found(usecase: UseCase, figures: Figures) -> list[Part]:
    found, units = figures["subgroups"], "days" if usecase.time else "rows"
    classes = figures["problem"] == "classification"
    loss = "log loss beyond what the model expects" if classes else "mean absolute error"
    said = (
        f"{found['looked_at']:,} subgroups of one or two conditions on {found['columns']} columns were "
        f"looked at on half of the test {units}. The {found['tried']} worst were put to the other half; "
        f"{found['confirmed']} of them are confirmed at {found['level']:.0%}, corrected for the number "
        f"tried. Compared is the {loss}; "
        "chance is that of so much by chance alone, corrected."
    )
    rows = [_subgroup(one, figures["primary"]) for one in found["found"]]
    more = ("positives (expected)",) if classes else ()
    means = ("loss", "elsewhere", "chance", words(figures["primary"]))
    head = ("subgroup", "verdict", "rows", *more, *means)
    told: list[Part] = [Rows("The worst subgroups found", head, rows)] if rows else []
    return [Heading("Slices found"), Text(said), *told]


def _subgroup(one: Figures, primary: str) -> tuple[str, ...]:
    verdict = "confirmed" if one["confirmed"] else "not confirmed"
    cases = [f"{one['positives']} ({number(one['expected'])})"] if "positives" in one else []
    means = [number(one[key]) for key in ("excess", "elsewhere", "corrected")]
    return one["rule"], verdict, f"{one['rows']:,}", *cases, *means, interval(one[primary])


def _fairness(usecase: UseCase, figures: Figures) -> list[Part]:
    note = [Text(usecase.use.fairness)] if usecase.use.fairness else []
    if not figures["fairness"]:
        text = "No groups are declared between which the model should treat alike."
        return [Heading("Fairness"), *note, Text(text)]
    told = figures["fairness"]
    gaps = [
        (piece.description, words(rate), g["higher"], g["lower"], interval(g), g["word"])
        for piece in usecase.groups
        for rate, g in told[piece.name]["gaps"].items()
        if g
    ]
    rates = next(iter(told.values()))["gaps"]
    groups = [
        (piece.description, group, f"{one['rows']:,}", *(interval(one[rate]) for rate in rates))
        for piece in usecase.groups
        for group, one in _groups(piece, told[piece.name]["groups"])
    ]
    head = ("groups by", "group", "rows", *(words(rate) for rate in rates))
    return [
        Heading("Fairness"),
        *note,
        Rows(
            "The widest gap between two groups; the interval allows for all pairs",
            ("groups by", "gap in", "higher", "lower", "gap", "found"),
            gaps,
        ),
        Rows("Rates by group", head, groups),
        Picture("fairness", "Rates by group, with intervals"),
    ]


def _groups(piece: Slice, found: Figures) -> list[tuple[str, Any]]:
    return [(name, found[name]) for name in slices.ordered(found, piece.edges)]


def _behaviours(usecase: UseCase, figures: Figures) -> Part:
    if not usecase.behaviours:
        return Text("None is declared.")
    rows = [
        _behaviour(one.description, figures["behaviours"][one.name]) for one in usecase.behaviours
    ]
    return Rows(
        "On pairs of events, as they are and changed",
        ("behaviour", "found", "required", "it"),
        rows,
    )


def _behaviour(description: str, found: Figures) -> tuple[str, ...]:
    held = f"{found['share']:.1%} of {found['pairs']:,} pairs"
    word = "holds" if found["holds"] else "broken"
    return description, held, f"{found['required']:.1%}", word


def _limits(usecase: UseCase) -> list[str]:
    lines = ["Figures hold for events like those of the test window, and no others."]
    if usecase.time:
        lines.append(
            "Intervals take days as independent of each other; a change of regime is not in them."
        )
    lines.append("Importance by gain says what the trees split on, not what causes the label.")
    return [*usecase.use.limits, *lines]


def _lineage(usecase: UseCase, figures: Figures) -> list[Part]:
    rows = [(f"md5 of {name}", f"`{md5}`") for name, md5 in figures["data"]["md5"].items()]
    rows += [(name, f"`{value}`") for name, value in figures["made"].items()]
    return [
        Heading("Lineage"),
        Text(
            "A card cannot name the commit that holds it. With that commit checked out, `python -m "
            f"plumbline lineage models/{usecase.name}` prints the chain from this model back to the "
            f"source, and `git log -1 -- metrics/{usecase.name}/evaluate.json` the commit."
        ),
        Rows("What the model was made from", ("what", "value"), rows),
    ]
