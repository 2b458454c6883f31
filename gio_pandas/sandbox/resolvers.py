"""What each field of the schema answers; the context of every request is the `Platform`."""

from collections.abc import Sequence
from typing import Any

from ariadne import MutationType, ObjectType, QueryType
from ariadne.types import SchemaBindable
from graphql import GraphQLError, GraphQLResolveInfo

from gio_pandas.sandbox import listings
from gio_pandas.sandbox.catalog import Analysis, Detector, Project, Segment, Tag, detector
from gio_pandas.sandbox.charsets import NAMES, UTF_8, find_charset
from gio_pandas.sandbox.exports import Field, TableExport, segment_export, tag_export
from gio_pandas.sandbox.files import Form
from gio_pandas.sandbox.jobs import Job, JobError, Order, file_name
from gio_pandas.sandbox.platform import Platform
from gio_pandas.sandbox.population import ATTRIBUTES
from gio_pandas.sandbox.profiles import Profile
from gio_pandas.sandbox.tables import table

Info = GraphQLResolveInfo
Answer = dict[str, Any]

_query = QueryType()
_mutation = MutationType()
_newer_mutation = MutationType()
_measured = (ObjectType("Tag"), ObjectType("Segment"))


def bindables(version: str) -> list[SchemaBindable]:
    """Return the resolvers of one version of the platform."""
    newer = [] if version == "13.3" else [_newer_mutation]
    return [_query, _mutation, *newer, *_measured]


@_query.field("projects")
def _projects(_: None, info: Info) -> list[Answer]:
    return [
        {**vars(project.entry), "project_member_count": project.member_count}
        for project in _platform(info).catalog.projects.values()
    ]


@_query.field("dataCenterTags")
def _data_center_tags(_: None, info: Info) -> Sequence[Tag]:
    return _platform(info).catalog.platform_tags


@_query.field("tags")
def _tags(_: None, info: Info, *, project_id: str) -> list[Tag]:
    return list(_find_project(info, project_id).tags.values())


@_query.field("segments")
def _segments(_: None, info: Info, *, project_id: str) -> list[Segment]:
    return list(_find_project(info, project_id).segments.values())


@_query.field("segment")
def _one_segment(_: None, info: Info, *, id: str, project_id: str) -> Segment:  # noqa: A002
    return _find_segment(_find_project(info, project_id), id)


@_query.field("funnelAnalyses")
def _funnels(_: None, info: Info, *, project_id: str) -> list[Analysis]:
    return _analyses(info, project_id, "FUNNELS")


@_query.field("eventAnalyses")
def _events(_: None, info: Info, *, project_id: str) -> list[Analysis]:
    return _analyses(info, project_id, "CHARTS")


@_query.field("retentionAnalyses")
def _retentions(_: None, info: Info, *, project_id: str) -> list[Analysis]:
    return _analyses(info, project_id, "RETENTIONS")


@_query.field("frequencyAnalyses")
def _frequencies(_: None, info: Info, *, project_id: str) -> list[Analysis]:
    return _analyses(info, project_id, "FREQUENCIES")


@_query.field("dataCenterUserProfile")
def _platform_profile(
    _: None, info: Info, *, user_id: str, properties: list[str] | None = None
) -> Profile | None:
    platform = _platform(info)
    keys = list(ATTRIBUTES) if properties is None else properties
    return platform.profiles.find(user_id, _find_fields(platform, keys))


@_query.field("userProfile")
def _project_profile(
    _: None,
    info: Info,
    *,
    project_id: str,
    user_id: str | None = None,
    tags: list[str] | None = None,
    properties: list[str] | None = None,
) -> Profile | None:
    project, platform = _find_project(info, project_id), _platform(info)
    if not tags and not properties:
        raise GraphQLError("userProfile: at least one of tags, properties must be given")
    fields = [*_find_fields(platform, properties), *_find_tags(project, tags)]
    return platform.profiles.find(user_id or "", fields)


@_query.field("jobResult")
def _job_result(_: None, info: Info, *, id: str) -> Answer | None:  # noqa: A002
    platform = _platform(info)
    job, now = platform.jobs.find(id), platform.jobs.clock()
    if job is None or job.hidden(now):
        return None
    uris = job.uris(now, encoded=platform.options.uris == "encoded")
    return {"id": job.short_id, "stage": job.stage(now), "uris": uris}


@_newer_mutation.field("submitTagUserExportJobByKey")
def _submit_tag_by_key(_: None, info: Info, *, parameter: Answer) -> Answer:
    platform = _platform(info)
    tag = platform.tags_by_key.get(parameter["tag_key"])
    if tag is None:
        raise GraphQLError(f"tag not found: no tag has the key {parameter['tag_key']!r}")
    return _submit_tag(platform, tag, parameter)


@_mutation.field("submitTagUserExportJob")
def _submit_tag_by_id(_: None, info: Info, *, tag_id: str, **parameter: Any) -> Answer:
    platform = _platform(info)
    tag = platform.tags_by_id.get(tag_id)
    if tag is None:
        raise GraphQLError(f"tag not found: no tag has the id {tag_id!r}")
    return _submit_tag(platform, tag, parameter)


