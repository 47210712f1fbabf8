"""Who is asked to write the comment, and whose comment is ours.

tests/cml stands in for CML 0.20.6. Each behaviour was read in github:iterative/cml at that version
(commit a3a66c74):

| behaviour | where |
|---|---|
| `comment update` is `comment create` with `update: true` | bin/cml/comment/update.js, `handler` |
| the mark is the last paragraph, `![](URL#SHA "CML watermark TITLE")`; no `#SHA` without a commit | src/watermark.js, `appendTo`, `url` |
| `_`, `*`, `[` and `<` of the title get a backslash | src/watermark.js, `title` |
| a comment is found only by a mark with `#` and hexadecimal digits, whichever commit they are | src/watermark.js, `isIn` |
| the commit: a `pull_request` event's head, else GITHUB_SHA | src/drivers/github.js, `get sha` |
| else `git rev-parse HEAD` in the current folder; a warning outside of a repository | src/cml.js, `triggerSha`, `revParse` |
| of the comments found, the last is updated; no look at who wrote it | src/cml.js, `commentCreate`, `updatableComment` |
| one page of comments is read, with GitHub's default of 30 | src/drivers/github.js, `prComments` |
| https, whatever `--repo` says; `/api/v3` below its host and port unless that is github.com | src/drivers/github.js, `octokit` |
| owner and name are the first two parts of `--repo`'s path | src/drivers/github.js, `ownerRepo` |
| a slash and `.git` at the end of `--repo` are taken away | src/cml.js, constructor, `uriNoTrailingSlash` |
| `safe.directory` is added to the git configuration in HOME, which is a folder of its own here | src/cml.js, `fixGitSafeDirectory` |
| POST and PATCH go to an issue's comments, for pull requests too | src/drivers/github.js, `prCommentCreate`, `prCommentUpdate` |
| `--target=pr/N` is taken apart at the slash | src/commenttarget.js, `parseCommentTarget` |
| token: `--driver-token` or `--token`, REPO_TOKEN, repo_token, GITHUB_TOKEN | bin/cml.js; src/cml.js, `inferToken` |
| `/users/GITHUB_ACTOR` is asked for only with GITHUB_SERVER_URL and without CODESPACES; a failure is passed over | src/analytics.js, `guessCI`, `userId`; bin/cml.js, `setupTelemetry` |
| nothing is sent to CML's makers with ITERATIVE_DO_NOT_TRACK | src/analytics.js, `send` |
| options are also taken from CML_COMMENT_* variables | bin/cml/comment/create.js, `builder`; bin/cml.js, `aliasLegacyEnvironmentVariables` |
| images and linked files are uploaded unless `--publish=false` | src/cml.js, `publishLocalFiles` |
| an unknown option is an error; errors end with code 1, on standard error | bin/cml.js, `.strict()`; src/logger.js |
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting import comments, github
from plumbline.ops.hosting.github import GitHub
from tests import github as stand_in
from tests.conftest import ROOT

SHA = "1" * 40
PAGE = "https://github.com/acme/plumbline/actions/runs/7"


@pytest.fixture
def host() -> Iterator[stand_in.GitHub]:
    with stand_in.github() as state:
        state.open_pull("topic", SHA)
        yield state


@pytest.fixture
def hub(host: stand_in.GitHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GitHub:
    """With the stand-in for CML at hand."""
    shutil.copy(ROOT / "tests" / "cml", tmp_path / "cml")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name, value in host.environment().items():
        monkeypatch.setenv(name, value)
    return github.from_environment()


@pytest.mark.capability("H7")
def test_either_finds_the_comment_of_the_other(
    host: stand_in.GitHub, hub: GitHub, tmp_path: Path
) -> None:
    assert comments.post(hub, 1, "one", SHA) == "CML wrote the comment"
    assert comments.post(hub, 1, "one", "3" * 40) == "CML wrote the comment"
    assert len(host.bodies(1)) == 1
    (tmp_path / "cml").rename(tmp_path / "aside")
    assert comments.post(hub, 1, "two", SHA) == "updated by REST: CML is not installed"
    (tmp_path / "aside").rename(tmp_path / "cml")
    assert comments.post(hub, 1, "three", SHA) == "CML wrote the comment"
    assert comments.post(hub, 1, "four", "2" * 40) == "CML wrote the comment"
    [body] = host.bodies(1)
    assert body == f"four\n\n{comments.watermark('2' * 40)}"


def test_cml_finds_what_rest_wrote_first(
    host: stand_in.GitHub, hub: GitHub, tmp_path: Path
) -> None:
    (tmp_path / "cml").rename(tmp_path / "aside")
    assert comments.post(hub, 1, "one", SHA) == "written by REST: CML is not installed"
    (tmp_path / "aside").rename(tmp_path / "cml")
    assert comments.post(hub, 1, "two", SHA) == "CML wrote the comment"
    assert host.bodies(1) == [f"two\n\n{comments.watermark(SHA)}"]


def test_a_comment_whose_mark_names_no_commit_is_taken_up(
    host: stand_in.GitHub, hub: GitHub
) -> None:
    """As a CML that was run without GITHUB_SHA left them, one for each push; CML finds none of them."""
    mark = comments.watermark("").replace("#", "")
    host.comment(1, f"first\n\n{mark}")
    host.comment(1, f"second\n\n{mark}")
    assert "names no commit" in comments.post(hub, 1, "one", SHA)
    assert comments.post(hub, 1, "two", SHA) == "CML wrote the comment"
    assert [body.split()[0] for body in host.bodies(1)] == ["first", "two"]


def test_both_ways_update_the_last_of_several(
    host: stand_in.GitHub, hub: GitHub, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        host.comment(1, f"{name}\n\n{comments.watermark(SHA)}")
    comments.post(hub, 1, "by CML", SHA)
    assert host.bodies(1)[1].startswith("by CML")
    (tmp_path / "cml").unlink()
    comments.post(hub, 1, "by REST", SHA)
    assert [body.split("\n")[0] for body in host.bodies(1)] == ["first", "by REST"]


def installed(folder: Path, there: bool) -> None:
    """Put the stand-in for CML in place, or take it away."""
    (folder / "cml").unlink(missing_ok=True)
    if there:
        shutil.copy(ROOT / "tests" / "cml", folder / "cml")


OTHERS = (
    "plain words",
    '![](https://cml.dev/watermark.png#1234 "CML watermark")',
    '![](https://cml.dev/watermark.png#1234 "CML watermark other")',
    '![](https://cml.dev/watermark.png#1234 "CML watermark plumbline-2")',
    '> ![](https://example.com/a.png "plumbline")',
)
"""Comments that are not ours, with and without marks of other reports."""


WAYS = ("cml cml", "rest cml", "cml rest", "rest rest", "cml rest cml")


@pytest.mark.parametrize(
    ("ways", "others"),
    [*((ways, n) for ways in WAYS for n in (0, 29, 30)), ("rest cml", 35), ("rest rest", 230)],
)
def test_one_comment_whoever_wrote_first_among_others(
    host: stand_in.GitHub, hub: GitHub, tmp_path: Path, ways: str, others: int
) -> None:
    """A push each: also behind CML's one page of 30, and behind ours of 100."""
    for i in range(others):
        theirs = host.comment(1, OTHERS[i % len(OTHERS)])
        theirs["user"] = {"login": ("stranger", comments.AUTHOR)[i % 2]}
    before = host.bodies(1)
    for number, way in enumerate(ways.split()):
        installed(tmp_path, way == "cml")
        comments.post(hub, 1, f"push {number}", f"{number + 1}" * 40)
        host.comment(1, f"talk after push {number}")
    after = host.bodies(1)
    assert after[: len(before)] == before
    ours = [body for body in after if comments.MARK.search(body)]
    assert [body.split("\n")[0] for body in ours] == [f"push {number}"]


