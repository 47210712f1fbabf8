"""How a service starts: settings that cannot be are refused before anything is loaded; who reaches it needs a token."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from plumbline.core.errors import ParamsError, PlumblineError
from plumbline.ops.serving import lean, process, supervisor
from plumbline.ops.serving.process import Start
from plumbline.serve.params import Serve
from tests import serving
from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch):
    whole = yaml.safe_load((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)

    def write(**sections):
        changed = {**whole, "usecases": ["card_fraud", "flights"]}
        for name, section in sections.items():
            if name == "serve":
                changed["serve"] = section
            else:
                changed[name] = {**whole[name], "serve": section}
        Path("params.yaml").write_text(yaml.safe_dump(changed))

    return write


def test_a_use_cases_own_section_replaces_the_one_at_the_top(project):
    project(serve={"port": 9000}, flights={"port": 9000, "late_days": 3})
    found = process.read(Start(["card_fraud", "flights"], {}))
    assert [(s.port, s.late_days) for s in found.values()] == [(9000, 7), (9000, 3)]
    assert process.read(Start(["flights"], {"port": 0}))["flights"].port == 0


def test_what_belongs_to_the_process_must_be_the_same(project):
    project(serve={"port": 9000}, flights={"port": 9001})
    with pytest.raises(ParamsError, match=r"flights.serve.port: got 9001, expected 9000"):
        process.read(Start(["card_fraud", "flights"], {}))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"tls_cert": "a.pem"}, "tls_cert and tls_key together"),
        ({"state": "redis://:secret@host"}, "expected the name of an environment variable"),
        ({"stale": "ignore"}, "serve.stale: got 'ignore', expected 'flag' or 'refuse'"),
        ({"max_boddy": 1}, "serve.max_boddy: unknown key; did you mean 'max_body'"),
        ({"rate": 0}, "serve.rate: got 0"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(project, section, message):
    project(serve=section)
    with pytest.raises(ParamsError, match=message) as refused:
        process.read(Start(["card_fraud"], {}))
    assert "secret" not in str(refused.value)


def test_several_processes_need_a_state_that_they_share(project):
    project(serve={"port": 0})
    with pytest.raises(PlumblineError, match=r"--workers: .* card_fraud; put it into Redis"):
        supervisor.run(Path("."), Start(["card_fraud"], {}), 2)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.com"])
def test_other_machines_need_a_token(tmp_path, host):
    with pytest.raises(PlumblineError, match=r"name a file with tokens in serve.token_file, or"):
        process.gate(Serve(host=host), exposed=False)
    (tmp_path / "tokens").write_text("0123456789abcdef\n")
    own = Serve(host=host, token_file=str(tmp_path / "tokens"))
    assert process.gate(own, exposed=False).tokens is not None
    assert process.gate(Serve(host=host), exposed=True).tokens is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_this_machine_needs_none(host):
    assert process.gate(Serve(host=host), exposed=False).tokens is None


def test_an_address_that_is_taken_is_one_message():
    with serving.server.bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PlumblineError, match="choose another with --port"):
            process.bound(Serve(port=port))
    with pytest.raises(PlumblineError, match="it cannot be bound"):
        process.bound(Serve(host="no.such.host.invalid"))


def test_tls_answers_with_its_certificate(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*words.split(), *names], check=True, capture_output=True)
    with pytest.raises(PlumblineError, match="expected a certificate and its key in PEM"):
        process.tls(Serve(tls_cert=str(key), tls_key=str(cert)))
    context = process.tls(Serve(tls_cert=str(cert), tls_key=str(key)))
    gate = serving.gate()
    with serving.running(serving.echoing(gate), gate, tls=context) as run:
        assert run.ask("POST", "/", b"12", ca=cert)[0] == 200
        with pytest.raises(OSError, match=r"closed|reset|without response"):
            run.ask("POST", "/", b"12")


def test_libraries_that_nothing_here_uses_stay_out(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    lean.refuse()
    lean.refuse()
    with pytest.raises(ModuleNotFoundError, match="kept out of a serving process"):
        import_module("matplotlib")
    assert import_module("fractions")
