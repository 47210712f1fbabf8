"""Declarations read from source: what a change of them is, in whatever way they are written down."""

from __future__ import annotations

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.review import declared_rules, declared_source

CONTRACT = """
FAR = 50
KINDS = ("a", "b")
CONTRACT = Contract(
    name="shop", problem="regression", key="id", label="late", derive={"late": "a + b"},
    columns=(
        Column("id", "int", "-", "number"),
        Column("far", "float", "km", "to the door", min=0, max=FAR),
        Column("kind", "string", "-", "which", allowed=KINDS),
        Column("late", "float", "min", "late", known=False),
    ),
)
"""
MODEL = '''
from usecases.shop.contract import CONTRACT as MADE, FAR

def limit():
    return FAR

def farther(event):
    """Two more."""
    return {"far": event["far"] + min(2, limit())}

SLICES = (Slice("kind", "kind", "which"),)
USECASE = UseCase.of(
    MADE,
    naive="far",
    slices=SLICES,
    behaviours=(Behaviour("farther", "words", farther, "not_lower", share=0.8),),
)
'''


def changes(contract: str = CONTRACT, model: str = MODEL) -> list[str]:
    """What is altered, by name."""
    sides = [
        declared_source.of({"usecases/shop/contract.py": c, "usecases/shop/model.py": m})
        for c, m in ((CONTRACT, MODEL), (contract, model))
    ]
    return list(declared_rules.changes(*sides))


@pytest.mark.parametrize(
    ("old", "new", "altered"),
    [
        ("FAR = 50", "FAR = 3", ["columns.far"]),
        ("FAR = 50", "FAR = 25 * 2", ["columns.far"]),
        ('KINDS = ("a", "b")', 'KINDS = ("a",)', ["columns.kind"]),
        ('label="late"', 'label="far"', ["label"]),
        ('label="late"', 'label="late", label_delay=9', ["label_delay"]),
        ('"late": "a + b"', '"late": "a"', ["derive.late"]),
        ('        Column("kind", "string", "-", "which", allowed=KINDS),\n', "", ["columns.kind"]),
        ("known=False", "known=False, null=True", ["columns.late"]),
    ],
)
def test_a_contract(old: str, new: str, altered: list[str]) -> None:
    found = changes(CONTRACT.replace(old, new))
    assert [n for n in found if n in altered] == altered
    assert set(found) <= {*altered, "behaviours.farther"}, "what reads a constant moves with it"


@pytest.mark.parametrize(
    ("old", "new", "altered"),
    [
        ("min(2, ", "min(0, ", ["behaviours.farther"]),
        ("return FAR", "return 0", ["behaviours.farther"]),
        ("share=0.8", "share=0.1", ["behaviours.farther"]),
        ('naive="far"', 'naive="id"', ["naive"]),
        ("slices=SLICES", "slices=()", ["slices.kind"]),
        ('Slice("kind", "kind", "which"),', "", ["slices.kind"]),
        ("SLICES = (", "SLICES = () and (", ["slices, how listed"]),
        ("slices=SLICES", "slices=SLICES[:0]", ["slices, how listed"]),
        ("slices=SLICES", "slices=tuple(s for s in SLICES if 0)", ["slices, how listed"]),
        ("    slices=SLICES,\n", "", ["slices.kind", "slices, how listed"]),
    ],
)
def test_a_model(old: str, new: str, altered: list[str]) -> None:
    assert old in MODEL
    found = changes(model=MODEL.replace(old, new))
    assert set(altered) <= set(found)


@pytest.mark.parametrize(
    "code",
    [
        "USECASE = replace(USECASE, slices=())\n",
        "object.__setattr__(USECASE, 'slices', ())\n",
        "for s in SLICES: s.edges = ()\n",
        "USECASE.slices = ()\n",
        "exec('x')\n",
        "USECASE.__dict__['slices'] = ()\n",
        "del SLICES\n",
    ],
)
def test_code_after_the_declaration(code: str) -> None:
    assert changes(model=MODEL + code)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SLICES", "PARTS"),
        ("FAR", "FARTHEST"),
        ('"to the door"', '"as the crow flies"'),
        ('"""Two more."""', '"""Two kilometres more."""'),
        ('"words"', '"other words"'),
        ("naive=", "groups=(Slice('far', 'far', 'km', edges=(3,)),),\n    naive="),
        ("SLICES = (", "SLICES = (Slice('far', 'far', 'km'), "),
        ("def limit", "def more(event):\n    return event\n\ndef limit"),
    ],
)
def test_what_alters_nothing(old: str, new: str) -> None:
    assert changes(CONTRACT.replace(old, new), MODEL.replace(old, new)) == []


def test_one_module_in_place_of_two() -> None:
    model = MODEL.replace("MADE,\n", "CONTRACT,\n").replace(
        "import CONTRACT as MADE, FAR", "import x"
    )
    whole = CONTRACT + model
    split = declared_source.of(
        {"usecases/shop/contract.py": CONTRACT, "usecases/shop/model.py": MODEL}
    )
    assert declared_rules.changes(split, declared_source.of({"usecases/shop.py": whole})) == {}


def test_declarations_in_a_source_are_followed() -> None:
    """A list that was moved out of the use case is read where it is."""
    model = MODEL.replace(
        'SLICES = (Slice("kind", "kind", "which"),)', "from sources.shop.parts import SLICES"
    )
    usecase = {"usecases/shop/contract.py": CONTRACT, "usecases/shop/model.py": model}
    name, whole = "sources/shop/parts.py", 'SLICES = (Slice("kind", "kind", "which"),)\n'
    sides = [declared_source.of(usecase, {name: text}) for text in (whole, "SLICES = ()\nrun()\n")]
    assert list(declared_rules.changes(*sides)) == ["slices.kind"]
    before = {"usecases/shop/contract.py": CONTRACT, "usecases/shop/model.py": MODEL}
    assert declared_rules.changes(declared_source.of(before), sides[0]) == {}


@pytest.mark.parametrize(
    "text",
    [
        "((",
        "x = " + "(" * 3000 + ")" * 3000,
        "x" * 600_000,
        "\n".join(
            ["A0 = (1, 1)", *(f"A{i} = (A{i - 1},) * 1, A{i - 1}, A{i - 1}" for i in range(1, 40))]
        )
        + "\nU = UseCase(slices=A39)\n",
        "A = B\nB = A\nx = \x00",
    ],
)
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(PlumblineError):
        declared_source.of({"usecases/shop.py": text})


def test_names_that_go_round() -> None:
    text = "A = B\nB = A\ndef f(x):\n    return g(x)\ndef g(x):\n    return f(x)\n"
    text += "U = UseCase(label=A, behaviours=(Behaviour('b', 'w', f, 'same'),))\n"
    assert declared_source.of({"usecases/shop.py": text})["label"] == {"": "A"}
