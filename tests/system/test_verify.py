"""What `verify` finds and repairs, on a small project under real DVC with real faults."""

from __future__ import annotations

import functools
import gc
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.repo.object_stores import settings
from plumbline.repo.remotes import CloudStore
from tests import toy
from tests import warm as forks
from tests.toy import PARTS, Toy, flip, md5, truncate

OUTS = {
    "out/toy/parts/a.txt": "make@toy",
    "out/toy/whole.bin": "make@toy",
    "out/toy/model.json": "sum@toy",
    "source/toy.txt": "source/toy.txt.dvc",
}
PLACES = ["workspace", "cache", "remote storage"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The toy, run and pushed once for all tests here."""
    return toy.shared(tmp_path_factory)


@pytest.fixture
def project(template: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy of it, and the test's own folder in it."""
    copy = toy.copy(template, tmp_path)
    monkeypatch.chdir(copy.path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    forks.lend(monkeypatch)
    os.environ["DVC_SITE_CACHE_DIR"] = str(tmp_path)  # pytest's folders are closed to others
    return copy


Verify = Callable[..., tuple[int, list[dict]]]


@pytest.fixture
def verify(project: Toy, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Run the command: its exit code and findings."""

    def run(*words: str) -> tuple[int, list[dict]]:
        code = main(["verify", "--json", *words])
        return code, json.loads(capsys.readouterr().out)["findings"]

    return run


def test_a_sound_project_is_good(verify: Verify) -> None:
    assert verify() == (0, [])
    assert verify("v1") == (0, [])
    assert verify("HEAD", "--all-tags") == (0, [])


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("path", OUTS)
@pytest.mark.parametrize("fault", [flip, truncate, Path.unlink])
def test_a_fault_is_named(
    project: Toy, verify: Verify, where: str, path: str, fault: Callable[[Path], None]
) -> None:
    damaged, expected = project.place(where, path), project.oids[path]
    fault(damaged)
    result = md5(damaged)
    code, [finding] = verify()
    assert code == 1
    assert finding["kind"] == ("bad" if result else "missing")
    assert (finding["where"], finding["stage"], finding["path"]) == (where, OUTS[path], path)
    assert (finding["expected"], finding["found"]) == (expected, result)
    assert Path(finding["location"]).resolve() == damaged.resolve()


@pytest.mark.parametrize("where", PLACES)
def test_swapped_objects_are_both_named(project: Toy, verify: Verify, where: str) -> None:
    first, second = (project.place(where, f"out/toy/{n}") for n in ("whole.bin", "model.json"))
    content = first.read_bytes()
    for path, data in ((first, second.read_bytes()), (second, content)):
        path.chmod(0o644)
        path.write_bytes(data)
    code, findings = verify()
    assert code == 1
    assert {f["path"] for f in findings} == {"out/toy/whole.bin", "out/toy/model.json"}
    assert findings[0]["expected"] == findings[1]["found"]


def test_what_dvc_believes_is_not_believed(project: Toy, verify: Verify) -> None:
    project.run("dvc", "status")  # DVC's state now knows this copy's files, by inode and time
    for where in ("workspace", "cache"):
        flip(project.place(where, "out/toy/model.json"))
    assert "up to date" in project.run("dvc", "status")
    code, findings = verify()
    assert (code, [f["where"] for f in findings]) == (1, ["cache", "workspace"])


@pytest.mark.parametrize("fault", [flip, Path.unlink])
def test_a_lost_manifest_is_named_and_its_files_still_checked(
    project: Toy, verify: Verify, fault: Callable[[Path], None]
) -> None:
    for where in ("cache", "remote storage"):
        fault(project.place(where, PARTS))
    code, findings = verify()
    assert (code, len(findings)) == (1, 2)
    assert {f["path"] for f in findings} == {PARTS}
    flip(project.path / "out/toy/parts/b.txt")
    _, findings = verify()
    assert ("bad", "workspace", PARTS) in {(f["kind"], f["where"], f["path"]) for f in findings}


def test_a_forged_manifest_is_named(project: Toy, verify: Verify) -> None:
    """The md5 is right, the lock names it, and it would write outside of its folder."""
    forged = b'[{"md5": "%s", "relpath": "../../x"}]' % (b"0" * 32)
    name = hashlib.md5(forged).hexdigest() + ".dir"
    lock = project.path / "dvc.lock"
    lock.write_text(lock.read_text().replace(project.oids[PARTS], name))
    for where in ("cache", "remote storage"):
        target = Toy(project.path, {PARTS: name}).place(where, PARTS)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(forged)
    code, findings = verify()
    assert code == 1
    assert "leaves its folder" in next(f["found"] for f in findings if f["where"] == "manifest")


def test_a_file_that_no_run_wrote_is_named(project: Toy, verify: Verify) -> None:
    (project.path / "out/toy/parts/stray.txt").write_text("x")
    (project.path / "out/toy/parts/.x.part").write_text("DVC ignores this one")
    code, [finding] = verify("--repair")
    assert (code, finding["kind"]) == (1, "extra")
    assert finding["path"] == "out/toy/parts/stray.txt"
    assert (project.path / "out/toy/parts/stray.txt").exists()


def test_a_metric_is_checked_where_git_keeps_it(project: Toy, verify: Verify) -> None:
    metric = project.path / "metrics/toy.json"
    good = metric.read_text()
    metric.write_text('{"files": 5}')
    code, [finding] = verify("--repair")
    assert (code, finding["where"], finding["path"]) == (1, "workspace", "metrics/toy.json")
    assert verify("HEAD") == (0, [])
    project.commit("a forged metric")
    metric.write_text(good)
    code, [finding] = verify("HEAD")
    assert (code, finding["where"], finding["kind"]) == (1, "git", "bad")
    project.run("git", "rm", "-q", "--cached", "metrics/toy.json")
    project.run("git", "commit", "-q", "-m", "no metric")
    _, [finding] = verify("HEAD")
    assert (finding["where"], finding["kind"]) == ("git", "missing")


def test_a_folder_that_git_keeps(project: Toy, verify: Verify) -> None:
    """`cache: false` on a folder: there is no manifest, so the folder is one finding."""
    notes = {"a.md": "one", "b/c.md": "two"}
    for name, text in notes.items():
        (project.path / "notes" / name).parent.mkdir(parents=True, exist_ok=True)
        (project.path / "notes" / name).write_text(text)
    listing = [
        {"md5": hashlib.md5(text.encode()).hexdigest(), "relpath": name}
        for name, text in notes.items()
    ]
    name = hashlib.md5(json.dumps(listing).encode()).hexdigest() + ".dir"
    with (project.path / "dvc.yaml").open("a") as file:
        file.write("      - notes: {cache: false}\n")
    with (project.path / "dvc.lock").open("a") as file:
        file.write(f"    - path: notes\n      hash: md5\n      md5: {name}\n")
    project.commit("notes")
    assert verify() == verify("HEAD") == (0, [])
    (project.path / "notes" / "d.md").write_text("three")
    assert verify("HEAD") == (0, [])
    code, [finding] = verify("--repair")
    assert (code, finding["kind"], finding["where"]) == (1, "bad", "workspace")
    project.commit("another")
    _, [finding] = verify("HEAD")
    assert (finding["kind"], finding["where"], finding["expected"]) == ("bad", "git", name)
    shutil.rmtree(project.path / "notes")
    _, [finding] = verify()
    assert (finding["kind"], finding["path"]) == ("missing", "notes")


def test_every_tag_is_checked(project: Toy, verify: Verify) -> None:
    (project.path / "source/toy.txt").write_text("one two three four")
    project.repro()
    project.run("dvc", "push", "-q")
    project.commit("new data")
    gone = project.place("cache", "out/toy/model.json")
    gone.unlink()
    assert verify() == (0, [])
    code, [finding] = verify("--all-tags")
    assert (code, finding["revision"], finding["path"]) == (1, "v1", "out/toy/model.json")
    assert verify("v1")[0] == 1
    assert verify("v1", "--repair") == (0, [])
    assert gone.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("fault", [flip, truncate, Path.unlink])
def test_repair_from_a_good_remote(
    project: Toy, verify: Verify, fault: Callable[[Path], None]
) -> None:
    for path in OUTS:
        for where in ("workspace", "cache"):
            fault(project.place(where, path))
    fault(project.place("cache", PARTS))
    assert verify()[0] == 1
    assert verify("--repair") == (0, [])
    assert "up to date" in project.run("dvc", "status")
    assert project.run("git", "status", "--porcelain") == ""
    objects = [p for p in (project.path / ".dvc/cache/files").rglob("*") if p.is_file()]
    assert {p.stat().st_mode & 0o777 for p in objects} == {0o444}


def test_repair_of_all_that_is_gone(project: Toy, verify: Verify) -> None:
    mask = os.umask(0o027)
    try:
        shutil.rmtree(project.path / ".dvc/cache")
        shutil.rmtree(project.path / "out")
        assert verify("--repair") == (0, [])
        modes = {p.stat().st_mode & 0o777 for p in project.path.glob("out/toy/parts/*.txt")}
        assert modes == {0o640}
    finally:
        assert os.umask(mask) == 0o027


def test_no_repair_from_a_bad_remote(project: Toy, verify: Verify) -> None:
    remote = project.place("remote storage", "out/toy/model.json")
    cached = project.place("cache", "out/toy/model.json")
    file = project.path / "out/toy/model.json"
    for path in (remote, cached, file):
        flip(path)
    before = [p.read_bytes() for p in (remote, cached, file)]
    code, findings = verify("--repair")
    assert (code, len(findings)) == (1, 3)
    assert [p.read_bytes() for p in (remote, cached, file)] == before
    assert not list(project.path.rglob("*.part"))


def test_a_good_file_of_the_work_tree_repairs_the_cache(project: Toy, verify: Verify) -> None:
    shutil.rmtree(project.path.parent / "remote")
    flip(project.place("cache", "out/toy/model.json"))
    project.place("cache", PARTS).unlink()
    assert verify("--repair", "--in", "workspace", "--in", "cache") == (0, [])


def test_what_repair_leaves_to_a_person(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    model = project.path / "out/toy/model.json"
    model.unlink()
    model.mkdir()
    (model / "mine").touch()
    for where in ("cache", "remote storage"):
        project.place(where, PARTS).unlink()
    (project.path / PARTS / "a.txt").unlink()
    flip(project.place("remote storage", "out/toy/whole.bin"))
    assert main(["verify", "--repair"]) == 1
    shown = capsys.readouterr().out
    for output in ("unreadable", "a folder stands", "its manifest is lost", "then `dvc push`"):
        assert output in shown
    assert (model / "mine").exists()


def test_edited_data_are_put_aside_when_restored(project: Toy, verify: Verify) -> None:
    (project.path / "source/toy.txt").write_text("hours of work")
    assert verify("--repair") == (0, [])
    assert (project.path / ".dvc/tmp/replaced/source/toy.txt").read_text() == "hours of work"


def test_repair_does_not_follow_a_link_out_of_the_project(
    project: Toy, verify: Verify, tmp_path: Path
) -> None:
    shutil.move(project.path / PARTS, tmp_path / "elsewhere")
    (project.path / PARTS).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "a.txt").unlink()
    assert verify("--repair")[0] == 1
    assert not (tmp_path / "elsewhere" / "a.txt").exists()


def test_the_text_names_place_stage_path_and_both_md5s(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project.path / "out/toy/model.json"
    expected = project.oids["out/toy/model.json"]
    flip(path)
    assert main(["verify"]) == 1
    line, relative, trusting, total = capsys.readouterr().out.splitlines()
    assert relative.startswith("note: remote storage: its path is relative")
    assert trusting.startswith("note: remote storage: `verify` is off")
    words = f"workspace: sum@toy: out/toy/model.json, expected {expected}, found {md5(path)}"
    assert words in line
    assert total == "1 bad; checked: manifest 1, cache 8, remote storage 8, workspace 8"
    assert main(["verify", "--repair"]) == 0
    assert capsys.readouterr().out.startswith("repaired   workspace: out/toy/model.json")


def test_push_proves_what_the_remote_then_has(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.path / "source/toy.txt").write_text("one two three four")
    project.repro()
    assert main(["push"]) == 0
    assert "0 not as recorded; 8 objects on the remote" in capsys.readouterr().out
    flip(project.place("remote storage", "out/toy/whole.bin"))
    project.run("git", "checkout", "-q", ".")
    assert main(["push"]) == 1
    assert "bad        remote storage: out/toy/whole.bin" in capsys.readouterr().out
    assert main(["push", "--all-tags"]) == 2
    assert "dvc remote modify --local storage url" in capsys.readouterr().err
    project.run(
        "dvc", "remote", "modify", "--local", "storage", "url", str(project.path.parent / "b")
    )
    assert main(["push", "--all-tags"]) == 0
    project.run("dvc", "remote", "default", "--unset")
    assert main(["push"]) == 2
    assert "no default remote" in capsys.readouterr().err


def test_a_source_changed_behind_dvcs_back_is_noted(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.path / "make.py").write_text("# other code\n")
    assert main(["verify"]) == 0
    assert "note: make.py: changed since make@toy read it" in capsys.readouterr().out


def test_without_a_remote_the_rest_is_checked(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run("dvc", "remote", "remove", "storage")
    assert main(["verify"]) == 0
    assert "no default remote" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "'nowhere': no such revision"),
        (["--output=x"], "No such option: --output"),
        (["--remote", "storag"], "no remote 'storag'; did you mean 'storage'"),
    ],
)
def test_mistakes(
    project: Toy, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["verify", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_is_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["verify"]) == 2
    assert "no .dvc folder" in capsys.readouterr().err


# DVC's HTTP file system leaves its session to the garbage collector, which complains.
network = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def collected() -> Iterator[None]:
    """What a test over the network leaves is collected in that test, where complaints are expected."""
    yield
    gc.collect()


@pytest.fixture
def served(project: Toy, collected: None) -> Iterator[str]:
    """The remote's folder over HTTP on this machine: a remote that is no local folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(project.path.parent / "remote"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        project.run("dvc", "remote", "add", "web", url)
        yield url
        server.shutdown()
        thread.join()


@network
def test_a_remote_over_the_network(project: Toy, verify: Verify, served: str) -> None:
    assert verify("--remote", "web") == (0, [])
    project.place("cache", "out/toy/model.json").unlink()
    project.place("remote storage", "source/toy.txt").unlink()
    flip(project.place("remote storage", "out/toy/whole.bin"))
    shutil.rmtree(project.path / PARTS)
    code, findings = verify("--repair", "--remote", "web")
    assert (code, [f["kind"] for f in findings]) == (1, ["bad", "missing"])
    assert {f["where"] for f in findings} == {"remote web"}
    assert findings[0]["location"].startswith(served)


@network
def test_a_remote_that_is_down_is_one_message(
    project: Toy, collected: None, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run("dvc", "remote", "add", "web", "http://127.0.0.1:9")
    assert main(["verify", "--remote", "web"]) == 2
    assert "remote web: cannot be read (ClientConnectorError" in capsys.readouterr().err


@network
def test_a_server_that_fails_is_no_missing_file(
    project: Toy, served: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SimpleHTTPRequestHandler, "do_GET", lambda self: self.send_error(403))
    assert main(["verify", "--remote", "web"]) == 2
    assert "remote web: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "message"),
    [("gs://bucket/x", "install `dvc-gs`"), ("webhdfs://nowhere/x", "install `dvc-webhdfs`")],
)
def test_a_kind_of_remote_that_is_not_installed(
    project: Toy, capsys: pytest.CaptureFixture[str], url: str, message: str
) -> None:
    (project.path / ".dvc/config.local").write_text(f"['remote \"web\"']\nurl = {url}\n")
    assert main(["verify", "--remote", "web"]) == 2
    assert message in capsys.readouterr().err


def test_dvcs_file_systems_see_what_ours_see(project: Toy) -> None:
    """The remote's folder through DVC: the same objects, sizes, md5s and errors."""
    ours = settings(project.path).remote("storage")
    theirs = CloudStore("remote storage", project.path, "storage")
    flip(project.place("remote storage", PARTS))
    request = [*ours.sizes(), "0" * 32]
    assert theirs.sizes() == ours.sizes()
    result, expected = theirs.digests(request), ours.digests(request)
    assert type(result.pop("0" * 32)) is type(expected.pop("0" * 32)) is FileNotFoundError
    assert result == expected


@network
def test_a_remote_that_cannot_be_used(project: Toy, served: str) -> None:
    with pytest.raises(PlumblineError, match="cannot list"):
        CloudStore("web", project.path, "web").sizes()
    project.run("dvc", "remote", "modify", "web", "url", "s3://x")
    project.run("dvc", "remote", "modify", "web", "version_aware", "true")
    with pytest.raises(PlumblineError, match=r"cloud-versioned|dvc-s3"):
        CloudStore("web", project.path, "web").sizes()
