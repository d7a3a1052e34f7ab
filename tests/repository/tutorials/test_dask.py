"""The tutorials on Dask print what they say; the rows of the first are fewer here."""

from __future__ import annotations

import contextlib
import functools
import io
import re
from pathlib import Path

import pytest

import pullback as pb

distributed = pytest.importorskip("distributed", reason="the extra `dask`")
pytest.importorskip("sklearn", reason="needs scikit-learn")

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "tutorials"


def text(page):
    return (FOLDER / page).read_text(encoding="utf-8")


def printed(code, page):
    out = io.StringIO()
    with pb.backend.use("numpy"), contextlib.redirect_stdout(out):
        exec(compile(code, page, "exec"), {"__name__": "__main__"})
    return out.getvalue()


def program(page):
    return "\n".join(re.findall(r"```python\n(.*?)```", text(page), re.DOTALL))


def test_the_logistic_regression():
    import dask

    code, count = re.subn(
        r"^GIGABYTES = 1\.0$", "GIGABYTES = 0.02", program("dask_logistic.md"), flags=re.M
    )
    assert count == 1
    with dask.config.set(scheduler="synchronous"):
        lines = printed(code, "dask_logistic.md").splitlines()
    assert lines[0] == re.search(r"^    (ndarray .*)$", text("dask_logistic.md"), re.M)[1]
    assert re.fullmatch(r"\['no' 'yes'\] after \d+ steps", lines[1])
    assert lines[2:] == [
        "relative error of the coefficients below a quarter: True",
        "True float64 dask.array.core",
        "accuracy above 0.7: True",
        "(5,)",
    ]


def test_tune_on_a_cluster(tmp_path, monkeypatch):
    """The workers are threads here: `test_tune.py` has processes."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    threads = functools.partial(distributed.LocalCluster, processes=False)
    monkeypatch.setattr(distributed, "LocalCluster", threads)
    lines = printed(program("tune_cluster.md"), "tune_cluster.md").splitlines()
    assert lines[0].startswith("iris: 2 combinations of settings, 3 folds")
    assert lines[-1] == "the same table without a cluster: True"
