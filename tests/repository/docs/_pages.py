"""A page's code, taken apart and run as its reader would run it: from top to bottom, in one process.

What is asked of a page's blocks:

- ``python`` is run; where it begins with ``>>>``, each example prints what stands below it. Else what it prints is the
  ``text`` block behind it, or what the comments behind its calls of `print` say, or nothing.
- ``bash`` gives commands that exist, with options that exist (`commands`). Behind ``<!-- tests: run -->`` its calls of
  ``pullback`` are run too, and print the ``text`` block behind them.
- ``<!-- tests: not run: REASON -->`` in front of a block leaves it out; `test_pages.py` lists all of these.
- ``<!-- tests: SCIPY_ARRAY_API=1 -->`` at the top of a page sets a variable before anything is imported.
"""

from __future__ import annotations

import contextlib
import doctest
import functools
import io
import re
import shlex
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from .._doctests import FLAGS, Checker

ROOT = Path(__file__).resolve().parents[3]
MARK = re.compile(r"^<!-- tests: (.*?) -->$", re.MULTILINE)
FENCE = re.compile(r"^( *)(`{3,})(\S*)[^\n]*\n(.*?)^\1\2 *$", re.DOTALL | re.MULTILINE)
SAYS = re.compile(r"^(?: *|.*; )print\(.*\)  # (.*)$|^\)  # (.*)$", re.MULTILINE)
PROMPT = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:mpirun (?:-\S+ )*(?:\d+ )?)?")


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, its code, the line of its first line, its mark, and what it prints."""

    language: str
    code: str
    line: int
    mark: str
    output: str | None

    @property
    def left_out(self) -> str:
        """The reason for which it is not run, or an empty text."""
        return self.mark.removeprefix("not run: ") if self.mark.startswith("not run: ") else ""


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = list(FENCE.finditer(text))
    out = []
    for here, behind in zip_longest(found, found[1:]):
        before = text[: here.start()].rstrip().splitlines()[-1:] or [""]
        mark = MARK.fullmatch(before[0].strip())
        follows = behind is not None and not text[here.end() : behind.start()].strip()
        output = behind[4] if behind is not None and follows and behind[3] == "text" else None
        indent = len(here[1])
        code = "".join(line[indent:] or "\n" for line in here[4].splitlines(keepends=True))
        line = text[: here.start(4)].count("\n") + 1
        out.append(Block(here[3], code, line, mark[1] if mark else "", output))
    return out


def variables(text: str) -> dict[str, str]:
    """The environment that a page asks for."""
    return dict(re.findall(r"^<!-- tests: ([A-Z_]+)=(\S+) -->$", text, re.MULTILINE))


def _same(page: str, block: Block, printed: str, expected: str) -> None:
    """Compare, line by line and blank lines aside, as examples of docstrings are compared."""
    strip = lambda s: "".join(f"{line}\n" for line in s.splitlines() if line.strip())
    if not Checker().check_output(strip(expected), strip(printed), FLAGS):
        raise AssertionError(f"{page}:{block.line} prints\n{printed}\nand not\n{expected}")


def _program(page: str, block: Block, names: dict[str, Any]) -> None:
    """Run a block without prompts."""
    out = io.StringIO()
    # as many empty lines in front as the page has, so that errors tell its lines
    code = compile("\n" * (block.line - 1) + block.code, page, "exec")
    with contextlib.redirect_stdout(out), np.printoptions(legacy=False):
        exec(code, names)
    said = "\n".join("".join(parts) for parts in SAYS.findall(block.code))
    _same(page, block, out.getvalue(), said if block.output is None else block.output)


def _examples(page: str, block: Block, names: dict[str, Any]) -> None:
    """Run a block with prompts."""
    test = doctest.DocTestParser().get_doctest(block.code, names, page, page, block.line - 1)
    test.globs = names  # the page's own names: the parser has copied them
    if not test.examples:
        raise AssertionError(f"{page}:{block.line} has no example")
    with np.printoptions(legacy=False):
        runner = doctest.DocTestRunner(checker=Checker(), optionflags=FLAGS, verbose=False)
        told: list[str] = []
        if runner.run(test, out=told.append, clear_globs=False).failed:
            raise AssertionError("".join(told))


def _shell(page: str, block: Block) -> None:
    """Run a block's calls of the command `pullback`."""
    from pullback.train import cli

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for line in commands(block.code):
            if line[0] == "pullback" and (code := cli.main(line[1:])):
                raise AssertionError(f"{page}:{block.line}: {shlex.join(line)} ended with {code}")
    if block.output is not None:
        _same(page, block, out.getvalue(), block.output)


def run_page(path: str) -> None:
    """Run all of a page's code in this process, which is left changed."""
    page = Path(path).relative_to(ROOT).as_posix()
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(Path(path).read_text(encoding="utf-8")):
        if block.left_out:
            continue
        if block.language == "python":
            (_examples if block.code.startswith(">>>") else _program)(page, block, names)
        elif block.language == "bash" and block.mark == "run":
            _shell(page, block)


def commands(code: str) -> list[list[str]]:
    """The commands of a shell's block, without prompts, variables and what starts ranks, as words."""
    lines = code.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(PROMPT.sub("", line), comments=True))]


@functools.cache
def _command_line() -> Any:
    from typer.main import get_command

    from pullback.train.cli.app import app_of
    from pullback.train.cli.main import COMMANDS

    return get_command(app_of(COMMANDS, version=str))


def complaints(words: list[str]) -> str:
    """What is wrong with a command of a page, or an empty text: commands, options, targets, files and extras exist."""
    # typer's own option is not tried, because it writes to the files of one's shell
    if words[0] == "pullback" and words[1:] and "--install-completion" not in words:
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # of --help
                # reads the options, and gives the work as a function, which is not called
                _command_line()(words[1:], standalone_mode=False)
        except Exception as error:
            # typer brings a click of its own from 0.29 on, another one before
            if not hasattr(error, "format_message"):
                raise
            return error.format_message()
        return ""
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        named = [w for w in words[1:] if "=" not in w]
        return "" if set(named) <= set(targets) else f"no target {named}"
    if words[:2] == ["pip", "install"]:
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        extras = re.findall(r"^([a-z0-9]+) = \[", text, re.MULTILINE)
        asked = [e for w in words for m in re.findall(r"\[(.*)\]", w) for e in m.split(",")]
        return "" if set(asked) <= set(extras) else f"no extra {asked}"
    if words[0] == "python" and words[1:] and words[1].endswith(".py") and "/" in words[1]:
        return "" if (ROOT / words[1]).exists() else f"no file {words[1]}"
    return ""
