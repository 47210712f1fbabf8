"""MLflow's registered versions and their aliases, read and moved through the process beside this one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import tool
from plumbline.ops.rollback.plan import CHAMPION, Version, archived, with_md5
from plumbline.tracking import mlflow_process, projection


def off() -> bool:
    """Whether this project tracks nothing."""
    return projection.address() == projection.OFF


def empty() -> bool:
    """Whether there is no MLflow yet: its file is not there."""
    where = projection.address()
    prefix = "sqlite:///"
    return where.startswith(prefix) and not Path(where.removeprefix(prefix)).exists()


def versions(root: Path, name: str) -> list[Version]:
    """A use case's versions, oldest first; none, and nothing made, where there is no MLflow."""
    if off() or empty():
        return []
    listed = json.loads(_ask(root, "versions", name))
    return [
        Version(v["number"], v["tags"].get("md5"), tuple(v["aliases"]), v["tags"]) for v in listed
    ]


def promote(root: Path, name: str, md5: str, bundle: Path, commit: str) -> str:
    """Point the alias at the version with this md5, registered from the folder if it is new.

    Its number, and why it was archived where it was: a rollback returns to it all the same.
    """
    known = with_md5(versions(root, name), md5)
    if known:
        point(root, name, known.number)
        return f"{known.number}{archived(known)}"
    return register(root, name, bundle, {"git.commit": commit})


def register(root: Path, name: str, bundle: Path, tags: dict[str, str]) -> str:
    """The bundle as a version, which the alias then points at; PlumblineError where MLflow is down."""
    with tool.first(root):
        version = projection.register(name, bundle, None, CHAMPION, tags)
    if version is None:
        raise PlumblineError(f"MLflow ({projection.address()}) did not take the bundle of {name}")
    return version


def point(root: Path, name: str, number: str | None, alias: str = CHAMPION) -> None:
    """Point the alias at a version, or at none."""
    _ask(root, "point", name, alias=alias, version=number)


def tag(root: Path, name: str, number: str, tags: Mapping[str, str | None]) -> None:
    """Set a version's tags; None removes one."""
    _ask(root, "tag", name, version=number, tags=dict(tags))


def forget(root: Path, name: str, number: str) -> None:
    """Delete a version."""
    _ask(root, "forget", name, version=number)


def runs(root: Path, name: str, wrote: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """By stage, MLflow's runs that wrote one of these outs (md5s by path), oldest first."""
    if off() or empty():
        return {}
    by_stage: dict[str, list[str]] = json.loads(_ask(root, "runs", name, wrote=wrote))
    return by_stage


def _ask(root: Path, action: str, name: str, **given: Any) -> str:
    where = projection.address()
    request = {"action": action, "address": where, "experiment": name, **given}
    try:
        mlflow_process.probe(where)
        with tool.first(root):
            return mlflow_process.worker().ask(request)
    except mlflow_process.UnreachableError as error:
        raise PlumblineError(
            f"MLflow ({where}): {error}; {projection.ADDRESS}={projection.OFF} does without it"
        ) from None
