"""What hosts read beside the workflows: Dependabot's file, GitLab's example, the accepted advisories."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from plumbline.ops.audit import ACCEPTED, accepted
from tests.conftest import ROOT

BIN = Path(sys.executable).parent
GITLAB = ROOT / "docs" / "gitlab-ci.yml"


def call(*words: str) -> None:
    done = subprocess.run(
        [str(BIN / words[0]), *words[1:]], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "file"),
    [("dependabot", ".github/dependabot.yml"), ("gitlab-ci", "docs/gitlab-ci.yml")],
)
def test_schemas(schema: str, file: str) -> None:
    call("check-jsonschema", "--builtin-schema", f"vendor.{schema}", file)


def test_nothing_to_say_of_the_whole_folder() -> None:
    call("zizmor", "--offline", "--no-progress", ".github/")


@pytest.mark.mltest("Monitor 1")
def test_new_versions_wait() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    assert {u["package-ecosystem"] for u in updates} == {"pip", "github-actions"}
    assert all(u["cooldown"]["default-days"] >= 7 for u in updates)


def test_gitlab_calls_commands_that_exist() -> None:
    from plumbline.cli.app import command_line

    named = set(re.findall(r"python -m plumbline ([\w-]+)", GITLAB.read_text()))
    assert (
        {"compare", "gate", "retrain", "release", "audit"} <= named <= set(command_line().commands)
    )


def test_links_of_the_docs_lead_somewhere() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), target


def test_accepted_advisories_have_reasons() -> None:
    assert accepted((ROOT / ACCEPTED).read_text(), str(ACCEPTED))
