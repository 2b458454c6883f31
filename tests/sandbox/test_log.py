"""The request log."""

import threading
import time
from collections.abc import Callable

from .client import Client

Started = Callable[..., Client]


def test_requests_are_recorded_as_they_were_answered(started: Started) -> None:
    """Method, path, operation, root fields and status of each request, in order."""
    client = started(path_prefix="/cdp").sign_in()
    job = client.segment("分群1")
    client.files(job)
    client.download("/nothing")
    client.ask_token(client_secret="wrong")
    seen = [(r.method, r.path, r.operation, r.fields, r.status) for r in client.sandbox.requests]
    graphql, download, token = "/cdp/graphql", "/cdp/download", "/cdp/accounts/oauth/access_token"
    assert seen == [
        ("POST", token, "", (), 200),
        ("POST", graphql, "", ("segments",), 200),
        ("POST", graphql, "SubmitSegment", ("submitSegmentUserExportJob",), 200),
        ("POST", graphql, "JobResult", ("jobResult",), 200),
        ("GET", download, "", (), 200),
        ("GET", download, "", (), 404),
        ("POST", token, "", (), 401),
    ]
    times = [request.at for request in client.sandbox.requests]
    assert times == sorted(times)
    assert times[-1] <= time.monotonic()


def test_the_operation_is_the_one_asked_for(started: Started) -> None:
    """Of several operations in a document operationName decides; a refused one counts too."""
    client = started()
    document = "query A { projects { id } } query B { dataCenterTags { id } }"
    client.http.post("/graphql", json={"query": document, "operationName": "B"})
    client.http.post("/graphql", content=b"{ not json")
    seen = [(r.operation, r.fields, r.status) for r in client.sandbox.requests]
    assert seen == [("B", ("dataCenterTags",), 401), ("", (), 401)]


def test_the_log_can_be_emptied(started: Started) -> None:
    """forget_requests() begins a new count."""
    client = started().sign_in()
    client.sandbox.forget_requests()
    client.data("{ __typename }")
    assert len(client.sandbox.requests) == 1


def test_the_log_counts_from_many_threads(started: Started) -> None:
    """Requests of several threads at once are all there."""
    client = started().sign_in()
    client.sandbox.forget_requests()

    def ask() -> None:
        for _ in range(10):
            client.data("{ __typename }")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [request.status for request in client.sandbox.requests] == [200] * 40
