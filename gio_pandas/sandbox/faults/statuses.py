"""Requests that are refused at the door by an HTTP status; nothing was done."""

import json
import math
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from gio_pandas.sandbox.faults.kind import Behave, Kind

if TYPE_CHECKING:
    from gio_pandas.sandbox.faults.call import Call

_JSON = {"content-type": "application/json"}
_HTML = {"content-type": "text/html"}
_RETRY = {"retry_after": None, "retry_date": None}


def _refusal(status: int, words: str) -> Behave:
    body = json.dumps({"error": words}).encode()

    async def refuse(call: "Call") -> None:
        call.play()
        await call.answer(status, body, _JSON | _retry(call))

    return refuse


def _page(status: int, words: str) -> Behave:
    body = f"<html><body><h1>{status} {words}</h1><hr>gateway</body></html>".encode()

    async def refuse(call: "Call") -> None:
        call.play()
        await call.answer(status, body, _HTML | _retry(call))

    return refuse


def _retry(call: "Call") -> dict[str, str]:
    if (seconds := call.turn.fault.retry_after) is not None:
        return {"retry-after": f"{seconds:g}"}
    if (seconds := call.turn.fault.retry_date) is not None:
        # Dates have whole seconds: never sooner than was said.
        return {"retry-after": formatdate(math.ceil(time.time() + seconds), usegmt=True)}
    return {}


async def _unauthorized(call: "Call") -> None:
    scheme = call.platform.options.auth_scheme
    call.platform.tokens.revoke(call.headers.get("authorization", "").removeprefix(f"{scheme} "))
    call.play()
    body = json.dumps({"error": "unauthorized"}).encode()
    await call.answer(401, body, _JSON | {"www-authenticate": scheme or "Token"})


KINDS = (
    Kind("401", "The token dies: it is worth nothing from now on.", _unauthorized),
    Kind("403", "The account may not do this.", _refusal(403, "forbidden")),
    Kind("404", "There is no such thing.", _refusal(404, "not_found")),
    Kind("429", "Too many requests.", _refusal(429, "too_many_requests"), takes=_RETRY),
    Kind("500", "Something broke on the platform.", _refusal(500, "internal_server_error")),
    Kind("502", "A gateway has no platform behind it; a page in HTML.", _page(502, "Bad Gateway")),
    Kind("503", "The platform is being mended.", _refusal(503, "unavailable"), takes=_RETRY),
    Kind("504", "A gateway waited in vain; a page in HTML.", _page(504, "Gateway Time-out")),
)
