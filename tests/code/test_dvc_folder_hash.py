"""The md5 of a folder is the one that DVC writes, whatever a .dvcignore leaves out of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.core import dvc_hash

FOLDER = "data/out"
FILES = (
    "a.txt",
    "b/a.pyc",
    "b/c/d.log",
    "__pycache__/a.pyc",
    "keep/x.log",
    "é.txt",
    "b-c",
    "b/c-d",
)
IGNORED: dict[str, dict[str, str]] = {
    "nothing": {},
    "a folder's name": {".dvcignore": "__pycache__\n"},
    "folders only": {".dvcignore": "__pycache__/\nb-c/\n"},
    "an ending": {".dvcignore": "# compiled\n*.pyc\n\n*.log  \n"},
    "an anchored path": {".dvcignore": "/data/out/b\n"},
    "a path that is not at the root": {".dvcignore": "out/keep\n/keep\nb/c/*\n"},
    "a negation": {".dvcignore": "*.log\n!keep/x.log\n"},
    "a negation below an ignored folder": {".dvcignore": "keep/\n!keep/x.log\n"},
    "a negation, then the folder": {".dvcignore": "!keep/x.log\nkeep\n"},
    "a nested file": {"data/.dvcignore": "/out/b\n*.log\n"},
    "a nested negation": {".dvcignore": "*.log\n*.pyc\n", "data/.dvcignore": "!x.log\n"},
    "a nested file that is ignored": {".dvcignore": ".dvcignore\n", "data/.dvcignore": "*.log\n"},
    "two stars": {".dvcignore": "data/**/d.log\n**/a.pyc\n"},
    "a file of git": {},
}
SCRIPT = """
import json, sys
from dvc.fs import localfs
from dvc.ignore import DvcIgnoreFilter
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
found = {}
for root in sys.argv[1:]:
    odb = HashFileDB(localfs, root + "/.dvc/odb")
    built = build(odb, root + "/data/out", localfs, "md5", ignore=DvcIgnoreFilter(localfs, root))
    found[root] = built[2].hash_info.value
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project for each case, all with the same files, a link to a file and one to a folder."""
    result = {}
    for number, (case, ignored) in enumerate(IGNORED.items()):
        root = result[case] = tmp_path_factory.mktemp(f"project{number}")
        extra = (".git", "sub/.hg/x", "sub/.dvc/config") if case == "a file of git" else ()
        texts = {**ignored, **{f"{FOLDER}/{name}": name for name in (*FILES, *extra)}}
        for name, text in {**texts, ".dvc/config": "", "far/y.txt": "y"}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        (root / FOLDER / "link.txt").symlink_to(root / "far" / "y.txt")
        (root / FOLDER / "linked").symlink_to(root / "far", target_is_directory=True)
    return result


@pytest.fixture(scope="module")
def of_dvc(projects: dict[str, Path]) -> dict[str, str]:
    """DVC's own md5 of each project's folder."""
    words = [sys.executable, "-c", SCRIPT, *map(str, projects.values())]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    md5s: dict[str, str] = json.loads(done.stdout)
    return {case: md5s[str(root)] for case, root in projects.items()}


@pytest.mark.parametrize("case", IGNORED)
def test_as_dvc_hashes_it(projects: dict[str, Path], of_dvc: dict[str, str], case: str) -> None:
    assert dvc_hash.md5(projects[case] / FOLDER) == of_dvc[case]


def test_the_cases_differ(of_dvc: dict[str, str]) -> None:
    assert len(set(of_dvc.values())) >= 8
