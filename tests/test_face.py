"""The face: the verbs on the current session, with the signatures and words of its methods."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.session import ReadOptions

VERBS = sorted(
    name
    for name, value in vars(gio.Session).items()
    if inspect.isfunction(value) and not name.startswith("_") and name != "close"
)


@pytest.fixture
def closing() -> Iterator[Callable[[gio.Session], gio.Session]]:
    """Close in the end every session that a test made."""
    sessions: list[gio.Session] = []

    def keep(session: gio.Session) -> gio.Session:
        sessions.append(session)
        return session

    yield keep
    for session in sessions:
        session.close()


def test_all_is_sorted_and_there() -> None:
    """What the face offers is listed once, in order."""
    assert gio.__all__ == sorted(gio.__all__)
    assert len(set(gio.__all__)) == len(gio.__all__)
    assert all(hasattr(gio, name) for name in gio.__all__)


def test_every_verb_of_a_session_is_a_function() -> None:
    """What a session can do, the module can do, and it says so in ``__all__``."""
    assert set(VERBS) <= set(gio.__all__)
    assert {"read_segment", "submit_tag", "list_frequencies", "attach", "graphql"} <= set(VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_has_its_methods_words(name: str) -> None:
    """Help shows the method's own text under the function's name."""
    verb, method = getattr(gio, name), getattr(gio.Session, name)
    assert verb.__doc__ == method.__doc__
    assert verb.__doc__
    assert verb.__name__ == name


@pytest.mark.parametrize("name", VERBS)
def test_a_verbs_signature_is_spelled_out(name: str) -> None:
    """No self, no ``**options``: every argument shows, keyword-only after the first."""
    parameters = list(inspect.signature(getattr(gio, name)).parameters.values())
    names = [parameter.name for parameter in parameters]
    assert "self" not in names
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    exports = name.startswith(("read_", "aread_", "submit_"))
    if exports and name not in ("read_many", "read_profiles"):
        assert set(ReadOptions.__annotations__) <= set(names)
        assert {parameter.kind for parameter in parameters[1:]} == {inspect.Parameter.KEYWORD_ONLY}
        defaults = {parameter.name: parameter.default for parameter in parameters}
        assert defaults["timeout"] is ...
        assert defaults["project"] is None


@pytest.mark.parametrize("kind", ["tag", "segment", "funnel", "event", "retention", "frequency"])
def test_read_takes_what_submit_takes(kind: str) -> None:
    """Reading is submitting and ``to_pandas``: their arguments are the same."""
    read, aread, submit = (
        inspect.signature(getattr(gio, f"{verb}_{kind}")) for verb in ("read", "aread", "submit")
    )
    assert list(read.parameters.values()) == list(submit.parameters.values())
    assert list(aread.parameters.values()) == list(submit.parameters.values())


def test_connect_takes_what_a_session_takes() -> None:
    """The same arguments with the same defaults."""
    ours, its = inspect.signature(gio.connect), inspect.signature(gio.Session)
    assert list(ours.parameters.values()) == list(its.parameters.values())


def test_everything_public_says_what_it_is() -> None:
    """Every name of the face has a docstring."""
    named = [getattr(gio, name) for name in gio.__all__ if name != "__version__"]
    assert all(inspect.getdoc(thing) for thing in named)


def test_the_session_last_connected_is_current(
    closing: Callable[[gio.Session], gio.Session],
) -> None:
    """Connecting chooses the platform of the module's verbs, and sends nothing."""
    first = closing(gio.connect("https://one.example.cn", api_key="k"))
    assert gio.current_session() is first
    second = closing(gio.connect("https://two.example.cn", api_key="k", project="p", timeout=None))
    assert gio.current_session() is second
    assert second.settings.timeout is None
    assert second.settings.project == "p"


def test_a_session_of_ones_own_is_not_current(
    closing: Callable[[gio.Session], gio.Session],
) -> None:
    """``gio.Session`` changes nothing for the module's verbs."""
    current = closing(gio.connect("https://one.example.cn", api_key="k"))
    closing(gio.Session("https://two.example.cn", api_key="k"))
    assert gio.current_session() is current


def test_without_a_platform_the_first_verb_says_what_to_do() -> None:
    """The error has the three ways to say where the platform is."""
    with pytest.raises(gio.SettingsError, match=r"gio\.connect.*GIO_URL.*sandbox:"):
        gio.list_projects()


def test_the_environment_is_enough(
    sandbox: embedded.Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    closing: Callable[[gio.Session], gio.Session],
) -> None:
    """With settings in the environment the first verb connects by itself, and once."""
    monkeypatch.setenv("GIO_URL", sandbox.url)
    monkeypatch.setenv("GIO_API_KEY", sandbox.api_key)
    monkeypatch.setenv("GIO_PROJECT", "默认项目")
    assert len(gio.read_segment("分群1")) > 0
    assert closing(gio.current_session()) is gio.current_session()


def test_a_connection_that_fails_leaves_the_current_one(
    closing: Callable[[gio.Session], gio.Session],
) -> None:
    """A slip of the pen in connect does not disconnect."""
    current = closing(gio.connect("https://one.example.cn", api_key="k"))
    with pytest.raises(gio.SettingsError):
        gio.connect("one.example.cn", api_key="k")
    assert gio.current_session() is current


def test_threads_get_one_current_session(
    sandbox: embedded.Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    closing: Callable[[gio.Session], gio.Session],
) -> None:
    """Of many threads at the first use, one makes the session and all have it."""
    monkeypatch.setenv("GIO_URL", sandbox.url)
    monkeypatch.setenv("GIO_API_KEY", sandbox.api_key)
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(gio.current_session())) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(session) for session in found}) == 1
    closing(found[0])


def test_the_embedded_platform_needs_nothing(
    closing: Callable[[gio.Session], gio.Session],
) -> None:
    """``sandbox:`` is a platform with a project, without an account."""
    session = closing(gio.connect("sandbox:"))
    assert repr(session) == "Session('sandbox:', project='默认项目')"
    frame = gio.read_segment("高价值用户", tags=["会员等级"], properties=["usr_city"])
    assert len(frame) == 1000
    assert frame.attrs["gio"]["platform"] == "sandbox:"
    assert frame.gio.source.loc["name", "value"] == "高价值用户"


def test_the_sandbox_is_there_when_it_is_used() -> None:
    """``gio.sandbox`` needs no import of its own, and nothing else is made up."""
    with gio.sandbox.start(users=10) as platform:
        assert platform.url.startswith("http://127.0.0.1:")
    with pytest.raises(AttributeError, match="no attribute 'sandpit'"):
        gio.sandpit  # noqa: B018
