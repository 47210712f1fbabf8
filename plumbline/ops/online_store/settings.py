"""Settings of a feature store on servers: feature_store/NAME/feature_store.yaml, and the environment.

Which store is in use is no dep of any stage: an option of the command, or the variable FEATURE_STORE.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from plumbline.core.errors import PlumblineError, suggest
from plumbline.features.store import REPOSITORY

EMBEDDED = "embedded"
"""The store in feature_store/ itself: files, no server."""
FILE = "feature_store.yaml"
CHOICE = "FEATURE_STORE"
"""The variable that names the store where no option does."""
VARIABLES = (
    *("REDIS", "REGISTRY", "PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"),
    "PGSSLMODE",
)
"""The only variables of the environment that a store's file may name, as ${NAME}."""
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
KEYS_VERSION = 3


@dataclass(frozen=True)
class Settings:
    """A store's file with the variables' values in it, and what of it is never shown."""

    name: str
    folder: Path
    content: Mapping[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def place(self) -> str:
        """How messages name it."""
        return f"feature store '{self.name}'"

    @property
    def kind(self) -> str:
        """The type of its online store: redis or postgres."""
        return str(self.content["online_store"]["type"])

    def redacted(self, text: str) -> str:
        """`text` without the secrets."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def chosen(option: str | None) -> str | None:
    """The store on servers that an option or the environment names; None for the embedded one."""
    name = option or os.environ.get(CHOICE) or EMBEDDED
    return None if name == EMBEDDED else name


def names(root: Path) -> list[str]:
    """The stores that there are, the embedded one included."""
    files = (root / REPOSITORY).glob(f"*/{FILE}")
    return [EMBEDDED, *sorted(file.parent.name for file in files)]


def load(root: Path, name: str) -> Settings:
    """A store by its name; PlumblineError where it cannot be used or could not be put back."""
    if name not in names(root):
        raise PlumblineError(
            f"no feature store '{name}' in {REPOSITORY}/; {suggest(name, names(root))}"
        )
    return read(root / REPOSITORY / name / FILE, name)


def read(file: Path, name: str) -> Settings:
    """The store of one file; PlumblineError as `load` raises it."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PlumblineError(
            f"{file}: cannot be read ({type(error).__name__}); correct it"
        ) from None
    _refuse_unsupported(file, content)
    _refuse_variables(file, set(_variables(content)))
    expanded = _expanded(content)
    return Settings(name, file.parent, expanded, tuple(filter(None, _secrets(expanded))))


def _refuse_unsupported(file: Path, content: Any) -> None:
    """PlumblineError for all that a rollback could not put back as it was."""
    online, registry = (_section(content, name) for name in ("online_store", "registry"))
    expected = (
        ("provider", _section({"_": content}, "_").get("provider"), ("local",)),
        ("online_store.type", online.get("type"), ("postgres", "redis")),
        ("online_store.redis_type", online.get("redis_type", "redis"), ("redis",)),
        ("online_store.key_ttl_seconds", online.get("key_ttl_seconds"), (None,)),
        ("online_store.vector_enabled", online.get("vector_enabled", False), (False,)),
        ("registry.registry_type", registry.get("registry_type"), ("sql",)),
        (
            "entity_key_serialization_version",
            _section({"_": content}, "_").get("entity_key_serialization_version"),
            (KEYS_VERSION,),
        ),
        *(
            (f"{place}.{option}", section.get(option, False), (False,))
            for place, section, option in (
                ("online_store", online, "enable_openai_compatible_store"),
                ("registry", registry, "enable_online_feature_view_versioning"),
            )
        ),
    )
    for key, value, allowed in expected:
        if value not in allowed:
            choices = " or ".join("nothing" if a is None else repr(a) for a in allowed)
            raise PlumblineError(
                f"{file}: {key} is {value!r}, expected {choices}: another store could not be put back "
                "after a failed rollback; correct it, or use the embedded store"
            )


def _section(content: Any, name: str) -> Mapping[str, Any]:
    section = content.get(name) if isinstance(content, dict) else None
    return section if isinstance(section, dict) else {}


def _refuse_variables(file: Path, named: set[str]) -> None:
    """PlumblineError for a variable that is not on the list, or not set."""
    for name in sorted(named - set(VARIABLES)):
        raise PlumblineError(f"{file}: ${{{name}}} is not allowed; {suggest(name, VARIABLES)}")
    missing = [name for name in VARIABLES if name in named and not os.environ.get(name)]
    if missing:
        raise PlumblineError(
            f"{file}: {', '.join(missing)} not set in the environment; the file says what each holds"
        )


def _variables(value: Any) -> Iterator[str]:
    for text in _texts(value):
        yield from PLACEHOLDER.findall(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _expanded(value: Any) -> Any:
    """The value with the variables' values, in the parsed file: no character of them is syntax."""
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda match: os.environ[match[1]], value)
    if isinstance(value, dict):
        return {key: _expanded(part) for key, part in value.items()}
    return [_expanded(part) for part in value] if isinstance(value, list) else value


def _secrets(content: Mapping[str, Any]) -> Iterator[str]:
    """Passwords, as they are and as an address spells them."""
    online = content["online_store"]
    yield str(online.get("password") or "")
    for part in str(online.get("connection_string") or "").split(","):
        if part.partition("=")[0].strip() == "password":
            yield part.partition("=")[2].strip()
    for key in ("path", "read_path"):
        password = _password(str(content["registry"].get(key) or ""))
        yield from (password, unquote(password))


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return address.rpartition("@")[0]
