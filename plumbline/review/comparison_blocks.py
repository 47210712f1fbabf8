"""A comparison as a report's blocks: the verdict first, then each use case. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plumbline.core.errors import PlumblineError
from plumbline.report.blocks import (
    Bars,
    Block,
    Bullets,
    Fold,
    Graph,
    Heading,
    Table,
    Text,
    Tone,
    Verdict,
)
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure, share
from plumbline.review import changes, look_words, merge_gate, version_words
from plumbline.review.comparison import Comparison, UseCaseComparison
from plumbline.review.comparison_sections import (
    NotComparable,
    PairedGroup,
    PairedResult,
    Result,
    RevisionName,
    SameModel,
)
from plumbline.review.definition_sections import DefinitionChanges
from plumbline.review.metric_change import CELLS, MetricChange, change
from plumbline.review.verdict_line import reason, verdict

TONES: Mapping[str, Tone] = {"yes": "good", "overridden": "plain", "no": "bad", "failed": "bad"}
QUALITY = ("metric", "unit", *CELLS)
SLICES = ("slice", "rows", *CELLS)


def blocks(comparison: Comparison, name: str) -> list[Block]:
    """The whole report. The verdict is judged again from the figures, not taken from the JSON.

    PlumblineError, with `name`, where the comparison lacks a figure.
    """
    try:
        return list(_blocks(merge_gate.judged(comparison)))
    except KeyError as error:
        raise PlumblineError(
            f"{name}: damaged: no {error}; write it again with `plumbline compare`"
        ) from None


def _blocks(comparison: Comparison) -> Iterator[Block]:
    gate = comparison.gate
    yield Verdict(verdict(comparison), TONES[gate.verdict])
    yield Text(_revisions(comparison))
    yield from changes.rules(comparison.rules)
    for name, usecase in comparison.usecases.items():
        yield from changes.harmless(name, usecase.evaluate.harmless)
    if comparison.judge == "head":
        yield Text(
            "Judged by head's library: base's is older than this comparison, or cannot read it."
        )
    if comparison.failed:
        yield Text("No figures are shown: the files on disk are those of an earlier run.")
        return
    if len(gate.reasons) > 1:
        yield Bullets([reason(r) for r in gate.reasons[1:]])
    for name, why in gate.overrides.items():
        yield Text(f"Override of {name or 'the project'} in params.yaml: {why}")
    if gate.lifted:
        yield Bullets([f"overridden: {reason(r)}" for r in gate.lifted])
    if comparison.packages:
        yield from changes.packages(comparison.packages)
    if not comparison.lock.checked:
        yield Text("dvc.lock was not checked, because head is not the work tree.")
    for name, usecase in comparison.usecases.items():
        defined = version_words.by_name(comparison.definitions, name)
        yield from _usecase(name, usecase, defined, comparison.release)
    if comparison.unchanged:
        yield Text(f"Use cases that did not change: {', '.join(comparison.unchanged)}.")
    if comparison.removed:
        yield Text(f"Removed use cases: {', '.join(comparison.removed)}.")


def _revisions(comparison: Comparison) -> str:
    text = f"Head (this change): {_revision(comparison.head)}. Base: {_revision(comparison.base)}."
    release = comparison.release
    return f"{text} Last release: {_revision(release)}." if release else text


def _revision(side: RevisionName) -> str:
    if side.commit is None:
        return f"{side.name} (not committed)"
    commit = side.commit[:10]
    return side.name if side.name in (commit, side.commit) else f"{side.name} ({commit})"


def _usecase(
    name: str,
    usecase: UseCaseComparison,
    defined: DefinitionChanges,
    release: RevisionName | None,
) -> Iterator[Block]:
    yield Heading(name)
    yield from map(Text, changes.lines(usecase, defined))
    yield from map(Text, look_words.lines(usecase))
    changed = frozenset(s.name for s in usecase.stages)
    stages = (*(name for edge in usecase.edges for name in edge), *(s.name for s in usecase.stages))
    known = list(dict.fromkeys(stages))
    yield Graph(f"Changed stages of {name}", known, usecase.edges, changed)
    if usecase.seeds.reason:
        yield Text(f"No seed replicates: {usecase.seeds.reason}")
    for window, result in usecase.base.results().items():
        whose = f"on {window}'s test window"
        yield from _result(f"Quality {whose}", result, usecase, fold=window != "head")
        if isinstance(result, PairedResult):
            yield from _slices(whose, result, usecase, chart=window == "head")
    if release:
        for window, result in usecase.release.results().items():
            whose = "head" if window == "head" else release.name
            title = f"Against {release.name}, on {whose}'s test window"
            yield from _result(title, result, usecase, fold=True)
    yield from changes.folds(usecase, defined)


def _result(
    title: str, result: Result, usecase: UseCaseComparison, *, fold: bool
) -> Iterator[Block]:
    if isinstance(result, SameModel):
        yield Text(f"{title}: the same model and test table, byte for byte.")
    elif isinstance(result, NotComparable):
        yield Text(f"{title}: not comparable: {result.reason}")
    else:
        first = usecase.primary
        names = sorted(result.metrics, key=lambda m: (m != first, m))
        rows = [_metric(change(m, result.metrics[m], usecase.units)) for m in names]
        caption = (
            f"{title}: {figure(result.rows)} rows, {usecase.level:.0%} intervals, {_noise(usecase)}"
        )
        table = Table(caption, QUALITY, rows, frozenset(range(2, 6)))
        yield Fold(caption, [table]) if fold else table


def _metric(moved: MetricChange) -> tuple[str, ...]:
    return moved.title, moved.unit, *moved.cells


def _noise(usecase: UseCaseComparison) -> str:
    count = usecase.seeds.replicates
    if count > 1:
        return f"widened by the spread of {count} trainings with other seeds"
    return f"differences up to {share(usecase.margin)} of base do not count"


def _slices(
    whose: str, result: PairedResult, usecase: UseCaseComparison, *, chart: bool
) -> Iterator[Block]:
    groups = {
        f"{name} {group}": paired
        for name, members in result.slices.items()
        for group, paired in members.items()
    }
    if not groups:
        return
    metric = metric_title(usecase.primary, usecase.units)
    if chart:
        yield from _bars(f"{metric} by slice", groups)
    decimals = change(usecase.primary, result.metrics[usecase.primary], usecase.units).decimals
    rows = [
        (label, figure(p.rows), *change(usecase.primary, p, usecase.units, decimals).cells)
        for label, p in groups.items()
    ]
    title = f"By slice {whose}: {metric}; intervals widened for {len(groups)} groups at once"
    yield Fold(title, [Table(title, SLICES, rows, frozenset(range(1, 6)))])


def _bars(title: str, groups: Mapping[str, PairedGroup]) -> Iterator[Block]:
    known = {
        label: (paired.base, paired.head)
        for label, paired in groups.items()
        if paired.base is not None and paired.head is not None
    }
    if known:
        base, head = zip(*known.values(), strict=True)
        yield Bars(title, list(known), base, head)
