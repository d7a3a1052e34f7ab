"""Options and commands as records: what `app.py` makes the command line of, and what `--help` shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_METAVARS = {str: "TEXT", int: "N", float: "X"}


@dataclass(frozen=True)
class Option:
    """An option of a command, or one of its arguments.

    Attributes
    ----------
    name : str
        The keyword with which the command's work takes it, as ``learning_rate``; its option is ``--learning-rate``.
    text : str
        What `--help` says of it.
    default : str
        Words for what it is where it is not given; empty for `value`, if that is not None.
    group : str
        The heading under which `--help` shows it.
    metavar : str
        What stands for its value; empty for TEXT, N or X, by its kind.
    kind : {str, int, float, bool}
        Of its value. A bool whose `value` is None has ``--name`` and ``--no-name``; one that is False has ``--name``.
    value : object
        Its value where it is not given.
    parse : callable, optional
        Makes a setting of the text that was given; it raises `InputError` for one that cannot be used.
    choices : tuple of str
        Values that the shell completes.
    argument : bool
        Whether it stands without a name, in its place.
    required : bool
    many : bool
        Whether it may be given more than once: the value of an argument is a list, that of an option one text.
    separator : str
        What stands between the parts of that text.
    """

    name: str
    text: str
    default: str = ""
    group: str = "Options"
    metavar: str = ""
    kind: type = str
    value: Any = None
    parse: Callable[[str], Any] | None = None
    choices: tuple[str, ...] = ()
    argument: bool = False
    required: bool = False
    many: bool = False
    separator: str = ","

    @property
    def flags(self) -> str:
        """Its name on the command line.

        Examples
        --------
        >>> Option("l2", "Decay.", kind=float).flags, Option("compile", "", kind=bool).flags
        ('--l2', '--compile/--no-compile')
        """
        flag = "--" + self.name.replace("_", "-")
        if self.kind is bool and self.value is None:
            return f"{flag}/--no{flag[1:]}"
        return flag

    @property
    def help(self) -> str:
        """The text with the default.

        Examples
        --------
        >>> Option("folds", "How many parts.", kind=int, value=5).help
        'How many parts.  [default: 5]'
        """
        default = self.default
        if not default and self.value is not None and self.kind is not bool:
            default = f"{self.value:g}" if isinstance(self.value, float) else str(self.value)
        return f"{self.text}  [default: {default}]" if default else self.text

    @property
    def place(self) -> str:
        """What stands for its value in `--help`."""
        return self.metavar or (
            self.name.upper() if self.argument else _METAVARS.get(self.kind, "")
        )


@dataclass(frozen=True)
class Command:
    """A command: its options, and the function that does its work.

    Attributes
    ----------
    name : str
    short : str
        A line for ``pullback --help``.
    text : str
        What its own `--help` begins with.
    options : tuple of Option
        In the order of `--help`. Options of one group stand together.
    work : callable
        ``work(**given)``, with a value for every option by its name; it returns the exit code.
    """

    name: str
    short: str
    text: str
    options: tuple[Option, ...] = field(repr=False)
    work: Callable[..., int] = field(repr=False)

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Of what was given what is not None, in the form that `Settings` takes.

        Raises
        ------
        InputError
            For a text that cannot be used.
        """
        parsers = {option.name: option.parse for option in self.options}
        chosen = {}
        for key, value in given.items():
            if value is not None:
                parse = parsers.get(key)
                chosen[key] = value if parse is None else parse(value)
        return chosen
