"""Changes of definitions, each judged as a person would: what is redefined, what breaks, what needs a version."""

from __future__ import annotations

import pytest

from plumbline.core import usecase_loader
from plumbline.features import definition_items, live_definitions
from plumbline.features.definition_items import view_digest, view_version
from plumbline.review import declared_definitions, version_words
from plumbline.review.definition_sections import DefinitionChanges

CONTRACT = '''"""Orders of a shop."""

from __future__ import annotations

from plumbline.core.declarations import Column, Entity
from plumbline.core.usecase import Contract

DERIVE = {"cents": "round(100 * euros)"}
CONTRACT = Contract(
    name="shop", title="Late orders", owner="me@example.com", problem="classification",
    key="id", time="at", label="late", label_delay=2,
    entities=(Entity("buyer", "buyer_id", "who orders"),),
    derive=DERIVE,
    columns=(
        Column("id", "int", "-", "number"),
        Column("at", "timestamp", "UTC", "when"),
        Column("buyer_id", "int", "-", "who"),
        Column("cents", "int", "cents", "amount"),
        Column("kind", "string", "-", "which"),
        Column("late", "int", "0/1", "late", known=False),
    ),
)
'''
FEATURES = '''"""Features of an order."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array, Category, Row, Snapshot, Where
from plumbline.core.usecase import FeatureSet
from usecases.shop.contract import CONTRACT

DAWN = 6
EDGES = np.array([1, 5, 10])
KINDS = ("a", "b")


def _clock(at: Array) -> Array:
    """Hour of the day."""
    hours = at.astype("datetime64[h]") - at.astype("datetime64[D]")
    return hours.astype(np.int64)


def hour(at: Array) -> Array:
    """Hour of the day, 0 to 23."""
    return _clock(at)


def night(hour: Array) -> Array:
    """1 from midnight to six, else 0."""
    return (hour < DAWN).astype(np.int64)


def size(cents: Array, buyer_mean_30d: Array) -> Array:
    """Steps of the amount above the buyer's mean."""
    # by position
    above = cents - buyer_mean_30d
    return np.searchsorted(EDGES, above)


def _mean(days: int) -> Snapshot:
    text = f"mean amount of {days} days, cents"
    return Snapshot(f"buyer_mean_{days}d", "buyer", "mean", days, text, "cents", default=5.0)


SNAPSHOTS = (
    *(_mean(days) for days in (7, 30)),
    Snapshot("buyer_late_9d", "buyer", "rate", 9, "share late", "late", matured=True),
    Snapshot("buyer_nights_7d", "buyer", "count", 7, "orders at night", where=(Where("night", 1),)),
)
FEATURES = FeatureSet.of(
    CONTRACT,
    snapshots=SNAPSHOTS,
    categories=(Category("kind_code", "kind", KINDS, "which"),),
    rows=(Row(hour), Row(night), Row(size)),
    derived=("night",),
    features=("cents", "kind_code", *(s.name for s in SNAPSHOTS), "size", "hour"),
)
'''
PATHS = ("usecases/shop/contract.py", "usecases/shop/features.py")
Edit = tuple[str, str]


def texts(*edits: Edit) -> dict[str, str]:
    """The modules with each (old, new) replaced where it stands."""
    result = dict(zip(PATHS, (CONTRACT, FEATURES), strict=True))
    for old, new in edits:
        assert any(old in text for text in result.values()), old
        result = {path: text.replace(old, new) for path, text in result.items()}
    return result


def changes(*edits: Edit, base: tuple[Edit, ...] = ()) -> DefinitionChanges:
    """What differs between the modules with the edits of `base` and with all edits."""
    return declared_definitions.between("shop", texts(*base), texts(*base, *edits))


def said(result: DefinitionChanges) -> list[str]:
    return [line.split(" (")[0].split(",")[0] for line in version_words.lines(result)]


def refused(result: DefinitionChanges) -> list[str]:
    return [text for _, text in version_words.reasons("shop", result)]


