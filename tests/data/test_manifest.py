"""A source that is read in place by its manifest: the same bytes, and refused by name where a file is another."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from plumbline.core.errors import ParamsError, SourceError
from plumbline.data import (
    file_manifest,
    hash_index,
    manifest_survey,
    opened_source,
    source_root,
    sources,
)
from plumbline.data.params import Data
from stages import data
from tests import remotes
from tests.sales import AS_OF, HEADER, ROWS, SALES, prepare, write_csv

SOURCE = Path("sources") / "sales"
MANIFEST = str(SOURCE / "sales.json")
SETTINGS = {"source": "parquet", "path": "lake", "manifest": MANIFEST, "as_of": AS_OF}


def parquet(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([HEADER, *rows]).encode()
    pq.write_table(pa.csv.read_csv(pa.BufferReader(text)), path)
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose lake has four files in folders of their months."""
    prepare(monkeypatch, tmp_path, SETTINGS)
    SOURCE.mkdir(parents=True)
    for number, row in enumerate(ROWS):
        parquet(Path(f"lake/month={row.split(',')[1][:7]}/{number}.snappy.parquet"), row)
    Path("lake/_SUCCESS").touch()
    return tmp_path


def write(settings: dict[str, Any] = SETTINGS) -> list[str]:
    """What `plumbline manifest sales --update` does; the kinds of change."""
    surveys = list(manifest_survey.surveys("sales", Data(**settings), SOURCE))
    for survey in surveys:
        Path("scratch").mkdir(exist_ok=True)
        file_manifest.write(survey.path, manifest_survey.updated(survey, Path("scratch")))
        shutil.rmtree("scratch")
    return [change.kind for survey in surveys for change in survey.changes]


def run() -> dict[str, bytes]:
    """The data stage; the bytes that it wrote."""
    data.main("sales", SOURCE, Path("raw"), Path("served"), Path("data.json"))
    return {path.name: path.read_bytes() for path in sorted(Path("raw").iterdir())}


def expected(monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, bytes]:
    """What the same rows give out of one CSV file."""
    prepare(monkeypatch, folder, {"source": "csv", "path": "sources/sales/a.csv", "as_of": AS_OF})
    write_csv(SOURCE / "a.csv")
    return run()


def change(path: Path, row: str) -> None:
    """Other rows in a file of the same size and time of modification, as `cp -p` or a restore leaves them."""
    before = path.stat()
    parquet(path, row)
    assert path.stat().st_size == before.st_size, "the test is to be about bytes"
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.capability("D19")
def test_the_rows_are_those_of_one_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert write() == ["not listed"] * 4
    in_place = run()
    sheet = json.loads(Path("data.json").read_text())["source"]
    assert (sheet["manifest"], sheet["files"]) == (MANIFEST, 4)
    assert sheet["bytes"] == sum(p.stat().st_size for p in Path("lake").rglob("*.parquet"))
    assert in_place == expected(monkeypatch, tmp_path / "other")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: change(p, ROWS[1].replace("999", "998")), r"replaced: month=2025-01/1\.snappy"),
        (lambda p: p.unlink(), r"absent: month=2025-01/1\.snappy\.parquet"),
        (lambda p: os.truncate(p, 100), r"truncated: month=2025-01/1\.\S+ \(100 bytes, expected"),
        (lambda p: shutil.copy(p, p.with_name("new.parquet")), r"not listed: month=2025-01/new"),
        (lambda p: p.rename(p.with_name("m.parquet")), r"absent: .*/1\..*not listed: .*/m\."),
    ],
)
def test_another_file_is_named(project: Path, damage: Any, message: str) -> None:
    write()
    run()
    damage(Path("lake/month=2025-01/1.snappy.parquet"))
    before = Path("raw/events-2025-01.parquet").read_bytes()
    with pytest.raises(SourceError, match=rf"sales\.json: lake is not .*{message}"):
        run()
    assert Path("raw/events-2025-01.parquet").read_bytes() == before, "the last good out stays"


def test_other_rows_than_listed(project: Path) -> None:
    write()
    Path(MANIFEST).write_text(Path(MANIFEST).read_text().replace('"rows": 1}', '"rows": 2}', 1))
    with pytest.raises(SourceError, match=r"lake/month\S+: 1 rows, expected 2 as the manifest"):
        run()


