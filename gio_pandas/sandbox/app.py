"""The routes of the platform and the layers around them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp

from gio_pandas.sandbox.downloads import download
from gio_pandas.sandbox.endpoint import graphql_endpoint
from gio_pandas.sandbox.faults.layer import Faults, HangUp
from gio_pandas.sandbox.gate import Gate
from gio_pandas.sandbox.platform import Platform
from gio_pandas.sandbox.recorder import Recorder
from gio_pandas.sandbox.tokens import SCOPE, refusal

FORM = "application/x-www-form-urlencoded"


def build_app(platform: Platform, hang_up: HangUp) -> ASGIApp:
    """Return the ASGI application of a platform.

    A request passes the recorder, the faults, the gate, the routes.

    Parameters
    ----------
    platform
        What it answers for.
    hang_up
        Closes a request's connection; with True it is reset.
    """
    gate = Gate(_routes(platform), platform.options, platform.tokens)
    return Recorder(Faults(gate, platform, hang_up), platform.log)


def _routes(platform: Platform) -> ASGIApp:
    async def token(request: Request) -> Response:
        return _token(platform, request.headers, await request.body())

    async def file(request: Request) -> Response:
        return await download(request, platform)

    routes = [
        Route("/accounts/oauth/access_token", token, methods=["POST"]),
        Route("/graphql", graphql_endpoint(platform)),
        Route("/download", file, methods=["GET"]),
    ]
    prefix = platform.options.path_prefix
    return Router([Mount(prefix, routes=routes)] if prefix else routes, redirect_slashes=False)


def _token(platform: Platform, headers: Mapping[str, str], body: bytes) -> Response:
    if headers.get("content-type", "").partition(";")[0].strip() != FORM:
        return JSONResponse({"error": "invalid_request"}, status_code=415)
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    refused = refusal(form, platform.options.api_key)
    if refused is not None:
        answer = {"error": refused.error, "error_description": refused.description}
        return JSONResponse(answer, status_code=refused.status)
    return JSONResponse(_granted(platform))


def _granted(platform: Platform) -> dict[str, Any]:
    options = platform.options
    answer: dict[str, Any] = {"access_token": platform.tokens.issue(), "scope": SCOPE}
    if options.expires_in and options.token_ttl is not None:
        answer["expires_in"] = int(options.token_ttl)
    return answer
