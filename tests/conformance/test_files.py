"""Files: all of them, whole, or an error that names the one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

import gio_pandas as gio

from .conftest import Connect, Serve, needs
from .frames import (
    VIP,
    cells,
    user_list,
)
from .platform import Fault
from .tables import Table, Writing

LONG = Table(("gio_id", "usr_x"), tuple((f"u{n}", f"{1_200_000 + n}用户") for n in range(10_000)))


@pytest.mark.parametrize("what", ["cut", "cut-chunked", "reset", 502, 503, 429])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_broken_transfer_is_taken_up_again(
    serve: Serve, connect: Connect, no_waits: None, nth: int, what: int | str
) -> None:
    """A file that breaks off is read whole in the end."""
    platform = serve(table=LONG, parts=2, faults=(Fault("download", what, at=(nth,)),))
    frame = connect(platform).read_segment(VIP)
    assert cells(frame) == [list(row) for row in LONG.rows]
    assert len(platform.asked("download")) == 3


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("etag", [False, True])
@pytest.mark.parametrize("ranges", [False, True])
@pytest.mark.parametrize("what", ["cut", "cut-chunked"])
def test_a_file_that_breaks_off_twice_is_whole(
    serve: Serve,
    connect: Connect,
    no_waits: None,
    what: str,
    ranges: bool,
    etag: bool,
    compressed: bool,
) -> None:
    """With or without ranges and compression, nothing is twice in the frame and nothing missing."""
    platform = serve(
        table=LONG,
        ranges=ranges,
        etag=etag,
        gzip=compressed,
        faults=(Fault("download", what, at=(1, 2)),),
    )
    frame = connect(platform).read_segment(VIP, charset="UTF-8")
    assert cells(frame) == [list(row) for row in LONG.rows]


@pytest.mark.parametrize("etag", [False, True])
def test_a_file_that_changes_between_is_not_mixed(
    serve: Serve, connect: Connect, no_waits: None, etag: bool
) -> None:
    """Of a file that changes while it is read the frame is one version, or an error names it."""
    platform = serve(table=LONG, changing=True, etag=etag, faults=(Fault("download", "cut"),))
    session = connect(platform)
    turned = str.maketrans("12", "21")
    one = [list(row) for row in LONG.rows]
    other = [[value.translate(turned) for value in row] for row in one]
    frame, told = pd.DataFrame(), ""
    try:
        frame = session.read_segment(VIP, charset="UTF-8")
    except gio.DownloadError as error:
        told = str(error)
    assert "下载用户列表" in told or cells(frame) in (one, other)


@pytest.mark.parametrize("what", ["cut", "cut-chunked", "reset", 404])
def test_a_transfer_that_never_succeeds_names_the_file(
    serve: Serve, connect: Connect, no_waits: None, what: int | str
) -> None:
    """A file that cannot be had is a DownloadError with its name, never a part of a frame."""
    second = Fault("download", what, at=range(2, 1_000))
    platform = serve(table=LONG, parts=2, faults=(second,))
    # The files come side by side: either may be asked for first.
    with pytest.raises(gio.DownloadError, match=r"下载用户列表_\d"):
        connect(platform).read_segment(VIP)
    assert len(platform.asked("download")) < 30


@pytest.mark.parametrize("transfer", ["length", "chunked", "close"])
@pytest.mark.parametrize("compressed", [False, True])
def test_every_way_to_send_a_file_is_read(
    serve: Serve, connect: Connect, compressed: bool, transfer: str
) -> None:
    """With a length, in chunks, until the end of the connection; plain and compressed."""
    platform = serve(table=LONG, transfer=transfer, gzip=compressed)
    frame = connect(platform).read_segment(VIP)
    assert len(frame) == len(LONG.rows)


@pytest.mark.parametrize(
    "second",
    [
        b"",
        b"\xef\xbb\xbf",
        b"gio_id,usr_y\nu2,b\n",
        b"usr_x,gio_id\nb,u2\n",
        b"gio_id\nu2\n",
        b"gio_id,usr_x,usr_y\nu2,b,c\n",
        b"u2,b\nu3,c\n",
        b"gio_id,usr_x\nu2\n",
        b"gio_id,usr_x\nu2,b,c\n",
        b'gio_id,usr_x\nu2,"b\n',
        b'gio_id,usr_x\nu2,"b"x\n',
    ],
    ids=[
        "no-bytes",
        "bom-alone",
        "another-column",
        "another-order",
        "a-column-less",
        "a-column-more",
        "no-header",
        "a-short-row",
        "a-long-row",
        "an-open-quote",
        "after-a-quote",
    ],
)
def test_a_part_that_does_not_belong_is_an_error(
    serve: Serve, connect: Connect, second: bytes
) -> None:
    """A part that is empty, malformed or of other columns is an error that names it."""
    platform = serve(bodies=(b"gio_id,usr_x\nu1,a\n", second))
    with pytest.raises((gio.DecodeError, gio.DownloadError), match="下载用户列表_1"):
        connect(platform).read_segment(VIP, charset="UTF-8")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"\r\n"])
def test_a_file_without_a_header_is_an_error(serve: Serve, connect: Connect, body: bytes) -> None:
    """The only file being empty is no group without users."""
    with pytest.raises((gio.DecodeError, gio.DownloadError), match="下载用户列表"):
        connect(serve(bodies=(body,))).read_segment(VIP)


def test_a_job_that_ends_inside_a_character_is_an_error(serve: Serve, connect: Connect) -> None:
    """An odd number of UTF-16 bytes is half a character."""
    body = Writing(bom=True).encode(user_list(["北京"]), "UTF-16LE")
    with pytest.raises(gio.DecodeError, match="下载用户列表"):
        connect(serve(bodies=(body[:-5],))).read_segment(VIP)


@needs("download")
def test_raw_files_are_the_platforms_bytes(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    """``download`` keeps every part as it was sent."""
    bodies = (b"gio_id,usr_x\nu1,a\n", b"gio_id,usr_x\nu2,\xe4\xba\xac\n")
    job = connect(serve(bodies=bodies)).submit_segment(VIP)
    job.download(tmp_path / "raw")
    found = sorted(path for path in (tmp_path / "raw").rglob("*") if path.is_file())
    assert sorted(path.read_bytes() for path in found) == sorted(bodies)


@needs("download")
@pytest.mark.parametrize("name", ["..", "../../evil.csv", "/etc/evil.csv", "a\\..\\b.csv"])
def test_raw_files_stay_in_their_folder(
    serve: Serve, connect: Connect, tmp_path: Path, name: str
) -> None:
    """A file's name cannot lead out of the folder it is saved to."""
    platform = serve(file_name=name, bodies=(b"gio_id\nu1\n",))
    folder = tmp_path / "a" / "b" / "raw"
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with suppress(gio.GioError):
        connect(platform).submit_segment(VIP).download(folder)
    made = {path for path in tmp_path.rglob("*.csv") if path.is_file()} - before
    assert all(folder in path.parents for path in made)


