"""Tokens and who is let in."""

import time
from collections.abc import Callable

import httpx
import pytest

from .client import Client

QUERY = "{ __typename }"


def test_a_right_key_gets_a_token_that_opens_both_endpoints(client: Client) -> None:
    """The documented form is answered with a token for GraphQL and downloads."""
    answer = client.ask_token()
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["access_token"]
    assert client.data(QUERY) == {"__typename": "Query"}
    assert client.download("/nothing").status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": "错误"}, 401, "invalid_client"),
        ({"client_id": "web"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "all"}, 400, "invalid_scope"),
    ],
)
def test_a_wrong_form_gets_no_token(
    client: Client, change: dict[str, str], status: int, error: str
) -> None:
    """Each wrong field has its OAuth error; a wrong key is 401, as JSON."""
    answer = client.ask_token(**change)
    assert answer.status_code == status
    assert answer.json()["error"] == error


def test_the_token_endpoint_takes_a_posted_form_alone(client: Client) -> None:
    """JSON in place of a form is 415, GET is 405."""
    url = "/accounts/oauth/access_token"
    assert client.http.post(url, json={}).status_code == 415
    assert client.http.get(url).status_code == 405


@pytest.mark.parametrize(
    "authorization", ["", "Token", "Token wrong", "Bearer {}", "{}", "token {}"]
)
def test_anything_but_the_scheme_and_a_valid_token_is_401(
    client: Client, authorization: str
) -> None:
    """Missing, unknown and wrongly announced tokens are refused on both endpoints."""
    token = client.ask_token().json()["access_token"]
    client.http.headers["Authorization"] = authorization.format(token)
    for response in (client.post(QUERY), client.download("/nothing")):
        assert response.status_code == 401
        assert response.json()["error"] == "unauthorized"


@pytest.mark.parametrize("scheme", ["Bearer", ""])
def test_the_scheme_can_be_another_or_none(signed_in: Callable[..., Client], scheme: str) -> None:
    """auth_scheme changes the word before the token; "" wants the bare token."""
    client = signed_in(auth_scheme=scheme)
    assert client.post(QUERY).status_code == 200
    client.http.headers["Authorization"] = f"Token {client.ask_token().json()['access_token']}"
    assert client.post(QUERY).status_code == 401


def test_a_token_lives_for_its_time(signed_in: Callable[..., Client]) -> None:
    """After token_ttl seconds the token is 401 and a new one works."""
    client = signed_in(token_ttl=0.5)
    assert client.post(QUERY).status_code == 200
    time.sleep(0.55)
    assert client.post(QUERY).status_code == 401
    assert client.sign_in().post(QUERY).status_code == 200


def test_the_life_time_is_told_only_where_it_is_set(started: Callable[..., Client]) -> None:
    """expires_in is there with a token_ttl, and not without one or when it is switched off."""
    assert started(token_ttl=3600).ask_token().json()["expires_in"] == 3600
    assert "expires_in" not in started(token_ttl=3600, expires_in=False).ask_token().json()
    assert "expires_in" not in started().ask_token().json()


def test_expire_tokens_ends_every_token_issued_so_far(signed_in: Callable[..., Client]) -> None:
    """expire_tokens() makes old tokens 401 at once; later ones are valid."""
    client = signed_in()
    client.sandbox.expire_tokens()
    assert client.post(QUERY).status_code == 401
    assert client.sign_in().post(QUERY).status_code == 200


def test_every_nth_request_is_refused(signed_in: Callable[..., Client]) -> None:
    """unauthorized_every=3 answers each third GraphQL or download request with 401."""
    client = signed_in(unauthorized_every=3)
    statuses = []
    for number in range(6):
        response = client.download("/nothing") if number % 2 else client.post(QUERY)
        statuses.append(response.status_code)
    assert statuses == [200, 404, 401, 404, 200, 401]


def test_required_headers_are_asked_of_every_request(started: Callable[..., Client]) -> None:
    """With require_headers even the token endpoint refuses a request without them."""
    client = started(require_headers={"Cookie": "session=1", "X-Tenant": "北京".encode().hex()})
    assert client.ask_token().status_code == 401
    client.http.headers.update({"Cookie": "session=1", "X-Tenant": "北京".encode().hex()})
    assert client.sign_in().post(QUERY).status_code == 200
    client.http.headers["X-Tenant"] = "other"
    assert client.post(QUERY).status_code == 401


def test_the_key_is_shown_nowhere(started: Callable[..., Client]) -> None:
    """Neither the options nor the handle show the key or the required headers."""
    client = started(api_key="s3cr3t", require_headers={"Cookie": "s3cr3t"})
    assert "s3cr3t" not in repr(client.sandbox) + repr(client.sandbox.options)
    assert isinstance(client.ask_token(), httpx.Response)
    assert "s3cr3t" not in repr(client.sandbox.requests)
