"""Which test files carry which of the rubric's ids, read from the text of the tests."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

MARK = "mltest"


def declared(root: Path) -> dict[str, list[str]]:
    """Per id the files under tests/ whose tests carry `@pytest.mark.mltest(id)`, sorted."""
    result: dict[str, list[str]] = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        for id in sorted(_ids(path)):
            result[id].append(str(path.relative_to(root)))
    return dict(result)


def _ids(path: Path) -> set[str]:
    calls = [
        n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)
    ]
    named = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == MARK]
    return {str(a.value) for c in named for a in c.args if isinstance(a, ast.Constant)}
