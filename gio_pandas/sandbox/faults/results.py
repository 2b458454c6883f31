"""What the platform says of a job: odd stages, and files of odd names."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

from gio_pandas.sandbox.faults.kind import ALWAYS, Behave, Kind

if TYPE_CHECKING:
    from gio_pandas.sandbox.faults.call import Call

_POLL = ("poll",)
_JOB = ("submit", "poll")
_BACKWARDS = ("RUNNING", "READY", "NONE")

Entry = dict[str, Any]
Change = Callable[["Call", Entry], Entry | None]
Rename = Callable[["Call", int, str], str]


def _changed(change: Change) -> Behave:
    """Return what changes each job of an answer; what stays as it was is no fault."""

    async def behave(call: "Call") -> None:
        answer = await call.carry_out()
        said = answer.json()
        jobs = said.get("data") if isinstance(said, dict) else None
        changed = {name: change(call, job) if job else job for name, job in (jobs or {}).items()}
        if changed == (jobs or {}):
            await call.reply(answer)
            return
        call.play()
        await call.reply(answer, json.dumps({**said, "data": changed}).encode())

    return behave


def _null(call: "Call", job: Entry) -> None:
    return None


def _unknown_stage(call: "Call", job: Entry) -> Entry:
    return _with(job, stage="ARCHIVING", uris=None)


def _backwards(call: "Call", job: Entry) -> Entry:
    return _with(job, stage=_BACKWARDS[(call.number - 1) % len(_BACKWARDS)], uris=None)


def _error(call: "Call", job: Entry) -> Entry:
    reason = {"code": "EXPORT_FAILED", "message": "导出失败"}
    return _with(job, stage="ERROR", uris=None, error=reason)


def _files(uris: list[str] | None) -> Change:
    def change(call: "Call", job: Entry) -> Entry:
        return _with(job, uris=uris) if job.get("stage") == "FINISH" else job

    return change


def _with(job: Entry, **changes: Any) -> Entry:
    # What was not asked for is not answered.
    return {**job, **{name: value for name, value in changes.items() if name in job}}


def _renamed(rename: Rename) -> Behave:
    """Return what gives files other names, under which they can be downloaded."""

    def change(call: "Call", job: Entry) -> Entry:
        uris = job.get("uris") or []
        return _with(job, uris=[known(call, n, uri) for n, uri in enumerate(uris, start=1)] or None)

    def known(call: "Call", number: int, uri: str) -> str:
        encoded = call.platform.options.uris == "encoded"
        path = unquote(uri) if encoded else uri
        name = rename(call, number, path)
        call.memory[name] = path
        return quote(name, safe="") if encoded and "://" not in name else name

    rewrite = _changed(change)

    async def behave(call: "Call") -> None:
        if call.hit:
            await rewrite(call)
            return
        real = call.memory.get(call.file) if call.step == "download" else None
        query = urlencode({"file": real}).encode() if real else call.scope["query_string"]
        await call.pass_on(scope={**call.scope, "query_string": query})

    return behave


def _same_origin(call: "Call", number: int, path: str) -> str:
    return f"{call.origin}{call.prefix}/download?file={quote(path)}"


def _other_origin(call: "Call", number: int, path: str) -> str:
    return f"{call.url.rstrip('/')}{quote(path)}"


def _named(template: str) -> Rename:
    return lambda call, number, path: template.format(number)


def _uris(name: str, about: str, rename: Rename, **takes: None) -> Kind:
    return Kind(name, about, _renamed(rename), _POLL, at=ALWAYS, takes=takes, watches=True)


KINDS = (
    Kind("job_null", "The platform knows no such job.", _changed(_null), _JOB, "poll"),
    Kind("job_unknown_stage", "A stage ARCHIVING.", _changed(_unknown_stage), _JOB, "poll"),
    Kind(
        "job_backwards",
        "RUNNING, READY, NONE: stages in the wrong order.",
        _changed(_backwards),
        _POLL,
        at=(1, 2, 3),
    ),
    Kind("job_error", "The platform gives the job up.", _changed(_error), _JOB, "poll"),
    Kind("uris_null", "Finished, and uris is null.", _changed(_files(None)), _POLL, at=ALWAYS),
    Kind("uris_empty", "Finished, and uris is [].", _changed(_files([])), _POLL, at=ALWAYS),
    _uris("uris_dots", "Files that lead out of their folder.", _named("/jobs/{}/../../../..")),
    _uris("uris_local", "Files named as local ones are.", _named("/etc/gio-pandas/{}/passwd")),
    _uris("uris_same_origin", "Whole addresses on the platform.", _same_origin),
    _uris("uris_other_origin", "Whole addresses on another server, url=.", _other_origin, url=None),
    _uris(
        "uris_control",
        "Names with line breaks, NUL and an escape.",
        _named("/jobs/{}/用户\r\nX-Odd: 1\x00\x1b[31m.csv"),
    ),
    _uris("uris_long", "Names of 2,000 letters.", _named("/jobs/{}/" + "用户" * 1000 + ".csv")),
    _uris("uris_device", "Names that Windows keeps to itself.", _named("/jobs/{}/CON.csv")),
    _uris("uris_backslash", "Names with backslashes.", _named("/jobs/{}/C:\\..\\..\\odd.csv")),
)
