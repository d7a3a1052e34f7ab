"""How the gallery's examples are run: each with the gallery's style, fresh seeds, and warnings as errors."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

from .names import ROOT

EXAMPLES = ROOT / "examples"
STYLE = EXAMPLES / "gallery.mplstyle"
SECTIONS = ("optimisation", "networks", "layers", "gradients", "solving", "statistics", "programs")
DRAWINGS = (".svg",)
# From the simple to the rest; what is not named here follows by its name.
ORDER = [
    "steepest_descent",
    "learning_rate",
    "line_search",
    "newton",
    "conjugate_gradients",
    "nesterov",
    "batches",
    "noise_floor",
    "schedules",
    "adaptive_methods",
    "weight_decay",
    "clipping",
    "proximal_step",
    "saddle_points",
    "activations",
    "logistic_to_threshold",
    "linear_networks_collapse",
    "universal_thresholds",
    "universal_logistic",
    "universal_relu",
    "depth_against_width",
    "growing_layers",
    "train_mlp",
    "first_layer_of_digits",
    "vanishing_gradients",
    "batch_normalisation",
    "regularisation",
    "early_stopping",
    "beyond_the_mean",
    "digits_cnn",
    "recurrent_memory",
    "lstm_counts",
    "copy_by_attention",
    "characters",
    "graph_classes",
    "computation_graph",
    "fan_out",
    "backward_pass",
    "delta_formulas",
    "forward_or_reverse",
    "third_order_tensor",
    "gradient_checking",
    "jacobians_and_hessians",
    "per_example",
    "in_place",
    "higher_order",
    "complex_numbers",
    "checkpointing",
    "adjoint_cost",
    "kepler",
    "poisson_inversion",
    "matrix_free",
    "against_the_wind",
    "smoothing",
    "truss",
    "ridge_by_gradient",
    "lotka_volterra",
    "deep_equilibrium",
    "logistic_regression",
    "stable_in_the_tails",
    "cross_entropy_bounds",
    "argmax_or_draw",
    "many_classes_from_two",
    "cross_validation",
    "feature_maps",
    "bias_and_variance",
    "ridge_and_lasso_paths",
    "robust_regression",
    "kernel_ridge",
    "gaussian_process",
    "roc_and_calibration",
    "numpy_as_it_stands",
    "gaussian_mixture",
    "variational_autoencoder",
    "black_box_vi",
    "policy_gradient",
    "phase_retrieval",
    "fluid_control",
    "two_ranks",
    "tensor_parallel",
    "dask_blocks",
]

_written: list[Path] = []
_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Notes each drawing that this process opens to write, or gives its name after it was written."""
    if event == "open":
        path, mode = arguments[0], arguments[1]
        if not isinstance(mode, str) or not any(c in mode for c in "wx+"):
            return
    elif event == "os.rename":
        path = arguments[1]
    else:
        return
    if isinstance(path, (str, os.PathLike)) and str(path).endswith(DRAWINGS):
        resolved = Path(path).resolve()
        if resolved not in _written:
            _written.append(resolved)


def reset(gallery_conf: dict[str, Any], fname: str | None) -> None:
    """What every example begins with."""
    global _watching
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.style.use(STYLE)
    np.random.seed(0)  # noqa: NPY002 - for whoever draws from it
    warnings.simplefilter("error")
    # of libraries that examples use, and not of what they show
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    warnings.filterwarnings("ignore", message=".*non-interactive, and thus cannot be shown")
    _written.clear()
    if not _watching:
        sys.addaudithook(_watch)
        _watching = True


class Order:
    """The order of the examples in a section."""

    def __init__(self, src_dir: str) -> None:
        self.src_dir = src_dir

    def __call__(self, filename: str) -> tuple[int, str]:
        name = Path(filename).stem
        return (ORDER.index(name) if name in ORDER else len(ORDER)), name


def drawings(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """A scraper: the SVG files that a block wrote beside the example are moved into the page."""
    from sphinx_gallery.scrapers import figure_rst

    here = Path(block_vars["src_file"]).resolve().parent
    files = []
    while _written:
        path = _written.pop(0)
        if path.is_relative_to(here) and path.is_file():
            target = Path(block_vars["image_path_iterator"].next()).with_suffix(path.suffix)
            shutil.move(path, target)
            files.append(target)
    return figure_rst(files, gallery_conf["src_dir"]) if files else ""


def figures(
    block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any], **options: Any
) -> str:
    """A scraper: the figures that a block drew, none of which may have empty axes.

    Figures are saved and closed at the end of their block, so that one which a later block draws into comes out
    unfinished.
    """
    from matplotlib import pyplot as plt
    from sphinx_gallery.scrapers import matplotlib_scraper

    for number in plt.get_fignums():
        for axes in plt.figure(number).axes:
            if axes.axison and not axes.has_data():
                raise ValueError(
                    f"{Path(block_vars['src_file']).name}: figure {number} has empty axes at the end of its block: "
                    "draw a figure in one block, or turn the axes off"
                )
    return matplotlib_scraper(block, block_vars, gallery_conf, **options)


CONFIGURATION: dict[str, Any] = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "subsection_order": [f"../examples/{section}" for section in SECTIONS],
    "within_subsection_order": "_ext.gallery.Order",
    "image_scrapers": ("_ext.gallery.figures", "_ext.gallery.drawings"),
    "reset_modules": ("matplotlib", "_ext.gallery.reset"),
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("pullback",),
    "capture_repr": (),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 0,
    "write_computation_times": False,
    "thumbnail_size": (560, 360),
    "image_srcset": ["2x"],
    "parallel": min(os.cpu_count() or 1, 4),
}
