"""Reading what DVC writes without DVC: locks, .dvc files, manifests, configuration, md5s."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
from pathlib import Path

import pytest
import yaml

from plumbline.core import dvc_hash, hashing
from plumbline.core.dvc_hash import manifest, manifest_bytes
from plumbline.core.errors import PlumblineError
from plumbline.repo import object_stores, tracked_outs
from plumbline.repo.tracked_outs import Out

A, B = "a" * 32, "b" * 32


def locked(stage: str, **outs: str) -> str:
    entries = [{"path": path, "hash": "md5", "md5": md5} for path, md5 in outs.items()]
    return yaml.safe_dump({"schema": "2.0", "stages": {stage: {"cmd": "x", "outs": entries}}})


def declared(stage: str, **lists: object) -> str:
    return yaml.safe_dump({"stages": {stage: {"cmd": "x", **lists}}})


def test_outs_of_a_lock() -> None:
    text = locked("train", **{"m/x": A, "m/y": B + ".dir"})
    result = tracked_outs.of_lock(text, declared("train", outs=["m/x", "m/y"]), "dvc.lock")
    assert result == [
        Out("dvc.lock", "train", "m/x", A),
        Out("dvc.lock", "train", "m/y", B + ".dir"),
    ]
    assert [out.folder for out in result] == [False, True]


@pytest.mark.parametrize("kind", ["outs", "metrics", "plots"])
def test_an_uncached_out_is_found_through_its_template(kind: str) -> None:
    outs = {kind: [{"m/${item.case}/x.json": {"cache": False}}, "m/${item}"]}
    stage = declared("train", matrix={"case": ["toy"]}, **outs)
    text = locked("train@toy", **{"m/toy/x.json": A, "m/toy": B})
    assert [out.cached for out in tracked_outs.of_lock(text, stage, "dvc.lock")] == [False, True]


def test_flags_and_folders_of_a_stage() -> None:
    flags = [{"x": {"push": False, "remote": "far"}}]
    stage = yaml.safe_dump({"stages": {"s": {"foreach": [1], "do": {"wdir": "in", "outs": flags}}}})
    [out] = tracked_outs.of_lock(locked("s@1", x=A), stage, "sub/dvc.lock")
    assert (out.path, out.pushed, out.remote) == ("sub/in/x", False, "far")


def test_plots_with_several_pages_are_cached() -> None:
    stage = declared("s", plots=[{"p.csv": [{"x": "a"}, {"x": "b"}]}])
    assert tracked_outs.of_lock(locked("s", **{"p.csv": A}), stage, "dvc.lock")[0].cached


def test_outs_of_a_dvc_file() -> None:
    entry = {"path": "x", "hash": "md5", "md5": A, "isexec": True}
    [out] = tracked_outs.of_dvc_file(yaml.safe_dump({"wdir": "..", "outs": [entry]}), "data/x.dvc")
    assert out == Out("data/x.dvc", "data/x.dvc", "x", A, executable=True)
    [out] = tracked_outs.of_dvc_file(
        yaml.safe_dump({"deps": [{"repo": {}}], "outs": [entry]}), "x.dvc"
    )
    assert not out.pushed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "dvc.lock: damaged"),
        (locked("s", x="12"), "s: expected an out with path and md5"),
        (locked("s", **{"../x": A}), "'../x' is outside of the project"),
        (locked("s", **{"/x": A}), "'/x' is outside of the project"),
        (locked("s", x=A).replace("hash: md5", "size: 1"), "recorded by DVC 2"),
    ],
)
def test_a_damaged_lock_is_refused(text: str, message: str) -> None:
    with pytest.raises(PlumblineError, match=message):
        tracked_outs.of_lock(text, "", "dvc.lock")


def test_a_templated_wdir_is_refused() -> None:
    with pytest.raises(PlumblineError, match="wdir"):
        tracked_outs.of_lock(
            locked("s@a", x=A), declared("s", matrix={"x": ["a"]}, wdir="${item.x}"), "dvc.lock"
        )


def test_a_manifest_there_and_back() -> None:
    contents = {"z/é.txt": A, "a": B}
    assert manifest(manifest_bytes(contents)) == contents


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        ({}, "expected a list"),
        ([1], "expected md5 and relpath"),
        ([{"relpath": "x", "md5": "1"}], "expected md5 and relpath"),
        ([{"relpath": "../x", "md5": A}], "leaves its folder"),
        ([{"relpath": "/x", "md5": A}], "leaves its folder"),
        ([{"relpath": "a//x", "md5": A}], "leaves its folder"),
    ],
)
def test_a_damaged_manifest_is_refused(listing: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        manifest(json.dumps(listing).encode())


def test_md5s_of_many_files(tmp_path: Path) -> None:
    sizes = [0, 1, hashing.CHUNK - 1, hashing.CHUNK, 2 * hashing.CHUNK + 1]
    paths = {str(tmp_path / str(n)): os.urandom(n) for n in sizes}
    for path, data in paths.items():
        Path(path).write_bytes(data)
    request = [*paths, str(tmp_path / "none"), str(tmp_path), *paths]
    result = hashing.md5_files(request, threads=3)
    assert {p: result.pop(p) for p in paths} == {
        p: hashlib.md5(data).hexdigest() for p, data in paths.items()
    }
    assert {type(error) for error in result.values()} == {FileNotFoundError, IsADirectoryError}


def test_progress_is_shown_on_a_screen_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looked = threading.Event()

    def slow(path: str, buffer: object) -> str:
        assert looked.wait(60)
        return path

    monkeypatch.setattr(hashing, "md5_file", slow)
    for screen in (False, True):
        looked.clear()
        monkeypatch.setattr(sys.stderr, "isatty", lambda here=screen: looked.set() or here)
        hashing.md5_files(["a", "b"], threads=1)
        err = capsys.readouterr().err
        assert (
            bool(re.search(r"hashed [012] of 2 files, [0-9]+ s", err) if screen else err) == screen
        )


def test_the_md5_of_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    assert isinstance(dvc_hash.folder_md5(tmp_path, "none"), FileNotFoundError)
    (tmp_path / "out").mkdir()
    assert dvc_hash.folder_md5(tmp_path, "out") == "d751713988987e9331980363e24189ce.dir"
    (tmp_path / "out" / "link").symlink_to("nowhere")
    assert isinstance(dvc_hash.folder_md5(tmp_path, "out"), FileNotFoundError)


def configured(root: Path, text: str, local: str = "") -> object_stores.DvcSettings:
    (root / ".dvc").mkdir(exist_ok=True)
    (root / ".dvc" / "config").write_text(text)
    (root / ".dvc" / "config.local").write_text(local)
    return object_stores.settings(root)


def test_configuration(tmp_path: Path) -> None:
    text = "[core]\n    remote = Near\n['remote \"near\"']\n    url = ../../store\n"
    result = configured(tmp_path, text, '[cache]\ndir = /c\ntype = "reflink,copy"\n')
    assert result.default == "near"
    assert result.remotes == {"near": str(tmp_path.parent / "store")}
    assert result.relative == {"near"}
    there = configured(tmp_path, text, "['remote \"near\"']\nurl = ../here\n")
    assert (there.relative, there.remotes) == (frozenset(), {"near": str(tmp_path / "here")})
    assert (result.cache, result.links) == (Path("/c"), ("reflink", "copy"))
    assert configured(tmp_path, "").cache == tmp_path / ".dvc" / "cache"


def test_later_levels_go_over_earlier_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path))
    (tmp_path / "config").write_text("['remote \"x\"']\nurl = s3://mine/\n[core]\nremote = y\n")
    result = configured(tmp_path, "[core]\nremote = x\n")
    assert (result.default, result.remotes) == ("x", {"x": "s3://mine/"})


def test_a_damaged_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="config: damaged"):
        configured(tmp_path, "[core\nremote")


@pytest.mark.parametrize("links", ["hardlink", "symlink,copy", "reflink,hardlink"])
def test_links_are_refused_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: str
) -> None:
    result = configured(tmp_path, f'[cache]\ntype = "{links}"\n')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(PlumblineError, match="as root"):
        object_stores.refuse_links(result)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    object_stores.refuse_links(result)


def test_copies_are_not_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    object_stores.refuse_links(configured(tmp_path, '[cache]\ntype = "reflink,copy"\n'))
