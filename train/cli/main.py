"""The command `pullback`: `train`, `tune`, `predict` and the others, one module each.

Exit codes: 0 done; 1 the loss became NaN or infinite (the best weights until then are written);
2 something given cannot be used, or another rank has failed, as one line on stderr says; 130 ended by Ctrl-C, 143 by
SIGTERM, 129 by SIGHUP (with what there was: `pullback train --resume RUN` goes on).
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from ...backend import BackendError
from ...distributed import DistributedError
from ..errors import InputError, extra
from ..fitting.signals import Interrupt, Terminated, ended, started, terminations_raised
from ..importing import signals_later
from ..terminal import drop_output
from . import compare, evaluate, info, predict, runs, sample, train, tune
from .command import Command
from .ending import BAD_INPUT, SIGNALLED, rank, report_error

# in the order of `pullback --help`
COMMANDS = (
    train.COMMAND,
    tune.COMMAND,
    evaluate.COMMAND,
    predict.COMMAND,
    sample.COMMAND,
    runs.COMMAND,
    compare.COMMAND,
    info.COMMAND,
)


def main(arguments: Sequence[str] | None = None, *, commands: Sequence[Command] = COMMANDS) -> int:
    """Run the command line, and return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after ``pullback``; of this process if None.
    commands : sequence of Command
        In the order of ``pullback --help``.
    """
    # "building the font cache", and the like, in the midst of a bar
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if arguments is not None:
        return _reported(list(arguments), commands)
    try:
        return _reported(sys.argv[1:], commands)
    finally:
        ended()


def _reported(arguments: list[str], commands: Sequence[Command]) -> int:
    try:
        started()
        with terminations_raised():
            code = _run(arguments, commands)
            # now, and not at exit, where Python would complain that nobody reads any more
            sys.stdout.flush()
            return code
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, Terminated) else int(signal.SIGINT)
        return report_error(
            f"{Interrupt(number=number)}; files that are there are whole", SIGNALLED + number
        )
    # the reader, such as `head`, has enough
    except BrokenPipeError:
        drop_output()
        return 0
    except SystemExit as error:
        # typer's way to say the same
        if isinstance(error.__context__, BrokenPipeError):
            drop_output()
            return 0
        # the code by which shells know whether there is anything to complete
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except OSError as error:
        drop_output()
        return report_error(f"cannot write the output: {error.strerror or error}", BAD_INPUT)
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        return report_error(
            f"cannot write {character!a} in the output's encoding, {error.encoding}: "
            "set PYTHONIOENCODING=utf-8, or use --output",
            BAD_INPUT,
        )


def _run(arguments: list[str], commands: Sequence[Command]) -> int:
    try:
        extra("typer", "the command line")
        # typer would make an exit code of a signal, and say nothing
        with signals_later():
            work = _app(commands)(
                args=arguments or ["--help"], prog_name="pullback", standalone_mode=False
            )
        return work() if callable(work) else int(work or 0)
    except (InputError, BackendError, DistributedError) as error:
        return report_error(str(error), BAD_INPUT)
    except MemoryError as error:
        what = f" ({error})" if str(error) else ""
        where = f"rank {rank()}: " if rank() else ""
        return report_error(
            f"{where}not enough memory{what}: choose a smaller network or batch",
            BAD_INPUT,
            alone=True,
        )
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        # typer's own complaints about options, whichever click they come from.
        return report_error(error.format_message(), BAD_INPUT)


def _app(commands: Sequence[Command]) -> Any:
    from .app import app_of  # imports typer

    return app_of(commands, version=lambda: metadata.version("pullback"))
