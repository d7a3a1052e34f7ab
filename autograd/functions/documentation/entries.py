"""How the docstrings of generated functions are written down, and how they are put together.

In the formulas `ct` is the cotangent of the output, `out` the output, and x_bar the cotangent of x. As in the rules,
cotangents are the conjugated ones that the sweep carries, so that the formulas of holomorphic functions need no
conjugates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# Each function has an entry in one of the files beside this one, which are named after the sections of the standard:
#
#     #### hypot
#     The length √(x1² + x2²), elementwise, without overflow of the squares.
#     x1, x2: floating pair
#     -> promoted
#     x1_bar = ct · x1 / out
#     x2_bar = ct · x2 / out
#     . At the origin the derivative is taken as 0, one of the subgradients.
#     @ dr = (x dx + y dy) / r in polar coordinates.
#     >>> pb.xp.hypot(pb.xp.asarray(3.0), pb.xp.asarray(4.0))
#     Array(5., dtype=float64, device='cpu')
#
# The first line is the summary; more lines without a mark follow it as a paragraph. "names: text" describes
# parameters, "->" the result, "x_bar =" is the pullback, "." a note, "!" an error, "@" a source, "constant" says that
# there is no derivative, and all from the first ">>>" on are examples. A line that begins with two spaces goes on with
# the one before. A description that begins with a type has a bar behind that: "int, optional | The axis.". What many
# functions say alike stands once: a description may be one of the words below, and a parameter that an entry does not
# describe is that of `PARAMETERS`.

# What a description may say in a word: its type and its text.
WORDS = {
    # arguments
    "numeric": "array | Of any real or complex dtype.",
    "floating": "array | Of a real or complex floating-point dtype.",
    "real": "array | Of a real dtype; of a floating-point one under a derivative.",
    "real floating": "array | Of a real floating-point dtype.",
    "complex": "array | Of a real or complex floating-point dtype.",
    "any": "array | Of any dtype.",
    "boolean": "array | Boolean; other dtypes as far as the array's library takes them (0 is False).",
    "pair": "array or number | Of any real or complex dtype; their shapes broadcast. One of the two may be a\n"
    "  Python number, which does not widen the dtype of the other.",
    "real pair": "array or number | Of a real dtype; their shapes broadcast. One of the two may be a Python number.",
    "floating pair": "array or number | Of a real floating-point dtype; their shapes broadcast. One of the two\n"
    "  may be a Python number.",
    "integer pair": "array or int | Of an integer dtype, or boolean; their shapes broadcast. One of the two may be\n"
    "  a Python integer.",
    "any pair": "array or number | Of dtypes that promote to a common one; their shapes broadcast. One of the two\n"
    "  may be a Python number.",
    "boolean pair": "array or bool | Boolean; their shapes broadcast. One of the two may be True or False.",
    "matrices": "array | Matrices (…, m, n) of a floating-point dtype, real or complex.",
    "square": "array | Square matrices (…, n, n) of a floating-point dtype, real or complex.",
    # results
    "same": "Array | Of the shape and dtype of `x`.",
    "promoted": "Array | Of the shape that both broadcast to, in the dtype that both promote to.",
    "truth": "Array | Boolean, of the shape of `x`.",
    "truth promoted": "Array | Boolean, of the shape that both broadcast to.",
    "reduced": "Array | Of the shape of `x` without the axes that are reduced, in its dtype.",
}

# Parameters that are the same wherever an entry does not describe them.
PARAMETERS = {
    "axis": "int or tuple of int, optional | The axes that are reduced; all of them by default.",
    "axes": "tuple of int, optional | The axes that are transformed; the last ``len(s)``, or all, by default.",
    "keepdims": "bool | Keep the axes that are reduced, with length 1.",
    "include_initial": "bool | Begin with the value of no element, which makes the axis longer by 1.",
    "correction": "float | What is taken off the number of elements n: 1 for the unbiased variance of a sample.",
    "n": "int, optional | The length that `x` is cropped, or padded with zeros, to before the transform; its own\n"
    "  by default.",
    "s": "tuple of int, optional | The lengths that `x` is cropped, or padded with zeros, to, one for each of\n"
    "  `axes`; its own by default.",
    "norm": '{"backward", "ortho", "forward"} | What is divided by n: the inverse transform, or the forward one;\n'
    "  for ``ortho`` both are divided by √n.",
}

CONJUGATES = (
    "Cotangents are conjugated here, as the sweep carries them: for a real L,\n"
    "x_bar = ∂L/∂Re x − i ∂L/∂Im x; what `grad` returns is its conjugate."
)

CONSTANT = "The result carries no derivative: to whatever follows, it is a constant."

# Sources by their first word.
BOOKS = {
    "DLMF": "NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, ",
    "standard": "Python array API standard 2025.12, https://data-apis.org/array-api",
    "Giles": "Giles, Collected matrix derivative results for forward and reverse mode algorithmic\n"
    "differentiation, 2008",
}


def split(text: str) -> dict[str, str]:
    """The entries of a section by the names of their functions; several names share an entry."""
    found = {}
    for entry in text.split("\n#### ")[1:]:
        names, _, body = entry.partition("\n")
        for name in names.split(", "):
            found[name] = body.rstrip("\n")
    return found


def items(body: str) -> Iterator[str]:
    """The items of an entry up to the examples, each with the lines that go on with it."""
    body = body.partition("\n>>> ")[0]
    item = ""
    for line in body.split("\n"):
        if line.startswith("  "):
            item += "\n" + line[2:]
        else:
            if item:
                yield item
            item = line
    if item:
        yield item


def _described(name: str, text: str, default: str) -> str:
    """One item of a list of parameters, results or errors: a heading, and below it, indented, what it is."""
    kind, bar, said = WORDS.get(text, text).partition(" | ")
    if not bar:
        kind, said = default, kind
    heading = f"{name} : {kind}" if name else kind
    return heading + "\n    " + said.replace("\n  ", "\n").replace("\n", "\n    ")


def source(text: str) -> str:
    """A source with the title of its book."""
    word, _, rest = text.partition(" ")
    book = BOOKS.get(word.rstrip("."))
    return text if book is None else f"{book}{rest}".rstrip(".") + "."


def _section(title: str, parts: Iterable[str], between: str = "\n") -> str:
    """A section of numpydoc; nothing if there is nothing to say."""
    text = between.join(parts)
    return f"\n\n{title}\n{'-' * len(title)}\n{text}" if text else ""


def put_together(body: str, parameters: Iterable[str]) -> str:
    """The docstring of a function in numpydoc form, from its entry and the names of its parameters."""
    text, arrow, examples = body.partition("\n>>> ")
    wanted = list(parameters)
    said: list[str] = []
    described: dict[str, str] = {}
    pullbacks: list[str] = []
    notes: list[str] = []
    results: list[str] = []
    errors: list[str] = []
    sources: list[str] = []
    for item in items(text):
        head, colon, rest = item.partition(": ")
        mark = item[:2]
        if mark == "->":
            results.append(_described("", item[3:], "Array"))
        elif mark == ". ":
            notes.append(item[2:])
        elif mark == "! ":
            kind, _, why = item[2:].partition(": ")
            errors.append(f"{kind}\n    " + why.replace("\n", "\n    "))
        elif mark == "@ ":
            sources.append(source(item[2:]))
        elif item == "constant":
            notes.append(CONSTANT)
        elif "_bar = " in item and item.partition("_bar = ")[0].isidentifier():
            pullbacks.append("    " + item.replace("\n", "\n        "))
        elif colon and set(head.split(", ")) <= set(wanted):
            for name in head.split(", ")[1:]:
                wanted.remove(name)
            described[head.partition(", ")[0]] = _described(head, rest, "array")
        else:
            said.append(item)
    for name in wanted:
        if name not in described and name in PARAMETERS:
            described[name] = _described(name, PARAMETERS[name], "")
    if pullbacks:
        formulas = "\n".join(pullbacks)
        if "conj" in formulas:
            notes.append(CONJUGATES)
        notes.insert(0, f"The pullback, with the cotangent ct of the result::\n\n{formulas}")
    whole = said[0] + ("\n\n" + "\n".join(said[1:]) if said[1:] else "")
    whole += _section("Parameters", (described[name] for name in wanted if name in described))
    whole += _section("Returns", results)
    whole += _section("Raises", errors)
    whole += _section("Notes", notes, "\n\n")
    whole += _section("References", sources)
    if arrow:
        whole += _section("Examples", [f">>> import pullback as pb\n>>> {examples}"])
    return whole
