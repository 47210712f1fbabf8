"""Features of past events by a tag's code and data: the bytes of the tag's own tables, or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from plumbline.__main__ import main
from plumbline.core import dvc_hash
from plumbline.core.errors import ContractError, PlumblineError
from plumbline.core.hashing import md5_bytes
from plumbline.features import assemble, backfill, ibis_session
from plumbline.features.params import Features
from plumbline.features.splits import SplitWindow
from plumbline.runtime import git
from tests import small
from tests.code import test_versions as shop
from tests.code.test_batch import many
from tests.conftest import ROOT
from tests.heads import WHO
from tests.small import AS_OF, SMALL

PARAMS = Features(join="direct", warmup_days=2, valid_days=3, test_days=4, current_days=3)
RANGE = SplitWindow(date(2025, 2, 26), date(2025, 3, 20))


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Valid events and outcomes of the small use case."""
    return small.write(many(800), tmp_path_factory.mktemp("laid") / "valid")


@pytest.mark.capability("C34")
def test_rows_of_the_tables_are_the_same_to_the_bit(valid: Path, tmp_path: Path) -> None:
    params = PARAMS.model_copy(update={"history_age": True})
    for name in ("snapshots", "tables", "out"):
        (tmp_path / name).mkdir()
    folders = (tmp_path / "snapshots", tmp_path / "tables")
    with ibis_session.connection(threads=1) as backend:
        assemble.timed(backend, SMALL, params, AS_OF, valid, *folders)
    with ibis_session.connection(threads=1) as backend:
        report = backfill.write(backend, SMALL, params, AS_OF, valid, RANGE, tmp_path / "out")
    own = rows(*sorted((tmp_path / "out").glob("*.parquet")))
    assert list(report.files) == ["small-2025-02.parquet", "small-2025-03.parquet"]
    assert report.rows == len(own)
    shared = 0
    for name in ("train", "valid", "test", "current"):
        for key, row in rows(tmp_path / "tables" / f"{name}.parquet").items():
            assert own[key] == row
            shared += 1
    assert shared > 0.8 * len(own)


