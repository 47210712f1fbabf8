"""The process that talks to MLflow: one JSON request a line on its input, one JSON answer a line.

It imports MLflow (2 s) while the stage works, and can be killed when the server hangs. Started by
`plumbline.tracking.mlflow_process`, or with a socket's descriptor and path by `shared_process`; nothing
else imports it.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

from plumbline.core.errors import PlumblineError
from plumbline.runtime import cyclic_garbage
from plumbline.tracking import shared_process

Request = Mapping[str, Any]
MODEL = "model"
"""Where a run holds the model that it registered."""
CHALLENGER, ARCHIVED = "challenger", "archived.reason"
"""An alias, and the tag of a version that is proposed no more."""
_opened: dict[str, tuple[int, int] | None] = {}
"""By address, the file that MLflow has open."""


def main() -> None:
    """Answer until the input ends, or one stage after another until none comes."""
    cyclic_garbage.search_rarely()
    os.umask(0o077)  # runs and bundles are this user's, as DVC's state is
    shared = shared_process.main_arguments()
    if shared:
        seat = shared_process.Seat(*shared)
        while connection := seat.next():
            with (
                connection,
                connection.makefile("r") as requests,
                connection.makefile("w") as answers,
            ):
                if not _answer_all(requests, answers):
                    seat.leave()
                    return
        return
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    _answer_all(sys.stdin, answers)


def _answer_all(requests: IO[str], answers: IO[str]) -> bool:
    """Answer each line; False where a file of MLflow has been replaced since it was opened."""
    _failures()  # the import, while the stage works
    for line in requests:
        answer = _answer(json.loads(line))
        with suppress(OSError):  # the stage has ended
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        if "stale" in answer:
            return False
    return True


def _answer(request: Request) -> dict[str, Any]:
    address = request["address"]
    if _opened.get(address, _identity(address)) != _identity(address):
        return {"stale": True}
    try:
        with _one_writer(address):
            answer = {"value": ACTIONS[request["action"]](request)}
    except _failures() as error:
        answer = {"error": " ".join(str(error).split())[:500] or type(error).__name__}
    _opened[address] = _identity(address)
    return answer


def _identity(address: str) -> tuple[int, int] | None:
    """Which file it is that stands at the address; None for a server, and where there is none."""
    try:
        found = Path(address.removeprefix("sqlite:///")).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if address.startswith("sqlite:///") else None


def record(request: Request) -> str:
    """A finished run with params, metrics, tags, files and nested runs; its id."""
    client = _client(request["address"])
    experiment = _experiment(client, request["experiment"], request["artifacts"])
    run = _run(client, experiment, request, request["tags"])
    for file in request["files"]:
        client.log_artifact(run, file)
    for name, text in request.get("texts", {}).items():
        client.log_text(run, text, name)
    for trial in request["trials"]:
        _run(client, experiment, {**request, **trial}, {**trial["tags"], "mlflow.parentRunId": run})
    return run


def register(request: Request) -> str:
    """The registered version with the request's md5, made if there is none; its number.

    One that is archived is no challenger again.
    """
    client = _client(request["address"])
    name, md5 = request["experiment"], request["tags"]["md5"]
    existing = client.search_model_versions(
        f"name = '{name}' and tags.md5 = '{md5}'", max_results=1
    )
    version = existing[0].version if existing else _new_version(client, name, request)
    for key, value in request["tags"].items():
        client.set_model_version_tag(name, version, key, value)
    if not (existing and ARCHIVED in existing[0].tags and request["alias"] == CHALLENGER):
        client.set_registered_model_alias(name, request["alias"], version)
    return str(version)


def prepare(request: Request) -> str:
    """Make MLflow's tables where there are none, which takes it seconds; where they are."""
    _client(request["address"]).get_experiment_by_name(request["experiment"])
    return str(request["address"])


def versions(request: Request) -> str:
    """The registered versions, oldest first, as JSON: number, tags, aliases."""
    client, name = _client(request["address"]), request["experiment"]
    aliases = _aliases(client, name)
    registered = client.search_model_versions(f"name = '{name}'")
    listed = [
        {
            "number": str(v.version),
            "tags": dict(v.tags),
            "aliases": sorted(a for a, number in aliases.items() if str(number) == str(v.version)),
        }
        for v in sorted(registered, key=lambda v: int(v.version))
    ]
    return json.dumps(listed)


def point(request: Request) -> str:
    """Point the alias at a version, or at none; the version."""
    client, name = _client(request["address"]), request["experiment"]
    alias, version = request["alias"], request["version"]
    if version is not None:
        client.set_registered_model_alias(name, alias, version)
    elif alias in _aliases(client, name):
        client.delete_registered_model_alias(name, alias)
    return str(version)


