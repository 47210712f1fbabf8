"""The model card: what the model is for, how good it is and where not, and what it was made from. Pure.

It is a function of the use case and of evaluate.json alone, so that it can be checked against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from plumbline.core.declarations import Slice
from plumbline.core.usecase import UseCase
from plumbline.evaluate import (
    model_card_assumptions,
    model_card_classes,
    model_card_costs,
    model_card_data,
    model_card_decisions,
    model_card_footprint,
    model_card_sections,
    slices,
    subgroup_words,
)
from plumbline.evaluate.evaluate_document import BehaviourOutcome, EvaluateDocument
from plumbline.evaluate.fairness_document import GroupFairness
from plumbline.evaluate.sections import LEFT_OUT
from plumbline.evaluate.subgroup_document import Subgroup
from plumbline.metrics.interval import Interval
from plumbline.report import columns, html, markdown
from plumbline.report.blocks import Block, Bullets, Fold, Heading, Picture, Table, Text, Title
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import count, figure, fixed, share

KINDS = {"multiclass": "classification"}
VERDICTS = {"pass": "**✓ Pass**", "fail": "**✗ Fail**"}
Group = TypeVar("Group")
MARKDOWN, PAGE = "model_card.md", "model_card.html"


def render(usecase: UseCase, figures: EvaluateDocument) -> str:
    """The card as Markdown; `figures`: evaluate.json's."""
    return markdown.file(parts(usecase, figures))


def page(usecase: UseCase, figures: EvaluateDocument, pictures: Mapping[str, bytes]) -> str:
    """The card as an HTML page; `pictures`: the PNGs that it embeds, by name."""
    return html.render(parts(usecase, figures), pictures)


def parts(usecase: UseCase, figures: EvaluateDocument) -> list[Block]:
    """The sections that apply to the problem and to the declarations; none is empty."""
    return [
        Title(f"Model card: {usecase.title}"),
        Text(_summary(usecase, figures)),
        Heading("Verdict"),
        Text(VERDICTS[figures.gate.verdict]),
        Text(model_card_sections.headline(figures)),
        Bullets(figures.gate.reasons),
        *model_card_sections.level(figures),
        *model_card_sections.use(usecase),
        *model_card_data.section(usecase, figures),
        *model_card_sections.quality(usecase, figures),
        *model_card_sections.calibration(figures),
        *model_card_classes.section(figures),
        *model_card_costs.section(figures),
        *model_card_decisions.section(figures.decisions),
        *_per_entity(figures),
        *_slices(usecase, figures),
        *_subgroups(usecase, figures),
        *_fairness(usecase, figures),
        Heading("Expected behaviours"),
        _behaviours(usecase, figures),
        *model_card_sections.importance(figures.important),
        *model_card_sections.leaks(figures.leaks),
        *model_card_footprint.section(figures.footprint),
        *model_card_assumptions.section(usecase, figures),
        Heading("Limits"),
        Bullets(_limits(usecase)),
        *_lineage(usecase, figures),
    ]


def _summary(usecase: UseCase, figures: EvaluateDocument) -> str:
    delay = f", known {usecase.delay_words} after the event" if usecase.delay else ""
    label = usecase.column(usecase.label)
    unit = f" in {label.unit}" if label.unit not in ("-", "0/1") else ""
    into = f" into {len(usecase.classes)} classes" if usecase.classes else ""
    return (
        f"A {KINDS.get(figures.problem, figures.problem)} of `{usecase.label}`{into} ({label.description}{unit}{delay}), "
        f"by XGBoost from {_features(usecase, figures)}. Owner: {usecase.owner}."
    )


def _features(usecase: UseCase, figures: EvaluateDocument) -> str:
    """How many features the model takes, and those that tune's selection left out."""
    text = str(figures.training.get(LEFT_OUT, ""))
    left_out = text.split(", ") if text else []
    taken = count(len(usecase.features) - len(left_out), "feature")
    return f"{taken} (left out, as they do not earn their cost: {text})" if left_out else taken


