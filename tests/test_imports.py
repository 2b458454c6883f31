"""The floor plan: imports point down, a library has one room, ``import gio_pandas`` is light."""

from __future__ import annotations

import ast
import graphlib
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import gio_pandas

PACKAGE = "gio_pandas"
ROOT = Path(gio_pandas.__file__).parent
FACE = ""
# What may be imported stands before what may import it.
CORE = (
    *("_version", "docstrings", "errors", "stops", "titles", "settings", "keys"),
    *("api", "exports", "catalog", "search", "session", "current", "comparison", FACE),
)
# What stands on the session, and is reached lazily.
SHELL = {
    *("accessor", "checkup", "description", "enrichment", "tables", "userlists"),
    *("notebook", "plotting", "cli", "__main__"),
}
ROOMS = {
    "IPython": {"notebook"},
    "altair": {"plotting"},
    "anywidget": {"notebook"},
    "ariadne": {"sandbox"},
    "click": {"cli"},
    "dask": {"exports"},
    "distributed": {"exports"},
    "fsspec": {"exports"},
    "graphql": {"sandbox"},
    "httpx": {"api"},
    "ipywidgets": {"notebook"},
    "keyring": {"keys"},
    "platformdirs": {"settings", "exports"},
    "polars": {"exports"},
    "pyarrow": {"exports"},
    "sqlite3": {"exports"},
    "stamina": {"api", "exports"},
    "starlette": {"sandbox"},
    "tomllib": {"settings"},
    "uvicorn": {"sandbox"},
}
CALLED_BY_IPYTHON = {"load_ipython_extension", "unload_ipython_extension"}
PANDAS_FREE = {"_version", "errors", "settings", "keys", "api", "sandbox"}


@dataclass(frozen=True)
class Import:
    """One name that one module takes from another."""

    importer: str
    module: str
    name: str
    line: int
    lazy: bool

    @property
    def room(self) -> str:
        """The part of the package that imports."""
        return _room(self.importer)

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.module} {self.name}".strip()


