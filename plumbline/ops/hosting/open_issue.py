"""The one open issue of a kind, for jobs that watch something."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import visible
from plumbline.ops.hosting.github import GitHub
from plumbline.report import markdown

SUCCESS = "success"
LINES, WIDTH = 60, 300
"""How much of a log is quoted."""


def report(
    hub: GitHub,
    kind: str,
    result: str,
    *,
    title: str | None = None,
    log: Path | None = None,
    link: str = "",
) -> str:
    """Close the issue of `kind` where `result` is success, open or update it otherwise; what was done."""
    if result == SUCCESS:
        closed = hub.close_issue(kind, f"Well again. {link}".strip())
        return f"issue #{closed['number']} closed" if closed else "no issue is open"
    heading = markdown.title(title or f"{kind}: {result}")
    opened = hub.report_issue(kind, heading, _body(result, link, log))
    return f"issue #{opened['number']}: {heading}"


def _body(result: str, link: str, log: Path | None) -> str:
    start = f"The last run ended with: {result}. {link}".strip()
    if not log or not log.is_file():
        return start
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise PlumblineError(f"--log {log}: {error.strerror}") from None
    return f"{start}\n\n{quoted(text)}"


def quoted(text: str) -> str:
    """The last lines as a block of code, in which no mention, link or HTML acts.

    >>> quoted("one\\n@all\\n")
    '    one\\n    @all'
    """
    lines = text.expandtabs().splitlines()[-LINES:]
    return "\n".join(f"    {visible(line)[:WIDTH]}" for line in lines)
