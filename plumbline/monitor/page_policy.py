"""What makes a page that Evidently wrote harmless: texts of the data without markup, and a policy. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from plumbline.core.safe_text import one_line

SCRIPTS = 4
"""Of Evidently's page: its data, a name that its library needs, the library, the call that draws."""
SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
SIGNS = str.maketrans("<>", "‹›")


def inert(text: object, most: int = 200) -> str:
    """A text of the data without what a script's end, a tag or Plotly's pseudo-HTML is made of.

    >>> inert("</script><a href=x>")
    '‹/script›‹a href=x›'
    """
    return one_line(text, most).translate(SIGNS)


def closed(page: str) -> str:
    """The page with a content policy: only its own scripts run, known by their hashes; no address loads.

    RuntimeError where the page holds other scripts than Evidently's.
    """
    scripts = SCRIPT.findall(page)
    if len(scripts) != SCRIPTS:
        raise RuntimeError(f"Evidently's page: expected {SCRIPTS} scripts, found {len(scripts)}")
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return page.replace("<head>", f"<head>\n        {meta}", 1)


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
