"""Provenance, users, GraphQL, and the verbs of the module."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

import gio_pandas as gio

from .conftest import Connect, ConnectAll, Serve, needs
from .frames import (
    SECRETS,
    TWO_PROJECTS,
    VIP,
    VIP_ID,
)
from .platform import API_KEY
from .world import DEFAULT_PROJECT, OTHER_PROJECT, World


def test_a_frame_knows_where_it_is_from(serve: Serve, connect: Connect) -> None:
    """``attrs`` holds what the frame was made from, in plain values, and no secret."""
    platform = serve(parts=2)
    frame = connect(platform).read_segment(VIP, properties=["usr_city"])
    attrs = frame.attrs["gio"]
    text = json.dumps(attrs, ensure_ascii=False)
    job_id = platform.polled[0]
    for part in (platform.url, DEFAULT_PROJECT, "segment", VIP, VIP_ID, job_id, "UTF-16LE"):
        assert part in text
    assert gio.__version__ in text
    assert attrs["rows"] == 3
    assert len(attrs["files"]) == 2
    assert {"platform", "project", "kind", "id", "name", "charset"} <= set(attrs)
    assert not [secret for secret in SECRETS if secret in text]
    assert frame.gio.source is not None
    assert VIP in str(frame.gio.source)


def test_the_charset_noted_is_the_one_that_was_read(serve: Serve, connect: Connect) -> None:
    """Where the platform wrote another charset than was asked for, the frame says which."""
    frame = connect(serve(charset="GB18030")).read_segment(VIP, properties=["usr_city"])
    noted = str(frame.attrs["gio"]["charset"]).upper().replace("-", "").replace("_", "")
    assert "GB18030" in noted


def test_a_frame_is_refreshed(serve: Serve, connect_all: ConnectAll) -> None:
    """``refresh`` runs the export again with the same arguments."""
    platform = serve()
    connect_all(platform.url, api_key=API_KEY)
    frame = gio.read_segment(VIP, properties=["usr_city"])
    platform.world = World(users=platform.world.users[:1])
    again = frame.gio.refresh()
    assert list(again.columns) == ["gio_id", "usr_city"]
    assert (len(frame), len(again), platform.submits) == (3, 1, 2)


@needs("read_profiles")
def test_profiles_are_one_row_a_user(serve: Serve, connect: Connect) -> None:
    """Users' tags and properties are columns; a value a user lacks is missing."""
    frame = connect(serve()).read_profiles(
        ["0071", "603542"], tags=["会员等级"], properties=["usr_age"]
    )
    assert len(frame) == 2
    text = frame.astype(object).map(str).to_numpy().tolist()
    assert "0071" in text[0]
    assert "银卡" in text[0]
    assert "45" in text[0]
    assert "603542" in text[1]
    assert "金,卡" in text[1]


@needs("read_profiles")
def test_an_unknown_user_is_a_row_or_an_error(serve: Serve, connect: Connect) -> None:
    """A user that nobody knows does not take another's place or vanish in silence."""
    session = connect(serve())
    with suppress(gio.NotFoundError):
        frame = session.read_profiles(["no-one", "0071"], properties=["usr_age"])
        assert len(frame) == 2
        assert "0071" in [str(value) for value in frame.iloc[1]]


def test_graphql_takes_variables(serve: Serve, connect: Connect) -> None:
    """Anything else goes through as it is."""
    query = "query Find($p: HashId!) { segments(projectId: $p) { id } }"
    answer = connect(serve()).graphql(query, {"p": DEFAULT_PROJECT})
    assert [item["id"] for item in answer["segments"]] == ["AVpZBzpK", "qgQMXnD3", "KzpNmzQk"]


def test_the_modules_verbs_use_the_last_connection(serve: Serve, connect_all: ConnectAll) -> None:
    """``gio.connect`` and the verbs of the module are all a notebook needs."""
    platform = serve()
    connect_all(platform.url, api_key=API_KEY, project="默认项目")
    assert len(gio.read_segment(VIP)) == 3
    assert len(gio.list_segments()) == 3
    job = gio.submit_funnel("漏斗1")
    assert len(gio.attach(job.id).to_pandas()) == 2


def test_the_environment_is_settings_enough(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """``GIO_URL``, ``GIO_API_KEY`` and ``GIO_PROJECT`` stand for the arguments."""
    platform = serve(TWO_PROJECTS)
    monkeypatch.setenv("GIO_URL", platform.url)
    monkeypatch.setenv("GIO_API_KEY", API_KEY)
    monkeypatch.setenv("GIO_PROJECT", "第二项目")
    with gio.Session() as session:
        session.read_segment(VIP)
    assert [job["projectId"] for job in platform.submitted] == [OTHER_PROJECT]
