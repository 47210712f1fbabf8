"""The out `tiles/`: what it keeps adds up to the histories of one event, at as_of, after it, and of recent days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core import definitions_md5
from plumbline.core.declarations import Fresh, Hourly
from plumbline.core.errors import PlumblineError
from plumbline.features import assemble, tile_files
from plumbline.serve import seed, single_event
from plumbline.serve.seed import Seed
from tests.code.test_batch import EVENTS, bytes_of, many
from tests.code.test_series import SERIES, late
from tests.examples import examples
from tests.small import AS_OF, SMALL, event, lent

FEW = examples(4, nightly=60)
RECENT = 3
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1)


def written(folder: Path, rows, case=SMALL, as_of: date = AS_OF, known=None) -> Seed:
    folder.mkdir(exist_ok=True)
    with lent(rows, known) as (backend, events, outcomes):
        events, outcomes = assemble.visible(backend, case, events, outcomes, as_of)
        first = min(r["at"] for r in rows).date()
        tile_files.write(backend, case, events, outcomes, (first, as_of), RECENT, folder)
    return seed.read(folder)


def of_tiles(case, kept: Seed, one) -> dict[str, float]:
    """The stored histories of an event, added up from the seed's tiles."""
    values = {}
    for spec in case.stored:
        name = spec.entity + (".hourly" if isinstance(spec, Hourly) else "")
        table = kept.tiles[name]
        length = timedelta(hours=1) if table.grain == "hour" else DAY
        last = (one["at"] - EPOCH) // length - spec.lag
        first = last - spec.length + 1
        assert first >= table.oldest, "a window looks further back than tiles are kept"
        part = table.parts.index((spec.matured, spec.measure))
        rows = dict(table.by_id()).get(
            single_event.id_of(case.entity(spec.entity), one), slice(0, 0)
        )
        inside = (table.n[rows] >= first) & (table.n[rows] <= last)
        count = int(table.counts[part][rows][inside].sum())
        total = int(table.sums[part][rows][inside].sum())
        values[spec.name] = single_event._divide(spec, count, total)
    return values


def of_recent(case, kept: Seed, one) -> dict[str, float]:
    """The fresh features of an event of a recent day, from the events that are kept one by one."""
    midnight, values = datetime.combine(one["at"], time.min), {}
    recent = list(kept.events())
    for spec in case.fresh:
        own = single_event.id_of(case.entity(spec.entity), one)
        clock = "known_at" if spec.matured else "at"
        inside = [
            r
            for r in recent
            if r[clock] is not None
            and midnight <= r[clock] < one["at"]
            and single_event.id_of(case.entity(spec.entity), r) == own is not None
        ]
        measured = [single_event._measured(spec.measure, r) for r in inside]
        numbers = [m for m in measured if m is not None]
        values[spec.name] = single_event._divide(spec, len(numbers), sum(numbers))
    return values


def by_single_event(case, rows, as_of: date, one) -> dict[str, float]:
    midnight = datetime.combine(as_of, time.min)
    seen = [{c.name: r[c.name] for c in case.known} for r in rows if r["at"] < midnight]
    names = [case.key, "known_at", *(c.name for c in case.unknown)]
    known = [{n: r[n] for n in names} for r in rows if r["known_at"] < midnight]
    built = single_event.histories(case, seen, known)
    return single_event.aggregates(case, one, single_event.own_histories(case, one, built))


@pytest.mark.capability("C30")
@pytest.mark.parametrize("case", [SMALL, SERIES], ids=["daily", "hourly, lagged, of all"])
@FEW
@given(rows=EVENTS, days=st.integers(4, 14))
def test_tiles_and_recent_events_add_up_to_the_histories(case, tmp_path_factory, rows, days):
    rows = late(rows) if case is SERIES else rows
    as_of = min(r["at"] for r in rows).date() + timedelta(days=days)
    kept = written(tmp_path_factory.mktemp("tiles"), rows, case, as_of)
    for back in (-4.3, 0.0, RECENT - 0.4):
        moment = datetime.combine(as_of, time.min) - back * DAY
        for one in ({**r, "at": moment} for r in (*rows[:2], event(9, moment, who_id="new"))):
            wanted = by_single_event(case, rows, as_of, one)
            got = of_tiles(case, kept, one) | of_recent(case, kept, one)
            assert {name: got[name] for name in wanted} == wanted


