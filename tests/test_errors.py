"""The errors: one tree, one line in a notebook, whole after pickling."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import gio_pandas as gio
from gio_pandas import errors
from gio_pandas.exports.job import ExportJob

_TWINS = [
    {"id": "Sg000001", "name": "高价值用户", "creator": "Ann", "updated": "2024-01-02"},
    {"id": "Sg000002", "name": "高价值用户", "creator": "李雷", "updated": "2024-01-03"},
]
_MORE: dict[type[gio.GioError], dict[str, Any]] = {
    gio.NotFoundError: {"near": ("高价值用户", "高价值")},
    gio.AmbiguousNameError: {"candidates": tuple(_TWINS)},
    gio.GraphQLError: {"errors": ({"message": "no"},), "data": {"a": 1}},
    gio.PlatformUnavailableError: {"status": 503, "retry_after": 2.0, "seen": False},
    gio.JobFailedError: {"code": "E1", "message": "磁盘已满"},
    gio.JobTimeoutError: {"job": None},
    gio.DownloadError: {"file": "/jobs/用户.csv"},
    gio.DecodeError: {"file": "/jobs/用户.csv", "offset": 17},
}
KINDS = [getattr(errors, name) for name in errors.__all__]


def _made(kind: type[gio.GioError]) -> gio.GioError:
    return kind("It broke.", hint="Mend it.", **_MORE.get(kind, {}))


def _pickled(error: gio.GioError) -> gio.GioError:
    again: gio.GioError = pickle.loads(pickle.dumps(error))
    return again


def test_the_tree_is_as_it_is_drawn() -> None:
    """The docstring's drawing has every error, right under GioError, and no other."""
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(name for name in errors.__all__ if name != "GioError")
    assert {kind.__bases__ for kind in KINDS if kind is not gio.GioError} == {(gio.GioError,)}
    assert gio.GioError.__bases__ == (Exception,)


def test_the_module_has_no_error_that_it_does_not_name() -> None:
    """Whoever catches by name can catch them all."""
    found = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and kind in KINDS}
    others = [kind for kind in vars(errors).values() if inspect.isclass(kind) and kind not in KINDS]
    assert found == set(errors.__all__)
    assert not [kind for kind in others if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_face_has_every_error(kind: type[gio.GioError]) -> None:
    """``gio.SettingsError`` and its siblings need no second import."""
    assert getattr(gio, kind.__name__) is kind
    assert kind.__name__ in gio.__all__


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_what_happened_and_what_to_do(kind: type[gio.GioError]) -> None:
    """Both sentences stand in the message and apart, with one full stop between them."""
    error = _made(kind)
    assert str(error).splitlines()[0] == "It broke. Mend it."
    assert (error.what, error.hint) == ("It broke", "Mend it.")


def test_a_message_is_no_longer_than_anybody_reads() -> None:
    """A name of a megabyte loses its middle; what stands behind it does not."""
    error = gio.DownloadError(f"{'用' * 10**6} broke off", hint=f"{'x' * 10**6} Try again.")
    assert len(str(error)) < 4_100
    assert "… " in error.what
    assert error.what.endswith(" broke off")
    assert error.hint.endswith(" Try again.")


def test_what_happened_is_one_line_whatever_the_platform_says() -> None:
    """A message of several lines, as platforms send them, does not break the line."""
    error = gio.GioError("The platform answered: a\n  b\tc", hint="Mend it.")
    assert str(error) == "The platform answered: a b c. Mend it."


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, _pickled])
def test_an_error_keeps_everything_through_a_copy(kind: type[gio.GioError], again: Any) -> None:
    """Kind, message, attributes and notes come out of a process pool as they went in."""
    error = _made(kind)
    error.add_note("The job: gio.attach('x')")
    other = again(error)
    assert type(other) is kind
    assert str(other) == str(error)
    assert vars(other) == vars(error)
    assert {name: getattr(other, name) for name in _MORE.get(kind, {})} == _MORE.get(kind, {})


def test_a_subclass_of_ones_own_pickles() -> None:
    """A signature of its own does not keep a subclass from being pickled."""
    error = pickle.loads(pickle.dumps(_Own(3)))
    assert (type(error), error.number, str(error)) == (_Own, 3, "Number 3. Count again.")


class _Own(gio.GioError):
    def __init__(self, number: int) -> None:
        super().__init__(f"Number {number}", hint="Count again.")
        self.number = number


def test_a_timeout_is_pickled_without_its_job(sandbox: Any) -> None:
    """A job holds the way in, which stays here; the message has the id that picks it up again."""
    with gio.Session(sandbox.url, api_key=sandbox.api_key) as session:
        job = session.attach("VGFnVXNlckV4cG9ydEpvYkR0bzpBYlEzWEFwWQ")
        error = gio.JobTimeoutError("Slow", hint=f"gio.attach({job.id!r})", job=job)
        assert isinstance(error.job, ExportJob)
        text = pickle.dumps(error)
    assert sandbox.api_key.encode() not in text
    assert pickle.loads(text).job is None
    assert job.id in str(pickle.loads(text))


def test_an_ambiguous_name_shows_the_candidates() -> None:
    """Below the one line: a header, and a row for each item of that name."""
    lines = str(_made(gio.AmbiguousNameError)).splitlines()
    assert lines[0] == "It broke. Mend it."
    assert lines[1].split() == ["id", "name", "creator", "updated"]
    assert [line.split() for line in lines[2:]] == [list(twin.values()) for twin in _TWINS]


def test_an_ambiguous_name_without_candidates_is_one_line() -> None:
    """No table where there is nothing to put into it."""
    assert str(gio.AmbiguousNameError("Two", hint="Pick.")) == "Two. Pick."


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not gio.AmbiguousNameError])
def test_a_notebook_is_given_one_line(kind: type[gio.GioError]) -> None:
    """IPython asks the error itself how it is shown."""
    assert _made(kind)._render_traceback_() == [f"{kind.__name__}: It broke. Mend it."]


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """Run cells as a notebook does."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.colors = "nocolor"
    yield shell
    shell.restore_sys_module_state()


def _shown(shell: InteractiveShell, cell: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        result = shell.run_cell(cell)
    assert not result.success
    return out.getvalue()


def test_ipython_shows_one_line(shell: InteractiveShell) -> None:
    """A real cell that fails prints the message, and no frame of this package."""
    shown = _shown(shell, "import gio_pandas as gio\ngio.list_projects()")
    assert len(shown.strip().splitlines()) == 1
    assert shown.startswith("SettingsError: No platform is set. Pass gio.connect(")


def test_ipython_shows_the_note_below_the_line(shell: InteractiveShell) -> None:
    """A note, such as the line that picks the job up again, is not lost in a notebook."""
    cell = (
        "import gio_pandas as gio\n"
        "error = gio.DownloadError('It broke', hint='Mend it.')\n"
        "error.add_note('The job: gio.attach(7)')\n"
        "raise error from OSError('a foreign word')"
    )
    assert _shown(shell, cell).split("\n")[:2] == [
        "DownloadError: It broke. Mend it.",
        "The job: gio.attach(7)",
    ]


def test_ipython_shows_other_errors_as_ever(shell: InteractiveShell) -> None:
    """Only this package's errors are cut to a line."""
    assert "Traceback" in _shown(shell, "1 / 0")
