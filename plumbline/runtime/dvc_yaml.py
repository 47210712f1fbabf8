"""What dvc.yaml declares: every stage with its templates filled in. The one reader of that file.

Pure but for `read`. A stage is filled in for each combination of its matrix (`stages`), or for one use
case without a look at params.yaml (`of_usecase`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from plumbline.core.errors import PlumblineError
from plumbline.runtime import dvc_templates

FILE = "dvc.yaml"
PARAMS = "params.yaml"
KINDS = ("outs", "metrics", "plots")
UNREAD = {"foreach", "do", "wdir", "vars"}
"""Keys of a stage that `stages` does not follow."""

Document = Mapping[str, Any]
Load = Callable[[str], Any]


@dataclass(frozen=True)
class DeclaredOut:
    """An out of a stage. `cached`: its bytes are DVC's to keep, not git's; `pushed`: to `remote` or the default one."""

    path: str
    kind: str = "outs"
    cached: bool = True
    pushed: bool = True
    remote: str | None = None


@dataclass(frozen=True)
class DeclaredStage:
    """A stage: command, paths that it reads, keys by params file, outs, metrics and plots."""

    cmd: str = ""
    deps: tuple[str, ...] = ()
    params: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outs: tuple[DeclaredOut, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all that it writes."""
        return tuple(out.path for out in self.outs)

    @property
    def in_git(self) -> tuple[str, ...]:
        """The paths that git keeps."""
        return tuple(out.path for out in self.outs if not out.cached)

    @property
    def stored(self) -> tuple[str, ...]:
        """The paths of its plain outs that DVC keeps: data, tables, models, reports."""
        return tuple(out.path for out in self.outs if out.kind == "outs" and out.cached)


