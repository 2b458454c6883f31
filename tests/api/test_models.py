"""The models: what JSON means, and that nothing odd in it gets further."""

from __future__ import annotations

import base64
from dataclasses import FrozenInstanceError, is_dataclass
from typing import Any

import pytest

from gio_pandas.api import models
from gio_pandas.api.models import (
    Analysis,
    JobResult,
    Kind,
    Profile,
    Project,
    Segment,
    SubmittedJob,
    Tag,
)

PERSON = {"creator": "Ann", "createdAt": "2024-01-01T00:00:00Z"}
TAG = {
    "id": "WlGk4Daj",
    "name": "会员等级",
    "key": "tag_level",
    "type": "HORIZONTAL",
    "description": "d",
    "businessType": "b",
    "valueType": {"type": "INT", "unit": "次", "isArray": True},
    **PERSON,
    "updatedAt": "2024-02-01T00:00:00Z",
    "detector": {
        "stage": "FINISH",
        "detectedAt": "2024-03-01T00:00:00Z",
        "totalUsers": 12,
        "usersRatio": 0.5,
    },
}


def _job_id(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        (Kind.FUNNEL, "FUNNELS"),
        (Kind.EVENT, "CHARTS"),
        (Kind.RETENTION, "RETENTIONS"),
        (Kind.FREQUENCY, "FREQUENCIES"),
    ],
)
def test_an_analysis_has_its_resource_type(kind: Kind, resource: str) -> None:
    """The word that submitAnalysisExportJob takes; event analyses are CHARTS there."""
    assert kind.resource_type == resource
    assert kind.is_analysis


def test_lists_of_users_are_no_analyses() -> None:
    """Tags and segments are read as lists of users, the rest as result tables."""
    assert [kind for kind in Kind if not kind.is_analysis] == [Kind.TAG, Kind.SEGMENT]


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_label_in_both_languages(kind: Kind) -> None:
    """Messages name it as the user types it and as the platform shows it."""
    assert kind.label.startswith(f"{kind.value} (")
    assert not kind.label.isascii()


@pytest.mark.parametrize(
    ("job_id", "kind"),
    [
        (_job_id("TagUserExportJobDto:AbQ3XApY"), Kind.TAG),
        (_job_id("SegmentUserExportJobDto:AbQ3XApY"), Kind.SEGMENT),
        (_job_id("FUNNELS:AbQ3XApY"), Kind.ANALYSIS),
        (_job_id("CHARTS:AbQ3XApY"), Kind.ANALYSIS),
        (_job_id("RETENTIONS:AbQ3XApY"), Kind.ANALYSIS),
        (_job_id("FREQUENCIES:A"), Kind.ANALYSIS),
        (_job_id("SomethingElse:AbQ3XApY"), None),
        (_job_id("TagUserExportJobDto"), None),
        ("AbQ3XApY", None),
        ("", None),
        ("a", None),
        ("no base64!", None),
        ("任务", None),
        ("////", None),
    ],
)
def test_a_job_id_tells_its_kind(job_id: str, kind: Kind | None) -> None:
    """Unpadded base64 of a type and an id; what cannot be read so tells nothing."""
    assert Kind.of_job_id(job_id) is kind


def test_a_tag_is_read() -> None:
    """Every documented field lands in its place."""
    tag = Tag.from_json(TAG)
    assert (tag.id, tag.name, tag.key, tag.type) == (
        "WlGk4Daj",
        "会员等级",
        "tag_level",
        "HORIZONTAL",
    )
    assert (tag.value_type, tag.unit, tag.is_array) == ("INT", "次", True)
    assert (tag.description, tag.business_type, tag.creator) == ("d", "b", "Ann")
    assert (tag.users, tag.users_ratio, tag.detected_stage) == (12, 0.5, "FINISH")
    assert tag.keys == ("WlGk4Daj", "tag_level")
    assert tag.updated == tag.updated_at == "2024-02-01T00:00:00Z"


def test_a_segment_is_read() -> None:
    """A segment has a scheduler and a detector, and is meant by its id alone."""
    raw = {"id": "a", "name": "n", "scheduler": "DAILY", "detector": {"totalUsers": 0}}
    segment = Segment.from_json(raw)
    assert (segment.scheduler, segment.users, segment.keys) == ("DAILY", 0, ("a",))


