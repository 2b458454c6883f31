"""Many jobs in one request, and platforms that do not answer many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wire import GRAPHQL, RESET, Answer, Asked, Wire, data, page, refused, said, status

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.api.client import Client
from gio_pandas.api.models import JobResult, Kind

Open = Callable[..., Client]
IDS = ["A", "B", "C"]
RUNNING = {"id": "another", "stage": "RUNNING", "uris": None}


class Platform:
    """Answers one job at a time, and many as a test says."""

    def __init__(self, wire: Wire, many: Answer | None = None) -> None:
        self.many = many
        self.sizes: list[int] = []
        self.unknown: set[str] = set()
        wire.on(GRAPHQL, self.answer)

    def answer(self, asked: Asked) -> Answer:
        """Answer a request."""
        variables = asked.json()["variables"]
        self.sizes.append(len(variables))
        if "id" in variables:
            unknown = variables["id"] in self.unknown
            return refused("no such job") if unknown else data(jobResult=RUNNING)
        return self.many or data(**{f"j{n}": RUNNING for n in range(len(variables))})


def ask(opened: Client, ids: list[str] | None = None) -> Any:
    """Ask once; each further request is paced."""
    return opened.job_results(ids or IDS, pace=lambda: None)


def test_many_jobs_are_asked_for_in_one_request(
    sandbox: embedded.Sandbox, client: Open, wire: Wire
) -> None:
    """By the submits' ids: the results' own ids are others."""
    real = client(sandbox.url, api_key=sandbox.api_key)
    project = real.projects()[0].id
    funnel = real.analyses(Kind.FUNNEL, project)[0].id
    ids = [
        real.submit_analysis(Kind.FUNNEL, project, funnel, charset="UTF-8").id for _ in range(50)
    ]
    before = len(sandbox.requests)
    answers = ask(real, ids)
    assert list(answers) == ids
    assert {answer.stage for answer in answers.values()} == {"FINISH"}
    assert len({answer.uris for answer in answers.values()}) == 50
    assert [request.operation for request in sandbox.requests[before:]] == ["JobResults"]
    assert real.jobs_per_request == 50


def test_one_job_is_asked_for_as_ever(wire: Wire, client: Open) -> None:
    """What is not many needs no alias."""
    platform = Platform(wire)
    assert ask(client(wire.url), ["A"]) == {"A": JobResult(stage="RUNNING")}
    assert wire.at(GRAPHQL)[0].json()["operationName"] == "JobResult"
    platform.unknown = {"A"}
    assert isinstance(ask(client(wire.url), ["A"])["A"], gio.GraphQLError)


def test_an_alias_that_fails_is_the_error_of_its_job_alone(wire: Wire, client: Open) -> None:
    """The others are answered, null is None, and what came beside an error counts."""
    errors = [
        {"message": "kaputt", "path": ["j1"]},
        {"message": "no", "path": ["j2"], "extensions": {"code": "FORBIDDEN"}},
        {"message": "late", "path": ["j3", "uris"]},
        {"message": "no list", "path": ["j4"]},
    ]
    fields = {"j0": None, "j1": None, "j2": None, "j3": RUNNING, "j4": "odd"}
    Platform(wire, said({"errors": errors, "data": fields}))
    answers = ask(client(wire.url), [*"ABCDE"])
    assert answers["A"] is None
    assert answers["D"] == JobResult(stage="RUNNING")
    assert isinstance(answers["B"], gio.GraphQLError)
    assert "kaputt" in str(answers["B"])
    assert isinstance(answers["C"], gio.PermissionDeniedError)
    assert isinstance(answers["E"], gio.PlatformUnavailableError)
    assert len(wire.at(GRAPHQL)) == 1


NOT_UNDERSTOOD = {
    "refused": refused("aliases are not allowed"),
    "forbidden": refused("too complex", code="FORBIDDEN"),
    "missing": data(jobResult=RUNNING),
    "one missing": data(j0=RUNNING, j1=RUNNING),
    "blamed on nobody": refused("no", data={"j0": RUNNING, "j1": None, "j2": None}),
    "400": said({"message": "no"}, 400),
    "403": status(403),
    "413": status(413),
    "500": status(500),
    "504": status(504),
    "page": page(),
    "reset": RESET,
}


@pytest.mark.parametrize("answer", NOT_UNDERSTOOD)
def test_a_platform_that_refuses_many_is_asked_one_by_one(
    wire: Wire, client: Open, answer: str
) -> None:
    """After two refusals in a row, and for good; until then each try answers one job."""
    platform = Platform(wire, NOT_UNDERSTOOD[answer])
    opened = client(wire.url)
    paced: list[int] = []
    for _ in range(2):
        assert opened.jobs_per_request == 50
        before = len(platform.sizes)
        answers = opened.job_results(IDS, pace=lambda: paced.append(len(platform.sizes)), timeout=5)
        assert answers == {"A": JobResult(stage="RUNNING")}
        assert platform.sizes[before] == 3
        assert platform.sizes[-1] == 1
    assert len(paced) == 2
    assert opened.jobs_per_request == 1
    platform.many = None
    assert opened.jobs_per_request == 1


def test_a_hiccup_is_no_refusal(wire: Wire, client: Open) -> None:
    """Many that are answered in between count the refusals anew."""
    platform = Platform(wire)
    opened = client(wire.url)
    for many in (status(502), None, status(502), None, status(502)):
        platform.many = many
        assert len(ask(opened)) == (1 if many else 3)
    assert opened.jobs_per_request == 50


@pytest.mark.parametrize("answer", [status(502), said({"message": "no"}, 404), RESET])
def test_a_platform_that_is_away_is_away_for_all(wire: Wire, client: Open, answer: Answer) -> None:
    """What fails for one alone says nothing of many, and every job is told."""
    wire.on(GRAPHQL, answer)
    opened = client(wire.url)
    for _ in range(3):
        answers = ask(opened)
        assert list(answers) == IDS
        assert {type(answer) for answer in answers.values()} == {gio.PlatformUnavailableError}
    assert opened.jobs_per_request == 50


def test_an_unknown_job_does_not_speak_for_the_others(wire: Wire, client: Open) -> None:
    """Where it makes the whole document fail, it is told of itself, and the others are left."""
    platform = Platform(wire, refused("no such job"))
    platform.unknown = {"A"}
    opened = client(wire.url)
    for _ in range(3):
        answers = ask(opened)
        assert list(answers) == ["A"]
        assert isinstance(answers["A"], gio.GraphQLError)
    assert opened.jobs_per_request == 50
