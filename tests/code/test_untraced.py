"""Calls into large libraries run without coverage's tracer, and it is back afterwards."""

from __future__ import annotations

import sys

import pytest

from tests.untraced import untraced, wrap


class Library:
    def draw(self, error: bool = False) -> object:
        if error:
            raise ValueError("no")
        return sys.gettrace()


def test_nothing_is_traced_inside_and_all_is_afterwards() -> None:
    before, tracer = sys.gettrace(), lambda *_: None
    sys.settrace(tracer)
    try:
        seen = untraced(Library().draw)()
        with pytest.raises(ValueError, match="no"):
            untraced(Library().draw)(error=True)
        after = sys.gettrace()
    finally:
        sys.settrace(before)
    assert (seen, after) == (None, tracer)


def test_a_method_is_wrapped_once() -> None:
    wrap(Library, "draw")
    first = Library.draw
    wrap(Library, "draw")
    assert Library.draw is first
    assert Library().draw() is None
