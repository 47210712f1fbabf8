"""A report's part on what changed: params, stages, data, features, drift, lineage. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from plumbline.report.blocks import Block, Bullets, Fold, Table, Text
from plumbline.report.numbers import figure

SIDES = ("base", "head")
NAMED = 5  # packages in the line that tells of them
DRIFT = ("column", "PSI", "its noise", "null in base", "null in head", "verdict")
COST = ("stage", "base, s", "head, s", "base, MB", "head, MB")


def lines(case: Mapping[str, Any]) -> Iterator[str]:
    """The evaluation's gate, the monitor's verdict, and columns that drifted, a line each."""
    told, watched = case["evaluate"], case["monitor"]
    yield f"Evaluate: {told['verdict'] or 'no verdict'}: {'; '.join(told['reasons'])}"
    retrain = watched["retrain"] or {}
    advice = f"; retrain: {'yes' if retrain.get('now') else 'no'}, {retrain.get('why')}"
    yield f"Monitor: {watched['summary'] or 'no verdict'}{advice if retrain else ''}"
    moved = [line["column"] for line in case["drift"] if line["word"] == "drift"]
    if moved:
        yield f"Drift of head's newest rows against base's: {', '.join(moved)}"


def packages(moved: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """What the locks of dependencies say that differs: named first, all in a table."""
    names = ", ".join(str(p["key"]) for p in moved[:NAMED])
    more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    yield Text(f"Dependencies changed: {names}{more}.")
    rows = [(str(p["key"]), _value(p["base"]), _value(p["head"])) for p in moved]
    yield _table("Dependencies", ("package", *SIDES), rows)


def folds(case: Mapping[str, Any]) -> Iterator[Block]:
    """Everything that differs, folded; what does not differ is left out."""
    if case["params"]:
        rows = [(c["key"], _value(c["base"]), _value(c["head"])) for c in case["params"]]
        yield _table("Params", ("param", *SIDES), rows)
    if case["stages"]:
        rows = [(s["name"], s["change"], "; ".join(_causes(s))) for s in case["stages"]]
        yield _table("Changed stages, and why", ("stage", "entry", "what differs"), rows)
    differing = _data(case["data"])
    if differing:
        yield _table("Data", ("of the data", *SIDES), differing)
    if case["drift"]:
        moved = [_drifted(line) for line in case["drift"]]
        yield _table("Drift of head's newest rows against base's", DRIFT, moved, range(1, 5))
    told = list(_features(case["features"]))
    if told:
        yield Fold(f"Features: {len(told)} changes", [Bullets(told)])
    if case["cost"]:
        spent = [_cost(line) for line in case["cost"]]
        yield _table("Seconds and memory of the stages", COST, spent, range(1, 5))
    yield Fold("Lineage (md5)", [_lineage(case["lineage"])])


def _causes(stage: Mapping[str, Any]) -> Iterator[str]:
    if stage["command"]:
        yield "its command"
    if stage["params"]:
        yield f"params {', '.join(stage['params'])}"
    if stage["deps"]:
        yield f"deps {', '.join(_changed(d) for d in stage['deps'])}"
    if stage["outs"]:
        yield f"outs {', '.join(_changed(o) for o in stage['outs'])}"


def _changed(told: Mapping[str, Any]) -> str:
    return told["path"] + ("" if told["change"] == "changed" else f" ({told['change']})")


def _data(told: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    pairs = [(key, told[key]) for key in ("rows", "span", "as_of")]
    pairs += [(f"column {c['key']}", c) for c in told["schema"]]
    pairs += [(f"set aside, {c['key']}", c) for c in told["quarantine"]]
    return [
        (key, _value(p["base"]), _value(p["head"])) for key, p in pairs if p["base"] != p["head"]
    ]


def _features(told: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"added: {name}" for name in told["added"])
    yield from (f"removed: {name}" for name in told["removed"])
    for one in told["redefined"]:
        yield f"redefined: {one['name']} ({', '.join(one['parts'])})"
    yield from (f"now in the model: {name}" for name in told["joined"])
    yield from (f"no longer in the model: {name}" for name in told["left"])


def _drifted(line: Mapping[str, Any]) -> tuple[str, ...]:
    sizes = (figure(line[k]) for k in ("psi", "noise", "null_base", "null_head"))
    return (str(line["column"]), *sizes, str(line["word"]))


def _cost(line: Mapping[str, Any]) -> tuple[str, ...]:
    pairs = [(line[side] or {}).get(k) for k in ("seconds", "memory_mb") for side in SIDES]
    return (str(line["stage"]), *(figure(value) for value in pairs))


def _lineage(told: Mapping[str, Any]) -> Table:
    keys = list(dict.fromkeys((k, p) for side in SIDES for k in told[side] for p in told[side][k]))
    rows = [(k, p, *(told[s].get(k, {}).get(p, "–") for s in SIDES)) for k, p in keys]
    return Table("Lineage", ("of", "path", *SIDES), rows)


def _table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Iterable[int] = ()
) -> Fold:
    inner: list[Text | Bullets | Table] = [Table(title, head, rows, frozenset(numbers))]
    return Fold(f"{title}: {len(rows)}", inner)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " to ".join(str(v) for v in value)
    return figure(value)
