"""A finished job as a Dask frame: what its partitions are, and what its columns."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

from gio_pandas.errors import SettingsError
from gio_pandas.exports import credentials, frames, partitions, ranges
from gio_pandas.exports.charset import CHUNK
from gio_pandas.exports.decode import Head, read_head
from gio_pandas.exports.files import Downloads, Part, Span
from gio_pandas.exports.layout import Layout
from gio_pandas.exports.partitions import Partition, Reader, Report, Section, Source
from gio_pandas.exports.reading import Crew, for_each_part
from gio_pandas.exports.sinks import provenance

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pyarrow as pa

    from gio_pandas.exports.job import ExportJob

__all__ = ["Workers", "to_dask", "workers"]

_HEAD = 1 << 22
"""Bytes among which a header ends, asked for so that the answer tells whether ranges work."""

_EXTRA = 'Run: python -m pip install "gio-pandas[dask]"'


class Workers(Protocol):
    """What looks at the sections of an export."""

    @property
    def key(self) -> str:
        """What tasks ask for the way in to the platform by."""
        ...

    def look(self, sections: Sequence[Section], source: Source) -> list[Report]:
        """Look at sections; see ``partitions.look_at``."""
        ...


def workers(platform: Downloads, client: Any) -> Workers:
    """Say who is going to read, and see to it that they can.

    Parameters
    ----------
    platform
        What the job's files are downloaded from.
    client
        A ``distributed.Client``; None is the one that is current, or else threads of this process.

    Raises
    ------
    SettingsError
        Dask is not installed, or the client or the job is not of the kind that is needed.
    """
    try:
        import dask.dataframe  # noqa: F401 it alone tells whether all of it is there
    except ImportError as error:
        raise SettingsError("Dask is not installed", hint=_EXTRA) from error
    client = _current_client() if client is None else client
    if client is None:
        return _Threads(platform)
    if getattr(client, "asynchronous", True) or not hasattr(client, "register_plugin"):
        raise SettingsError(
            f"client= takes a distributed.Client that is not asynchronous, not {client!r}",
            hint="Make one by distributed.Client(cluster).",
        )
    if not isinstance(platform, credentials.SettledPlatform):
        raise SettingsError(
            "This job is read over a line that other processes cannot have",
            hint="Get it anew by gio.attach(…), or read it with no client.",
        )
    return _Cluster(platform, client)


def _current_client() -> Any:
    try:
        from distributed import get_client
    except ModuleNotFoundError:
        return None
    try:
        return get_client()
    except ValueError:
        return None


class _Threads:
    """Threads of this process."""

    def __init__(self, platform: Downloads) -> None:
        self.key = credentials.share(platform)
        self._platform = platform

    def look(self, sections: Sequence[Section], source: Source) -> list[Report]:
        parts = {section.part(self._platform): section for section in sections}
        reports: dict[Part, Report] = {}

        def look_at(part: Part, crew: Crew) -> None:
            assert isinstance(part, partitions.SummedPart)  # noqa: S101 made above
            reports[part] = partitions.look_at(part, parts[part], source, crew)

        _each(list(parts), look_at)
        return [reports[part] for part in parts]


class _Cluster:
    """The workers of a cluster. Credentials come to them in a plugin, and in nothing else."""

    def __init__(self, platform: credentials.SettledPlatform, client: Any) -> None:
        from gio_pandas.exports.plugin import Credentials

        self.key = credentials.share(platform)
        self._client = client
        client.register_plugin(Credentials(self.key, platform.settings))

    def look(self, sections: Sequence[Section], source: Source) -> list[Report]:
        if not sections:
            return []
        name = f"gio-look-{secrets.token_hex(8)}"
        futures = self._client.map(
            partitions.look, list(sections), source=source, key=name, pure=False
        )
        try:
            reports: list[Report] = self._client.gather(futures)
        except BaseException:
            self._client.cancel(futures)
            raise
        return reports


def to_dask(
    job: ExportJob,
    platform: Downloads,
    workers: Workers,
    *,
    columns: Sequence[str] | None,
    blocksize: int | None,
) -> dd.DataFrame:
    """Make a lazy frame of a finished job's files; see ``ExportJob.to_dask``."""
    layout = Layout(job.order, columns, job.order.dtype)
    files = _survey(platform, job, layout, blocksize)
    source = Source(
        key=workers.key,
        url=job.order.platform,
        charset=job.order.charset,
        headers=layout.headers,
        positions=tuple(layout.positions),
        rules=tuple(layout.rules),
    )
    looked = _look(files, workers, source)
    for one in looked:
        layout.agree(one.section.part(platform), one.report.names)
    reader = _reader(job, source, layout, looked, columns)
    return _frame(reader, _numbered(looked))


@dataclass(frozen=True)
class _Looked:
    """A section, and what is known of it."""

    section: Section
    report: Report


def _each(parts: Sequence[Part], do: Any) -> None:
    if parts:
        for_each_part(parts, do)


def _survey(
    platform: Downloads, job: ExportJob, layout: Layout, blocksize: int | None
) -> list[list[Section]]:
    """Read every file's header, and say which sections the file may be read in."""
    span = Span(stop=_HEAD) if blocksize else None
    parts = [Part(platform, uri, span=span) for uri in job.uris]
    heads: dict[Part, Head] = {}

    def read(part: Part, _: Crew) -> None:
        heads[part] = read_head(part, job.order.charset)

    _each(parts, read)
    for part in parts:
        layout.agree(part, heads[part].names)
    windows = {part: _windows(platform, part, heads[part], blocksize) for part in parts}
    borders = _borders([window for part in parts for window in windows[part]], heads, windows)
    return [_sections(part, heads[part], [borders[w] for w in windows[part]]) for part in parts]