@_mutation.field("submitSegmentUserExportJob")
def _submit_segment(
    _: None,
    info: Info,
    *,
    project_id: str,
    segment_id: str,
    tags: list[str] | None = None,
    properties: list[str] | None = None,
    charset: str | None = None,
) -> Answer:
    platform, project = _platform(info), _find_project(info, project_id)
    segment = _find_segment(project, segment_id)
    fields = [*_find_fields(platform, properties), *_find_tags(project, tags)]
    names = platform.options.headers == "names"
    export = segment_export(platform.population, segment, fields, names=names)
    order = Order(segment.name, export, _form(platform, charset), segment.fails)
    return _user_job(platform, platform.jobs.submit_segment(order))


@_mutation.field("submitAnalysisExportJob")
def _submit_analysis(
    _: None,
    info: Info,
    *,
    project_id: str,
    id: str,  # noqa: A002
    param: Answer,
    charset: str | None = None,
) -> Answer:
    platform, project = _platform(info), _find_project(info, project_id)
    kind = param["analysis_type"]
    analysis = project.analyses.get(id)
    if analysis is None or analysis.kind != kind:
        raise GraphQLError(
            f"analysis not found: no {kind} analysis of the project has the id {id!r}"
        )
    export = TableExport(table(analysis, platform.options.seed))
    name = file_name(listings.FILE_NAMES[kind], analysis.name)
    order = Order(analysis.name, export, _form(platform, charset), analysis.fails, name)
    return _job(platform, platform.jobs.submit_analysis(order))


@_measured[0].field("detector")
@_measured[1].field("detector")
def _detector(entry: Tag | Segment, info: Info) -> Detector:
    return detector(entry, _platform(info).options.users)


def _submit_tag(platform: Platform, tag: Tag, parameter: Answer) -> Answer:
    export = tag_export(
        platform.population,
        tag,
        _find_fields(platform, parameter.get("properties")),
        detail=bool(parameter.get("detail_export")),
        names=platform.options.headers == "names",
    )
    form = _form(platform, parameter.get("charset"))
    order = Order(tag.name, export, form, tag.fails, parameter.get("export_file_name") or "")
    return _user_job(platform, platform.jobs.submit_tag(order))


def _user_job(platform: Platform, job: Job) -> Answer:
    author = {"creator": "api", "updater": "api", "updated_at": job.created_at}
    answer = _job(platform, job)
    return {
        **author,
        **answer,
        "name": job.name,
        "description": job.description,
        "created_at": job.created_at,
    }


def _job(platform: Platform, job: Job) -> Answer:
    # At the moment of the submit itself: a stage must not have passed while it was written down.
    error: JobError = job.error(job.submitted)
    return {"id": job.id, "stage": job.stage(job.submitted), "error": error}


def _form(platform: Platform, name: str | None) -> Form:
    charset = find_charset(name)
    if charset is None:
        raise GraphQLError(f"unsupported charset {name!r}; supported: {', '.join(NAMES)}")
    options = platform.options
    charset = charset if options.faithful_charset else UTF_8
    return Form(charset, options.bom, options.quote == "all")


def _platform(info: Info) -> Platform:
    platform: Platform = info.context
    return platform


def _find_project(info: Info, project_id: str) -> Project:
    project = _platform(info).catalog.projects.get(project_id)
    if project is None:
        raise GraphQLError(f"project not found: no project has the id {project_id!r}")
    return project


def _find_segment(project: Project, segment_id: str) -> Segment:
    segment = project.segments.get(segment_id)
    if segment is None:
        raise GraphQLError(
            f"segment not found: no segment of the project has the id {segment_id!r}"
        )
    return segment


def _find_tags(project: Project, tag_ids: list[str] | None) -> list[Tag]:
    unknown = [tag_id for tag_id in tag_ids or () if tag_id not in project.tags]
    if unknown:
        raise GraphQLError(f"tag not found: no tag of the project has the id {unknown[0]!r}")
    return [project.tags[tag_id] for tag_id in tag_ids or ()]


def _find_fields(platform: Platform, keys: list[str] | None) -> list[Field]:
    fields = [_find_field(platform, key) for key in keys or ()]
    unknown = [key for key, field in zip(keys or (), fields, strict=True) if field is None]
    if unknown:
        raise GraphQLError(f"unknown property: no attribute or tag has the key {unknown[0]!r}")
    return [field for field in fields if field is not None]


def _find_field(platform: Platform, key: str) -> Field | None:
    # Built-in attributes are met with and without the prefix of the users' own.
    plain = key.removeprefix("usr_") if key.startswith("usr_$") else key
    return ATTRIBUTES.get(plain) or platform.tags_by_key.get(plain)


def _analyses(info: Info, project_id: str, kind: str) -> list[Analysis]:
    analyses = _find_project(info, project_id).analyses.values()
    return [analysis for analysis in analyses if analysis.kind == kind]
