"""From planted drift to new champion without a hand: the project's own commands, traffic by HTTP, a day at a time.

Every day: events and outcomes to the service, `plumbline seal`, the pointers committed, the monitor. Where it calls
for it: `alert`, `retrain` (whose gate decides), a merge by fast-forward, `promote`, while the traffic goes on. A unit
error must not be learned from; a planted bad challenger must be gone before it serves more than a few.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.year import planted, watch, world
from bench.year import project as projects
from bench.year.calendar import Year
from bench.year.evidence import Diary
from bench.year.judge import Judge
from bench.year.project import CASE, CommandError, Project
from bench.year.receiver import Receiver
from bench.year.traffic import Client, Sent
from bench.year.world import Payments
from plumbline.core import tables
from plumbline.core.errors import PlumblineError
from plumbline.monitor.result import MonitorResult
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from usecases.card_fraud.model import USECASE

RATE = 200.0
"""Events a second while routes change: a canary needs time as well as events."""
YEAR = Year(
    seed=7, customers=700, terminals=560, served=110, fault=1, fault_days=2, pattern=4, frauds=2.0
)
"""The rehearsed world."""
VALID, TEST, CURRENT, ENOUGH = 5, 14, 14, 3
"""Days of its windows, and of what was lost by that they must hold. The monitor tests a loss against 14 days at least."""
WAIT = CURRENT + TEST + ENOUGH - USECASE.delay_days
"""Days from an alert to the retraining. What was lost by at the alert is older than the delay of the labels."""
WINDOWS = {
    f"{CASE}.features.valid_days": VALID,
    f"{CASE}.features.test_days": TEST,
    f"{CASE}.features.current_days": CURRENT,
    f"{CASE}.monitor.min_history": 7,
}
"""Params by their dotted names."""
SELDOM = 7
"""While a retraining is due the monitor judges every so many days."""


@dataclass
class Rehearsal:
    """A project that is served, and what has happened."""

    year: Year
    project: Project
    client: Client
    judge: Judge
    receiver: Receiver
    diary: Diary = field(default_factory=Diary)
    days: list[Sent] = field(default_factory=list)
    faulty: dict[date, str] = field(default_factory=dict)
    due: date | None = None
    promoted: int = 0
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._coming = with_seed(self.year, self.client)

    @property
    def today(self) -> date:
        """The day that was served last."""
        return self.days[-1].payments.day if self.days else self.year.first

    def serve_day(self) -> Sent:
        """Send the next day."""
        payments = next(self._coming)
        sent = self.client.day(payments)
        self.days.append(sent)
        if payments.day == self.year.day(self.year.pattern):
            self.diary.note(
                payments.day,
                "drift",
                f"planted: {int(sent.payments.pattern.sum())} frauds of a new pattern",
            )
        if payments.day == self.year.day(self.year.fault):
            wrong, refused = int(payments.wrong.sum()), int(sent.refused.sum())
            self.diary.note(
                payments.day, "unit error", f"planted: {wrong} amounts times 100; {refused} refused"
            )
        return sent

    def seal(self) -> date:
        """Seal the finished days and commit the pointers; the day after the last of them."""
        self.project.plumbline("seal", CASE)
        self.project.commit(f"Seal {self.today - timedelta(days=1)}")
        return self.today

    def judged(self, as_of: date) -> MonitorResult | None:
        """The monitor's verdict on what is sealed; None where a stage refuses the data."""
        try:
            verdict = self.judge.verdict(as_of)
        except PlumblineError as error:
            self.faulty[as_of - timedelta(days=1)] = str(error)
            self.diary.note(as_of, "refused data", str(error)[:160])
            return None
        new = {d: w for d, w in watch.faults(verdict).items() if d not in self.faulty}
        for day, why in new.items():
            self.diary.note(day, "fault", why[:160])
        self.faulty |= new
        if new:
            self.project.change(
                {f"{CASE}.features.leave_out": [str(d) for d in sorted(self.faulty)]}
            )
            self.diary.note(
                as_of, "left out", f"features.leave_out: {', '.join(map(str, sorted(self.faulty)))}"
            )
            self.alert(as_of)
        return verdict

    def alert(self, as_of: date) -> None:
        """`plumbline alert` about the last verdict, to a webhook."""
        text = self.receiver.alerted(self.project, self.judge.written, str(as_of))
        self.diary.note(as_of, "alert", f"plumbline alert: {text or 'nothing new'}"[:240])

    def step(self) -> None:
        """One day of the loop."""
        self.serve_day()
        if len(self.days) < 2:
            return
        as_of = self.seal()
        if self.due and as_of < self.due and len(self.days) % SELDOM:
            return
        verdict = self.judged(as_of)
        if self.due is None and verdict and verdict.retrain and verdict.retrain.now:
            self.due = as_of + timedelta(days=WAIT if watch.lost(verdict) else 0)
            self.diary.note(as_of, "monitor", f"{verdict.summary}; {verdict.retrain.why}"[:240])
            self.alert(as_of)
            self.diary.note(
                as_of, "retrain due", f"on {self.due}: then the windows hold what was lost by"
            )
        if self.due and as_of >= self.due:
            self.due = None
            self.retrain(as_of)

    def retrain(self, as_of: date) -> None:
        """Train a challenger; merge it where the gate lets it through, and promote it while events come."""
        out = self.project.root.parent / f"retrain-{as_of}.json"
        self.project.plumbline("retrain", "--as-of", str(as_of), "--json", str(out), codes=(0, 1))
        (record,) = self.project.json(str(out))["usecases"]
        self.diary.note(
            as_of, "retrain", f"{record['outcome']}: {'; '.join(record['reasons'])}"[:240]
        )
        if record["outcome"] != "challenger":
            self.due = as_of + timedelta(days=7)
            return
        self.project.git("merge", "-q", "--ff-only", record["branch"])
        self.project.dvc("checkout", "-q", "--force")
        text = f"{record['commit'][:10]} by fast-forward; the gate said yes; {self._learned()}"
        self.diary.note(as_of, "merged", text)
        self.promote(as_of)

    def _learned(self) -> str:
        """How many rows of the faulty days the merged model's tables have."""
        roles = (Role.TRAIN_TABLE, Role.VALID_TABLE, Role.TEST_TABLE)
        whole = [tables.read(artifacts.path(CASE, r, self.project.root)) for r in roles]
        days = [t[USECASE.time].astype("datetime64[D]").astype(object) for t in whole]
        faulty = sum(day in self.faulty for one in days for day in one)
        return f"{faulty} of the {sum(map(len, days)):,} rows it saw are of faulty days"

    def promote(self, as_of: date) -> None:
        """`plumbline promote` while the next days' events come."""
        out = self.project.root.parent / f"promotion-{as_of}.json"
        with self._events_coming():
            done = self.project.plumbline("promote", CASE, "--json", str(out), codes=(0, 1))
        promotion = self.project.json(str(out))
        for one in promotion.get("steps", []):
            self.diary.note(self.today, f"promote: {one['name']}", _short(one))
        if done.code == 0:
            self.promoted += 1
            self.judge.crown()
        self.diary.note(
            self.today, "champion" if done.code == 0 else "not promoted", self._routes()
        )

    def bad_challengers(self) -> None:
        """Models that are worse, merged all the same: at most what share each was given, and for how long."""
        for end in planted.promoted(self.project, self._events_coming):
            self.wrong += [end.text] if end.wrong else []
            self.diary.note(self.today, "bad challenger", f"{end.text}; {self._routes()}")

    def _routes(self) -> str:
        routes = self.project.call({"do": "routes"})
        shown = routes.get("routes", routes)
        arms = [(a["name"], a["weight"], a["bundle"][:8]) for a in shown.get("arms", [])]
        return f"routes version {shown.get('version')}: {arms}"

    def _events_coming(self) -> AbstractContextManager[None]:
        return _going_on(self.client, self.serve_day, RATE)


