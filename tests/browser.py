"""A page opened from disk in headless Chromium, with the network off: what it says, what axe finds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Literal

import pytest

Scheme = Literal["light", "dark"]
SCHEMES = {"dark": 0, "light": 1}
CONSOLE = re.compile(r"CONSOLE[^\]]*\] (.*)")
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
RUN = """
<script>%s</script>
<script>
axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then(found => {
  const told = found.violations.map(v => ({id: v.id, help: v.help,
    nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))}));
  const place = document.createElement('script');
  place.type = 'application/json';
  place.id = 'axe-found';
  place.textContent = JSON.stringify({violations: told, passes: found.passes.length});
  document.body.append(place);
});
</script>
"""
FOUND = re.compile(r'<script type="application/json" id="axe-found">(.*?)</script>', re.DOTALL)


def chromium() -> str:
    """The browser's command; the test is skipped where there is none."""
    result = shutil.which("chromium") or shutil.which("chromium-browser")
    if not result:
        pytest.skip("Chromium is not installed")
    return result


def opened(page: Path, scheme: Scheme = "light") -> tuple[str, list[str]]:
    """The page's text after it has loaded, and what stands in the console."""
    with tempfile.TemporaryDirectory() as profile:
        words = [
            chromium(),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={profile}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            "--enable-logging=stderr",
            "--virtual-time-budget=20000",
            "--dump-dom",
            page.resolve().as_uri(),
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, CONSOLE.findall(done.stderr)


def axe(page: Path, folder: Path, scheme: Scheme = "light") -> dict[str, Any]:
    """What axe-core finds in a copy of the page, all unfolded, that may run scripts: violations, passes."""
    import axe_core_python

    script = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    text = POLICY.sub("", page.read_text(encoding="utf-8")).replace("<details>", "<details open>")
    copy = folder / f"axe-{page.name}"
    tail = RUN % script.replace("</script>", "<\\/script>")
    copy.write_text(text.replace("</body>", f"{tail}</body>"), encoding="utf-8")
    dom, console = opened(copy, scheme)
    match = FOUND.search(dom)
    assert match, f"axe did not run: {console}"
    result: dict[str, Any] = json.loads(match[1].replace("&lt;", "<").replace("&amp;", "&"))
    return result
