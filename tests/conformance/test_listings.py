"""Listings: every item, in frames that begin with id and name."""

from __future__ import annotations

import pytest

from .conftest import Connect, Serve
from .world import World

LISTINGS = [
    ("list_projects", "projects"),
    ("list_tags", "tags"),
    ("list_segments", "segments"),
    ("list_funnels", "funnels"),
    ("list_events", "events"),
    ("list_retentions", "retentions"),
    ("list_frequencies", "frequencies"),
]


@pytest.mark.parametrize(("verb", "kind"), LISTINGS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_listing_has_every_item(
    serve: Serve, connect: Connect, verb: str, kind: str, wrapped: bool
) -> None:
    """Listings are frames with id and name first, in answers wrapped in a list too."""
    platform = serve(wrapped=wrapped)
    frame = getattr(connect(platform), verb)()
    assert list(frame.columns[:2]) == ["id", "name"]
    assert frame[["id", "name"]].to_numpy().tolist() == [
        [item["id"], item["name"]] for item in getattr(platform.world, kind)
    ]


@pytest.mark.parametrize(("verb", "kind"), LISTINGS[1:])
def test_an_empty_listing_keeps_its_columns(
    serve: Serve, connect: Connect, verb: str, kind: str
) -> None:
    """Nothing to list is a frame without rows, not without columns."""
    world = World(**{kind: ()})
    frame = getattr(connect(serve(world)), verb)()
    assert len(frame) == 0
    assert list(frame.columns[:2]) == ["id", "name"]


@pytest.mark.parametrize(
    ("project_set", "scope", "field"),
    [
        ("默认项目", None, "tags"),
        (None, None, "dataCenterTags"),
        ("默认项目", "platform", "dataCenterTags"),
        ("默认项目", "project", "tags"),
    ],
)
@pytest.mark.parametrize("tags_key", [False, True])
def test_tags_are_listed_in_their_scope(
    serve: Serve,
    connect: Connect,
    project_set: str | None,
    scope: str | None,
    field: str,
    tags_key: bool,
) -> None:
    """Tags come with key and type, by project where one is set, under either key of the answer."""
    platform = serve(tags_key=tags_key)
    session = connect(platform, project=project_set)
    frame = session.list_tags(**({"scope": scope} if scope else {}))
    assert {"id", "name", "key", "type"} == set(frame.columns[:4])
    assert list(frame["key"]) == [tag["key"] for tag in platform.world.tags]
    assert [request.fields[0] for request in platform.asked("query")][-1] == field