def rows(*paths: Path, key: str = "number") -> dict[int, Mapping[str, object]]:
    """Rows by key, floats by their bits."""
    listed = [row for path in paths for row in pq.read_table(path).to_pylist()]
    return {
        row[key]: {n: v.hex() if isinstance(v, float) else v for n, v in row.items()}
        for row in listed
    }


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (date(2025, 3, 1), date(2025, 3, 21), r"expected days from 2025-02-24 to 2025-03-19"),
        (date(2025, 2, 1), date(2025, 3, 1), r"found 2025-02-01 to 2025-02-28"),
        (date(2025, 3, 5), date(2025, 3, 3), r"--from 2025-03-05 lies after --to 2025-03-02"),
    ],
)
def test_days_without_events_are_refused(
    valid: Path, tmp_path: Path, start: date, end: date, text: str
) -> None:
    window = SplitWindow(start, end)
    with ibis_session.connection() as backend, pytest.raises(PlumblineError, match=text):
        backfill.write(backend, SMALL, PARAMS, AS_OF, valid, window, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_range_without_an_event_is_refused(tmp_path: Path) -> None:
    events = [
        row for row in many(200) if not datetime(2025, 3, 3) <= row["at"] < datetime(2025, 3, 4)
    ]
    window = SplitWindow(date(2025, 3, 3), date(2025, 3, 4))
    source = small.write(events, tmp_path / "valid")
    with ibis_session.connection() as backend, pytest.raises(ContractError, match="no event from"):
        backfill.write(backend, SMALL, PARAMS, AS_OF, source, window, tmp_path)


@dataclass(frozen=True)
class Shop:
    """A project with a tag "v1", whose code the work tree has moved on from."""

    root: Path

    def put(self, name: str, data: str | bytes) -> Path:
        """A file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def valid(self) -> str:
        """Events, as the stage `validate` leaves them and DVC's cache keeps them; the folder's md5."""
        table = pa.table(EVENTS)
        late = pa.table({"id": EVENTS["id"], "known_at": KNOWN, "late": LATE})
        listed = {}
        for name, whole in (("events", table), ("outcomes", late)):
            path = self.put(f"data/shop/valid/{name}-2025-01.parquet", b"")
            pq.write_table(whole, path)
            listed[path.name] = md5_bytes(path.read_bytes())
            self.object(listed[path.name], path.read_bytes())
        self.object(dvc_hash.manifest_md5(listed), dvc_hash.manifest_bytes(listed))
        return dvc_hash.manifest_md5(listed)

    def object(self, md5: str, data: bytes) -> None:
        """An object in DVC's cache."""
        self.put(f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}", data)


AT = [datetime(2025, 1, 1) + timedelta(hours=7 * i) for i in range(60)]
KNOWN = pa.array([at + timedelta(days=2) for at in AT], pa.timestamp("us"))
LATE = [i % 3 == 0 for i in range(60)]
EVENTS = {
    "id": list(range(60)),
    "at": pa.array(AT, pa.timestamp("us")),
    "buyer_id": [i % 4 for i in range(60)],
    "cents": [100 * i for i in range(60)],
    "kind": ["a", "b"] * 30,
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop, in its root; at v1 the night ends at six, now at nine."""
    shop_ = Shop(tmp_path / "project")
    section = {"data": {"source": "csv", "as_of": "2025-01-18"}, "features": {"warmup_days": 2}}
    section |= {key: {} for key in ("validate", "tune", "train", "evaluate", "monitor")}
    shop_.put("params.yaml", yaml.safe_dump({"usecases": ["shop"], "seed": 1, "shop": section}))
    for path, text in shop.texts().items():
        shop_.put(path, text)
    shop_.put("usecases/__init__.py", '"""Use cases."""\n')
    shop_.put("usecases/shop/__init__.py", '"""A shop."""\n')
    shop_.put(".gitignore", "/data/\n/.dvc/cache\n/.dvc/tmp\n/.dvc/config.local\n__pycache__\n")
    shop_.put(".dvc/config", "[core]\n    analytics = false\n")
    shutil.copy(ROOT / "dvc.yaml", shop_.root)
    (shop_.root / "plumbline").symlink_to(ROOT / "plumbline")
    outs = [{"path": "data/shop/valid", "md5": shop_.valid(), "hash": "md5"}]
    lock = {"schema": "2.0", "stages": {"validate@shop": {"cmd": "run", "outs": outs}}}
    shop_.put("dvc.lock", yaml.safe_dump(lock))
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*WHO, "commit", "-q", "-m", "one")):
        git.output(shop_.root, *words)
    git.output(shop_.root, "tag", "v1")
    later = shop.texts(("hour < DAWN", "hour < 9"), shop.NIGHT_2)
    for path, text in later.items():
        shop_.put(path, text)
    monkeypatch.chdir(shop_.root)
    return shop_


def run(*words: str) -> int:
    first = ("--from", "2025-01-05", "--to", "2025-01-16")
    return main(["backfill", "shop", *first, *words])


@pytest.mark.capability("C34")
def test_a_tag_s_code_and_data_count(project: Shop, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.rmtree(project.root / "data")  # the cache has them
    assert run("--at", "v1", "--out", str(out), "--json", str(tmp_path / "r.json")) == 0
    report = json.loads((out / "backfill.json").read_text())
    assert report == json.loads((tmp_path / "r.json").read_text())
    assert report["commit"] == git.text(project.root, "rev-parse", "v1")
    assert {e["name"]: e["version"] for e in report["features"]}["night"] == 1
    table = rows(out / "shop-2025-01.parquet", key="id")
    assert {float.fromhex(str(r["night"])) for r in table.values() if r["hour"] == (7.0).hex()} == {
        0.0
    }
    assert {r["at"] for r in table.values()} == {
        at for at in AT if datetime(2025, 1, 5) <= at < datetime(2025, 1, 17)
    }
    assert not list(project.root.glob("data"))


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(*words) == 2
    return capsys.readouterr().err


def test_what_is_refused_leaves_the_folder_as_it_was(
    project: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert "'v9': no such revision" in refused(capsys, "--at", "v9", "--out", str(out))
    cache = project.root / ".dvc" / "cache" / "files" / "md5"
    shutil.rmtree(next(p for p in cache.iterdir() if not list(p.glob("*.dir"))))
    assert "no good copy of" in refused(capsys, "--at", "v1", "--out", str(out))
    assert not out.exists()
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    assert "holds other files than a backfill's" in refused(capsys, "--out", str(out))
    assert [p.name for p in out.iterdir()] == ["thesis.txt"]
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []
