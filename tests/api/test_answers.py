"""What an answer means, whatever it is: data, or an error of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from wire import DOWNLOAD, GRAPHQL, TOKEN, Answer, Wire, data, said

import gio_pandas as gio
from gio_pandas.api.answers import read_json
from gio_pandas.api.client import Client
from gio_pandas.api.downloads import BrokenTransferError
from gio_pandas.api.models import JobResult, Kind, SubmittedJob
from gio_pandas.api.transport import Transport

QUERY = "query Projects { projects { id } }"
MUTATION = "mutation Submit { submit { id } }"
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": None, "b": [None, None]}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\ud83d"', "�"),
        (b'["x\\uDE00y", "\\ud83d\\ude00"]', ["x�y", "😀"]),
        (b'"\\\\ud83d"', "\\ud83d"),
        (b'"\xed\xa0\xbd"', "�"),
        (b'{"\\ud800": 1e999}', {"�": float("inf")}),
        (b'"\\u0000"', "\0"),
        (b"1" * 4000, int("1" * 4000)),
    ],
)
def test_odd_json_is_read(text: bytes, expected: Any) -> None:
    """What no JSON has is null, and what cannot be written down is replaced, nothing else."""
    assert read_json(text) == expected
    json.dumps(read_json(text), ensure_ascii=False).encode()


ODD = {
    "deep": DEEP,
    "deep data": b'{"data": {"a": ' + DEEP + b"}}",
    "deep errors": b'{"errors": ' + DEEP + b"}",
    "nested errors": b'{"errors": [' + b"[" * 900 + b"1" + b"]" * 900 + b"]}",
    "many": b'{"data": {"a": [' + b"[]," * 5_000_000 + b"[]]}}",
    "digits": b'{"data": {"a": ' + b"1" * 5000 + b"}}",
    "no utf-8": b'{"data": {"a": "\xff"}}',
    "half": b'{"data": {"a": "b',
    "bytes": bytes(range(256)),
    "nothing": b"",
    "text": b'"data"',
    "list": b'{"data": []}',
    "number": b'{"data": 5}',
    "two": b'{"data": {}} {"data": {}}',
}


@pytest.mark.parametrize("text", ODD)
def test_what_is_no_answer_is_an_error_of_ours(
    wire: Wire, transport: Callable[..., Transport], text: str
) -> None:
    """A query's is not asked for again; of a submit nobody knows, and it is not sent again."""
    wire.on(GRAPHQL, Answer(body=ODD[text]))
    opened = transport(wire.url)
    with pytest.raises((gio.PlatformUnavailableError, gio.GraphQLError)):
        opened.query(QUERY, {})
    with pytest.raises((gio.SubmitUncertainError, gio.GraphQLError)):
        opened.submit(MUTATION, {})
    assert len(wire.at(GRAPHQL)) == 2


@pytest.mark.parametrize("text", [DEEP, b'{"access_token": ' + b"1" * 5000 + b"}", b"\xff", b"[]"])
def test_a_tokens_answer_that_is_none(
    wire: Wire, transport: Callable[..., Transport], text: bytes
) -> None:
    """What cannot be read says nothing of the key."""
    wire.on(TOKEN, Answer(body=text)).on(GRAPHQL, data(ok=1))
    with pytest.raises(gio.PlatformUnavailableError, match="token service"):
        transport(wire.url).query(QUERY, {})
    assert wire.counts() == {TOKEN: 1}


@pytest.mark.parametrize(
    "result",
    [
        "FINISH",
        ["FINISH"],
        5,
        {"stage": "FINISH", "uris": {"a": "/b"}},
        {"stage": "FINISH", "uris": 5},
        {"stage": "FINISH", "uris": ["/a.csv"] * 100_001},
    ],
)
def test_a_job_result_that_is_none(wire: Wire, client: Callable[..., Client], result: Any) -> None:
    """A text, a list, files that are no list, or more than any job has."""
    wire.on(GRAPHQL, data(jobResult=result))
    with pytest.raises(gio.PlatformUnavailableError, match="jobResult in a form") as caught:
        client(wire.url).job_result("J")
    assert caught.value.transient is False


@pytest.mark.parametrize(
    ("raw", "stage", "uris"),
    [
        ({"stage": ["FINISH"], "uris": None}, "", ()),
        ({"stage": {"a": 1}}, "", ()),
        ({"stage": True}, "", ()),
        ({"stage": 3}, "3", ()),
        ({"stage": "FINISH", "uris": "/a.csv"}, "FINISH", ("/a.csv",)),
        ({"stage": "FINISH", "uris": ["/a", 5, None, {"uri": "/b"}]}, "FINISH", ("/a", "", "", "")),
    ],
)
def test_a_job_result_of_other_types(raw: Any, stage: str, uris: tuple[str, ...]) -> None:
    """A stage that is none is no documented one; a file without a name is missed by its place."""
    found = JobResult.from_json(raw)
    assert (found.stage, found.uris) == (stage, uris)


@pytest.mark.parametrize("job_id", [None, "", 0, [], ["J"], {"id": "J"}, True])
def test_a_submit_that_names_no_job(wire: Wire, client: Callable[..., Client], job_id: Any) -> None:
    """What is no id is none: the job may run, and the error says so."""
    wire.on(GRAPHQL, data(submitAnalysisExportJob={"id": job_id, "stage": [], "name": {}}))
    with pytest.raises(gio.SubmitUncertainError, match="named no job"):
        client(wire.url).submit_analysis(Kind.FUNNEL, "P", "A", charset="UTF-8")
    assert len(wire.at(GRAPHQL)) == 1


def test_an_id_may_be_a_number() -> None:
    """Some servers write ids so."""
    assert SubmittedJob.from_json({"id": 603542}).id == "603542"


@pytest.mark.parametrize(
    "answer",
    [
        said({"errors": [{"message": "x y" * 1_000_000}]}),
        data(submitAnalysisExportJob={"id": "J", "error": {"code": "E", "message": "x " * 10**6}}),
        data(submitAnalysisExportJob={"id": "J", "error": {"code": "E" * 10**6, "message": "m"}}),
        data(submitAnalysisExportJob="x" * 10**6),
    ],
)
def test_a_message_is_short_whatever_the_platform_says(
    wire: Wire, client: Callable[..., Client], answer: Answer
) -> None:
    """A megabyte of words is nothing that anybody reads in a notebook."""
    wire.on(GRAPHQL, answer)
    with pytest.raises(gio.GioError) as caught:
        client(wire.url).submit_analysis(Kind.FUNNEL, "P", "A", charset="UTF-8")
    assert len(str(caught.value)) < 5_000
    assert caught.value.hint.endswith(".")


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5000, "-1", "5, 6", "x"])
def test_a_length_that_is_none_is_an_error_of_ours(
    wire: Wire, transport: Callable[..., Transport], length: str
) -> None:
    """Of an answer and of a file."""
    odd = Answer(body=[b"x"], headers={"Content-Length": length})
    wire.on(GRAPHQL, odd).on(DOWNLOAD, odd)
    opened = transport(wire.url)
    with pytest.raises(gio.PlatformUnavailableError):
        opened.query(QUERY, {}, attempts=1)
    with pytest.raises(BrokenTransferError), opened.download("/download?file=a") as reply:
        list(reply.chunks)
