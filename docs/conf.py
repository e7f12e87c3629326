"""The site: ``nox -s docs`` builds it. No page loads anything from another host."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "packaging")]

import address  # noqa: E402

import arrayinit  # noqa: E402

project = "arrayinit"
author = "The arrayinit developers"
copyright = author  # noqa: A001
version = release = arrayinit.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "gallery_style",
    "mathml",
    "pages",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "gallery/README.rst"]
nitpicky = True
# Objects of other projects have no page here.
nitpick_ignore_regex = [(r"py:.*", r"(?!arrayinit\b).*")]

# In a docstring, single backticks link to an object that has a page.
default_role = "autolink"
html_math_renderer = "mathml"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

# The copy button leaves out prompts and output.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "arrayinit"
html_favicon = "_static/icon.svg"
# The scheme of the reader's system.
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["arrayinit.css", "gallery.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "search_bar_text": "Search",
    "use_edit_page_button": False,
    **({"github_url": address.address()} if address.address() else {}),
}
# These pages have no pages below them.
html_sidebars: dict[str, list[str]] = {"index": [], "changes": []}

sphinx_gallery_conf = {
    # In processes of their own: Sphinx forks later, which JAX, once it has drawn, does not bear.
    "parallel": True,
    "examples_dirs": "gallery",
    "gallery_dirs": "gallery/made",
    "within_subsection_order": "gallery_style.Order",
    "reset_modules": ("gallery_style.style",),
    "image_srcset": ["2x"],
    "thumbnail_size": (600, 420),
    "abort_on_example_error": True,
    "capture_repr": (),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 60,
}
