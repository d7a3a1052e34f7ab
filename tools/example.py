"""Run examples of the gallery as the site does, save their pictures, and print their time and length.

    python tools/example.py --out /tmp/pictures examples/gradients/forward_or_reverse.py
    python tools/example.py --out /tmp/pictures --standin examples/gradients/*.py

Each runs in a process and an empty folder of its own, with the gallery's style. With ``--standin`` the stand-in for
CuPy is the active backend, as CuPy is on a machine with a GPU.
"""

from __future__ import annotations

import argparse
import os
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STYLE = ROOT / "examples" / "gallery.mplstyle"
MOST_SECONDS, MOST_LINES = 20, 80


def draw(path: Path, out: Path, standin: bool) -> None:
    """Run one example in this process, in a folder of its own, and save each figure that it leaves open."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.style.use(STYLE)
    plt.show = lambda *args, **kwargs: None  # the figures are saved at the end
    if standin:
        sys.path.append(str(ROOT))
        from tests import standin as library

        library.activate("auto", "cupy")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        runpy.run_path(str(path), run_name="__main__")
        for number in plt.get_fignums():
            plt.figure(number).savefig(out / f"{path.stem}_{number}.png")
        for written in Path(folder).glob("*.svg"):
            (out / written.name).write_bytes(written.read_bytes())
        os.chdir(out)


def main(arguments: list[str]) -> int:
    """Run each example, and print a line for each; exits with 1 where one failed, is slow or long."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the pictures")
    parser.add_argument("--standin", action="store_true", help="on the stand-in for CuPy")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if options.here:
        draw(options.files[0].resolve(), out, options.standin)
        return 0
    bad = False
    for path in options.files:
        start = time.perf_counter()
        command = [sys.executable, __file__, "--here", "--out", str(out), str(path)]
        done = subprocess.run(command + ["--standin"] * options.standin, check=False)
        seconds = time.perf_counter() - start
        lines = len(path.read_text(encoding="utf-8").splitlines())
        words = [f"{path.name}: {seconds:.1f} s, {lines} lines"]
        words += ["FAILED"] * (done.returncode != 0)
        words += [f"over {MOST_SECONDS} s"] * (seconds > MOST_SECONDS)
        words += [f"over {MOST_LINES} lines"] * (lines > MOST_LINES)
        bad |= len(words) > 1
        print(*words, sep=", ", flush=True)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
