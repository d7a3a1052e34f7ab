"""Links of Markdown pages that leave docs/."""

from __future__ import annotations

import pytest

from ._extensions import ROOT, load

links = load("links")
DOCS = ROOT / "docs"


@pytest.mark.parametrize(
    ("folder", "text", "wanted"),
    [
        (DOCS, "[R](../README.md#x)", "[R](./index.md#x)"),
        (DOCS / "guide", "[C](../../CONTRIBUTING.md)", "[C](../contributing.md)"),
        (ROOT, "[G](docs/guide.md)", "[G](docs/guide.md)"),
        (DOCS / "guide", "[s](sparse.md#a)", "[s](sparse.md#a)"),
        (DOCS, "[e](../examples/solving/poisson_inversion.py)", "[e](/gallery/solving/poisson_inversion.rst)"),
        (DOCS, "[`tools/stubs.py`](../tools/stubs.py)", "{source}`tools/stubs.py`"),
        (DOCS, "[the tool](../tools/stubs.py)", "the tool ({source}`tools/stubs.py`)"),
        (DOCS, "[b](../benchmarks/README.md)", "b"),
        (DOCS, "`[x](../README.md)` and [w](https://a.org/README.md)", "`[x](../README.md)` and [w](https://a.org/README.md)"),
        (DOCS, "```\n[x](../README.md)\n```\n[x](../README.md)", "```\n[x](../README.md)\n```\n[x](./index.md)"),
    ],
)  # fmt: skip
def test_links_lead_to_what_stands_for_a_file(folder, text, wanted):
    assert links.rewritten(text, folder) == wanted
