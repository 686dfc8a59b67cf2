"""How Sphinx makes the documentation site of these pages; `make docs` calls it.

The pages are Markdown that can be read on a code-hosting site too. So links lead to files of the checkout, and are
turned here: to a page where the file has one on the site, else to its name.
"""

import dataclasses
import inspect
import os
import pkgutil
import re
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index", "CONTRIBUTING.md": "contributing", "CHANGELOG.md": "changelog"}
"""Files beside docs/ that a page of the site includes."""

# This checkout is described, and the tutorial runs it, whatever is installed.
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
# Nor does the tutorial see the IPython settings of whoever builds this.
profile = ROOT / "build" / "ipython" / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n", encoding="utf-8")
os.environ["IPYTHONDIR"] = str(profile.parent)

project = "igsed"
author = "The igsed developers"
release = version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
copyright = "the igsed developers, MIT licence"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.viewcode", "numpydoc"]
exclude_patterns = ["_templates", "adding/*.template.md"]
templates_path = ["_templates"]
default_role = "code-or-link"  # of docstrings
nitpicky = True
# Types of other packages have no page here, and nothing is asked of the network to find theirs.
nitpick_ignore_regex = [("py:.*", r"(?!igsed\.).*")]
python_maximum_signature_line_length = 100

myst_enable_extensions = ["deflist", "smartquotes"]
myst_heading_anchors = 4

# The tutorial runs each time; an error in a cell is one of the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_merge_streams = True

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "furo"
html_title = f"igsed {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
html_js_files = ["site.js"]


class Code(PyXRefRole):
    """What stands between single backticks in a docstring: code, and a link where it names something of the API."""

    def run(self):
        if re.fullmatch(r"~?[A-Za-z_][\w.]*", self.text):
            self.name = "py:obj"
            return super().run()
        return [nodes.literal(self.rawtext, self.text.replace("\\", ""))], []


def turn_links(app: Sphinx, doctree: nodes.document) -> None:
    """Links to files of the checkout beside docs/: to the page that includes one, else its name as text."""
    links = [node for kind in (addnodes.pending_xref, addnodes.download_reference) for node in doctree.findall(kind)]
    for link in links:
        # MyST names a Markdown file without its ending, from the root of the disk where it lies outside of docs/.
        place = Path(app.srcdir, app.env.docname).parent / link.get("reftarget", "")
        path = os.path.relpath(os.path.normpath(place), ROOT)
        if link.get("refdomain") == "doc":
            link["reftarget"] = PAGES.get(f"{path}.md", link["reftarget"])
            if re.fullmatch(r"(docs/)?[\w/]+\.md", link.astext()):  # a file's name there, the title of a page here
                link["refexplicit"] = False
        elif isinstance(link, addnodes.download_reference) or link.get("reftype") == "myst":
            included = (ROOT / link["reftarget"]).is_file()  # of a page that includes a file of another folder
            if included or not path.startswith("docs"):
                link.replace_self(link.children)


def mark_numbers(app: Sphinx, doctree: nodes.document) -> None:
    """Cells of a table that hold a number, with its interval or not, are not broken into lines."""
    for cell in doctree.findall(nodes.entry):
        if re.fullmatch(r"[-−–\d.,\[\] %×]+", cell.astext()):
            cell["classes"].append("number")


def bare_signature(app: Sphinx, what: str, name: str, found, options, signature: str, returns: str):
    """Of a dataclass only names and plain defaults: its attributes say the rest."""
    if what != "class" or not dataclasses.is_dataclass(found):
        return None
    parameters = []
    for parameter in inspect.signature(found).parameters.values():
        plain = isinstance(parameter.default, str | int | float | tuple | None)
        default = parameter.default if plain else "…"
        kept = parameter.empty if parameter.default is parameter.empty else default
        parameters.append(parameter.replace(annotation=parameter.empty, default=kept))
    return str(inspect.Signature(parameters)).replace("'…'", "..."), ""


def without_aliases(app: Sphinx, what: str, name: str, found, skipped: bool, options) -> bool | None:
    """Leave out what Python says of the fields of a named tuple, "Alias for field number 0"."""
    return True if type(found).__name__ == "_tuplegetter" else None


def without_page(app: Sphinx, env, node: addnodes.pending_xref, content: nodes.Element) -> nodes.Element | None:
    """A name of the package without a page here, or with one elsewhere; None, an error, where there is no such name."""
    try:
        found = pkgutil.resolve_name(node.get("reftarget", "").removesuffix("."))
    except (ImportError, AttributeError, ValueError):
        return None
    place = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    if place in env.domains.python_domain.objects and place != node["reftarget"]:
        return env.domains.python_domain.resolve_xref(env, node["refdoc"], app.builder, "obj", place, node, content)
    return content


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_role("code-or-link", Code())
    app.connect("autodoc-skip-member", without_aliases)
    app.connect("autodoc-process-signature", bare_signature)
    app.connect("doctree-read", turn_links)
    app.connect("doctree-read", mark_numbers)
    app.connect("missing-reference", without_page)
