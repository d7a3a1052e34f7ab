"""Run the public array API test suite on `pb.xp`, plain and watched by a tape, beside array_api_compat.numpy.

    python tests/conformance/run.py CHECKOUT [--max-examples 20] [--only test_linalg.py] [--runs plain,watched]

CHECKOUT is a clone of github.com/data-apis/array-api-tests with its submodule. Ends with 1 if `pb.xp` fails a test
that array_api_compat.numpy passes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REFERENCE = "array_api_compat.numpy"
RUNS = {  # name: (module under test, more environment)
    "reference": (REFERENCE, {}),
    "plain": ("pullback.xp", {}),
    "watched": ("watched", {}),
    "pulled": ("watched", {"PULLBACK_PULL": "1"}),
    "twice": ("watched", {"PULLBACK_WATCH": "2"}),
}
# The suite tries a special case on one random input per run: what fails here alone is tried on the reference again.
TRIES = 12

# Tests of the suite that are wrong about `pb.xp`, whose dtypes are numpy.dtype objects.
EXCUSED = {
    "array_api_tests.test_data_type_functions::test_can_cast": "expects can_cast(complex64, float64), since for "
    "NumPy `None == numpy.dtype('float64')`, and the test's table says None where there is no promotion",
}


@dataclass(frozen=True)
class Outcome:
    """Test identifiers by how the test ended."""

    passed: frozenset[str]
    failed: frozenset[str]
    skipped: frozenset[str]


def run(checkout: Path, name: str, tests: list[str], max_examples: int, log: str | None) -> Outcome:
    """One run of some tests of the suite, in a process of its own."""
    module, extra = RUNS[name]
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ, **extra, "ARRAY_API_TESTS_MODULE": module, "PYTHONPATH": os.pathsep.join(paths),
        "PULLBACK_BACKEND": "numpy",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [
            sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", f"--junitxml={report}",
            "--disable-deadline", "--derandomize", f"--max-examples={max_examples}", *tests,
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )
        if log:
            Path(log).mkdir(exist_ok=True)
            Path(log, f"{name}.txt").write_text(done.stdout + done.stderr)
        if done.returncode not in (0, 1):  # neither all passed nor some failed
            raise SystemExit(f"{name}: pytest ended with {done.returncode}\n{done.stdout[-3000:]}")
        return read(report)


def read(report: Path) -> Outcome:
    """The outcome that a JUnit file tells."""
    sets: dict[str, set[str]] = {"passed": set(), "failed": set(), "skipped": set()}
    for case in ET.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        kind = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else ""
        sets[kind or "passed"].add(f"{case.get('classname')}::{case.get('name')}")
    return Outcome(**{kind: frozenset(found) for kind, found in sets.items()})


def main() -> int:
    """Run, compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--max-examples", type=int, default=20)
    parser.add_argument("--only", default="", help="one file of the suite, or file::test")
    parser.add_argument("--runs", default="plain,watched", help=f"of {', '.join(RUNS)}")
    parser.add_argument("--log", help="a folder for what pytest prints")
    options = parser.parse_args()
    tests = [f"array_api_tests/{options.only}"]
    runs = ("reference", *options.runs.split(","))
    reference, *outcomes = (
        run(options.checkout, name, tests, options.max_examples, options.log) for name in runs
    )
    theirs = set(reference.failed)
    for _ in range(TRIES):
        suspects = {test for outcome in outcomes for test in outcome.failed} - theirs - set(EXCUSED)
        if not suspects:
            break
        nodes = [t.replace(".", "/", 1).replace("::", ".py::", 1) for t in sorted(suspects)]
        theirs |= run(options.checkout, "reference", nodes, options.max_examples, None).failed
    more = 0
    for name, outcome in zip(runs, (reference, *outcomes), strict=True):
        counts = f"{len(outcome.passed)} pass, {len(outcome.failed)} fail, {len(outcome.skipped)} skipped"
        print(f"{name} ({RUNS[name][0]}): {counts}")
        for test in sorted(outcome.failed - theirs):
            more += test not in EXCUSED
            reason = f" (excused: {EXCUSED[test]})" if test in EXCUSED else ""
            print(f"  fails here, not with {REFERENCE}: {test}{reason}")
        for test in sorted(theirs - outcome.failed):
            print(f"  passes here, not always with {REFERENCE}: {test}")
    return 1 if more else 0


if __name__ == "__main__":
    sys.exit(main())
