"""The pure parts of the benchmarks: the environment that every worker is given."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parent.parent / "benchmarks" / "_kernels.py"
if not FILE.exists():
    pytest.skip("the benchmarks are not beside these tests", allow_module_level=True)
_spec = importlib.util.spec_from_file_location("_benchmark_kernels", FILE)
kernels = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(kernels)


@pytest.mark.parametrize(
    ("given", "timeout"), [({}, "20"), ({"OPENBLAS_THREAD_TIMEOUT": "28"}, "28")]
)
def test_workers_get_what_was_given_else_what_pullback_would_set(given, timeout):
    assert kernels.worker_environment(given) == {"OPENBLAS_THREAD_TIMEOUT": timeout}
