"""A comparison of search methods as lines to read. Pure: the record in, text out."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import count, figure, interval, signed
from plumbline.studies.search_methods.search_methods_record import SearchMethodsRecord


def lines(record: SearchMethodsRecord) -> Iterator[str]:
    """Each method's best, then each pair at a quarter, half and all of the trials (with a grid at all)."""
    yield (
        f"{record.usecase}: best {metric_title(record.metric_name)} on validation after "
        f"{count(record.trials, 'trial')}, mean of {count(record.seeds, 'seed')}; {record.fits} fits on "
        f"{figure(record.rows)} rows"
    )
    for name, method in record.methods.items():
        failed = f"; {count(method.failed, 'trial')} failed" if method.failed else ""
        yield f"  {name:8}{interval(method.curve[-1])}{failed}"
    yield "paired by seed, positive where the first is better:"
    for pair in record.differences:
        trials = count(pair.trials, "trial")
        yield f"  {pair.method} - {pair.other}, {trials}: {interval(pair, signed)}: {pair.word}"
    if note := alike(record):
        yield note


def alike(record: SearchMethodsRecord) -> str:
    """That TPE drew all its trials at random; empty where it did not."""
    if record.trials > record.startup:
        return ""
    return (
        f"tpe draws its first {record.startup} trials at random (tune.startup): with {record.trials} it is "
        "random search; give it more trials, or --startup"
    )
