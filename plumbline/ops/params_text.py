"""params.yaml as text: a use case added or removed, everything else to the letter as it was. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from plumbline.core.errors import ParamsError

FLOW = re.compile(r"^usecases:[ \t]*\[[^\]]*\]", re.MULTILINE)
BLOCK = re.compile(r"^usecases:[ \t]*(#.*)?\n(?:[ \t]*-[ \t]+\S+.*\n?)+", re.MULTILINE)


def with_names(text: str, names: Sequence[str]) -> str:
    """The text with these use cases in the list `usecases`.

    >>> with_names("usecases: [a]  # both\\nseed: 7\\n", ["a", "b"])
    'usecases: [a, b]  # both\\nseed: 7\\n'
    """
    for form, end in ((FLOW, ""), (BLOCK, "\n")):
        if match := form.search(text):
            listed = f"usecases: [{', '.join(names)}]{end}"
            return f"{text[: match.start()]}{listed}{text[match.end() :]}"
    raise ParamsError(
        "params.yaml, usecases: expected a list like [my_table] at the top of the file; write it so"
    )


def without_section(text: str, name: str) -> str:
    """The text without a use case's section; comments before the next one stay.

    ParamsError where the section cannot be told from what stands around it.

    >>> without_section("a: {}\\n\\nb:\\n  c: 1  # one\\n\\n# the next\\nd: 2\\n", "b")
    'a: {}\\n\\n# the next\\nd: 2\\n'
    """
    form = re.compile(rf"^{re.escape(name)}:.*\n?(?:[ \t]+\S.*\n?|[ \t]*\n)*", re.MULTILINE)
    match = form.search(text)
    rest = f"{text[: match.start()]}{text[match.end() :]}" if match else text
    rest = f"{rest.rstrip()}\n"
    wanted = yaml.safe_load(text)
    wanted.pop(name, None)
    if yaml.safe_load(rest) != wanted:
        raise ParamsError(
            f"params.yaml, {name}: the section cannot be removed by itself; remove its lines, and commit"
        )
    return rest
