"""Specs: what is meant, and what no submit would take."""

from __future__ import annotations

from typing import Any

import pytest

from gio_pandas import SettingsError
from gio_pandas.api.models import Kind
from gio_pandas.exports.specs import Spec, read_spec

SHARED = ("project", "charset", "timeout")


@pytest.mark.parametrize("kind", ["tag", "segment", "funnel", "event", "retention", "frequency"])
def test_a_kind_and_a_name_are_enough(kind: str) -> None:
    """As a mapping, a tuple or a list."""
    expected = Spec(Kind(kind), "n")
    for item in ({"kind": kind, "name": "n"}, (kind, "n"), [kind, "n"], (Kind(kind), "n")):
        assert read_spec(item, SHARED) == expected


def test_all_else_is_an_option_of_its_submit() -> None:
    """A kind's own, and those that all have."""
    given = {"kind": "segment", "name": "n", "tags": ["t"], "properties": "p", "timeout": None}
    options = {"tags": ["t"], "properties": "p", "timeout": None}
    assert read_spec(given, SHARED) == Spec(Kind.SEGMENT, "n", options)
    assert set(given) == {"kind", "name", *options}  # it is the caller's, and is left alone


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (("segmet", "n"), "no kind 'segmet'.*Did you mean 'segment'"),
        (("Segment", "n"), "Did you mean 'segment'"),
        (("analysis", "n"), "There are tag, segment, funnel, event, retention, frequency"),
        ({"name": "n"}, "says no kind"),
        ({"kind": "tag"}, "says no name"),
        ({}, "says no kind and no name"),
        (("tag", " "), "name of a tag is empty"),
        ({"kind": "tag", "name": "n", "tags": []}, "a tag has no option 'tags'"),
        ({"kind": "funnel", "name": "n", "properties": []}, "has no option 'properties'"),
        ({"kind": "segment", "name": "n", "propertys": []}, "Did you mean 'properties'"),
        ({"kind": "event", "name": "n", "x": 1}, "There are project, charset, timeout"),
    ],
)
def test_what_cannot_be_meant_is_refused(item: Any, words: str) -> None:
    """With what is near, or what there is."""
    with pytest.raises(SettingsError, match=words):
        read_spec(item, SHARED)


@pytest.mark.parametrize(
    "item",
    [
        None,
        "高价值用户",
        5,
        ("segment",),
        ("segment", "n", {}),
        {"segment", "n"},
        (None, "n"),
        (5, "n"),
        (["tag"], "n"),
        ("tag", None),
        ("tag", 5),
        {"kind": "tag", "name": ["n"]},
        {"kind": "tag", "name": "n", 5: 6},
    ],
)
def test_what_is_of_another_type_is_refused(item: Any) -> None:
    """A TypeError, as Python's own."""
    with pytest.raises(TypeError):
        read_spec(item, SHARED)
