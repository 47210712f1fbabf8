"""The audit of the dependencies: real pip-audit against a local stand-in for OSV's service."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.ops.audit import CANARY, believed, pins
from tests.conftest import ROOT
from tests.project import environment

LOCK = """\
Left_Pad==1.0 \\
    --hash=sha256:00
right==2.0 ; python_version < '3.12' \\
    # via x
right==3.0 ; python_version >= '3.12'
"""


@contextmanager
def osv(flagged: Mapping[tuple[str, str], str], status: int = 200) -> Iterator[str]:
    """A service that knows these advisories, by name and version; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            pin = (request["package"]["name"], request["version"])
            body = json.dumps({"vulns": [advisory(pin, flagged[pin])]} if pin in flagged else {})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *words: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def advisory(pin: tuple[str, str], name: str) -> dict:
    events = [{"introduced": "0"}, {"fixed": "9.9"}]
    package = {"name": pin[0], "ecosystem": "PyPI"}
    affected = [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
    return {"id": name, "aliases": [f"{name}-ALIAS"], "summary": "bad", "affected": affected}


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small lock; no proxy between the test and loopback."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("os.environ", {**environment(ROOT), "no_proxy": "*", "NO_PROXY": "*"})
    path = tmp_path / "requirements.txt"
    path.write_text(LOCK)
    return str(path)


def test_the_canary_alone_is_flagged(lock: str, capsys: pytest.CaptureFixture[str]) -> None:
    with osv({CANARY: "OLD-1"}) as address:
        assert main(["audit", "--lock", lock, "--osv-url", address]) == 0
    assert capsys.readouterr().out.startswith("0 known vulnerabilities beside 1 accepted")


def test_a_locked_package_is_flagged(lock: str, capsys: pytest.CaptureFixture[str]) -> None:
    with osv({CANARY: "OLD-1", ("left-pad", "1.0"): "A", ("right", "3.0"): "B"}) as address:
        words = ["audit", "--lock", lock, "--osv-url", address]
        assert main(words) == 1
        message = capsys.readouterr().out.splitlines()
        assert message[:2] == [f"{p}; mended in 9.9" for p in ("left-pad 1.0: A", "right 3.0: B")]
        accepted = Path(lock).with_name("accepted")
        accepted.write_text("# two\nA-ALIAS  # never called\nB  # nor this\n")
        assert main([*words, "--accepted", str(accepted)]) == 0
        accepted.write_text("B\n")
        assert main([*words, "--accepted", str(accepted)]) == 2
    assert "B: no reason" in capsys.readouterr().err


@pytest.mark.parametrize("status", [200, 503])
def test_a_service_that_knows_nothing(
    lock: str, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    with osv({}, status) as address:
        assert main(["audit", "--lock", lock, "--osv-url", address]) == 2
    assert "could not look: " in capsys.readouterr().err


def test_a_service_that_is_not_there(lock: str, capsys: pytest.CaptureFixture[str]) -> None:
    with osv({}) as address:
        pass
    assert main(["audit", "--lock", lock, "--osv-url", address]) == 2
    message = capsys.readouterr().err
    assert "could not look: " in message
    assert address in message


@pytest.mark.parametrize("skipped", [[], [{"name": "left", "skip_reason": "not found"}]])
def test_a_package_that_was_passed_over(skipped: list[dict]) -> None:
    canary = {"name": CANARY[0], "version": CANARY[1], "vulns": [{"id": "OLD-1"}]}
    with pytest.raises(PlumblineError, match=r"could not look: left==1\.0 \(of 1\) were not"):
        believed({"dependencies": [canary, *skipped]}, [("left", "1.0")], "http://osv", set())


def test_no_lock(lock: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(lock).write_text("# nothing\n")
    assert main(["audit", "--lock", lock]) == 2
    assert "expected the lock file" in capsys.readouterr().err


def test_the_canary_is_not_locked() -> None:
    result = pins((ROOT / "requirements.txt").read_text())
    assert len(result) > 200
    assert CANARY[0] not in {name for name, _ in result}
