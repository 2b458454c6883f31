"""The platform's verbs: one method a query or mutation, values in, models out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, TypeVar

from gio_pandas.api import queries
from gio_pandas.api.answers import graphql_error
from gio_pandas.api.downloads import Reply
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
from gio_pandas.api.transport import Transport, is_mutation
from gio_pandas.errors import (
    GioError,
    GraphQLError,
    JobFailedError,
    PermissionDeniedError,
    PlatformUnavailableError,
    SubmitUncertainError,
)
from gio_pandas.settings import Settings

__all__ = ["Client"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

_JOBS_PER_REQUEST = 50
_USERS_PER_REQUEST = 200
_MOST_REFUSALS = 2

_ANALYSES = {
    Kind.FUNNEL: "funnelAnalyses",
    Kind.EVENT: "eventAnalyses",
    Kind.RETENTION: "retentionAnalyses",
    Kind.FREQUENCY: "frequencyAnalyses",
}


class Client:
    """The documented API, spoken.

    Parameters
    ----------
    settings
        Where the platform is and how to get in.
    """

    def __init__(self, settings: Settings) -> None:
        self._transport = Transport(settings)
        self._by_key = True
        self._levels: dict[str, int] = {}
        self._refusals = 0
        self._users_per_request = _USERS_PER_REQUEST

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    def graphql(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send any document; a mutation is never sent twice where the platform may have seen it.

        Returns
        -------
        dict
            The answer's ``data``.
        """
        send = self._transport.submit if is_mutation(document) else self._transport.query
        answer: dict[str, Any] = send(document, dict(variables or {}))
        return answer

    def projects(self) -> list[Project]:
        """List the projects."""
        return self._list("projects", Project.from_json)

    def data_center_tags(self) -> list[Tag]:
        """List the platform's tags."""
        return self._list("dataCenterTags", Tag.from_json)

    def tags(self, project_id: str) -> list[Tag]:
        """List a project's tags."""
        return self._list("tags", Tag.from_json, project_id)

    def segments(self, project_id: str) -> list[Segment]:
        """List a project's segments."""
        return self._list("segments", Segment.from_json, project_id)

    def segment(self, project_id: str, segment_id: str) -> Segment | None:
        """Give one segment, or None."""
        data = self._transport.query(queries.SEGMENT, {"projectId": project_id, "id": segment_id})
        return _item(data, "segment", Segment.from_json)

    def analyses(self, kind: Kind, project_id: str) -> list[Analysis]:
        """List a project's analyses of one kind."""
        return self._list(_ANALYSES[kind], Analysis.from_json, project_id)

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None:
        """Ask once how far a job is; None while the platform does not know it yet.

        An answer is waited for ``timeout`` seconds at most.
        """
        try:
            data = self._transport.query(
                queries.JOB_RESULT, {"id": job_id}, attempts=1, timeout=timeout
            )
        except GraphQLError as error:
            if not (error.data or {}).get("jobResult"):
                raise
            data = error.data or {}
        return _item(data, "jobResult", JobResult.from_json)

    @property
    def jobs_per_request(self) -> int:
        """How many jobs one request may ask for: 1 on a platform that refused more."""
        return 1 if self._refusals >= _MOST_REFUSALS else _JOBS_PER_REQUEST

    def job_results(
        self, job_ids: Sequence[str], *, pace: Callable[[], None], timeout: float | None = None
    ) -> dict[str, JobResult | GioError | None]:
        """Ask once how far several jobs are, in one request.

        Where that fails, one job is asked for by itself: if that works, many at once may be what
        the platform refuses. After the second such refusal in a row it is asked for one at a time.

        Parameters
        ----------
        job_ids
            The submits' ids, each once, ``jobs_per_request`` at most.
        pace
            What is called before each request after the first.
        timeout
            Seconds that each answer is waited for, at most.

        Returns
        -------
        dict
            By id, what ``job_result`` would give or raise, for one job at least; those that are
            missing have yet to be asked for.
        """
        first = job_ids[0]
        if len(job_ids) == 1:
            return {first: self._job_answer(first, timeout)}
        answers = self._job_answers(job_ids, timeout)
        if answers is not None:
            self._refusals = 0
            return answers
        pace()
        answer = self._job_answer(first, timeout)
        if isinstance(answer, GioError) and not isinstance(answer, GraphQLError):
            return dict.fromkeys(job_ids, answer)  # it is not the number of jobs
        if not isinstance(answer, GioError):
            self._refusals += 1
            if self.jobs_per_request == 1:
                _log.info("The platform is asked for one job at a time from now on")
        return {first: answer}

    def _job_answer(self, job_id: str, timeout: float | None) -> JobResult | GioError | None:
        try:
            return self.job_result(job_id, timeout=timeout)
        except GioError as error:
            return error

    def _job_answers(
        self, job_ids: Sequence[str], timeout: float | None
    ) -> dict[str, JobResult | GioError | None] | None:
        """Ask for many at once; None where it is not answered as it was asked."""
        variables = {f"i{n}": job_id for n, job_id in enumerate(job_ids)}
        errors: tuple[dict[str, Any], ...] = ()
        try:
            data = self._transport.query(
                queries.job_results(len(job_ids)), variables, attempts=1, timeout=timeout
            )
        except GraphQLError as error:
            data, errors = error.data or {}, error.errors
        except PlatformUnavailableError as error:
            # Who asks to be left alone for a while does not mean the number of jobs.
            return dict.fromkeys(job_ids, error) if error.retry_after else None
        except GioError:
            return None
        aliases = {f"j{n}": job_id for n, job_id in enumerate(job_ids)}
        failed = _errors_by_alias(errors)
        # What is an error of no job may be one of any.
        if not data.keys() >= aliases.keys() or not failed.keys() <= aliases.keys():
            return None
        return {
            job_id: _job_read(data[alias], failed.get(alias)) for alias, job_id in aliases.items()
        }

    def data_center_user_profile(
        self, user_id: str, *, properties: Sequence[str] | None = None
    ) -> Profile | None:
        """Give a user's properties and tags over all projects, or None for an unknown user."""
        variables = _given(userId=user_id, properties=properties)
        data = self._transport.query(queries.DATA_CENTER_USER_PROFILE, variables)
        return _profile(data, "dataCenterUserProfile")

    def user_profile(
        self,
        project_id: str,
        user_id: str,
        *,
        tags: Sequence[str] | None = None,
        properties: Sequence[str] | None = None,
    ) -> Profile | None:
        """Give a user's tags (ids) and properties (keys) in a project; one of both is needed."""
        variables = _given(projectId=project_id, userId=user_id, tags=tags, properties=properties)
        data = self._transport.query(queries.USER_PROFILE, variables)
        return _profile(data, "userProfile")

    @property
    def users_per_request(self) -> int:
        """How many users one request may ask for, as far as the platform has refused more."""
        return self._users_per_request

    def profiles(
        self,
        user_ids: Sequence[str],
        *,
        project_id: str | None = None,
        tags: Sequence[str] = (),
        properties: Sequence[str] = (),
        pace: Callable[[], None],
    ) -> dict[str, Profile | None]:
        """Ask for several users in one request, and alone for whom that was no answer.

        Where that is so for most of them, one is asked for by itself: if that works, it is their
        number that the platform refuses, and half as many are asked for from now on.

        Parameters
        ----------
        user_ids
            Each once, ``users_per_request`` at most.
        project_id, tags, properties
            As ``user_profile``; without a project as ``data_center_user_profile``.
        pace
            What is called before each request after the first.

        Returns
        -------
        dict
            By user id, None for an unknown user; those that are missing have yet to be asked for.

        Raises
        ------
        GioError
            A user cannot be asked for even alone; a note says which.
        """
        shared = _given(tags=list(tags) or None, properties=list(properties) or None)
        answers = self._profiles_at_once(user_ids, project_id, shared)
        failed = [user_id for user_id in user_ids if user_id not in answers]
        are_too_many = 2 * len(failed) > len(user_ids) > 1
        for user_id in failed[:1] if are_too_many else failed:
            if len(user_ids) > 1:
                pace()
            answers[user_id] = self._profile_alone(user_id, project_id, shared)
        if are_too_many:
            self._users_per_request = min(self._users_per_request, len(user_ids) // 2)
            _log.info("The platform is asked for %s users at a time", self._users_per_request)
        return answers

    def _profiles_at_once(
        self, user_ids: Sequence[str], project_id: str | None, shared: Mapping[str, Any]
    ) -> dict[str, Profile | None]:
        """Ask for many at once; only those are given that are answered as they were asked for."""
        if len(user_ids) == 1:
            return {}
        document = queries.profiles(len(user_ids), in_project=project_id is not None)
        users = {f"u{n}": user_id for n, user_id in enumerate(user_ids)}
        errors: tuple[dict[str, Any], ...] = ()
        try:
            data = self._transport.query(
                document, _given(projectId=project_id) | {**shared, **users}
            )
        except GraphQLError as error:
            data, errors = error.data or {}, error.errors
        except PlatformUnavailableError as error:
            if error.transient and not error.seen:
                raise  # it is away, or wants to be left alone: the number has no part in that
            return {}
        except PermissionDeniedError:
            return {}
        return _profiles_read(user_ids, data, errors)

    def _profile_alone(
        self, user_id: str, project_id: str | None, shared: Mapping[str, Any]
    ) -> Profile | None:
        try:
            if project_id is None:
                return self.data_center_user_profile(user_id, **shared)
            return self.user_profile(project_id, user_id, **shared)
        except GioError as error:
            error.add_note(f"The user that was asked for: {user_id!r}")
            raise

    def submit_tag(
        self,
        tag: Tag,
        *,
        charset: str,
        properties: Sequence[str] = (),
        detail: bool | None = None,
        file_name: str | None = None,
    ) -> SubmittedJob:
        """Submit a tag's users: by key, or by id on a platform before 13.4.

        A platform that does not know the mutation refuses the document before it does anything;
        its schema then tells whether that was the reason.
        """
        optional = _given(
            properties=list(properties) or None, detailExport=detail, exportFileName=file_name
        )
        if self._by_key and tag.key:
            parameter = {"tagKey": tag.key, "charset": charset, **optional}
            try:
                return self._submit(queries.SUBMIT_TAG_BY_KEY, {"parameter": parameter})
            except GraphQLError as error:
                if self._knows_submit_by_key(error):
                    raise
                self._by_key = False
        document = queries.submit_tag_by_id(
            detail=detail is not None, file_name=file_name is not None
        )
        return self._submit(document, {"tagId": tag.id, "charset": charset, **optional})

    def submit_segment(
        self,
        project_id: str,
        segment_id: str,
        *,
        charset: str,
        tags: Sequence[str] = (),
        properties: Sequence[str] = (),
    ) -> SubmittedJob:
        """Submit a segment's users, with tags (ids) and properties (keys) as columns."""
        optional = _given(tags=list(tags) or None, properties=list(properties) or None)
        return self._submit(
            queries.SUBMIT_SEGMENT,
            {"projectId": project_id, "segmentId": segment_id, "charset": charset, **optional},
        )

    def submit_analysis(
        self, kind: Kind, project_id: str, analysis_id: str, *, charset: str
    ) -> SubmittedJob:
        """Submit an analysis's result table."""
        return self._submit(
            queries.SUBMIT_ANALYSIS,
            {
                "projectId": project_id,
                "id": analysis_id,
                "type": kind.resource_type,
                "charset": charset,
            },
        )

    def download(
        self,
        url: str,
        *,
        start: int = 0,
        validator: str | None = None,
        stop: int | None = None,
    ) -> AbstractContextManager[Reply]:
        """Begin a download; see ``Transport.download``."""
        return self._transport.download(url, start=start, validator=validator, stop=stop)

    def _knows_submit_by_key(self, refusal: GraphQLError) -> bool:
        """Ask the schema whether it has the input of the submit by key.

        Where a platform does not tell, the words of its refusal have to do.
        """
        if any((refusal.data or {}).values()):
            return True
        schema: dict[str, Any] = {}
        with suppress(GraphQLError, PermissionDeniedError, PlatformUnavailableError):
            schema = self._transport.query(queries.INPUT_BY_KEY, {}, attempts=1)
        if "__type" in schema:
            return schema["__type"] is not None
        return not _speaks_of_the_schema(refusal)

    def _list(self, field: str, read: Callable[[Any], T], project_id: str | None = None) -> list[T]:
        variables = _given(projectId=project_id)
        documents = queries.LISTINGS[field]
        refusal: GraphQLError | None = None
        for level in range(self._levels.get(field, 0), len(documents)):
            try:
                items = _items(self._transport.query(documents[level], variables), field, read)
            except GraphQLError as error:
                refusal = error  # a platform of another version may lack a field: fewer will do
                continue
            if refusal is not None:
                _log.warning("%s are listed with fewer fields. %s", field, refusal.what)
                if not _was_executed(refusal):
                    self._levels[field] = level
            return items
        assert refusal is not None  # noqa: S101 every document was refused
        raise refusal

    def _submit(self, document: str, variables: dict[str, Any]) -> SubmittedJob:
        try:
            data = self._transport.submit(document, variables)
        except GraphQLError as error:
            # Partial data: where it has the job's id, the job exists and must not get lost.
            data = error.data or {}
            if not any(_is_job(raw) for raw in data.values()):
                raise
        answers = [raw for raw in data.values() if isinstance(raw, dict)]
        job = _checked(SubmittedJob.from_json(answers[0] if answers else {}))
        if not job.id:
            raise SubmitUncertainError(
                "The platform took the export and named no job",
                hint="Look at the platform's export list (导出任务) before you run this again.",
            )
        return job


def _is_job(raw: Any) -> bool:
    return isinstance(raw, dict) and bool(raw.get("id"))


def _checked(job: SubmittedJob) -> SubmittedJob:
    if job.stage == "ERROR" or job.error_code:
        words = f"{job.error_code} {job.error_message}".strip() or "no reason given"
        raise JobFailedError(
            f"The platform {'could not finish' if job.id else 'refused'} the export: {words}",
            hint="Look at the item on the platform; when it computes there, export it again.",
            code=job.error_code,
            message=job.error_message,
            job_id=job.id,
        )
    return job


def _items(data: Mapping[str, Any], field: str, read: Callable[[Any], T]) -> list[T]:
    # The guide prints the answer of dataCenterTags under the key "tags" (op-api §5.4).
    raw = data.get(field)
    if raw is None and field == "dataCenterTags":
        raw = data.get("tags")
    with _documented(field):
        return [read(entry) for entry in raw or () if entry]


def _item(data: Mapping[str, Any], field: str, read: Callable[[Any], T]) -> T | None:
    raw = data.get(field)
    with _documented(field):
        return read(raw) if raw else None


@contextmanager
def _documented(field: str) -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise PlatformUnavailableError(
            f"The platform answers {field} in a form that is not documented ({error!r})",
            hint="Check that the url is a GrowingIO OP platform's; "
            "gio.graphql(…) shows what it answers.",
            transient=False,
        ) from error


def _errors_by_alias(errors: Sequence[dict[str, Any]]) -> dict[str, GioError]:
    """Sort errors by the field that they are of, "" where they do not say."""
    sorted_: dict[str, list[dict[str, Any]]] = {}
    for entry in errors:
        path = entry.get("path")
        alias = str(path[0]) if isinstance(path, list) and path else ""
        sorted_.setdefault(alias, []).append(entry)
    return {alias: graphql_error(entries) for alias, entries in sorted_.items()}


def _job_read(raw: Any, error: GioError | None) -> JobResult | GioError | None:
    """Read one job's answer; the stage counts, whatever else went wrong."""
    if error is not None and not raw:
        return error
    try:
        return _item({"jobResult": raw}, "jobResult", JobResult.from_json)
    except PlatformUnavailableError as odd:
        return odd


def _profile(data: Mapping[str, Any], field: str) -> Profile | None:
    with _documented(field):
        return None if data[field] is None else Profile.from_json(data[field])


def _profiles_read(
    user_ids: Sequence[str], data: Mapping[str, Any], errors: Sequence[dict[str, Any]]
) -> dict[str, Profile | None]:
    """Read the profiles that are whole; what is an error of no user may be one of any."""
    aliases = {f"p{n}": user_id for n, user_id in enumerate(user_ids)}
    failed = _errors_by_alias(errors)
    answers: dict[str, Profile | None] = {}
    if failed.keys() <= aliases.keys():
        for alias in aliases.keys() - failed.keys():
            with suppress(PlatformUnavailableError):
                answers[aliases[alias]] = _profile(data, alias)
    return answers


def _given(**values: Any) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None
    }


def _speaks_of_the_schema(refusal: GraphQLError) -> bool:
    """Tell whether a document was refused unexecuted because the schema lacks the mutation.

    Only what GraphQL itself fixes is looked at: an error of execution has the field's path, and
    one of validation names what the schema does not have.
    """
    messages = " ".join(str(entry.get("message", "")) for entry in refusal.errors)
    # A platform that knows the type, but not one of its fields, speaks of the variable.
    knows_not_type = "TagUserExportJobByKeyInput" in messages and "$parameter" not in messages
    knows_not = "submitTagUserExportJobByKey" in messages or knows_not_type
    paths = [entry.get("path") for entry in refusal.errors]
    return knows_not and ["submitTagUserExportJobByKey"] not in paths


def _was_executed(error: GraphQLError) -> bool:
    """Tell whether a document was accepted: errors of execution have a path, or data beside."""
    has_path = any(entry.get("path") for entry in error.errors)
    return has_path or any((error.data or {}).values())
