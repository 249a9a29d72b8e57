"""``python -m decent_gym``: the command ``decent-gym``."""

import sys

from decent_gym.cli import main

if __name__ == "__main__":
    sys.exit(main())
