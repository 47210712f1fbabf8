"""A normalised page has no trace of the run: ids and clock times go, everything else stays."""

from __future__ import annotations

import uuid

from plumbline.monitor.stable_html import loads, stable


def page(first: str, second: str) -> str:
    return (
        f"<div id='root_metric_{first.replace('-', '')}'><a href='#{second}'>x</a>"
        f"<i id='{second}'></i><script>draw(metric_{first.replace('-', '')})</script></div>"
    )


def test_two_runs_give_one_page():
    built = [stable(page(str(uuid.uuid4()), str(uuid.uuid4()))) for _ in range(2)]
    assert built[0] == built[1]


def test_links_hold():
    out = stable(page(str(uuid.uuid4()), str(uuid.uuid4())))
    assert out.count("metric_00000000000000000000000000000001") == 2
    assert out.count("00000000-0000-0000-0000-000000000002") == 2


def test_ids_that_differ_stay_apart():
    one, two = (str(uuid.uuid4()) for _ in range(2))
    assert stable(f"{one} {two}") != stable(f"{one} {one}")


def test_digests_numbers_and_days_stay():
    text = "67001fb2182bd6604df4a582fddbc7d1 2025-07-01 2025-07-01T10:00:00 0.125 1.2.123456789012"
    assert stable(text) == text


def test_the_data_s_numbers_are_rounded_and_the_library_s_are_not():
    data, library = (
        "[0.30000000000000004, -1.2345678901e-05]",
        "<script>var global = 3.141592653589793",
    )
    assert stable(data + library) == "[0.3, -1.2345679e-05]" + library


def test_clock_times_go():
    moments = ("2026-11-21T00:05:22.123456", "2025-01-01 10:00:00.000001+02:00")
    assert len({stable(m) for m in moments}) == 1


def test_loads_finds_what_a_page_would_fetch():
    html = (
        "<script src='https://cdn.example.com/a.js'></script><link href=font.css>"
        "<style>@import 'b.css'; i {src: url(//example.com/f.woff2)}</style>"
        "<img src='data:image/png;base64,xx'><a href='https://example.com'>read</a>"
    )
    assert loads(html) == [
        "//example.com/f.woff2",
        "b.css",
        "font.css",
        "https://cdn.example.com/a.js",
    ]
    assert loads("<script>var x = 'https://example.com'</script>") == []