def with_seed(year: Year, client: Client) -> Iterator[Payments]:
    """The days to serve; the outcomes of the seed's last days are still to come, and wait with the client."""
    days = world.days(year, year.first - timedelta(days=USECASE.delay_days))
    for _ in range(USECASE.delay_days):
        client.passed(next(days))
    return days


def coming(client: Client, days: Iterator[Payments]) -> AbstractContextManager[None]:
    """Days that go on being sent, slowly, while a command runs."""
    return _going_on(client, lambda: client.day(next(days)), RATE)


@contextmanager
def _going_on(client: Client, one_day: Callable[[], object], rate: float) -> Iterator[None]:
    """Call `one_day` again and again in a thread, so many events a second; its error is raised at the end."""
    stop, errors = threading.Event(), []

    def send() -> None:
        try:
            while not stop.is_set():
                one_day()
        except (RuntimeError, OSError, StopIteration) as error:
            errors.append(error)

    thread, client.rate = threading.Thread(target=send), rate
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        client.rate = 0.0
    if errors:
        raise CommandError(f"the traffic stopped: {errors[0]!r}")


def _short(step: Mapping[str, Any]) -> str:
    """A step of a promotion: how it ended, and its reason or evidence."""
    shown = ", ".join(f"{k} {v}" for k, v in step.get("evidence", {}).items())
    return f"{step['status']}: {step.get('reason') or shown}"[:240]


def rehearse(year: Year, folder: Path, diary: Diary) -> Rehearsal:
    """The whole: the first champion, then days until a model is promoted after the planted pattern."""
    project = first_champion(folder / "project", year)
    diary.note(
        year.first,
        "first champion",
        f"dvc repro; commit {project.git('rev-parse', '--short', 'HEAD')}",
    )
    address = project.serve()
    judge, receiver = Judge(project), Receiver()
    rehearsal = Rehearsal(year, project, Client(address), judge, receiver, diary)
    try:
        _days(rehearsal)
    finally:
        judge.close()
        receiver.close()
        project.stop()
    return rehearsal


def first_champion(folder: Path, year: Year, more: Mapping[str, Any] | None = None) -> Project:
    """A project whose graph has run on the simulated seed, and whose source is what is served from now on."""
    project = projects.create(folder, year)
    project.change({**WINDOWS, **(more or {})})
    project.dvc("repro", "-q")
    project.commit("First run")
    _serve_sealed(project)
    project.commit("Read what is served")
    return project


def _serve_sealed(project: Project) -> None:
    """The source: the seed, then sealed days."""
    seed = project.params()[CASE]["data"]
    as_of = seed["as_of"]
    project.change(
        {f"{CASE}.data": {"source": "served", "start": seed["start"], "as_of": as_of, "seed": seed}}
    )


def _days(rehearsal: Rehearsal) -> None:
    year, end = rehearsal.year, rehearsal.year.end
    while rehearsal.today < end - timedelta(days=1):
        rehearsal.step()
        learned = rehearsal.promoted and rehearsal.today >= year.day(year.pattern)
        if learned:
            break
    rehearsal.bad_challengers()
    seconds = rehearsal.diary.seconds("drift", "champion")
    rehearsal.diary.note(
        rehearsal.today, "end", f"{seconds:.0f} s from the planted drift to the new champion"
    )
