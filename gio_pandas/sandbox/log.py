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
    operation: str
    fields: tuple[str, ...]
    status: int
    at: float


class RequestLog:
    """The last 10,000 requests, safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[Request] = deque(maxlen=LONGEST_LOG)

    def add(self, request: Request) -> None:
        """Append one request."""
        with self._lock:
            self._requests.append(request)

    def snapshot(self) -> tuple[Request, ...]:
        """Return what was recorded so far, oldest first."""
        with self._lock:
            return tuple(self._requests)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()