def _room(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


@cache
def _modules() -> dict[str, Path]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = (PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_modules()[module].read_text(encoding="utf-8"))


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _statements(node: ast.AST, lazy: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Give every import below a node, and whether importing the module runs it."""
    for child in ast.iter_child_nodes(node):
        later = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, later
        yield from _statements(child, later or _is_for_types(child))


@cache
def _imports(module: str) -> tuple[Import, ...]:
    found = []
    for node, lazy in _statements(_tree(module)):
        if isinstance(node, ast.Import):
            found += [Import(module, name.name, "", node.lineno, lazy) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports by dots"
            source = str(node.module)
            for name in node.names:
                whole = f"{source}.{name.name}"
                submodule = whole in _modules()
                target, taken = (whole, "") if submodule else (source, name.name)
                found.append(Import(module, target, taken, node.lineno, lazy))
    return tuple(found)


def _every_import() -> list[Import]:
    return [found for module in _modules() for found in _imports(module)]


def _own_imports() -> list[Import]:
    return [found for found in _every_import() if found.module.partition(".")[0] == PACKAGE]


def _points_down(found: Import) -> bool:
    importer, imported = found.room, _room(found.module)
    if importer == imported:
        return True
    if importer == "sandbox":
        return False
    if imported == "sandbox":
        return found.lazy and (importer == "session" or importer in SHELL)
    if imported in SHELL:
        return found.lazy or importer == FACE or importer in SHELL
    if importer in SHELL:
        return imported != FACE or found.lazy or importer in ("cli", "__main__")
    return CORE.index(imported) < CORE.index(importer)


def test_every_room_is_on_the_plan() -> None:
    """A new module has a place in the order before it has imports."""
    assert {_room(module) for module in _modules()} <= {*CORE, *SHELL, "sandbox"}


def test_imports_point_down() -> None:
    """Errors, settings, api, exports, catalog, session, the face: never the other way, nor lazily.

    What stands on the session is reached lazily, and the sandbox stands alone.
    """
    assert [str(found) for found in _own_imports() if not _points_down(found)] == []


def test_no_module_imports_itself_by_a_detour() -> None:
    """Inside of a room, too, what is imported at import time has an order."""
    graph = {
        module: {found.module for found in _imports(module) if not found.lazy} & set(_modules())
        for module in _modules()
    }
    graph = {module: needed - {module, PACKAGE} for module, needed in graph.items()}
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_the_rule_sees_an_import_that_points_up() -> None:
    """The test above is not green because it looks past things."""
    up = [
        Import("gio_pandas.api.client", "gio_pandas.session", "Session", 1, False),
        Import("gio_pandas.errors", "gio_pandas.settings", "Settings", 1, True),
        Import("gio_pandas.exports.job", "gio_pandas", "attach", 1, True),
        Import("gio_pandas.sandbox.app", "gio_pandas.errors", "GioError", 1, True),
        Import("gio_pandas.session", "gio_pandas.sandbox", "", 1, False),
        Import("gio_pandas.session", "gio_pandas.accessor", "", 1, False),
    ]
    assert [found for found in up if _points_down(found)] == []


@pytest.mark.parametrize("library", ROOMS)
def test_a_library_has_one_room(library: str) -> None:
    """Whoever changes how we use it finds all of that in one place, type hints included."""
    strays = [
        str(found)
        for found in _every_import()
        if found.module.partition(".")[0] == library and found.room not in ROOMS[library]
    ]
    assert strays == []


def test_the_lower_half_knows_no_pandas() -> None:
    """What speaks HTTP does not know what a DataFrame is."""
    strays = [
        str(found)
        for found in _every_import()
        if found.module.partition(".")[0] == "pandas" and found.room in PANDAS_FREE
    ]
    assert strays == []


# --- what importing costs ------------------------------------------------------------------------


def _run(code: str) -> str:
    # -I: neither the environment nor the current folder decides what is imported.
    path = f"import sys; sys.path.insert(0, {str(ROOT.parent)!r})\n"
    command = [sys.executable, "-I", "-c", path + code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Say what ``import gio_pandas`` loads beyond what pandas and httpx load by themselves."""
    answer = _run(
        "import pandas, httpx, json\n"
        "before = set(sys.modules)\n"
        "import gio_pandas\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    return set(json.loads(answer))


@pytest.mark.parametrize(
    "module",
    [
        "IPython",
        "altair",
        "anywidget",
        "ariadne",
        "click",
        "dask",
        "gio_pandas.cli",
        "gio_pandas.comparison",
        "gio_pandas.notebook",
        "gio_pandas.plotting",
        "gio_pandas.sandbox",
        "graphql",
        "ipywidgets",
        "keyring",
        "platformdirs",
        "polars",
        "pyarrow",
        "sqlite3",
        "stamina",
        "starlette",
        "tomllib",
        "uvicorn",
    ],
)
def test_importing_loads_nothing_heavy(loaded: set[str], module: str) -> None:
    """What only some users need is imported where it is needed."""
    assert not [name for name in loaded if name == module or name.startswith(f"{module}.")]


def test_importing_loads_no_other_library(loaded: set[str]) -> None:
    """Beyond pandas and httpx: this package and Python itself."""
    tops = {name.partition(".")[0] for name in loaded}
    assert tops - set(sys.stdlib_module_names) == {PACKAGE}


def test_importing_does_not_need_pyarrow() -> None:
    """With pyarrow out of reach the face is there all the same: only reading needs it."""
    code = (
        "sys.modules['pyarrow'] = None\n"
        "import gio_pandas as gio\n"
        "print(len([getattr(gio, name) for name in gio.__all__]))"
    )
    assert int(_run(code)) == len(gio_pandas.__all__)


def test_importing_touches_no_file_and_no_network() -> None:
    """No work at import: neither a socket nor a file of the user's is opened."""
    code = (
        "import pandas, httpx, platformdirs\n"
        "opened = []\n"
        "def audit(event, args):\n"
        "    if event.startswith('socket.') or (event == 'open' and 'r' not in str(args[1])):\n"
        "        opened.append((event, str(args)))\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(audit)\n"
        "import gio_pandas\n"
        "print(opened)"
    )
    assert _run(code).strip() == "[]"


# --- __all__ -------------------------------------------------------------------------------------


def _listed(module: str) -> list[str] | None:
    for node in _tree(module).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def _defined(module: str) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = {node.name for node in _tree(module).body if isinstance(node, kinds)}
    return {name for name in names if not name.startswith("_")}


def _order(name: str) -> tuple[int, str]:
    """Sort as ruff does: CONSTANTS, Classes, the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name


LISTING = [module for module in _modules() if _listed(module) is not None]


@pytest.mark.parametrize("module", LISTING)
def test_all_is_sorted_and_there(module: str) -> None:
    """Each name once, in order, and each can be taken."""
    names = _listed(module) or []
    assert names == sorted(set(names), key=_order)
    imported = importlib.import_module(module)
    assert [name for name in names if not hasattr(imported, name)] == []


@pytest.mark.parametrize("module", [name for name in _modules() if _room(name) != "sandbox"])
def test_all_is_the_whole_truth(module: str) -> None:
    """What a module defines without an underscore is in its ``__all__``; the rest is its own."""
    assert _defined(module) - CALLED_BY_IPYTHON <= set(_listed(module) or ())


def test_nobody_takes_what_is_not_offered() -> None:
    """A name that another module imports is listed there, and has no underscore."""
    taken = [found for found in _own_imports() if found.name and _listed(found.module) is not None]
    assert [str(found) for found in taken if found.name not in (_listed(found.module) or ())] == []
    private = [found for found in _own_imports() if found.name.startswith("_")]
    assert [str(found) for found in private if found.name != "__version__"] == []
