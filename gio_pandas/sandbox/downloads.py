"""Files over HTTP."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from gio_pandas.sandbox.files import File
from gio_pandas.sandbox.platform import Platform

# A file is written twice when its length is to be known beforehand, so only a small one is.
MOST_ROWS_MEASURED = 50_000
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


async def download(request: Request, platform: Platform) -> Response:
    """Answer a file, whole or from the byte where a transfer broke off."""
    path = request.query_params.get("file", "")
    file = platform.jobs.file(path)
    if file is None:
        return JSONResponse({"error": "not_found", "path": path}, status_code=404)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{_base_name(file)}"}
    whole = await _whole(file, platform)
    if whole is None:
        return _stream(file, platform.workers, headers)
    headers["content-length"] = str(whole)
    if not platform.options.ranges:
        return _stream(file, platform.workers, headers)
    return _partial(request, file, platform.workers, headers)


async def _whole(file: File, platform: Platform) -> int | None:
    """Return the file's length where it is to be known."""
    if not platform.options.content_length or len(file.rows) > MOST_ROWS_MEASURED:
        return None
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(platform.workers, lambda: file.length)


def _partial(request: Request, file: File, workers: Executor, headers: dict[str, str]) -> Response:
    """Answer the part that `Range` asks for, the whole file when it asks for none or another."""
    tag = f'"{hashlib.sha256(file.path.encode()).hexdigest()[:16]}"'
    headers |= {"accept-ranges": "bytes", "etag": tag}
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or request.headers.get("if-range", tag) != tag:
        return _stream(file, workers, headers)
    first, last = int(match[1]), min(int(match[2] or file.length), file.length - 1)
    if first > last:
        unsatisfied = {"content-range": f"bytes */{file.length}"}
        return Response(status_code=416, headers=unsatisfied)
    headers["content-range"] = f"bytes {first}-{last}/{file.length}"
    headers["content-length"] = str(last + 1 - first)
    return _stream(file, workers, headers, range(first, last + 1))


def _stream(
    file: File, workers: Executor, headers: dict[str, str], part: range | None = None
) -> Response:
    chunks = file.chunks() if part is None else _slice(file.chunks(), part)
    # Set here, because Starlette adds "charset=utf-8" to a text type of its own accord.
    headers["content-type"] = "text/csv"
    status = 200 if part is None else 206
    return StreamingResponse(_in_workers(chunks, workers), status, headers)


async def _in_workers(chunks: Iterator[bytes], workers: Executor) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    while (chunk := await loop.run_in_executor(workers, next, chunks, None)) is not None:
        yield chunk


def _slice(chunks: Iterator[bytes], part: range) -> Iterator[bytes]:
    position = 0
    for chunk in chunks:
        piece = chunk[max(0, part.start - position) : max(0, part.stop - position)]
        position += len(chunk)
        if piece:
            yield piece


def _base_name(file: File) -> str:
    return quote(file.path.rpartition("/")[2], safe="")
