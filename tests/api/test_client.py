"""The verbs: each against the sandbox, and what older and odder platforms answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wire import GRAPHQL, RESET, Answer, Asked, Wire, data, page, refused, said, status

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.api.client import Client
from gio_pandas.api.models import Kind, Tag
from gio_pandas.api.queries import LISTINGS
from gio_pandas.sandbox.population import user_id

Open = Callable[..., Client]
TAG = Tag(id="QlzcaqqS", name="订单交易笔数", key="tag_payment_times")
JOB = {"id": "J1", "name": "用户", "stage": "NONE", "error": None}
ANALYSES = [Kind.FUNNEL, Kind.EVENT, Kind.RETENTION, Kind.FREQUENCY]


@pytest.fixture
def real(sandbox: embedded.Sandbox, client: Open) -> Client:
    """Speak with the sandbox."""
    return client(sandbox.url, api_key=sandbox.api_key)


@pytest.fixture
def project(real: Client) -> str:
    """Give the default project's id."""
    return next(found.id for found in real.projects() if found.name == "默认项目")


@pytest.fixture
def old(client: Open) -> Iterator[tuple[Client, embedded.Sandbox]]:
    """Speak with a platform before 13.4."""
    with embedded.start(stage_seconds=0, users=10, version="13.3") as platform:
        yield client(platform.url, api_key=platform.api_key), platform


def _asked(wire: Wire) -> list[str]:
    """List the operations that were asked for."""
    return [asked.json()["operationName"] for asked in wire.at(GRAPHQL)]


# --- every verb against the sandbox --------------------------------------------------------------


def test_projects(real: Client) -> None:
    """Projects come with their people and times."""
    found = real.projects()[0]
    assert found.name == "默认项目"
    assert len(found.id) == 8
    assert found.creator
    assert found.created_at
    assert isinstance(found.members, int)


def test_data_center_tags(real: Client) -> None:
    """The platform's tags come with keys, types and counts."""
    tag = next(tag for tag in real.data_center_tags() if tag.key == "tag_payment_times")
    assert (tag.id, tag.name, tag.value_type) == ("QlzcaqqS", "订单交易笔数", "INT")
    assert isinstance(tag.users, int)
    assert tag.keys == ("QlzcaqqS", "tag_payment_times")


def test_tags_of_a_project(real: Client, project: str) -> None:
    """A project's tags are read as the platform's are."""
    tags = real.tags(project)
    assert {tag.value_type for tag in tags} >= {"INT", "STRING", "DOUBLE", "DATE"}
    assert all(tag.key and tag.key.startswith("tag_") for tag in tags)


def test_segments_and_one_segment(real: Client, project: str) -> None:
    """A listed segment can be asked for by its id, and is the same."""
    segment = real.segments(project)[0]
    assert real.segment(project, segment.id) == segment
    assert segment.scheduler


def test_a_segment_that_is_not_there(wire: Wire, client: Open, real: Client, project: str) -> None:
    """Null is None; a platform that answers an error, as the sandbox does, is heard."""
    wire.on(GRAPHQL, data(segment=None))
    assert client(wire.url).segment("P", "S") is None
    with pytest.raises(gio.GraphQLError, match="segment not found"):
        real.segment(project, "ZZZZZZZZ")


@pytest.mark.parametrize("kind", ANALYSES)
def test_analyses(real: Client, project: str, kind: Kind) -> None:
    """Each kind has its own listing."""
    analysis = real.analyses(kind, project)[0]
    assert analysis.name == f"{kind.label.split('(')[1][:2]}1"
    assert analysis.time_range
    assert analysis.is_system is not None


def test_profiles(real: Client, project: str) -> None:
    """A user's values come by key, with the platform's names for the keys."""
    user = next(user_id(number) for number in range(100) if user_id(number))
    everywhere = real.data_center_user_profile(user, properties=["usr_city"])
    here = real.user_profile(project, user, tags=[TAG.id], properties=["usr_city"])
    for profile in (everywhere, here):
        assert profile is not None
        assert profile.user_id == user
        assert profile.values["usr_city"]
    assert here is not None
    assert set(here.values) == {"usr_city", "tag_payment_times"}
    assert here.names["tag_payment_times"] == "订单交易笔数"


