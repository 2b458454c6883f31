"""Errors: one tree, a next step in each, and no secret in any."""

from __future__ import annotations

import logging
import re
import stat
import traceback
from pathlib import Path
from typing import Any

import pytest

import gio_pandas as gio

from .conftest import Connect, Serve, needs
from .frames import (
    SECRET_HEADERS,
    SECRETS,
    TWO_PROJECTS,
    VIP,
)
from .platform import ALWAYS, API_KEY, Fault, Platform
from .world import DEFAULT_PROJECT, World, segment

ERRORS = [
    "SettingsError",
    "AuthenticationError",
    "PermissionDeniedError",
    "NotFoundError",
    "AmbiguousNameError",
    "GraphQLError",
    "PlatformUnavailableError",
    "SubmitUncertainError",
    "JobFailedError",
    "JobTimeoutError",
    "DownloadError",
    "DecodeError",
]
TWINS = World().with_segments(segment("Sg000001", VIP), segment("Sg000002", VIP))
# What goes wrong: the error, the platform's options, its world, and the session's settings.
MISHAPS: dict[str, tuple[str, dict[str, Any], World, dict[str, Any]]] = {
    "bad-ca-file": ("SettingsError", {}, World(), {"verify": "/no/such/ca.pem"}),
    "bad-timeout": ("SettingsError", {}, World(), {"timeout": -1}),
    "several-projects": ("SettingsError", {}, TWO_PROJECTS, {"project": None}),
    "wrong-key": ("AuthenticationError", {}, World(), {"api_key": "wrong-key-0123456789"}),
    "wrong-scheme": ("AuthenticationError", {}, World(), {"auth_scheme": "Bearer"}),
    "login-page": (
        "AuthenticationError",
        {"faults": (Fault("any", "page", at=ALWAYS),)},
        World(),
        {},
    ),
    "forbidden-listing": (
        "PermissionDeniedError",
        {"faults": (Fault("query", 403, at=ALWAYS),)},
        World(),
        {},
    ),
    "forbidden-submit": (
        "PermissionDeniedError",
        {"faults": (Fault("submit", 403, at=ALWAYS),)},
        World(),
        {},
    ),
    "forbidden-file": (
        "PermissionDeniedError",
        {"faults": (Fault("download", 403, at=ALWAYS),)},
        World(),
        {},
    ),
    "not-found": ("NotFoundError", {}, World().with_segments(segment("Sg000001", "别的")), {}),
    "no-such-project": ("NotFoundError", {}, World(), {"project": "没有"}),
    "two-of-a-name": ("AmbiguousNameError", {}, TWINS, {}),
    "errors-in-the-answer": ("GraphQLError", {"failing": ("segments",)}, World(), {}),
    "no-such-page": (
        "PlatformUnavailableError",
        {"faults": (Fault("query", 404, at=ALWAYS),)},
        World(),
        {},
    ),
    "bad-gateway": (
        "PlatformUnavailableError",
        {"faults": (Fault("query", 502, at=ALWAYS),)},
        World(),
        {},
    ),
    "reset-for-ever": (
        "PlatformUnavailableError",
        {"faults": (Fault("query", "reset", at=ALWAYS),)},
        World(),
        {},
    ),
    "reset-submit": ("SubmitUncertainError", {"faults": (Fault("submit", "reset"),)}, World(), {}),
    "failed-job": ("JobFailedError", {"stages": ("ERROR",)}, World(), {}),
    "slow-job": ("JobTimeoutError", {"stages": ("RUNNING",)}, World(), {"timeout": 0.1}),
    "no-file": ("DownloadError", {"uris_after": "null"}, World(), {}),
    "cut-for-ever": (
        "DownloadError",
        {"faults": (Fault("download", "cut", at=ALWAYS),)},
        World(),
        {},
    ),
    "no-bytes": ("DecodeError", {"bodies": (b"gio_id,x\n", b"gio_id,y\n")}, World(), {}),
}
NEXT_STEP = re.compile(
    r"\b(ask|call|check|choose|connect|export|give|install|list_\w+|look|pass|pick|read_\w+|run|see|set|"
    r"submit|try|use|wait|attach|refresh|log in|say|name)\b|gio\.",
    re.IGNORECASE,
)


