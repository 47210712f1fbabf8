"""params.yaml: frozen, typed, and every mistake one line that names file, key and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from plumbline import config
from plumbline.core.errors import ParamsError
from tests.conftest import ROOT


def write(tmp_path: Path, change: dict[str, Any]) -> Path:
    whole = yaml.safe_load((ROOT / "params.yaml").read_text())
    for dotted, value in change.items():
        *path, last = dotted.split(".")
        place = whole
        for part in path:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(whole))
    return tmp_path / "params.yaml"


@pytest.mark.capability("A8")
@pytest.mark.mltest("Model 1")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"card_fraud.train.rounds": "many"},
            r"card_fraud.train.rounds: got 'many', expected a valid integer",
        ),
        (
            {"card_fraud.train.rounds": 0},
            r"card_fraud.train.rounds: got 0, expected greater than or equal to 1",
        ),
        (
            {"card_fraud.train.runds": 3},
            r"card_fraud.train.runds: unknown key; did you mean 'rounds'",
        ),
        ({"card_fraud.trian": {}}, r"card_fraud.trian: unknown key; did you mean 'train'"),
        (
            {"card_fraud.data.source": "excel"},
            r"card_fraud.data.source: got 'excel', expected 'simulate', 'csv'",
        ),
        (
            {"card_fraud.data.as_of": "July"},
            r"card_fraud.data.as_of: got 'July', expected a valid date",
        ),
        (
            {"card_fraud.validate.max_quarantine": 2},
            r"max_quarantine: got 2, expected less than or equal to 1",
        ),
        ({"card_fraud.tune": None}, r"card_fraud.tune: missing; add it"),
        (
            {"card_fraud.train.costs.false_positive": [5]},
            r"train.costs.false_positive: got \[5\], expected a number, a column's name, or",
        ),
        (
            {"card_fraud.train.costs.false_positve": 5},
            r"costs.false_positve: unknown key; did you mean 'false_positive'",
        ),
        ({"card_fraud.train.costs.unit": None}, r"train.costs.unit: missing; add it"),
        (
            {"card_fraud.monitor.false_page_days": 200},
            r"monitor.false_page_days: unknown key; did you mean 'false_alert_days'",
        ),
        (
            {"card_fraud.monitor.quality": {"watch": 0.05, "page": 0.1}},
            r"monitor.quality.watch: unknown key; choose one of: alert, warning",
        ),
        ({"card_fraud.monitor.fault": 0.01}, r"unknown key; did you mean 'fault_share'"),
        ({"seed": "x"}, r"params.yaml, seed: got 'x', expected a valid integer"),
        (
            {"alerts": {"level": "all"}},
            r"params.yaml, alerts.level: got 'all', expected 'warning' or",
        ),
        (
            {"alerts": {"emial": {}}},
            r"params.yaml, alerts.emial: unknown key; did you mean 'email'",
        ),
        (
            {"alerts": {"silence": [{"until": "2026-01-01", "colum": "x"}]}},
            r"alerts.silence.0.colum: unknown key; did you mean 'column'",
        ),
        (
            {"alerts": {"email": {"to": ["a\nb@c"], "from": "a@b", "host": "h"}}},
            r"alerts.email.to.0: got 'a\\nb@c', expected one plain e-mail address",
        ),
        (
            {"alerts": {"email": {"to": [], "from": "a@b", "host": "h"}}},
            r"alerts.email.to: got \[\], expected one address at least",
        ),
        (
            {"card_fraud.alerts": {"github": 1}},
            r"card_fraud.alerts.github: got 1, expected a valid bool",
        ),
        ({"card_fraud": 7}, r"card_fraud: got 7, expected one sub-section per stage"),
        ({"usecases": "card_fraud"}, r"expected a list under the key 'usecases'"),
    ],
)
def test_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        config.load("card_fraud", write(tmp_path, change))


@pytest.mark.parametrize(
    "alerts",
    [
        {"webhooks": [{"kind": "slack", "url": "https://hooks.example.com/hunter2"}]},
        {"webhooks": "https://hooks.example.com/hunter2"},
        {"webhooks": ["https://hooks.example.com/hunter2"]},
        {"email": {"to": ["a@b"], "from": "a@b", "host": "h", "password": "hunter2"}},
        {"email": "smtp://me:hunter2@h"},
    ],
)
def test_a_secret_among_the_alerts_is_refused_and_not_shown(tmp_path: Path, alerts: Any) -> None:
    with pytest.raises(ParamsError, match=r"params.yaml, alerts\.") as error:
        config.load("card_fraud", write(tmp_path, {"alerts": alerts}))
    assert "hunter2" not in str(error.value)


def test_a_use_case_s_own_alerts_stand_in_place_of_all_s(tmp_path: Path) -> None:
    path = write(tmp_path, {"alerts": {"github": True}, "flights.alerts": {"repeat_days": 3}})
    assert config.load("card_fraud", path).alerts.github
    assert config.load("flights", path).alerts == config.Alerts(repeat_days=3)
    bare = write(tmp_path, {"alerts": None})
    assert config.load("card_fraud", bare).alerts == config.Alerts()


@pytest.mark.capability("A8")
def test_a_use_case_s_own_settings_of_the_service_go_before_all_s(tmp_path: Path) -> None:
    path = write(tmp_path, {"serve": {"late_days": 3, "durable": True}})
    with_own = write(tmp_path, {"serve": {"late_days": 3}, "card_fraud.serve": {"explore": 0.1}})
    assert config.load("flights", path).serve.late_days == 3
    own = config.load("card_fraud", with_own).serve
    assert (own.explore, own.late_days, own.withhold) == (0.1, 3, ("block",))


def test_every_mistake_gets_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, {"seed": None, "card_fraud.train.runds": 1})
    with pytest.raises(ParamsError) as error:
        config.load("card_fraud", path)
    assert len(str(error.value).splitlines()) == 2


def test_unknown_use_case(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="no section 'card_frad'; did you mean 'card_fraud'"):
        config.load("card_frad", write(tmp_path, {}))


def test_not_yaml_and_not_there(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    with pytest.raises(ParamsError, match="no such file; run from the project's root"):
        config.load("card_fraud", path)
    path.write_text("a: [1")
    with pytest.raises(ParamsError, match="not valid YAML"):
        config.load("card_fraud", path)


def test_frozen() -> None:
    loaded = config.load("card_fraud", ROOT / "params.yaml")
    with pytest.raises(ValidationError, match="frozen"):
        loaded.seed = 8


def test_the_gate_is_optional_and_typed(tmp_path: Path) -> None:
    name = "card_fraud"
    assert config.load(name, write(tmp_path, {})).gate.override is None
    path = write(tmp_path, {f"{name}.gate": {"override": "agreed"}})
    assert config.load(name, path).gate.override == "agreed"
    path = write(tmp_path, {f"{name}.gate": {"override": " . "}})
    with pytest.raises(
        ParamsError, match=rf"{name}.gate.override: got ' . ', expected a reason in"
    ):
        config.load(name, path)
