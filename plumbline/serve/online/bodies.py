"""A request's body to its plain objects: strict JSON, in which a name stands once. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from plumbline.serve.online.refusals import BodyRefused, EventRefused, Problem, printable, shown

MOST = 1_000
"""Objects of one request."""
DEEPEST = "JSON nested less deeply: a list of flat objects"


def decode(body: bytes) -> Any:
    """The JSON value; BodyRefused for anything else, for NaN and Infinity, and where a name stands twice."""
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BodyRefused(f"bytes that are not UTF-8, at byte {error.start}", "JSON") from None
    except RecursionError:
        raise BodyRefused("JSON nested too deeply", DEEPEST) from None
    except json.JSONDecodeError as error:
        raise BodyRefused(f"{error.msg.lower()} at character {error.pos}", "JSON") from None
    except ValueError:  # of an int with thousands of digits
        raise BodyRefused("a number of thousands of digits", "numbers within 64 bits") from None


def objects(body: bytes, name: str, most: int = MOST) -> list[dict[str, Any]]:
    """The objects of a body: `{"NAME": [...]}`, a bare list, or one object alone; 1 to `most` of them."""
    value = _unwrapped(decode(body), name)
    if not isinstance(value, list):
        value = [value]
    if not 1 <= len(value) <= most:
        raise EventRefused([Problem(None, name, f"{len(value):,}", f"1 to {most:,}")])
    odd = [i for i, one in enumerate(value) if not isinstance(one, dict)]
    if odd:
        expected = "an object with a value per column"
        raise EventRefused([Problem(i, "", shown(value[i]), expected) for i in odd])
    return value


def _unwrapped(value: Any, name: str) -> Any:
    """The list in `{"NAME": [...]}`; anything else as it is."""
    if not isinstance(value, dict) or not isinstance(value.get(name), list):
        return value
    more = [key for key in value if key != name]
    if more:
        raise EventRefused([Problem(None, printable(more[0]), "a field", f"{name} alone")])
    return value[name]


def _unique(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise BodyRefused(f"the name {shown(twice)} twice in an object", "each name once")
    return result


def _constant(name: str) -> NoReturn:
    raise BodyRefused(name, "finite numbers, or null")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)
