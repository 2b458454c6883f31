"""The sandbox in a process of its own, so that its work is not counted as the client's."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote

import httpx

__all__ = ["Platform", "has_option", "sandbox_process"]


@dataclass(frozen=True)
class Platform:
    """A way into a sandbox that runs elsewhere.

    Parameters
    ----------
    url, api_key
        Where it is, and what opens it.
    pid
        Its process.
    """

    url: str
    api_key: str
    pid: int
    _orders: IO[str]
    _answers: IO[str]

    def token(self) -> str:
        """Fetch a token, as the vendor's guide says."""
        form = {
            "grant_type": "client_credentials",
            "client_id": "api",
            "client_secret": self.api_key,
            "scope": "system",
        }
        address = f"{self.url}/accounts/oauth/access_token"
        return str(httpx.post(address, data=form, trust_env=False).json()["access_token"])

    def links(self, job_id: str, token: str) -> list[str]:
        """Give the addresses of a finished job's files."""
        answer = httpx.post(
            f"{self.url}/graphql",
            json={"query": f'{{ jobResult(id: "{job_id}") {{ stage uris }} }}'},
            headers={"Authorization": f"Token {token}"},
            trust_env=False,
        )
        uris = answer.json()["data"]["jobResult"]["uris"]
        return [f"{self.url}/download?file={quote(uri, safe='/')}" for uri in uris]

    def requests(self) -> int:
        """Count the requests since the last time this was asked, at most 10,000."""
        return int(self._order("requests"))

    def jobs(self) -> list[str]:
        """List the ids of all jobs that submits have really started."""
        return list(self._order("jobs"))

    def misbehave(self, *faults: str) -> None:
        """Play these faults from now on, none for none."""
        self._order("misbehave", *faults)

    def log(self) -> tuple[Counter[str], Counter[str]]:
        """Count what came since the last time this was asked, at most 10,000 requests and faults.

        Returns
        -------
        tuple of Counter
            Faults that have really happened, as ``503:poll``; submits, by the status of the answer,
            ``0`` for none.
        """
        played, submits = self._order("log")
        return Counter(played), Counter(submits)

    def _order(self, name: str, *values: str) -> Any:
        self._orders.write(json.dumps([name, *values]) + "\n")
        self._orders.flush()
        return json.loads(self._answers.readline())


def has_option(name: str) -> bool:
    """Tell whether this version's sandbox has an option."""
    from gio_pandas import sandbox

    return name in {field.name for field in dataclasses.fields(sandbox.Options)}


@contextmanager
def sandbox_process(**options: Any) -> Iterator[Platform]:
    """Run a sandbox with these options, and end it afterwards."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    try:
        url, api_key = server.stdout.readline().split()
        yield Platform(url, api_key, server.pid, server.stdin, server.stdout)
    finally:
        server.terminate()
        server.wait()
        server.stdin.close()
        server.stdout.close()


def main() -> None:
    """Serve, and answer each line, an order, with a line."""
    from gio_pandas import sandbox

    with sandbox.start(**json.loads(sys.argv[1])) as platform:
        print(platform.url, platform.api_key, flush=True)
        for line in sys.stdin:
            print(json.dumps(_obeyed(platform, *json.loads(line))), flush=True)


def _obeyed(platform: Any, name: str, *values: str) -> Any:
    if name == "jobs":
        return platform.jobs
    if name == "misbehave":
        return platform.misbehave(*values)
    requests, played = platform.requests, platform.played
    platform.forget_requests()
    if name == "requests":
        return len(requests)
    submits = Counter(str(one.status) for one in requests if one.step == "submit")
    return Counter(f"{play.fault}:{play.step}" for play in played), submits


if __name__ == "__main__":
    main()
