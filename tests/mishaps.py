"""What can go wrong with an export, and what has to come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gio_pandas as gio

USERS = ("tag", "segment")
ANALYSES = ("funnel", "event", "retention", "frequency")


@dataclass(frozen=True)
class Case:
    """What goes wrong, and what comes of it.

    ``faults`` are in their short text form. ``error`` is None where the result is the right one.
    ``jobs`` is how many jobs a submit has really started. ``saved`` is for raw downloads, whose
    bytes nobody reads: True where the files are those that the platform sends. ``as_if`` are the
    faults that the result is the right one of.
    """

    faults: tuple[str, ...]
    error: type[gio.GioError] | None = None
    jobs: int = 1
    timeout: float = 60.0
    saved: bool = False
    kinds: tuple[str, ...] = USERS + ANALYSES
    as_if: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = [fault.partition(",")[0] for fault in self.faults]
        return names[0] if len(names) == 1 else f"{names[0]}+{len(names) - 1}"


def right(*faults: str, **more: Any) -> Case:
    """Say that nothing of it is seen."""
    return Case(faults, **more)


def fails(error: type[gio.GioError], *faults: str, **more: Any) -> Case:
    """Say that it is an error."""
    return Case(faults, error, **more)


def chain(step: str, *faults: str, more: str = "") -> tuple[str, ...]:
    """Let one go wrong after the other, a request each."""
    pairs = [fault.partition(",")[::2] for fault in faults]
    return tuple(
        f"{name}:{step}@{number}" + (f",{rest}" if rest else "") + more
        for number, (name, rest) in enumerate(pairs, start=1)
    )


AWAY = gio.PlatformUnavailableError
LOCKED_OUT = gio.AuthenticationError
UNCERTAIN = gio.SubmitUncertainError
SOON = {"timeout": 0.2}
FIRST = ",file=1"

TOKEN = [
    right(*chain("token", "drop", "reset", "stall,seconds=0.02")),
    right(*chain("token", "429,retry_after=0.01", "500", "502")),
    right(*chain("token", "503", "504", "slow,seconds=0.02")),
    fails(AWAY, "drop:token@all"),
    fails(AWAY, "503:token@all"),
    fails(LOCKED_OUT, "401:token"),
    fails(LOCKED_OUT, "403:token"),
    fails(LOCKED_OUT, "404:token"),
    fails(LOCKED_OUT, "login_page:token"),
    fails(LOCKED_OUT, "login_redirect:token"),
    fails(AWAY, "truncated_json:token"),
    fails(AWAY, "garbled:token"),
    fails(AWAY, "empty_body:token"),
]
QUERY = [
    right(*chain("query", "drop", "reset", "stall,seconds=0.02")),
    right(*chain("query", "429,retry_after=0.01", "500", "502")),
    right(*chain("query", "503", "504", "slow,seconds=0.02")),
    right(*chain("query", "401", "503,retry_after=0.01", "login_page", "slow,seconds=0.02")),
    fails(AWAY, "drop:query@all"),
    fails(AWAY, "502:query@all"),
    fails(AWAY, "404:query"),
    fails(LOCKED_OUT, "401:query@all"),
    fails(LOCKED_OUT, "login_page:query@all"),
    fails(LOCKED_OUT, "login_redirect:query@all"),
    fails(LOCKED_OUT, "endless_redirects:query@all"),
    fails(LOCKED_OUT, "redirect_elsewhere:query@all,url={elsewhere}"),
    fails(gio.PermissionDeniedError, "403:query@all"),
    fails(AWAY, "truncated_json:query"),
    fails(AWAY, "garbled:query"),
    fails(AWAY, "empty_body:query"),
    fails(gio.GraphQLError, "graphql_error:query@all"),
    fails(gio.GraphQLError, "partial_data:query@all"),
]
SUBMIT = [
    # The last two come upon one request, which is answered.
    right(*chain("submit", "401", "429,retry_after=0.01", "503"), "slow:submit@4,seconds=0.02"),
    right("partial_data:submit"),
    fails(UNCERTAIN, "drop:submit", jobs=0),
    fails(UNCERTAIN, "reset:submit", jobs=0),
    fails(UNCERTAIN, "stall:submit,seconds=0.02", jobs=0),
    fails(UNCERTAIN, "restart:submit,seconds=0.02", jobs=0),
    fails(UNCERTAIN, "500:submit", jobs=0),
    fails(UNCERTAIN, "502:submit", jobs=0),
    fails(UNCERTAIN, "504:submit", jobs=0),
    fails(UNCERTAIN, "lose_answer:submit"),
    fails(UNCERTAIN, "timeout_page:submit"),
    fails(UNCERTAIN, "truncated_json:submit"),
    fails(UNCERTAIN, "garbled:submit"),
    fails(UNCERTAIN, "empty_body:submit"),
    fails(UNCERTAIN, "job_null:submit"),
    fails(gio.JobFailedError, "job_error:submit"),
    fails(gio.GraphQLError, "graphql_error:submit", jobs=0),
    fails(AWAY, "404:submit", jobs=0),
    fails(AWAY, "503:submit@all", jobs=0),
    fails(LOCKED_OUT, "401:submit@all", jobs=0),
    fails(LOCKED_OUT, "login_page:submit", jobs=0),
    fails(LOCKED_OUT, "login_redirect:submit", jobs=0),
    fails(LOCKED_OUT, "endless_redirects:submit", jobs=0),
    fails(LOCKED_OUT, "redirect_elsewhere:submit,url={elsewhere}", jobs=0),
    fails(gio.PermissionDeniedError, "403:submit", jobs=0),
]
POLL = [
    right(
        # An odd answer is passed over where a documented one follows before patience ends.
        *chain("poll", *["job_backwards"] * 3, "drop", "401", "reset", "login_page"),
        *("stall:poll@8,seconds=0.02", "login_redirect:poll@9", "429:poll@10,retry_after=0.02"),
        *("500:poll@11", "502:poll@12", "503:poll@13", "504:poll@14", "404:poll@15"),
        *("job_backwards:poll@16+18+20+22+24+26+28", "truncated_json:poll@17", "job_null:poll@19"),
        *("garbled:poll@21", "empty_body:poll@23", "graphql_error:poll@25"),
        *("job_unknown_stage:poll@27", "uris_null:poll@29", "job_backwards:poll@30"),
        *("uris_empty:poll@31", "slow:poll@32,seconds=0.02", "partial_data:poll@32"),
    ),
    right("restart:poll,seconds=0.05"),
    right("restart:poll,seconds=0.05,status=503"),
    right("partial_data:poll@all"),
    fails(gio.JobTimeoutError, "drop:poll@all", **SOON),
    fails(gio.JobTimeoutError, "504:poll@all", **SOON),
    fails(gio.JobTimeoutError, "job_backwards:poll@all", **SOON),
    fails(LOCKED_OUT, "401:poll@all"),
    fails(LOCKED_OUT, "login_page:poll@all"),
    fails(LOCKED_OUT, "login_redirect:poll@all"),
    fails(LOCKED_OUT, "endless_redirects:poll@all"),
    fails(LOCKED_OUT, "redirect_elsewhere:poll@all,url={elsewhere}"),
    fails(gio.PermissionDeniedError, "403:poll"),
    fails(AWAY, "404:poll@all"),
    fails(AWAY, "truncated_json:poll@all"),
    fails(AWAY, "garbled:poll@all"),
    fails(AWAY, "empty_body:poll@all"),
    fails(gio.GraphQLError, "graphql_error:poll@all"),
    fails(gio.JobFailedError, "job_null:poll@all"),
    fails(gio.JobFailedError, "job_unknown_stage:poll@all"),
    fails(gio.JobFailedError, "job_error:poll"),
    fails(gio.DownloadError, "uris_null"),
    fails(gio.DownloadError, "uris_empty"),
    fails(gio.DownloadError, "uris_control"),
    right("uris_dots"),
    right("uris_local"),
    right("uris_long"),
    right("uris_device"),
    right("uris_backslash"),
    right("uris_same_origin"),
    right("uris_other_origin,url={elsewhere}"),
]
DOWNLOAD = [
    right(
        *chain("download", "drop", "401", "reset", "login_page", "stall,seconds=0.02", more=FIRST),
        *("login_redirect:download@6,file=1", "429:download@7,file=1,retry_after=0.02"),
        *("endless_redirects:download@8,file=1", "500:download@9,file=1"),
        *("502:download@10,file=1", "503:download@11,file=1", "504:download@12,file=1"),
        "slow:download@13,file=1,seconds=0.02",
    ),
    right(
        *chain("download", "cut_chunked,size=0", "416", "cut,size=40", more=FIRST),
        *("wrong_range:download@4,file=1", "416:download@5,file=1", "short:download@6,file=1"),
        *("cut:download@7,file=1", "trickle:download@8,file=1,size=5000,seconds=0.001"),
    ),
    right("restart:download,seconds=0.05"),
    right("cut_chunked:download"),
    right("cut:download@1,file=1", "range_ignored:download@all,file=1"),
    # The same file of another length: it is begun again.
    right("cut:download@1,file=1", "range_ignored:download@all", "short:download@2,file=1"),
    right(
        "cut:download@1,file=1",
        "file_changed:download@2-,file=1",
        as_if=("file_changed:download@all,file=1",),
    ),
    right("redirect_elsewhere:download@all,url={elsewhere}"),
    fails(gio.DownloadError, "drop:download@all"),
    fails(gio.DownloadError, "503:download@all"),
    fails(gio.DownloadError, "cut:download@all,size=0"),
    fails(gio.DownloadError, "cut:download@1,file=1", "wrong_range:download@all"),
    fails(gio.DownloadError, "416:download@all"),
    fails(gio.DownloadError, "404:download"),
    fails(gio.DownloadError, "endless_redirects:download@all"),
    fails(LOCKED_OUT, "401:download@all"),
    fails(LOCKED_OUT, "login_page:download@all"),
    fails(LOCKED_OUT, "login_redirect:download@all"),
    fails(gio.PermissionDeniedError, "403:download"),
    fails(gio.DecodeError, "empty_file", saved=True),
    fails(gio.DecodeError, "many_columns,size=30000", saved=True),
    fails(gio.DecodeError, "stray_quote", saved=True),
    fails(gio.DecodeError, "unclosed_quote", saved=True),
    fails(gio.DecodeError, "wide_row", saved=True),
    fails(gio.DecodeError, "narrow_row", saved=True),
    fails(gio.DecodeError, "other_columns", saved=True, kinds=USERS),
    fails(gio.DecodeError, "no_charset", saved=True),
    fails(LOCKED_OUT, "html_file"),
    fails(gio.DownloadError, "json_file"),
]
HEAVY = [
    fails(AWAY, "huge_json:token", jobs=0),
    fails(AWAY, "huge_json:query", jobs=0),
    fails(UNCERTAIN, "huge_json:submit"),
    right("huge_json:poll"),
    fails(AWAY, "gzip_bomb:token", jobs=0),
    fails(AWAY, "gzip_bomb:query", jobs=0),
    fails(UNCERTAIN, "gzip_bomb:submit"),
    right("gzip_bomb:poll"),
    fails(gio.DecodeError, "gzip_bomb:download@all,size=300000000"),
    fails(gio.DecodeError, "many_columns"),
]


def for_waits(case: Case) -> Case:
    """Say what comes of a case where it comes upon a wait, which is patient."""
    if case.error is not AWAY:
        return case
    if case.faults[0].endswith("@all"):
        return Case(case.faults, gio.JobTimeoutError, timeout=0.3)
    return Case(case.faults)