def test_a_file_that_changes_after_the_check(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()

    def late(*_: Any) -> None:
        change(Path("lake/month=2025-01/1.snappy.parquet"), ROWS[1].replace("999", "998"))

    monkeypatch.setattr(opened_source, "announce", late)
    with pytest.raises(SourceError, match=r"1\.snappy\.parquet: changed since the run began"):
        run()


def test_what_is_known_is_not_read_again_and_what_changed_is(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hash_index, "SETTLED", 0)
    write()
    path = Path("lake/month=2025-01/1.snappy.parquet")
    monkeypatch.setattr(hash_index, "md5_files", lambda paths: {p: OSError("read") for p in paths})
    assert not manifest_survey.surveys("sales", Data(**SETTINGS), SOURCE).__next__().changes
    change(path, ROWS[1].replace("999", "998"))
    (one,) = next(manifest_survey.surveys("sales", Data(**SETTINGS), SOURCE)).changes
    assert (one.kind, one.path) == ("unreadable", "month=2025-01/1.snappy.parquet"), "read again"


def test_a_file_that_changed_just_now_is_not_remembered(project: Path) -> None:
    write()
    assert not hash_index.INDEX.exists(), "it may change again within a tick of the clock"


def test_a_damaged_index_is_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_index, "SETTLED", 0)
    hash_index.INDEX.parent.mkdir()
    hash_index.INDEX.write_text("no database")
    write()
    assert run()
    assert hash_index.INDEX.read_bytes().startswith(b"SQLite"), "made anew"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< HEAD", "Expecting value"),
        ('{"files": []}', r"expected \{"),
        ('{"format": 1, "files": [{"path": "a"}]}', "expected path, size, hash, rows"),
        ('{"format": 1, "files": [%s, %s]}', "'a' is listed twice"),
        ('{"format": 2, "files": [%s]}', r"expected \{"),
        ('{"format": 1, "files": []}', "lists no file"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_manifest(project: Path, text: str, message: str) -> None:
    entry = f'{{"path": "a", "size": 1, "hash": "md5:{"0" * 32}", "rows": 1}}'
    Path(MANIFEST).write_text(text.replace("%s", entry))
    with pytest.raises(SourceError, match=rf"sales\.json: .*{message}.*`plumbline manifest sales"):
        run()


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "a\nb", "", 1, None])
def test_a_path_out_of_the_root(project: Path, path: Any) -> None:
    entry = {"path": path, "size": 1, "hash": f"md5:{'0' * 32}", "rows": 1}
    Path(MANIFEST).write_text(json.dumps({"format": 1, "files": [entry]}))
    with pytest.raises(SourceError, match=r"sales\.json: not a manifest \(expected a path"):
        run()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"manifest": "lake/sales.json"},
            r"data\.manifest: got 'lake/sales\.json', expected sourc",
        ),
        ({"manifest": f"{SOURCE}/sales.txt"}, r"data\.manifest: got .*expected .*or \.parquet"),
        (
            {"outcomes": {"path": "late", "manifest": MANIFEST}},
            r"data\.outcomes\.manifest: .* is that of data; expected one of its own",
        ),
        ({"path": "sources/sales"}, r"data\.manifest: .* lies in the folder that it lists"),
        ({"path": "lake/*.parquet"}, r"data\.path: got 'lake/\*\.parquet', expected the folder"),
        ({"sha256": "ab" * 32}, r"data\.sha256: the manifest has a hash of each file"),
        ({"manifest": None, "path": "s3://b/x"}, r"data\.path: 's3://b/x' is read by a manifest"),
        (
            {"source": "sql", "address": "sqlite:///sources/sales/a.db", "query": "select 1"},
            r"data\.manifest: goes with source csv or parquet, found sql",
        ),
    ],
)
def test_settings_that_do_not_go_together(
    project: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParamsError, match=message):
        list(manifest_survey.surveys("sales", Data(**{**SETTINGS, **settings}), SOURCE))


def test_a_folder_under_a_variable(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "path": "${PLUMBLINE_DATA_LAKE}/lake"}
    prepare(monkeypatch, project, settings)
    with pytest.raises(SourceError, match="no variable PLUMBLINE_DATA_LAKE"):
        write(settings)
    monkeypatch.setenv("PLUMBLINE_DATA_LAKE", str(tmp_path))
    write(settings)
    Path("lake/month=2025-01/1.snappy.parquet").unlink()
    with pytest.raises(SourceError, match=r"\$\{PLUMBLINE_DATA_LAKE\}/lake is not") as raised:
        run()
    assert str(tmp_path) not in str(raised.value)


def test_csv_and_a_manifest_in_parquet(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"source": "csv", "path": "csv", "manifest": f"{SOURCE}/m.parquet", "as_of": AS_OF}
    prepare(monkeypatch, project, settings)
    write_csv(Path("csv/a/one.csv"), *ROWS[:3])
    write_csv(Path("csv/b/two.csv"), *ROWS[3:])
    Path("csv/b/three.xlsx").touch()
    assert write(settings) == ["not listed"] * 2
    (survey,) = manifest_survey.surveys("sales", Data(**settings), SOURCE)
    assert [file.rows for file in survey.listed.values()] == [3, 1]
    assert "not read: b/three.xlsx" in survey.warnings[0]
    assert not survey.changes
    assert run() == expected(monkeypatch, tmp_path / "other")


