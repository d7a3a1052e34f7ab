"""Write docs/numpy.md: every public name of NumPy, whether a derivative passes through it, or what to use instead.

    python tools/numpy_page.py [--check]

Made from `pullback.numpy` and the tables of `autograd/numpy/refusals.py` and `autograd/numpy/methods.py`; what a
function is, is the first line of its docstring. With --check nothing is written, and the exit status says whether the
page is up to date.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import pullback as pb
from pullback.autograd.numpy import arrays, methods, refusals, sections

PAGE = Path(__file__).resolve().parent.parent / "docs" / "numpy.md"

HEAD = """# NumPy, name by name

Made by `tools/numpy_page.py` from `pullback.numpy`; do not edit.

Programs written in NumPy are differentiated as they stand: `np.f(x)` of a traced array, `x.f()` and
`pullback.numpy.f(x)` are one function, with NumPy's signature. `import pullback.numpy as np` makes arrays, too: on the
active backend, NumPy's or CuPy's, and what is written into them is recorded.

```python
import numpy as np
import pullback as pb


def loss(w, x, y):
    r = np.linalg.norm(x @ w - y, axis=0)
    return np.median(r) + np.percentile(np.abs(w), 90)


gradient = pb.grad(loss)(np.ones((3, 2)), np.eye(3), np.zeros((3, 2)))
```

Where it differs from NumPy:

* Results are arrays without axes where NumPy gives its scalars, and stay on the device of their arguments.
* `out=` is refused, as are writes of traced values into NumPy's own arrays, which cannot record them: use `y = f(x)`,
  arrays of `pb.xp.zeros` or `pullback.numpy.array([...])`, or `pb.xp.at(a)[i].set(v)`.
* Views are NumPy's, and writes go through them; but a view of one of NumPy's own arrays is not written to.
* `array([x[0], 1.0])` of float32 elements stays float32: Python's numbers are weak in lists, too.
* Sorts are stable, whatever `kind=` says; `order=` counts where it orders elements (`reshape`, `ravel`, `flatten`).
* Functions whose results' shapes depend on values (`unique`, `nonzero`, `compress`, …) read them, which a compiled
  function cannot.

In the tables, *constant* says that the result carries no derivative: integers, booleans, dtypes, text, arrays that are
made anew. Through all others a derivative passes; through `floor`, `sign` and their kin it is 0.
"""

# The order of the sections on the page.
ORDER = (
    "creation", "ranges", "matrices", "grids", "files", "manipulation", "joining", "rearranging", "padding", "indexing",
    "writing", "sorting", "sets", "logic", "ufuncs", "elementwise", "reductions", "nan_reductions", "statistics",
    "moments", "order_statistics", "quantiles", "histograms", "products", "polynomials", "signals", "differences",
    "windows", "functional",
)  # fmt: skip

METHODS = """## Methods and attributes of arrays

`pb.Array` has those of `numpy.ndarray`: {methods}; and `{attributes}`.

| not there | use instead |
|---|---|
{instead}
"""


def first_line(function: Any) -> str:
    """The first sentence of a docstring, as a cell of a table."""
    text = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ").strip()
    return text.replace("|", "\\|")


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """The files of a package that list public names."""
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if getattr(module, "__all__", None):
            yield module


def table(names: list[str], space: Any, section: str = "") -> list[str]:
    """The rows of some functions."""
    prefix = f"{section}." if section else ""
    rows = ["| function | | |", "|---|---|---|"]
    for name in names:
        kind = "constant" if refusals.kind_of(name, section) == "constant" else ""
        rows.append(f"| `{prefix}{name}` | {kind} | {first_line(getattr(space, name))} |")
    return rows


def refused(names: dict[str, str], section: str = "") -> list[str]:
    """The rows of what is refused."""
    prefix = f"{section}." if section else ""
    return [f"| `{prefix}{name}` | {advice} |" for name, advice in sorted(names.items())]


def _place(section: str) -> tuple[int, str]:
    return (ORDER.index(section) if section in ORDER else len(ORDER), section)


def page() -> str:
    """The text of the page."""
    lines = [HEAD]
    names_of: dict[str, list[str]] = {}
    titles: dict[str, str] = {}
    seen: set[str] = set()
    # a module that repeats the names of another has more of them
    for module in sorted([*modules(arrays), *modules(sections)], key=lambda m: len(m.__all__)):
        names = [
            n for n in sorted(module.__all__) if n not in seen and callable(getattr(pb.numpy, n))
        ]
        seen |= set(names)
        short = module.__name__.rpartition(".")[2]
        names_of[short] = names
        titles[short] = (module.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()
    for short in sorted(names_of, key=_place):
        if names_of[short]:
            title = titles[short].split("; and the names")[0].split(". ")[0].rstrip(".")
            lines += [f"## {title}", "", *table(names_of[short], pb.numpy), ""]
    for section in ("linalg", "fft"):
        space = getattr(pb.numpy, section)
        names = [
            n for n in dir(space) if not isinstance(getattr(np, section).__dict__.get(n), type)
        ]
        lines += [f"## `numpy.{section}`", "", *table(names, space, section), ""]
    random = ", ".join(f"`{n}`" for n in dir(pb.numpy.random))
    lines += ["## `numpy.random`", "", first_line(pb.numpy.random), "", f"It has {random}.", ""]
    instead = [f"| `x.{n}` | {a.format(name=n)} |" for n, a in sorted(methods.INSTEAD.items())]
    lines.append(
        METHODS.format(
            methods=", ".join(f"`{n}`" for n in sorted(methods.METHODS)),
            attributes="`, `".join(sorted(methods.ATTRIBUTES)),
            instead="\n".join(instead),
        )
    )
    lines += ["## Refused", "", "| name | use instead |", "|---|---|", *refused(refusals.REFUSED)]
    lines += (
        refused(refusals.LINALG_REFUSED, "linalg") + refused(refusals.FFT_REFUSED, "fft") + [""]
    )
    return "\n".join(lines)


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="only say whether the page is up to date"
    )
    options = parser.parse_args()
    text = page()
    if options.check:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write("docs/numpy.md is out of date: run python tools/numpy_page.py\n")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.name}: {len(dir(pb.numpy))} names")
    return 0


if __name__ == "__main__":
    sys.exit(main())
