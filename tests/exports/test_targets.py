"""Where files are written: whole, or as if nothing had happened; nowhere else."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas.exports import writers
from gio_pandas.exports.job import ExportJob
from gio_pandas.exports.targets import safe_name

from .served import Platform, job, serve

HEADER = "gio_id,n\n"
USERS = HEADER + "1,2\n"


def fails() -> Iterator[bytes]:
    """Break in the middle."""
    yield USERS.encode()
    raise gio.DownloadError("it is gone", hint="read it again", file="x")


def broken() -> ExportJob:
    """Make a job whose second file breaks."""
    return serve(Platform([USERS.encode(), fails]))


def names(folder: Path) -> list[str]:
    """List what is in a folder, and below."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("sink", ["to_parquet", "to_csv"])
def test_a_file_is_whole_or_as_it_was(sink: str, place: Path) -> None:
    """An error in the middle leaves the old file, and nothing beside it."""
    path = place / "users.parquet"
    path.write_text("old")
    with pytest.raises(gio.DownloadError):
        getattr(broken(), sink)(path)
    assert path.read_text() == "old"
    assert names(place) == ["users.parquet"]
    getattr(job(USERS), sink)(path)
    assert path.read_bytes() != b"old"
    assert names(place) == ["users.parquet"]


def test_an_error_while_it_is_written_leaves_what_was_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full in the middle of the second part file, for one."""
    export = job(USERS, USERS)
    export.to_parquet(place / "users")
    before = {path: path.read_bytes() for path in (place / "users").iterdir()}
    begun: list[Any] = []

    class FullWriter:
        def __init__(self, stream: Any, *_: object, **__: object) -> None:
            begun.append(stream)

        def __enter__(self) -> FullWriter:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write_batch(self, _: object) -> None:
            begun[-1].write(b"half")
            if len(begun) == 2:
                raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.ParquetWriter", FullWriter)
    with pytest.raises(gio.SettingsError, match="No space"):
        job(HEADER + "3,4\n", USERS).to_parquet(place / "users")
    assert {path: path.read_bytes() for path in (place / "users").iterdir()} == before


def test_a_folder_is_replaced_by_a_shorter_export(place: Path) -> None:
    """Part files of an earlier export go, and what readers pass over stays."""
    job(USERS, USERS, USERS).to_parquet(place / "users")
    (place / "users" / "_SUCCESS").touch()
    (place / "users" / ".hidden").touch()
    written = job(HEADER + "3,4\n", HEADER).to_parquet(place / "users")
    assert written == [f"{place}/users/part-0000{number}.parquet" for number in (0, 1)]
    assert names(place / "users") == [
        ".hidden",
        "_SUCCESS",
        "part-00000.parquet",
        "part-00001.parquet",
    ]
    assert pd.read_parquet(place / "users")["gio_id"].tolist() == ["3"]


@pytest.mark.parametrize("made", [False, True])
def test_a_new_or_empty_folder_will_do(place: Path, made: bool) -> None:
    """With the folders above it, too."""
    folder = place / "a" / "b"
    if made:
        folder.mkdir(parents=True)
    job(USERS).to_parquet(f"{folder}/")
    assert names(folder) == ["part-00000.parquet"]


def refused(platform: Platform, sink: str, path: Any, match: str, **how: Any) -> None:
    """See that a target is refused before the job is waited for."""
    with pytest.raises(gio.SettingsError, match=match):
        getattr(serve(platform), sink)(path, **how)
    assert platform.asked == 0


def test_what_cannot_be_written_is_refused_before_the_wait(place: Path) -> None:
    """A folder of other files, a file for a folder, a folder for a file, no folder at all."""
    (place / "notes.txt").touch()
    (place / "folder.parquet").mkdir()
    (place / "users.csv").mkdir()
    platform = Platform([USERS.encode()])
    refused(platform, "to_parquet", place, "notes.txt")
    refused(platform, "to_parquet", place / "notes.txt", "is a file")
    refused(platform, "to_parquet", place / "folder.parquet", "is a folder")
    refused(platform, "to_csv", place / "users.csv", "is a folder")
    refused(platform, "to_parquet", place / "no" / "users.parquet", "no folder")
    refused(platform, "to_csv", place / "no" / "users.csv", "no folder")
    refused(platform, "download", place / "notes.txt", "is a file")
    refused(platform, "download", "memory://raw", "folder of this machine")
    for sink in ("to_parquet", "to_csv"):
        refused(platform, sink, "nosuch://bucket/users", "fsspec needs")
    for compression in ("lzo", "", "ZSTD", None, 3):
        refused(platform, "to_parquet", place / "a.parquet", "compression", compression=compression)
    assert names(place) == ["folder.parquet", "notes.txt", "users.csv"]


def test_a_link_is_written_through(place: Path) -> None:
    """As other tools do: the link stays one, and what it leads to is new."""
    (place / "real.csv").write_text("old")
    (place / "link.csv").symlink_to(place / "real.csv")
    (place / "folder").mkdir()
    (place / "users").symlink_to(place / "folder")
    job(USERS).to_csv(place / "link.csv", encoding="utf-8")
    job(USERS).to_parquet(place / "users")
    assert (place / "link.csv").is_symlink()
    assert (place / "real.csv").read_bytes() == b"gio_id,n\r\n1,2\r\n"
    assert names(place / "folder") == ["part-00000.parquet"]


def test_a_tilde_is_home(home: Path) -> None:
    """In every sink, and in what ``download`` gives back."""
    job(USERS).to_csv("~/users.csv")
    job(USERS).to_parquet("~/users.parquet")
    assert [path.read_text() for path in job(USERS).download("~/raw")] == [USERS]
    assert names(home) == ["raw", "raw/用户_0.csv", "users.csv", "users.parquet"]


def test_a_relative_path_is_where_the_process_is(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name alone is a file, or a folder, right there."""
    monkeypatch.chdir(place)
    assert job(USERS).to_parquet("users.parquet") == ["users.parquet"]
    assert job(USERS).to_parquet(Path("users")) == ["users/part-00000.parquet"]
    assert job(USERS).to_csv("users.csv") == "users.csv"
    assert names(place) == ["users", "users.csv", "users.parquet", "users/part-00000.parquet"]


