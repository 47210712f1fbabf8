"""The files of a project that installs the library, as texts by path. Pure but for reading the library's own files.

The graph, the stages' first lines, the workflows and the locks are this library's own, less what a project
without the library beside it does not have; the rest stands in `template/`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from plumbline.ops.init import pin
from plumbline.runtime import dvc_yaml, library

TEMPLATE = Path(__file__).with_name("template")
PIPELINE = library.PACKAGE / library.PIPELINE
PLAIN = {
    ".dvc/config": "dvc_config.txt",
    ".dvc/plots.html": "plots.html",
    ".dvcignore": "dvcignore.txt",
    ".gitattributes": "gitattributes.txt",
    ".gitignore": "gitignore.txt",
    "Makefile": "Makefile.txt",
    "data/README.md": "data.md.txt",
    "deploy/load-test": "load-test.txt",
    "deploy/tell-server": "tell-server.txt",
    "feature_store/feature_store.yaml": "feature_store.yaml.txt",
    "stages/__init__.py": "stages.py.txt",
    "tests/test_usecases.py": "test_usecases.py.txt",
}
"""Files that are the same in every project, by path, with the file of `template/`."""
FIXED = {
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    "usecases/__init__.py": '"""A package per use case."""\n',
    "usecases/shared/__init__.py": '"""What several use cases import; every stage depends on it."""\n',
}
LOCKS = ("requirements.txt", "requirements-comment.txt")
LIBRARY = "requirements-library.txt"
WORKFLOWS = ("comment", "deploy", "main", "pull-request")
ONLY_HERE = ("make lint", "make test-all")
"""Commands of this repository's workflows that a project has no use for."""
CML_STEP = re.compile(r"      # without its digest.*?(?=      #|      - name)", re.DOTALL)
GRAPH = PIPELINE / "graph.yaml"
"""This repository's dvc.yaml; not by that name, which DVC would read wherever it lies."""
CODE_DEP = re.compile(r"^ +- plumbline/.*\n", re.MULTILINE)
PARAMS = re.compile(r"^    params: \[(.*)\]$", re.MULTILINE)


def shared() -> dict[str, str]:
    """The files that are the library's in every project, by path; the locks are left out."""
    stages = {f"stages/{name}.py": stage(name) for name in stage_names()}
    flows = {f".github/workflows/{name}.yml": workflow(name) for name in WORKFLOWS}
    plain = {path: _template(file) for path, file in PLAIN.items()}
    return dict(sorted({**plain, **FIXED, **stages, **flows, dvc_yaml.FILE: graph()}.items()))


def upgraded() -> dict[str, str]:
    """The files that a newer library may write anew, by path; the locks are left out."""
    return {**shared(), LIBRARY: f"{pin.installed().line}\n"}


def own(project: str, usecase: str) -> dict[str, str]:
    """The files with the project's own names in them, by path."""
    names = {"project": project, "usecase": usecase, "library": pin.installed().sentence}
    files = {"README.md": "README.md.txt", "params.yaml": "params.yaml.txt"}
    return {path: _filled(_template(file), names) for path, file in files.items()}


def locks() -> dict[str, str]:
    """The locks of what the library needs, by path."""
    return {file: (PIPELINE / file).read_text(encoding="utf-8") for file in LOCKS}


def graph() -> str:
    """dvc.yaml with the library's fingerprint as a param of each stage, where here its folders are deps.

    >>> [line.strip() for line in graph().splitlines() if "library" in line][0]
    'params: [seed, "${item.usecase}.data", {environment/library.json: [library-code.data]}]'
    """
    text = CODE_DEP.sub("", GRAPH.read_text(encoding="utf-8"))
    names = iter(stage_names())
    return PARAMS.sub(lambda match: _with_library(match[1], next(names)), text)


def stage(name: str) -> str:
    """A stage's thin file, which calls the library's stage."""
    document = ast.parse((PIPELINE / f"{name}.py").read_text(encoding="utf-8"))
    summary = (ast.get_docstring(document) or name).partition("\n\n")[0]
    return _filled(_template("stage.py.txt"), {"stage": name, "summary": summary})


def stage_names() -> list[str]:
    """The stages in run order."""
    return list(
        dvc_yaml.of_usecase(dvc_yaml.document(GRAPH.read_text(encoding="utf-8"), str(GRAPH)), "any")
    )


def workflow(name: str) -> str:
    """A workflow of this repository, less what only the library's own development needs."""
    text = CML_STEP.sub("", _template(f"workflows/{name}.yml.txt"))
    return "".join(_kept(text.splitlines(keepends=True)))


def _kept(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if line.strip().removeprefix("- run: ") not in ONLY_HERE:
            yield line.replace('PATH="$PWD/.cml:$PATH" ', "")


def _with_library(listed: str, stage: str) -> str:
    return f"    params: [{listed}, {{{library.FILE}: [{library.MD5S}.{stage}]}}]"


def _template(file: str) -> str:
    return (TEMPLATE / file).read_text(encoding="utf-8")


def _filled(text: str, names: Mapping[str, str]) -> str:
    """The text with `{name}` replaced; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], match[0]), text)
