"""What a broken check says to the user: file, column, what was expected, what was found, what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from plumbline.core.errors import suggest
from plumbline.core.usecase import Contract
from plumbline.validate.check import STRUCTURE, Broken, ContractCheck
from plumbline.validate.profile_shifts import ProfileShift, factor, times

AGAIN = (
    "The file is not as the data stage wrote it: run `dvc checkout`, or `dvc repro --force data`."
)

REMEDIES: Mapping[str, str] = {
    "null": "Fill it in the source, or set null=True on the column in {module}.",
    "range": "Correct the source, or move min and max of the column in {module}.",
    "set": "Correct the source, or add the value to `allowed` of the column in {module}.",
    "unique": "Remove the copies in the source; set aside, the first valid row of a key is kept, by event time, "
    "then by the values of its columns.",
    "future": "Correct the clock or time zone of the source, or move data.as_of in params.yaml.",
    "past": "Correct the source, or move data.start in params.yaml.",
    "delay": "Outcomes become known label_delay days after the event ({module}). " + AGAIN,
    "early": "An outcome is known after its event: correct data.outcomes.known_at, its time zone, or the source.",
    "tie": "Of two outcomes of one event the one known later counts, and these were known at one moment: both are set "
    "aside. Correct {column} in the source, or remove one.",
    "orphan": "Each outcome belongs to one event. " + AGAIN,
    "order": AGAIN,
    "partition": AGAIN,
    "event": "Correct the events.",
}


def missing(file: Path, usecase: Contract, column: str, unknown: Sequence[str]) -> str:
    """A column of the contract is not in the file; `unknown`: columns of the file that it does not have."""
    renamed = (
        f"it holds {_list(unknown)}, which the contract does not know"
        if unknown
        else "no other is new"
    )
    hint = f" ({suggest(column, unknown)})" if unknown else ""
    return (
        f"{file}: column '{column}' is missing; {renamed}{hint}. Rename it in the source, or map it "
        f"with `derive` in {_module(usecase)}."
    )


def wrong_type(file: Path, usecase: Contract, column: str, expected: str, actual: str) -> str:
    """A column of the file has another type than the contract says."""
    return (
        f"{file}: column '{column}' is of type {actual}, expected {expected}. Convert it in the source, "
        f"or with `derive` in {_module(usecase)}."
    )


def empty(file: Path) -> str:
    """A file without rows, or a folder without files."""
    return (
        f"{file}: no rows. Expected at least one; see whether the source is empty and whether "
        "data.start and data.as_of in params.yaml leave something, then run `dvc repro`."
    )


def blocked(broken: Broken, usecase: Contract, ratio: float | None) -> str:
    """Rows break a check that blocks."""
    set_aside = "" if broken.check.kind in STRUCTURE else _softer(broken.check)
    return f"{_description(broken, ratio, broken.file)} {_remedy(broken.check, usecase)}{set_aside}"


def too_many(
    broken: Sequence[Broken],
    usecase: Contract,
    *,
    rows: int,
    of: int,
    allowed: float,
    ratio: float | None,
) -> str:
    """More rows than allowed would be set aside; `broken`: of one table, the most frequent first."""
    worst, *others = broken
    also = "".join(f"; also {b.check.name}: {_rows(b.rows)}" for b in others[:3])
    return (
        f"{_description(worst, ratio, worst.file)} {rows} of {of} rows of the {worst.check.table} "
        f"({100 * rows / of:.2g} %) would be set aside, at most {100 * allowed:g} % may be{also}. "
        f"{_remedy(worst.check, usecase)} If the rows are rightly bad, raise "
        f"{usecase.name}.validate.max_quarantine in params.yaml."
    )


def shifted(folder: Path, usecase: Contract, measure: ProfileShift) -> str:
    """A statistical check that blocks."""
    name = f"{measure.column}.{measure.kind}"
    return (
        f"{folder}: column '{measure.column}': {measure.detail}. Correct the source; if the data are right, "
        f"set {usecase.name}.validate.severity: {{{name}: warn}} in params.yaml, run again, and "
        f"`plumbline accept {usecase.name}`."
    )


def unaccepted(usecase: Contract) -> str:
    """Nobody has accepted a profile yet."""
    return (
        "no accepted profile to compare with; look at the data, then run "
        f"`plumbline accept {usecase.name}`"
    )


def warning(broken: Broken, ratio: float | None) -> str:
    """Rows break a check that only warns, or that sets few of them aside."""
    return _description(broken, ratio, broken.file.name)


def looks_like(check: ContractCheck, ratio: float | None) -> str | None:
    """A unit error in words, where the broken values are larger than the others by a known factor."""
    known = factor(ratio, 0.47) if check.kind == "range" and ratio else None
    return f"looks like {check.column} {times(known)}" if known else None


def _description(broken: Broken, ratio: float | None, file: Path | str) -> str:
    check = broken.check
    examples = ", ".join(f"{value} (key {key})" for key, value in broken.examples)
    examples = broken.note or examples
    unit = looks_like(check, ratio)
    hint = f" It {unit}." if unit else ""
    if check.kind == "set" and broken.examples:
        nearest = suggest(broken.examples[0][1], [str(a) for a in check.allowed])
        hint = f" {nearest[0].upper()}{nearest[1:]}" if "did you mean" in nearest else ""
    return (
        f"{file}: column '{check.column}', check '{check.kind}': expected {check.expects}, "
        f"found in {_rows(broken.rows)}: {examples}.{hint}"
    )


def _remedy(check: ContractCheck, usecase: Contract) -> str:
    return REMEDIES[check.kind].format(module=_module(usecase), column=check.column)


def _softer(check: ContractCheck) -> str:
    return (
        f" To set such rows aside: validate.severity: {{{check.name}: quarantine}} in params.yaml."
    )


def _module(usecase: Contract) -> str:
    return f"usecases/{usecase.name}/contract.py"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{n}'" for n in names)