ROW_2, NIGHT_2 = ("Row(size)", "Row(size, version=2)"), ("Row(night)", "Row(night, version=2)")
TABLES_2 = ("    features=(", "    version=2,\n    features=(")
VIEW_2 = ("    features=(", '    views={"buyer": 2},\n    features=(')
MEAN_2 = ("default=5.0)", "default=5.0, version=2)")
JUDGED: dict[str, tuple[list[Edit], list[str], list[Edit]]] = {
    "body": ([("hour < DAWN", "hour <= DAWN")], ["redefined: night"], [NIGHT_2]),
    "helper's body": (
        [('astype("datetime64[h]")', 'astype("datetime64[m]")')],
        ["redefined: hour"],
        [("Row(hour)", "Row(hour, version=2)")],
    ),
    "constant": ([("DAWN = 6", "DAWN = 9")], ["redefined: night"], [NIGHT_2]),
    "array of a constant": ([("[1, 5, 10]", "[1, 5]")], ["redefined: size"], [ROW_2]),
    "window": (
        [("(7, 30)", "(7, 30)"), ('"count", 7', '"count", 14')],
        ["redefined: buyer_nights_7d"],
        [("where=(Where(", "version=2, where=(Where(")],
    ),
    "default": (
        [("default=5.0", "default=0.0")],
        ["redefined: buyer_mean_7d", "redefined: buyer_mean_30d"],
        [("default=0.0)", "default=0.0, version=2)")],
    ),
    "condition": (
        [('Where("night", 1)', 'Where("night", 0)')],
        ["redefined: buyer_nights_7d"],
        [("where=(Where(", "version=2, where=(Where(")],
    ),
    "order of a vocabulary": (
        [('KINDS = ("a", "b")', 'KINDS = ("b", "a")')],
        ["redefined: kind_code"],
        [('KINDS, "which")', 'KINDS, "which", version=2)')],
    ),
    "order of the model's features": (
        [('"size", "hour")', '"hour", "size")')],
        ["breaking: the tables"],
        [TABLES_2],
    ),
    "inputs": (
        [("size(cents: Array, buyer_mean_30d", "size(cents: Array, buyer_mean_7d"),
         ("cents - buyer_mean_30d", "cents - buyer_mean_7d")],
        ["redefined: size"],
        [ROW_2],
    ),
    "rename of a row feature": (
        [("def size(", "def steps("), ("Row(size)", "Row(steps)"), ('"size", ', '"steps", ')],
        ["renamed: size → steps", "breaking: the tables"],
        [TABLES_2],
    ),
    "rename of a history": (
        [('"buyer_nights_7d"', '"buyer_late_7d"')],
        ["renamed: buyer_nights_7d → buyer_late_7d", "breaking: view buyer"],
        [VIEW_2],
    ),
    "removed": (
        [(', Row(size))', ')'), ('"size", "hour")', '"hour")')],
        ["removed: size", "breaking: the tables"],
        [TABLES_2],
    ),
    "type": (
        [('"cents", "int"', '"cents", "float"'), ("_mean(days) for days in (7, 30)", "()[:0]"),
         ("buyer_mean_30d", "hour")],
        ["removed: buyer_mean_7d", "removed: buyer_mean_30d", "redefined: size",
         "breaking: view buyer", "breaking: the tables"],
        [("    features=(", '    version=2, views={"buyer": 2},\n    features=('), ROW_2],
    ),
    "unit": ([('"cents", "amount"', '"euros", "amount"')], ["breaking: the tables"], [TABLES_2]),
    "derive rule": ([("100 *", "10 *")], ["breaking: the tables"], [TABLES_2]),
    "eligibility": (
        [("    derived=(", '    eligible=(Only("cents", "paid", low=1),),\n    derived=('),
         ("Row, Snapshot", "Only, Row, Snapshot")],
        ["breaking: the tables"],
        [TABLES_2],
    ),
    "a column that events need": (
        [('        Column("kind"', '        Column("new", "int", "-", "new"),\n        Column("kind"')],
        ["breaking: the tables"],
        [TABLES_2],
    ),
    "label delay": (
        [("label_delay=2", "label_delay=3")],
        ["redefined: buyer_late_9d"],
        [("matured=True", "matured=True, version=2")],
    ),
    "docstring only": ([("1 from midnight to six", "Night or day")], [], []),
    "description only": ([('"orders at night"', '"night orders"')], [], []),
    "comment only": ([("# by position", "# which step")], [], []),
    "local name": ([("above", "more"), ("hours", "span")], [], []),
    "helper's name": ([("_clock", "_hour_of"), ("_mean(", "_average(")], [], []),
    "constant's name": ([("DAWN", "SUNRISE"), ("EDGES", "STEPS"), ("SNAPSHOTS", "KEPT")], [], []),
    "constant written in place": ([("hour < DAWN", "hour < 6"), ("DAWN = 6\n", "")], [], []),
    "annotation": ([("def night(hour: Array) -> Array", "def night(hour)")], [], []),
    "import's name": ([("import numpy as np", "import numpy as xp"), ("np.", "xp.")], [], []),
    "reformat": (
        [("return (hour < DAWN).astype(np.int64)",
          "return (\n        hour\n        < DAWN\n    ).astype(\n        np.int64,\n    )"),
         ("for days in (7, 30)", "for days\n    in (\n        7,\n        30,\n    )")],
        [],
        [],
    ),
    "loop written out": ([("*(_mean(days) for days in (7, 30))", "_mean(7), _mean(30)")], [], []),
    "added with default": (
        [("(7, 30)", "(7, 30, 90)"), ('"hour")', '"hour")')],
        ["added: buyer_mean_90d", "not breaking: view buyer", "breaking: the tables"],
        [TABLES_2],
    ),
    "appended with default": (
        [("    Snapshot(\"buyer_nights",
          '    Snapshot("buyer_count_7d", "buyer", "count", 7, "orders"),\n    Snapshot("buyer_nights'),
         ("*(s.name for s in SNAPSHOTS)",
          '"buyer_mean_7d", "buyer_mean_30d", "buyer_late_9d", "buyer_nights_7d"'),
         ('"size", "hour")', '"size", "hour", "buyer_count_7d")')],
        ["added: buyer_count_7d", "not breaking: view buyer", "not breaking: the tables"],
        [],
    ),
    "added, not in the model": (
        [("Row(size))", "Row(size), Row(_clock))"), ("_clock", "clock")],
        ["added: clock"],
        [],
    ),
    "a column that may be null": (
        [('        Column("late"', '        Column("new", "int", "-", "new", null=True),\n        Column("late"')],
        ["not breaking: the tables"],
        [],
    ),
    "version without a change": ([NIGHT_2], ["version without a change: night"], []),
}  # fmt: skip


