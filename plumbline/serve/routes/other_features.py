"""Bundles whose features are not the process's own, scored by the use case that came with them.

The process checks requests by its own contract, so that a bundle may know fewer columns, and none that is another. Its
row functions run where a commit recorded the bundle, as that commit's code would, or where its hash was admitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from plumbline.core.declarations import Column
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission, usecase_file
from plumbline.model.bundle import Bundle

NEW_PROCESS = (
    "it needs a new process: check out the bundle's commit and run `plumbline serve --replace` there, which takes over "
    "the socket"
)
SAME = ("key", "time", "label", "entities", "only", "delay_parts")
"""What a contract must have in common with the process's, beside its columns."""


def usecase_of(folder: Path, loaded: Bundle, own: FeatureSet, *, recorded: bool) -> FeatureSet:
    """The use case that came with a bundle; BundleError where the process `own` cannot serve it.

    `recorded`: whether a commit of this project recorded the bundle.
    """
    words = f"{folder}: this bundle of '{loaded.usecase}' has other features or row functions than the running process"
    if loaded.carried is None:
        raise BundleError(f"{words}, and does not carry them: {NEW_PROCESS}")
    carried = loaded.carried
    if found := next(differences(usecase_file.stub(carried), own), None):
        raise BundleError(f"{words}, and another contract ({found}): {NEW_PROCESS}")
    if carried.functions and not recorded and admission.digest(folder) not in _admitted():
        raise BundleError(
            f"{words}, and no commit recorded it: name it by its git revision, or admit its code in {admission.VARIABLE}; "
            f"otherwise {NEW_PROCESS}"
        )
    try:
        return usecase_file.built(carried)
    except PlumblineError as error:
        raise BundleError(f"{words}, which cannot be built ({error}): {NEW_PROCESS}") from None


def differences(other: FeatureSet, own: FeatureSet) -> Iterator[str]:
    """Why a process with the contract `own` cannot check events and outcomes for `other`."""
    for name in SAME:
        if getattr(other, name) != getattr(own, name):
            yield f"its {name} is another"
    known = {column.name: column for column in own.known}
    for column in other.known:
        if column.name not in known:
            yield f"its column {column.name} is none here"
        elif not _same_values(column, known[column.name]):
            yield f"its column {column.name} is declared otherwise"
    late = [[(c.name, c.type) for c in one.unknown] for one in (other, own)]
    if late[0] != late[1]:
        yield "its columns of outcomes are others"


def _same_values(one: Column, other: Column) -> bool:
    """Whether a value that the one takes means the same to the other."""
    return (one.type, one.null, one.allowed) == (other.type, other.null, other.allowed)


def _admitted() -> set[str]:
    return admission.from_environment()
