"""Configuration of the documentation site: ``make docs`` builds it, offline and strictly."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
# Cells run in processes of their own, which import the same modules.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))

from make_reference import write_reference  # noqa: E402

project = "gossan"
author = "The gossan developers"
copyright = "The gossan developers, BSD-3-Clause"
release = version = installed_version("gossan")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_build",
    "gallery/*",
    "gallery_made/*.ipynb",
    "gallery_made/*.py",
    "**/sg_execution_times.rst",
    "sg_execution_times.rst",
]
templates_path: list[str] = []
language = "en"
nitpicky = False
suppress_warnings = ["config.cache"]
"""The gallery's settings hold a function."""

# Pages are Markdown; those with code cells are run in the build, and a failing cell ends it.
myst_enable_extensions = ["colon_fence", "deflist", "attrs_block"]
myst_heading_anchors = 4
nb_execution_mode = "off" if os.environ.get("GOSSAN_DOCS_QUICK") else "force"
nb_execution_timeout = 1800
nb_execution_raise_on_error = True
nb_execution_in_temp = False
nb_merge_streams = True

autosummary_generate = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_mock_imports: list[str] = []
napoleon_google_docstring = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "gallery_made",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "download_all_examples": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "plot_gallery": "False" if os.environ.get("GOSSAN_DOCS_QUICK") else "True",
}

html_theme = "pydata_sphinx_theme"
html_title = "gossan"
html_static_path = ["_static"]
html_css_files = ["gossan.css"]
html_sidebars = {"start/*": [], "coming_from": []}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": True,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "secondary_sidebar_items": ["page-toc"],
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

write_reference(HERE / "reference" / "made")


def keep_prose(app, what, name, obj, options, lines):  # type: ignore[no-untyped-def]
    """Indent prose under "Returns", whose first line napoleon would take for a type."""
    if "Returns" not in lines:
        return
    first = lines.index("Returns") + 2
    rules = (number for number in range(first, len(lines)) if set(lines[number]) == {"-"})
    last = next(rules, len(lines) + 1) - 1
    kind = getattr(obj, "__annotations__", {}).get("return")
    if kind and not any(line.startswith(" ") for line in lines[first:last]):
        lines[first:last] = [str(kind), *(f"    {line}" for line in lines[first:last]), ""]


def setup(app):  # type: ignore[no-untyped-def]
    """Let docstrings be mended before napoleon reads them."""
    app.connect("autodoc-process-docstring", keep_prose, priority=400)
