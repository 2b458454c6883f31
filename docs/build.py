"""Build the reference, one page a module: ``python docs/build.py [FOLDER]``.

The pages stand alone: nothing is fetched when they are looked at.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pdoc

import gio_pandas as gio
from gio_pandas import sandbox
from gio_pandas.accessor import GioAccessor

PAGES = {
    "gio_pandas.accessor": ["GioAccessor"],
    "gio_pandas.plotting": ["chart", "save"],
    "gio_pandas.sandbox": sandbox.__all__,
    "gio_pandas.settings": ["Settings", "Secret"],
}
"""What has a page beside the face, and what is shown of it."""

GROUP = re.compile(r"^- \*\*(.+?):\*\*(.+(?:\n  .+)*)", re.MULTILINE)


def groups() -> dict[str, list[str]]:
    """Say which of the face's names belong together: as its docstring has it."""
    found = GROUP.findall(gio.__doc__ or "")
    return {title: re.findall(r"``(\w+)``", names) for title, names in found}


@cache
def grouped(module: pdoc.doc.Module) -> list[tuple[str, list[pdoc.doc.Doc[Any]]]]:
    """Give a module's members, with a title for each group of them."""
    for member in module.own_members:
        if isinstance(member, pdoc.doc.Class):
            member.own_members = shown(member)
        elif isinstance(member, pdoc.doc.Function) and "self" in member.signature.parameters:
            member.signature = member.signature_without_self  # a session's method, as a verb
    titled = groups() if module.obj is gio else {"Reference": PAGES[module.fullname]}
    return [(title, [module.members[name] for name in names]) for title, names in titled.items()]


def shown(owner: pdoc.doc.Class) -> list[pdoc.doc.Doc[Any]]:
    """Give what is shown of a class: also what it has from others of ours, which are on no page."""
    inherited = [
        member
        for (module, name), found in owner.inherited_members.items()
        if module.startswith("gio_pandas.") and not hasattr(gio, name)
        for member in found
    ]
    return [member for member in [*owner.own_members, *inherited] if is_shown(member, owner.obj)]


def is_shown(member: pdoc.doc.Doc[Any], owner: type) -> bool:
    """Tell whether a page shows a member of a class beside the class's own words."""
    if isinstance(member, pdoc.doc.Variable):
        return bool(member.annotation_str and member.docstring)  # else the class has told of it
    if member.name == "__init__":  # not of what nobody makes by hand
        return not issubclass(owner, (gio.ExportJob, gio.GioError, GioAccessor))
    return owner is not gio.Session or member.name not in gio.__all__


def build(folder: Path) -> None:
    """Write the pages into a folder."""
    for name in gio.__all__:  # pdoc sees what is there, and not what comes when it is asked for
        vars(gio)[name] = getattr(gio, name)
    pdoc.render.configure(
        docformat="numpy",
        footer_text=f"gio-pandas {gio.__version__}",
        search=False,
        show_source=False,
        template_directory=Path(__file__).with_name("pdoc"),
    )
    pdoc.render.env.globals["grouped"] = grouped
    # The face has a function of that name, which pdoc takes for the module.
    pdoc.pdoc("gio_pandas", r"!gio_pandas\.search$", *PAGES, output_directory=folder)


if __name__ == "__main__":
    build(Path(sys.argv[1] if sys.argv[1:] else "build/reference"))
