"""deploy/: its ports, paths, users, images and locks, held equal to the code and to each other."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import pytest
import yaml

from plumbline.cli.app import command_line
from plumbline.ops.serving import places, process
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.runtime import libraries
from plumbline.serve.http import app
from plumbline.serve.params import Serve
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PINNED = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
PORT = Serve().port


def manifest(kind: str) -> dict[str, Any]:
    """The Kubernetes manifest of a kind."""
    files = (DEPLOY / "kubernetes").glob("*.yaml")
    [one] = [m for m in (yaml.safe_load(f.read_text()) for f in files) if m["kind"] == kind]
    return one


def container() -> dict[str, Any]:
    [one] = manifest("StatefulSet")["spec"]["template"]["spec"]["containers"]
    return one


def instructions(name: str, stage: str) -> list[str]:
    """A stage's instructions of a kind."""
    text = DOCKERFILE.replace("\\\n", " ").split(f" AS {stage}\n")[1].split("\nFROM ")[0]
    return re.findall(rf"^ *{name} +(.*)$", text, re.MULTILINE)


def probes() -> Iterator[tuple[str, str]]:
    """What looks whether the service is well, and where it looks."""
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container()[name]["httpGet"]["port"] == "http"
        yield name, container()[name]["httpGet"]["path"]
    [check] = instructions("HEALTHCHECK", "serve")
    yield "HEALTHCHECK", re.search(rf"http://127.0.0.1:{PORT}(/\w+)", check)[1]


def test_every_port_is_the_service_s() -> None:
    [published] = COMPOSE["services"]["serve"]["ports"]
    [listening] = container()["ports"]
    [offered] = manifest("Service")["spec"]["ports"]
    [allowed] = manifest("NetworkPolicy")["spec"]["ingress"][0]["ports"]
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]
    assert instructions("EXPOSE", "serve") == [str(PORT)]
    assert published == f"127.0.0.1:{PORT}:{PORT}"
    assert listening == {"name": offered["targetPort"], "containerPort": PORT}
    assert offered["port"] == allowed["port"] == PORT
    assert scraped["static_configs"] == [{"targets": [f"serve:{PORT}"]}]
    assert manifest("Service")["metadata"]["annotations"]["prometheus.io/port"] == str(PORT)


def test_every_probe_asks_what_the_service_answers() -> None:
    answered = {
        route.path for route in app.build({}, process.gate(Serve(), exposed=False), {}).routes
    }
    live, ready = "/healthz", "/readyz"
    asked = {"startupProbe": ready, "readinessProbe": ready, "livenessProbe": live}
    assert dict(probes()) == {**asked, "HEALTHCHECK": ready}
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]
    assert {live, ready, scraped["metrics_path"]} <= answered


def test_every_command_is_one_that_there_is() -> None:
    [words] = (json.loads(one) for one in instructions("CMD", "serve"))
    assert words == container()["args"]
    [start] = (json.loads(one) for one in instructions("ENTRYPOINT", "serve"))
    assert start == ["python", "-m", "plumbline"]
    context = command_line().commands[words[0]].make_context(words[0], words[1:])
    own = Serve(**{n: context.params[n] for n in ("host", "port")})
    assert (own.host, own.port) == ("0.0.0.0", PORT)
    tokens = str(context.params["token_file"])
    [mounted] = [m for m in container()["volumeMounts"] if m["name"] == "tokens"]
    assert tokens == mounted["mountPath"]
    assert Path(tokens).name in COMPOSE["services"]["serve"]["secrets"]
    assert not context.params["exposed"]


