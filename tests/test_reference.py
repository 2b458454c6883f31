"""The reference: what ``help()`` and the pages say is complete, and its examples are true."""

from __future__ import annotations

import builtins
import doctest
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas import accessor, plotting, session, settings
from gio_pandas import sandbox as embedded

ROOT = Path(__file__).parents[1]
NAMED = {
    **{f"gio.{name}": getattr(gio, name) for name in gio.__all__ if name != "__version__"},
    **{f"sandbox.{name}": getattr(embedded, name) for name in embedded.__all__},
    **{f"settings.{name}": getattr(settings, name) for name in ("Settings", "Secret")},
    **{f"plotting.{name}": getattr(plotting, name) for name in ("chart", "save")},
    "ReadOptions": session.ReadOptions,
    "df.gio": accessor.GioAccessor,
}
QUIET = {"gio.as_completed", "gio.cache_info", "gio.clear_cache"}
"""What raises nothing of its own."""

HEADING = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", re.MULTILINE)


def _is_ours(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").partition(".")[0] == gio.__name__


def _members(name: str, owner: type) -> Iterator[tuple[str, Any]]:
    """Give the public methods and properties of a class, as far as we wrote them."""
    for base in filter(_is_ours, reversed(owner.__mro__)):
        for member, value in vars(base).items():
            plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if not member.startswith("_") and isinstance(plain, FunctionType | property):
                yield f"{name}.{member}", plain


def _everything() -> dict[str, Any]:
    found = {name: thing for name, thing in NAMED.items() if not isinstance(thing, Mapping)}
    for name, thing in list(found.items()):
        if inspect.isclass(thing) and thing is not session.ReadOptions:
            found |= dict(_members(name, thing))
    return {name: thing for thing, name in {thing: name for name, thing in found.items()}.items()}


EVERYTHING = _everything()
ERRORS = {
    name: thing
    for name, thing in NAMED.items()
    if inspect.isclass(thing) and issubclass(thing, gio.GioError)
}
CALLABLES = {
    name: thing for name, thing in EVERYTHING.items() if callable(thing) and name not in ERRORS
}
FUNCTIONS = {name: thing for name, thing in CALLABLES.items() if not inspect.isclass(thing)}


def _sections(thing: Any) -> dict[str, str]:
    pieces = HEADING.split(inspect.getdoc(thing) or "")
    return dict(zip(["", *pieces[1::2]], pieces[::2], strict=True))


def _entries(thing: Any, *headings: str) -> dict[str, str]:
    """Give what is said of each name; several names may share an entry, and have types."""
    entries: dict[str, str] = {}
    for heading in headings:
        for entry in filter(
            None, re.split(r"^(?=\S)", _sections(thing).get(heading, ""), flags=re.M)
        ):
            head, _, text = entry.partition("\n")
            names = head.partition(" : ")[0].replace("*", "").split(", ")
            entries |= dict.fromkeys(names, text.strip())
    return entries


def _parameters(thing: Any) -> list[str]:
    return [name for name in inspect.signature(thing).parameters if name not in ("self", "cls")]


def test_all_that_is_public_has_a_summary() -> None:
    """One sentence on the first line says what it is."""
    docs = {name: (inspect.getdoc(thing) or "").split("\n") for name, thing in EVERYTHING.items()}
    assert [name for name, lines in docs.items() if not lines[0].rstrip("`").endswith(".")] == []
    assert [name for name, lines in docs.items() if any(lines[1:2])] == []


def test_every_parameter_is_explained() -> None:
    """What the signature has, the docstring has, in that order, and nothing else."""
    told = {
        name: _entries(thing, "Parameters") or _entries(thing, "Attributes")
        for name, thing in CALLABLES.items()
    }
    assert {name: list(entries) for name, entries in told.items()} == {
        name: _parameters(thing) for name, thing in CALLABLES.items()
    }
    assert [name for name, entries in told.items() if not all(entries.values())] == []


def test_what_comes_back_is_said() -> None:
    """A function that gives something says what, in Returns or Yields; one that does not, no."""
    for name, thing in FUNCTIONS.items():
        hint, sections = inspect.signature(thing).return_annotation, _sections(thing)
        is_said = "Returns" in sections or "Yields" in sections
        assert is_said == (hint not in ("None", None)), name


def test_what_goes_wrong_is_said() -> None:
    """Every verb that can raise an error of ours says which, and for each why."""
    verbs = {name: thing for name, thing in FUNCTIONS.items() if name.count(".") == 1}
    told = {name: _entries(thing, "Raises") for name, thing in verbs.items()}
    assert {name for name, errors in told.items() if not errors} == QUIET
    for errors in told.values():
        assert all(errors.values())
        assert all(
            issubclass(getattr(gio, error, None) or getattr(builtins, error), Exception)
            for error in errors
        )


def test_an_errors_attributes_are_explained() -> None:
    """What an error holds for those who catch it, and nothing that it does not hold."""
    for kind in ERRORS.values():
        more = {"job": None} if kind is gio.JobTimeoutError else {}
        bases = filter(_is_ours, kind.__mro__)
        told = [name for base in bases for name in _entries(base, "Attributes")]
        assert set(told) == set(vars(kind("It fails", hint="Try.", **more))), kind


# --- examples ------------------------------------------------------------------------------------

EXAMPLES = {
    doc: name
    for name, thing in [*reversed(EVERYTHING.items()), ("gio", gio)]
    if ">>>" in (doc := inspect.getdoc(thing) or "")
}
"""What shows examples; a verb and its method show the same."""

LISTS = {
    "list_projects": {},
    "list_tags": {},
    "list_segments": {},
    "list_funnels": {},
    "list_events": {},
    "list_retentions": {},
    "list_frequencies": {},
    "search": {"words": "会员"},
    "jobs": {},
    "cache_info": {},
}


@pytest.fixture(scope="module")
def practice() -> Iterator[embedded.Sandbox]:
    """Start a sandbox that no other test asks for anything."""
    with embedded.start(stage_seconds=0) as platform:
        yield platform


@pytest.fixture
def connected(
    practice: embedded.Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """Speak with that sandbox as the embedded one, in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(embedded, "_embedded", practice)
    with gio.connect("sandbox:"):
        yield
        gio.current_session().close()  # an example may have connected once more


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("doc", EXAMPLES, ids=EXAMPLES.values())
def test_examples_are_true(doc: str) -> None:
    """What an example shows is what comes of it, on the sandbox, for a user without settings."""
    said: list[str] = []
    names = {"gio": gio, "pd": pd}
    found = doctest.DocTestParser().get_doctest(doc, names, EXAMPLES[doc], None, None)
    doctest.DocTestRunner().run(found, out=said.append)
    assert not said, "".join(said)


def test_the_main_verbs_have_examples() -> None:
    """Whoever looks up a verb sees it used, be it a listing, an export, a job or a connection."""
    shown = {name.rpartition(".")[2] for name in EXAMPLES.values()}
    assert set(LISTS) <= shown
    kinds = ("tag", "segment", "funnel", "event", "retention", "frequency")
    assert {f"read_{kind}" for kind in kinds} <= shown
    assert {"connect", "use", "attach", "graphql", "read_many", "ExportJob", "Session"} <= shown


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("name", LISTS)
def test_every_column_of_a_listing_is_named(name: str) -> None:
    """What Returns says of a listing's columns is what the listing has, first to last."""
    verb = getattr(gio, name)
    columns, told = list(verb(**LISTS[name])), re.findall(r"``(\w+)``", _sections(verb)["Returns"])
    assert [word for word in told if word in columns] == columns


# --- pages ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Build the pages as CONTRIBUTING says; a warning is an error."""
    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-W", "error", str(ROOT / "docs" / "build.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*.html")
    }


def test_the_pages_show_the_public_face_alone(pages: dict[str, str]) -> None:
    """All of it is there, each name once in a group, and no page of what is behind it."""
    shown = re.findall(r'<section id="([^"]+)"', pages["gio_pandas.html"])
    assert sorted(shown) == sorted(gio.__all__)
    assert set(re.findall(r'<section id="([^"]+)"', pages["gio_pandas/sandbox.html"])) == set(
        embedded.__all__
    )
    others = {f"gio_pandas/{name}.html" for name in ("accessor", "plotting", "sandbox", "settings")}
    assert set(pages) == {"index.html", "gio_pandas.html", *others}


def test_a_page_shows_everything_once(pages: dict[str, str]) -> None:
    """Each thing has one place, with what pickers have from classes that are on no page."""
    for page in pages.values():
        places = re.findall(r'id="([^"]+)" class="classattr"', page)
        assert sorted(places) == sorted(set(places))
    assert 'id="TagPicker.read"' in pages["gio_pandas.html"]


def test_a_verb_is_shown_as_it_is_called(pages: dict[str, str]) -> None:
    """Every option of a verb is in its signature, ``self`` and how it is made are not."""
    text = re.sub(r"<[^>]+>", "", pages["gio_pandas.html"])
    for verb in ("read_segment", "submit_tag", "aread_event"):
        [signature] = re.findall(rf"def\s+{verb}\((.*?)\) -> ", text, re.DOTALL)
        names = re.findall(r"(\w+):", signature)
        assert set(session.ReadOptions.__annotations__) <= set(names)
        assert "self" not in signature
    assert "@explained" not in text


def test_no_signature_holds_what_it_cannot_name(pages: dict[str, str]) -> None:
    """Neither an object's address nor a placeholder stands for a default or a type."""
    for page in pages.values():
        text = re.sub(r"<[^>]+>", "", page)
        assert not re.findall(r".{40} at 0x[0-9a-f]+", text)
        assert not re.findall(r".{40}&lt;(?:object|unknown|built-in)", text)
        assert "(unknown)" not in text


def test_the_pages_fetch_nothing(pages: dict[str, str]) -> None:
    """They can be read where there is no network."""
    for page in pages.values():
        assert not re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?!data:)[^"]+"', page)
        assert "@import" not in page
