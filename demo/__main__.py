"""``python -m demo``: the same as ``wakeword demo``."""

import sys

from wakeword.cli import main

if __name__ == "__main__":
    main(["demo", *sys.argv[1:]])
