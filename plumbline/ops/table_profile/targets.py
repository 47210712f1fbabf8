"""What `plumbline profile` is given: a file, or a use case; and where its page goes. An edge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from plumbline import config
from plumbline.core import data_plan, files, usecase_loader
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.sql import literal_path, quote
from plumbline.core.usecase import Contract
from plumbline.ops.table_profile import profiling
from plumbline.ops.table_profile.profiling import TableQuestions
from plumbline.ops.table_profile.table_document import TableProfile
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role

REPORTS = Path("reports")


def profile(target: str, questions: TableQuestions) -> TableProfile:
    """The profile of a file, or of a use case's events and outcomes as the last run read them.

    PlumblineError where it is neither.
    """
    if Path(target).is_file():
        return profiling.of_file(Path(target), questions)
    name = _usecase(target)
    case = usecase_loader.load_contract(name)
    raw = artifacts.path(name, Role.RAW_EVENTS)
    events = sorted(raw.glob("events-*.parquet"))
    if not events:
        raise PlumblineError(
            f"{raw}: no events of {name} yet; run `dvc repro data@{name}` first, or name the table's file"
        )
    own = config.load(name).data.own_outcomes
    given = replace(
        questions,
        label=questions.label or case.label,
        time=questions.time or case.time or "none",
        key=questions.key or case.key,
        unknown=tuple(c.name for c in case.unknown),
        hidden=tuple(c.name for c in case.columns if c.forbidden),
    )
    result = profiling.of_query(Path(name), _joined(case, events, raw, own), given)
    return result.model_copy(update={"plan": plan(case, result)})


def plan(case: Contract, result: TableProfile) -> list[str]:
    """The gap to the plan of the data: as the data stage found it, else by what has no value here."""
    sheet = Path("metrics") / case.name / "data.json"
    known = files.read_json(sheet).get("plan") if sheet.is_file() else None
    if known:
        return [str(line) for line in known.get("lines", ())]
    empty = [c.name for c in result.columns if c.missing == result.rows]
    gap = data_plan.gap(case, empty)
    return gap.lines if gap else []


def page(target: str) -> Path:
    """Where the page of a target goes: beside a use case's reports, else in reports/ or here."""
    if not Path(target).is_file():
        return artifacts.study_folder(target, "profile") / "profile.html"
    name = f"profile-{Path(target).name.partition('.')[0]}.html"
    return REPORTS / name if REPORTS.is_dir() else Path(name)


def _usecase(target: str) -> str:
    known = [str(n) for n in config.read()["usecases"]] if Path("params.yaml").is_file() else []
    if target in known:
        return target
    hint = f"; {suggest(target, known)}" if known else ""
    raise PlumblineError(f"{target}: neither a file nor a use case here{hint}")


def _joined(case: Contract, events: list[Path], raw: Path, own: bool) -> str:
    """The events, each with its outcome where it is known: of a table of their own, the latest one."""
    outcomes = sorted(raw.glob("outcomes-*.parquet"))
    known = f"SELECT * FROM read_parquet([{', '.join(map(literal_path, events))}])"
    if not outcomes:
        return known
    columns = ", ".join(quote(c.name) for c in case.unknown)
    files = ", ".join(map(literal_path, outcomes))
    rows = f"SELECT {quote(case.key)}, {columns} FROM read_parquet([{files}])"
    if own:
        latest = f"PARTITION BY {quote(case.key)} ORDER BY {KNOWN_AT} DESC"
        rows += f" QUALIFY row_number() OVER ({latest}) = 1"
    return f"SELECT * FROM ({known}) LEFT JOIN ({rows}) USING ({quote(case.key)})"
