"""`python -m pullback` is the command `pullback`: the commands of `train`, and that of the playground.

They are put together here, as `train` knows nothing of the playground.
"""

import sys
from collections.abc import Sequence

from .playground.command import COMMAND as PLAYGROUND
from .train.cli.main import COMMANDS
from .train.cli.main import main as command_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return the exit code."""
    return command_line(arguments, commands=(*COMMANDS, PLAYGROUND))


if __name__ == "__main__":
    sys.exit(main())
