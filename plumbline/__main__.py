"""`python -m plumbline COMMAND` is the command `plumbline`."""

import sys

from plumbline.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
