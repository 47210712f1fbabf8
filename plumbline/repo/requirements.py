"""requirements.txt as a graph: which locked libraries each of them requires. Pure.

`uv pip compile` (and pip-compile) note below each pin which packages require it (`# via`); that is the whole
graph, on all machines, without a look at what is installed here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from plumbline.core.errors import PlumblineError
from plumbline.runtime.libraries import PIN, Pin, normal, pins

FILE = "requirements.txt"
VIA = re.compile(r"^ +# via(?: (\S+))?")
ALSO = re.compile(r"^ +#   (\S+)")
INPUT = "-r"
"""Before the name of the file, not of a library, that asks for a pin."""


@dataclass(frozen=True)
class Requirements:
    """Pins by name, and the names that each name requires."""

    pins: Mapping[str, tuple[Pin, ...]]
    requires: Mapping[str, frozenset[str]]

    def closure(self, names: Iterable[str], without: Collection[str] = ()) -> set[str]:
        """The locked names and all that they require, but `without` and what only those require."""
        seen: set[str] = set()
        todo = [name for name in names if name in self.pins]
        while todo:
            name = todo.pop()
            if name not in seen and name not in without:
                seen.add(name)
                todo += self.requires.get(name, ())
        return seen


def parse(text: str) -> Requirements:
    """A lock's pins and requirements; PlumblineError where it does not note what requires what.

    >>> parse("a==1\\n    # via -r requirements.in\\nb==2 \\\\\\n    # via\\n    #   -r x.in\\n    #   A\\n").requires
    {'a': frozenset({'b'})}
    """
    requires: dict[str, set[str]] = defaultdict(set)
    noted, name = False, ""
    for line in text.splitlines():
        if pin := PIN.match(line):
            name = normal(pin[1])
        elif needed_by := VIA.match(line) or ALSO.match(line):
            noted = True
            if needed_by[1] and needed_by[1] != INPUT:
                requires[normal(needed_by[1].partition("[")[0])].add(name)
    by_name: dict[str, list[Pin]] = defaultdict(list)
    for each in pins(text):
        by_name[each.name].append(each)
    if by_name and not noted:
        raise PlumblineError(
            f"{FILE}: expected a note `# via` below each pin, which says what requires it, and found "
            "none; compile it with `make lock`"
        )
    return Requirements(
        {key: tuple(listed) for key, listed in by_name.items()},
        {key: frozenset(names) for key, names in requires.items()},
    )
