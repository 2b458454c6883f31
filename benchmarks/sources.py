"""Where an export's bytes come from: a platform over HTTP, or memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import httpx

__all__ = ["HttpSource", "MemorySource", "Source", "from_json"]

_CHUNK = 1 << 17


class Source(Protocol):
    """A finished export."""

    charset: str

    def fetch(self) -> list[bytes]:
        """Give each file's bytes, as a script has them before it reads them."""
        ...

    def job(self) -> Any:
        """Give the export as this project's job, already waited for."""
        ...


class HttpSource:
    """A finished job of a sandbox.

    Parameters
    ----------
    url, api_key, token
        Where the sandbox is, and what opens it.
    job_id
        The job.
    links
        The addresses of its files.
    charset
        What they are written in.
    """

    def __init__(
        self, *, url: str, api_key: str, token: str, job_id: str, links: list[str], charset: str
    ) -> None:
        self.charset = charset
        self.links = links
        self.headers = {"Authorization": f"Token {token}"}
        self._url = url
        self._api_key = api_key
        self._job_id = job_id
        self._tls = httpx.create_ssl_context()

    def fetch(self) -> list[bytes]:
        """Download by hand, whole, with the token in a header."""
        return [self._get(link) for link in self.links]

    def _get(self, link: str) -> bytes:
        answer = httpx.get(
            link, headers=self.headers, timeout=None, verify=self._tls, trust_env=False
        )
        answer.raise_for_status()
        return answer.content

    def job(self) -> Any:
        """Attach to the job with a new session."""
        return self.attach().wait()

    def attach(self) -> Any:
        """Attach to the job with a new session, which has asked nothing yet."""
        import gio_pandas as gio

        session = gio.Session(self._url, api_key=self._api_key)
        return session.attach(self._job_id, charset=self.charset)

    def save(self, folder: Path) -> None:
        """Save the files by hand: poll once, and write what comes."""
        question = f'{{ jobResult(id: "{self._job_id}") {{ stage uris }} }}'
        with httpx.Client(headers=self.headers, timeout=None, trust_env=False) as http:
            answer = http.post(f"{self._url}/graphql", json={"query": question}).json()
            assert answer["data"]["jobResult"]["stage"] == "FINISH"
            for number, link in enumerate(self.links):
                with http.stream("GET", link) as reply, open(folder / f"{number}.csv", "wb") as out:
                    for chunk in reply.iter_bytes():
                        out.write(chunk)


class MemorySource:
    """Files that were read into memory before any clock started.

    Parameters
    ----------
    paths
        The files.
    charset
        What they are written in.
    """

    def __init__(self, *, paths: Sequence[str], charset: str) -> None:
        self.charset = charset
        self._files = {Path(path).name: Path(path).read_bytes() for path in paths}

    def fetch(self) -> list[bytes]:
        """Give the bytes, which are there already."""
        return list(self._files.values())

    def job(self) -> Any:
        """Make a finished job whose downloads come out of memory."""
        from gio_pandas.exports.job import ExportJob, Order

        order = Order(platform="memory:", kind=None, charset=self.charset)
        return ExportJob(_Memory(self._files), "memory", order).wait()


class _Memory:
    """A platform that has nothing but these files."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def job_result(self, job_id: str, *, timeout: float | None = None) -> Any:
        from gio_pandas.api.models import JobResult

        return JobResult(stage="FINISH", uris=tuple(self._files))

    @contextmanager
    def download(self, url: str, *, start: int = 0, **_: Any) -> Iterator[Any]:
        from gio_pandas.api.downloads import Reply

        data = self._files[unquote(url.rpartition("=")[2])]
        yield Reply(
            start=start,
            size=len(data),
            validator='"memory"',
            resumable=True,
            content_type="text/csv",
            chunks=(data[at : at + _CHUNK] for at in range(start, len(data), _CHUNK)),
        )


def from_json(raw: Mapping[str, Any]) -> Source:
    """Make a source of the plain values that name it."""
    return MemorySource(**raw) if "paths" in raw else HttpSource(**raw)