def test_what_no_window_sees_is_not_kept(tmp_path):
    rows = many()
    kept = written(tmp_path, rows)
    for name, longest in (("who", 5), ("place", 5)):
        oldest = seed.midnight(AS_OF) - RECENT - longest
        assert kept.tiles[name].oldest == oldest
        assert kept.tiles[name].n.min() == oldest
        assert kept.tiles[name].n.max() < seed.midnight(AS_OF)
    assert kept.recent_from == AS_OF - RECENT * DAY
    assert {e["number"] for e in kept.events()} == {
        r["number"] for r in rows if date(2025, 3, 17) <= r["at"].date() < AS_OF
    }


def test_recent_events_have_derived_columns_and_only_outcomes_that_were_known(tmp_path):
    rows = [event(0, datetime(2025, 3, 17, 9), bad=1), event(1, datetime(2025, 3, 19, 9), bad=1)]
    first, second = written(tmp_path, rows).events()
    assert list(first) == [
        *(c.name for c in SMALL.known),
        *("surprise", "known_at", "bad", "loss"),
    ]
    assert (first["surprise"], first["known_at"], first["bad"]) == (11, rows[0]["known_at"], 1)
    assert (second["known_at"], second["bad"], second["loss"]) == (None, None, None)


def test_fresh_features_alone_have_tiles_of_the_recent_days(tmp_path):
    alone = replace(
        SMALL, snapshots=(), rows=(), derived=(), features=("cents",),
        fresh=(Fresh("who_count_today", "who", "count", "events today"),),
    )  # fmt: skip
    kept = written(tmp_path, many(), alone)
    assert list(kept.tiles) == ["who"]
    assert kept.tiles["who"].n.min() == seed.midnight(AS_OF) - RECENT


def test_the_bytes_do_not_depend_on_the_order_of_rows(tmp_path):
    rows = many()
    written(tmp_path / "one", rows)
    written(tmp_path / "other", rows[::-1])
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "other")
    assert set(bytes_of(tmp_path / "one")) == {
        "tiles.json", "who.parquet", "place.parquet", "recent.parquet"
    }  # fmt: skip


def test_nobody_has_no_tiles_and_a_plain_table_no_files(tmp_path):
    nobody = [event(0, datetime(2025, 3, 18), place_id=None)]
    empty = written(tmp_path / "a", nobody).tiles["place"]
    assert (len(empty.ids), empty.starts.tolist(), len(empty.n)) == (0, [0], 0)
    (tmp_path / "b").mkdir()
    tile_files.write_untimed(replace(SMALL, time=None, label_delay=0, snapshots=(), fresh=(), rows=(),
        derived=(), entities=(), features=("cents",)), tmp_path / "b")  # fmt: skip
    plain = seed.read(tmp_path / "b")
    assert (plain.as_of, dict(plain.tiles), list(plain.events())) == (None, {}, [])


def test_what_is_missing_damaged_or_of_other_features_is_named(tmp_path):
    kept = written(tmp_path, many(50))
    kept.check(SMALL)
    values = [*kept.tiles["who"].counts, *kept.tiles["who"].sums, kept.tiles["who"].n]
    assert {v.dtype.name for v in values} == {"int64"}
    assert kept.definitions == definitions_md5.definitions(SMALL)
    with pytest.raises(PlumblineError, match="the tiles of small are of other features"):
        kept.check(replace(SMALL, features=("cents",)))
    narrow = pq.read_table(tmp_path / "who.parquet").drop_columns(["p0_sum"])
    pq.write_table(narrow, tmp_path / "who.parquet")
    with pytest.raises(
        PlumblineError, match=r"who\.parquet: expected the columns id, n and two for each"
    ):
        seed.read(tmp_path)
    (tmp_path / "who.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(PlumblineError, match=r"who\.parquet: it cannot be read .*dvc checkout"):
        seed.read(tmp_path)
    (tmp_path / "tiles.json").unlink()
    with pytest.raises(PlumblineError, match=r"tiles\.json: no such file; run `dvc checkout`"):
        seed.read(tmp_path)
