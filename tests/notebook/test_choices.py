"""What can be picked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.api.models import Segment
from gio_pandas.notebook.choices import KINDS, LABELS, Offer, choices, remembered


@pytest.fixture
def session(sandbox: embedded.Sandbox) -> Iterator[gio.Session]:
    """Open a session of the first project."""
    with gio.Session(sandbox.url, api_key=sandbox.api_key, project="默认项目") as opened:
        yield opened


def test_a_choice_says_what_a_person_tells_things_apart_by(session: gio.Session) -> None:
    """Name, key, type, creator, time and size, as far as the platform tells."""
    (tag,) = choices(session, "tag").find("tag_payment_times", 1)
    assert (tag.kind, tag.key, tag.type) == ("tag", "tag_payment_times", "INT")
    assert tag.value == "tag_payment_times"
    assert tag.creator
    assert tag.updated
    assert isinstance(tag.users, int)
    (segment,) = choices(session, "segment").find("高价值用户", 1)
    assert segment.value == segment.id


@pytest.mark.parametrize("kind", ["project", *KINDS])
def test_every_kind_can_be_offered(session: gio.Session, kind: str) -> None:
    """And is called in Chinese what the platform calls it."""
    offer = choices(session, kind)
    assert [choice.id for choice in offer] == [item.id for item in session.catalog.items(kind)]
    assert len(offer[:2]) == min(2, len(offer))
    assert LABELS[kind]


def test_what_is_remembered_is_made_once(session: gio.Session) -> None:
    """Tab on fifty thousand names looks into an index that is there already."""
    assert remembered(session, "segment") is None
    offer = choices(session, "segment")
    assert remembered(session, "segment") is offer
    assert choices(session, "segment") is not offer


def test_a_beginning_is_found_without_an_index(session: gio.Session) -> None:
    """By name, key and id as they are written, as many as are wanted."""
    offer = choices(session, "tag")
    assert offer.is_ready  # there are few
    assert [one.key for one in offer.begin("tag_payment_times")] == ["tag_payment_times"]
    assert offer.begin(offer[0].name)[0] == offer[0]
    assert offer.begin(offer[0].id)[0] == offer[0]
    assert len(offer.begin("", 3)) == 3
    assert offer.begin("Tag_Payment") == []
    assert "_index" not in vars(offer)


@pytest.mark.parametrize(
    ("told", "shown"),
    [("2026-03-01T10:20:30", "2026-03-01 10:20"), ("neulich", "neulich"), (None, None), ("", None)],
)
def test_a_time_is_shown_as_a_person_reads_it(told: str | None, shown: str | None) -> None:
    """One that is not as documented is shown as it came."""
    assert Offer([Segment(id="a", name="甲", updated_at=told)], "segment")[0].updated == shown