@pytest.mark.capability("C35", "C36")
@pytest.mark.parametrize("name", list(JUDGED))
def test_a_change_is_judged_as_a_person_would(name: str) -> None:
    edits, expected, raised = JUDGED[name]
    result = changes(*edits)
    assert (said(result), result.unread) == (expected, None)
    assert bool(refused(result)) is bool(raised)
    with_versions = changes(*edits, *raised)
    assert refused(with_versions) == []


def test_the_message_says_the_line_to_write() -> None:
    assert refused(changes(("hour < DAWN", "hour < 9"))) == [
        "night is redefined (code), still version 1: write Row(night, version=2) in "
        "usecases/shop/features.py"
    ]
    assert (
        'Snapshot("buyer_mean_7d", ..., version=2)'
        in refused(changes(("default=5.0", "default=1.0")))[0]
    )
    renamed = refused(changes(*JUDGED["rename of a history"][0]))
    assert ['views={"buyer": 2} for the FeatureSet' in text for text in renamed] == [True]
    assert "version=2 for the FeatureSet" in refused(changes(("100 *", "10 *")))[0]


@pytest.mark.parametrize(
    ("edits", "text"),
    [
        ([("version=2", "version=1")], "night: from version 2 down to 1"),
        ([("Row(night, version=2)", "Row(night)")], "write Row(night, version=2)"),
        ([("hour < DAWN", "hour < 9")], "still version 2: write Row(night, version=3)"),
        ([("hour < DAWN", "hour < 9"), ("version=2", "version=1")], "down to version 1"),
    ],
)
def test_versions_only_rise(edits: list[Edit], text: str) -> None:
    assert text in refused(changes(*edits, base=(NIGHT_2,)))[0]