@needs("to_parquet")
@pytest.mark.parametrize("target", ["users.parquet", "users/"])
def test_parquet_has_what_the_frame_has(
    serve: Serve, connect: Connect, tmp_path: Path, target: str
) -> None:
    """One file or a folder of parts, with every row in order."""
    job = connect(serve(table=LONG, parts=3)).submit_segment(VIP)
    job.to_parquet(f"{tmp_path}/{target}")
    frame = pd.read_parquet(f"{tmp_path}/{target}")
    assert cells(frame) == [list(row) for row in LONG.rows]


def test_an_arrow_table_has_what_the_frame_has(serve: Serve, connect: Connect) -> None:
    """The Arrow table has every row in order."""
    job = connect(serve(table=LONG, parts=3)).submit_segment(VIP)
    assert job.to_arrow()["gio_id"].to_pylist() == [row[0] for row in LONG.rows]


@needs("iter_batches")
def test_batches_have_what_the_frame_has(serve: Serve, connect: Connect) -> None:
    """The batches have every row in order."""
    job = connect(serve(table=LONG, parts=3)).submit_segment(VIP)
    rows = [row[0] for row in LONG.rows]
    batches = [value for batch in job.iter_batches() for value in batch["gio_id"].to_pylist()]
    assert batches == rows
