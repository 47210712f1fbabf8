"""A command by fork (tests/warm) is as one of a new Python, in all that a test may depend on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML, YAMLError

from plumbline.repo import python_imports
from tests import warm
from tests.conftest import ROOT
from tests.project import environment
from tests.warm import parsed

pytestmark = pytest.mark.skipif(
    not warm.possible(), reason="new Pythons only: COLD is set, or no Linux"
)


def run(folder: Path, *words: str, **given: str) -> subprocess.CompletedProcess[str]:
    env = {**environment(folder, warm=True), **given}
    return subprocess.run(
        words, cwd=folder, env=env, input="in", capture_output=True, text=True, check=False
    )


def code(folder: Path, text: str, *words: str, **given: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "python", "-c", text, *words, **given)


def test_arguments_folder_environment_and_streams(tmp_path: Path) -> None:
    text = "import os, sys; print(sys.argv, os.getcwd(), os.environ['X'], sys.stdin.read())"
    done = code(tmp_path, f"{text}; print('aside', file=sys.stderr)", "a b", X="y")
    assert done.stdout == f"['-c', 'a b'] {tmp_path} y in\n"
    assert done.stderr == "aside\n"


def test_temporary_files_go_where_the_command_says(tmp_path: Path) -> None:
    text = "import tempfile; print(tempfile.gettempdir())"
    assert code(tmp_path, text, TMPDIR=str(tmp_path)).stdout == f"{tmp_path}\n"


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('why')", 1, "why\n"),
        ("import os; os.kill(os.getpid(), 9)", -9, ""),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
    ],
)
def test_ends(tmp_path: Path, text: str, status: int, message: str) -> None:
    done = code(tmp_path, text)
    assert (done.returncode, done.stderr[-len(message) :] if message else done.stderr) == (
        status,
        message,
    )


def test_nothing_of_a_project_is_there_where_there_is_none(tmp_path: Path) -> None:
    """The libraries are, and modules come from the folder and PYTHONPATH, as they stand now."""
    text = "import sys; own = ('plumbline', 'stages', 'usecases', 'sources', 'tests')\n"
    text += "print('pandas' in sys.modules, [m for m in sys.modules if m.split('.')[0] in own])"
    assert code(tmp_path, text).stdout == "True []\n"
    for number in ("1", "22"):
        (tmp_path / "mine.py").write_text(f"import sys; print({number!r}, __name__, sys.argv[1:])")
        assert run(tmp_path, "python", "-m", "mine", "x").stdout == f"{number} __main__ ['x']\n"


SHOW = """
import os, sys
there = "plumbline.report.html" in sys.modules
from plumbline.report import html
from plumbline.runtime import runner
print(there, html.__file__, html.TEMPLATES, sys.modules["plumbline"].__path__, len(runner.QUIET))
"""


def test_the_project_is_there_where_it_has_the_same_bytes(tmp_path: Path) -> None:
    """And a change of any file is seen, whether its size and time differ or not."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "plumbline", tmp_path / "plumbline", ignore=ignored)
    own = tmp_path / "plumbline" / "report"
    shown = f"{own}/html.py {own}/templates ['{tmp_path}/plumbline']"
    (same := code(tmp_path, SHOW)).check_returncode()
    assert same.stdout.startswith(f"True {shown}")
    runner = tmp_path / "plumbline" / "runtime" / "runner.py"
    text, times = runner.read_text(), runner.stat()
    for changed in (
        text.replace("QUIET = {", 'QUIET = {"ONE": "MORE",'),
        text.replace("1", "2", 1),
    ):
        runner.write_text(changed)
        os.utime(runner, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert code(tmp_path, SHOW).stdout.startswith(f"False {shown}")
    runner.write_text(text)
    (tmp_path / "plumbline" / "more.py").touch()
    assert code(tmp_path, SHOW).stdout.startswith(f"False {shown}")


def test_a_module_of_the_project_runs_as_the_main_one() -> None:
    done = run(ROOT, "python", "-m", "plumbline.model.version")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a: [1, 1.5, null, yes, '2', 0o7]\nb: {d: 1, c: x}\n", 1), ("a: 2025-01-01\n", 0)],
)
def test_what_was_parsed_is_read_again_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, kept: int
) -> None:
    expected = repr(YAML(typ="safe").load(text))
    monkeypatch.setattr(YAML, "load", YAML.load)
    parsed.keep_yaml(tmp_path / "parsed")
    for _ in range(2):
        assert repr(YAML(typ="safe").load(text)) == expected
        assert len(list((tmp_path / "parsed").iterdir())) == kept
        with pytest.raises(YAMLError, match="expected"):
            YAML(typ="safe").load("a: [1")
    assert YAML(typ="rt").load("# why\na: 1\n").ca.comment, "with its comments, as ever"