def tag(request: Request) -> str:
    """Set a version's tags, or remove those without a value; its number."""
    client, name, version = _client(request["address"]), request["experiment"], request["version"]
    known = client.get_model_version(name, version).tags
    for key, value in request["tags"].items():
        if value is not None:
            client.set_model_version_tag(name, version, key, value)
        elif key in known:
            client.delete_model_version_tag(name, version, key)
    return str(version)


def forget(request: Request) -> str:
    """Delete a version; its number. The run that holds its files stays."""
    _client(request["address"]).delete_model_version(request["experiment"], request["version"])
    return str(request["version"])


def runs(request: Request) -> str:
    """As JSON, by stage, the runs whose tags have an md5 of an out that `wrote` names, oldest first."""
    client = _client(request["address"])
    experiment = client.get_experiment_by_name(request["experiment"])
    by_stage: dict[str, list[str]] = {}
    for stage, outs in request["wrote"].items() if experiment else ():
        kind = f"tags.stage = '{stage.partition('@')[0]}'"
        for path, md5 in outs.items():
            query = f"{kind} and tags.`md5/{path}` = '{md5}'"
            listed = client.search_runs([experiment.experiment_id], query, max_results=50)
            known = by_stage.setdefault(stage, [])
            known += [r.info.run_id for r in reversed(listed) if r.info.run_id not in known]
    return json.dumps(by_stage)


ACTIONS = {
    "prepare": prepare,
    "record": record,
    "register": register,
    "versions": versions,
    "runs": runs,
    "point": point,
    "tag": tag,
    "forget": forget,
}


def _aliases(client: Any, name: str) -> dict[str, Any]:
    """The model's aliases and their versions; none where there is no such model."""
    models = client.search_registered_models(f"name = '{name}'")
    return dict(models[0].aliases) if models else {}


def _new_version(client: Any, name: str, request: Request) -> str:
    from mlflow.exceptions import MlflowException

    from plumbline.tracking import mlflow_model

    run = request["run"] or record({**request, "tags": request["run_tags"]})
    folder = Path(request["folder"])
    with tempfile.TemporaryDirectory(prefix="plumbline-") as beside:
        if mlflow_model.is_bundle(folder):
            mlflow_model.write(folder, Path(beside) / MODEL)
            folder = Path(beside) / MODEL
        client.log_artifacts(run, str(folder), MODEL)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{client.get_run(run).info.artifact_uri}/{MODEL}"
    return client.create_model_version(name, source, run, tags=request["tags"]).version


def _run(client: Any, experiment: str, request: Request, tags: Mapping[str, str]) -> str:
    from mlflow.entities import Metric, Param

    start, end = request["start"], request["end"]
    created = client.create_run(experiment, start, dict(tags), request["name"])
    run = str(created.info.run_id)
    metrics = [Metric(k, v, end, 0) for k, v in request["metrics"].items()]
    params = [Param(k, str(v)) for k, v in request["params"].items()]
    for some_metrics, some_params in _portions(metrics, params):
        client.log_batch(run, some_metrics, some_params)
    client.set_terminated(run, "FAILED" if request.get("failed") else "FINISHED", end)
    return run


def _portions(metrics: Sequence[Any], params: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """MLflow takes 100 params at once."""
    for i in range(0, max(len(metrics), len(params)), 100):
        yield metrics[i : i + 100], params[i : i + 100]


def _experiment(client: Any, name: str, artifacts: str | None) -> str:
    from mlflow.exceptions import MlflowException

    existing = client.get_experiment_by_name(name)
    if existing is None:
        try:
            return str(client.create_experiment(name, artifacts))
        except MlflowException as error:  # another stage was faster
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            existing = client.get_experiment_by_name(name)
    if existing.lifecycle_stage == "deleted":
        client.restore_experiment(existing.experiment_id)
    return str(existing.experiment_id)


@cache
def _client(address: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=address, registry_uri=address)


@cache
def _failures() -> tuple[type[Exception], ...]:
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    known = (MlflowException, RequestException, SQLAlchemyError, PlumblineError)
    return (*known, OSError, KeyError, ValueError)


@contextmanager
def _one_writer(address: str) -> Iterator[None]:
    """Stages that run at once take turns at one SQLite file, its creation above all."""
    if not address.startswith("sqlite:///"):
        yield
        return
    file = Path(address.removeprefix("sqlite:///"))
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main()
