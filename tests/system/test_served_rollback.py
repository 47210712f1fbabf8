"""Rollback over feature stores on real servers: three releases and back, and killed at every step."""

from __future__ import annotations

import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.features import store
from plumbline.ops.online_store import connection, server
from plumbline.ops.online_store import registry_definitions as definitions
from plumbline.ops.online_store import settings as stores
from plumbline.ops.rollback import feast, journal, restore, steps, transaction
from tests import project as projects
from tests import served, shared
from tests import stores as environments
from tests import warm as forks
from tests.project import Project

SERVERS = ("production", "postgresql")
Values = dict[str, list[float]]


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """Both servers."""
    with environments.environment() as environment:
        yield environment


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three releases, and for each its embedded store beside them."""
    return shared.built(tmp_path_factory, "served", build)


def build(folder: Path) -> dict[str, Values]:
    """Make them; by tag, what the embedded store serves, which is what the files have."""
    (folder / "project").mkdir()
    project = served.make(folder / "project")
    result = {}
    for tag, day in served.TAGS.items():
        project.run("git", "checkout", "-q", tag)
        target = folder / tag
        target.mkdir()
        shutil.copy(project.path / "feature_store" / "feature_store.yaml", target)
        served.fill(project.path, tag, target)
        usecase = served.load(project.path, tag)
        result[tag] = store.online(usecase, served.IDS, target)
        assert result[tag] == served.last_rows(project.path, usecase, day)
    project.run("git", "checkout", "-q", "main")
    return result


@pytest.fixture
def expected(made: Path) -> dict[str, Values]:
    """What each release serves."""
    result: dict[str, Values] = shared.result(made)
    return result


@pytest.fixture
def project(
    made: Path, variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """A copy at main, in which the commands run; the embedded store comes ready made."""
    path = Path(shutil.copytree(made / "project", tmp_path / "project", symlinks=True))
    environment = projects.environment(path) | variables | {"MLFLOW_TRACKING_URI": "off"}
    environment.pop(stores.CHOICE, None)
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.chdir(path)

    def rebuild(root: Path, repository: Path, usecases: Sequence[str]) -> None:
        (tag,) = [t for t in served.TAGS if project.run("git", "rev-parse", t) == head()]
        for file in repository.glob("*.db*"):
            file.unlink()
        for file in (made / tag).glob("*.db*"):
            shutil.copy(file, repository)

    def head() -> str:
        return project.run("git", "rev-parse", "HEAD")

    forks.lend(monkeypatch)
    project = Project(path, warm=True)
    monkeypatch.setattr(feast, "rebuild", rebuild)
    return project


def online(name: str, tag: str) -> Values:
    """What a request of a release gets."""
    path = Path(".")
    usecase = served.load(path, "v2" if tag == "v2" else "v3")
    with connection.opened(stores.load(path, name)) as opened:
        return store.read(opened, usecase, served.IDS)


def features(name: str) -> dict[str, list[str]]:
    """The registry's features by view."""
    with connection.opened(stores.load(Path("."), name)) as opened:
        views = definitions.read(opened, [served.NAME]).views
        return {view.name: sorted(field.name for field in view.features) for view in views}


def test_three_releases_and_back(
    project: Project, expected: dict[str, Values], capfd: pytest.CaptureFixture[str]
) -> None:
    assert len({str(values) for values in expected.values()}) == 3
    for name, way in zip(SERVERS, (("v3", "v1", "v2", "main"), ("v2", "v1", "main")), strict=True):
        for tag in way:
            assert main(["rollback", tag, "--store", name]) == 0, capfd.readouterr().err
            release = "v3" if tag == "main" else tag
            assert online(name, release) == expected[release], (name, tag)
            assert ("who_mean_9d" in features(name)["visits_who"]) == (release != "v2")


def test_with_processes_of_its_own(
    project: Project, made: Path, variables: dict[str, str], expected: dict[str, Values]
) -> None:
    """The target's own code fills the embedded store, as on a person's machine."""
    start("production", made)
    environment = {**variables, "MLFLOW_TRACKING_URI": "off", stores.CHOICE: "production"}
    output = project.run("python", "-m", "plumbline", "rollback", "v1", env=environment)
    assert "production: 10 entities changed, 8 of 8 compared" in output
    assert online("production", "v1") == expected["v1"]


def die(*_: Any, **__: Any) -> None:
    """As by kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def nth(number: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is the last thing of its process when it is called the n-th time."""
    calls = []

    def called(*words: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == number:
            die()
        return function(*words, **options)

    return called


def after(function: Callable[..., Any], then: Callable[..., Any]) -> Callable[..., Any]:
    """A function, and another one when it is done."""

    def called(*words: Any, **options: Any) -> Any:
        result = function(*words, **options)
        then()
        return result

    return called


def fail() -> None:
    """As a step whose work is done, and that then finds a fault."""
    raise PlumblineError("and then it broke")


def keeping(patch: pytest.MonkeyPatch, values: type) -> None:
    patch.setattr(values, "rows", nth(2, values.rows))


def kept(patch: pytest.MonkeyPatch, values: type) -> None:
    patch.setitem(steps.STEPS, "features", die)


def noted(patch: pytest.MonkeyPatch, values: type) -> None:
    patch.setattr(server, "_bring", die)


def half(patch: pytest.MonkeyPatch, values: type) -> None:
    patch.setattr(values, "replace", nth(2, values.replace))


def written(patch: pytest.MonkeyPatch, values: type) -> None:
    patch.setattr(definitions, "drop", die)


def done(patch: pytest.MonkeyPatch, values: type) -> None:
    patch.setitem(steps.STEPS, "features", after(steps.STEPS["features"], die))


def undoing(patch: pytest.MonkeyPatch, values: type) -> None:
    patch.setitem(steps.STEPS, "features", after(steps.STEPS["features"], fail))
    patch.setattr(values, "replace", nth(4, values.replace))


MOMENTS = (keeping, kept, noted, half, written, done, undoing)
CASES = [("production", m) for m in MOMENTS] + [("postgresql", m) for m in (half, written, undoing)]


def killed(name: str, moment: Callable[..., None], patch: pytest.MonkeyPatch) -> None:
    """A rollback to v1 that is killed at a moment, in a process of its own."""
    with warnings.catch_warnings(
        action="ignore"
    ):  # of a fork beside threads: nothing of them is used
        process = os.fork()
    if not process:
        moment(patch, server.KINDS[stores.load(Path("."), name).kind])
        main(["rollback", "v1", "--store", name])
        os._exit(9)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status), "it went on to its end"


