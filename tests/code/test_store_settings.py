"""The settings of feature stores on servers: which variables, which stores, and no secret in a message."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import yaml

from plumbline.core.errors import PlumblineError
from plumbline.ops.online_store import connection
from plumbline.ops.online_store import settings as stores
from plumbline.ops.online_store.settings import Settings

REDIS = {
    "project": "plumbline",
    "provider": "local",
    "registry": {"registry_type": "sql", "path": "${REGISTRY}"},
    "online_store": {"type": "redis", "connection_string": "${REDIS}"},
    "offline_store": {"type": "duckdb"},
    "entity_key_serialization_version": 3,
}
POSTGRES = {
    "type": "postgres",
    "host": "h",
    "database": "d",
    "user": "u",
    "password": "${PGPASSWORD}",
}
SECRET = "a,b: #1 'x'$HOME"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a store on servers, and its variables."""
    for name in stores.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS", "127.0.0.1:1,password=hush")
    monkeypatch.setenv("REGISTRY", "postgresql+psycopg://u:h%75sh2@127.0.0.1:1/d")
    write(tmp_path, {})
    return tmp_path


def write(root: Path, changes: dict) -> None:
    """The store's file with these changes; a dictionary changes a section, None removes a key."""
    content = dict(REDIS)
    for key, value in changes.items():
        new = {**content.get(key, {}), **value} if isinstance(value, dict) else value
        content[key] = new
    folder = root / "feature_store" / "production"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(content))


def test_variables_are_values_and_no_syntax(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRET)
    write(root, {"online_store": POSTGRES})
    settings = stores.load(root, "production")
    assert settings.content["online_store"]["password"] == SECRET
    assert settings.kind == "postgres"


def test_secrets_are_never_shown(root: Path) -> None:
    settings = stores.load(root, "production")
    assert settings.redacted("hush, h%75sh2 and hush2 at u") == "***, *** and *** at u"
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"project": "${HOME}"}, r"\$\{HOME\} is not allowed; choose one of"),
        ({"project": "${REDI}"}, r"\$\{REDI\} is not allowed; did you mean 'REDIS'"),
        ({"online_store": POSTGRES}, "PGPASSWORD not set in the environment"),
        ({"online_store": {"type": "dynamodb"}}, "online_store.type is 'dynamodb', expected 'postgres' or"),
        ({"online_store": {"redis_type": "redis_cluster"}}, "redis_type is 'redis_cluster', expected 'redis'"),
        ({"online_store": {"key_ttl_seconds": 60}}, "key_ttl_seconds is 60, expected nothing"),
        ({"registry": {"registry_type": "file"}}, "registry_type is 'file', expected 'sql'"),
        ({"registry": {"enable_online_feature_view_versioning": True}}, "versioning is True, expected False"),
        ({"entity_key_serialization_version": 2}, "serialization_version is 2, expected 3"),
        ({"provider": None}, "provider is None, expected 'local'"),
    ],
)  # fmt: skip
def test_what_could_not_be_put_back_is_refused(root: Path, changes: dict, message: str) -> None:
    write(root, changes)
    with pytest.raises(PlumblineError, match=message):
        stores.load(root, "production")


@pytest.mark.parametrize("text", ["a: [", "", "[1]", "online_store: 3"])
def test_a_file_that_is_no_store(root: Path, text: str) -> None:
    (root / "feature_store" / "production" / "feature_store.yaml").write_text(text)
    with pytest.raises(PlumblineError, match=r"production/feature_store\.yaml: "):
        stores.load(root, "production")


def test_which_store(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(stores.CHOICE, raising=False)
    assert stores.chosen(None) is None
    assert stores.chosen("embedded") is None
    monkeypatch.setenv(stores.CHOICE, "production")
    assert stores.chosen(None) == "production"
    assert stores.chosen("embedded") is None
    with pytest.raises(PlumblineError, match="no feature store 'prod' in feature_store/; choose"):
        stores.load(root, "prod")
    with pytest.raises(PlumblineError, match="choose one of: embedded, production"):
        stores.load(root, "../../etc")


def test_nobody_answers(root: Path) -> None:
    with pytest.raises(PlumblineError, match=r"nothing answers at 127\.0\.0\.1:1 \(.*refused\)"):
        opened(stores.load(root, "production"))


def test_the_client_library_is_not_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "redis" else find(name)
    )
    with pytest.raises(PlumblineError, match="needs the package 'redis', which is not installed"):
        opened(stores.load(root, "production"))


@pytest.mark.parametrize("address", ["nowhere", "host:port:6379x", ":6379", "h:99999"])
def test_an_address_that_is_none(root: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("REDIS", f"{address},password=hush")
    with pytest.raises(
        PlumblineError, match=r"feature store 'production': (expected|nothing)"
    ) as error:
        opened(stores.load(root, "production"))
    assert "hush" not in str(error.value)


def opened(settings: Settings) -> None:
    """Open it, and close it again."""
    with connection.opened(settings):
        pass