def _per_entity(figures: EvaluateDocument) -> list[Block]:
    one = figures.per_entity
    if one is None:
        return []
    text = (
        f"Of the {one.k} best `{one.item}` of each `{one.entity}`, without those that it is known to have "
        f"({count(one.removed, 'row')} of test), {_shared(one.precision)} are positive; in any order "
        f"{_shared(one.any_order)} would be. Mean over {one.entities:,} of `{one.entity}`."
    )
    return [Heading("What each is shown"), Text(text)]


def _shared(one: Interval) -> str:
    if one.value is None or one.low is None or one.high is None:
        return share(one.value) if one.value is not None else "none"
    return f"{share(one.value)} ({share(one.low)} to {share(one.high)})"


def _slices(usecase: UseCase, figures: EvaluateDocument) -> list[Block]:
    members = [
        (piece.description, group, quality)
        for piece in slices.pieces(usecase, figures.slices)
        for group, quality in _groups(piece, figures.slices[piece.name])
    ]
    if not members:
        return [Heading("Declared slices"), Text("No slices are declared.")]
    texts = columns.intervals([quality for *_, quality in members])
    rows = [
        (description, group, figure(quality.rows), text)
        for (description, group, quality), text in zip(members, texts, strict=True)
    ]
    head = ("slice", "group", "rows", metric_title(figures.primary))
    return [
        Heading("Declared slices"),
        Table("Quality by slice", head, rows),
        Picture("slices", "Quality by slice, with intervals and limits"),
    ]


def _subgroups(usecase: UseCase, figures: EvaluateDocument) -> list[Block]:
    search, units = figures.subgroups, "days" if usecase.time else "rows"
    classes = figures.problem == "classification"
    own = figures.problem == "regression"
    loss = "mean absolute error" if own else "log loss above what the model expects"
    method = (
        f"{figure(search.looked_at)} subgroups of one or two conditions on {search.columns} columns "
        f"were searched on half of the test {units}, the worst ({search.tried}) tested on the other "
        f"half, at {search.level:.0%} and corrected for the number of tests. "
        f"{_confirmed(search.confirmed)} The loss is the {loss}; p is its probability by chance alone, corrected."
    )
    rows = _worst(search.found)
    more = ("positives (expected)",) if classes else ()
    means = ("loss", "loss elsewhere", "p", metric_title(figures.primary))
    head = ("subgroup", "verdict", "rows", *more, *means)
    table = Table("The worst subgroups", head, rows)
    shown: Block = table if search.confirmed else Fold("The worst subgroups", [table])
    why = [subgroup_words.line(one.rule, one.why) for one in search.found if one.why is not None]
    reasons = [Fold("Why the model may be worse there", [Bullets(why)])] if why else []
    return [Heading("Discovered slices"), Text(method), *([shown] if rows else []), *reasons]


def _confirmed(number: int) -> str:
    if number == 0:
        return "None is confirmed."
    return "1 of them is confirmed." if number == 1 else f"{number} of them are confirmed."


def _worst(groups: Sequence[Subgroup]) -> list[tuple[str, ...]]:
    means = [
        columns.figures([one.excess for one in groups]),
        columns.figures([one.elsewhere for one in groups]),
        columns.figures([one.corrected for one in groups]),
        columns.intervals([one.metric for one in groups]),
    ]
    return [(*_subgroup(one), *texts) for one, *texts in zip(groups, *means, strict=True)]


def _subgroup(one: Subgroup) -> tuple[str, ...]:
    verdict = "confirmed" if one.confirmed else "not confirmed"
    cases = [] if one.positives is None else [f"{one.positives} ({fixed(one.expected, 1)})"]
    return one.rule, verdict, figure(one.rows), *cases


