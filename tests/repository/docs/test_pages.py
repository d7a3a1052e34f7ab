"""Every block of code of every page runs, and prints what stands there: on NumPy, and where CuPy is active.

A page is run in a process of its own, a fork of one in which pullback is imported: a page's code may set what it
likes.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pullback as pb

from ..._fresh import processes
from ..conftest import ON_CUDA
from ._pages import FENCE, MARK, ROOT, blocks, commands, complaints, run_page, variables

# `sys.path` is as before behind this, since folders of the checkout have names of packages
START = """
import os, sys
os.environ.update({variables!r})
os.environ.pop("PULLBACK_BACKEND", None)
{backend}
sys.path.append({root!r})
import pullback
{standin}
{shared}
from tests.repository.docs._pages import run_page
sys.path.pop()
"""
# what many pages import, once for all of them
SHARED = """
import matplotlib, numba, pandas, sklearn.linear_model, sklearn.model_selection
matplotlib.use("agg")
import matplotlib.pyplot
import pullback.train.cli, pullback.train.estimators
"""
STANDIN = "import tests.standin as standin; standin.activate('auto', 'cupy')"
BACKENDS = {
    "numpy": ("os.environ['PULLBACK_BACKEND'] = 'numpy'", ""),
    "cupy_standin": ("", STANDIN),
    "cupy": ("os.environ['PULLBACK_BACKEND'] = 'cupy'", ""),
}

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(
        [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    )
    if not {"gallery", "_build"} & set(path.parts)
}
# Pages whose programs run with fewer rows, or on ranks, by tests of their own.
ELSEWHERE = {
    "docs/tutorials/dask_logistic.md": "tests/repository/tutorials/test_dask.py",
    "docs/tutorials/tune_cluster.md": "tests/repository/tutorials/test_dask.py",
    "docs/tutorials/two_ranks.md": "tests/repository/tutorials/test_two_ranks.py",
}
# Pages that show what another library's arrays, or NumPy's own, come to: they say so.
ON_NUMPY = {
    "docs/from_autograd.md": "what HIPS autograd's programs print",
    "docs/from_jax.md": "NumPy's arrays, as somebody begins with",
    "docs/from_numpy.md": "NumPy's arrays, as somebody begins with",
    "docs/from_pytorch.md": "NumPy's arrays, as somebody begins with",
    "docs/command_line.md": "a table, and scikit-learn's scores",
}
# Every block that is left out, by its page, with the reason that the page gives.
LEFT_OUT = {
    "docs/guide/distributed.md": [
        "it needs four ranks of MPI",
        "a part of an example that runs by itself",
        "it needs eight GPUs",
    ],
}
WITH_CODE = [
    page
    for page, text in PAGES.items()
    if page not in ELSEWHERE
    and any(b.language == "python" or b.mark == "run" for b in blocks(text))
]


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[Callable[..., Callable[[str], str]]]:
    """Processes to fork, one for each backend and environment, started when a page first asks."""
    started: dict[tuple, Callable[[str], str]] = {}
    with contextlib.ExitStack() as stack:

        def get(backend: str, environment: dict[str, str]) -> Callable[[str], str]:
            key = (backend, *environment.items())
            if key not in started:
                set_it, standin = BACKENDS[backend]
                start = START.format(
                    variables=environment, backend=set_it, standin=standin, root=str(ROOT),
                    shared="" if environment else SHARED,
                )  # fmt: skip
                folder = tmp_path_factory.mktemp("pages")
                started[key] = stack.enter_context(processes(start, folder))
            return started[key]

        yield get


@pytest.mark.parametrize("backend", ["cupy"] if ON_CUDA else ["numpy", "cupy_standin"])
@pytest.mark.parametrize("page", WITH_CODE)
def test_a_page_s_code_runs_and_prints_what_it_says(page, backend, servers, tmp_path):
    for needed in ("sklearn", "pandas", "matplotlib", "safetensors", "dask", "numba"):
        pytest.importorskip(needed, reason="the pages show what the extras bring")
    if page in ON_NUMPY:
        if backend == "cupy_standin":
            pytest.skip(f"on NumPy alone: {ON_NUMPY[page]}")
        backend = "numpy"
    run = servers(backend, variables(PAGES[page]))
    error = run(f"os.chdir({str(tmp_path)!r}); run_page({str(ROOT / page)!r})")
    assert not error, error


def test_what_is_left_out_is_listed_with_its_reason():
    found = {
        page: reasons
        for page, text in PAGES.items()
        if (reasons := [block.left_out for block in blocks(text) if block.left_out])
    }
    assert found == LEFT_OUT


def test_pages_that_run_elsewhere_are_read_there():
    for page, test in ELSEWHERE.items():
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_marks_are_understood(page):
    text = PAGES[page]
    for mark in MARK.findall(text):
        assert re.fullmatch(r"run|not run: .+|[A-Z_]+=\S+", mark), mark
    marked = [block for block in blocks(text) if block.mark and "=" not in block.mark]
    assert len(marked) == len([m for m in MARK.findall(text) if "=" not in m]), (
        "a mark has no block"
    )
    for block in marked:
        assert block.language in ("python", "bash")


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_their_options_exist(page):
    pytest.importorskip("typer", reason="the command line is of the extra `train`")
    text = PAGES[page]
    shells = [b.code for b in blocks(text) if b.language in ("bash", "sh")]
    # and what is set off by four spaces, as older pages have it
    prose = FENCE.sub("", text)
    shells += re.findall(r"^ {4}(?:\$ )?((?:mpirun|pullback|make|pip) .*)$", prose, re.MULTILINE)
    wrong = {
        " ".join(words): wrong
        for shell in shells
        for words in commands(shell)
        if (wrong := complaints(words))
    }
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES)
def test_the_names_are_ours(page):
    for name in set(re.findall(r"\bpb((?:\.[A-Za-z_]\w*)+)", PAGES[page])):
        found = pb
        for part in name[1:].split("."):
            assert hasattr(found, part), f"pb{name}"
            found = getattr(found, part)


def links(text: str) -> list[str]:
    """What a page's links name, without code, which has brackets of its own."""
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))
    return re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors(text: str) -> set[str]:
    """The headings of a page as GitHub and MyST name them."""
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in links(PAGES[page]):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        if not target and anchor.startswith("pullback."):  # the reference, on the site
            found = pb
            for part in anchor.split(".")[1:]:
                assert hasattr(found, part), link
                found = getattr(found, part)
            continue
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), link
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path.read_text(encoding="utf-8")), link


