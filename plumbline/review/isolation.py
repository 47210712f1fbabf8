"""The comparison, computed by base's code in a process that imports nothing of head. An edge: starts it.

What is judged must not be what judges: head's use cases and library could replace the function that chooses
the word. So the library and the use cases of base compare, and head's run in a process of their own and
hand over files. Where base's library cannot (it is older than this, or cannot read head's documents), head's
takes its place, and the comparison says so in its first lines.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plumbline.core import documents
from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import log_lines
from plumbline.repo import revisions
from plumbline.review import code_trees, comparison, merge_gate
from plumbline.review.comparison import Comparison
from plumbline.review.comparison_sections import RuleChange
from plumbline.runtime import git, library, runner

MODULE = "plumbline.review.isolation"
LIBRARY = "the library that judges"


def compare(
    root: Path,
    base: str,
    head: str | None,
    repro_log: str | None = None,
    *,
    committed: bool = False,
) -> Comparison:
    """As `compare.compare`, by base's code in a process of its own."""
    wanted = {
        "root": str(root.absolute()),
        "base": base,
        "head": head,
        "repro_log": repro_log,
        "committed": committed,
    }
    with code_trees.checked_out(root, revisions.commit(root, base)) as tree:
        if not code_trees.judges(tree):
            result = _call(tree, wanted)
            if (tree / "plumbline").is_dir():
                return result.model_copy(update={"judge": "head"})
            return _by_installed(result, _noted(root, base))
        try:
            return _call(tree, wanted)
        except PlumblineError as error:
            if not _library_differs(root, base, head):
                raise
            reason = str(error).splitlines()[-1][:300]
        with tempfile.TemporaryDirectory(prefix="plumbline-code-") as bare:
            if (tree / "usecases").is_dir():
                (Path(bare) / "usecases").symlink_to(tree / "usecases")
            result = _call(Path(bare), wanted)
    return _by_head(result, "base's", f"head's, since: {reason}")


def _call(tree: Path, wanted: dict[str, Any]) -> Comparison:
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        answer = code_trees.call(tree, MODULE, wanted, Path(folder))
    return comparison.parse(answer, "the comparison")


def _library_differs(root: Path, base: str, head: str | None) -> bool:
    sides = [base, *([head] if head else [])]
    return bool(git.names(root, "diff", "--name-only", "-z", *sides, "--", "plumbline"))


def _noted(root: Path, rev: str) -> dict[str, Any]:
    """The installed library as a revision notes it; empty where it notes none."""
    data = revisions.blobs(root, revisions.commit(root, rev), (library.FILE,)).get(
        library.FILE, b""
    )
    return library.parse(data.decode(errors="replace"), f"{rev}: {library.FILE}")


def _by_installed(result: Comparison, noted: Mapping[str, Any]) -> Comparison:
    """A comparison by the installed library: base's where it is the one that base notes, else head's."""
    if not library.differing(noted):
        return result.model_copy(update={"judge": "base"})
    before = f"{library.NAME} {noted.get('version', 'none')}"
    return _by_head(result, before, f"{library.NAME} {library.version()}, installed")


def _by_head(result: Comparison, before: str, now: str) -> Comparison:
    """The comparison by head's library, with that among the rules that head alters."""
    change = RuleChange(usecase=None, key=LIBRARY, base=before, head=now)
    update = {"rules": [change, *result.rules], "judge": "head"}
    return merge_gate.judged(result.model_copy(update=update))


def main(words: Sequence[str]) -> int:
    """Compare as a request says; 2 and the message where the revisions or their data do not allow it."""
    from plumbline.review import compare as comparing

    request_file, answer = map(Path, words)
    wanted = json.loads(request_file.read_text(encoding="utf-8"))
    runner.prepare()
    try:
        result = comparing.compare(
            Path(wanted["root"]),
            wanted["base"],
            wanted["head"],
            wanted["repro_log"],
            committed=wanted["committed"],
        )
    except (PlumblineError, OSError) as error:
        sys.stderr.write(f"{log_lines(runner.message(error))}\n")
        return PlumblineError.exit_code
    documents.write(answer, result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
