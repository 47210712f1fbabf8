"""The library as a wheel: what is in it, and that it works in an environment and a project of its own."""

from __future__ import annotations

import hashlib
import shutil
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from plumbline.cli.app import command_line
from plumbline.core import tables
from plumbline.model.version import VERSION
from tests import bundles, installed
from tests.conftest import ROOT
from tests.installed import call, tracked

EVERY_HELP = """
from plumbline.cli.app import command_line, main
assert [n for n in command_line().commands if main([n, "--help"]) != 0] == []
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once for these tests."""
    return installed.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def programs(wheel: Path) -> Path:
    """The programs of an environment with it."""
    return installed.programs(wheel)


@pytest.mark.capability("D17")
def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        described = Parser().parsestr(archive.read(metadata).decode())
    code = {name for name in names if ".dist-info/" not in name}
    assert code == tracked("plumbline")
    assert (described["Name"], described["Version"]) == ("plumbline", VERSION)
    assert any(line.startswith("dvc") for line in described.get_all("Requires-Dist"))
    assert not any(line.startswith("pytest") for line in described.get_all("Requires-Dist"))


def test_every_command_has_its_help(programs: Path, tmp_path: Path) -> None:
    message = call(programs / "plumbline", "--help", cwd=tmp_path)
    for title in ("Run", "Review", "History", "Studies", "Operations"):
        assert f"\n{title}:\n" in message
    assert call(programs / "plumbline", "--version", cwd=tmp_path) == f"plumbline {VERSION}\n"
    message = call(programs / "python", "-c", EVERY_HELP, cwd=tmp_path)
    commands = len(command_line().commands)
    assert message.count("Usage: plumbline ") == message.count("  Examples:\n") == commands


@pytest.mark.capability("D17")
@pytest.mark.situation(
    "the library installed from its wheel, a project of its own", expected="it works"
)
def test_it_works_in_a_project_of_its_own(programs: Path, tmp_path: Path) -> None:
    for folder in ("usecases", "profiles"):
        (tmp_path / folder).mkdir()
    (tmp_path / "params.yaml").write_text("usecases: [shop]\nseed: 7\n")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    assert "usecases/shop" in call(programs / "plumbline", "new", "shop", cwd=tmp_path)
    message = call(programs / "plumbline", "features", "list", "shop", cwd=tmp_path)
    assert "size_per_unit" in message
    module = call(programs / "python", "-m", "plumbline", "features", "list", "shop", cwd=tmp_path)
    assert module == message


def test_it_starts_a_project_where_no_clone_is_near(programs: Path, tmp_path: Path) -> None:
    rows = "".join(f"{n},{n * 7 % 97},{n * 31 % 89}\n" for n in range(99))
    (tmp_path / "orders.csv").write_text(f"id,size,answer\n{rows}")
    words = ("init", "shop", "--from", "orders.csv", "--label", "answer", "--key", "id")
    message = call(programs / "plumbline", *words, cwd=tmp_path)
    assert message.endswith("next: cd shop && git add -A && git commit -m 'Start' && make repro\n")
    shop = tmp_path / "shop"
    [kept] = (shop / "wheels").iterdir()
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    pins = (shop / "requirements-library.txt").read_text()
    assert pins == f"--find-links wheels\nplumbline=={VERSION} --hash=sha256:{digest}\n"
    paths = ("sources/orders", "data/orders/raw", "data/orders/served", "metrics/orders/data.json")
    call(programs / "python", "-m", "stages.data", "orders", *paths, cwd=shop)
    assert (shop / "metrics" / "orders" / "data.json").exists()


ALONE = """
import sys
sys.path[:0] = sys.argv[1:3]
from plumbline.__main__ import main
words = ["score", "../parcels.tar.gz", "../events.parquet", "--out", "answers.parquet"]
codes = [main(words), main(["bundle", "../parcels.tar.gz", "--json", "bundle.json"])]
import json
codes.append(main([*words, "--admit", json.load(open("bundle.json"))["sha256"]]))
print(codes)
"""


@pytest.mark.capability("F5", "C33")
def test_the_wheel_and_a_release_archive_score_raw_events(wheel: Path, tmp_path: Path) -> None:
    """Python with nothing but the wheel's files and the locked libraries: no project, no variable."""
    recorded = bundles.released(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "library")
    empty = tmp_path / "empty"
    empty.mkdir()
    places = (tmp_path / "library", sysconfig.get_path("purelib"))
    printed = call(sys.executable, "-I", "-c", ALONE, *places, cwd=empty)
    assert printed.endswith("[2, 0, 0]\n")
    assert tables.read(empty / "answers.parquet")["score"].tolist() == recorded