WRONG = {
    "another value": ("```python\nprint(1 + 1)  # 3\n```\n", "and not"),
    "another text": ("```python\nprint(2)\n```\n\n```text\n3\n```\n", "and not"),
    "what is not told": ("```python\nprint(2)\n```\n", "and not"),
    "what is told and not printed": ("```python\nx = 2\n```\n\n```text\n2\n```\n", "and not"),
    "another example": ("```python\n>>> 1 + 1\n3\n```\n", "Expected"),
    "an error": ("```python\nx = 1\nx.y\n```\n", "no attribute 'y'"),
    "a command that fails": (
        "<!-- tests: run -->\n```bash\npullback evaluate nowhere\n```\n",
        "ended with 2",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_page_that_is_wrong_is_found(what, monkeypatch, tmp_path):
    text, said = WRONG[what]
    monkeypatch.setitem(run_page.__globals__, "ROOT", tmp_path)
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    with pytest.raises((AssertionError, AttributeError), match=said):
        run_page(str(tmp_path / "page.md"))


def test_a_page_s_blocks_share_names_and_may_be_left_out(monkeypatch, tmp_path):
    monkeypatch.setitem(run_page.__globals__, "ROOT", tmp_path)
    text = (
        "<!-- tests: A_B=1 -->\n\n```python\nx = 1\n```\n\n```python\n>>> x + 1\n2\n>>> x = 5\n\n```\n"
        "```python\nprint(x)\nprint(\n    x\n)  # of them\n```\n\n```text\n5\n5\n```\n"
        "<!-- tests: not run: it needs a GPU -->\n```python\n1 / 0\n```\n"
        "  ```bash\n  $ A=1 mpirun -n 2 pullback train x.csv --no-such  # one\n  ```\n"
    )
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    run_page(str(tmp_path / "page.md"))
    assert [b.left_out for b in blocks(text)] == ["", "", "", "", "it needs a GPU", ""]
    assert variables(text) == {"A_B": "1"}
    assert commands(blocks(text)[-1].code) == [["pullback", "train", "x.csv", "--no-such"]]


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("pullback train digits --epochs 3", ""),
        ("pullback train digits --epoch-count 3", "No such option"),
        ("pullback trian digits", "No such command"),
        ("pullback train digits --epochs many", "Invalid value"),
        ("pullback --help", ""),
        ("make test PYTHON=python3", ""),
        ("make tests", "no target"),
        ('pip install ".[train,fast]"', ""),
        ('pip install "pullback[trane]"', "no extra"),
        ("python benchmarks/mlp.py", ""),
        ("python benchmarks/nowhere.py", "no file"),
    ],
)
def test_commands_are_judged(command, wrong):
    (words,) = commands(command)
    assert wrong in complaints(words)
    assert bool(complaints(words)) == bool(wrong)