@pytest.fixture
def memory() -> Iterator[Any]:
    """Give an empty file system of fsspec's, in memory."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def test_an_address_goes_through_fsspec(memory: Any) -> None:
    """A file, a folder whose old part files go, and CSV."""
    job(USERS).to_parquet("memory://users.parquet")
    job(USERS, USERS).to_parquet("memory://users")
    written = job(HEADER + "3,4\n").to_parquet("memory://users/")
    assert written == ["memory://users/part-00000.parquet"]
    assert job(USERS).to_csv("memory://users.csv") == "memory://users.csv"
    assert memory.find("/") == ["/users.csv", "/users.parquet", "/users/part-00000.parquet"]
    assert pd.read_parquet("memory://users/part-00000.parquet")["gio_id"].tolist() == ["3"]


def test_a_folder_at_an_address_may_hold_nothing_else(memory: Any) -> None:
    """What is no earlier export is refused before the wait."""
    memory.pipe("/users/notes.txt", b"x")
    refused(Platform([USERS.encode()]), "to_parquet", "memory://users", "notes.txt")


def test_an_address_of_this_machine_is_a_path(place: Path) -> None:
    """``file://`` goes through fsspec and ends where it says."""
    job(USERS, USERS).to_parquet(f"file://{place}/users")
    job(USERS).to_csv(f"file://{place}/users.csv")
    assert names(place) == [
        "users",
        "users.csv",
        "users/part-00000.parquet",
        "users/part-00001.parquet",
    ]


@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_an_address_that_fails_in_the_middle_has_nothing(
    protocol: str, memory: Any, place: Path
) -> None:
    """Files that have been begun are discarded, and old ones stay."""
    folder = f"memory://{place}" if protocol == "memory" else f"file://{place}"
    job(HEADER + "old,1\n").to_csv(f"{folder}/old.csv", encoding="gbk")
    export = job(HEADER + "1,2\n", HEADER + "😀,2\n")
    for name in ("old.csv", "new.csv"):
        with pytest.raises(gio.SettingsError, match="has no '😀'"):
            export.to_csv(f"{folder}/{name}", encoding="gbk")
    files = fsspec.filesystem(protocol)
    assert [name.rpartition("/")[2] for name in files.find(str(place))] == ["old.csv"]
    assert files.cat(f"{place}/old.csv") == b"gio_id,n\r\nold,1\r\n"