def test_cml_that_fails_after_it_wrote(host: stand_in.GitHub, hub: GitHub, tmp_path: Path) -> None:
    (tmp_path / "cml").rename(tmp_path / "real")
    (tmp_path / "cml").write_text(f'#!/bin/sh\n{tmp_path}/real "$@"; echo lost >&2; exit 1\n')
    (tmp_path / "cml").chmod(0o755)
    assert comments.post(hub, 1, "one", SHA) == "updated by REST: CML failed (1: lost)"
    assert len(host.bodies(1)) == 1


def test_the_stand_in_without_a_commit_writes_a_comment_each_time(
    host: stand_in.GitHub, hub: GitHub, tmp_path: Path
) -> None:
    """As the real one does: this is what GITHUB_SHA is set for."""
    (tmp_path / "report.md").write_text("text")
    words = [
        "comment",
        "update",
        "--driver=github",
        "--publish=false",
        f"--repo={host.url}/acme/plumbline",
    ]
    words += ["--watermark-title=plumbline", "--target=pr/1", "report.md"]
    env = {
        "PATH": os.environ["PATH"],
        "GITHUB_TOKEN": "secret",
        "NODE_EXTRA_CA_CERTS": host.authority,
    }
    for _ in range(2):
        subprocess.run([tmp_path / "cml", *words], cwd=tmp_path, env=env, check=True)
    assert [("#" in body) for body in host.bodies(1)] == [False, False]


