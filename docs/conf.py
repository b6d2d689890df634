"""Settings of the documentation site; `make docs` builds it into docs/_build."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE / "_ext", HERE.parent, HERE.parent / "overlays", HERE.parent / "generated"):
    sys.path.insert(0, str(folder))

from claude_batches import __version__  # noqa: E402

project = "claude-batches"
author = "The claude-batches authors"
copyright = f"2026, {author}"  # noqa: A001
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "diagrams",
    "from_sources",
    "references",
]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "claude-batches"
html_favicon = "favicon.svg"
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_use_type_comments = False
maximum_signature_line_length = 80
napoleon_custom_sections = [("Errors", "params_style")]
napoleon_use_rtype = False
#: Docstrings are Markdown as far as code goes.
default_role = "code"

#: Names without a page; everything else must lead to one.
nitpick_ignore_regex = [
    # The standard library's: the site is built without the network.
    ("py:class", r"(collections\.abc|datetime|decimal|os|pathlib)\.\w+|Path"),
    # Types of private modules that no caller has to name, and type variables.
    ("py:class", r"claude_batches\w*\.[\w.]*\b_[\w.]+"),
    ("py:class", r"FileResults|OnAmbiguous|OnBadLine|TimeoutLike|Unset"),
]