def test_threads_may_write_to_one_file_system(memory: Any) -> None:
    """None ends what another has begun."""
    exports = [job(USERS, USERS, USERS) for _ in range(8)]
    threads = [
        threading.Thread(target=export.to_parquet, args=(f"memory://users-{number}",))
        for number, export in enumerate(exports)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memory.find("/")) == 24


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("用户.csv", "用户.csv"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..\\..\\x.csv", "_.._x.csv"),
        ("a\0b\nc\x7f.csv", "a_b_c_.csv"),
        ("C:users.csv", "C_users.csv"),
        ('<a>|"b"?*.csv', "_a___b___.csv"),
        ("con", "_con"),
        ("NUL.csv", "_NUL.csv"),
        ("lpt1.tar.gz", "_lpt1.tar.gz"),
        ("console.csv", "console.csv"),
        (".hidden", "hidden"),
        ("...ssh", "ssh"),
        ("a. ", "a"),
        ("a\x85b\u202ecsv.exe\u200b", "a_b_csv.exe_"),
        ("a\ud800.csv", "a_.csv"),
        ("COM¹.csv", "_COM¹.csv"),
        ("con .csv", "_con .csv"),
        ("CONIN$", "_CONIN$"),
        ("\n", "_"),
    ],
)
def test_a_name_is_made_safe(name: str, expected: str) -> None:
    """It leads nowhere, and every file system takes it."""
    assert safe_name(name) == expected


@pytest.mark.parametrize(
    "name", ["用" * 300 + ".csv", "用" * 300, "a" * 250 + "." + "b" * 250, "用" * 10**6 + ".csv"]
)
def test_a_long_name_is_cut(name: str, place: Path) -> None:
    """To what file systems allow, its ending kept, and no letter halved."""
    safe = safe_name(name)
    assert len(safe.encode()) <= 200
    assert safe.endswith(".csv") == name.endswith(".csv")
    (place / safe).touch()


def test_files_are_saved_as_they_are(place: Path) -> None:
    """Byte for byte, in order, under their names."""
    bodies = [b"\xff\xfe" + os.urandom(200_000), b"", b"not,even\xffa table"]
    paths = serve(Platform(bodies, names=["b.csv", "a.csv", "用户.csv"])).download(
        place / "a" / "b"
    )
    assert paths == [place / "a" / "b" / name for name in ("b.csv", "a.csv", "用户.csv")]
    assert [path.read_bytes() for path in paths] == bodies


def test_names_never_lead_out_of_the_folder_nor_meet(place: Path) -> None:
    """Equal ones, and those equal but for case, are told apart by a number."""
    given = ["..", "x.csv", "x.csv", "X.CSV", "x.1.csv", "..\\x.csv", "用" * 300 + ".csv"]
    given += ["用" * 299 + ".csv", "ß.csv", "SS.csv"]
    bodies = [b"%d" % number for number in range(len(given))]
    paths = serve(Platform(bodies, names=given)).download(place / "raw")
    assert [path.read_bytes() for path in paths] == bodies
    assert len({path.name.casefold() for path in paths}) == len(given)
    assert {path.parent for path in paths} == {place / "raw"}
    assert names(place) == ["raw", *sorted(f"raw/{path.name}" for path in paths)]


def test_many_files_of_one_name_are_told_apart(place: Path) -> None:
    """Each is looked at once, also where a letter is written as two."""
    given = ["a.csv"] * 3 + ["e\u0301.csv", "\u00e9.csv", "a.1.csv"]
    paths = serve(Platform([b"x"] * len(given), names=given)).download(place)
    names = [path.name for path in paths]
    assert names[:3] == ["a.csv", "a.1.csv", "a.2.csv"]
    assert names[3:] == ["e\u0301.csv", "\u00e9.1.csv", "a.1.1.csv"]


def test_a_hundred_thousand_files_of_one_name_take_no_time() -> None:
    """A number goes on from the last one of its name."""
    found = writers._distinct(["a.csv"] * 100_000)
    assert found[-1] == "a.99999.csv"
    assert len(set(found)) == 100_000


def test_a_link_in_the_folder_leads_nowhere(place: Path, tmp_path: Path) -> None:
    """A file of that name that is a link is replaced, and what it leads to stays."""
    outside = tmp_path / "outside.csv"
    outside.write_text("mine")
    (place / "用户_0.csv").symlink_to(outside)
    (place / "用户_1.csv").symlink_to(tmp_path / "nowhere.csv")
    job(USERS, USERS).download(place)
    assert outside.read_text() == "mine"
    assert not (tmp_path / "nowhere.csv").exists()
    assert [path.is_symlink() for path in sorted(place.iterdir())] == [False, False]
    assert (place / "用户_0.csv").read_text() == USERS


def test_a_saved_file_is_replaced_when_the_new_ones_are_whole(place: Path) -> None:
    """Not before; other files in the folder stay."""
    for name in ("用户_0.csv", "notes.txt"):
        (place / name).write_text("old")
    with pytest.raises(gio.DownloadError):
        broken().download(place)
    assert names(place) == ["notes.txt", "用户_0.csv"]
    assert (place / "用户_0.csv").read_text() == "old"
    job(USERS).download(place)
    assert (place / "用户_0.csv").read_text() == USERS
    assert (place / "notes.txt").read_text() == "old"