def test_plain_pictures_are_frames(tmp_path: Path) -> None:
    text = "from matplotlib.figure import Figure\nfrom matplotlib.backends.backend_agg import FigureCanvasAgg\n"
    text += "f = Figure(); f.subplots(); FigureCanvasAgg(f).print_png('a.png', metadata={'Software': None})\n"
    text += "f.savefig('a.svg')"
    sizes = []
    for given in ({}, warm.PLAIN):
        code(tmp_path, text, **given).check_returncode()
        sizes.append([len((tmp_path / name).read_bytes()) for name in ("a.png", "a.svg")])
    assert all(plain < whole / 4 for whole, plain in zip(*sizes, strict=True)), sizes


def test_what_a_file_imports_is_read_again_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_imports, "_imported", python_imports._imported)
    parsed.keep_imports(tmp_path / "parsed")
    (file := tmp_path / "a.py").write_text("import a.b\ndef f():\n    from c import d\n")
    for _ in range(2):
        assert python_imports._names(file) == ("a.b", "c", "c.d")
    file.write_text("import e")
    assert python_imports._names(file) == ("e",)
    file.write_text("import")
    for _ in range(2):
        with pytest.raises(SyntaxError, match=r"invalid syntax \(a.py, line 1\)"):
            python_imports._names(file)


def test_a_safe_path_leaves_the_folder_out(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import sys; print('pandas' in sys.modules, sys.argv[1:])")
    done = run(tmp_path, "python", "-P", "-m", "mine", "x", PYTHONPATH="")
    assert done.returncode == 1
    assert "No module named mine" in done.stderr
    done = run(tmp_path, "python", "-P", "-m", "mine", "x", PYTHONPATH=str(tmp_path))
    assert done.stdout == "True ['x']\n"


@pytest.mark.parametrize("given", [{"PYTHONHASHSEED": "7"}, {"OMP_NUM_THREADS": "1"}])
def test_what_a_fork_cannot_be_is_a_new_python(tmp_path: Path, given: dict[str, str]) -> None:
    assert code(tmp_path, "import sys; print('pandas' in sys.modules)", **given).stdout == "False\n"


def test_a_hook_at_the_start_is_a_new_python(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; print('pandas' in sys.modules)")
    assert code(tmp_path, "pass").stdout == "False\n"
    assert code(tmp_path, "pass", HOOK_FORKS="1").stdout == "True\n"


def test_it_ends_with_its_client(tmp_path: Path) -> None:
    text = "import os, time; open('pid', 'w').write(str(os.getpid())); os.rename('pid', 'there'); time.sleep(60)"
    env = environment(tmp_path, warm=True)
    client = subprocess.Popen(["python", "-c", text], cwd=tmp_path, env=env)
    while not (tmp_path / "there").exists():
        time.sleep(0.01)
    client.send_signal(signal.SIGKILL)
    client.wait()
    ours = Path("/proc") / (tmp_path / "there").read_text()
    while ours.exists():
        time.sleep(0.01)


def test_whoever_looks_for_its_parents_finds_the_clients(tmp_path: Path) -> None:
    text = "import psutil; print(psutil.Process().parents()[0].pid)"
    assert code(tmp_path, text).stdout == f"{os.getpid()}\n"
