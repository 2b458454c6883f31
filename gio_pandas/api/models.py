"""What the platform's answers mean: frozen facts, made from JSON here and nowhere else."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

__all__ = [
    "Analysis",
    "JobResult",
    "Kind",
    "Profile",
    "Project",
    "Segment",
    "SubmittedJob",
    "Tag",
]


class Kind(StrEnum):
    """What can be exported.

    ``ANALYSIS`` is an analysis whose own kind is not known, as when a job is attached by its id.
    """

    TAG = "tag"
    SEGMENT = "segment"
    FUNNEL = "funnel"
    EVENT = "event"
    RETENTION = "retention"
    FREQUENCY = "frequency"
    ANALYSIS = "analysis"

    @property
    def chinese(self) -> str:
        """The kind as the platform shows it."""
        return _CHINESE[self]

    @property
    def label(self) -> str:
        """The kind in English and as the platform shows it."""
        return f"{self.value} ({self.chinese})"

    @property
    def is_analysis(self) -> bool:
        """Whether the export is a result table, not a list of users."""
        return self not in (Kind.TAG, Kind.SEGMENT)

    @property
    def resource_type(self) -> str:
        """The ``AnalysisResourceType`` of an analysis (op-api, scalars and enums)."""
        return _RESOURCE_TYPES[self]

    @classmethod
    def of_job_id(cls, job_id: str) -> Kind | None:
        """Read the kind out of a submit's job id, where it can be read.

        The id is the unpadded base64 of ``TagUserExportJobDto:AbQ3XApY``. An analysis's prefix is
        not trusted further: the vendor's guide shows a funnel under ``CHARTS``.
        """
        padded = job_id + "=" * (-len(job_id) % 4)
        try:
            prefix, colon, _ = base64.b64decode(padded, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        return _JOB_PREFIXES.get(prefix) if colon else None


_CHINESE = {
    Kind.TAG: "标签",
    Kind.SEGMENT: "分群",
    Kind.FUNNEL: "漏斗分析",
    Kind.EVENT: "事件分析",
    Kind.RETENTION: "留存分析",
    Kind.FREQUENCY: "分布分析",
    Kind.ANALYSIS: "分析",
}
_MOST_FILES = 100_000
_RESOURCE_TYPES = {
    Kind.FUNNEL: "FUNNELS",
    Kind.EVENT: "CHARTS",
    Kind.RETENTION: "RETENTIONS",
    Kind.FREQUENCY: "FREQUENCIES",
}
_JOB_PREFIXES = {
    "TagUserExportJobDto": Kind.TAG,
    "SegmentUserExportJobDto": Kind.SEGMENT,
    **dict.fromkeys(_RESOURCE_TYPES.values(), Kind.ANALYSIS),
}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _written(value: Any) -> str | None:
    """Take a value, which is documented to be text; another comes as JSON writes it."""
    text = value is None or isinstance(value, str)
    return value if text else json.dumps(value, ensure_ascii=False)


def _word(value: Any) -> str:
    """Take an id, a stage or a code, which some servers write as a number; else nothing."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _uris(value: Any) -> tuple[str, ...]:
    """Take a job's files; one that is not named by a text is the empty one."""
    if not isinstance(value, list | tuple | str | None):
        raise TypeError(f"uris is a {type(value).__name__}")
    uris = [value] if isinstance(value, str) and value else list(value or ())
    if len(uris) > _MOST_FILES:
        raise ValueError(f"{len(uris):,} uris")
    return tuple(uri if isinstance(uri, str) else "" for uri in uris)


def _object(value: Any, alone: str = "") -> Mapping[str, Any]:
    """Take what an object should be for its one field where it comes without the object."""
    if isinstance(value, Mapping):
        return value
    return {alone: value} if alone and value else {}


def _flag(value: Any) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())


def _whole(value: Any) -> int | None:
    number = _decimal(value)
    return int(number) if number is not None and number.is_integer() else None