def _windows(platform: Downloads, part: Part, head: Head, blocksize: int | None) -> list[Part]:
    """Give the few bytes of a file behind each place where it might be cut."""
    begin, size = _rows_begin(part, head), part.size
    if begin is None or size is None or not blocksize:
        return []
    places = ranges.cuts(begin, size, blocksize, head.charset)
    return [
        Part(platform, part.uri, span=Span(at, min(at + CHUNK, size), size, part.validator))
        for at in places
    ]


def _rows_begin(part: Part, head: Head) -> int | None:
    """Say where a file's rows begin; None where it cannot be read in ranges."""
    if not (part.partial and part.validator and part.size):
        return None
    return ranges.data_start(head.first_bytes, head.line, head.charset)


def _borders(
    windows: Sequence[Part], heads: dict[Part, Head], by_file: dict[Part, list[Part]]
) -> dict[Part, int | None]:
    """Find the first line break behind each place; None where a row goes on for longer."""
    charsets = {w: heads[part].charset for part, found in by_file.items() for w in found}
    borders: dict[Part, int | None] = {}

    def find(window: Part, _: Crew) -> None:
        text = b"".join(window.chunks())
        borders[window] = ranges.behind_break(text, window.span.start, charsets[window])

    _each(windows, find)
    return borders


def _sections(part: Part, head: Head, borders: Sequence[int | None]) -> list[Section]:
    begin, size = _rows_begin(part, head), part.size
    if begin is None or size is None or not borders:
        return [Section(part.uri)]
    return [
        Section(part.uri, Span(start, stop, size, part.validator), head.charset)
        for start, stop in ranges.spans(begin, size, borders)
    ]


def _look(files: Sequence[Sequence[Section]], workers: Workers, source: Source) -> list[_Looked]:
    """Look at every section; anew where a quoted text or another charset upset the cuts."""
    first = [section for sections in files for section in sections]
    known = dict(zip(first, workers.look(first, source), strict=True))
    settled: list[Section] = []
    for sections in files:
        settled += _settled(sections, [known[section] for section in sections])
    fresh = [section for section in settled if section not in known]
    known |= dict(zip(fresh, workers.look(fresh, source), strict=True))
    for section in settled:
        if (failure := known[section].failure) is not None:
            raise failure
    return [_Looked(section, known[section]) for section in settled]


def _settled(sections: Sequence[Section], reports: Sequence[Report]) -> list[Section]:
    """Say which sections of a file begin where a row does, and are in its charset."""
    ends = [report.ends for report in reports if report.ends is not None]
    if len(ends) < len(sections):
        return [Section(sections[0].uri)]
    return [_merged(sections[group]) for group in ranges.joined(ends)]


def _merged(sections: Sequence[Section]) -> Section:
    first, last = sections[0], sections[-1]
    span = first.span
    whole = Span(span.start, last.span.stop, span.size, span.validator)
    return Section(first.uri, whole, first.charset)


def _reader(
    job: ExportJob,
    source: Source,
    layout: Layout,
    looked: Sequence[_Looked],
    columns: Sequence[str] | None,
) -> Reader:
    """Decide what each column is, over all that was seen."""
    reports = [one.report for one in looked]
    types: list[pa.DataType] = []
    for position, rule in enumerate(source.rules):
        types.append(rule.decide(set().union(*(report.seen[position] for report in reports))))
        rule.warn(types[-1])
    backend = job.order.dtype_backend
    choice = {
        "columns": columns,
        "dtype": frames.plain(job.order.dtype),
        "dtype_backend": backend,
    }
    rows = sum(report.rows for report in reports)
    missing = [any(report.missing[n] for report in reports) for n in range(len(types))]
    reader = Reader(
        source=source,
        types=tuple(types),
        missing=tuple(missing),
        dtype=layout.chosen,
        dtype_backend=backend,
        attrs={},
    )
    charsets = [report.charset for report in reports]
    known = provenance(job, charsets, rows, choice, reader.empty(), source.rules)
    return replace(reader, attrs={"gio": known})


def _numbered(looked: Sequence[_Looked]) -> list[Partition]:
    """Give each section's rows their numbers; sections without rows are left out, but for one."""
    filled = [one for one in looked if one.report.rows] or list(looked[:1])
    firsts = accumulate((one.report.rows for one in filled), initial=0)
    return [
        Partition(one.section, first, one.report.rows, one.report.checksum)
        for one, first in zip(filled, firsts, strict=False)
    ]


def _frame(reader: Reader, found: Sequence[Partition]) -> dd.DataFrame:
    import dask
    from dask import dataframe
    from dask.dataframe import utils

    from_map: Any = dataframe.from_map
    without_categories: Any = utils.clear_known_categories
    last = found[-1].first + found[-1].rows - 1
    divisions = (*(one.first for one in found), last) if last >= 0 else (None, None)
    # Text is what it should be already.
    with dask.config.set({"dataframe.convert-string": False}):
        frame: dd.DataFrame = from_map(
            reader,
            list(found),
            meta=without_categories(reader.empty()),
            divisions=divisions,
            label="gio",
        )
    return frame
