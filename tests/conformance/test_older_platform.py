"""A platform from before exports by key."""

from __future__ import annotations

import pytest

import gio_pandas as gio

from .conftest import Connect, Serve
from .frames import (
    TAG_HANDLES,
)

REFUSALS = [
    (status, data, words)
    for status in (400, 200)
    for data in (False, True)
    for words in ("graphql-js", "graphql-java")
]


@pytest.mark.parametrize(("verb", "handle"), TAG_HANDLES)
@pytest.mark.parametrize(("status", "data", "words"), REFUSALS)
def test_an_older_platform_exports_tags_by_id(
    serve: Serve,
    connect: Connect,
    status: int,
    data: bool,
    words: str,
    verb: str,
    handle: str,
) -> None:
    """A platform that knows no export by key is asked by id, however it words its refusal."""
    platform = serve(
        old=True,
        introspection=words == "graphql-js",
        validation_status=status,
        validation_data=data,
        validation_words=words,
    )
    frame = getattr(connect(platform), verb)(handle, properties=["usr_city"])
    assert list(frame.columns) == ["gio_id", "tag_rfm", "usr_city"]
    assert len(frame) == 3
    assert platform.submits == 1
    assert platform.asked("submit")[-1].fields == ("submitTagUserExportJob",)


def test_an_older_platform_is_known_after_one_refusal(serve: Serve, connect: Connect) -> None:
    """The second tag is exported without a question that was answered before."""
    platform = serve(old=True)
    session = connect(platform)
    session.read_tag("tag_rfm")
    before = len(platform.asked("submit"))
    session.read_tag("tag_code")
    assert len(platform.asked("submit")) == before + 1


def test_an_older_platform_does_not_drop_detail_in_silence(serve: Serve, connect: Connect) -> None:
    """Detail that the platform cannot give is an error or a warning."""
    session = connect(serve(old=True))
    with pytest.raises((gio.GioError, Warning), match="detail"):  # warnings are errors here
        session.read_tag("tag_rfm", detail=True)
