"""Files over HTTP."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Send

from gio_pandas.sandbox.disk import DiskFile
from gio_pandas.sandbox.files import File
from gio_pandas.sandbox.platform import Platform
from gio_pandas.sandbox.versions import Version, reply, version

# A file is written twice when its length is to be known beforehand, so only a small one is.
MOST_ROWS_MEASURED = 50_000


async def download(request: Request, platform: Platform) -> Response:
    """Answer a file, whole or from the byte where a transfer broke off."""
    path = request.query_params.get("file", "")
    file = platform.jobs.file(path)
    if file is None or not file.exists():
        return JSONResponse({"error": "not_found", "path": path}, status_code=404)
    known = await _version(file, platform)
    answer = reply(known, request.headers, ranges=platform.options.ranges)
    if answer.status == 416:
        return Response(status_code=416, headers=answer.headers)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{_base_name(file)}",
        # Set here, because Starlette adds "charset=utf-8" to a text type of its own accord.
        "content-type": "text/csv",
        **answer.headers,
    }
    if request.method == "HEAD":
        return StreamingResponse((), answer.status, headers)
    return Body(_sent(file.chunks(answer.part), platform), answer.status, headers)


class Body(StreamingResponse):
    """A stream that ends with its answer, also where the client leaves in the middle."""

    def __init__(
        self, stream: AsyncGenerator[bytes, None], status: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(stream, status, headers)
        self._stream = stream

    async def stream_response(self, send: Send) -> None:
        """Send the stream and close it."""
        async with aclosing(self._stream):
            await super().stream_response(send)


async def _version(file: File | DiskFile, platform: Platform) -> Version | None:
    """Return the file's state where its length is to be known."""
    large = isinstance(file, File) and len(file.rows) > MOST_ROWS_MEASURED
    if large or not platform.options.content_length:
        return None
    return await asyncio.get_running_loop().run_in_executor(platform.workers, version, file)


async def _sent(
    chunks: Generator[bytes, None, None], platform: Platform
) -> AsyncGenerator[bytes, None]:
    read = platform.workers.submit(next, chunks, None)
    try:
        while (chunk := await asyncio.wrap_future(read)) is not None:
            async for piece in platform.pace.pieces(chunk):
                yield piece
            read = platform.workers.submit(next, chunks, None)
    finally:
        # Not before the worker is done with them: it may be reading when the client leaves.
        read.add_done_callback(lambda _: chunks.close())


def _base_name(file: File | DiskFile) -> str:
    return quote(file.path.rpartition("/")[2], safe="")