def start(name: str, made: Path) -> None:
    """Bring a store to main's values."""
    state = server.embedded(Path("."), made / "v3", [served.NAME])
    with server.opened(stores.load(Path("."), name)) as opened:
        server.publish(opened, state, [served.NAME], None)


@pytest.mark.parametrize(("name", "moment"), CASES, ids=lambda v: getattr(v, "__name__", v))
def test_killed_it_is_undone(
    project: Project,
    made: Path,
    expected: dict[str, Values],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
    moment: Callable[..., None],
) -> None:
    start(name, made)
    before = features(name)
    with monkeypatch.context() as patch:
        killed(name, moment, patch)
    if moment in (written, done):
        assert online(name, "v3") == expected["v1"]
    with journal.alone(Path(".")):
        transaction.recover(Path("."), print)
    assert "everything is as it was at main" in capfd.readouterr().out
    assert (online(name, "v3"), features(name)) == (expected["v3"], before)
    assert restore.head(Path(".")).branch == "main"
    assert not Path(".plumbline/online_store").exists()
    assert journal.load(Path(".")) is None


def test_an_undo_without_its_server_is_not_called_one(
    project: Project,
    made: Path,
    expected: dict[str, Values],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    start("production", made)
    with monkeypatch.context() as patch:
        killed("production", written, patch)
    good = os.environ["REDIS"]
    for wrong in ("127.0.0.1:1,password=wombat", good.replace("wombat", "platypus")):
        monkeypatch.setenv("REDIS", wrong)
        assert main(["rollback", "v2", "--store", "production"]) == 2
        message = capfd.readouterr().err
        assert "the undo is incomplete: feature store 'production'" in message
        assert "--abandon" in message
        assert "wombat" not in message
    monkeypatch.setenv("REDIS", good)
    assert main(["rollback", "main", "--store", "production"]) == 0
    assert online("production", "v3") == expected["v3"]


def test_abandoned_it_says_what_the_store_holds(
    project: Project,
    made: Path,
    expected: dict[str, Values],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    start("production", made)
    with monkeypatch.context() as patch:
        killed("production", half, patch)
    capfd.readouterr()
    assert main(["rollback", "--abandon"]) == 0
    output = capfd.readouterr().out
    assert "view visits_place: 5 of 5 entities are not as before" in output
    assert "view visits_who: 0 of 5 entities are not as before" in output
    with monkeypatch.context() as patch:
        killed("production", kept, patch)
    monkeypatch.setenv("REDIS", "127.0.0.1:1")
    assert main(["rollback", "--abandon"]) == 0
    assert "feature store 'production' was not touched" in capfd.readouterr().out


def test_a_store_that_cannot_be_put_back_is_refused_first(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = restore.head(Path("."))
    monkeypatch.setenv(stores.CHOICE, "production")
    monkeypatch.setenv("REDIS", "127.0.0.1:1")
    assert main(["rollback", "v1"]) == 2
    assert "nothing answers at 127.0.0.1:1" in capfd.readouterr().err
    assert main(["rollback", "v1", "--store", "prod"]) == 2
    assert "no feature store 'prod'" in capfd.readouterr().err
    assert (restore.head(Path(".")), journal.load(Path("."))) == (before, None)


def test_what_was_kept_is_needed_for_an_undo(
    project: Project, made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    start("production", made)
    with monkeypatch.context() as patch:
        killed("production", half, patch)
    shutil.rmtree(".plumbline/online_store/state")
    assert main(["rollback", "main", "--store", "production"]) == 2
    assert "online_store/state is gone, which kept what it held" in capfd.readouterr().err


def test_a_use_case_that_the_commit_does_not_have_is_served_no_more(
    project: Project, made: Path, expected: dict[str, Values]
) -> None:
    project.run("git", "checkout", "-q", "-b", "without")
    for name in ("dvc.lock", "usecases/visits/model.py"):
        Path(name).unlink()
    Path("params.yaml").write_text("usecases: []\nseed: 1\n")
    project.commit("without")
    project.run("git", "checkout", "-q", "main")
    name = "production"
    start(name, made)
    assert main(["rollback", "without", "--store", name]) == 0
    assert features(name) == {}
    tables = definitions.tables(server.embedded(Path("."), made / "v3", [served.NAME]).definitions)
    with server.opened(stores.load(Path("."), name)) as opened:
        assert [row for table in tables for row in opened.values.rows(table)] == []
    assert main(["rollback", "main", "--store", name]) == 0
    assert online(name, "v3") == expected["v3"]