def test_no_https_no_cml(
    host: stand_in.GitHub, hub: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority that CML does not know: it asks by https whatever the address says."""
    monkeypatch.delenv("NODE_EXTRA_CA_CERTS")
    assert "written by REST: CML failed (1: request to https://127" in comments.post(
        hub, 1, "x", SHA
    )


def test_a_comment_of_someone_else_with_our_mark_is_left_alone(
    host: stand_in.GitHub, hub: GitHub
) -> None:
    theirs = host.comment(1, f"all is well\n\n{comments.watermark(SHA)}")
    theirs["user"] = {"login": "stranger"}
    assert "someone else's has our mark" in comments.post(hub, 1, "one", SHA)
    assert "updated by REST" in comments.post(hub, 1, "two", SHA)
    assert [body[:3] for body in host.bodies(1)] == ["all", "two"]


def test_cml_gets_the_token_and_little_else(
    host: stand_in.GitHub, hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    (tmp_path / "cml").write_text(f"#!/bin/sh\nenv > {tmp_path}/env; echo $@ > {tmp_path}/words\n")
    comments.post(hub, 1, "one", SHA)
    seen, words = (tmp_path / "env").read_text(), (tmp_path / "words").read_text()
    assert "GITHUB_TOKEN=secret" in seen
    assert "ITERATIVE_DO_NOT_TRACK=1" in seen
    assert f"GITHUB_SHA={SHA}" in seen
    assert "GITHUB_SERVER_URL" not in seen
    assert "hidden" not in seen
    assert "secret" not in words
    assert "--publish=false" in words


def test_cml_that_cannot_start(host: stand_in.GitHub, hub: GitHub, tmp_path: Path) -> None:
    (tmp_path / "cml").write_bytes(b"\x7fELF")
    assert "written by REST: CML failed (OSError)" in comments.post(hub, 1, "one", SHA)


def event(folder: Path, **changes: object) -> Path:
    head = {"head_branch": "topic", "head_sha": SHA, "head_repository": {"owner": {"login": "me"}}}
    run = {**head, "conclusion": "failure", "html_url": PAGE}
    path = folder / "event.json"
    path.write_text(json.dumps({"workflow_run": {**run, **changes}}))
    return path


def test_the_origin_is_the_events(tmp_path: Path) -> None:
    assert comments.origin(event(tmp_path)) == comments.RunOrigin(
        "me", "topic", SHA, "failure", PAGE
    )
    for path in (event(tmp_path, head_repository=None), tmp_path / "nowhere"):
        with pytest.raises(PlumblineError, match="not the event of a finished run"):
            comments.origin(path)
    with pytest.raises(PlumblineError, match="head_sha is no commit"):
        comments.origin(event(tmp_path, head_sha="main"))


FEW = """
import sys
few, std = set(sys.argv[1].split()), sys.stdlib_module_names
class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        own = top == "plumbline" or top.startswith("_sysconfigdata")
        if path is None and top not in few and top not in std and not own:
            raise ModuleNotFoundError(name, name=top)
sys.meta_path.insert(0, Only())
import pydantic, plumbline.ops.hosting.comments, plumbline.ops.hosting.heads
from plumbline.__main__ import main
sys.exit(main(["comment", "--help"]))
"""


def locked(name: str) -> set[str]:
    """The lines of a lock file that pin a version."""
    lines = (ROOT / name).read_text().splitlines()
    return {line.rstrip("\\").strip() for line in lines if "==" in line and line[0] != " "}


def test_its_few_packages_are_those_of_the_lock() -> None:
    pins = {line.split(" ;")[0] for line in locked("requirements-comment.txt")}
    assert 0 < len(pins) < 25
    assert pins <= {line.split(" ;")[0] for line in locked("requirements.txt")}


def test_the_command_needs_no_other_package() -> None:
    """What the lock file of the comment's job names, and nothing else, may be imported."""
    pins = locked("requirements-comment.txt")
    names = {p.split("==")[0].replace("-", "_") for p in pins}
    few = " ".join((names - {"pyyaml"}) | {"yaml", "_yaml", "markdown_it"})
    words = [sys.executable, "-c", FEW, few]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