def test_an_analysis_is_read() -> None:
    """The four kinds have the same fields."""
    raw = {"id": "a", "name": "n", "timeRange": "day:8,1", "chartType": "line", "isSystem": False}
    analysis = Analysis.from_json({**raw, "businessType": "x", **PERSON})
    assert (analysis.time_range, analysis.chart_type) == ("day:8,1", "line")
    assert (analysis.is_system, analysis.business_type) == (False, "x")


def test_a_project_is_read() -> None:
    """A project is not edited: when it was made is the last that is known of it."""
    project = Project.from_json(
        {"id": "a", "name": "n", "owner": "o", "projectMemberCount": 3, **PERSON}
    )
    assert (project.owner, project.members, project.updated) == ("o", 3, PERSON["createdAt"])


@pytest.mark.parametrize("model", [Project, Tag, Segment, Analysis])
@pytest.mark.parametrize("absent", [{}, None])
def test_an_id_is_all_that_is_needed(model: Any, absent: Any) -> None:
    """Fields that are null, or that a platform of another version lacks, are None."""
    fields = (
        "name",
        "description",
        "creator",
        "createdAt",
        "updatedAt",
        "key",
        "type",
        "valueType",
    )
    raw: dict[str, Any] = {"id": "a"}
    if absent is None:
        raw |= dict.fromkeys((*fields, "detector", "scheduler", "owner", "isSystem"))
    item = model.from_json(raw)
    assert (item.id, item.name, item.keys, item.updated) == ("a", "", ("a",), None)
    others = {name: value for name, value in vars(item).items() if name not in ("id", "name")}
    assert set(others.values()) <= {None, False}


def test_ids_are_text_whatever_they_come_as() -> None:
    """A number for an id is the same id."""
    assert Segment.from_json({"id": 12, "name": 7}).id == "12"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (None, "", ""),
        ({}, "", ""),
        ({"code": "", "message": ""}, "", ""),
        ({"code": None, "message": None}, "", ""),
        ({"code": "E1", "message": "磁盘"}, "E1", "磁盘"),
        ({"code": 7, "message": None}, "7", ""),
    ],
)
def test_an_error_without_a_code_is_none(error: Any, code: str, message: str) -> None:
    """Platforms answer an error object with an empty code where all is well."""
    job = SubmittedJob.from_json({"id": "J", "error": error})
    assert (job.error_code, job.error_message) == (code, message)


def test_a_submitted_job_is_read() -> None:
    """An analysis answers no name; a stage that is not told is the first one."""
    job = SubmittedJob.from_json({"id": "J", "stage": "FINISH"})
    assert (job.id, job.name, job.stage) == ("J", None, "FINISH")
    assert SubmittedJob.from_json({"id": "J", "stage": None}).stage == "NONE"


@pytest.mark.parametrize(
    ("uris", "read"),
    [(None, ()), ([], ()), (["/a", "/b"], ("/a", "/b")), (["/b", "/a"], ("/b", "/a"))],
)
def test_a_job_result_is_read(uris: Any, read: tuple[str, ...]) -> None:
    """Null and empty uris are none yet; their order is kept; the short id is left behind."""
    result = JobResult.from_json({"id": "AbQ3XApY", "stage": "RUNNING", "uris": uris})
    assert (result.stage, result.uris) == ("RUNNING", read)
    assert not hasattr(result, "id")


def test_a_profile_is_read() -> None:
    """Values and names by key; a null entry is passed over, a null value is None."""
    raw = {
        "id": 603542,
        "userId": "C001",
        "properties": [
            {"key": "usr_sex", "name": "性别", "value": "男"},
            None,
            {"key": "tag_level", "name": None, "value": None},
        ],
    }
    profile = Profile.from_json(raw)
    assert (profile.id, profile.user_id) == ("603542", "C001")
    assert profile.values == {"usr_sex": "男", "tag_level": None}
    assert profile.names == {"usr_sex": "性别", "tag_level": ""}
    assert Profile.from_json({}).values == {}


def test_facts_are_frozen() -> None:
    """What the platform said is not changed afterwards."""
    for name in models.__all__:
        model = getattr(models, name)
        assert model is Kind or (is_dataclass(model) and model.__dataclass_params__.frozen)
    with pytest.raises(FrozenInstanceError):
        Tag.from_json(TAG).name = "x"  # type: ignore[misc]
