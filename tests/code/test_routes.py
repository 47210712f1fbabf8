"""Routes: sticky choices, slots that only move towards the arm that grows, and a document that survives damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.errors import PlumblineError
from plumbline.serve.routes import choice, document, routes_file
from plumbline.serve.routes.document import Arm, Routes
from tests.boosting import events, parcels
from tests.examples import examples
from tests.routed import routes

IDS = [f"customer {n}" for n in range(3_000)]
MD5 = "0" * 31 + "1.dir"


def owners(found: Routes) -> list[str]:
    return [choice.choice(found, value).name for value in IDS]


def test_the_share_of_entities_is_the_weight():
    found = owners(routes(75, 25))
    assert 0.22 < found.count("b") / len(IDS) < 0.28


def test_another_salt_is_another_share():
    one, two = routes(50, 50), routes(50, 50).model_copy(update={"salt": "other"})
    assert owners(one) != owners(two)


def test_a_growing_challenger_only_takes():
    found = routes(100, 0)
    before = owners(found)
    for weight in (1, 5, 25, 100):
        found = document.with_weights(found, {"b": weight})
        after = owners(found)
        moved = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        assert moved
        assert set(moved) == {("a", "b")}
        before = after
    assert set(before) == {"b"}
    assert found.champion == found.arm("b").bundle


weights = (
    st.lists(st.integers(0, 50), min_size=4, max_size=4)
    .map(lambda w: dict(zip("abcd", [*w[:3], 100 - sum(w[:3])], strict=True)))
    .filter(lambda w: min(w.values()) >= 0)
)


@examples(40, nightly=1_000)
@given(st.lists(weights, min_size=1, max_size=5))
def test_entities_move_from_arms_that_shrink_to_arms_that_grow_and_no_others(steps):
    found = routes(100, 0, 0, 0)
    for step in steps:
        new = document.with_weights(found, step)
        before = {a.name: a.weight for a in found.live}
        for old, now in zip(found.owners, new.owners, strict=True):
            assert old == now or (step[old] < before[old] and step[now] > before[now])
        assert {a.name: a.weight for a in new.live} == step
        found = Routes.model_validate_json(new.model_dump_json())
        assert found == new


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"a": 90, "b": 5}, r"sum to 100, found a=90, b=5 \(95 in all\)"),
        ({"b": 101}, "from 0 that sum to 100"),
        ({"b": -1}, "from 0 that sum to 100"),
        ({"b": 5.0}, "whole percentages"),
        ({"x": 5}, "no arm 'x'; choose one of: a, b"),
    ],
)
def test_weights_that_cannot_be(change: dict[str, int], match: str):
    with pytest.raises(PlumblineError, match=match):
        document.with_weights(routes(100, 0), change)


def test_a_shadow_answers_nobody():
    found = document.with_arm(routes(100), Arm(name="s", bundle=MD5, mode="shadow"))
    with pytest.raises(PlumblineError, match="'s' is a shadow"):
        document.with_weights(found, {"s": 5})
    assert owners(found).count("a") == len(IDS)


def test_an_arm_in_use_is_neither_replaced_nor_removed():
    found = routes(90, 10)
    with pytest.raises(PlumblineError, match="an arm 'b' already, live, 10 %"):
        document.with_arm(found, Arm(name="b", bundle=MD5))
    with pytest.raises(PlumblineError, match="answers 10 % of the entities; set it to 0 first"):
        document.without_arm(found, "b")


def test_the_red_button_leaves_the_challenger_then_the_champion():
    found = document.with_weights(routes(100, 0), {"b": 100})
    assert len(found.champions) == 2
    third = document.with_weights(document.with_arm(found, Arm(name="c", bundle=MD5)), {"c": 5})
    back = document.red_button(third)
    assert {a.bundle for a in back.live} == {third.champion}
    again = document.red_button(back)
    assert again.champions == (found.champions[1],)
    with pytest.raises(PlumblineError, match="nothing to return to"):
        document.red_button(again)


def test_the_last_three_champions_are_remembered():
    found = routes(100, 0, 0, 0)
    for name in "bcd":
        found = document.with_weights(found, {name: 100})
    assert found.champions == tuple(found.arm(n).bundle for n in "dcb")


def test_an_event_is_routed_by_its_first_entity():
    event = {n: v[0] for n, v in events(1, 1).items()}
    usecase = parcels()
    plain = parcels(entities=(), snapshots=(), rows=(), features=("height",))
    assert choice.routed_by(usecase, event) == event["sender"]
    assert choice.routed_by(plain, event) == event["number"]
    assert choice.routed_by(usecase, {**event, "sender": None}) == event["number"]


def test_every_version_is_journalled_and_the_file_is_the_last(tmp_path: Path):
    found = routes(100, 0)
    for weight in (0, 1, 5):
        found = document.with_weights(found, {"b": weight})
        routes_file.write(tmp_path, routes_file.entry(found, f"set b={weight}"))
    assert routes_file.read(tmp_path) == routes_file.RoutesOnDisk(found)
    assert [e.routes.version for e in routes_file.history(tmp_path)] == [2, 3, 4]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": 1}', b"null", b"[" * 9_999]
)
def test_a_damaged_file_gives_way_to_the_journal(tmp_path: Path, damage: bytes):
    found = routes(100, 0)
    routes_file.write(tmp_path, routes_file.entry(found, "first start"))
    (tmp_path / "routes.json").write_bytes(damage)
    known = routes_file.read(tmp_path)
    assert known.routes == found
    assert len(known.notes) == 1
    assert "damaged" in known.notes[0]
    assert "version 1, the journal's last good one" in known.notes[0]
    (tmp_path / "journal.jsonl").write_bytes(damage + b"\n")
    with pytest.raises(PlumblineError, match="no good line either: remove both"):
        routes_file.read(tmp_path)


def test_a_cut_journal_goes_on_on_a_line_of_its_own(tmp_path: Path):
    found = routes(100, 0)
    routes_file.write(tmp_path, routes_file.entry(found, "first start"))
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"when": "2026')
    assert "damaged at its end, 1 lines" in routes_file.read(tmp_path).notes[0]
    later = document.with_weights(found, {"b": 5})
    routes_file.write(tmp_path, routes_file.entry(later, "set"))
    assert [e.routes for e in routes_file.history(tmp_path)] == [found, later]
    assert routes_file.read(tmp_path) == routes_file.RoutesOnDisk(later)


def test_routes_by_hand_must_be_consistent(tmp_path: Path):
    plain = routes(75, 25).plain()
    plain["arms"][1]["weight"] = 30
    (tmp_path / "routes.json").write_text(json.dumps(plain))
    with pytest.raises(PlumblineError, match="sum to 100, found 105"):
        routes_file.read(tmp_path)


def test_no_command_changes_the_file_under_a_service(tmp_path: Path):
    with (
        routes_file.serving(tmp_path),
        routes_file.serving(tmp_path),
        pytest.raises(PlumblineError, match="a service runs"),
        routes_file.alone(tmp_path),
    ):
        pass
    with (
        routes_file.alone(tmp_path),
        pytest.raises(PlumblineError, match="start again in a moment"),
        routes_file.serving(tmp_path),
    ):
        pass
