"""Routes by command on a project of two releases, where no service runs; and a rollback that moves them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import usecases
from plumbline.__main__ import main
from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import transaction
from plumbline.ops.serving import first_routes, follow
from plumbline.repo import revisions
from plumbline.serve.http.control import Control
from plumbline.serve.routes import router as routers
from plumbline.serve.routes import routes_file
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.live import LiveRoutes
from plumbline.serve.routes.route_commands import RouteCommands
from tests import project as projects
from tests import releases
from tests import warm as forks
from tests.project import Project
from tests.releases import CASE

PLACE = Path(".plumbline/serve") / CASE


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two releases, model-v1 and model-v2; HEAD is main at the second."""
    return releases.shared(tmp_path_factory)


@pytest.fixture
def project(template: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it in which the commands run, and whose use case was served."""
    path = tmp_path / "project"
    shutil.copytree(template.path, path, symlinks=True)
    monkeypatch.setattr(os, "environ", projects.environment(path) | {"MLFLOW_TRACKING_URI": "off"})
    monkeypatch.chdir(path)
    own = [m for m in sys.modules if m.startswith(f"usecases.{CASE}")]
    for module in own:  # of another copy
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(usecases, "__path__", [str(path / "usecases")])
    first_routes.ensure(Path("."), usecase_loader.load_features(CASE))
    forks.lend(monkeypatch)
    return Project(path, warm=True)


def md5(rev: str) -> str:
    """The bundle's in a revision's dvc.lock."""
    (out,) = [o for o in revisions.outs(Path("."), rev) if o.path == f"models/{CASE}"]
    return out.md5


def shares() -> dict[str, int]:
    """By bundle, as the document has them."""
    known = routes_file.read(PLACE).routes
    assert known is not None
    return {a.bundle: a.weight for a in known.arms}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code of a command, and what it prints."""
    code = main(list(words))
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@contextmanager
def service() -> Iterator[LiveRoutes]:
    """The routes of a running service behind the control socket, in a thread."""
    started, ended = threading.Event(), threading.Event()
    holder: list[Any] = []

    async def serve() -> None:
        usecase = usecase_loader.load_features(CASE)
        router = routers.opened(PLACE, Arms(usecase, BundleStore(PLACE)))
        live = LiveRoutes(router, asyncio.get_running_loop().call_soon)
        control = Control(PLACE.parent / "control.sock")
        RouteCommands({CASE: live}).register(control.register)
        await control.open()
        holder.append(live)
        started.set()
        while not ended.is_set():
            await asyncio.sleep(0.02)
        await control.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    with routes_file.serving(PLACE):
        thread.start()
        assert started.wait(60)
        yield holder[0]
        ended.set()
        thread.join(60)


Capsys = pytest.CaptureFixture[str]


def test_the_first_start_routes_all_to_the_checkout_s_bundle(project: Project):
    assert shares() == {md5("HEAD"): 100}
    about = BundleStore(PLACE).about(md5("HEAD"))
    assert about.recorded_by == "the commit's evaluation"
    assert about.golden > 0
    assert not first_routes.ensure(Path("."), usecase_loader.load_features(CASE))


def test_a_commit_s_bundle_is_added_and_takes_over(project: Project, capsys: Capsys):
    old, new = md5("model-v1"), md5("HEAD")
    code, printed = run(capsys, "routes", CASE, "add", "model-v1")
    assert code == 0
    assert "no service runs: the document was changed" in printed
    assert run(capsys, "routes", CASE, "set", "challenger=5")[0] == 0
    assert shares() == {new: 95, old: 5}
    assert run(capsys, "routes", CASE, "set", "challenger=100")[0] == 0
    code, printed = run(capsys, "red-button", CASE)
    assert code == 0
    assert f"all entities are answered by {new}" in printed
    assert shares() == {new: 100}
    code, printed = run(capsys, "red-button", CASE)
    assert code == 2
    assert "nothing to return to" in printed
    what = [entry.what for entry in routes_file.history(PLACE)]
    assert what == [
        "first start", f"add live challenger {old}", "set challenger=5", "set challenger=100", "red-button"
    ]  # fmt: skip


def test_a_running_service_is_changed_and_the_red_button_needs_no_project(
    project: Project, capsys: Capsys
):
    old, new = md5("model-v1"), md5("HEAD")
    with service() as live:
        code, printed = run(capsys, "routes", CASE, "add", "model-v1", "b")
        assert (code, "no service runs" in printed) == (0, False)
        assert run(capsys, "routes", CASE, "set", "b=100")[0] == 0
        assert live.router.current.alone.bundle == old
        for gone in (".git", ".dvc", "models", "usecases", "dvc.lock", "dvc.yaml", "params.yaml"):
            path = Path(gone)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(PLACE / "bundles")
        code, printed = run(capsys, "red-button", CASE)
        assert (code, live.router.current.alone.bundle) == (0, new)
        assert shares() == {new: 100}


BAD = (
    (("routes", CASE, "set", "b=5"), "no arm 'b'; choose one of: champion"),
    (("routes", CASE, "set", "champion=many"), "expected a whole percentage"),
    (("routes", CASE, "set"), "see `plumbline routes --help`"),
    (("routes", CASE, "add", "no-such-rev"), "'no-such-rev': no such revision"),
    (("routes", CASE, "remove", "champion"), "answers 100 % of the entities; set it to 0 first"),
    (("routes", "nobody"), "no routes of nobody yet"),
    (("canary", CASE, "model-v1"), f"no service of {CASE} runs here"),
    (("canary", CASE, "model-v1", "--step", "soon"), "expected a time like 30s"),
    (("canary", CASE, "model-v1", "--steps", "1,x"), "expected percentages like"),
)


def test_bad_input_is_one_message_and_changes_nothing(project: Project, capsys: Capsys):
    for words, message in BAD:
        code, printed = run(capsys, *words)
        assert (code, printed.count("\n")) == (2, 1)
        assert message in printed
    assert shares() == {md5("HEAD"): 100}


def test_a_canary_by_command(project: Project, capsys: Capsys, tmp_path: Path):
    with service() as live:
        code, printed = run(capsys, "canary", CASE, "model-v1", "--detach", "--limit", "silence=9")
        assert code == 0
        assert "running at 1 %" in printed
        assert live.watch.state.plan.silence == 9
        out = tmp_path / "canary.json"
        assert run(capsys, "canary", CASE, "--json", str(out))[0] == 0
        assert json.loads(out.read_text())["canary"]["challenger"] == md5("model-v1")
        code, printed = run(capsys, "canary", CASE, "model-v1", "--detach")
        assert code == 2
        assert "a canary is under way" in printed
        code, printed = run(capsys, "canary", CASE, "--stop")
        assert code == 0
        assert live.router.current.alone.bundle == md5("HEAD")
        code, printed = run(capsys, "canary", CASE, "model-v1", "--limit", "speed=9")
        assert code == 2
        assert "canary, speed: unknown key" in printed


@pytest.mark.capability("J5")
def test_a_rollback_moves_services_and_says_which_refuses(
    project: Project, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
):
    old, new = md5("model-v1"), md5("HEAD")
    lines = list(transaction.lines(Path("."), "model-v1"))
    assert f"serving: {CASE}, which was served here, switched to the commit's bundle" in lines
    code, printed = run(capsys, "rollback", "model-v1")
    assert code == 0
    assert f"no service runs, the document is switched to bundle {old}" in printed
    assert shares() == {old: 100}
    with service() as live:
        with monkeypatch.context() as patch:
            patch.setattr(Arms, "admit", refuse)
            live.router.current.loaded.pop(new)
            code, printed = run(capsys, "rollback", "main")
        assert code == 1
        assert f"serving: {CASE} is NOT moved: bundle {new}: planted" in printed
        assert live.router.current.alone.bundle == old
        moved: list[str] = []
        assert follow.follow(Path("."), moved.append) == []
        assert moved == [f"serving: {CASE}: the running service is switched to bundle {new}"]
        assert live.router.current.alone.bundle == new
        assert live.router.routes.champions[1] == old


def refuse(_: Any, md5: str) -> Any:
    raise PlumblineError(f"bundle {md5}: planted")
