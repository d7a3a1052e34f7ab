"""Run the tests of HIPS autograd on `pullback.compat.autograd`.

``python tools/hips_suite.py [SOURCE] [-- options of pytest]``. `SOURCE` is a checkout or an sdist of autograd
(``pip download autograd==1.9.1 --no-deps --no-binary :all:``); without it, the sdist is downloaded. Its tests are
copied into a temporary folder, where ``autograd`` becomes ``pullback.compat.autograd`` in their import statements and
nowhere else, and run by pytest. Nothing of it is kept.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

VERSION = "1.9.1"
OURS = "pullback.compat.autograd"

# `import autograd.scipy.signal` binds the name `autograd`, which the program goes on to use.
_BARE = re.compile(r"^(\s*)import autograd(\.[\w.]+)?\s*(#.*)?$", re.MULTILINE)
_AS = re.compile(r"^(\s*)import autograd(\.[\w.]+)? as ", re.MULTILINE)
_FROM = re.compile(r"^(\s*)from autograd(\.[\w.]+)? import ", re.MULTILINE)


def rewritten(source: str) -> str:
    """`source` with `autograd` replaced in its import statements."""

    def bare(match: re.Match[str]) -> str:
        indent, submodule = match[1], match[2] or ""
        load = f"{indent}import {OURS}{submodule}\n" if submodule else ""
        return f"{load}{indent}from pullback.compat import autograd"

    source = _BARE.sub(bare, source)
    source = _AS.sub(rf"\1import {OURS}\2 as ", source)
    return _FROM.sub(rf"\1from {OURS}\2 import ", source)


def unpacked(source: str | None, folder: Path) -> Path:
    """The folder of a checkout, or of the sdist at `source`, downloaded if that is None."""
    if source is None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]  # fmt: skip
        subprocess.run([*command, "--dest", str(folder), f"autograd=={VERSION}"], check=True)
        source = str(next(folder.glob("autograd-*.tar.gz")))
    path = Path(source)
    if path.is_dir():
        return path
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    return next(p for p in folder.iterdir() if (p / "tests").is_dir())


def copied(source: Path, target: Path) -> Path:
    """A copy of a folder of programs, with the imports of its Python files rewritten."""
    shutil.copytree(source, target)
    for path in target.rglob("*.py"):
        path.write_text(rewritten(path.read_text()))
    return target


def run_tests(checkout: Path, folder: Path, extra: list[str]) -> tuple[int, int, dict[str, str]]:
    """How many tests passed, how many there are, and the last line of each failure by the test's name."""
    tests = copied(checkout / "tests", folder / "tests")
    report = folder / "report.xml"
    (tests / "pytest.ini").write_text("[pytest]\n")
    options = [
        "-q",
        "--no-header",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        f"--junitxml={report}",
    ]
    subprocess.run(
        [sys.executable, "-P", "-m", "pytest", *options, *(extra or ["."])],
        cwd=tests,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(tests), os.environ.get("PYTHONPATH")])),
        },
        stdout=subprocess.DEVNULL,
        check=False,
    )
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = {}
    for case in cases:
        bad = next((c for c in case if c.tag in ("failure", "error", "skipped")), None)
        if bad is not None:
            message = (bad.get("message") or "").strip().splitlines()
            failed[f"{case.get('classname')}::{case.get('name')}"] = (
                f"{bad.tag}: {message[0] if message else ''}"
            )
    return len(cases) - len(failed), len(cases), failed


def main() -> int:
    """Print the count and each failure; the exit status says whether at least `--at-least` tests passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", help="a checkout or an sdist of HIPS autograd")
    parser.add_argument("--at-least", type=int, default=600, help="tests that have to pass")
    parser.add_argument("options", nargs="*", help="for pytest, after --")
    given = sys.argv[1:]
    cut = given.index("--") if "--" in given else len(given)
    options = parser.parse_args(given[:cut])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkout = unpacked(options.source, folder)
        passed, total, failed = run_tests(checkout, folder / "run", given[cut + 1 :])
    for test, why in failed.items():
        print(f"{test}\n    {why}")
    print(f"{passed} of {total} tests of HIPS autograd pass on {OURS}")
    return 0 if passed >= options.at_least else 1


if __name__ == "__main__":
    raise SystemExit(main())
