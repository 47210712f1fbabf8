"""What decides on a change and the change itself alters: each kind is named, and what only adds is not."""

from __future__ import annotations

import functools
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.core.declarations import Behaviour, Columns, Split
from plumbline.core.usecase import UseCase
from plumbline.review import declared_rules, judging_rules, revision
from plumbline.runtime import git
from tests.small import SMALL

PARAMS: dict[str, Any] = {
    "usecases": ["shop"],
    "shop": {
        "gate": {"margin": 0.01},
        "validate": {"max_quarantine": 0.02},
        "features": {"test_days": 21, "join": "feast"},
        "train": {"rounds": 60, "costs": {"unit": "cents", "false_positive": 5}},
    },
}
FILES = {
    "Makefile": "test:\n\tpytest\n",
    "tests/code/test_a.py": "def test_a(): ...\n",
    ".dvc/config": "[core]\n    autostage = false\n",
    "profiles/shop.json": '{"rows": 9}\n',
    "profiles/shop.history.csv": "day\n2025-01-01\n",
    "requirements.txt": "numpy==2.1\n",
    "docs/a.md": "text\n",
    "usecases/shop/features.py": "x = 1\n",
    "dvc.lock": "schema: '2.0'\n",
    "dvc.yaml": "stages: {}\n",
}


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit, tagged base."""
    root = tmp_path_factory.mktemp("committed")
    for name, text in {**FILES, "params.yaml": yaml.safe_dump(PARAMS)}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git.output(root, "init", "-q", "-b", "main")
    commit(root)
    git.output(root, "tag", "base")
    return root


@pytest.fixture
def base(committed: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    return shutil.copytree(committed, tmp_path / "project")


def commit(root: Path) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    git.output(root, "add", "-A")
    git.output(root, *who, "commit", "-q", "-m", "change")


def rules(root: Path) -> dict[str, tuple[Any, Any]]:
    """What base and the work tree differ in, by key."""
    sides = revision.side(root, "base"), revision.side(root, None)
    found = judging_rules.changed(*sides, {"shop": ({}, {})})
    return {f"{one.usecase or ''} {one.key}".strip(): (one.base, one.head) for one in found}


def set_params(root: Path, dotted: str, value: Any) -> None:
    whole = yaml.safe_load((root / "params.yaml").read_text())
    *parts, last = dotted.split(".")
    place = whole
    for part in parts:
        place = place.setdefault(part, {})
    place[last] = value
    (root / "params.yaml").write_text(yaml.safe_dump(whole))


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("shop.gate.margin", 0.05, ("shop gate.margin", (0.01, 0.05))),
        ("shop.gate.max_loss", 0.2, ("shop gate.max_loss", (None, 0.2))),
        ("shop.evaluate.slice_floor", 0.0, ("shop evaluate.slice_floor", (None, 0.0))),
        ("shop.monitor.min_importance", 1, ("shop monitor.min_importance", (None, 1))),
        ("shop.validate.max_quarantine", 1.0, ("shop validate.max_quarantine", (0.02, 1.0))),
        (
            "shop.validate.severity",
            {"range": "warn"},
            ("shop validate.severity.range", (None, "warn")),
        ),
        (
            "shop.validate.waivers",
            [{"check": "a.range", "reason": "seen", "by": "anna", "expires": "2025-02-01"}],
            (
                "shop validate.waivers.a.range",
                (None, "reason seen, by anna, expires 2025-02-01"),
            ),
        ),
        ("shop.validate.waivers", ["odd"], ("shop validate.waivers", (None, ["odd"]))),
        ("shop.features.test_days", 6, ("shop features.test_days", (21, 6))),
        ("shop.features.test_share", 0.02, ("shop features.test_share", (None, 0.02))),
        (
            "shop.alerts.silence_until",
            "2099-01-01",
            ("shop alerts.silence_until", (None, "2099-01-01")),
        ),
        ("alerts.silence_until", "2099-01-01", ("alerts.silence_until", (None, "2099-01-01"))),
        ("shop.train.costs.false_positive", 1, ("shop train.costs.false_positive", (5, 1))),
    ],
)
def test_limits_in_params(base: Path, key: str, value: Any, found: tuple[str, Any]) -> None:
    set_params(base, key, value)
    assert rules(base) == {found[0]: found[1]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shop.train.rounds", 48),
        ("shop.features.join", "direct"),
        ("shop.gate.override", "agreed"),
        ("gate.override", "agreed"),
        ("seed", 8),
    ],
)
def test_what_limits_nothing_is_none(base: Path, key: str, value: Any) -> None:
    set_params(base, key, value)
    assert rules(base) == {}


@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("Makefile", "test:\n\ttrue\n", ["Makefile"]),
        ("tests/code/test_a.py", None, ["tests/code/test_a.py"]),
        ("tests/code/test_b.py", "def test_b(): ...\n", []),
        ("tests/code/conftest.py", "collect_ignore_glob = ['*']\n", ["tests/code/conftest.py"]),
        (
            ".github/workflows/pull-request.yml",
            "on: push\n",
            [".github/workflows/pull-request.yml"],
        ),
        ("plumbline/review/merge_gate.py", "yes = True\n", ["plumbline/review/merge_gate.py"]),
        ("CODEOWNERS", "* @me\n", ["CODEOWNERS"]),
        (".gitattributes", "plumbline/** export-ignore\n", [".gitattributes"]),
        ("sources/shop/.dvc/config", "\n", ["sources/shop/.dvc/config"]),
        ("sources/shop/world.so", "x", ["sources/shop/world.so"]),
        ("usecases/shop/features/__init__.py", "x = 1\n", ["usecases/shop/features/__init__.py"]),
        ("sources/shop/.dvcignore", "shop.csv\n", ["sources/shop/.dvcignore"]),
        ("GNUmakefile", "test:\n", ["GNUmakefile"]),
        ("pytest.ini", "[pytest]\n", ["pytest.ini"]),
        ("yaml.py", "safe_load = dict\n", ["yaml.py"]),
        ("docs/conftest.py", "x = 1\n", ["docs/conftest.py"]),
        ("usecases/__init__.py", "x = 1\n", ["usecases/__init__.py"]),
        ("requirements.txt", "numpy==2.1\n-i https://x\n", ["requirements.txt: other lines"]),
        ("profiles/shop.json", "{}\n", ["profiles/shop.json: the accepted profile"]),
        ("profiles/shop.history.csv", "day\n", ["profiles/shop.history.csv"]),
        ("profiles/shop.history.csv", "day\n2025-01-01\n2025-01-02\n", []),
        ("profiles/kiosk.json", "{}\n", []),
        ("sources/shop/shop.csv", "a\n", []),
        ("metrics/shop/data.json", "{}\n", []),
        ("README.md", "text\n", []),
        ("usecases/shop/README.md", "text\n", []),
        (".dvc/config", "[core]\n    autostage = true\n", [".dvc/config: core.autostage"]),
        ("requirements.txt", "numpy==2.0\n", ["package numpy"]),
        ("docs/a.md", "other\n", []),
        ("usecases/shop/features.py", "x = 2\n", []),
    ],
)
def test_files(base: Path, file: str, text: str | None, names: list[str]) -> None:
    path = base / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_text(text)
    commit(base)
    assert list(rules(base)) == names


def test_a_limit_is_named_where_no_model_changed(base: Path) -> None:
    """The next change is judged by it: dvc.lock, which has no limit of the gate, is base's."""
    lock = {"stages": {"train@shop": {"cmd": "x", "deps": [], "outs": []}}}
    (base / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", **lock}))
    graph = {"train": {"matrix": {"usecase": "${usecases}"}, "cmd": "x"}}
    (base / "dvc.yaml").write_text(yaml.safe_dump({"stages": graph}))
    commit(base)
    git.output(base, "tag", "-f", "base")
    set_params(base, "shop.gate.max_loss", 0.25)
    sides = revision.side(base, "base"), revision.side(base, None)
    assert [one.key for one in judging_rules.changed(*sides, {})] == ["gate.max_loss"]


@pytest.mark.parametrize(
    "name", ["usecases/shop/features.py", "sources/shop/shop.csv", "docs/b.md"]
)
def test_a_link_in_place_of_a_file(base: Path, name: str) -> None:
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(base / "Makefile")
    commit(base)
    assert rules(base) == {name: (rules(base)[name][0], "a link")}


@pytest.mark.parametrize("folder", ["usecases", "sources"])
def test_code_that_does_more_than_declare(base: Path, folder: str) -> None:
    path = base / folder / "shop" / "features.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("import atexit\nimport math\n")
    commit(base)
    key = f"{folder}/shop/features.py: beyond declarations"
    assert rules(base) == {key: ("nothing", "imports atexit")}


def test_the_lock_s_options_are_no_versions(base: Path) -> None:
    (base / "requirements.txt").write_text("numpy==2.1 \\\n    --hash=sha256:ab\n    # via x\n")
    assert rules(base) == {}


@pytest.mark.parametrize("text", [" ", "-", "\u200b\u200b", "ok", "...", "Agreed!", "AGREED "])
def test_no_reason_in_words(base: Path, text: str) -> None:
    """Neither what has no words, nor base's own with another dot, lifts anything."""
    set_params(base, "shop.gate.override", "agreed")
    set_params(base, "gate.override", "agreed")
    commit(base)
    git.output(base, "tag", "-f", "base")
    set_params(base, "shop.gate.override", text)
    set_params(base, "gate.override", text)
    sides = revision.side(base, "base"), revision.side(base, None)
    assert judging_rules.override(*sides, "shop") is None
    assert judging_rules.project_override(*sides) is None


def test_an_override_counts_once(base: Path) -> None:
    """What base has already was written for another change."""
    set_params(base, "shop.gate.override", "agreed")
    set_params(base, "gate.override", "new tests")
    sides = revision.side(base, "base"), revision.side(base, None)
    assert judging_rules.override(*sides, "shop") == "agreed"
    assert judging_rules.project_override(*sides) == "new tests"
    commit(base)
    again = revision.side(base, "HEAD"), revision.side(base, None)
    assert judging_rules.override(*again, "shop") is None
    assert judging_rules.project_override(*again) is None


def turned(event: Columns) -> Columns:
    """Another event."""
    return {"x": -event["x"]}


def same(event: Columns) -> Columns:
    """The same event."""
    return {"x": event["x"]}


def with_behaviour(change: Any, share: float = 0.9) -> UseCase:
    behaviour = Behaviour("turned", "x the other way", change, "not_lower", share=share)
    return replace(SMALL, behaviours=(behaviour,))


def keys(base: UseCase, head: UseCase) -> list[str]:
    return list(declared_rules.changes(declared_rules.of(base), declared_rules.of(head)))


PLAIN_TABLE: dict[str, Any] = {
    "time": None,
    "label_delay": 0,
    "snapshots": (),
    "fresh": (),
    "rows": (),
    "derived": (),
    "features": ("cents",),
}


def test_declarations_that_judge() -> None:
    declared = with_behaviour(turned)
    assert keys(declared, declared) == []
    assert keys(declared, with_behaviour(same)) == ["behaviours.turned.change"]
    assert keys(declared, with_behaviour(turned, share=0.1)) == ["behaviours.turned.share"]
    assert keys(declared, replace(declared, behaviours=())) == ["behaviours.turned"]
    assert keys(replace(declared, behaviours=()), declared) == [], "an addition"
    assert keys(declared, replace(declared, label_delay_hours=3)) == ["label_delay_hours"]
    plain = replace(declared, **PLAIN_TABLE)
    assert keys(plain, replace(plain, split=Split(group="who_id"))) == ["split"]
    first = declared.columns[0]
    wider = replace(declared, columns=(replace(first, max=1e9), *declared.columns[1:]))
    assert keys(declared, wider) == [f"columns.{first.name}.max"]
    worded = replace(declared, columns=(replace(first, description="x"), *declared.columns[1:]))
    assert keys(declared, worded) == []


def test_a_function_is_its_structure() -> None:
    def first(x: int) -> int:
        """Doc."""
        return x + 1

    before = declared_rules.code(first)

    def first(x: int) -> int:  # type: ignore[no-redef]
        # a comment
        return x + 1

    assert declared_rules.code(first) == before


LIMIT = 2.0


def helped(event: Columns) -> Columns:
    """By a helper and a constant."""
    return {"x": _helper(event["x"])}


def _helper(x: Any) -> Any:
    return x + LIMIT


def test_a_function_is_what_it_calls_and_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = declared_rules.code(helped)
    assert declared_rules.code(helped) == before
    monkeypatch.setitem(globals(), "LIMIT", 0.0)
    constant = declared_rules.code(helped)
    monkeypatch.setitem(globals(), "_helper", same)
    assert len({before, constant, declared_rules.code(helped)}) == 3


def test_a_function_with_arguments() -> None:
    few, many = (functools.partial(helped, more) for more in (1, 2))
    assert declared_rules.code(few) != declared_rules.code(many)


def test_a_column_that_is_computed_now() -> None:
    name = SMALL.columns[-1].name
    computed = replace(SMALL, derive={name: "1"})
    assert keys(SMALL, computed) == [f"derive.{name}"]
    assert keys(computed, computed) == []


FEATURES = {
    "version",
    "views",
    *("entities", "features", "snapshots", "hourly", "fresh", "categories", "encodings", "rows"),
    *("derived", "offset", "deprecated"),
}
"""What a change may make better."""
WORDS = {"name", "title", "owner", "use", "terms", "optional", "planned"}


def test_every_field_of_a_use_case_is_judged_or_known_to_judge_nothing() -> None:
    """A new one is one or the other."""
    judged = {*declared_rules.PLAIN, *declared_rules.LISTS, "derive"}
    assert {field.name for field in fields(UseCase)} == judged | FEATURES | WORDS