def test_a_name_that_comes_back_is_held_against_the_release() -> None:
    """Removed in one change and declared anew in the next, it cannot have the version of another definition."""
    gone = texts(("Row(hour), Row(night), Row(size)", "Row(hour), Row(size)"), ("    derived=(\"night\",),\n", ""),
                 ('    Snapshot("buyer_nights_7d", "buyer", "count", 7, "orders at night", where=(Where("night", 1),)),\n', ""))  # fmt: skip
    other = texts(("hour < DAWN", "hour < 9"))
    text = "; ".join(refused(declared_definitions.between("shop", gone, other, texts())))
    assert "night is redefined (code), still version 1: write Row(night, version=2)" in text
    raised = texts(("hour < DAWN", "hour < 9"), NIGHT_2)
    for side in (texts(), raised):
        result = declared_definitions.between("shop", gone, side, texts())
        assert [text for text in refused(result) if "night is" in text] == []


def test_what_a_redefined_feature_changes_is_named() -> None:
    lines = list(version_words.lines(changes(("hour < DAWN", "hour < 9"), NIGHT_2)))
    assert lines == [
        "redefined: night (code), version 1 → 2; also changes buyer_nights_7d, view buyer"
    ]


def test_a_view_s_version_moves_with_what_is_behind_it() -> None:
    sides = [live_definitions.by_text("shop", texts(*edits)) for edits in ((), (NIGHT_2,))]
    assert [view_version(side, "buyer") for side in sides] == ["1.0", "1.1"]
    assert view_digest(sides[0], "buyer") == view_digest(sides[1], "buyer")


@pytest.mark.capability("C21")
def test_what_use_cases_share_is_followed() -> None:
    """A constant in a shared module redefines the feature of each use case that reads it."""
    edits = [("DAWN = 6\n", "from usecases.shared import clock\n"), ("< DAWN", "< clock.dawn()")]
    whole = "def dawn():\n    return HOUR\n\n\nHOUR = {}\n"
    sides = [{**texts(*edits), "usecases/shared/clock.py": whole.format(h)} for h in (6, 9)]
    result = declared_definitions.between("shop", *sides)
    assert (result.unread, said(result)) == (None, ["redefined: night"])


@pytest.mark.parametrize("package", ["usecases/__init__.py", "usecases/shared/__init__.py"])
def test_what_a_package_does_when_it_is_imported_counts(package: str) -> None:
    edits = [("DAWN = 6\n", "from usecases.shared.clock import DAWN\n")]
    clock = {"usecases/shared/clock.py": "DAWN = 6\n"}
    patch = "import usecases.shared.clock\nusecases.shared.clock.DAWN = 9\n"
    sides = [{**texts(*edits), **clock, package: text} for text in ('"""Shared."""\n', patch)]
    assert declared_definitions.between("shop", *sides).unread is not None
    assert declared_definitions.between("shop", sides[0], {**sides[0], package: ""}).unread is None


EVASIONS: dict[str, list[Edit]] = {
    "patched after its definition": [("SNAPSHOTS = (", "night.__code__ = size.__code__\nSNAPSHOTS = (")],
    "patched by an assignment": [
        ("SNAPSHOTS = (", "_ = object.__setattr__(night, '__code__', size.__code__)\nSNAPSHOTS = (")
    ],
    "global set in a call": [
        ("SNAPSHOTS = (", "def _patch():\n    global DAWN\n    DAWN = 9\n\n\n_ = _patch()\nSNAPSHOTS = (")
    ],
    "library patched": [("SNAPSHOTS = (", "np.searchsorted = max\nSNAPSHOTS = (")],
    "names of the module": [("SNAPSHOTS = (", "globals()['DAWN'] = 9\nSNAPSHOTS = (")],
    "executed text": [("SNAPSHOTS = (", "exec('DAWN = 9')\nSNAPSHOTS = (")],
    "in a default": [
        ("def night(hour: Array)", "def _set(x):\n    global DAWN\n    DAWN = 9\n\n\ndef night(hour: Array, *, _x=_set(1))")
    ],
    "in an annotation": [("def night(hour: Array)", "def night(hour: exec('DAWN = 9'))")],
    "in a decorator": [("def night(", "@exec\ndef night(")],
    "in a class": [("SNAPSHOTS = (", "class A:\n    night.__code__ = size.__code__\n\n\nSNAPSHOTS = (")],
    "in a loop of a library": [("SNAPSHOTS = (", "_ = np.vectorize(hour)(1)\nSNAPSHOTS = (")],
    "computed declarations": [("SNAPSHOTS = (", "SNAPSHOTS = eval('()') + (")],
    "endless": [("SNAPSHOTS = (", "X = [a for a in range(99999) for b in range(99999)]\nSNAPSHOTS = (")],
    "no Python": [("SNAPSHOTS = (", "((((\nSNAPSHOTS = (")],
    "in a circle": [("DERIVE =", "from usecases.shop.features import DAWN\nDERIVE =")],
}  # fmt: skip


