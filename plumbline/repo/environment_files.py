"""Which pins of requirements.txt can change the outs of which stage: `environment/<stage>.txt`. An edge.

The rule: what the stage's Python files import of other libraries, direct or not (its file, its use cases'
and sources' modules, and the library's modules that those reach), and all that these libraries require
within the lock. `UNREACHED` names what is left out, and why. A stage has its file as a dep, so that
`dvc repro` runs it again when a pin in it changes, and only then.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing
from plumbline.repo import python_imports, requirements
from plumbline.repo.requirements import Requirements
from plumbline.runtime import dvc_yaml, libraries, library

UNREACHED = {
    "types only": ("mypy", "mypy-extensions", "types-greenlet"),
    "a server that no stage starts": (
        *("fastapi", "gunicorn", "litestar", "litestar-htmx", "prometheus-client", "starlette"),
        *("uvicorn", "uvicorn-worker", "watchdog", "watchfiles"),
    ),
    "a connection that no stage opens": (
        *(
            "aiohttp",
            "certifi",
            "cryptography",
            "hiredis",
            "httpx",
            "psycopg-pool",
            "pyjwt",
            "redis",
        ),
        *("requests", "urllib3"),
    ),
    "telemetry, which is off": (
        *("iterative-telemetry", "opentelemetry-api", "opentelemetry-proto"),
    ),
    "what a terminal shows": ("click", "colorama", "pygments", "rich", "tqdm", "typer"),
}
"""Libraries that others require and that cannot change an out, by the reason."""
LEFT_OUT = frozenset(name for names in UNREACHED.values() for name in names)
CONNECTIONS = frozenset({"botocore"})
"""Libraries that stages import to fetch bytes, whose hash is known before: no version of them gives others."""
ENGINES = frozenset({"py4j", "pyspark"})
"""Modules of a cluster's engine, which gives the bytes that the embedded one gives, or the tests fail."""
BY_NAME = {"sqlalchemy": ("psycopg",)}
"""Libraries that another loads by a name in the settings, with no import to follow."""
SHARED = {"google": ("protobuf",)}
"""Of a top-level module that many libraries share, the one whose part is imported."""
HEAD = (
    "# The pins of {file} that can change an out of the stage {stage}.\n"
    "# Written by `plumbline environment`, which `make lock` runs; do not edit.\n"
)
NAME = re.compile(r"^Name: *(\S+)", re.MULTILINE | re.IGNORECASE)
"""A library's name in its METADATA."""
SHOWN = 3
"""Differences that a message names."""


def expected(root: Path) -> dict[str, str]:
    """The text of each file that a stage of dvc.yaml has as a dep.

    PlumblineError where the lock does not note what requires what, or does not have what is imported.
    """
    starts = _starts(root)
    lock = root / requirements.FILE
    if not starts or not lock.is_file():
        return {}
    locked = requirements.parse(lock.read_text(encoding="utf-8", errors="replace"))
    owners = _owners()
    return {file: _text(file, _pins(paths, root, locked, owners)) for file, paths in starts.items()}


def write(root: Path) -> list[str]:
    """Write the files that are not as they should be; their paths."""
    texts = {file: text for file, text in expected(root).items() if _read(root, file) != text}
    for file, text in texts.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        with replacing(root / file) as beside:
            beside.write_text(text, encoding="utf-8")
    return list(texts)


def stale(root: Path) -> list[str]:
    """Where a file is not what requirements.txt and the imports give: the file and what differs."""
    return [
        f"{file}: {_differences(before, text)}"
        for file, text in expected(root).items()
        if (before := _read(root, file)) != text
    ]


def of_stages(root: Path) -> list[str]:
    """The texts of the files that stages of dvc.yaml have as deps; those that are not there are left out."""
    return [text for file in _starts(root) if (text := _read(root, file))]


def differing(root: Path) -> list[str]:
    """The libraries that stages of dvc.yaml name and that are others here, Plumbline included where it is installed."""
    return [*library.differing(library.read(root)), *libraries.differing(of_stages(root))]


def notes(root: Path) -> Iterator[str]:
    """What to do where the work tree's stages name other libraries than are installed; nothing else."""
    if others := differing(root):
        yield f"the stages here run with {libraries.some(others)}: `make install` before the next run"


def _starts(root: Path) -> dict[str, list[Path]]:
    """By a stage's file of pins, the Python files among its deps, over all use cases; not the library's."""
    graph = dvc_yaml.read(root)
    params = root / dvc_yaml.PARAMS
    text = params.read_text(encoding="utf-8") if params.is_file() else ""
    starts: dict[str, set[Path]] = defaultdict(set)
    for stage in dvc_yaml.stages(graph, dvc_yaml.document(text, str(params))).values():
        for file in libraries.files(stage.deps):
            starts[file] |= {path for dep in stage.deps for path in _python(root, dep)}
    return {file: sorted(paths) for file, paths in starts.items()}


def _python(root: Path, dep: str) -> Iterable[Path]:
    if dep.startswith("plumbline/"):
        return ()
    path = root / dep
    return path.rglob("*.py") if path.is_dir() else [path] if path.suffix == ".py" else ()


def _pins(
    starts: Iterable[Path], root: Path, locked: Requirements, owners: Mapping[str, list[str]]
) -> Iterator[str]:
    names: set[str] = set()
    for top, path in python_imports.installed(starts, root).items():
        if top in ENGINES:
            continue
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        names |= _distributions(top, shown, locked, owners)
    names |= {other for name in names for other in BY_NAME.get(name, ())}
    names -= CONNECTIONS
    for name in sorted(locked.closure(names, LEFT_OUT)):
        yield from map(str, locked.pins[name])


def _owners() -> dict[str, list[str]]:
    """The installed libraries that bring each top-level module, by the lists that they were installed with.

    `metadata.packages_distributions` says the same and looks for each of 26,000 files.
    """
    result: dict[str, list[str]] = defaultdict(list)
    for one in metadata.distributions():
        tops = (one.read_text("top_level.txt") or "").split()
        files = (line.partition(",")[0] for line in (one.read_text("RECORD") or "").splitlines())
        modules = {f.partition("/")[0].removesuffix(".py") for f in files if f.endswith(".py")}
        if named := NAME.search(one.read_text("METADATA") or ""):
            for top in tops or modules:
                result[top].append(named[1])
    return result


def _distributions(
    top: str, path: Path, locked: Requirements, owners: Mapping[str, list[str]]
) -> set[str]:
    """The locked libraries that bring a top-level module; by its own name where it is not installed."""
    candidates = SHARED.get(top) or (*owners.get(top, ()), top)
    names = {libraries.normal(name) for name in candidates} & locked.pins.keys()
    if not names:
        raise PlumblineError(
            f"{path}: imports {top}, which {requirements.FILE} does not lock; add it to "
            "requirements.in, then `make lock` and `make install`"
        )
    return names


def _text(file: str, lines: Iterable[str]) -> str:
    head = HEAD.format(file=requirements.FILE, stage=Path(file).stem)
    return head + "".join(f"{line}\n" for line in lines)


def _read(root: Path, file: str) -> str:
    path = root / file
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _differences(before: str, after: str) -> str:
    old, new = libraries.versions(before), libraries.versions(after)
    lines = [
        f"{name} {old.get(name, 'missing')}, expected {new.get(name, 'none')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    return libraries.some(lines, SHOWN) or "not as it is written"
