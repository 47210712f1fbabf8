"""A clone of the project at a revision, with the user's remotes, and a cache of its own or shared. An edge."""

from __future__ import annotations

from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.history import places, revisions

QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")


def clone(root: Path, rev: str, target: Path, *, cache: Path | None = None) -> Path:
    """The project's folder in a clone in `target`, checked out at `rev`; no hook is run.

    It has what the user's .dvc/config.local says, each remote that is a folder by its absolute path:
    of a relative one DVC loses sight at other revisions. `cache`: None for an empty one.
    """
    top, below = (
        revisions.git(root, "rev-parse", word).decode().strip()
        for word in ("--show-toplevel", "--show-prefix")
    )
    commit = revisions.commit(root, rev)
    revisions.git(root, *QUIET, "clone", "-q", "--shared", "--no-checkout", top, str(target))
    revisions.git(target, *QUIET, "checkout", "-q", "--detach", commit)
    project = target / below
    if not (project / ".dvc").is_dir():
        raise PlumblineError(f"{rev}: has no .dvc folder; expected a DVC project")
    _configure(root, project, cache)
    return project


def _configure(root: Path, project: Path, cache: Path | None) -> None:
    from configobj import ConfigObj

    own = root / ".dvc" / "config.local"
    found = ConfigObj(str(own) if own.is_file() else None, encoding="utf-8", list_values=False)
    here = (project / ".dvc").absolute()
    wanted = {
        "core": {"site_cache_dir": str(here / "tmp" / "site"), "analytics": "false"},
        "cache": {"dir": str(cache or here / "cache"), "type": "reflink,copy"},
    }
    for name, url in places.settings(root).remotes.items():
        wanted[f'remote "{name}"'] = {"url": url}
    for section, values in wanted.items():
        _section(found, section).update(values)
    found.filename = str(project / ".dvc" / "config.local")
    found.write()


def _section(found: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    """A section of the file, whatever the case and quotes of its name; added where it lacks."""
    written = {key.strip("'").lower(): key for key in found}
    return found.setdefault(written.get(name, name), {})
