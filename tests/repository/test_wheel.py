"""What the wheel and the sdist hold: every subpackage and nothing else."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import setuptools

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "backend",
    "autograd",
    "compat",
    "distributed",
    "models",
    "optim",
    "train",
    "playground",
)
OUTSIDE = ("tests", "benchmarks", "examples", "docs", "build", "runs")


def _tree() -> set[str]:
    """The package's files in the checkout, as paths from the root."""
    files = {"__init__.py", "py.typed"} | {p.name for p in ROOT.glob("*.py*") if p.is_file()}
    files -= {"pyproject.toml"}
    for part in PARTS:
        for pattern in ("*.py", "*.pyi", "py.typed"):
            files |= {p.relative_to(ROOT).as_posix() for p in (ROOT / part).rglob(pattern)}
    files |= {p.relative_to(ROOT).as_posix() for p in (ROOT / "playground/static").iterdir()}
    return files


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """An sdist, and a wheel from it, of a copy of the checkout: building leaves folders behind."""
    pytest.importorskip("build", reason="the package `build` is not installed")
    if int(setuptools.__version__.split(".")[0]) < 77:
        pytest.skip(f"setuptools {setuptools.__version__} does not know the licence's form")
    folder = tmp_path_factory.mktemp("wheel")
    ignore = shutil.ignore_patterns(
        ".*", "build", "dist", "*.egg-info", "__pycache__", "runs", "results"
    )
    shutil.copytree(ROOT, folder / "checkout", ignore=ignore)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist")]
    run = subprocess.run(
        [*command, str(folder / "checkout")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "dist"


def test_the_wheel_holds_the_package_and_nothing_else(built):
    (wheel,) = built.glob("*.whl")
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    assert names == {f"pullback/{file}" for file in _tree()}


def test_the_wheel_says_what_it_is(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {n.split("/")[0] for n in archive.namelist() if ".dist-info/" in n}
        metadata = archive.read(f"{info}/METADATA").decode()
        scripts = archive.read(f"{info}/entry_points.txt").decode()
        licence = archive.read(f"{info}/licenses/LICENSE").decode()
    assert "License-Expression: BSD-3-Clause" in metadata
    assert "pullback = pullback.__main__:main" in scripts
    assert "BSD 3-Clause" in licence
    core = [line for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    core = [line.split()[1].split(">")[0] for line in core if "extra ==" not in line]
    assert sorted(core) == ["array-api-compat", "numpy", "optree", "scipy"]


def test_the_sdist_holds_no_tests_inside_the_package(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {n.partition("/")[2] for n in archive.getnames()}
    assert not [n for n in names if n.split("/")[0] in OUTSIDE]
    assert _tree() <= names


def test_every_folder_with_an_init_is_listed():
    listed = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    )
    folders = {
        p.parent.relative_to(ROOT).as_posix() for part in PARTS for p in (ROOT / part).rglob("*.py")
    }
    assert listed == {"pullback"} | {f"pullback.{f.replace('/', '.')}" for f in folders}


def test_the_version_is_written_once():
    """`pullback.__version__` and pyproject.toml agree."""
    import pullback

    assert (
        pullback.__version__
        == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    )


def test_root_init_only_reexports():
    """The root holds the public names and nothing else: no functions, no classes."""
    tree = ast.parse((ROOT / "__init__.py").read_text())
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    defined = [n.name for n in tree.body if isinstance(n, kinds)]
    assert set(defined) <= {"__getattr__", "__dir__"}
