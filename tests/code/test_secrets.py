"""What params.yaml may name of the environment, and what it may not hold itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline import config
from plumbline.core.errors import ParamsError, PlumblineError
from plumbline.data import secrets
from plumbline.data.environment import expand

pytestmark = pytest.mark.no_cover  # counting the lines takes longer than they do

FOREIGN = (
    *("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MLFLOW_TRACKING_PASSWORD", "SMTP_PASSWORD"),
    *("PGPASSWORD", "HOME", "data_shop", "PLUMBLINE_STATE", "X_PLUMBLINE_DATA_SHOP"),
    "plumbline_data_shop",
)


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("key", ["data.url", "data.address"])
def test_variables_of_others_are_out_of_reach(
    name: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "hush")
    with pytest.raises(PlumblineError, match=rf"{key}: .*{name}.*PLUMBLINE_DATA_") as refusal:
        expand(f"https://x.example/?a=${{PLUMBLINE_DATA_A}}&b=${{{name}}}", key)
    assert "hush" not in str(refusal.value)


def test_variables_for_data_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_DATA_SHOP", "a${HOME}b")
    assert expand("https://x/?k=${PLUMBLINE_DATA_SHOP}", "data.url") == "https://x/?k=a${HOME}b"
    with pytest.raises(PlumblineError, match="no variable PLUMBLINE_DATA_SHIP"):
        expand("${PLUMBLINE_DATA_SHIP}", "data.url")


HUSH = "hush-hush-4711"
WEB, DATABASE = "https://x.example/a.csv", "postgresql+psycopg://h.example/shop"
LITERAL: dict[str, dict[str, Any]] = {
    "password in a url": {"url": f"https://me:{HUSH}@x.example/a.csv"},
    "password with signs": {"url": f"https://me:a@{HUSH}@x.example/a.csv"},
    "half a variable": {"url": f"https://me:${{PLUMBLINE_DATA_A}}{HUSH}@x.example/a.csv"},
    "token as user": {"url": f"https://{HUSH}-0815@x.example/a.csv"},
    "token": {"url": f"{WEB}?page=1&token={HUSH}"},
    "key": {"url": f"{WEB}?key={HUSH}"},
    "encoded": {"url": f"{WEB}?access%5Ftoken%3D{HUSH}"},
    "signature of S3": {"url": f"{WEB}?X-Amz-Signature={HUSH}"},
    "signature of Azure": {"url": f"{WEB}?sv=1&sig={HUSH}"},
    "fragment": {"url": f"{WEB}#apikey={HUSH}"},
    "password of a database": {"address": f"postgresql://me:{HUSH}@h.example/shop"},
    "slash in it": {"address": f"postgresql://me:a/{HUSH}@h.example/shop"},
    "without a user": {"address": f"redshift://:{HUSH}@h.example/shop"},
    "in the query": {"address": f"{DATABASE}?user=me&password={HUSH}"},
    "ODBC": {"address": f"mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BUID%3Dme%3BPWD%3D{HUSH}"},
    "keywords": {"address": f"host=h.example user=me password={HUSH}"},
    "keywords, quoted": {"address": f"host=h.example password = '{HUSH}'"},
    "SQL": {"query": f"SELECT * FROM dblink('host=h password={HUSH}', 'SELECT 1')"},
    "SQL, quoted": {"query": f"CREATE SECRET (TYPE s3, SECRET '{HUSH}')"},
    "header": {"headers": {"Authorization": f"Token {HUSH}"}},
    "header as a list": {"headers": [f"X-Api-Key: {HUSH}"]},
    "key of its own": {"password": HUSH},
    "number": {"password": 4711},
    "simulator": {"simulate": {"shop": {"api_token": HUSH}}},
    "form": {"path": "sources/ghp_abcdefghijklmnopqrstuvwxyz0123456789.csv"},
}


def params(folder: Path, data: dict[str, Any]) -> Path:
    """This project's params with another `data` section for flights, which `usecases` does not list."""
    whole = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    whole["flights"]["data"] = {"source": "url", "as_of": "2025-01-01", **data}
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return file


@pytest.mark.parametrize("data", LITERAL.values(), ids=LITERAL)
@pytest.mark.parametrize("usecase", ["flights", "card_fraud"])
def test_a_literal_secret_is_refused_by_its_key(
    data: dict[str, Any], usecase: str, tmp_path: Path
) -> None:
    [key] = data
    with pytest.raises(ParamsError, match=rf"flights\.data\.{key}.*holds a password") as refusal:
        config.load(usecase, params(tmp_path, data))
    assert HUSH not in str(refusal.value)
    assert "4711" not in str(refusal.value)
    assert "ghp_" not in str(refusal.value)


@pytest.mark.parametrize(
    "data",
    [
        {"url": "https://me:${PLUMBLINE_DATA_A}@x.example/a.csv?token=${PLUMBLINE_DATA_B}&page=2"},
        {"url": "https://x.example:8080/a@b.csv?keyword=shoes&keys=2&design=x"},
        {"url": "https://me@x.example/tokens/secret-sales.csv"},
        {"address": "postgresql://shop:${PLUMBLINE_DATA_A}${PLUMBLINE_DATA_B}@h.example:5432/shop"},
        {"address": "postgresql+psycopg://a.long.name.of.a.user@h.example/shop?sslmode=require"},
        {"address": "mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3D${PLUMBLINE_DATA_A}"},
        {"address": "x://h?sslkey=/etc/key.pem&authenticator=externalbrowser"},
        {"query": "SELECT token, key FROM sales WHERE key = 'a' AND token = 'b'"},
        {"path": "sources/key=1/token=2/*.parquet"},
        {"forget": {"token": ["a", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"]}},
    ],
)
def test_what_is_no_secret_passes(data: dict[str, Any], tmp_path: Path) -> None:
    assert config.load("flights", params(tmp_path, data)).data.as_of


def test_a_variable_of_others_is_refused_with_the_params(tmp_path: Path) -> None:
    file = params(tmp_path, {"url": "https://x.example/?a=${AWS_SECRET_ACCESS_KEY}"})
    with pytest.raises(PlumblineError, match=r"flights\.data\.url: variable AWS_SECRET_ACCESS_KEY"):
        config.load("card_fraud", file)


def test_a_table_of_outcomes_is_looked_at_as_the_events_are() -> None:
    fine = {"path": "sources/shop/key=1/*.csv", "query": "SELECT * FROM o WHERE key = 5"}
    secrets.refuse({"outcomes": fine, "seed": {"outcomes": fine}}, "shop.data")
    for address, words in (
        ("postgresql://me:hunter2secret@host/db", "holds a password"),
        ("postgresql://me:${AWS_SECRET}@host/db", "AWS_SECRET is not allowed"),
    ):
        with pytest.raises(PlumblineError, match=words):
            secrets.refuse({"outcomes": {"address": address}}, "shop.data")
