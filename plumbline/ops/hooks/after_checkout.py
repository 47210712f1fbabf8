"""What the hooks run: bring the outs of the commit that is checked out, check them, name what did not move.

`python -m plumbline.ops.hooks.after_checkout OLD [NEW]`, in the project's root: where git came from, and where it
is; NEW is the work tree if omitted. Prints a few lines and ends with 0, whatever it finds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import log_line
from plumbline.ops.hooks import unmoved
from plumbline.repo import dvc_command, object_stores, state, verify
from plumbline.repo.dvc_command import Done
from plumbline.repo.verify import IntegrityFinding
from plumbline.runtime import git

SHOWN = 3
"""Outs that a message names."""
POINTERS = ("dvc.lock", "*.dvc")
REMEDY = "`plumbline verify` says what is there, `dvc checkout --force` replaces it"


def main(arguments: Sequence[str]) -> int:
    """Do it, and print it on standard error, where a hook's words belong."""
    old, new = [*arguments, "", ""][:2]
    try:
        for line in run(Path("."), old, new):
            sys.stderr.write(f"plumbline: {log_line(line)}\n")
    except (PlumblineError, OSError, UnicodeError) as error:
        first = str(error).partition("\n")[0]
        sys.stderr.write(f"plumbline: outs not brought: {log_line(first)}\n")
    except KeyboardInterrupt:
        sys.stderr.write("plumbline: interrupted; `dvc checkout` brings the outs of this commit\n")
    return 0


def run(root: Path, old: str, new: str) -> Iterator[str]:
    """Bring and check the outs; a line for each thing that a person should know."""
    before = _commit(root, old)
    if before and not _pointers_differ(root, before, new):
        return
    name = here(root)
    settings = object_stores.settings(root)
    object_stores.refuse_links(settings)
    state.keep_private(root)  # before DVC reads any: a commit's own configuration must not name it
    done = dvc_command.run(root, "checkout", "--allow-missing")
    report = verify.check(settings, where=("workspace",))
    wrong = [f for f in report.findings if f.use.out.cached]
    checked = sum(part.checked for part in report.parts if part.where == "workspace")
    yield from _outs(name, checked, wrong, _reason(done))
    yield from unmoved.lines(root, before, name)


def here(root: Path) -> str:
    """What to call the place: the branch, a tag, or the commit."""
    branch = git.answer("symbolic-ref", "--quiet", "--short", "HEAD", root=root)
    tag = git.answer("describe", "--tags", "--exact-match", "HEAD", root=root)
    return branch or tag or git.text(root, "rev-parse", "--short=9", "HEAD")


def _commit(root: Path, rev: str) -> str | None:
    """The commit that git came from; None where there was none (a clone, a new work tree)."""
    return git.answer("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}", root=root)


def _pointers_differ(root: Path, old: str, new: str) -> bool:
    sides = (old, new) if new else (old,)
    return bool(git.lines(root, "diff", "--name-only", *sides, "--", *POINTERS))


def _outs(name: str, checked: int, wrong: Sequence[IntegrityFinding], reason: str) -> Iterator[str]:
    missing = [f.use.path for f in wrong if f.kind == "missing"]
    other = [f.use.path for f in wrong if f.kind != "missing"]
    if not wrong:
        yield f"the outs of {name} are here: {checked:,} files, each as recorded"
    if missing:
        yield f"{_named(missing)} of {name}: not in the cache; `dvc pull` brings what the remote has"
    if other:
        yield f"{_named(other)}: not as {name} records{reason}; {REMEDY}"


def _reason(done: Done) -> str:
    """What DVC says it stopped at, in brackets; empty where it did not."""
    words = " ".join(" ".join(done.lines).partition("ERROR: ")[2].split())
    return f" (DVC: {words})" if words else ""


def _named(paths: Sequence[str]) -> str:
    """The first paths, and how many more there are."""
    more = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
