"""Infra 3 and Data 5 on a whole run: from the source to answers that serving gives, and nobody in it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from plumbline.runtime import dvc_lock
from tests import warm as forks
from tests.project import Project, make
from tests.shared import built, copied, result

STAGES = ["data", "validate", "features", "tune", "train", "evaluate", "monitor"]
OFF = {"MLFLOW_TRACKING_URI": "off"}
ID = "customer_id"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """Small card_fraud, run once; what the run printed. A failure is the tests' own to tell."""
    project = Project(copied(tmp_path_factory, "pipeline", run_once), warm=True)
    return project, result(built(tmp_path_factory, "pipeline", run_once))


def run_once(folder: Path) -> str:
    """Run the graph in `folder`; what it printed."""
    project = make(folder, ["card_fraud"], warm=True)
    project.set({"card_fraud.features.join": "direct"})
    return project.run("dvc", "repro", env=OFF, ok=False)


def tables(project: Project) -> list[Path]:
    """Every Parquet file of a run that says of whom its rows are."""
    files = sorted(
        p for d in ("data", "reports", "models") for p in (project.path / d).rglob("*.parquet")
    )
    return [p for p in files if ID in duckdb.sql(f"SELECT * FROM '{p}' LIMIT 0").columns]


def rows(project: Project, who: int) -> dict[str, int]:
    """How many rows of a customer each of these files has."""
    return {
        str(p.relative_to(project.path)): duckdb.sql(
            f"SELECT count(*) FROM '{p}' WHERE {ID} = {who}"
        ).fetchall()[0][0]
        for p in tables(project)
    }


@pytest.mark.capability("G15")
@pytest.mark.mltest("Infra 3")
def test_every_stage_runs_and_writes_what_the_graph_says(ran: tuple[Project, str]) -> None:
    project, message = ran
    stages = [
        line.split("'")[1] for line in message.splitlines() if line.startswith("Running stage")
    ]
    assert stages == [f"{s}@card_fraud" for s in STAGES], message[-2000:]
    outs = list(dvc_lock.outs(dvc_lock.read(project.path)))
    assert len(outs) >= 20
    assert [o for o in outs if not (project.path / o).exists()] == []
    report = json.loads((project.path / "metrics/card_fraud/evaluate.json").read_text())
    assert report["differences"]["constant"]["value"] > 0, "it has learnt nothing"


@pytest.mark.mltest("Infra 3")
def test_what_the_run_made_serves(ran: tuple[Project, str]) -> None:
    message = ran[0].run("python", "-m", "plumbline", "golden-check", "card_fraud", ok=False)
    assert "200 golden requests answered" in message, message


@pytest.mark.mltest("Infra 5")
def test_a_single_answer_is_explained(ran: tuple[Project, str]) -> None:
    project, _ = ran
    table = project.path / "data/card_fraud/tables/test.parquet"
    ((key,),) = duckdb.sql(f"SELECT payment_id FROM '{table}' LIMIT 1 OFFSET 77").fetchall()
    words = ("python", "-m", "plumbline", "explain", str(key), "--json", "explained.json")
    message = project.run(*words, env=OFF, ok=False)
    assert "evaluate recorded the same score" in message, message
    report = json.loads((project.path / "explained.json").read_text())
    total = report["base"] + sum(c["contribution"] for c in report["contributions"])
    assert total == pytest.approx(report["total"], abs=1e-4)
    assert report["similar"]["nearest"]
    assert str(report["lineage"]["chain"]["prediction"]["key"]) == str(key)
    (project.path / "explained.json").unlink()


@pytest.mark.mltest("Data 5")
def test_nothing_personal_in_outputs_and_log(ran: tuple[Project, str]) -> None:
    project, message = ran
    (project.path / "reports" / "run.log").write_text(message)
    result = project.run("python", "-m", "plumbline", "scan-pii", ok=False)
    assert result.strip() == "nothing personal found"


@pytest.mark.mltest("Data 5")
def test_one_run_forgets_a_customer(ran: tuple[Project, str]) -> None:
    project = ran[0]
    valid = project.path / "data/card_fraud/valid/events-*.parquet"
    ((who,),) = duckdb.sql(f"SELECT mode({ID}) FROM '{valid}'").fetchall()
    before = rows(project, who)
    assert sum(before.values()) > 100
    assert {name.split("/")[2] for name in before} >= {"raw", "valid", "snapshots", "tables"}
    project.set({"card_fraud.data.forget": {ID: [who]}})
    message = project.run("dvc", "repro", env=OFF | forks.PLAIN, ok=False)
    assert sum(rows(project, who).values()) == 0, rows(project, who)
    report = json.loads((project.path / "metrics/card_fraud/data.json").read_text())
    assert report["rows_forgotten"] >= sum(n for f, n in before.items() if "/raw/" in f)
    assert sum(rows(project, who + 1).values()) > 0, "another was forgotten, too"
    assert f"{ID} = {who}" not in message