def _suffer(platform: Platform, settings: dict[str, Any]) -> gio.GioError:
    everything = {
        "api_key": API_KEY,
        "project": DEFAULT_PROJECT,
        "headers": SECRET_HEADERS,
        **settings,
    }
    with pytest.raises(gio.GioError) as caught, gio.Session(platform.url, **everything) as session:
        session.read_segment(VIP)
    return caught.value


def test_the_errors_are_one_tree() -> None:
    """Every error is the package's own and a GioError."""
    for name in ERRORS:
        assert issubclass(getattr(gio, name), gio.GioError)
        assert name in gio.__all__


@pytest.mark.parametrize("mishap", MISHAPS)
def test_an_error_is_of_its_kind_and_says_what_to_do(
    serve: Serve, no_waits: None, mishap: str
) -> None:
    """Every error's first line says what happened and names a next step."""
    name, options, world, settings = MISHAPS[mishap]
    error = _suffer(serve(world, **options), settings)
    assert type(error).__name__ == name
    first = str(error).splitlines()[0]
    assert 20 < len(first) < 600
    assert NEXT_STEP.search(first)


@pytest.mark.parametrize("mishap", MISHAPS)
def test_no_error_and_no_log_has_a_secret(
    serve: Serve, no_waits: None, caplog: pytest.LogCaptureFixture, home: Path, mishap: str
) -> None:
    """Keys, tokens and cookies are in no message, traceback, log line or file."""
    caplog.set_level(logging.DEBUG)
    _, options, world, settings = MISHAPS[mishap]
    error = _suffer(serve(world, **options), settings)
    told = [str(error), repr(error), *traceback.format_exception(error), caplog.text]
    kept = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    for secret in [*SECRETS, "wrong-key-0123456789"]:
        assert not [text for text in told if secret in text]
        assert not [content for content in kept if secret.encode() in content]


def test_nobody_listening_is_an_error(connect: Connect, no_waits: None) -> None:
    """A platform that is not there is unavailable; its address is in the message."""
    with Platform() as platform:
        url = platform.url
    with (
        gio.Session(url, api_key=API_KEY) as session,
        pytest.raises(gio.PlatformUnavailableError, match=r"127\.0\.0\.1"),
    ):
        session.list_projects()


def test_no_address_is_a_settings_error() -> None:
    """Without a url the error says where to put one."""
    with pytest.raises(gio.SettingsError, match="GIO_URL"), gio.Session() as session:
        session.list_projects()


@pytest.mark.parametrize("url", ["cdp.example.cn", "ftp://cdp.example.cn", "https://", "no url"])
def test_what_is_no_address_is_a_settings_error(url: str) -> None:
    """An address that cannot be one is told apart from a platform that does not answer."""
    with (
        pytest.raises(gio.SettingsError),
        gio.Session(url, api_key=API_KEY) as session,
    ):
        session.list_projects()


def test_a_password_in_the_address_is_not_shown(serve: Serve) -> None:
    """A url with a password in it is refused or masked, and never repeated."""
    url = serve().url.replace("//", "//bob:hunter2-nobody-may-see@")
    with pytest.raises(gio.SettingsError) as caught, gio.Session(url, api_key=API_KEY) as session:
        session.list_projects()
    assert "hunter2" not in str(caught.value)


def test_no_repr_and_no_file_has_a_secret(serve: Serve, connect: Connect, home: Path) -> None:
    """A session, a job and a frame show no secret, and nothing on disk has one."""
    platform = serve(required_headers=SECRET_HEADERS)
    session = connect(platform, headers=SECRET_HEADERS)
    job = session.submit_segment(VIP)
    frame = job.to_pandas()
    things = [session, job, frame.attrs, frame.gio.source, vars(session), vars(job)]
    shown = [show(thing) for thing in things for show in (repr, str)]
    kept = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    for secret in SECRETS:
        assert not [text for text in shown if secret in text]
        assert not [content for content in kept if secret.encode() in content]


@needs("jobs")
def test_what_is_kept_is_the_owners_alone(serve: Serve, connect: Connect, home: Path) -> None:
    """The ledger and the results on disk can be read by nobody else."""
    connect(serve()).read_segment(VIP)
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        closed = [folder for folder in path.parents if home in folder.parents]
        modes = [stat.S_IMODE(entry.stat().st_mode) & 0o077 for entry in (path, *closed)]
        assert 0 in modes
