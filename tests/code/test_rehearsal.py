"""The harness itself: expressions, conditions, what it refuses, and what a job's steps see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import github
from tests.rehearsal import workflows
from tests.rehearsal.expressions import Refused, condition, evaluate, fill
from tests.rehearsal.hub import Hub

CONTEXTS: dict[str, Any] = {
    "github": {"event": {"action": "opened", "number": 7}, "ref": "refs/heads/main"},
    "vars": {},
    "env": {"A": "a"},
    "status": {"success": False, "failure": True, "cancelled": False, "always": True},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.event.number", 7),
        ("github.event.nothing.at.all", None),
        ("vars.MISSING || 'x'", "x"),
        ("github.event.action == 'OPENED' && 'yes' || 'no'", "yes"),
        ("!(env.A != 'a')", True),
        ("startsWith(github.ref, 'refs/heads/') && contains('abc', 'B')", True),
        ("format('{0}-{1}', env.A, 2)", "a-2"),
        ("vars.X == ''", True),
        ("'it''s'", "it's"),
    ],
)
def test_expressions(expression: str, value: Any) -> None:
    assert evaluate(expression, CONTEXTS) == value


@pytest.mark.parametrize(
    "expression", ["hashFiles('a')", "matrix.x", "1 +", "env.A env.A", "'open"]
)
def test_what_is_unknown_is_refused(expression: str) -> None:
    with pytest.raises(Refused):
        evaluate(expression, CONTEXTS)


def test_texts_are_filled() -> None:
    assert fill("pr-${{ github.event.number }}-${{ vars.X }}", CONTEXTS) == "pr-7-"
    assert fill({"a": "${{ github.event.number }}"}, CONTEXTS) == {"a": 7}


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("success()", False),
        ("${{ !cancelled() }}", True),
        ("env.A == 'a'", False),
        ("failure()", True),
    ],
)
def test_conditions_after_a_failure(text: str, runs: bool) -> None:
    assert condition(text, CONTEXTS) is runs


WORKFLOW = """
name: toy
on: push
permissions: {}
jobs:
  first:
    runs-on: ubuntu-24.04
    outputs:
      said: ${{ steps.one.outputs.word }}
    steps:
      - id: one
        run: |
          echo word=hello >> "$GITHUB_OUTPUT"
          echo MORE=more >> "$GITHUB_ENV"
          echo seen >> "$GITHUB_STEP_SUMMARY"
      - run: test "$MORE" = more && false | true
        shell: bash
        continue-on-error: true
      - run: exit 3
      - run: echo skipped
      - name: last
        if: ${{ !cancelled() }}
        run: echo "$MORE"
  second:
    needs: first
    runs-on: ubuntu-24.04
    steps:
      - run: echo never
  third:
    needs: [first]
    if: ${{ always() && needs.first.outputs.said == 'hello' }}
    runs-on: ubuntu-24.04
    permissions:
      issues: write
    env:
      TOKEN: ${{ github.token }}
    steps:
      - run: test "$TOKEN" != read-only
"""


def play(folder: Path, text: str) -> workflows.Run:
    file = folder / "toy.yml"
    file.write_text(text)
    hub = Hub(folder, folder, github.GitHub(url="http://127.0.0.1:1"))
    return workflows.run(hub, file, "push", {}, ref="refs/heads/main", sha="0" * 40)


def test_a_workflow_runs_as_on_the_host(tmp_path: Path) -> None:
    run = play(tmp_path, WORKFLOW)
    first = run.jobs["first"]
    outcomes = [s.outcome for s in first.steps]
    assert outcomes == ["success", "failure", "failure", "skipped", "success"]
    assert first.step("last").output == "more\n"
    assert first.summary == "seen\n"
    assert [j.result for j in run.jobs.values()] == ["failure", "skipped", "success"]
    assert run.conclusion == "failure"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("run: echo never", "uses: someone/something@v1", "action someone/something"),
        ("runs-on: ubuntu-24.04\n    steps:\n      - run: echo never", "strategy: {}", "strategy"),
        ("name: last", "timeout: 3", "timeout"),
        ("shell: bash", "shell: pwsh", "pwsh"),
    ],
)
def test_the_unknown_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = WORKFLOW.replace("exit 3", "true").replace("false | true", "true")
    assert old in text
    with pytest.raises(Refused, match=message):
        play(tmp_path, text.replace(old, new))
