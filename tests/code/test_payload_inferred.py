"""Payloads in a table from which a use case is written: the code declares, the params are values, nothing else."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from plumbline.core.errors import PlumblineError
from plumbline.ops import infer
from plumbline.ops.infer import Guess, add_usecase
from plumbline.ops.table_profile import table_blocks, targets
from plumbline.ops.table_profile.profiling import TableQuestions
from plumbline.report import html
from tests.code.test_infer import table
from tests.code.test_payload_documents import Shown
from tests.code.test_payloads import HIDDEN
from tests.payloads import PAYLOADS

CODE = (
    '"""\nimport os\nos.abort()\n"""',
    "'''\nimport os\n'''",
    '"); __import__("os").abort(); ("',
    "'); __import__('os').abort(); ('",
    "x\n)\nimport os\nos.abort()\nCOLUMNS = (",
    "x\\",
    'x\\"',
    "\\N{DIGIT ONE}\\x41\\u0041",
    "{__import__('os').abort()}",
    "%s %(x)s {0} {x!r}",
    "# comment\nimport os",
    "a: b\n- c\nshop: {train: {rounds: 1}}",
    "!!python/object/apply:os.abort []",
    "&a [*a]",
    "x' OR 1=1 --",
    'x"; DROP TABLE events; --',
)
ALL = [p.replace("\x00", "") for p in (*CODE, *PAYLOADS)]
KNOWN = {
    *("Array", "Category", "Column", "Contract", "Entity", "FeatureSet", "Fresh", "Row", "Slice"),
    *("Snapshot", "UseCase", "Use", "of"),
}
"""What the code of a use case calls."""
NAME = "toy"


def columns(values: Sequence[str], headers: Sequence[str]) -> dict[str, Sequence[object]]:
    """A table with these texts as categories, and these headers over numbers."""
    draw = random.Random(3)
    number = [draw.random() for _ in range(300)]
    texts = {f"text{i}": [v, "plain", "other"] for i, v in enumerate(values)}
    return {
        "id": range(1000, 1300),
        **{name: [draw.choice(some) for _ in range(300)] for name, some in texts.items()},
        **{h: [draw.random() for _ in range(300)] for h in headers},
        "label": [round(n + draw.random(), 3) for n in number],
    }


def guesses(folder: Path) -> Iterator[Guess]:
    """Use cases of tables that hold all payloads, each as a value and as a header where that is taken."""
    for number, some in enumerate(_parts(ALL, 16)):
        for given in ((some, ()), *([(some[:1], some)] if number < 2 else ())):
            file = folder / f"{number}.csv"
            try:
                yield infer.infer(table(file, columns(*given)), "label", name=NAME)
            except PlumblineError:  # a header that is no name
                if not given[1]:
                    raise


def _parts(texts: Sequence[str], size: int) -> list[Sequence[str]]:
    return [texts[i : i + size] for i in range(0, len(texts), size)]


def test_the_code_only_declares(tmp_path: Path) -> None:
    count = 0
    for guess in guesses(tmp_path):
        count += 1
        for text in guess.modules.values():
            assert not HIDDEN.search(text)
            tree = ast.parse(text)
            assert set(map(type, tree.body)) <= {
                *(ast.Expr, ast.ImportFrom, ast.Import, ast.Assign, ast.FunctionDef)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    module = getattr(node, "module", None) or node.names[0].name
                    assert module.split(".")[0] in ("__future__", "plumbline", "usecases", "numpy")
                if isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute):
                    assert ast.unparse(node.func) in KNOWN, ast.unparse(node)
        section = yaml.safe_load(guess.section_text)
        assert list(section) == [NAME]
    assert count >= len(ALL) / 16


def test_the_page_of_a_table_that_is_looked_at(tmp_path: Path) -> None:
    """Headers and values of a stranger's table: no tag beyond the page's own, no address, no handler."""
    tags: list[set[tuple[str, ...]]] = []
    for some in (["plain words"] * 4, ALL[:40], ALL[40:]):
        questions = TableQuestions("label", None, None, None, None)
        file = table(tmp_path / "t.csv", columns(some, []))
        page = Shown.of(html.render(table_blocks.blocks(targets.profile(str(file), questions))))
        tags.append(page.tags)
        assert not HIDDEN.search(page.text)
    extra = set().union(*tags[1:]) - tags[0]
    allowed = {"li", "p", "ul", "code", "strong", "dt", "dd", "details", "summary"}
    assert {tag[0] for tag in extra} <= allowed, extra
    assert all(set(tag[1:]) <= {"class"} for tag in extra), extra


@pytest.mark.parametrize(
    "name", ["a`b![x](http:x).csv", "@all #1 <b>.csv", "x\n# heading\n.csv", "$(id);x.csv"]
)
def test_a_file_name(name: str, tmp_path: Path) -> None:
    """In a note beside the copy it is a name, and nothing else."""
    from markdown_it import MarkdownIt

    guess = infer.infer(table(tmp_path / name, columns(["a"], ["size"])), "label", name=NAME)
    found = MarkdownIt().parse(add_usecase._readme(guess))
    kinds = {t.type for token in found for t in (token, *(token.children or ()))}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}, kinds
    assert sum(token.type == "heading_open" for token in found) == 1
    assert guess.source_name in ("toy.csv", f"{NAME}.csv"), "not the stranger's"
