"""The pages of a run's data: what is in the folder that a pull request stores, and the comment's link to it."""

from __future__ import annotations

# ruff: noqa: F811 (fixtures of another file)
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.ops import data_pages
from plumbline.ops.hosting import comments
from plumbline.ops.hosting.github import GitHub
from tests import github as stand_in
from tests import orders
from tests.code.test_comments import PAGE, SHA, host, hub  # noqa: F401 (fixtures)
from tests.conftest import ROOT

ENTRY = "  data@orders:\n    cmd: x\n    outs:\n    - path: data/orders/raw\n      md5: {}.dir\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Validated orders in the places that this repository's dvc.yaml names."""
    run = orders.start(tmp_path, monkeypatch, orders.ORDERS)
    days = "TIMESTAMP '2025-02-02' + to_minutes(700 * i::BIGINT)"
    orders.write_raw(run.raw, orders.good(ordered_at=days))
    run.go()
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    (tmp_path / "data/orders").mkdir(parents=True)
    (tmp_path / "metrics/orders").mkdir(parents=True)
    (tmp_path / "reports/orders").mkdir(parents=True)
    run.raw.rename(tmp_path / "data/orders/raw")
    (tmp_path / "metrics.json").rename(tmp_path / "metrics/orders/validate.json")
    (tmp_path / "metrics/orders/data.json").write_text('{"rows": 60}')
    (tmp_path / "docs").rename(tmp_path / "reports/orders/validate")
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\nstages:\n" + ENTRY.format("a" * 32))
    return tmp_path


@pytest.mark.capability("B9", "G12")
def test_the_folder_has_profile_docs_and_results_by_data_version(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data-pages", "reports/data-pages"]) == 0
    into = project / f"reports/data-pages/orders-{'a' * 10}"
    names = {str(p.relative_to(into)) for p in into.rglob("*") if p.is_file()}
    assert {"profile.html", "profile.json", "data.json", "validate.json"} < names
    assert {"data-docs/index.html", "data-docs/events.html"} <= names
    result = json.loads((into / "validate.json").read_text())
    assert result["rows"]["events"]["in"] == 60
    assert "Profile of orders" in (into / "profile.html").read_text()
    assert f"orders-{'a' * 10}: data-docs, data.json" in capsys.readouterr().out


@pytest.mark.capability("B9")
def test_another_version_of_the_data_is_another_folder(project: Path) -> None:
    list(data_pages.collect(Path("pages"), ["orders"]))
    (project / "dvc.lock").write_text("schema: '2.0'\nstages:\n" + ENTRY.format("b" * 32))
    list(data_pages.collect(Path("pages"), ["orders"]))
    assert [p.name for p in (project / "pages").iterdir()] == [f"orders-{'b' * 10}"]


def test_data_that_are_not_here_and_files_too_large_are_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_pages, "LARGEST", 10)
    lines = list(data_pages.collect(Path("pages"), ["orders"]))
    assert any("data.json is left out: larger than 10 bytes" in line for line in lines)
    shutil.rmtree(project / "data/orders/raw")
    lines = list(data_pages.collect(Path("pages"), ["orders"]))
    assert lines[0].startswith("orders: no data in the work tree")
    assert list((project / "pages").iterdir()) == []


def origin(page: str = PAGE) -> comments.RunOrigin:
    return comments.RunOrigin("me", "topic", SHA, "success", page)


@pytest.mark.capability("G12")
def test_the_comment_links_to_the_stored_pages(host: stand_in.GitHub, hub: GitHub) -> None:
    number = PAGE.rsplit("/", 1)[1]
    kept = {"id": 31, "name": "data-pages", "expired": False}
    host.settings[f"actions/runs/{number}/artifacts"] = {
        "total_count": 2,
        "artifacts": [{**kept, "id": 30, "name": "comparison"}, kept],
    }
    assert f"[Pages of the data]({PAGE}/artifacts/31)" in comments.data_pages(hub, origin())


@pytest.mark.parametrize(
    "answer",
    [
        404,
        {"artifacts": []},
        {"artifacts": [{"id": 1, "name": "data-pages", "expired": True}]},
        {"artifacts": [{"id": "x)<b>", "name": "data-pages", "expired": False}]},
        {"artifacts": "odd"},
        {},
    ],
)
def test_without_pages_there_is_no_link(host: stand_in.GitHub, hub: GitHub, answer: object) -> None:
    host.settings[f"actions/runs/{PAGE.rsplit('/', 1)[1]}/artifacts"] = answer
    assert comments.data_pages(hub, origin()) == ""
    assert comments.data_pages(hub, replace(origin(), page="https://x) <b>/actions/runs/7")) == ""
