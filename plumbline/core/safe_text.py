"""Sanitise text that comes from data: one line of visible characters. Pure."""

from __future__ import annotations

import re
import unicodedata

BREAK = "\u200b"
"""Parts a word, and shows nothing."""
ADDRESSES = re.compile(
    r"(@|:(?=//)|#(?=\d)|\bwww(?=\.)|\bmailto(?=:)|\bGH(?=-\d)|\{(?=[{%]))", re.IGNORECASE
)
"""What a program that shows a text looks for, up to where it is parted; a site generator's tags, too."""
COMMIT = re.compile(r"(?<![^\W_])(?=\d*[a-f])[0-9a-f]{7,40}(?![^\W_])")
"""What GitHub takes for a commit, where there is one of that name."""
LONGEST = 4000
"""Characters of a line that is logged or printed."""
LINES = re.compile(r"([\n\t]+)")
"""Between the pieces of a text most of which need no look at each character."""


def one_line(text: object, most: int = 400) -> str:
    """One line of at most `most` characters, without those that control, turn or hide text.

    >>> one_line("a\\r\\nBcc: b\\x00\\u202e c")
    'a Bcc: b c'
    """
    plain = " ".join(visible(str(text)).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def visible(text: str) -> str:
    """Text with its line feeds and tabs, without characters that control, turn or hide it.

    >>> visible("a\\n\\x1b[31mb\\u202e\\u2028c")
    'a\\n[31mb c'
    """
    return "".join(part if part.isprintable() else _shown(part) for part in LINES.split(text))


def _shown(text: str) -> str:
    return "".join(c if c in "\n\t" else " " if _breaks(c) else c for c in text if _printed(c))


def unlinked(text: str) -> str:
    """Text in which a reader's program finds no address, mention, issue or commit to link.

    A mark without width parts what such a program looks for; the text reads as before.

    >>> unlinked("see http://a.example, @all #12 a1b2c3d").replace(BREAK, "|")
    'see http:|//a.example, @|all #|12 a1b2c3|d'
    """
    parted = ADDRESSES.sub(rf"\1{BREAK}", text)
    return COMMIT.sub(lambda match: BREAK.join(re.findall(".{1,6}", match[0])), parted)


def log_line(text: object, most: int = LONGEST) -> str:
    """One line for a log or a terminal: as `one_line`, but with its spaces.

    A CI runner takes `::` at a line's start, or `##[` anywhere, for a command: neither is left.

    >>> log_line("  a    b\\n::error::c")
    '  a    b ::error::c'
    >>> log_line(" ::add-mask::a ##[group]b")
    ' : :add-mask::a # #[group]b'
    """
    plain = "".join(" " if c.isspace() else c for c in str(text) if _printed(c)).rstrip()
    plain = re.sub(r"^(\s*):(?=:)", r"\1: ", re.sub(r"#(?=#(\[|vso\[))", "# ", plain))
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def log_lines(text: object) -> str:
    """A message of several lines: each as `log_line` has it, all but the first indented.

    What looks for a line by its start (`ERROR: failed to reproduce`) does not find a forged one.
    """
    return "\n  ".join(log_line(line) for line in str(text).split("\n"))


def _breaks(character: str) -> bool:
    """White space that ends a line, or that controls a device."""
    return character.isspace() and unicodedata.category(character) in ("Cc", "Zl", "Zp")


def _printed(character: str) -> bool:
    """Neither a control character nor one that turns or hides text; white space stays."""
    return character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs")


HIDDEN = "(hidden)"
"""Stands for a value of a column that is `forbidden`, which is shown nowhere."""
