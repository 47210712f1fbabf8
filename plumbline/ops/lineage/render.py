"""A lineage as a readable tree and as a Mermaid graph. Pure: the record in, lines out."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plumbline.core.safe_text import one_line
from plumbline.ops.lineage.lineage_document import (
    LineageDocument,
    RecordedCommit,
    ServedPrediction,
    TracedPrediction,
    TracedStage,
)

SHORT = 9
WIDTH = 110
NAMED = 5
"""Revisions that are named."""


def tree(record: LineageDocument) -> Iterator[str]:
    """The chain from the target down to its sources; a stage that several read is shown once."""
    at = record.revision
    yield from _prediction(record.prediction)
    yield from _served(record.served)
    target = record.target
    if target.path != target.out:
        yield f"{target.path}  {target.member_md5}, in"
    commit = (at.commit or "")[:SHORT]
    yield f"{target.out}  {target.md5}  at {at.name} ({commit})"
    for version in record.versions:
        aliases = "".join(f", {a}" for a in version.aliases)
        yield f"registered as version {version.number}{aliases}"
    if record.revisions:
        others = len(record.revisions) - NAMED
        more = f" and {others} more" if others > 0 else ""
        yield f"recorded by {', '.join(record.revisions[:NAMED])}{more}"
    stages = {stage.name: stage for stage in record.stages}
    if record.stages:
        yield from _branch(stages, record.stages[0].name, "", set())
    yield from (f"note: {note}" for note in record.notes)
    yield from (f"inconsistent: {text}" for text in record.breaks)


def mermaid(records: Sequence[LineageDocument]) -> Iterator[str]:
    """A flow chart from the sources to the targets."""
    yield "flowchart LR"
    names: dict[str, str] = {}
    seen: set[str] = set()
    for record in records:
        for line in _links(record, names):
            if line not in seen:
                seen.add(line)
                yield f"  {line}"


def _prediction(prediction: TracedPrediction | None) -> Iterator[str]:
    if prediction:
        limit = prediction.threshold
        verdict = (
            ""
            if limit is None
            else f", {'at or above' if prediction.score >= limit else 'below'} {limit:.10g}"
        )
        if prediction.decision is not None:
            verdict = f", decided on {one_line(prediction.decision)}"
        yield f"{prediction.usecase}:{prediction.key}  score {prediction.score:.10g}{verdict}"
        yield f"row {prediction.row} of {prediction.table}  {prediction.md5}"


def _served(served: ServedPrediction | None) -> Iterator[str]:
    if served:
        score = ", ".join(f"{one:.10g}" for one in served.score) or "none"
        alarm = {None: "", True: ", alarm", False: ", no alarm"}[served.alarm]
        decision = f", decision {one_line(served.decision)}" if served.decision else ""
        yield f"{served.usecase}:{one_line(served.key)}  score {score}{alarm}{decision}, served {served.received}"
        yield (
            f"request {one_line(served.request_id)}, row {served.sequence} of {served.log}, arm {one_line(served.arm)} of "
            f"routes {served.route_version}"
        )
        yield f"histories of all rows up to {served.watermark}, by definitions {served.definitions}"


def _branch(
    stages: Mapping[str, TracedStage], name: str, indent: str, shown: set[str]
) -> Iterator[str]:
    """A stage's lines below the out that it wrote, and those of what it read."""
    stage = stages[name]
    if name in shown:
        yield f"{indent}└─ {name} (above)"
        return
    shown.add(name)
    yield f"{indent}└─ {name}{_commit(stage.commit)}"
    inner = f"{indent}   "
    makers = {path: other for other in stages for path in stages[other].writes}
    lines = list(_about(stage))
    reads = list(stage.reads.items())
    bar = "│  " if reads else "   "
    room = max(40, WIDTH - len(inner) - len(bar))
    for line in lines:
        for part in textwrap.wrap(line, room, subsequent_indent=" " * 8, break_long_words=False):
            yield f"{inner}{bar}{part}"
    for i, (path, md5) in enumerate(reads):
        last = i == len(reads) - 1
        yield f"{inner}{'└─' if last else '├─'} {path}  {md5}"
        yield from _branch(stages, makers[path], f"{inner}{'   ' if last else '│  '}", shown)


def _commit(commit: RecordedCommit | None) -> str:
    if commit is None:
        return "  (not committed)"
    return f"  {commit.commit[:SHORT]}  {commit.when[:10]}  {commit.subject}"


def _about(stage: TracedStage) -> Iterator[str]:
    if stage.params:
        yield "params  " + ", ".join(f"{k}={_value(v)}" for k, v in stage.params.items())
    if stage.code.files:
        yield f"code    {len(stage.code.files)} files and folders, {stage.code.md5}"
    for file, versions in stage.environment.items():
        yield f"with    {len(versions)} libraries, of the versions in {file}"
    facts = stage.facts
    if facts.features is not None:
        yield f"takes   {len(facts.features)} features: {', '.join(facts.features)}"
    yield from (f"run     {run}" for run in stage.runs)
    for source in stage.sources:
        yield f"source  {source.path}  {source.md5}"
        for one in source.imported:
            yield f"        {one.path} from {_value(one.deps)}"
    if facts.source is not None:
        yield f"read    {_value(facts.source)}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _links(record: LineageDocument, names: dict[str, str]) -> Iterator[str]:
    target, prediction = record.target, record.prediction
    for stage in record.stages:
        node = _node(names, stage.name)
        commit = stage.commit.commit[:SHORT] if stage.commit else "not committed"
        yield f'{node}["{_text(stage.name)}<br/>{commit}"]'
        for path, md5 in stage.reads.items():
            yield f"{_out(names, path, md5)} --> {node}"
        for source in stage.sources:
            yield f"{_out(names, source.path, source.md5)} --> {node}"
        needed = {p: m for s in record.stages for p, m in s.reads.items()}
        needed[target.out] = target.md5
        needed |= {prediction.table: prediction.md5} if prediction else {}
        for path, md5 in stage.writes.items():
            if path in needed:
                yield f"{node} --> {_out(names, path, md5)}"
    if prediction:
        event = _node(names, f"{prediction.usecase}:{prediction.key}")
        yield f'{event}{{{{"{_text(prediction.usecase)}:{_text(prediction.key)}<br/>{prediction.score:.10g}"}}}}'
        yield f"{_out(names, target.out, target.md5)} --> {event}"
        yield f"{_out(names, prediction.table, prediction.md5)} -- row {prediction.row} --> {event}"
    if record.served:
        yield from _served_link(record.served, _out(names, target.out, target.md5), names)


def _served_link(served: ServedPrediction, bundle: str, names: dict[str, str]) -> Iterator[str]:
    score = ", ".join(f"{one:.10g}" for one in served.score)
    event = _node(names, f"{served.usecase}:{served.key} {served.sequence}")
    yield f'{event}{{{{"{_text(served.usecase)}:{_text(served.key)}<br/>{score}"}}}}'
    yield f"{bundle} --> {event}"
    log = _node(names, served.log)
    yield f'{log}[("{_text(served.log)}")]'
    yield f"{log} -- row {served.sequence} --> {event}"


def _out(names: dict[str, str], path: str, md5: str) -> str:
    return f'{_node(names, f"{path} {md5}")}("{_text(path)}<br/>{md5[:SHORT]}")'


def _node(names: dict[str, str], name: str) -> str:
    return names.setdefault(name, f"n{len(names)}")


def _text(text: str) -> str:
    """One line; quotes and signs that Mermaid or its host would take for their own, as entities."""
    special = '#"<>`&@'
    return "".join(f"#{ord(c)};" if c in special else c for c in one_line(text))