def test_parts_travel_to_workers(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `engine: spark://...` sends them: to processes with another current folder, on another device."""
    write()
    source = sources.open_source(SALES, Data(**SETTINGS), 0, SOURCE, Path("scratch").absolute())
    parts = cloudpickle.loads(cloudpickle.dumps(source.parts))
    monkeypatch.chdir("/")
    facts = hash_index.facts
    monkeypatch.setattr(hash_index, "facts", lambda path: "1" + facts(path))
    with duckdb.connect() as connection:
        for part in parts:
            for relation in part.chunks(connection):
                assert connection.execute(f"SELECT count(*) FROM {relation}").fetchall() == [(1,)]


def test_outcomes_have_a_manifest_of_their_own(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = {"source": "csv", "path": "late", "manifest": f"{SOURCE}/late.json"}
    settings = {**SETTINGS, "outcomes": late}
    prepare(monkeypatch, project, settings)
    Path("late").mkdir()
    Path("late/a.csv").write_text("sale_id,returned,known_at\n1,1,2025-01-20 00:00:00\n")
    assert write(settings) == ["not listed"] * 5
    run()
    sheet = json.loads(Path("data.json").read_text())
    assert sheet["outcome_source"]["manifest"] == f"{SOURCE}/late.json"
    Path("late/a.csv").write_text("sale_id,returned,known_at\n1,0,2025-01-20 00:00:00\n")
    with pytest.raises(SourceError, match=r"sales\.data\.outcomes: .*late\.json: late is not what"):
        run()


def test_a_file_is_no_root(project: Path) -> None:
    with pytest.raises(SourceError, match=r"lake/_SUCCESS: a file; expected a folder"):
        write({**SETTINGS, "path": "lake/_SUCCESS"})


@pytest.mark.parametrize("name", ["_delta_log", ".hoodie"])
def test_a_table_format_is_no_folder_of_files(project: Path, name: str) -> None:
    Path("lake", name).mkdir()
    with pytest.raises(SourceError, match=r"lake: a \w+ table .* rows that the table no longer"):
        write()


def test_links_are_followed_and_read_once(project: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    shutil.move("lake/month=2025-01", tmp_path / "disk")
    Path("lake/first").symlink_to(tmp_path / "disk" / "month=2025-01")
    assert write() == ["not listed"] * 4
    Path("lake/again").symlink_to(tmp_path / "lake" / "first")
    with pytest.raises(SourceError, match="a link to a folder that is read already"):
        run()


@pytest.mark.parametrize("target", ["lake/month=2025-01/1.snappy.parquet", "elsewhere.parquet"])
def test_a_file_by_two_links_counts_once(project: Path, target: str) -> None:
    parquet(Path("elsewhere.parquet"), ROWS[0].replace("1", "5", 1))
    Path("lake/a.parquet").symlink_to(project / target)
    if target.startswith("lake"):
        with pytest.raises(SourceError, match=r"lake/a\.parquet: a link to a file that is read"):
            write()
        return
    assert write() == ["not listed"] * 5
    Path("lake/b.parquet").symlink_to(project / target)
    with pytest.raises(SourceError, match=r"lake/b\.parquet: a link to a file that is read"):
        run()


def test_a_pipe_is_no_file(project: Path) -> None:
    write()
    os.mkfifo("lake/queue.parquet")
    with pytest.raises(SourceError, match=r"unreadable: queue\.parquet \(expected a file with"):
        run()


def test_files_that_came_since_do_not_stop_a_reproduction(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    before = run()
    parquet(Path("lake/new.parquet"), ROWS[0].replace("1,", "9,", 1))
    monkeypatch.setenv(source_root.REPRODUCING, str(project))
    assert run() == before
    Path("lake/month=2025-01/1.snappy.parquet").unlink()
    with pytest.raises(SourceError, match="absent"):
        run()


# S3, on loopback


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[remotes.Remote]:
    with remotes.s3(tmp_path_factory.mktemp("s3")) as store:
        yield store


@pytest.fixture
def bucket(
    store: remotes.Remote,
    request: pytest.FixtureRequest,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Any, dict[str, Any]]:
    """The lake as objects below a prefix; the client, and the settings that read it."""
    for name, value in store.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.client.meta.endpoint_url)
    prefix = str(abs(hash(request.node.name)))
    for path in Path("lake").rglob("*.parquet"):
        put(store.client, f"{prefix}/{path.relative_to('lake')}", path)
    settings = {**SETTINGS, "path": f"s3://bucket/{prefix}"}
    prepare(monkeypatch, project, settings)
    return store.client, settings


def put(client: Any, key: str, path: Path) -> None:
    client.put_object(Bucket="bucket", Key=key, Body=path.read_bytes())


def key(settings: dict[str, Any], name: str = "month=2025-01/1.snappy.parquet") -> str:
    return f"{settings['path'].removeprefix('s3://bucket/')}/{name}"


@pytest.mark.capability("D19")
def test_s3_gives_the_same_bytes(
    bucket: tuple[Any, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, settings = bucket
    assert write(settings) == ["not listed"] * 4
    in_place = run()
    text = Path(MANIFEST).read_text()
    assert text.count('"etag:') == 4
    assert text.count('"rows": 1}') == 4
    assert in_place == expected(monkeypatch, tmp_path / "other")


def test_objects_travel_to_workers_that_share_a_folder(bucket: tuple[Any, dict[str, Any]]) -> None:
    _, settings = bucket
    write(settings)
    scratch = Path("scratch").absolute()
    scratch.mkdir()
    source = sources.open_source(SALES, Data(**settings), 0, SOURCE, scratch)
    parts = cloudpickle.loads(cloudpickle.dumps(source.parts))
    with duckdb.connect() as connection:
        opened = [part.chunks(connection) for part in parts]  # all at once
        relations = [next(chunks) for chunks in opened]
        rows = [connection.execute(f"SELECT sale_id FROM {r}").fetchall() for r in relations]
        assert sorted(rows) == [[(1,)], [(2,)], [(3,)], [(4,)]]
        for chunks in opened:
            chunks.close()
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("damage", ["replaced", "absent", "not listed", "truncated"])
def test_another_object_is_named(bucket: tuple[Any, dict[str, Any]], damage: str) -> None:
    client, settings = bucket
    write(settings)
    one = key(settings)
    if damage == "absent":
        client.delete_object(Bucket="bucket", Key=one)
    elif damage == "truncated":
        client.put_object(Bucket="bucket", Key=one, Body=b"PAR1")
    else:
        path = parquet(Path("new.parquet"), ROWS[1].replace("999", "998"))
        put(client, one if damage == "replaced" else key(settings, "new.parquet"), path)
    name = "new" if damage == "not listed" else r"month=2025-01/1\.snappy"
    with pytest.raises(SourceError, match=rf"s3://bucket/\d+ is not .*{damage}: {name}"):
        run()


def test_an_object_replaced_after_the_check(
    bucket: tuple[Any, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, settings = bucket
    write(settings)

    def late(*_: Any) -> None:
        put(client, key(settings), parquet(Path("n.parquet"), ROWS[1].replace("999", "998")))

    monkeypatch.setattr(opened_source, "announce", late)
    with pytest.raises(SourceError, match=r"1\.snappy\.parquet: found another one, or none"):
        run()


def test_a_version_that_the_bucket_keeps_is_read(
    bucket: tuple[Any, dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    client, settings = bucket
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    for path in Path("lake").rglob("*.parquet"):
        put(client, key(settings, str(path.relative_to("lake"))), path)
    write(settings)
    assert Path(MANIFEST).read_text().count('"version": ') == 4
    before = run()
    put(client, key(settings), parquet(Path("n.parquet"), ROWS[1].replace("999", "998")))
    client.delete_object(Bucket="bucket", Key=key(settings, "month=2025-01/0.snappy.parquet"))
    assert run() == before
    assert "newer than sources/sales/sales.json" in caplog.text
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Suspended"})


def test_a_manifest_of_a_folder_fits_the_same_files_in_s3(
    bucket: tuple[Any, dict[str, Any]],
) -> None:
    client, settings = bucket
    write(SETTINGS)
    assert '"md5:' in Path(MANIFEST).read_text()
    run()
    put(client, key(settings), parquet(Path("n.parquet"), ROWS[1].replace("999", "998")))
    with pytest.raises(SourceError, match=r"replaced: month=2025-01/1\.snappy"):
        run()


def test_s3_that_does_not_answer(
    bucket: tuple[Any, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, settings = bucket
    for path, message in (
        ("s3://no-such-bucket/x", "S3 answers NoSuchBucket"),
        ("s3://bucket/empty", r"no file ends with \.parquet"),
        ("s3:///x", "expected s3://BUCKET/PREFIX"),
    ):
        with pytest.raises(SourceError, match=message):
            write({**settings, "path": path})
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(SourceError, match="S3 cannot be reached"):
        write(settings)
