"""The README holds: its links lead somewhere, its commands exist, it stays short."""

from __future__ import annotations

import re

import pytest

from plumbline.__main__ import main
from tests.conftest import ROOT

TEXT = (ROOT / "README.md").read_text()
MAKE = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_links_lead_somewhere(target: str) -> None:
    assert not target.startswith("http")
    assert (ROOT / target).exists()


@pytest.mark.parametrize("word", sorted(set(re.findall(r"`?make ([a-z]+)", TEXT)) - {"them"}))
def test_make_targets_exist(word: str) -> None:
    assert word in MAKE


@pytest.mark.parametrize("word", sorted(set(re.findall(r"`plumbline ([a-z-]+)", TEXT))))
def test_commands_exist(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([word, "--help"])
    assert end.value.code == 0
    assert f"plumbline {word}" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:bench|docs|tests)/[\w./]+)`", TEXT))))
def test_files_named_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_a_newcomer_reads_it_in_minutes() -> None:
    lines = TEXT.splitlines()
    assert len(lines) <= 166
    assert any("make repro" in line for line in lines[:25])