def _fairness(usecase: UseCase, figures: EvaluateDocument) -> list[Block]:
    note = [Text(usecase.use.fairness)] if usecase.use.fairness else []
    if figures.classes:
        text = (
            "Groups that the model should treat alike are compared by the recall and the false alarms of one class; "
            "of several classes the declared slices say how good it is for each group."
        )
        return [Heading("Fairness"), *note, Text(text)]
    if not figures.fairness:
        text = "No groups are declared that the model should treat alike."
        return [Heading("Fairness"), *note, Text(text)]
    gaps, groups = _gaps(usecase, figures.fairness), _rates(usecase, figures.fairness)
    rates = next(iter(figures.fairness.values())).gaps
    head = ("groups by", "group", "rows", *(metric_title(rate) for rate in rates))
    return [
        Heading("Fairness"),
        *note,
        Table(
            "The widest gap between two groups; the intervals account for all pairs",
            ("groups by", "rate", "highest", "lowest", "gap", "verdict"),
            gaps,
        ),
        *model_card_decisions.limits(figures.gap_limits),
        *model_card_decisions.reweighing(figures.reweighing),
        Table("Rates by group", head, groups),
        Picture("fairness", "Rates by group, with intervals"),
    ]


def _gaps(usecase: UseCase, fairness: Mapping[str, GroupFairness]) -> list[tuple[str, ...]]:
    gaps = [
        (piece.description, f"{metric_title(rate)}{how}", gap)
        for piece in usecase.groups
        for how, found in (
            ("", fairness[piece.name].gaps),
            (", by the decisions", fairness[piece.name].decided or {}),
        )
        for rate, gap in found.items()
        if gap
    ]
    percent = usecase.problem == "classification"
    texts = columns.intervals([gap for *_, gap in gaps], percent=percent)
    return [
        (piece, rate, gap.higher, gap.lower, text, gap.word)
        for (piece, rate, gap), text in zip(gaps, texts, strict=True)
    ]


def _rates(usecase: UseCase, fairness: Mapping[str, GroupFairness]) -> list[tuple[str, ...]]:
    members = [
        (piece.description, group, one)
        for piece in usecase.groups
        for group, one in _groups(piece, fairness[piece.name].groups)
    ]
    percent = usecase.problem == "classification"
    rates = next(iter(fairness.values())).gaps
    texts = [
        columns.intervals([one.rate(rate) for *_, one in members], percent=percent)
        for rate in rates
    ]
    return [
        (piece, group, figure(one.rows), *cells)
        for (piece, group, one), *cells in zip(members, *texts, strict=True)
    ]


def _groups(piece: Slice, groups: Mapping[str, Group]) -> list[tuple[str, Group]]:
    return [(name, groups[name]) for name in slices.ordered(groups, piece.edges)]


def _behaviours(usecase: UseCase, figures: EvaluateDocument) -> Block:
    if not usecase.behaviours:
        return Text("No behaviours are declared.")
    rows = [_behaviour(one.description, figures.behaviours[one.name]) for one in usecase.behaviours]
    return Table(
        "On pairs of events, one of them changed",
        ("behaviour", "holds for", "required", "verdict"),
        rows,
    )


def _behaviour(description: str, result: BehaviourOutcome) -> tuple[str, ...]:
    held = f"{share(result.share)} of {figure(result.pairs)} pairs"
    verdict = "holds" if result.holds else "violated"
    return description, held, share(result.required), verdict


def _limits(usecase: UseCase) -> list[str]:
    lines = ["The figures apply only to events like those of the test window."]
    if usecase.time:
        lines.append(
            "The intervals treat days as independent; they do not cover a change of regime."
        )
    lines.append("Importance by gain shows what the trees split on, not what causes the label.")
    return [*usecase.use.limits, *lines]


def _lineage(usecase: UseCase, figures: EvaluateDocument) -> list[Block]:
    md5s = [(f"md5 of {name}", f"`{md5}`") for name, md5 in figures.data.md5.items()]
    settings = [(name, f"`{value}`") for name, value in figures.training.items()]
    return [
        Heading("Lineage"),
        Text(
            "A card cannot name the commit that contains it. With that commit checked out, "
            f"`plumbline lineage models/{usecase.name}` prints the chain from this model back to the "
            f"source, and `git log -1 -- metrics/{usecase.name}/evaluate.json` the commit."
        ),
        Table("What the model was made from", ("what", "value"), md5s),
        Table("Hyperparameters and seed", ("setting", "value"), settings),
    ]
