"""The press that leaves before the command line is imported: once, whole, and never twice."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from plumbline.ops.serving import places, press

SERVED = {"ok": True, "served": True, "routes": {"champions": ["a"]}, "lines": ["version 2"]}


@contextmanager
def service(answer: Any) -> Iterator[list[dict[str, Any]]]:
    """Something that answers the control socket; the requests that it got."""
    place = places.control(Path("."))
    place.parent.mkdir(parents=True, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(place))
    listening.listen()
    got: list[dict[str, Any]] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client, client.makefile("rb") as lines:
                line = lines.readline()
                if line:
                    got.append(json.loads(line))
                    client.sendall(b"" if answer is None else json.dumps(answer).encode() + b"\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield got
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_place_is_the_service_s():
    assert str(places.control(Path("."))) == press.SOCKET


def test_it_is_pressed_once_and_printed(capsys: pytest.CaptureFixture[str]):
    with service(SERVED) as got:
        assert main(["red-button", "parcels"]) == 0
        assert main(["red-button", "parcels", "--json", "out.json"]) == 0
    assert got == [{"do": "red-button", "usecase": "parcels"}] * 2
    assert "all entities are answered by a" in capsys.readouterr().out
    assert json.loads(Path("out.json").read_text())["lines"] == ["version 2"]


def test_without_an_answer_it_is_not_pressed_again(capsys: pytest.CaptureFixture[str]):
    with service(None) as got:
        assert main(["red-button", "parcels"]) == 2
    assert len(got) == 1
    assert "before you press again" in capsys.readouterr().err


def test_a_refusal_is_printed(capsys: pytest.CaptureFixture[str]):
    with service({"ok": False, "error": "nothing to return to"}) as got:
        assert main(["red-button", "parcels"]) == 2
    assert len(got) == 1
    assert "nothing to return to" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--help"], ["parcels", "--help"], [], ["--json", "a"], ["a", "b"]]
)
def test_what_is_no_press_sends_nothing(words: list[str]):
    with service(SERVED) as got:
        main(["red-button", *words])
    assert got == []


def test_it_leaves_before_the_libraries_are_imported():
    code = (
        "import sys; from plumbline.ops.serving import press; press.early(['red-button', 'a']);"
        "print([m for m in ('typer', 'pydantic', 'numpy', 'asyncio') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    environ = {"PYTHONPATH": str(root), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
