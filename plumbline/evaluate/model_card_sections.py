"""The model card's sections on quality and use, each from evaluate.json's figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plumbline.core.usecase import UseCase
from plumbline.report.card_text import (
    Bullets,
    Figures,
    Heading,
    Part,
    Picture,
    Rows,
    Text,
    interval,
    number,
    percent,
    words,
)

WINDOWS = ("train", "valid", "test", "current")


def use(usecase: UseCase) -> list[Part]:
    """What the model is for, and what not."""
    file = f"`usecases/{usecase.name}.py`"
    intended: Part = Text(f"Not declared: `use` in {file} is where to say it.")
    if usecase.use.intended:
        intended = Bullets(usecase.use.intended)
    outside: Part = Text(f"Not declared: whatever {file} does not name is out of scope.")
    if usecase.use.out_of_scope:
        outside = Bullets(usecase.use.out_of_scope)
    return [Heading("Intended use"), intended, Heading("Out of scope"), outside]


def data(figures: Figures) -> list[Part]:
    """Where the rows came from, how many were set aside, which days serve what."""
    found = figures["data"]
    rows = [("source", found["source"])]
    if found["sha256"]:
        rows.append(("sha256 of the source", f"`{found['sha256']}`"))
    if found["span"]:
        rows.append(("span", " to ".join(found["span"])))
    if found["as_of"]:
        rows.append(("as of", found["as_of"]))
    for kind, count in found["rows"].items():
        rows.append((f"rows of {kind}", f"{count['in']:,}"))
        rows.append((f"set aside of {kind}", _aside(count["set_aside"], found, kind)))
    served = {name: found["windows"][name] for name in WINDOWS if name in found["windows"]}
    rated = any("label_rate" in one for one in served.values())
    head = ("window", "from", "to before", "rows", *(["share of positives"] if rated else []))
    windows = [_window(name, one)[: len(head)] for name, one in served.items()]
    return [
        Heading("Data"),
        Rows("Where the rows come from", ("what", "value"), rows),
        Rows("What the rows serve", head, windows),
    ]


def _aside(count: int, found: Figures, kind: str) -> str:
    reasons = found["quarantined"].get(kind, {})
    said = ", ".join(f"{name}: {n:,}" for name, n in reasons.items())
    return f"{count:,}" + (f" ({said})" if said else "")


def _window(name: str, one: Figures) -> tuple[str, ...]:
    start, end = (str(one.get(key) or "–") for key in ("start", "end"))
    return name, start, end, f"{one['rows']:,}", number(one.get("label_rate"))


def quality(usecase: UseCase, figures: Figures) -> list[Part]:
    """All metrics with intervals beside the baselines', and the paired differences."""
    asked = figures["asked"]
    units = "days" if usecase.time else "rows"
    return [
        Heading("Quality"),
        Text(
            f"{_test(figures)} Intervals: {asked['level']:.0%}, {asked['bootstrap']} bootstrap "
            f"replicates of whole {units}. {_terms(figures)}"
        ),
        _metrics(figures),
        _differences(figures),
        Picture("quality", "The model's curves beside the baselines'"),
        *_months(usecase, figures),
    ]


def _test(figures: Figures) -> str:
    rows = figures["rows"]
    days = f" on {rows['days']} days" if "days" in rows else ""
    positives = f", {rows['positives']:,} of them positive" if "positives" in rows else ""
    return f"Test window: {rows['test']:,} rows{days}{positives}."


def _terms(figures: Figures) -> str:
    asked = figures["asked"]
    if figures["problem"] == "regression":
        return "Bias is prediction minus label."
    return (
        f"k = {asked['k']} alarms a day; false-alarm rate {asked['false_alarm_rate']:.2%}. "
        "A naive score ranks, it is no probability."
    )


def _metrics(figures: Figures) -> Rows:
    others = figures["baselines"]
    rows = [
        (words(m), interval(found), *(number(o.get(m)) for o in others.values()))
        for m, found in figures["metrics"].items()
    ]
    return Rows("Model and baselines", ("metric", "model", *others), rows)


def _differences(figures: Figures) -> Rows:
    rows = [
        (f"minus {name}", interval(found), percent(found["relative"]), found["word"])
        for name, found in figures["differences"].items()
    ]
    head = (words(figures["primary"]), "difference", "relative", "the model is")
    return Rows("The model minus each simpler answer, paired", head, rows)


def _months(usecase: UseCase, figures: Figures) -> list[Part]:
    months = figures.get("months")
    if not months:
        return []
    against = "naive" if usecase.naive else "constant"
    rows = [_month(name, found, against) for name, found in months.items()]
    head = ("month", "rows", words(figures["primary"]), f"minus {against}", "the model is")
    return [
        Rows("By month", head, rows),
        Picture("months", "Quality by month, and the difference to the baselines"),
    ]


def _month(name: str, found: Figures, against: str) -> tuple[str, ...]:
    apart = found["differences"][against]
    return name, f"{found['rows']:,}", interval(found), interval(apart), apart["word"]


def calibration(figures: Figures) -> list[Part]:
    """How far a probability is from what happens."""
    found = figures.get("calibration")
    if not found:
        return []
    kind = {"none": "no calibration", "platt": "Platt's scaling", "isotonic": "isotonic regression"}
    head = ("predicted", "share of positives", "rows")
    rows = [(number(b["predicted"]), interval(b), f"{b['rows']:,}") for b in found["bins"]]
    return [
        Heading("Calibration"),
        Text(
            f"Expected calibration error {interval(found['ece'])}; over the share of the rarer class "
            f"{interval(found['relative'])}. A perfect model would show {number(found['noise'])} on so "
            f"many rows. By {kind[found['kind']]}, fitted on the validation window; without it "
            f"{interval(found['uncalibrated'])}."
        ),
        Rows("Bins of about as many expected cases each", head, rows),
        Picture("calibration", "Share of positives by predicted probability, and rows in each bin"),
    ]


def looks(important: Sequence[Mapping[str, float | str]]) -> list[Part]:
    """The features that the trees use most."""
    rows = [(f"`{one['feature']}`", f"{one['share']:.1%}") for one in important]
    return [
        Heading("What it looks at"),
        Rows("Features by their share of the gain", ("feature", "share"), rows),
        Picture("importance", "Features by their share of the total gain"),
        Picture("contributions", "What each feature adds to the answer, by its value"),
        Picture("dependence", "What the strongest features add, by their value"),
    ]
