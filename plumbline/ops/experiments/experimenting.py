"""`plumbline experiment`: a declaration written, judged on what was served, ended. An edge: reads and writes files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from plumbline import config
from plumbline.config import UseCaseParams
from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.usecase import FeatureSet
from plumbline.model import decision_params
from plumbline.ops.experiments import (
    analysis,
    audit_entry,
    declaration,
    experiment_files,
    experiment_page,
    metric_names,
    observed_values,
    served_events,
)
from plumbline.ops.experiments.declaration import Ended, Experiment
from plumbline.ops.experiments.experiment_document import ExperimentReport
from plumbline.ops.experiments.metric_names import KnownNames
from plumbline.ops.experiments.observations import Observations
from plumbline.ops.experiments.observed_values import Judgement
from plumbline.ops.experiments.served_events import Served
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.serving import routing
from plumbline.report import markdown

NUMERIC = frozenset(("int", "float", "bool"))


@dataclass(frozen=True)
class Project:
    """A use case of a project: its features and params."""

    root: Path
    usecase: FeatureSet
    params: UseCaseParams

    @classmethod
    def of(cls, root: Path, usecase: str) -> Project:
        """The use case; PlumblineError where it cannot be read."""
        params = config.load(usecase, root / config.FILE)
        return cls(root, usecase_loader.load_features(usecase), params)

    @property
    def known(self) -> KnownNames:
        """The names that a declaration may have."""
        case, train = self.usecase, self.params.train
        return KnownNames(
            problem=case.problem,
            entities=tuple(e.name for e in case.entities if e.column is not None),
            decisions=train.decisions.names if train.decisions else (),
            columns=_numeric(case, known=True),
            late=_numeric(case, known=False),
            costs=train.costs is not None,
        )

    @property
    def routed_by(self) -> str | None:
        """The entity by whose id arms are chosen; None: the event's key."""
        return self.params.serve.route_by or next(iter(self.known.entities), None)

    def judgement(self) -> Judgement:
        """What values are made with."""
        train = self.params.train
        return Judgement(
            label=self.usecase.label,
            late=self.known.late,
            delay=self.usecase.delay,
            costs=train.costs,
            decisions=train.decisions,
            withholding=frozenset(self.params.serve.withhold),
        )

    def columns(self, metrics: Iterable[str]) -> list[str]:
        """The columns of events that these metrics read."""
        named = [
            m.removeprefix(metric_names.COLUMN)
            for m in metrics
            if m.startswith(metric_names.COLUMN)
        ]
        train = self.params.train
        if metric_names.COST in metrics and train.costs:
            named += [*train.costs.columns, *decision_params.columns(train.decisions)]
        return list(dict.fromkeys(n for n in named if n not in self.known.late))


def status(project: Project, name: str, until: date | None = None) -> ExperimentReport:
    """The state by the end of `until`, or of all that was served; PlumblineError for a bad declaration."""
    experiment = experiment_files.load(project.root, project.usecase.name, name)
    check(project, name, experiment)
    return judged(project, name, experiment, until)


def judged(
    project: Project, name: str, experiment: Experiment, until: date | None = None
) -> ExperimentReport:
    """The state of a declaration that was checked."""
    served = _served(project, experiment)
    usecase = project.usecase.name
    late = metric_names.needs_label(experiment.metric, project.known.late)
    delay = project.usecase.delay_days if late else 0
    if served is None:
        nothing = observed_values.nothing(experiment.metrics)
        return analysis.report(usecase, name, experiment, nothing, until, delay)
    last = min(until, served.last) if until else served.last
    seen = _observed(project, experiment, served, last)
    return analysis.report(usecase, name, experiment, seen, last, delay)


def check(project: Project, name: str, experiment: Experiment) -> None:
    """PlumblineError where the declaration does not fit the use case."""
    where = _where(project, name)
    declaration.check(where, experiment, project.known)
    if experiment.design == "ab" and experiment.unit != project.routed_by:
        raise PlumblineError(
            f"{where}, unit: got {experiment.unit or 'none'}, but arms are chosen by {project.routed_by or 'the key of the event'} "
            "(serve.route_by): its events would not be independent; expected that one"
        )


def check_new(project: Project, name: str, experiment: Experiment) -> None:
    """PlumblineError where a declaration does not fit use case or routes, is there already, or of days that were seen."""
    check(project, name, experiment)
    _check_start(project, experiment)
    _check_routes(project, experiment)
    experiment_files.check_free(project.root, project.usecase.name, name)


def new(project: Project, name: str, experiment: Experiment) -> Path:
    """Write a declaration once it is checked (`check_new`)."""
    check_new(project, name, experiment)
    file = experiment_files.write(project.root, project.usecase.name, name, experiment)
    audit_entry.write(project.root, project.usecase.name, name, experiment)
    return file


