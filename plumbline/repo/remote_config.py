"""The DVC remote of one clone, in .dvc/config.local. An edge: writes that file.

A workflow's keys sign requests to where the remote's section says, and DVC merges the section that is
committed into that of the clone: what the workflow does not set itself is overridden, or refused.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing
from plumbline.repo import object_stores, request_settings

NAME = "plumbline"
VARIABLE = "DVC_REMOTE_URL"
COMMITTED = Path(".dvc") / "config"
HARMLESS = frozenset(
    {"jobs", "checksum_jobs", "no_traverse", "connect_timeout", "read_timeout", "timeout"}
)
"""What a committed section may say of a remote whose requests carry keys: nothing about where or how."""


def use(root: Path, value: str) -> Path:
    """Make the address in `value` the default remote, and the only one that is asked.

    An empty folder of the clone's own where it is empty. Settings may follow the address, each as
    `--set KEY=VALUE`. What else .dvc/config.local says stays. PlumblineError where it names another default
    remote, or where the committed file has settings that would stay in force.
    """
    from configobj import ConfigObj

    file = root / ".dvc" / "config.local"
    url, options = parse(value)
    section = {"url": url or str(_none(root)), **options, "verify": "true"}
    names = _pinned(object_stores.sections(root / COMMITTED), url, section)
    if url:
        request_settings.refuse(root)
    config = ConfigObj(str(file), encoding="utf-8")
    core = config.setdefault("core", {})
    if core.get("remote", NAME) != NAME:
        raise PlumblineError(
            f"{file}: core.remote is there already: '{core['remote']}'; delete it to use another"
        )
    _refuse_others(file, config, names)
    core["remote"] = NAME
    for name in names:
        config[f'remote "{name}"'] = dict(section)
    with replacing(file) as beside, beside.open("wb") as stream:
        config.write(stream)
    return file


def parse(value: str) -> tuple[str, dict[str, str]]:
    """Address and settings; PlumblineError where the address is none.

    >>> parse("s3://bucket/store --set endpointurl=https://s3.example.com")
    ('s3://bucket/store', {'endpointurl': 'https://s3.example.com'})
    """
    if any(ord(c) < 32 for c in value):
        raise PlumblineError(f"{VARIABLE}: expected one address, found a line break in it")
    url, *rest = value.split(" --set ")
    url = url.strip()
    if url and "://" not in url and not Path(url).is_absolute():
        raise PlumblineError(f"{VARIABLE}: got '{url}', expected an address or an absolute path")
    return url, dict(map(_setting, rest))


def _setting(text: str) -> tuple[str, str]:
    key, sign, value = text.strip().partition("=")
    if not sign or not key.isidentifier():
        raise PlumblineError(f"{VARIABLE}: expected --set KEY=VALUE, found '--set {text.strip()}'")
    return key.lower(), shlex.split(value)[0] if value.startswith(("'", '"')) else value


def _pinned(
    sections: Mapping[str, Mapping[str, Any]], url: str, own: Mapping[str, str]
) -> list[str]:
    """The remotes that become the workflow's: the committed ones, too, where it has an address.

    PlumblineError for the first committed setting that would stay in force.
    """
    if "remote" in sections:  # DVC reads remotes in it, over those of other sections
        raise PlumblineError(
            f'{COMMITTED}: section [remote]: expected [remote "NAME"]; write each remote as a section of its own'
        )
    committed = {m[1]: v for s, v in sections.items() if (m := object_stores.REMOTE.fullmatch(s))}
    for name, values in committed.items():
        staying = sorted(set(values) - set(own) - HARMLESS) if url or name == NAME else []
        if staying:
            raise PlumblineError(
                f"{COMMITTED}: remote '{name}' sets {', '.join(staying)}, which {VARIABLE} does not set: "
                f"requests with keys would go where the file says; delete it there, or set {VARIABLE} to "
                f"'ADDRESS --set {staying[0]}=VALUE'"
            )
    return sorted({NAME, *(committed if url else ())})


def _refuse_others(file: Path, config: Mapping[str, Any], names: list[str]) -> None:
    """PlumblineError for a remote of the clone that is neither the workflow's nor replaced by it."""
    for section in config:
        match = object_stores.REMOTE.fullmatch(section.lower())
        named = match[1] if match else None
        known = named in names and section == f'remote "{named}"'
        if section.lower() == "remote" or (named is not None and not known):
            raise PlumblineError(
                f"{file}: section [{section}]: expected no remote but that of {VARIABLE}; delete it"
            )


def _none(root: Path) -> Path:
    """DVC wants some remote to look into: a folder with nothing in it."""
    folder = (root / ".dvc" / "tmp" / "none").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
