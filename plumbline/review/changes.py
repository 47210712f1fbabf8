"""A report's part on what changed: params, stages, data, features, drift, lineage. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from plumbline.report.blocks import Block, Bullets, Fold, Table, Text
from plumbline.report.numbers import NONE, figure, fixed, share
from plumbline.review import version_words
from plumbline.review.comparison import UseCaseComparison
from plumbline.review.comparison_sections import (
    BundleFigure,
    ChangedPackage,
    ChangedPath,
    ChangedStage,
    ChangedValue,
    ColumnDrift,
    DataChanges,
    FeatureChanges,
    Lineage,
    RuleChange,
    Sides,
    StageCost,
    Value,
)
from plumbline.review.definition_sections import DefinitionChanges

SIDES = ("base", "head")
MOST_RULES = 30
"""Altered rules that the report lists."""
NAMED = 5
"""Packages, stages or outs that a sentence names; the table has all packages."""
DRIFT = ("column", "PSI", "its noise", "null in base", "null in head", "verdict")
COST = ("stage", "base, s", "head, s", "base, MB", "head, MB")
QUOTED = 2
"""Histories that a sentence quotes; the features' metrics have all."""
DRIFT_TITLE = "Drift of head's newest rows from base's"
NEWEST_MONTH = "Histories whose newest month is unlike the months before"


def lines(usecase: UseCaseComparison, defined: DefinitionChanges) -> Iterator[str]:
    """The acceptance gate, the monitor's verdict, redefined features, and columns that drifted, a line each."""
    evaluate, monitor = usecase.evaluate, usecase.monitor
    yield f"Evaluate: {evaluate.verdict or 'no verdict'}: {'; '.join(evaluate.reasons)}"
    advice = ""
    if monitor.retrain:
        advice = f"; retrain: {'yes' if monitor.retrain.now else 'no'}, {monitor.retrain.why}"
    yield from (f"Data: {line}" for line in usecase.data.sources)
    yield from (f"Validate: {line}" for line in usecase.data.let_through)
    yield f"Monitor: {monitor.summary or 'no verdict'}{advice}"
    if sentence := version_words.summary(defined):
        yield sentence
    moved = [drift.column for drift in usecase.drift if drift.word == "drift"]
    if moved:
        yield f"{DRIFT_TITLE}: {', '.join(moved)}"
    unlike = usecase.features.drifted
    if unlike:
        more = f", and {len(unlike) - QUOTED} more" if len(unlike) > QUOTED else ""
        yield f"{NEWEST_MONTH}: {'; '.join(unlike[:QUOTED])}{more}"


def rules(changed: Sequence[RuleChange]) -> Iterator[Block]:
    """What decides on changes, and this change alters: a line each, many files of one folder as one."""
    if not changed:
        return
    yield Text("This change alters how changes are judged:")
    folders = Counter(_folder(rule) for rule in changed)
    lines = {
        _crowd(_folder(rule), folders)
        if _folder(rule) and folders[_folder(rule)] > NAMED
        else f"{_owner(rule)}{rule.key}: {_value(rule.base)} → {_value(rule.head)}"
        for rule in changed
    }
    yield Bullets(sorted(lines)[:MOST_RULES])
    if len(lines) > MOST_RULES:
        yield Text(f"And {len(lines) - MOST_RULES} more, in the comparison's JSON.")


def harmless(name: str, lines: Sequence[str]) -> Iterator[Block]:
    """What nearly answers in head's model, and is declared harmless, with the reason."""
    if lines:
        yield Text(f"{name}: suspected as leaks, and declared harmless in evaluate.harmless:")
        yield Bullets(lines)


def _folder(rule: RuleChange) -> str | None:
    """The first folder of a file's path; None for what is no file in one."""
    return rule.key.partition("/")[0] if rule.usecase is None and "/" in rule.key else None


def _crowd(folder: str | None, folders: Mapping[str | None, int]) -> str:
    return f"{folder}/: {folders[folder]} files"


def _owner(rule: RuleChange) -> str:
    return f"{rule.usecase}: " if rule.usecase else ""


def packages(moved: Sequence[ChangedPackage]) -> Iterator[Block]:
    """Which locked dependencies differ, and what came of it: in words, and all in a table."""
    groups: dict[str, list[ChangedPackage]] = {}
    for package in moved:
        if package.reaches:
            groups.setdefault(_effect(package), []).append(package)
    for effect, together in groups.items():
        yield Text(f"{_some([_moved(p) for p in together])}: {effect}.")
    for title, reaches in (("Cannot change an out", False), ("Dependencies changed", None)):
        names = [p.key for p in moved if p.reaches is reaches]
        if names:
            yield Text(f"{title}: {_some(names)}.")
    yield _table("Dependencies", ("package", *SIDES), list(map(_changed, moved)))


def _moved(package: ChangedPackage) -> str:
    return f"{package.key} {_value(package.base)} → {_value(package.head)}"