def test_what_is_kept_is_on_a_volume() -> None:
    [kept] = instructions("VOLUME", "serve")
    folder = kept.removeprefix("/app/")
    assert places.FOLDER.startswith(f"{folder}/")
    assert COMPOSE["services"]["serve"]["volumes"] == [f"serve:{kept}"]
    assert kept in [m["mountPath"] for m in container()["volumeMounts"] if m["name"] == "state"]
    [claim] = manifest("StatefulSet")["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "state"


def test_others_than_this_machine_reach_no_port_of_compose() -> None:
    ports = [p for one in COMPOSE["services"].values() for p in one.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_image_of_others_is_pinned_by_digest() -> None:
    [base] = re.findall(r"^ARG PYTHON=(.*)$", DOCKERFILE, re.MULTILINE)
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    assert all(
        source == "${PYTHON}" or source in dict(map(reversed, stages)) for source, _ in stages
    )
    own = [one["build"]["target"] for one in COMPOSE["services"].values() if "build" in one]
    assert set(own) <= {name for _, name in stages}
    others = [one["image"] for one in COMPOSE["services"].values() if "build" not in one]
    assert len(others) == 3
    assert all(PINNED.fullmatch(image) for image in [base, *others])


def test_nothing_runs_as_root_or_may_become_it() -> None:
    [user] = re.findall(r"--uid (\d+)", DOCKERFILE)
    for stage in ("serve", "mlflow"):
        assert instructions("USER", stage) == [f"{user}:{user}"]
    pod = manifest("StatefulSet")["spec"]["template"]["spec"]["securityContext"]
    assert pod["runAsNonRoot"]
    assert {pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]} == {int(user)}
    closed = container()["securityContext"]
    assert closed["readOnlyRootFilesystem"]
    assert not closed["allowPrivilegeEscalation"]
    assert closed["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("name", ["requirements-serve", "requirements-mlflow"])
@pytest.mark.capability("D8")
def test_an_image_s_libraries_are_those_of_the_lock_by_hash(name: str) -> None:
    text = (DEPLOY / f"{name}.txt").read_text()
    every = {(p.name, p.version) for p in libraries.pins((ROOT / "requirements.txt").read_text())}
    pins = {(p.name, p.version) for p in libraries.pins(text)}
    assert pins <= every, "compile them again: make lock"
    direct = re.findall(r"^[a-z][\w-]*", (DEPLOY / f"{name}.in").read_text(), re.MULTILINE)
    assert set(direct) <= {pin for pin, _ in pins}
    assert text.count("==") <= text.count("--hash=sha256:")
    assert f"{name}.txt /requirements.txt" in DOCKERFILE
    assert DOCKERFILE.count("--require-hashes") == 2
    assert f"deploy/{name} " in (ROOT / "Makefile").read_text().replace(";", " ")


def test_the_image_is_let_in_what_serving_reads() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    roles = (Role.BUNDLE, Role.TILES, Role.TEST_TABLE)
    paths = [str(artifacts.path("card_fraud", role, ROOT).relative_to(ROOT)) for role in roles]
    report = artifacts.path("card_fraud", Role.EVALUATE_REPORT, ROOT).relative_to(ROOT)
    needed = [*paths, f"{report}/predictions.parquet", "params.yaml", "dvc.yaml", "dvc.lock"]
    for path in needed:
        assert any(fnmatch.fnmatch(path, one) or path.startswith(f"{one}/") for one in let_in), path
    assert "*" in lines
    assert not any(path.startswith(("deploy/secrets", ".dvc", ".git")) for path in let_in)


def test_the_compose_file_is_what_its_schema_wants_and_names_what_it_has() -> None:
    folder = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
    jsonschema.validate(COMPOSE, json.loads((folder / "compose-spec.json").read_text()))
    for kind in ("secrets", "networks"):
        used = {name for one in COMPOSE["services"].values() for name in one.get(kind, [])}
        assert used == set(COMPOSE[kind])
    written = set(
        re.findall(r"^for name in (.*); do", (DEPLOY / "make-secrets").read_text(), re.MULTILINE)[
            0
        ].split()
    )
    assert {Path(one["file"]).name for one in COMPOSE["secrets"].values()} == written


def test_secrets_are_written_once_and_are_no_part_of_git_or_of_an_image(tmp_path: Path) -> None:
    import shutil
    import subprocess

    shutil.copy(DEPLOY / "make-secrets", tmp_path)
    for _ in range(2):
        subprocess.run([tmp_path / "make-secrets"], check=True)
        texts = {p.name: p.read_text() for p in (tmp_path / "secrets").iterdir()}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert len(set(texts.values())) == 4
    assert re.fullmatch(r"[0-9a-f]{64}", texts["tokens"])
    assert texts["serve.env"] == f"REDIS_URL=redis://:{texts['redis_password']}@redis:6379/0\n"
    subprocess.run([tmp_path / "make-secrets"], check=True)
    assert (tmp_path / "secrets" / "tokens").read_text() == texts["tokens"]
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