def _decimal(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(frozen=True, kw_only=True)
class _Item:
    """What projects, tags, segments and analyses have in common."""

    id: str
    name: str
    description: str | None = None
    creator: str | None = None
    created_at: str | None = None

    @property
    def updated(self) -> str | None:
        """When it was last changed, as far as the platform tells."""
        return self.created_at

    @property
    def keys(self) -> tuple[str, ...]:
        """The exact words, beside its name, that mean this item."""
        return (self.id,)

    @classmethod
    def _common(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": str(raw["id"]),
            "name": str(raw.get("name") or ""),
            "description": _text(raw.get("description")),
            "creator": _text(raw.get("creator")),
            "created_at": _text(raw.get("createdAt")),
        }


@dataclass(frozen=True, kw_only=True)
class Project(_Item):
    """A project (项目)."""

    owner: str | None = None
    members: int | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read a ``Project``."""
        return cls(
            **cls._common(raw),
            owner=_text(raw.get("owner")),
            members=_whole(raw.get("projectMemberCount")),
        )


@dataclass(frozen=True, kw_only=True)
class _Edited(_Item):
    """What people change after they made it."""

    updated_at: str | None = None

    @property
    def updated(self) -> str | None:
        """When it was last changed, as far as the platform tells."""
        return self.updated_at or self.created_at

    @classmethod
    def _common(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        return super()._common(raw) | {"updated_at": _text(raw.get("updatedAt"))}


@dataclass(frozen=True, kw_only=True)
class _Detected(_Edited):
    """What is computed for users: how many had it when it was last computed."""

    users: int | None = None
    users_ratio: float | None = None
    detected_at: str | None = None
    detected_stage: str | None = None

    @classmethod
    def _common(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        detector = _object(raw.get("detector"))
        return super()._common(raw) | {
            "users": _whole(detector.get("totalUsers")),
            "users_ratio": _decimal(detector.get("usersRatio")),
            "detected_at": _text(detector.get("detectedAt")),
            "detected_stage": _text(detector.get("stage")),
        }


@dataclass(frozen=True, kw_only=True)
class Tag(_Detected):
    """A tag (标签); ``value_type`` is INT, STRING, DOUBLE, DATE or None where it is not given."""

    key: str | None = None
    type: str | None = None
    value_type: str | None = None
    is_array: bool = False
    unit: str | None = None
    business_type: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The tag's id and its key (标识符)."""
        return (self.id, self.key) if self.key else (self.id,)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read a ``Tag``."""
        value_type = _object(raw.get("valueType"), alone="type")
        return cls(
            **cls._common(raw),
            key=_text(raw.get("key")),
            type=_text(raw.get("type")),
            value_type=_text(value_type.get("type")),
            is_array=bool(value_type.get("isArray")),
            unit=_text(value_type.get("unit")),
            business_type=_text(raw.get("businessType")),
        )


@dataclass(frozen=True, kw_only=True)
class Segment(_Detected):
    """A segment (分群)."""

    scheduler: str | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read a ``Segment``."""
        return cls(**cls._common(raw), scheduler=_text(raw.get("scheduler")))


@dataclass(frozen=True, kw_only=True)
class Analysis(_Edited):
    """A saved funnel, event, retention or frequency analysis."""

    time_range: str | None = None
    chart_type: str | None = None
    is_system: bool | None = None
    business_type: str | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read one of the four analyses, which have the same fields."""
        return cls(
            **cls._common(raw),
            time_range=_text(raw.get("timeRange")),
            chart_type=_text(raw.get("chartType")),
            is_system=_flag(raw.get("isSystem")),
            business_type=_text(raw.get("businessType")),
        )


@dataclass(frozen=True, kw_only=True)
class SubmittedJob:
    """What a submit answered; ``id`` is the one that ``jobResult`` takes."""

    id: str
    name: str | None = None
    stage: str = "NONE"
    error_code: str = ""
    error_message: str = ""

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read a ``…ExportJob``; an error object with an empty code is no error (op-api §5.2)."""
        error = _object(raw.get("error"), alone="message")
        return cls(
            id=_word(raw.get("id") or ""),
            name=_word(raw.get("name")) or None,
            stage=_word(raw.get("stage") or "NONE"),
            error_code=_word(error.get("code") or ""),
            error_message=_word(error.get("message") or ""),
        )


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How far a job is. Its own ``id`` is another than the submit's, and is left behind."""

    stage: str
    uris: tuple[str, ...] = ()
    error_code: str = ""
    error_message: str = ""

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read a ``JobResult``; its uris may be null (op-api §5.3).

        An error beside them is not documented; where a platform gives one, it is not lost.
        """
        error = _object(raw.get("error"), alone="message")
        return cls(
            stage=_word(raw.get("stage") or "NONE"),
            uris=_uris(raw.get("uris")),
            error_code=_word(error.get("code") or ""),
            error_message=_word(error.get("message") or ""),
        )


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One user: the value of each property and tag asked for, by key."""

    id: str | None
    user_id: str | None
    values: Mapping[str, str | None]
    names: Mapping[str, str]

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read a ``UserProfile``; of one key it may have one value."""
        values: dict[str, str | None] = {}
        names: dict[str, str] = {}
        for entry in filter(None, raw.get("properties") or ()):
            key, value = str(entry["key"]), _written(entry.get("value"))
            names[key] = str(entry.get("name") or "")
            if values.setdefault(key, value) != value:
                raise ValueError(f"two values of {key!r}")
        return cls(
            id=_text(raw.get("id")), user_id=_text(raw.get("userId")), values=values, names=names
        )