def test_profiles_of_nobody(real: Client, project: str) -> None:
    """None for a user that the platform does not know."""
    assert real.data_center_user_profile("nobody") is None
    assert real.user_profile(project, "nobody", properties=["usr_city"]) is None


def _finish(client: Client, job_id: str) -> tuple[str, ...]:
    for _ in range(100):
        result = client.job_result(job_id)
        if result and result.stage == "FINISH":
            return result.uris
    raise AssertionError("the job does not finish")


def test_a_tag_export_from_submit_to_bytes(real: Client) -> None:
    """Submit by key, ask for the result by the submit's id, download: the file is there."""
    job = real.submit_tag(TAG, charset="UTF-8", properties=["usr_city"], detail=False)
    assert Kind.of_job_id(job.id) is Kind.TAG
    assert job.error_code == ""
    (uri,) = _finish(real, job.id)
    with real.download(f"/download?file={uri}") as reply:
        header = b"".join(reply.chunks).splitlines()[0].decode()
    assert header.count(",") >= 2


def test_a_tag_export_may_name_its_file(real: Client) -> None:
    """``exportFileName`` ends up in the uri."""
    job = real.submit_tag(TAG, charset="UTF-8", file_name="我的文件")
    assert "我的文件" in _finish(real, job.id)[0]


def test_a_segment_export(real: Client, project: str) -> None:
    """Tags go by id, properties by key."""
    segment = real.segments(project)[0]
    job = real.submit_segment(
        project, segment.id, charset="GBK", tags=[TAG.id], properties=["usr_city"]
    )
    assert Kind.of_job_id(job.id) is Kind.SEGMENT
    assert len(_finish(real, job.id)) == 1


@pytest.mark.parametrize("kind", ANALYSES)
def test_an_analysis_export(real: Client, project: str, kind: Kind) -> None:
    """Each kind goes under its own resource type."""
    job = real.submit_analysis(kind, project, real.analyses(kind, project)[0].id, charset="UTF-8")
    assert Kind.of_job_id(job.id) is Kind.ANALYSIS
    assert _finish(real, job.id)


def test_an_export_that_fails_at_once(real: Client, project: str) -> None:
    """A submit that is answered ERROR is a failed job, with the platform's code and words."""
    broken = next(f for f in real.analyses(Kind.FUNNEL, project) if f.name == "计算失败的漏斗")
    with pytest.raises(gio.JobFailedError, match="could not finish the export") as caught:
        real.submit_analysis(Kind.FUNNEL, project, broken.id, charset="UTF-8")
    assert caught.value.code
    assert caught.value.code in str(caught.value)


def test_a_job_that_nobody_knows(real: Client) -> None:
    """None while the platform knows nothing of it."""
    assert real.job_result("nothing") is None


def test_any_document(real: Client) -> None:
    """What has no verb can be asked in GraphQL."""
    answer = real.graphql("query P { projects { name } }")
    assert answer["projects"][0] == {"name": "默认项目"}
    with pytest.raises(gio.GraphQLError, match="nothing"):
        real.graphql("{ nothing }")


def test_a_platform_under_a_prefix_with_a_bare_token(client: Open) -> None:
    """Path prefix, scheme and required headers are settings of the same client."""
    gate = {"X-Gate": "g"}
    with embedded.start(
        path_prefix="/cdp", auth_scheme="", require_headers=gate, users=10
    ) as platform:
        opened = client(platform.url, api_key=platform.api_key, auth_scheme="", headers=gate)
        assert opened.projects()


# --- what is sent --------------------------------------------------------------------------------


