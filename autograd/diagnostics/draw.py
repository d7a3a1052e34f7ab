"""The computation graph as a picture: `draw`."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .graph import input_name, trace
from .graph_text import dot, mermaid

LANGUAGES = {"mermaid": mermaid, "dot": dot}
DIRECTIONS = ("down", "right")
# what a file's name ends in -> the language of its text; None where it may be either
SUFFIXES = {
    ".svg": None, ".png": None, ".pdf": None, ".txt": None,
    ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".md": "mermaid",
}  # fmt: skip
# what each picture has at its beginning, or near it
PICTURES = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF"}
# seconds that `dot` may take: a graph of a thousand nodes takes a few
PATIENCE = 60.0


class Drawing(str):
    """The text of a graph; a notebook shows its picture, where Graphviz is installed.

    Attributes
    ----------
    graph : str
        The same graph in Graphviz's language.
    """

    graph: str

    def _repr_svg_(self) -> str | None:
        if shutil.which("dot") is None:
            return None
        try:
            return _picture(self.graph, ".svg", "the notebook").decode("utf-8")
        except (RuntimeError, UnicodeDecodeError) as error:
            warnings.warn(f"the text is shown in place of the picture: {error}", stacklevel=2)
            return None


def draw(
    f: Callable[..., Any],
    *args: Any,
    language: str | None = None,
    signals: bool = False,
    direction: str = "down",
    file: str | os.PathLike[str] | None = None,
) -> str:
    """Draw the computation graph of ``f(*args)``: each quantity with its shape and dtype.

    Inputs have the names of the function's parameters, the leaves of a model or another tree their paths behind them.
    Constants are left out.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees of floating-point arrays; returns the same. Of a compiled function the program is drawn,
        a box for each of its statements.
    *args
        Where to evaluate it.
    language : {"mermaid", "dot"}, optional
        Of the text: Mermaid, which many editors and web pages show as it is, or Graphviz's language. Without it, that
        of the file if it is text, else Mermaid.
    signals : bool
        Write each quantity's error signal (cotangent) in it, from ones at the outputs, and draw what it is the sum of:
        an arrow back from each operation to each of its inputs. That of a single number is written as it is, else its
        Euclidean norm with the sign of its elements (± where they have both, |norm| of complex ones).
    direction : {"down", "right"}
        Where the computation goes.
    file : path, optional
        Also write it there, by its suffix: ``.svg``, ``.png`` and ``.pdf`` are pictures, made by Graphviz's program
        ``dot``; ``.dot``, ``.gv``, ``.mmd``, ``.mermaid``, ``.md`` (a block of Mermaid) and ``.txt`` are text.

    Returns
    -------
    str
        The text of the graph. A notebook shows it as a picture where ``dot`` is installed.

    Raises
    ------
    ValueError
        For an unknown language, direction or suffix, or a language that is not the suffix's.
    RuntimeError
        If a picture is asked for and ``dot`` is not there, fails, or takes longer than a minute.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> print(pb.draw(lambda x: pb.xp.sum(pb.xp.exp(x)), np.ones(3)))
    flowchart TD
        v0(["x<br/>(3,) float64"])
        v1["exp<br/>(3,) float64"]
        v2["sum<br/>() float64"]
        v0 --> v1
        v1 --> v2

    Error signals add up where a quantity is used twice; ``file="graph.svg"`` writes the picture.

    >>> print(pb.draw(lambda x: x * x, np.asarray(3.0), signals=True))
    flowchart TD
        v0(["x<br/>() float64<br/>signal 6"])
        v1["multiply<br/>() float64<br/>signal 1"]
        v0 --> v1
        v0 --> v1
        v1 -. "3" .-> v0
        v1 -. "3" .-> v0
    """
    path = None if file is None else Path(file)
    language = _language(language, path)
    if direction not in DIRECTIONS:
        raise ValueError(f"draw: direction {direction!r}: choose one of {', '.join(DIRECTIONS)}")
    if path is not None and not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "draw: there is no such folder", str(path.parent))
    if path is not None and path.suffix.lower() in PICTURES:
        _check_dot(f"writing {path.name!r}")
    if hasattr(f, "nodes") and not signals:
        # what `compile` made of it
        nodes = [n if n.inputs else replace(n, name=input_name(f, n.name)) for n in f.nodes(*args)]
    else:
        nodes = trace(f, *args, signals=signals)
    drawing = Drawing(LANGUAGES[language](nodes, direction))
    drawing.graph = dot(nodes, direction)
    if path is not None:
        _write(path, _content(drawing, path))
    return drawing


def _language(language: str | None, path: Path | None) -> str:
    if language is not None and language not in LANGUAGES:
        raise ValueError(f"draw: language {language!r}: choose one of {', '.join(LANGUAGES)}")
    if path is None:
        return language or "mermaid"
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"draw: file {path.name!r}: its suffix says what to write; choose one of {' '.join(SUFFIXES)}"
        )
    needed = SUFFIXES[suffix]
    if language is not None and needed is not None and language != needed:
        raise ValueError(
            f"draw: file {path.name!r} is written in {needed!r}, and language={language!r} asks for another; "
            "leave `language` out, or change the suffix"
        )
    return language or needed or "mermaid"


def _content(drawing: Drawing, path: Path) -> bytes:
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return _picture(drawing.graph, suffix, path.name)
    text = f"```mermaid\n{drawing}\n```\n" if suffix == ".md" else f"{drawing}\n"
    return text.encode("utf-8")


def _check_dot(what: str) -> str:
    program = shutil.which("dot")
    if program is None:
        raise RuntimeError(
            f"draw: {what} takes Graphviz's program `dot`, and there is none on the PATH. Install it "
            "(`apt install graphviz`, `brew install graphviz`, `conda install graphviz`), or write text, which needs "
            "nothing: a file that ends in .mmd or .dot; without `file` the text is returned"
        )
    return program


def _picture(graph: str, suffix: str, what: str) -> bytes:
    """What `dot` makes of a graph."""
    settings = ["-Gdpi=192"] if suffix == ".png" else []
    nodes = graph.count("[label=<")
    try:
        done = subprocess.run(
            [_check_dot(f"drawing {what!r}"), f"-T{suffix[1:]}", *settings],
            input=graph.encode("utf-8"),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(
            f"draw: `dot` took more than {PATIENCE:g} s for the {nodes} quantities of {what!r}: draw a part of the "
            "function, or a smaller one; .mmd and .dot files are written at once"
        ) from None
    except OSError as error:  # a file of this name that is no program
        raise RuntimeError(f"draw: `dot` could not be started: {error}") from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip() or "nothing"
        raise RuntimeError(
            f"draw: `dot` could not draw {what!r}, and ended with code {done.returncode}. It said: {said[:500]}"
        )
    if PICTURES[suffix] not in done.stdout[:2000]:
        raise RuntimeError(
            f"draw: what `dot` made of {what!r} is no {suffix[1:].upper()}: it begins with {done.stdout[:40]!r}. Is "
            f"{shutil.which('dot')} Graphviz's?"
        )
    # of a PDF, the date: the same graph is the same file (same length, since a table counts bytes)
    return re.sub(rb"(/CreationDate \(D:)\d{14}", rb"\g<1>19700101000000", done.stdout)


def _write(path: Path, content: bytes) -> None:
    """Write to a temporary name and rename, so that no half-written picture is left."""
    import uuid  # loads `socket`: a millisecond of `import pullback`

    target = Path(os.path.realpath(path))  # where a link leads
    temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    except OSError as error:
        # the name that was asked for, and not the temporary one
        raise type(error)(error.errno, f"draw: {error.strerror}", str(path)) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
