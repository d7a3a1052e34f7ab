"""The site: `make docs` builds it. What it shows is made from the library itself by the extensions in _ext."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("PULLBACK_BACKEND", "numpy")
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# the gallery's examples run in processes of their own, which find the extensions by this
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))

from _ext import gallery  # noqa: E402 - after what it reads when it is imported

import pullback  # noqa: E402 - after the variables that choose its backend

project = "pullback"
author = "pullback developers"
project_copyright = "pullback developers; BSD 3-Clause"
version = release = pullback.__version__

extensions = [
    "myst_parser",
    "sphinx_design",
    "sphinxcontrib.katex",
    "sphinx_gallery.gen_gallery",
    "_ext.stale",
    "_ext.start",
    "_ext.benchmarks",
    "_ext.reference",
    "_ext.links",
    "_ext.diagrams",
    "_ext.mathematics",
    "_ext.navigation",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = [
    "_build",
    "_ext",
    "_templates",
    "**/GALLERY_HEADER.rst",
    "gallery/backreferences",
    "_generated",
]
templates_path = ["_templates"]
default_role = "mentioned"
highlight_language = "none"  # of blocks that do not say what they are: formulas in docstrings
pygments_style = "friendly"
add_module_names = False
toc_object_entries = False  # a class's methods stand on its page
suppress_warnings = ["myst.header"]  # pages that are made from tables begin below the second level

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

sphinx_gallery_conf = gallery.CONFIGURATION

# KaTeX writes MathML, which browsers draw with fonts that they have: no style sheet and no font is fetched
katex_css_path = "site.css"
katex_options = 'output: "mathml", throwOnError: true'

html_theme = "furo"
html_title = "pullback"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["copy.js", "formulas.js"]
html_domain_indices = False
html_use_index = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0a5c99", "color-brand-content": "#0a5c99"},
    "dark_css_variables": {"color-brand-primary": "#6cb6f0", "color-brand-content": "#6cb6f0"},
}
pygments_dark_style = "github-dark"