def test_what_is_not_asked_for_is_not_sent(wire: Wire, client: Open) -> None:
    """A null where nothing was said could mean something to a platform."""
    wire.on(GRAPHQL, data(x=JOB, dataCenterUserProfile=None, userProfile=None))
    opened = client(wire.url)
    opened.submit_tag(TAG, charset="GBK")
    opened.submit_segment("P", "S", charset="GBK")
    opened.submit_analysis(Kind.EVENT, "P", "A", charset="GBK")
    opened.data_center_user_profile("u")
    opened.user_profile("P", "u", tags=("T",))
    sent = [asked.json()["variables"] for asked in wire.at(GRAPHQL)]
    assert sent == [
        {"parameter": {"tagKey": TAG.key, "charset": "GBK"}},
        {"projectId": "P", "segmentId": "S", "charset": "GBK"},
        {"projectId": "P", "id": "A", "type": "CHARTS", "charset": "GBK"},
        {"userId": "u"},
        {"projectId": "P", "userId": "u", "tags": ["T"]},
    ]


def test_a_mutation_of_ones_own_is_not_sent_twice(wire: Wire, client: Open, no_waits: None) -> None:
    """``graphql`` knows a mutation and is as careful with it as the submits are."""
    wire.on(GRAPHQL, RESET, data(ok=1))
    opened = client(wire.url)
    with pytest.raises(gio.SubmitUncertainError):
        opened.graphql("mutation Own { own }")
    assert opened.graphql("query Own { own }") == {"ok": 1}
    wire.on(GRAPHQL, RESET, data(ok=1))
    assert opened.graphql("query Own { own }") == {"ok": 1}


def test_a_poll_asks_once(wire: Wire, client: Open, no_waits: None) -> None:
    """The wait has its own patience."""
    wire.on(GRAPHQL, RESET)
    with pytest.raises(gio.PlatformUnavailableError):
        client(wire.url).job_result("J")
    assert _asked(wire) == ["JobResult"]


# --- answers of other platforms ------------------------------------------------------------------


@pytest.mark.parametrize("key", ["dataCenterTags", "tags"])
def test_the_platforms_tags_come_under_either_key(wire: Wire, client: Open, key: str) -> None:
    """The guide prints the answer of dataCenterTags under ``tags``."""
    wire.on(GRAPHQL, data(**{key: [{"id": "a", "name": "n", "key": "tag_a"}, None]}))
    assert [tag.key for tag in client(wire.url).data_center_tags()] == ["tag_a"]


@pytest.mark.parametrize("field", LISTINGS)
def test_a_listing_of_nothing(wire: Wire, client: Open, field: str) -> None:
    """Null is an empty list."""
    wire.on(GRAPHQL, data(**{field: None}))
    assert _listed(client(wire.url), field) == []


def _listed(client: Client, field: str) -> list[Any]:
    kinds = dict(
        zip(
            ("funnelAnalyses", "eventAnalyses", "retentionAnalyses", "frequencyAnalyses"),
            ANALYSES,
            strict=True,
        )
    )
    if field in kinds:
        return client.analyses(kinds[field], "WlGk4Daj")
    if field in ("tags", "segments"):
        return list(getattr(client, field)("WlGk4Daj"))
    return list(client.projects() if field == "projects" else client.data_center_tags())


def _of_another_version(field: str) -> Callable[[Asked], Answer]:
    """Refuse a document that asks for more than the core."""

    def answer(asked: Asked) -> Answer:
        if "creator" in asked.json()["query"]:
            return refused("Cannot query field 'creatorId' on type 'X'.", 400)
        return data(**{field: [{"id": "a", "name": "n"}]})

    return answer


@pytest.mark.parametrize("field", LISTINGS)
def test_a_platform_that_lacks_a_field_is_asked_for_the_core(
    wire: Wire, client: Open, caplog: pytest.LogCaptureFixture, field: str
) -> None:
    """Id and name are enough; it is remembered, and said once in the log with the reason."""
    wire.on(GRAPHQL, _of_another_version(field))
    opened = client(wire.url)
    with caplog.at_level(logging.WARNING, "gio_pandas"):
        for _ in range(3):
            assert [(item.id, item.name) for item in _listed(opened, field)] == [("a", "n")]
    assert len(wire.at(GRAPHQL)) == 4
    (record,) = [record for record in caplog.records if record.name.startswith("gio_pandas")]
    assert field in record.getMessage()
    assert "creatorId" in record.getMessage()


