"""The log of what a sandbox was asked."""

import threading
from collections import deque
from dataclasses import dataclass

LONGEST_LOG = 10_000


@dataclass(frozen=True)
class Request:
    """One request as it was answered; it holds no header, body or query string.

    Attributes
    ----------
    method, path
        From the request line, the path without its query string.
    step
        What it is for: "token", "query", "submit", "poll" or "download"; "" for anything else.
    operation
        Name of the GraphQL operation, "" where there is none.
    fields
        Root fields of the GraphQL operation, such as ``("jobResult",)``.
    status
        The HTTP status of the answer, 0 when the sandbox broke off without one.
    at
        Seconds on the monotonic clock when the answer began.
    """

    method: str
    path: str
    step: str
    operation: str
    fields: tuple[str, ...]
    status: int
    at: float


@dataclass(frozen=True)
class Play:
    """A fault that has really happened.

    Attributes
    ----------
    fault
        Its name.
    step
        What the request was for that it happened to; see `Request`.
    number
        How many requests the fault had hit then, with this one.
    """

    fault: str
    step: str
    number: int


class RequestLog:
    """The last 10,000 requests and faults, safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[Request] = deque(maxlen=LONGEST_LOG)
        self._plays: deque[Play] = deque(maxlen=LONGEST_LOG)

    def add(self, request: Request) -> None:
        """Append one request."""
        with self._lock:
            self._requests.append(request)

    def play(self, play: Play) -> None:
        """Append one fault."""
        with self._lock:
            self._plays.append(play)

    def plays(self) -> tuple[Play, ...]:
        """Return the faults that happened so far, oldest first."""
        with self._lock:
            return tuple(self._plays)

    def snapshot(self) -> tuple[Request, ...]:
        """Return what was recorded so far, oldest first."""
        with self._lock:
            return tuple(self._requests)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()
            self._plays.clear()
