"""What is wrong with dvc.lock, in words: reasons against merging that no reason lifts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plumbline.review.comparison import LockState, Reason

ENVIRONMENT = "run `plumbline environment`, `make install` and `dvc repro`, and commit"


def of_lock(lock: LockState) -> Iterator[Reason]:
    """What is wrong with dvc.lock, the bytes that it names, and the model cards."""
    repair = "run `dvc repro` and commit dvc.lock"
    if lock.stale:
        yield _reason("stale", _stale(lock.stale, lock.held, repair))
    for text in lock.environment:
        wrong = f"not what requirements.txt and the imports give: {text}"
        yield _reason("environment", f"{wrong}; {ENVIRONMENT}")
    if lock.unlocked:
        yield _reason("stale", f"dvc.lock has no entry of {some(lock.unlocked)}; {repair}")
    if lock.uncommitted:
        text = f"running {some(lock.uncommitted)} again gave another result than the committed dvc.lock"
        yield _reason("uncommitted", f"{text}; {repair} and metrics/")
    for text in lock.bytes:
        yield _reason("bytes", f"bytes that differ from dvc.lock: {text}")
    for text in lock.cards:
        yield _reason("card", f"a model card that contradicts the metrics: {text}")


def _stale(stale: Sequence[str], held: Sequence[str], repair: str) -> str:
    """What would run again, and what to do: a checkout first, where the cache has the outs."""
    if set(stale) == set(held):
        return (
            f"the outs in the work tree are not those of dvc.lock: {some(stale)} would run again; "
            "`dvc checkout` brings them from the cache"
        )
    first = f"`dvc checkout` brings the outs of {some(held)} from the cache; then " if held else ""
    return f"dvc.lock is stale: {some(stale)} would run again; {first}{repair}"


def some(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _reason(kind: str, text: str) -> Reason:
    return Reason(usecase=None, kind=kind, text=text)