def test_the_core_is_remembered_for_each_listing(wire: Wire, client: Open) -> None:
    """One listing's lack says nothing of another's fields."""
    wire.on(GRAPHQL, _of_another_version("segments"))
    opened = client(wire.url)
    opened.segments("P")
    wire.on(GRAPHQL, data(tags=[]))
    opened.tags("P")
    assert "creator" in wire.at(GRAPHQL)[-1].json()["query"]


def test_a_listing_that_fails_in_both_forms_fails(
    wire: Wire, client: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not the fields then: the platform's second word is the error, nothing is remembered."""
    wire.on(GRAPHQL, refused("whole"), refused("core"), data(projects=[]))
    opened = client(wire.url)
    with pytest.raises(gio.GraphQLError, match="core"):
        opened.projects()
    assert not [record for record in caplog.records if record.name.startswith("gio_pandas")]
    opened.projects()
    assert "creator" in wire.at(GRAPHQL)[-1].json()["query"]


# --- by key or by id -----------------------------------------------------------------------------

UNKNOWN = (
    "Cannot query field 'submitTagUserExportJobByKey' on type 'Mutation'.",
    "Unknown type 'TagUserExportJobByKeyInput'.",
    "Validation error of type FieldUndefined: Field 'submitTagUserExportJobByKey' in type "
    "'Mutation' is undefined @ 'submitTagUserExportJobByKey'",
)


def test_an_old_platform_is_asked_by_id(old: tuple[Client, embedded.Sandbox]) -> None:
    """The sandbox of version 13.3: found out once, remembered, one job each."""
    client, platform = old
    for _ in range(2):
        job = client.submit_tag(TAG, charset="UTF-8")
        assert Kind.of_job_id(job.id) is Kind.TAG
    asked = [request.operation for request in platform.requests if request.operation]
    assert asked == ["SubmitTagUserExportJobByKey", "InputByKey"] + ["SubmitTagUserExportJob"] * 2


def test_a_refusal_that_names_a_known_mutation_starts_no_second_job(
    wire: Wire, client: Open
) -> None:
    """Words that could mean an old platform are checked against its schema first."""
    late = refused("Timeout while executing submitTagUserExportJobByKey", 200, data=None)
    wire.on(GRAPHQL, late, data(__type={"name": "TagUserExportJobByKeyInput"}))
    with pytest.raises(gio.GraphQLError, match="Timeout while executing"):
        client(wire.url).submit_tag(TAG, charset="GBK")
    assert _asked(wire) == ["SubmitTagUserExportJobByKey", "InputByKey"]


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("message", UNKNOWN)
@pytest.mark.parametrize("number", [200, 400])
@pytest.mark.parametrize(
    "more", [{}, {"data": None}, {"data": {"submitTagUserExportJobByKey": None}}]
)
def test_a_mutation_that_is_not_known_is_left(
    wire: Wire, client: Open, message: str, number: int, more: dict[str, Any], tells: bool
) -> None:
    """Refused at 200 or 400, with or without data, in the words of three GraphQL libraries."""
    schema = data(__type=None) if tells else refused("introspection is off", 200)
    wire.on(GRAPHQL, refused(message, number, **more), schema, data(submitTagUserExportJob=JOB))
    job = client(wire.url).submit_tag(
        TAG, charset="GBK", properties=["usr_city"], detail=True, file_name="f"
    )
    assert job.id == "J1"
    asked = ["SubmitTagUserExportJobByKey", "InputByKey", "SubmitTagUserExportJob"]
    assert _asked(wire) == asked
    assert wire.at(GRAPHQL)[2].json()["variables"] == {
        "tagId": TAG.id,
        "charset": "GBK",
        "properties": ["usr_city"],
        "detailExport": True,
        "exportFileName": "f",
    }


EXECUTED = {
    "a path": said(
        {
            "errors": [{"message": UNKNOWN[0], "path": ["submitTagUserExportJobByKey"]}],
            "data": None,
        }
    ),
    "another reason": refused("标签正在计算", data=None),
    "another name": refused("Cannot query field 'error' on type 'TagUserExportJob'.", 400),
}


@pytest.mark.parametrize("answer", EXECUTED)
def test_a_mutation_that_was_executed_is_not_left(wire: Wire, client: Open, answer: str) -> None:
    """An error of the execution is the error: by id it would be a second job."""
    wire.on(GRAPHQL, EXECUTED[answer])
    with pytest.raises(gio.GraphQLError):
        client(wire.url).submit_tag(TAG, charset="GBK")
    assert _asked(wire) == ["SubmitTagUserExportJobByKey", "InputByKey"]


@pytest.mark.parametrize(
    "schema", [status(403), said({"code": 1}, 400), said({"data": None}), status(500), page(404)]
)
def test_a_schema_that_is_not_told_leaves_the_words(
    wire: Wire, client: Open, schema: Answer
) -> None:
    """However a gateway forbids to look into it: what was refused says enough."""
    wire.on(GRAPHQL, refused(UNKNOWN[0]), schema, data(submitTagUserExportJob=JOB))
    assert client(wire.url).submit_tag(TAG, charset="GBK").id == "J1"


@pytest.mark.parametrize("path", [["mutation X", "f"], ["submitTagUserExportJobByKey"]])
def test_a_schema_that_says_no_outweighs_words_and_paths(
    wire: Wire, client: Open, path: list[str]
) -> None:
    """Some engines give errors of validation a path, too, or none of the words."""
    refusal = said({"errors": [{"message": "Validation failed", "path": path}]})
    wire.on(GRAPHQL, refusal, data(__type=None), data(submitTagUserExportJob=JOB))
    assert client(wire.url).submit_tag(TAG, charset="GBK").id == "J1"


def test_the_types_of_tags_outlast_the_fields_that_a_platform_lacks(
    wire: Wire, client: Open
) -> None:
    """A tag's own type decides its column: it is asked for before all is given up."""
    tag = {"id": "a", "name": "n", "key": "k", "valueType": {"type": "STRING"}}
    wire.on(GRAPHQL, refused("no usersRatio"), data(tags=[tag]))
    assert [found.value_type for found in client(wire.url).tags("P")] == ["STRING"]


@pytest.mark.parametrize("job_id", ["", None])
def test_a_refusal_without_a_job_has_its_reason(
    wire: Wire, client: Open, job_id: str | None
) -> None:
    """Where the platform says why, nothing is uncertain."""
    refusal = {"id": job_id, "stage": "ERROR", "error": {"code": "E1", "message": "不行"}}
    wire.on(GRAPHQL, data(x=refusal))
    with pytest.raises(gio.JobFailedError, match="E1 不行"):
        client(wire.url).submit_segment("P", "S", charset="GBK")


def test_a_submit_that_is_turned_away_is_not_uncertain(wire: Wire, client: Open) -> None:
    """A status of 4xx is a refusal, in the platform's words."""
    wire.on(GRAPHQL, said({"code": 1, "message": "no right"}, 400))
    with pytest.raises(gio.PlatformUnavailableError, match="no right"):
        client(wire.url).submit_segment("P", "S", charset="GBK")
    assert len(wire.at(GRAPHQL)) == 1


def test_a_result_beside_an_error_is_read(wire: Wire, client: Open) -> None:
    """The stage counts, whatever else went wrong."""
    wire.on(GRAPHQL, refused("资源不足", data={"jobResult": {"id": "x", "stage": "ERROR"}}))
    result = client(wire.url).job_result("J1")
    assert result is not None
    assert result.stage == "ERROR"


def test_an_uncertain_submit_is_not_repeated_by_id(wire: Wire, client: Open) -> None:
    """No answer says nothing about the mutation."""
    wire.on(GRAPHQL, RESET)
    with pytest.raises(gio.SubmitUncertainError):
        client(wire.url).submit_tag(TAG, charset="GBK")
    assert _asked(wire) == ["SubmitTagUserExportJobByKey"]


def test_a_tag_without_a_key_is_asked_by_id(wire: Wire, client: Open) -> None:
    """As one listed on a platform that has no keys; the next one with a key goes by it."""
    wire.on(GRAPHQL, data(x=JOB))
    opened = client(wire.url)
    opened.submit_tag(Tag(id="a", name="n"), charset="GBK")
    opened.submit_tag(TAG, charset="GBK")
    assert _asked(wire) == ["SubmitTagUserExportJob", "SubmitTagUserExportJobByKey"]


# --- what a submit answers -----------------------------------------------------------------------


@pytest.mark.parametrize("code", ["", "FORBIDDEN"])
def test_a_job_beside_an_error_is_kept(wire: Wire, client: Open, code: str) -> None:
    """Partial data with the job's id: it runs, and must not get lost."""
    wire.on(GRAPHQL, refused("no error field", code=code, data={"submitSegment": JOB}))
    assert client(wire.url).submit_segment("P", "S", charset="GBK").id == "J1"
    assert len(wire.at(GRAPHQL)) == 1


@pytest.mark.parametrize(
    "partial", [None, {"x": None}, {"x": {}}, {"x": {"id": None}}, {"x": {"id": ""}}, {"x": "J1"}]
)
def test_an_error_without_a_job_is_an_error(wire: Wire, client: Open, partial: Any) -> None:
    """Nothing to keep."""
    wire.on(GRAPHQL, refused("no", data=partial))
    with pytest.raises(gio.GraphQLError):
        client(wire.url).submit_segment("P", "S", charset="GBK")


@pytest.mark.parametrize("answer", [{}, {"x": None}, {"x": {"name": "n"}}, {"x": "J1"}])
def test_a_submit_that_names_no_job_is_uncertain(
    wire: Wire, client: Open, answer: dict[str, Any]
) -> None:
    """The platform took it and said nothing more: it may be running."""
    wire.on(GRAPHQL, data(**answer))
    with pytest.raises(gio.SubmitUncertainError, match="named no job"):
        client(wire.url).submit_segment("P", "S", charset="GBK")


@pytest.mark.parametrize("error", [None, {}, {"code": "", "message": ""}, {"code": None}])
@pytest.mark.parametrize("stage", ["NONE", "FINISH", None])
def test_an_error_without_a_code_is_no_error(
    wire: Wire, client: Open, error: Any, stage: str | None
) -> None:
    """A submit may be finished at once, with an empty error object."""
    wire.on(GRAPHQL, data(x={"id": "J1", "stage": stage, "error": error}))
    job = client(wire.url).submit_analysis(Kind.FUNNEL, "P", "A", charset="GBK")
    assert (job.id, job.stage) == ("J1", stage or "NONE")


@pytest.mark.parametrize(
    ("stage", "error", "code", "words"),
    [
        ("ERROR", {"code": "E7", "message": "磁盘已满"}, "E7", "E7 磁盘已满"),
        ("NONE", {"code": "E7", "message": None}, "E7", "E7"),
        ("ERROR", {"code": "", "message": "磁盘"}, "", "磁盘"),
        ("ERROR", None, "", "no reason given"),
    ],
)
@pytest.mark.parametrize(("job_id", "told"), [("J1", "could not finish"), ("", "refused the")])
def test_a_submit_that_is_refused_is_a_failed_job(
    wire: Wire,
    client: Open,
    stage: str,
    error: Any,
    code: str,
    words: str,
    job_id: str,
    told: str,
) -> None:
    """The platform's code and words are in the error, and the job's id where there is one."""
    wire.on(GRAPHQL, data(x={"id": job_id, "stage": stage, "error": error}))
    with pytest.raises(gio.JobFailedError, match=f"{told}.*: {words}") as caught:
        client(wire.url).submit_segment("P", "S", charset="GBK")
    assert (caught.value.code, caught.value.job_id) == (code, job_id)
    assert len(wire.at(GRAPHQL)) == 1


@pytest.mark.parametrize("raw", [None, {}])
def test_a_job_result_may_be_null(wire: Wire, client: Open, raw: Any) -> None:
    """For a moment after the submit the platform does not know its own job."""
    wire.on(GRAPHQL, data(jobResult=raw))
    assert client(wire.url).job_result("J") is None
