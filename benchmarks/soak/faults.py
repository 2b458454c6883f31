"""What goes wrong in a soak: everything that can be got over, and some that cannot."""

from __future__ import annotations

__all__ = ["FAULTS", "UNANSWERED"]

_RATES = (
    # Connections
    "drop:token@5%",
    "drop:query@5%",
    "drop:submit@1%",
    "drop:poll@4%",
    "drop:download@4%",
    "reset:query@2%",
    "reset:submit@0.5%",
    "reset:poll@2%",
    "reset:download@3%",
    "stall:poll@0.5%,seconds=0.7",
    "stall:download@1%,seconds=0.7",
    "slow:submit@2%,seconds=0.5",
    "slow:download@2%,seconds=0.3",
    "restart:poll@150,seconds=0.2",
    "restart:download@400,seconds=1.5,status=503",
    # Refusals; nothing was done
    "401:query@3%",
    "401:submit@3%",
    "401:poll@3%",
    "401:download@3%",
    "429:submit@3%,retry_after=1",
    "429:poll@2%,retry_after=1",
    "500:query@3%",
    "500:poll@2%",
    "500:download@3%",
    "502:poll@3%",
    "503:token@5%",
    "503:submit@5%",
    "503:poll@5%",
    "503:download@4%",
    "504:download@1%",
    "403:download@0.2%",
    "404:download@0.3%",
    "416:download@1%",
    "login_page:poll@1%",
    "login_page:submit@0.3%",
    "login_page:download@1%",
    "login_redirect:poll@0.5%",
    "endless_redirects:download@0.2%",
    # A submit that may or may not have been carried out
    "lose_answer:submit@1%",
    "timeout_page:submit@1%",
    "truncated_json:submit@0.5%",
    "empty_body:submit@0.3%",
    "partial_data:submit@1%",
    "graphql_error:submit@0.3%",
    "job_null:submit@0.3%",
    "job_error:submit@1%",
    "job_unknown_stage:submit@1%",
    # Odd answers to polls and listings
    "truncated_json:poll@2%",
    "garbled:poll@1%",
    "empty_body:poll@1%",
    "empty_body:query@0.5%",
    "graphql_error:poll@1%",
    "partial_data:poll@2%",
    "job_null:poll@3%",
    "job_unknown_stage:poll@2%",
    "job_backwards:poll@3%",
    "uris_null:poll@2%",
    "uris_empty:poll@1%",
    "uris_same_origin:poll@3%",
    "job_error:poll@0.5%",
    # Transfers
    "cut:download@10%,size=1000",
    "cut:download@4%",
    "cut_chunked:download@4%,size=3000",
    "range_ignored:download@30%",
    "wrong_range:download@3%",
    "trickle:download@1%,size=20000,seconds=0.02",
    # Files that are none
    "empty_file:download@0.2%",
    "html_file:download@0.2%",
    "json_file:download@0.2%",
    "wide_row:download@0.2%",
    "unclosed_quote:download@0.2%",
    "no_charset:download@0.2%",
)

FAULTS = tuple(f"{text},seed={number}" for number, text in enumerate(_RATES, start=11))
"""A lot of its own decides over each: with one for all, the same requests would be hit.

What cannot be told from a right answer is not among them: other rows under a fitting length.
"""

UNANSWERED = frozenset(
    f"{name}:submit"
    for name in ("lose_answer", "timeout_page", "truncated_json", "empty_body", "job_null")
)
"""After these a job runs that its client was not told of."""
