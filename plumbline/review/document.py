"""A comparison's JSON as a report's blocks: the verdict first, then every use case. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.report.blocks import Bars, Block, Bullets, Fold, Graph, Heading, Table, Text, Verdict
from plumbline.report.numbers import figure, signed
from plumbline.review import changes, merge_gate
from plumbline.review.verdict_line import reason, verdict

TONES: Mapping[str, Any] = {"yes": "good", "overridden": "plain", "no": "bad", "failed": "bad"}
QUALITY = ("metric", "base", "head", "difference", "from", "to", "verdict")
SLICES = ("slice", "rows", "base", "head", "difference", "from", "to", "verdict")


def blocks(found: Mapping[str, Any], name: str) -> list[Block]:
    """The whole report. The verdict is judged again from the JSON's figures, not taken from it.

    PlumblineError, with `name`, where the JSON is not what `compare` writes.
    """
    try:
        return list(_blocks({**found, "gate": merge_gate.ruling(found)}))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PlumblineError(
            f"{name}: damaged ({type(error).__name__}: {error}); make it again with "
            "`plumbline compare`"
        ) from None


def _blocks(found: Mapping[str, Any]) -> Iterator[Block]:
    gate = found["gate"]
    yield Verdict(verdict(found), TONES[gate["verdict"]])
    yield Text(_sides(found))
    if found.get("failed"):
        yield Text("No figure is shown: what is on disk is of an earlier run.")
        return
    if len(gate["reasons"]) > 1:
        yield Bullets([reason(r) for r in gate["reasons"]])
    for name, why in gate["overrides"].items():
        yield Text(f"Override of {name}, from params.yaml: {why}")
    if gate["lifted"]:
        yield Bullets([f"overridden: {reason(r)}" for r in gate["lifted"]])
    if found.get("packages"):
        yield from changes.packages(found["packages"])
    if not found["lock"].get("checked"):
        yield Text("dvc.lock was not checked: head is not the work tree.")
    for name, case in found["usecases"].items():
        yield from _usecase(name, case, found)
    if found["unchanged"]:
        yield Text(f"Unchanged: {', '.join(found['unchanged'])}.")
    if found["removed"]:
        yield Text(f"Removed: {', '.join(found['removed'])}.")


def _sides(found: Mapping[str, Any]) -> str:
    base, head = (_side(found[k]) for k in ("base", "head"))
    release = found.get("release")
    return f"{head} against {base}" + (f", and against release {_side(release)}" if release else "")


def _side(told: Mapping[str, Any]) -> str:
    commit = str(told["commit"] or "")[:10]
    return f"{told['name']} ({commit})" if commit else f"{told['name']} (not committed)"


def _usecase(name: str, case: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading(name)
    for text in changes.lines(case):
        yield Text(text)
    changed = frozenset(s["name"] for s in case["stages"])
    joined = dict.fromkeys(name for edge in case["edges"] for name in edge)
    known = list(joined | dict.fromkeys(s["name"] for s in case["stages"]))
    yield Graph(f"Stages of {name} whose entry changed", known, case["edges"], changed)
    if case["seeds"]["reason"]:
        yield Text(f"Other seeds were not tried: {case['seeds']['reason']}")
    for window, result in case["base"].items():
        whose = f"on {window}'s test window"
        yield from _result(f"Quality {whose}", result, case, fold=window != "head")
        yield from _slices(f"By slice {whose}", result, case, chart=window == "head")
    if found.get("release"):
        told = found["release"]["name"]
        for window, result in case["release"].items():
            whose = "head" if window == "head" else told
            yield from _result(f"Against {told}, on {whose}'s test window", result, case, fold=True)
    yield from changes.folds(case)


def _result(
    title: str, result: Mapping[str, Any], case: Mapping[str, Any], *, fold: bool
) -> Iterator[Block]:
    if result.get("same"):
        yield Text(f"{title}: the same model and test table, byte for byte.")
    elif not result["comparable"]:
        yield Text(f"{title}: not comparable: {result['reason']}")
    else:
        first = case["primary"]
        names = sorted(result["metrics"], key=lambda m: (m != first, m))
        rows = [(m, *_cells(result["metrics"][m])) for m in names]
        about = (
            f"{title}: {result['rows']:,} rows, intervals at {case['level']:.0%}, {_noise(case)}"
        )
        table = Table(about, QUALITY, rows, frozenset(range(1, 6)))
        yield Fold(about, [table]) if fold else table


def _noise(case: Mapping[str, Any]) -> str:
    told = case["seeds"]
    if told["replicates"] > 1:
        return f"with the spread of {told['replicates']} seed replicates"
    return f"up to {case['margin']:.2g} of base is noise"


def _slices(
    title: str, result: Mapping[str, Any], case: Mapping[str, Any], *, chart: bool
) -> Iterator[Block]:
    groups = {
        f"{name} {group}": told
        for name, members in (result.get("slices") or {}).items()
        for group, told in members.items()
    }
    if not groups:
        return
    rows = [(label, figure(told["rows"]), *_cells(told)) for label, told in groups.items()]
    about = f"{title}: {case['primary']}"
    there = {k: t for k, t in groups.items() if t["base"] is not None and t["head"] is not None}
    if chart and there:
        before, after = ([float(t[side]) for t in there.values()] for side in ("base", "head"))
        yield Bars(f"{case['primary']} by slice", list(there), before, after)
    yield Fold(about, [Table(about, SLICES, rows, frozenset(range(1, 7)))])


def _cells(told: Mapping[str, Any]) -> tuple[str, ...]:
    apart = told["difference"]
    sizes = (signed(apart[k]) for k in ("value", "low", "high"))
    return (figure(told["base"]), figure(told["head"]), *sizes, str(apart["word"]))
