"""The few exceptions that a user meets, and `suggest`, which names the nearest choices."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class PlumblineError(Exception):
    """A problem the user can correct: what was expected, what was found, what to do.

    The command line and the stages print its text, without a traceback, and exit with `exit_code`.
    """

    exit_code = 2


class ParamsError(PlumblineError):
    """params.yaml holds an unknown, missing or impossible value."""


class SpecError(PlumblineError):
    """A use case declares something that cannot be: an unknown column, a leak, a name used twice."""


class SourceError(PlumblineError):
    """The source cannot be read: no such file, a missing column, a value of the wrong type."""


class ContractError(PlumblineError):
    """The data were read but break the contract: too many bad rows, or a check that blocks."""


class BundleError(PlumblineError):
    """A model bundle is incomplete, damaged, or of another version."""


class RefusedError(PlumblineError):
    """A check ran, and its answer is no. A command that only checks exits with 1."""


def suggest(name: str, choices: Iterable[str]) -> str:
    """The hint that closes an error message: the nearest names, or all of a short list.

    >>> suggest("amout", ["amount", "time"])
    "did you mean 'amount'?"
    >>> suggest("x", ["amount", "time"])
    'choose one of: amount, time'
    """
    known = sorted(set(choices))
    close = get_close_matches(name, known, n=2, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(c) for c in close) + "?"
    return "choose one of: " + ", ".join(known)
