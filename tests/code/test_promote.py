"""Promotions of parcels under traffic: good challengers become champion, worse ones never answer much, kills change nothing."""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.ops.promotion import (
    canary_step,
    promoting,
    promotion_document,
    promotion_page,
    promotion_records,
)
from plumbline.ops.promotion.promotion_document import Promotion
from plumbline.ops.promotion.promotion_run import PromotionOptions
from plumbline.ops.rollback import journal
from plumbline.serve.routes import canary_watch, document, routes_file
from plumbline.serve.routes.bundle_store import BundleStore
from tests import promoted, shared
from tests.promoted import NAME, ServedParcels, promote

KINDS = ("equal", "constant", "inverted", "slower", "alarms")
STEPS = ["checks", "golden", "load", "shadow", "canary", "replace", "champion"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Routes, and the bundles in their store."""
    return shared.built(tmp_path_factory, "promoted", lambda folder: promoted.base(folder, KINDS))


@pytest.fixture
def served(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedParcels]:
    """A service under traffic on a copy of it."""
    bundles = shared.result(made)
    shutil.copytree(made / ".plumbline", tmp_path / ".plumbline")
    monkeypatch.chdir(tmp_path)
    promoted.lend(monkeypatch, bundles)
    with promoted.serving(Path("."), bundles) as one:
        yield one


def audited() -> list[tuple[str, str]]:
    """Step and result, as the audit log has them."""
    return [(entry.step, entry.result) for entry in journal.promotions(Path("."))]


@pytest.mark.capability("H8")
def test_a_good_challenger_becomes_champion_step_by_step(served: ServedParcels):
    lines: list[str] = []
    promotion = promote(served, "equal", lines.append)
    assert promotion.status == "promoted", promotion
    assert served.champion == served.bundles["equal"]
    assert [s.name for s in promotion.steps] == STEPS
    assert audited() == [(s.name, s.status) for s in promotion.steps] + [("end", "promoted")]
    shadow = promotion.step("shadow")
    assert shadow is not None
    assert shadow.evidence["events"] >= 300
    assert [w for w in served.history() if w.startswith("canary")] == [
        "canary at 1 %", "canary at 5 %", "canary at 25 %", "canary at 100 %", "canary passed"
    ]  # fmt: skip
    check_lines(promotion)
    before = served.history()
    again = promote(served, "equal")
    assert (again.status, served.history()) == ("already", before)
    assert promotion_records.last(Path("."), NAME) == promotion


def check_lines(promotion: Promotion) -> None:
    """A reader sees what was measured, and nothing else."""
    lines = list(promotion_document.lines(promotion))
    assert lines[0].startswith("parcels: equal (000000000), bundle ")
    shadow = next(line for line in lines if line.startswith("  shadow: passed"))
    assert "decided otherwise 0" in shadow
    assert "after" not in shadow
    page = promotion_page.page(promotion)
    assert page.startswith("**✅ parcels, equal: promoted**")
    assert "| canary | passed | steps 1 5 25 100" in page


REASONS = {
    "constant": "shadow: ",
    "inverted": "shadow: ",
    "slower": "golden: scoring a golden event takes",
    "alarms": "shadow: ",
}


@pytest.mark.capability("H8")
@pytest.mark.parametrize("kind", REASONS)
def test_a_worse_challenger_answers_nobody(
    served: ServedParcels, kind: str, monkeypatch: pytest.MonkeyPatch
):
    promoted.lend(monkeypatch, served.bundles, promoted.RULES.model_copy(update={"spare": 0.0}))
    promotion = promote(served, kind)
    assert (promotion.status, promotion.refused) == ("failed", True), promotion
    assert promotion.reason.startswith(REASONS[kind])
    assert served.champion == served.bundles["champion"]
    assert served.shares.get(served.bundles[kind], 0) == 0
    assert [a.name for a in served.service.parts.live.router.routes.arms] == ["champion"]
    assert audited()[-1] == ("end", "failed")


@pytest.mark.parametrize("kind", ["constant", "alarms"])
def test_without_a_shadow_the_canary_stops_it_at_five_percent(
    served: ServedParcels, kind: str, monkeypatch: pytest.MonkeyPatch
):
    rules = promoted.RULES.model_copy(update={"shadow_events": 0, "few_events": 500})
    promoted.lend(monkeypatch, served.bundles, rules)
    promotion = promote(served, kind)
    assert promotion.reason.startswith("canary: "), promotion
    assert 0 < served.shares[served.bundles[kind]] <= 5, promotion
    assert served.champion == served.bundles["champion"]


class Killed(BaseException):
    """As kill -9: no step of the promotion sees it."""


def killing(function: Callable[..., Any], number: int, *, after: bool) -> Callable[..., Any]:
    """A function that ends its process before, or after, its n-th call."""
    calls = []

    def called(*words: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == number and not after:
            raise Killed
        result = function(*words, **options)
        if len(calls) == number:
            raise Killed
        return result

    return called


POINTS = [("save", 4, True), ("audit", 2, True), ("save", 10, True), ("save", 12, False), ("audit", 5, False),
          ("audit", 5, True), ("audit", 7, True), ("audit", 8, True)]  # fmt: skip


@pytest.mark.parametrize("kind", ["equal", "constant"])
def test_a_promotion_goes_on_after_kills(
    served: ServedParcels, kind: str, monkeypatch: pytest.MonkeyPatch
):
    kills = 0
    for name, number, after in POINTS:
        with monkeypatch.context() as patch:
            known = getattr(promotion_records, name)
            patch.setattr(promotion_records, name, killing(known, number, after=after))
            try:
                promotion = promote(served, kind)
                break
            except Killed:
                kills += 1
    promotion = promote(served, kind)
    assert kills >= 2
    expected = {"equal": "already", "constant": "failed"}[kind]
    assert promotion.status == expected
    steps = audited()
    first = [
        one for one in steps if one == ("end", {"equal": "promoted", "constant": "failed"}[kind])
    ]
    assert len(first) == {"equal": 1, "constant": 2}[kind]
    canaries = [w for w in served.history() if w.startswith("canary")]
    assert len(canaries) == {"equal": 5, "constant": 0}[kind]


def test_another_commit_waits_for_an_unfinished_promotion(
    served: ServedParcels, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(promotion_records, "audit", killing(promotion_records.audit, 3, after=True))
        with pytest.raises(Killed):
            promote(served, "equal")
    with pytest.raises(PlumblineError, match=r"the promotion of equal .* is unfinished"):
        promote(served, "inverted")
    promotion = promoting.stop(Path("."), NAME, lambda _: None)
    assert (promotion.status, promotion.routes) == ("stopped", "untouched")
    with pytest.raises(PlumblineError, match="nothing to stop"):
        promoting.stop(Path("."), NAME, lambda _: None)
    assert promote(served, "equal").status == "promoted"


def test_no_traffic_is_no_evidence(served: ServedParcels, monkeypatch: pytest.MonkeyPatch):
    promoted.lend(monkeypatch, served.bundles, promoted.RULES.model_copy(update={"silence": 0.3}))
    served.paused.set()
    promotion = promote(served, "equal")
    assert promotion.reason.startswith("shadow: no data")
    assert not promotion.refused, "an agent tries it again"
    assert served.champion == served.bundles["champion"]


def test_a_red_button_ends_a_promotion(served: ServedParcels):
    pressed = []

    def press(line: str) -> None:
        if line == "canary: at 1 %":
            pressed.append(served.service.parts.live.router.red_button())

    promotion = promote(served, "equal", press)
    assert pressed
    assert promotion.status == "failed"
    assert "changed by another command" in promotion.reason
    assert served.champion == served.bundles["champion"]


def test_a_damaged_challenger_is_refused_by_its_golden_events(served: ServedParcels):
    model = BundleStore(Path(".plumbline/serve") / NAME).model(served.bundles["equal"])
    (model / "model.ubj").write_bytes(b"not a model")
    promotion = promote(served, "equal")
    assert promotion.refused
    assert promotion.reason.startswith("golden: ")
    assert promotion.routes == "untouched"


@pytest.mark.parametrize("number", [4, 9])
def test_a_full_disk_puts_the_routes_back(
    served: ServedParcels, number: int, monkeypatch: pytest.MonkeyPatch
):
    calls = []

    def full(*words: Any) -> Any:
        calls.append(1)
        if len(calls) >= number:
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(*words)

    save = promotion_records.save
    with monkeypatch.context() as patch:
        patch.setattr(promotion_records, "save", full)
        with pytest.raises(PlumblineError, match="No space left on device"):
            promote(served, "equal")
    routes = served.service.parts.live.router.routes
    assert [(a.bundle, a.weight) for a in routes.arms] == [(served.bundles["champion"], 100)]
    assert promote(served, "equal").status == "promoted"


def load_record(path: Path, bundle: str | None, *, passed: bool) -> Path:
    """What `plumbline loadtest --json` writes, as far as it counts here."""
    gate = [{"name": "p99", "limit": 10.0, "value": 3.0 if passed else 30.0, "passed": passed}]
    path.write_text(json.dumps({"usecase": NAME, "bundle": bundle, "gate": gate, "url": "x"}))
    return path


def test_a_load_test_is_evidence_where_it_is_of_this_bundle(
    served: ServedParcels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    own, champion = served.bundles["equal"], served.bundles["champion"]
    rules = promoted.RULES.model_copy(update={"load_test": True})
    promoted.lend(monkeypatch, served.bundles, rules)
    for file, reason in (
        (None, "serve.promote.load_test is true, and no load test is shown"),
        (
            load_record(tmp_path / "other.json", champion, passed=True),
            f"bundle {champion}, expected",
        ),
        (load_record(tmp_path / "slow.json", own, passed=False), r"p99 30.0 \(at most 10\)"),
    ):
        promotion = promoting.promote(
            Path("."), NAME, "equal", PromotionOptions(file, pause=0.03), lambda _: None
        )
        assert re.search(reason, promotion.reason), promotion
    good = load_record(tmp_path / "good.json", own, passed=True)
    options = PromotionOptions(good, pause=0.03)
    promotion = promoting.promote(Path("."), NAME, "equal", options, lambda _: None)
    assert promotion.status == "promoted"
    load = promotion.step("load")
    assert load is not None
    assert load.evidence == {"p99": 3.0}


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("canary passed", "canary passed"),
        ("canary aborted: alarm rate", "canary aborted: alarm rate"),
        ("the canary of x was not watched to its end; the champion answers", "nobody watched it"),
        ("red-button", "canary aborted: red-button"),
        (None, None),
    ],
)
def test_a_resumed_canary_ends_as_the_routes_journal_says(
    tmp_path: Path, end: str | None, expected: str | None
):
    first = document.first("a" * 32 + ".dir", "salt")
    own = "b" * 32 + ".dir"
    routes_file.write(tmp_path, routes_file.entry(first, "first start"))
    begun = canary_watch.staged(first, own, 1)
    routes_file.write(tmp_path, routes_file.entry(begun, "canary at 1 %"))
    if end:
        after = document.to_bundle(begun, own if end == "canary passed" else first.champion)
        routes_file.write(tmp_path, routes_file.entry(after, end))
    run = SimpleNamespace(
        evidence=lambda _: {"version": 1},
        store=SimpleNamespace(folder=tmp_path),
        promotion=SimpleNamespace(bundle=own),
    )
    ended = canary_step._ended(run)  # type: ignore[arg-type]
    assert ended is None if expected is None else str(ended).endswith(expected)
