"""Feature stores on real servers: what they serve is what the embedded store and the files have."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.features import store
from plumbline.ops.online_store import commands, connection
from plumbline.ops.online_store import settings as stores
from tests import stores as small

SERVERS = ("production", "postgresql")


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """Both servers."""
    with small.environment() as environment:
        yield environment


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple]:
    """By tag: use case, day, snapshots."""
    folder = tmp_path_factory.mktemp("releases")
    return {tag: small.lay(folder, tag) for tag in small.RELEASES}


@pytest.fixture
def root(tmp_path: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root with the stores' settings."""
    small.copy_settings(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def served(root: Path, name: str, usecase) -> dict[str, list[float]]:
    """What a request gets from a store on servers."""
    with connection.opened(stores.load(root, name)) as feast:
        return store.read(feast, usecase, small.IDS)


def embedded(root: Path, release: tuple) -> dict[str, list[float]]:
    """What a request gets from the embedded store."""
    usecase, day, snapshots = release
    for file in (root / "feature_store").glob("*.db*"):
        file.unlink()
    store.apply(usecase, root / "feature_store", snapshots)
    store.materialize(usecase, day, root / "feature_store")
    return store.online(usecase, small.IDS, root / "feature_store")


def test_an_older_day_replaces_a_newer_one(root: Path, releases: dict[str, tuple]) -> None:
    expected = {tag: embedded(root, release) for tag, release in releases.items()}
    assert len({str(values) for values in expected.values()}) == 3
    for tag in ("v3", "v2", "v1"):
        usecase, day, snapshots = releases[tag]
        for name in SERVERS:
            proof = commands.materialize(root, name, usecase, snapshots, day)
            assert served(root, name, usecase) == expected[tag], (tag, name, proof)


@pytest.mark.parametrize("name", SERVERS)
def test_what_is_wrong_is_one_message_without_secrets(
    root: Path, releases: dict[str, tuple], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, old in (("REDIS", "wombat"), ("PGPASSWORD", "wallaby"), ("REGISTRY", "wallaby")):
        good = os.environ[variable]
        monkeypatch.setenv(variable, good.replace(old, "platypus"))
        if f"${{{variable}}}" in (root / f"feature_store/{name}/feature_store.yaml").read_text():
            with pytest.raises(PlumblineError, match="refuses the credentials") as error:
                commands.materialize(root, name, *args(releases["v1"]))
            assert not {"platypus", "wombat", "wallaby"} & set(re.findall(r"\w+", str(error.value)))
            assert "\n" not in str(error.value)
        monkeypatch.setenv(variable, good)


def args(release: tuple) -> tuple:
    """Use case, snapshots and day, as the commands take them."""
    usecase, day, snapshots = release
    return usecase, snapshots, day


def test_a_reader_may_check_and_not_write(
    root: Path, releases: dict[str, tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    with client(root) as redis:
        redis.execute_command("ACL", "SETUSER", "reader", "on", ">peek", "+@read", "+ping", "~*")
        commands.materialize(root, "production", *args(releases["v1"]))
        address = os.environ["REDIS"].split(",")[0]
        monkeypatch.setenv("REDIS", f"{address},username=reader,password=peek")
        views = commands.check(root, "production", *args(releases["v1"]))
        assert views == {"small_place": (4, 0), "small_who": (5, 0)}
        with pytest.raises(PlumblineError, match=r"refuses the credentials .*its rights"):
            commands.materialize(root, "production", *args(releases["v3"]))
        views = commands.check(root, "production", *args(releases["v3"]))
        assert views == {"small_place": (5, 5), "small_who": (6, 6)}


def test_another_project_named_alike_keeps_its_values(
    root: Path, releases: dict[str, tuple]
) -> None:
    """Feast's own clearing goes by how a key ends, and takes those of `myplumbline`, too."""
    file = root / "feature_store" / "production" / "feature_store.yaml"
    ours = file.read_text()
    file.write_text(ours.replace("project: plumbline", "project: myplumbline"))
    commands.materialize(root, "production", *args(releases["v3"]))
    file.write_text(ours)
    commands.materialize(root, "production", *args(releases["v3"]))
    commands.materialize(root, "production", *args(releases["v1"]))
    file.write_text(ours.replace("project: plumbline", "project: myplumbline"))
    assert not any(
        bad for _, bad in commands.check(root, "production", *args(releases["v3"])).values()
    )


def test_other_views_of_the_same_entities_stay(root: Path, releases: dict[str, tuple]) -> None:
    """Use cases with one join key share Redis's hashes."""
    other = replace(small.SMALL, name="other")
    _, day, snapshots = releases["v3"]
    commands.materialize(root, "production", other, snapshots, day)
    for tag in ("v3", "v1"):
        commands.materialize(root, "production", *args(releases[tag]))
    assert not any(
        bad for _, bad in commands.check(root, "production", other, snapshots, day).values()
    )


def client(root: Path):
    """Redis's own client."""
    with connection.opened(stores.load(root, "production")) as feast:
        from feast.infra.online_stores.redis import RedisOnlineStore

        return RedisOnlineStore()._get_client(feast.config.online_store)


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.capability("C10", "C20", "J8")
def test_a_view_that_another_use_case_keeps_is_filled_and_read_once(
    root: Path, releases: dict[str, tuple], name: str
) -> None:
    usecase, day, snapshots = releases["v3"]
    keeper = replace(usecase, name=f"keeper_{name}")
    entities = tuple(replace(e, kept_by=keeper.name) for e in keeper.entities)
    reader = replace(keeper, name=f"reader_{name}", entities=entities)
    for command in (commands.apply, commands.materialize):
        more = () if command is commands.apply else (day,)
        with pytest.raises(PlumblineError, match=rf"'{keeper.name}' keeps .* not registered it"):
            command(root, name, reader, snapshots, *more)
    commands.materialize(root, name, keeper, snapshots, day)
    commands.materialize(root, name, reader, snapshots, day)
    assert served(root, name, reader) == served(root, name, keeper)
    assert served(root, name, reader) == embedded(root, releases["v3"])
    with pytest.raises(PlumblineError, match="has other values there"):
        commands.materialize(root, name, reader, releases["v1"][2], day)
    commands.materialize(root, name, keeper, releases["v1"][2], releases["v1"][1])
    assert served(root, name, reader) == embedded(root, releases["v1"]), "as its keeper fills them"
