"""A clone of the project at a revision: with nothing of the user's, or with their remotes and a cache. An edge."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.repo import object_stores, revisions
from plumbline.runtime import git

CONFIG = """\
[core]
    site_cache_dir = "{here}/tmp/site"
    analytics = false
    check_update = false
[cache]
    dir = "{here}/cache"
    type = "reflink,copy"
"""


def cloned(root: Path, commit: str, target: Path) -> Path:
    """A clone with the commit checked out, a cache of its own, and no hook run."""
    top, below = (
        git.text(root, "rev-parse", word) for word in ("--show-toplevel", "--show-prefix")
    )
    git.output(root, *git.QUIET, "clone", "-q", "--shared", "--no-checkout", top, str(target))
    git.output(target, *git.QUIET, "checkout", "-q", "--detach", commit)
    project = target / below
    if not (project / ".dvc").is_dir():
        raise PlumblineError(f"{commit}: has no .dvc folder; expected a DVC project")
    config = CONFIG.format(here=(project / ".dvc").absolute())
    (project / ".dvc" / "config.local").write_text(config, encoding="utf-8")
    return project


def clone(root: Path, rev: str, target: Path, *, cache: Path | None = None) -> Path:
    """The project's folder in a clone in `target`, checked out at `rev`; no hook is run.

    It has what the user's .dvc/config.local says, each remote that is a folder by its absolute path:
    of a relative one DVC loses sight at other revisions. `cache`: None for an empty one.
    """
    project = cloned(root, revisions.commit(root, rev), target)
    _configure(root, project, cache)
    return project


def _configure(root: Path, project: Path, cache: Path | None) -> None:
    """The user's own settings under those of the clone: cache and site cache stay where they are."""
    from configobj import ConfigObj

    own, here = (folder / ".dvc" / "config.local" for folder in (root, project))
    config = ConfigObj(str(own) if own.is_file() else None, encoding="utf-8")
    config.merge(ConfigObj(str(here), encoding="utf-8"))
    for name, url in object_stores.settings(root).remotes.items():
        section = next((s for s in config if s.lower() == f'remote "{name}"'), f'remote "{name}"')
        config.setdefault(section, {})["url"] = url
    if cache:
        config["cache"]["dir"] = str(cache)
    config.filename = str(here)
    config.write()