@pytest.mark.parametrize("name", list(EVASIONS))
def test_what_only_running_would_tell_is_refused(name: str) -> None:
    result = changes(*EVASIONS[name])
    assert result.unread is not None
    assert "cannot tell whether features are defined otherwise: " in refused(result)[0]
    if name != "no Python":
        assert changes(("# by position", "# other"), base=tuple(EVASIONS[name])).unread is None


@pytest.mark.parametrize("value", ["9 ** 9 ** 9", "'x' * 9999999999", "f'{1:999999999}'"])
def test_a_value_without_bound_is_not_computed(value: str) -> None:
    assert changes(("DAWN = 6", f"DAWN = 6\nX = {value}")).changes == []
    assert said(changes(("hour < DAWN", f"hour < {value}"))) == ["redefined: night"]


HIDDEN: dict[str, list[Edit]] = {
    "shadowed by a lambda": [
        ("return (hour < DAWN)", "f = lambda DAWN: DAWN\n    return (hour < DAWN)"),
    ],
    "shadowed in a loop": [("return (hour < DAWN)", "x = [DAWN for DAWN in (1,)]\n    return (hour < DAWN)")],
    "in its own loop": [("return (hour < DAWN)", "x = [DAWN for DAWN in range(DAWN)]\n    return (hour < x[0])")],
    "by another module": [("import CONTRACT\n", "import *\n"), ("DAWN = 6\n", ""), ("DERIVE =", "DAWN = 6\nDERIVE =")],
    "as an attribute": [
        ("from usecases.shop.contract import CONTRACT\n", "from usecases.shop import contract\nfrom usecases.shop.contract import CONTRACT\n"),
        ("hour < DAWN", "hour < contract.DAWN"), ("DAWN = 6\n", ""), ("DERIVE =", "DAWN = 6\nDERIVE ="),
    ],
    "assigned again": [("SNAPSHOTS = (", "DAWN = DAWN + 0\nSNAPSHOTS = (")],
    "in a helper's helper": [
        ("def _clock", "def _limit():\n    return DAWN\n\n\ndef _limits():\n    return [_limit()]\n\n\ndef _clock"),
        ("hour < DAWN", "hour < _limits()[0]"),
    ],
    "in a nested function": [("return (hour < DAWN)", "def f():\n        return DAWN\n    return (hour < f())")],
    "in a list": [("DAWN = 6\n", "DAWN = 6\nALL = {'dawn': [DAWN]}\n"), ("hour < DAWN", "hour < ALL['dawn'][0]")],
    "appended to a list": [("DAWN = 6\n", "DAWN = 6\nALL = []\nALL.append(DAWN)\n"), ("hour < DAWN", "hour < ALL[0]")],
    "in an array": [("DAWN = 6\n", "DAWN = 6\nALL = np.array([DAWN])\n"), ("hour < DAWN", "hour < ALL[0]")],
}  # fmt: skip


@pytest.mark.parametrize("name", list(HIDDEN))
def test_a_constant_is_followed_wherever_it_is_hidden(name: str) -> None:
    before = tuple(HIDDEN[name])
    result = changes(("DAWN = 6", "DAWN = 9"), base=before)
    assert (result.unread, said(result)) == (None, ["redefined: night"])


def test_a_definition_is_read_as_it_is_imported() -> None:
    """The hash in the catalog is that of the review's reading."""
    for name in ("card_fraud", "flights"):
        features = usecase_loader.load_features(name)
        live = live_definitions.of(features)
        assert live == live_definitions.by_text(name, live_definitions.texts(name))
        assert live.keys() == definition_items.of(features, lambda _: "").keys()