def _effect(package: ChangedPackage) -> str:
    """Which stages it can change, and what they gave with it."""
    stages = _by_usecase(package.stages)
    if not package.rebuilt:
        return f"not rebuilt with it yet: {stages}"
    outs = f"outs that differ: {_some(package.outs)}" if package.outs else "same bytes"
    return f"rebuilt; {outs} ({stages})"


def _by_usecase(stages: Sequence[str]) -> str:
    """Names as dvc.lock has them, in words: "data, train of shop"."""
    names: dict[str, list[str]] = {}
    for stage in stages:
        name, _, usecase = stage.partition("@")
        names.setdefault(usecase, []).append(name)
    return _some(
        [", ".join(n) + (f" of {usecase}" if usecase else "") for usecase, n in names.items()]
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def folds(usecase: UseCaseComparison, defined: DefinitionChanges) -> Iterator[Block]:
    """Everything that differs, folded; what does not differ is left out. `defined`: of its definitions."""
    if usecase.params:
        yield _table(
            f"Changed params ({len(usecase.params)})",
            ("param", *SIDES),
            list(map(_changed, usecase.params)),
        )
    if usecase.stages:
        rows = [(s.name, s.change, "; ".join(_causes(s))) for s in usecase.stages]
        yield _table(f"Changed stages ({len(rows)})", ("stage", "entry", "what differs"), rows)
    differing = _data(usecase.data)
    if differing:
        yield _table(f"Changed data ({len(differing)})", ("item", *SIDES), differing)
    if usecase.drift:
        yield _table(DRIFT_TITLE, DRIFT, list(map(_drift, usecase.drift)), range(1, 5))
    features = [*_features(usecase.features, defined)]
    if features:
        yield Fold(f"Changed features ({len(features)})", [Bullets(features)])
    if usecase.cost:
        yield _table("Time and memory by stage", COST, list(map(_cost, usecase.cost)), range(1, 5))
    if usecase.bundle:
        head = ("of the bundle", *SIDES)
        yield _table("Size, work and latency of the bundle", head, _bundle(usecase.bundle), (1, 2))
    yield Fold("Lineage (md5)", [_lineage(usecase.lineage)])


def _causes(stage: ChangedStage) -> Iterator[str]:
    if stage.command:
        yield "its command"
    if stage.params:
        yield f"params {', '.join(stage.params)}"
    if stage.deps:
        yield f"deps {', '.join(map(_path, stage.deps))}"
    if stage.outs:
        yield f"outs {', '.join(map(_path, stage.outs))}"


def _path(changed: ChangedPath) -> str:
    return changed.path + ("" if changed.change == "changed" else f" ({changed.change})")


def _data(data: DataChanges) -> list[tuple[str, str, str]]:
    pairs: list[tuple[str, Sides]] = [
        ("rows", data.rows),
        ("span", data.span),
        ("as-of date", data.as_of),
        *((f"column {c.key}", c) for c in data.columns),
        *((f"quarantine, {c.key}", c) for c in data.quarantine),
    ]
    return [(key, _value(p.base), _value(p.head)) for key, p in pairs if p.base != p.head]


def _features(features: FeatureChanges, defined: DefinitionChanges) -> Iterator[str]:
    """What git says of definitions; without it, what the catalogs say."""
    if defined.changes:
        yield from version_words.lines(defined)
    else:
        yield from (f"added: {name}" for name in features.added)
        yield from (f"removed: {name}" for name in features.removed)
        for one in features.redefined:
            yield f"redefined: {one.name} ({', '.join(one.parts)})"
    yield from (f"now in the model: {name}" for name in features.joined)
    yield from (f"no longer in the model: {name}" for name in features.left)


def _drift(drift: ColumnDrift) -> tuple[str, ...]:
    nulls = map(share, (drift.null_base, drift.null_head))
    return drift.column, fixed(drift.psi, 3), fixed(drift.noise, 3), *nulls, drift.word


def _cost(cost: StageCost) -> tuple[str, ...]:
    sides = (cost.base, cost.head)
    seconds = [side.seconds if side else None for side in sides]
    memory = [side.memory_mb if side else None for side in sides]
    return (cost.stage, *(fixed(s, 1) for s in seconds), *(fixed(m, 0) for m in memory))


def _bundle(figures: Sequence[BundleFigure]) -> list[tuple[str, ...]]:
    return [(one.what, figure(one.base), figure(one.head)) for one in figures]


def _lineage(lineage: Lineage) -> Table:
    sides = (lineage.base, lineage.head)
    keys = list(dict.fromkeys((k, p) for side in sides for k in side for p in side[k]))
    rows = [(k, p, *(side.get(k, {}).get(p, NONE) for side in sides)) for k, p in keys]
    return Table("Lineage", ("of", "path", *SIDES), rows)


def _table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Iterable[int] = ()
) -> Fold:
    return Fold(title, [Table(title, head, rows, frozenset(numbers))])


def _changed(value: ChangedValue) -> tuple[str, str, str]:
    return value.key, _value(value.base), _value(value.head)


def _value(value: Value) -> str:
    if isinstance(value, list):
        return " to ".join(map(str, value))
    return figure(value)
