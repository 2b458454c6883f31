"""Jobs: ids, stages in time, files."""

import re
from base64 import b64decode
from collections.abc import Callable
from itertools import groupby

import pytest

from .client import PROJECT, SUBMIT_ANALYSIS, SUBMIT_SEGMENT, SUBMIT_TAG, Client

NO_SUCH_ID = "zzzzzzzz"
NO_ERROR = {"code": "", "message": ""}


def _decoded(job_id: str) -> str:
    assert "=" not in job_id
    return b64decode(job_id + "=" * (-len(job_id) % 4)).decode()


def test_ids_and_names_have_the_documented_forms(client: Client) -> None:
    """The submit's id is unpadded base64, jobResult answers the short id inside or another one."""
    for job, kind, prefix in (
        (client.tag("tag_payment_times"), "TagUserExportJobDto", "DET"),
        (client.segment("分群4"), "SegmentUserExportJobDto", "DES"),
    ):
        result = client.wait(job)
        assert re.fullmatch(r"[0-9A-Za-z]{8}", result["id"])
        assert _decoded(job["id"]) == f"{kind}:{result['id']}"
        assert re.fullmatch(prefix + r"-\d{12}-\d{14}", job["name"])
        assert job["error"] == NO_ERROR
    analysis = client.analysis("FUNNELS", "漏斗3")
    assert re.fullmatch(r"CHARTS:[0-9a-f]{32}", _decoded(analysis["id"]))
    assert re.fullmatch(r"[0-9A-Za-z]{8}", client.wait(analysis)["id"])


def test_a_user_export_walks_through_its_stages_in_time(signed_in: Callable[..., Client]) -> None:
    """Unknown for a moment, then every stage in order, and no uri before FINISH."""
    client = signed_in(stage_seconds=25)
    assert client.sandbox._platform is not None
    now = 1000.0
    client.sandbox._platform.jobs.clock = lambda: now
    job = client.segment("分群1")
    assert job["stage"] == "NONE"
    seen: list[tuple[str | None, object]] = []
    while not seen or seen[-1][0] != "FINISH":
        result = client.result(job)
        seen.append((result["stage"], result["uris"]) if result else (None, None))
        now += 1
    assert now - 1000 == pytest.approx(4 * 25, abs=2)
    stages = [stage for stage, _ in groupby(stage for stage, _ in seen)]
    assert stages == [None, "NONE", "READY", "RUNNING", "DATA_READY", "FINISH"]
    early = [uris for stage, uris in seen if stage != "FINISH"]
    assert None in early
    assert [] in early
    assert all(not uris for uris in early)


def test_a_file_is_not_there_before_its_job_is_finished(signed_in: Callable[..., Client]) -> None:
    """The path of a running job is 404, and the same path is served afterwards."""
    client = signed_in(stage_seconds=0.2)
    job = client.segment("分群1")
    path = f"/jobs/results/{job['name']}/下载用户列表.csv"
    assert client.download(path).status_code == 404
    assert client.wait(job)["uris"] == [path]
    assert client.download(path).status_code == 200


def test_no_stage_time_finishes_at_once(client: Client) -> None:
    """With stage_seconds=0 the submit itself answers FINISH."""
    job = client.segment("分群1")
    assert job["stage"] == "FINISH"
    assert client.result(job)["stage"] == "FINISH"


def test_analyses_finish_at_once(signed_in: Callable[..., Client]) -> None:
    """However long user exports take, an analysis answers FINISH to the submit."""
    client = signed_in(stage_seconds=60)
    job = client.analysis("FUNNELS", "漏斗3")
    assert job["stage"] == "FINISH"
    assert len(client.result(job)["uris"]) == 1


def test_a_broken_segment_and_tag_end_in_error(signed_in: Callable[..., Client]) -> None:
    """They start like any other job, end in ERROR and have no file."""
    client = signed_in(stage_seconds=0.05)
    for job in (client.segment("计算失败的分群"), client.tag("tag_broken")):
        assert (job["stage"], job["error"]) == ("NONE", NO_ERROR)
        result = client.wait(job)
        assert result["stage"] == "ERROR"
        assert result["uris"] is None


@pytest.mark.parametrize(
    ("kind", "noun"),
    [("FUNNELS", "漏斗"), ("CHARTS", "事件"), ("RETENTIONS", "留存"), ("FREQUENCIES", "分布")],
)
def test_a_broken_analysis_answers_its_error(client: Client, kind: str, noun: str) -> None:
    """One analysis of each kind answers ERROR with a code and a message to the submit."""
    job = client.analysis(kind, f"计算失败的{noun}")
    assert job["stage"] == "ERROR"
    assert job["error"]["code"]
    assert "计算失败" in job["error"]["message"]
    assert client.result(job)["stage"] == "ERROR"


