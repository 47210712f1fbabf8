"""`python -m plumbline COMMAND` is the command `plumbline`."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code (`plumbline.cli.app.main`). The red button does not wait for imports."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["red-button"]:
        from plumbline.ops.serving import press

        press.early(words)
    from plumbline.cli import app

    return app.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