def load(text: str) -> Any:
    """YAML 1.1, fast; PyYAML's own errors."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def document(text: str, file: str, load: Load = load) -> dict[str, Any]:
    """A YAML file's keys and values; PlumblineError, with its name, where it has none."""
    try:
        content = load(text) or {}
    except yaml.YAMLError as error:
        raise damaged(file, f"not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise damaged(file, f"expected keys and values, found {type(content).__name__}")
    return content


def section(content: Document, key: str, file: str) -> dict[str, Any]:
    """The mapping under a key; empty where there is none, PlumblineError where it is something else."""
    named = content.get(key) or {}
    if not isinstance(named, dict):
        raise damaged(file, f"expected names under `{key}`, found {str(named)[:80]}")
    return named


def damaged(file: str, reason: str) -> PlumblineError:
    """The error for a file that is not what DVC, or a person who writes it, would leave."""
    return PlumblineError(f"{file}: damaged ({reason}); restore it with `git checkout`")


def read(root: Path = Path(".")) -> dict[str, Any]:
    """The project's dvc.yaml; empty without the file."""
    path = root / FILE
    return document(path.read_text(encoding="utf-8"), str(path)) if path.exists() else {}


def of_usecase(graph: Document, usecase_name: str, file: str = FILE) -> dict[str, DeclaredStage]:
    """The stages by their names in dvc.yaml, filled in for one use case; other variables stay."""
    known = {"item": {"usecase": usecase_name}}
    return {
        name: _stage(dvc_templates.filled(stage, known, strict=False))
        for name, stage in section(graph, "stages", file).items()
        if isinstance(stage, Mapping)
    }


def stages(graph: Document, params: Document) -> dict[str, DeclaredStage]:
    """Each stage that can be followed, by its name in dvc.lock, all variables filled in.

    >>> graph = {"stages": {"a": {"matrix": {"x": "${xs}"}, "cmd": "do ${item.x}", "deps": ["${item.x}"]}}}
    >>> stages(graph, {"xs": ["b"]})
    {'a@b': DeclaredStage(cmd='do b', deps=('b',), params={}, outs=())}
    """
    declared = {}
    for name, stage in section(graph, "stages", FILE).items():
        if not isinstance(stage, Mapping) or UNREAD & stage.keys():
            continue
        for full, item in dvc_templates.expanded(name, stage, params):
            try:
                declared[full] = _stage(dvc_templates.filled(stage, {**params, **item}))
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
    return declared


def names(graph: Document, params: Document) -> set[str]:
    """The names in dvc.lock of all stages, also of those that `stages` does not follow."""
    listed = section(graph, "stages", FILE).items()
    return {
        full for name, stage in listed for full, _ in dvc_templates.expanded(name, stage, params)
    }


def undeclared(graph: Document, params: Document, recorded: Iterable[str]) -> set[str]:
    """Those of the names in a dvc.lock that no stage has: DVC never removes their entries.

    A name that cannot be judged (a `foreach`, a variable that params.yaml does not have) is not among them.

    >>> graph = {"stages": {"a": {"matrix": {"x": "${xs}"}}, "b": {"foreach": "${ys}"}}}
    >>> sorted(undeclared(graph, {"xs": ["new"]}, ["a@new", "a@old", "b@old", "c"]))
    ['a@old', 'c']
    """
    listed = section(graph, "stages", FILE)
    stages_by_name = {name: name if name in listed else name.split("@")[0] for name in recorded}
    known = {stage: dvc_templates.known_names(stage, listed.get(stage), params) for stage in listed}
    return {
        name
        for name, stage in stages_by_name.items()
        if stage not in listed or name not in (known[stage] or {name})
    }


def upstream(declared: Mapping[str, DeclaredStage], name: str) -> list[str]:
    """The outs of other stages that `name` was made from, directly or not, in the stages' order."""
    makers = {out: stage for stage in declared.values() for out in stage.stored}
    above: set[str] = set()
    todo = [declared[name]] if name in declared else []
    while todo:
        new = {p for p in todo.pop().deps if p in makers} - above
        above |= new
        todo += [makers[p] for p in sorted(new)]
    return [out for out in makers if out in above]


def declared_out(graph: Document, stage: str, path: str, file: str = FILE) -> DeclaredOut:
    """What dvc.yaml says of an out in dvc.lock, with no look at params.

    Where several templates match, the one with most letters; the defaults where none does.
    """
    matching = [
        (len(dvc_templates.TEMPLATE.sub("", out.path)), order, out)
        for order, out in enumerate(_outs(_template(graph, stage, file)))
        if re.fullmatch(".+".join(map(re.escape, dvc_templates.TEMPLATE.split(out.path))), path)
    ]
    return max(matching)[2] if matching else DeclaredOut(path)


def folder(graph: Document, stage: str, file: str) -> str:
    """The `wdir` of a stage in dvc.lock `file`; PlumblineError where it is a template."""
    working_folder = str(_template(graph, stage, file).get("wdir") or "")
    if dvc_templates.TEMPLATE.search(working_folder):
        raise PlumblineError(
            f"{file}, {stage}: a `wdir` with {working_folder} in it cannot be followed"
        )
    return working_folder


def _template(graph: Document, stage: str, file: str) -> Document:
    """A stage as dvc.yaml has it, by its name in dvc.lock."""
    listed = section(graph, "stages", file)
    template = listed.get(stage) or listed.get(stage.split("@")[0]) or {}
    template = template.get("do", template) if isinstance(template, dict) else {}
    return template if isinstance(template, dict) else {}


def _stage(stage: Document) -> DeclaredStage:
    keys: dict[str, tuple[str, ...]] = {}
    for item in stage.get("params") or ():
        for file, named in item.items() if isinstance(item, dict) else ((PARAMS, [item]),):
            keys[file] = (*keys.get(file, ()), *(named or ()))
    deps = tuple(map(str, stage.get("deps") or ()))
    return DeclaredStage(str(stage.get("cmd", "")), deps, keys, tuple(_outs(stage)))


def _outs(stage: Document) -> Iterator[DeclaredOut]:
    """An entry is a path, or a mapping from the path to its flags, for plots to a list of such."""
    for kind in KINDS:
        for item in stage.get(kind) or ():
            for path, given in item.items() if isinstance(item, dict) else ((item, {}),):
                listed = given if isinstance(given, list) else [given or {}]
                flags = {k: v for part in listed for k, v in part.items()}
                yield DeclaredOut(
                    path=str(path),
                    kind=kind,
                    cached=flags.get("cache") is not False,
                    pushed=flags.get("push") is not False,
                    remote=flags.get("remote"),
                )