def ending(
    project: Project, name: str, keep: str | None, until: date | None = None
) -> ExperimentReport:
    """The report of an experiment that is to end; nothing is written.

    `keep`: the arm that stays; the winner, or else the control, where None.
    """
    experiment = experiment_files.load(project.root, project.usecase.name, name)
    check(project, name, experiment)
    if experiment.ended:
        raise PlumblineError(f"{_where(project, name)}: ended on {experiment.ended.day} already")
    report = judged(project, name, experiment, until)
    kept = keep or _winner(report)
    if kept not in experiment.arms:
        raise PlumblineError(
            f"--keep {kept}: no arm of the experiment; {suggest(kept, experiment.arms)}"
        )
    return report.model_copy(update={"keep": kept})


def stop(project: Project, report: ExperimentReport) -> list[Path]:
    """Write the end under the declaration, and the report for the pull request beside it; both files."""
    day = max(report.day or report.start, report.start)
    ended = Ended(day=day, verdict=report.verdict, keep=report.keep or report.control)
    text = markdown.file(experiment_page.blocks(report))
    experiment = experiment_files.load(project.root, project.usecase.name, report.name)
    files = experiment_files.end(project.root, project.usecase.name, report.name, ended, text)
    audit_entry.write(project.root, project.usecase.name, report.name, experiment, ended)
    return files


def next_day(project: Project) -> date:
    """The day after the last that was served, or today: the first whole day."""
    try:
        last = served_events.known_until(project.root, project.usecase.name)
    except PlumblineError:
        return datetime.now(UTC).date()
    return last + timedelta(days=1)


def weights(experiment: Experiment, keep: str | None = None) -> dict[str, int]:
    """The routes' weights while it runs, or that leave one arm."""
    if keep:
        return {keep: 100}
    return dict(experiment.shares)


def _check_start(project: Project, experiment: Experiment) -> None:
    """PlumblineError where days that count were served already: they may have been looked at."""
    try:
        last = served_events.days(project.root, project.usecase.name)[-1]
    except PlumblineError:
        return
    if experiment.start <= last:
        raise PlumblineError(
            f"experiment, start: {experiment.start} was served already, and what is declared after that may have been chosen by "
            f"what was seen; expected {last + timedelta(days=1)} or later"
        )


def _check_routes(project: Project, experiment: Experiment) -> None:
    """PlumblineError where the routes, if there are any, lack an arm."""
    try:
        arms = routing.show(project.root, project.usecase.name)["routes"]["arms"]
    except PlumblineError:
        return
    mode = {arm["name"]: arm.get("mode", "live") for arm in arms}
    for arm in experiment.arms:
        wanted = "shadow" if experiment.design == "paired" and arm != experiment.control else "live"
        if mode.get(arm) != wanted:
            action = "shadow" if wanted == "shadow" else "add"
            raise PlumblineError(
                f"experiment: the routes have no {wanted} arm '{arm}' (they have {', '.join(mode)}); "
                f"`plumbline routes {project.usecase.name} {action} REV {arm}` adds it"
            )


def _served(project: Project, experiment: Experiment) -> Served | None:
    """What was served since the start; None where there is nothing."""
    days = DayRange(experiment.start, experiment.last)
    if not [day for day in served_events.days(project.root, project.usecase.name) if day in days]:
        return None
    columns = project.columns(experiment.metrics)
    return served_events.read(project.root, project.usecase, days, experiment.unit, columns)


def _observed(project: Project, experiment: Experiment, served: Served, last: date) -> Observations:
    rows = served.rows.rows(served_events.arms_of(experiment, served.rows))
    of_design = (
        observed_values.paired if experiment.design == "paired" else observed_values.observed
    )
    return of_design(
        rows, served.outcomes, project.judgement(), experiment.metrics, analysis.days_since(last)
    )


def _winner(report: ExperimentReport) -> str:
    """The best of the treatments that are better for sure, or the control."""
    sign = 1 if report.better == "higher" else -1
    size = {
        one.treatment: sign * (one.interval.value or 0.0)
        for one in report.differences
        if one.decided
    }
    better = {treatment: gain for treatment, gain in size.items() if gain > 0}
    return (
        max(better, key=lambda treatment: better[treatment])
        if report.status == "better" and better
        else report.control
    )


def _where(project: Project, name: str) -> str:
    return f"{experiment_files.FOLDER}/{project.usecase.name}/{name}.yaml"


def _numeric(usecase: FeatureSet, *, known: bool) -> tuple[str, ...]:
    """Columns that have a mean."""
    skip = {usecase.key, *usecase.entity_columns}
    return tuple(
        c.name
        for c in usecase.columns
        if c.known == known and c.type in NUMERIC and c.name not in skip
    )
