"""The command line made of the records of its commands, by typer, and its `--help` in groups.

This module imports typer, so that `main.py` imports it only after asking whether typer is there.
"""

# No `from __future__ import annotations`: typer reads those of `root`.
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
import typer.core

from .command import Command, Option

# a line of help that is longer is hard to read
_WIDEST = 120
# the widest name of an option beside which its text begins
_COLUMN = 26
# of a default that stands on one line
_SHORT = 40
_NO_BREAK = "\u00a0"


def app_of(commands: Sequence[Command], *, version: Callable[[], str]) -> Any:
    """The command line, whose commands return their work as a function.

    The work is done outside typer, so that the caller reports Ctrl-C and errors.

    Parameters
    ----------
    commands : sequence of Command
    version : callable
        Gives what ``--version`` prints.

    Returns
    -------
    typer.Typer
    """
    app = typer.Typer(
        rich_markup_mode=None,  # which would take [default: relu] for markup, and leave it out
        pretty_exceptions_enable=False,
        help="Reverse-mode automatic differentiation for NumPy and CuPy.",
        context_settings={"max_content_width": _WIDEST},
    )

    def tell_version(asked: bool) -> None:
        if asked:
            typer.echo(f"pullback {version()}")
            raise typer.Exit

    @app.callback()
    def root(
        show_version: Annotated[
            bool,
            typer.Option(
                "--version",
                help="Print the version and exit.",
                is_eager=True,
                callback=tell_version,
            ),
        ] = False,
    ) -> None:
        """Reverse-mode automatic differentiation for NumPy and CuPy."""

    for command in commands:
        app.command(
            command.name, cls=_class_of(command), help=command.text, short_help=command.short
        )(_function_of(command))
    return app


def _function_of(command: Command) -> Callable[..., Callable[[], int]]:
    """A function with the signature of the command's options, as typer reads it."""

    def call(**given: Any) -> Callable[[], int]:
        texts = {
            name: separator.join(given[name]) if given[name] else None
            for name, separator in separators.items()
        }
        return lambda: command.work(**{**given, **texts})

    separators = {
        option.name: option.separator
        for option in command.options
        if option.many and not option.argument
    }
    parameters = [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if option.required else option.value,
            annotation=_annotation(option),
        )
        for option in command.options
    ]
    call.__name__ = command.name
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # typer reads it
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    return call


def _annotation(option: Option) -> Any:
    kind: Any = option.kind if option.required or option.value is not None else option.kind | None
    if option.many:
        kind = list[kind] if option.argument else list[str] | None
    told: dict[str, Any] = {"help": option.help, "show_default": False}
    if option.kind is not bool:
        told["metavar"] = option.place
    if option.choices:
        told["autocompletion"] = lambda incomplete: [
            choice for choice in option.choices if choice.startswith(incomplete)
        ]
    if option.argument:
        return Annotated[kind, typer.Argument(**told)]
    return Annotated[kind, typer.Option(option.flags, **told)]


def _class_of(command: Command) -> type[typer.core.TyperCommand]:
    groups = {option.name: option.group for option in command.options}

    class Grouped(typer.core.TyperCommand):
        """A command whose help shows its options under the headings of their groups."""

        def format_options(self, ctx: Any, formatter: Any) -> None:
            """Write the sections; options that are no record's, as --help, come last."""
            sections: dict[str, list[tuple[str, str]]] = {}
            for param in self.get_params(ctx):
                record = param.get_help_record(ctx)
                if record is not None:
                    name, text = record
                    if param.param_type_name == "argument":
                        name, text = name.split()[0], text.removesuffix("  [required]")
                    heading = groups.get(param.name or "", "Help")
                    sections.setdefault(heading, []).append((name, _unbroken(text)))
            # one column for the names of all sections
            widest = max(len(name) for records in sections.values() for name, _ in records)
            for heading, records in sections.items():
                with formatter.section(heading):
                    formatter.write_dl(
                        [(name.ljust(min(widest, _COLUMN)), text) for name, text in records],
                        col_max=_COLUMN,
                    )
            formatter.buffer[:] = [piece.replace(_NO_BREAK, " ") for piece in formatter.buffer]

    return Grouped


def _unbroken(text: str) -> str:
    """The text, of which a short default does not end on another line than it begins."""
    before, bracket, default = text.rpartition("[default: ")
    if not bracket or len(default) > _SHORT:
        return text
    return before + (bracket + default).replace(" ", _NO_BREAK)
