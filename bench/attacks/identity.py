"""A worse model under another name, or with another label."""

from __future__ import annotations

from bench.attacks.edits import Attack, Edit, both, params, renamed, replaced
from bench.attacks.subjects import BOTH, KEY, LABEL, part


def of_usecase(name: str) -> list[Attack]:
    """All of them."""
    other = [one for one in BOTH if one != name]
    problem = replaced(part(name, "contract"), '"regression"', '"classification"')
    edits = {
        "the label renamed through derive": column(name, LABEL[name], "took", LABEL[name]),
        "the keys renumbered through derive": column(
            name, KEY[name], "number", f"CAST({KEY[name]} AS BIGINT) + 1000000"
        ),
        "the use case renamed": renamed(name, "orders"),
        "the use case dropped": params({"usecases": other}),
        "another kind of problem": problem,
        "the label's unit in another word": replaced(
            part(name, "contract"),
            f'Column("{LABEL[name]}", "float"',
            f'Column("{LABEL[name]}", "int"',
        ),
    }
    return [Attack("identity", what, edit) for what, edit in edits.items()]


def column(name: str, old: str, new: str, expression: str) -> Edit:
    """A column of the contract under another name, by an expression."""
    contract = part(name, "contract")
    kind = "key" if old == KEY[name] else "label"
    return both(
        replaced(contract, f'{kind}="{old}"', f'{kind}="{new}"'),
        replaced(contract, f'Column("{old}"', f'Column("{new}"'),
        replaced(
            contract, "    columns=(", f'    derive={{"{new}": "{expression}"}},\n    columns=('
        ),
        *(
            [replaced(part(name, "model"), f'"{old}"', f'"{new}"')]
            if name == "diabetes" and kind == "key"
            else []
        ),
    )
