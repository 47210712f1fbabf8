"""Install and remove the git hooks. A hook that was there runs first; none is overwritten. An edge.

They run a copy of this code beside git's files, so that a checkout of a stranger's branch executes nothing of it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing, replacing_folder
from plumbline.ops.rollback import tool
from plumbline.runtime import git

HOOKS = ("post-checkout", "post-merge", "post-rewrite")
"""`git checkout` and `switch`; `git merge` and `pull`; `git rebase`."""
EARLIER = ".before-plumbline"
"""What the name of a hook that was there before ends with."""
SIGN = "# Written by `plumbline install-hooks`"
SCRIPT = Path(__file__).with_name("post.sh")
CODE = "plumbline-hooks"
"""The copy of this code, in git's own folder."""


@dataclass(frozen=True)
class InstalledHook:
    """A hook: its file, what was done, and the hook that it runs first, if any."""

    name: str
    path: str
    state: str
    earlier: str | None = None


def install(root: Path) -> list[InstalledHook]:
    """Write the hooks, each before a hook that was there; PlumblineError before anything is written."""
    folder = _folder(root)
    prefix = git.text(root, "rev-parse", "--show-prefix")
    for name in HOOKS:
        _refuse_tangled(folder / name)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing_folder(_common(root) / CODE) as beside:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(tool.PACKAGE, beside / "plumbline", ignore=ignored)
    return [_install(folder / name, prefix) for name in HOOKS]


def uninstall(root: Path) -> list[InstalledHook]:
    """Remove the hooks, and put those back that were there before."""
    hooks = [_uninstall(_folder(root) / name) for name in HOOKS]
    shutil.rmtree(_common(root) / CODE, ignore_errors=True)
    return hooks


def lines(hooks: list[InstalledHook]) -> Iterator[str]:
    """A line for each hook."""
    for hook in hooks:
        first = f"; {hook.earlier} runs first" if hook.earlier else ""
        yield f"{hook.name}: {hook.state} ({hook.path}){first}"


def _folder(root: Path) -> Path:
    """Where git looks for hooks; PlumblineError where other repositories use that folder too."""
    if not (root / ".dvc").is_dir():
        raise PlumblineError(
            f"{root.absolute()}: expected a project with a folder .dvc; run in its root"
        )
    folder = (root / git.text(root, "rev-parse", "--git-path", "hooks")).absolute()
    tree = Path(git.text(root, "rev-parse", "--show-toplevel")).resolve()
    if not any(folder.resolve().is_relative_to(own) for own in (_common(root), tree)):
        raise PlumblineError(
            f"core.hooksPath leads to {folder}, outside of this repository, so that others may use it too; "
            "set one of this repository (`git config --local core.hooksPath .git/hooks`) and run this again"
        )
    return folder


def _common(root: Path) -> Path:
    """Git's folder that all work trees share; no commit can write there."""
    return (root / git.text(root, "rev-parse", "--git-common-dir")).resolve()


def _install(path: Path, prefix: str) -> InstalledHook:
    state = "written again" if _ours(path) else "installed"
    if os.path.lexists(path) and not _ours(path):
        shutil.copy2(path, _earlier(path), follow_symlinks=False)
    text = SCRIPT.read_text(encoding="utf-8")
    values = {
        "hook": path.name,
        "prefix": prefix or ".",
        "python": sys.executable,
        "venv": sys.prefix,
    }
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", shlex.quote(value))
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
        beside.chmod(0o755)
    return _described(path, state)


def _uninstall(path: Path) -> InstalledHook:
    if not _ours(path):
        return InstalledHook(path.name, str(path), "not installed")
    if os.path.lexists(_earlier(path)):
        os.replace(_earlier(path), path)
        return InstalledHook(path.name, str(path), "removed; the hook from before is back")
    path.unlink()
    return InstalledHook(path.name, str(path), "removed")


def _described(path: Path, state: str) -> InstalledHook:
    earlier = _earlier(path)
    return InstalledHook(
        path.name, str(path), state, str(earlier) if os.path.lexists(earlier) else None
    )


def _refuse_tangled(path: Path) -> None:
    """PlumblineError where a hook was written over ours: two hooks would have to be put into one name."""
    if path.is_dir():
        raise PlumblineError(f"{path}: a folder; expected a hook, or nothing; remove it")
    if os.path.lexists(path) and not _ours(path) and os.path.lexists(_earlier(path)):
        raise PlumblineError(
            f"{path} is not Plumbline's, and {_earlier(path).name} beside it holds an earlier hook; join "
            f"the two in {path.name}, remove {_earlier(path).name}, and run this again"
        )


def _ours(path: Path) -> bool:
    try:
        return SIGN in path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, IsADirectoryError):
        return False


def _earlier(path: Path) -> Path:
    return path.with_name(path.name + EARLIER)
