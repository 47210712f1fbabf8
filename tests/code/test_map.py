"""docs/map.md is the map of this project: every arrow, stage, workflow and out is in it, and has tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docs import pipeline_map
from docs.marks import MarkedTest

TEST = [MarkedTest("tests/test_x.py", "test_y")]
STAGES = {
    "make": {"deps": ["source"], "outs": [{"data/${item.usecase}/raw": {"persist": True}}]},
    "fit": {"deps": ["data/${item.usecase}/raw/one"], "outs": ["models/${item.usecase}"]},
}
PROJECT = pipeline_map.Project(
    STAGES, frozenset(["main"]), frozenset(["gate"]), frozenset(["core"]), {"A1": TEST}
)
MAP = {
    "parts": [["part", "stage make, stage fit, package core", "dvc repro", "A1"]],
    "inside": [["make", "fit", "events", "A1"]],
    "outside": [["change", "main", "workflow main, command gate", "A1"]],
    "levels": [["1", "means", "here", "A1"]],
    "tasks": [["data", "make", "stage make", "A1"]],
    "assets": [["all", "data/*/raw, models/*", "never", "git", "A1"]],
}


@pytest.mark.capability("A1", "A9", "A10", "D14", "G16")
def test_the_map_is_of_this_project() -> None:
    assert list(pipeline_map.problems(pipeline_map.read(), pipeline_map.project())) == []


@pytest.mark.capability("A1")
def test_there_are_six_parts_each_with_a_command() -> None:
    parts = pipeline_map.read()["parts"]
    assert len(parts) == 6
    assert all(command.startswith(("plumbline ", "dvc ", "make ")) for _, _, command, _ in parts)


@pytest.mark.capability("A3", "G16")
def test_arrows_are_read_from_the_graph() -> None:
    found = pipeline_map.edges(pipeline_map.project().stages)
    assert ("data", "validate") in found
    assert ("train", "monitor") in found
    assert ("evaluate", "monitor") not in found
    order = list(pipeline_map.project().stages)
    assert all(order.index(a) < order.index(b) for a, b in found), "a cycle, or out of order"


def test_a_whole_map_has_no_problem() -> None:
    assert list(pipeline_map.problems(MAP, PROJECT)) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"inside": []}, "inside: make -> fit is in dvc.yaml and not in the map"),
        (
            {"inside": [*MAP["inside"], ["fit", "make", "x", "A1"]]},
            "inside: fit -> make is in the map and not in dvc.yaml",
        ),
        ({"levels": [["1", "means", "here", "B7"]]}, "levels: 1: no test carries B7"),
        ({"levels": [["1", "means", "here", ""]]}, "levels: 1: no test carries it: name a row"),
        ({"levels": [["1", "means"]]}, "levels: 1: 2 columns, expected 4"),
        ({"tasks": [["data", "make", "stage mkae", "A1"]]}, "tasks: data: no stage 'mkae'"),
        ({"outside": []}, "workflow main is in no list"),
        ({"parts": []}, "stage fit is in no list"),
        ({"assets": []}, "assets: models/${item.usecase} of dvc.yaml is none of them"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, list[list[str]]], problem: str) -> None:
    found = list(pipeline_map.problems({**MAP, **change}, PROJECT))
    assert any(line.startswith(problem) for line in found), found


def test_an_arrow_loses_its_test_with_the_last_mark() -> None:
    without = replace(PROJECT, tests={})
    assert "inside: make: no test carries A1" in list(pipeline_map.problems(MAP, without))
