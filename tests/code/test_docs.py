"""README and docs agree with the repository: links and anchors lead somewhere, commands and files exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.cli.app import command_line
from plumbline.config import UseCaseParams
from plumbline.model.version import VERSION
from tests.conftest import ROOT

DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")
] + DOCS
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
PAGES += [ROOT / "docs/decisions/README.md", *DECISIONS]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
FOLDERS = "plumbline|stages|usecases|sources|bench|tests|docs|feature_store|.ci|.github"
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code(page: Path) -> list[str]:
    """The page's fenced blocks and code spans."""
    text = page.read_text()
    fenced = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [*fenced, *re.findall(r"`([^`\n]+)`", rest)]


def named(page: Path, pattern: str) -> set[Any]:
    """What `pattern` finds in the page's code, where a command begins."""
    return {word for part in code(page) for word in re.findall(pattern, part, re.MULTILINE)}


def anchors(page: Path) -> set[str]:
    """The headings as GitHub's anchors."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pages
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pages
def test_commands_exist(page: Path) -> None:
    assert named(page, r"(?:^|[$&(] )plumbline ([a-z][\w-]*)") <= set(command_line().commands)
    assert named(page, r"(?:^|[$&(] )make ([a-z][\w-]*)") <= TARGETS


def complete(line: str) -> list[str]:
    """The words of a command with arguments; none where it is only named, or shows its grammar."""
    words = shlex.split(line, comments=True)
    return [] if len(words) < 2 or any(w[0] in "[<(" or w == "..." for w in words) else words


@pages
def test_commands_take_these_options(page: Path) -> None:
    commands = command_line().commands
    for line in named(page, r"(?:^|[$&(] )plumbline ([a-z][^&;\n]*)"):
        name, *words = complete(line) or [""]
        if name:
            commands[name].make_context(name, words)  # raises UsageError


@pages
def test_modules_and_files_exist(page: Path) -> None:
    for module in named(page, r"python -m ((?:bench|docs|tests|stages)[\w.]+)"):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    for path in named(page, rf"^((?:{FOLDERS})/[\w./-]+)$"):
        assert "my_table" in path or (ROOT / path).exists(), path


@pages
def test_params_exist(page: Path) -> None:
    sections = {f.alias or n: f for n, f in UseCaseParams.model_fields.items()}
    for name, key in named(page, r"^([a-z]+)\.([a-z_]+)(?::.*)?$"):
        if name in sections and key not in ("py", "json"):
            assert key in sections[name].annotation.model_fields, f"{name}.{key}"


def test_the_index_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs/index.md").read_text()))
    assert linked == {page.name for page in DOCS} - {"index.md"}


def test_a_newcomer_reads_the_readme_in_minutes() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    first = "\n".join(lines[:50])
    assert "docs/review.png" in first
    assert "make repro" in first
    assert first.count("](") >= 4


@pytest.mark.capability("D2")
@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_what_was_weighed_and_what_holds_it(page: Path) -> None:
    text, number = page.read_text(), int(page.name[:2])
    assert text.startswith(f"# {number}. ")
    for part in ("**Decision.** ", "**Instead of** ", "**It costs** ", "**Held by** "):
        assert text.count(f"\n{part}") == 1, part
    assert len(text.splitlines()) <= 30, "half a page"
    assert f"| [{number}]({page.name}) |" in (page.parent / "README.md").read_text()
    held = text.partition("**Held by**")[2]
    named = re.findall(
        r"`((?:tests|bench)/[\w./-]+)`|`(?:make|plumbline|python -m) ([\w.-]+)", held
    )
    assert named, "a test or a command"


def test_the_page_on_data_names_every_folder_and_table() -> None:
    text = (ROOT / "data/README.md").read_text()
    for stage, entry in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        for path in (next(iter(out)) for out in entry["outs"]):
            if path.startswith("data/"):
                name = path.removeprefix("data/${item.usecase}/")
                assert re.search(
                    rf"^\| `{re.escape(name)}` \| .* \| {stage} \|$", text, re.MULTILINE
                )


def test_the_changelog_begins_with_the_version() -> None:
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == VERSION


def test_the_readme_shows_what_a_run_prints() -> None:
    evaluated, monitored = (
        json.loads((ROOT / f"metrics/card_fraud/{stage}.json").read_text())
        for stage in ("evaluate", "monitor")
    )
    gate = evaluated["gate"]
    head = f"evaluate: {evaluated['rows']['test']} rows; {gate['verdict']}: "
    summary = monitored["summary"].split(": ", 1)[1]  # behind the level, which it explains
    printed = [head + "; ".join(gate["reasons"]), f"monitor: ok: {summary}"]
    for line in printed:
        stage = line.split(":")[0]
        shown = re.search(rf"^{stage}: .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
        assert shown is not None
        assert all(part.strip() in line for part in shown[0].split("..."))
