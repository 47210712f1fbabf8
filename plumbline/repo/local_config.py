"""Changes of .dvc/config.local, the settings of one checkout, in any characters. An edge: writes that file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from plumbline.core.files import replacing


def change(
    root: Path, sections: Mapping[str, Mapping[str, str]], replaced: Collection[str] = ()
) -> Path:
    """Set keys of sections in the file, made where there is none; what else it says stays.

    Of the sections `replaced` only the given keys stay.

    DVC's own command refuses characters beyond ASCII, and empties the file then.
    """
    from configobj import ConfigObj

    file = root / ".dvc" / "config.local"
    config = ConfigObj(str(file), encoding="utf-8")
    for name, values in sections.items():
        before = {} if name in replaced else config.get(name, {})
        config[name] = {**before, **values}
    with replacing(file) as beside, beside.open("wb") as stream:
        config.write(stream)
    return file