def test_an_unknown_job_is_null(client: Client) -> None:
    """An id that no submit answered, the short id too, is null and no error."""
    short = client.wait(client.segment("分群1"))["id"]
    for unknown in ("nothing", short):
        assert client.result({"id": unknown}) is None


def test_unknown_things_cannot_be_submitted(client: Client) -> None:
    """Each unknown id, key, property or charset is a GraphQL error that names it."""
    segment, funnel = "qgQMXnD3", "klGvyp7E"
    good = {"project": PROJECT, "segment": segment}
    for variables, message in (
        ({"project": NO_SUCH_ID}, "project not found"),
        ({"segment": NO_SUCH_ID}, "segment not found"),
        ({"tags": [NO_SUCH_ID]}, "tag not found"),
        ({"properties": ["usr_city", "usr_nothing"]}, "'usr_nothing'"),
        ({"charset": "EBCDIC"}, "unsupported charset 'EBCDIC'"),
    ):
        assert message in client.error(SUBMIT_SEGMENT, **{**good, **variables})
    assert "'tag_no'" in client.error(SUBMIT_TAG, parameter={"tagKey": "tag_no"})
    by_id = "mutation($tag: HashId!) { submitTagUserExportJob(tagId: $tag) { id } }"
    assert "tag not found" in client.error(by_id, tag=NO_SUCH_ID)
    analysis = {"project": PROJECT, "id": funnel, "kind": "CHARTS"}
    assert "no CHARTS analysis" in client.error(SUBMIT_ANALYSIS, **analysis)


def test_a_refused_submit_has_null_data(client: Client) -> None:
    """A GraphQL error comes as 200 with errors and data null (op-api section 5)."""
    answer = client.post(SUBMIT_TAG, parameter={"tagKey": "tag_no"})
    assert answer.status_code == 200
    assert answer.json()["data"] is None


def test_job_ids_follow_from_the_seed(signed_in: Callable[..., Client]) -> None:
    """The same submits give the same ids, names and uris; each submit gives another id."""
    runs = []
    for client in (signed_in(seed=3), signed_in(seed=3), signed_in(seed=4)):
        jobs = [client.segment("分群1"), client.segment("分群1"), client.tag("tag_rfm")]
        runs.append([(job["id"], job["name"], client.wait(job)["uris"]) for job in jobs])
        assert len({job["id"] for job in jobs}) == 3
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize(
    ("asked", "stem"),
    [
        ("双11 用户+标签 & 100%#1", "双11 用户+标签 & 100%#1"),
        ("report.csv", "report"),
        ("../../etc/passwd", ".._.._etc_passwd"),
    ],
)
def test_the_file_name_asked_for_is_used(client: Client, asked: str, stem: str) -> None:
    """What exportFileName says becomes the file's name, and never leaves the job's folder."""
    job = client.tag("tag_payment_times", exportFileName=asked)
    assert client.wait(job)["uris"] == [f"/jobs/results/{job['name']}/{stem}.csv"]
    assert client.text(job).startswith("gio_id,")


def test_default_file_names(client: Client) -> None:
    """Segments and analyses have the guide's names, tags a uuid, awkward items awkward ones."""

    def names(job: dict[str, object]) -> list[str]:
        return [uri.rpartition("/")[2] for uri in client.wait(job)["uris"]]

    assert names(client.segment("分群4")) == ["下载用户列表.csv"]
    assert names(client.analysis("FUNNELS", "漏斗3")) == ["下载漏斗.csv"]
    assert re.fullmatch(r"[0-9a-f-]{36}\.csv", names(client.tag("tag_rfm"))[0])
    assert names(client.segment("A&B 渠道 100%")) == ["下载用户列表 A&B 渠道 100%.csv"]
    assert names(client.segment("C++ 人群 #1")) == ["下载用户列表 C++ 人群 #1.csv"]
    for job in (client.segment("A&B 渠道 100%"), client.segment("C++ 人群 #1")):
        assert client.text(job)


def test_uris_can_be_percent_encoded(signed_in: Callable[..., Client]) -> None:
    """uris="encoded" answers paths encoded once, which go into the query as they are."""
    client = signed_in(uris="encoded")
    (uri,) = client.wait(client.segment("A&B 渠道 100%"))["uris"]
    assert uri.startswith("%2Fjobs%2Fresults%2FDES-")
    assert uri.isascii()
    assert uri.endswith("A%26B%20%E6%B8%A0%E9%81%93%20100%25.csv")
    assert client.http.get(f"/download?file={uri}").status_code == 200
    assert client.download(uri).status_code == 404
