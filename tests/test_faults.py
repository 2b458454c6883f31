"""Each fault of the sandbox against each verb and kind: the right table, or the right error.

Whatever it is, no job is started twice, nothing is left behind, and nobody sees a secret.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import certifi
import pandas as pd
import pytest
import stamina
from mishaps import (
    ANALYSES,
    DOWNLOAD,
    HEAVY,
    POLL,
    QUERY,
    SUBMIT,
    TOKEN,
    USERS,
    Case,
    for_waits,
    right,
)
from trials import API_KEY, ITEMS, PROPERTIES, Bench, Judge, Record

import gio_pandas as gio
from gio_pandas.exports import files, job, wait
from gio_pandas.sandbox import start

# --- the verbs ------------------------------------------------------------------------------------


async def _awaited(job: gio.ExportJob) -> pd.DataFrame:
    return await job


def _read_parquet(paths: Sequence[str]) -> pd.DataFrame:
    return pd.concat(map(pd.read_parquet, paths), ignore_index=True)


SINKS: dict[str, Callable[[gio.Session, gio.ExportJob, Path], Any]] = {
    "to_pandas": lambda _, job, folder: job.to_pandas(),
    "await": lambda _, job, folder: asyncio.run(_awaited(job)),
    "to_arrow": lambda _, job, folder: job.to_arrow(),
    "to_polars": lambda _, job, folder: job.to_polars(),
    "iter_batches": lambda _, job, folder: list(job.iter_batches(50)),
    "to_parquet": lambda _, job, folder: _read_parquet(job.to_parquet(folder / "one.parquet")),
    "to_parquets": lambda _, job, folder: _read_parquet(job.to_parquet(folder / "many")),
    "to_csv": lambda _, job, folder: Path(job.to_csv(folder / "all.csv")).read_bytes(),
    "download": lambda _, job, folder: [p.read_bytes() for p in job.download(folder / "raw")],
    "read_many": lambda session, job, folder: session.read_many([job]),
    "as_completed": lambda _, job, folder: [j.to_pandas() for j in gio.as_completed([job])],
}
LISTS = ("projects", "tags", "segments", "funnels", "events", "retentions", "frequencies")


def _options(kind: str) -> dict[str, Any]:
    return {"properties": PROPERTIES} if kind in USERS else {}


def submit(session: gio.Session, kind: str) -> str | None:
    """Submit what is exported of a kind, and give its name."""
    job: gio.ExportJob = getattr(session, f"submit_{kind}")(ITEMS[kind], **_options(kind))
    return job.name


def read(session: gio.Session, kind: str) -> pd.DataFrame:
    """Read what is exported of a kind."""
    frame: pd.DataFrame = getattr(session, f"read_{kind}")(ITEMS[kind], **_options(kind))
    return frame


def read_many(session: gio.Session, kind: str) -> list[pd.DataFrame]:
    """Read it among others, that are submitted together."""
    return session.read_many([{"kind": kind, "name": ITEMS[kind], **_options(kind)}])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Start the platform; waits that a day's work would not feel are cut short."""
    certificate = tmp_path_factory.mktemp("tls") / "one.pem"
    end = "-----END CERTIFICATE-----\n"
    certificate.write_text(Path(certifi.where()).read_text().partition(end)[0] + end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificate))  # one is read much faster than all
        patch.setattr(wait, "_SHORTEST_DELAY", 0.002)
        patch.setattr(wait, "_LONGEST_DELAY", 0.01)
        patch.setattr(wait, "_PATIENCE", 0.05)
        patch.setattr(job, "_NAMING", 0.05)
        patch.setattr(files, "_LONGEST_PAUSE", 0.002)
        stamina.set_testing(True, attempts=4)
        with start(stage_seconds=0, users=2_000, parts=2, api_key=API_KEY) as platform:
            bench = Bench(platform)
            yield bench
            bench.close()
        stamina.set_testing(False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder to write to; what is temporary goes to another one."""
    (tmp_path / "temp").mkdir()
    (tmp_path / "target").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    return tmp_path / "target"


# --- the matrix -----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize("case", QUERY, ids=str)
def test_lists(bench: Bench, case: Case, what: str, folder: Path, record_property: Record) -> None:
    """A list is whole, or it is an error."""

    def ask(session: gio.Session, _: Path) -> Any:
        return getattr(session, f"list_{what}")()

    expected = bench.right("list", what, ask)
    judge = Judge(bench, folder, record_property)
    assert judge(case, bench.tried(case, ask, folder), expected, jobs=0) == []


@pytest.mark.parametrize("verb", ["list_tags", "submit_segment", "read_segment", "attach"])
@pytest.mark.parametrize("case", TOKEN, ids=str)
def test_tokens(bench: Bench, case: Case, verb: str, folder: Path, record_property: Record) -> None:
    """A token that does not come is waited for, or it is an error, and no job is started twice."""
    job_id = bench.job("segment") if verb == "attach" else None

    def ask(session: gio.Session, _: Path) -> Any:
        if job_id is not None:
            return session.attach(job_id).to_pandas()
        if verb == "list_tags":
            return session.list_tags()
        return submit(session, "segment") if verb == "submit_segment" else read(session, "segment")

    expected = bench.right(verb, "segment", ask)
    case = for_waits(case) if job_id else case
    judge = Judge(bench, folder, record_property)
    trial = bench.tried(case, ask, folder)
    started = 1 if case.error is None and verb.endswith("_segment") else 0
    assert judge(case, trial, expected, jobs=started, job_id=job_id) == []


@pytest.mark.parametrize("kind", [*ITEMS, "many"])
@pytest.mark.parametrize("case", SUBMIT, ids=str)
def test_submits(
    bench: Bench, case: Case, kind: str, folder: Path, record_property: Record
) -> None:
    """One submit starts one job, or the error says what is known; none is sent again blindly."""

    def ask(session: gio.Session, _: Path) -> Any:
        return read_many(session, "segment") if kind == "many" else read(session, kind)

    expected = bench.right("read", kind, ask)
    judge = Judge(bench, folder, record_property)
    assert judge(case, bench.tried(case, ask, folder), expected, jobs=case.jobs) == []


# What a wait gives is the same for all that wait and then read: few of them meet its every fault.
WAITERS = ("to_pandas", "await", "download", "read_many", "as_completed")
VERBS = (*SINKS, *(kind for kind in ITEMS if kind != "segment"))
JOBS = [
    (case, verb)
    for verb in VERBS
    for case in POLL + DOWNLOAD
    if verb not in ANALYSES or case.kinds != USERS
    if verb in (*WAITERS, *ITEMS) or case in DOWNLOAD or case.error is None
]


@pytest.mark.parametrize(("case", "verb"), JOBS, ids=str)
def test_jobs(bench: Bench, case: Case, verb: str, folder: Path, record_property: Record) -> None:
    """A job becomes the right table, or an error that names it, and nothing stays behind."""
    kind, sink = (verb, "to_pandas") if verb in ITEMS else ("segment", verb)
    job_id = bench.job(kind)

    def ask(session: gio.Session, folder: Path) -> Any:
        return SINKS[sink](session, session.attach(job_id), folder)

    expected = bench.right(sink, kind, ask)
    if sink == "download" and case.saved:
        case = Case(case.faults)
        expected = bench.served(kind, case.faults)
    elif case.as_if:
        with tempfile.TemporaryDirectory() as other:
            expected = bench.tried(Case(case.as_if), ask, Path(other)).result
    judge = Judge(bench, folder, record_property)
    trial = bench.tried(case, ask, folder)
    assert judge(case, trial, expected, jobs=0, job_id=job_id) == []


@pytest.mark.parametrize("case", [case for case in POLL + DOWNLOAD if not case.as_if], ids=str)
def test_reading_starts_one_job(
    bench: Bench, case: Case, folder: Path, record_property: Record
) -> None:
    """Whatever goes wrong after the submit, there is one job, and an error names it."""

    def ask(session: gio.Session, _: Path) -> Any:
        return read(session, "segment")

    expected = bench.right("read", "segment", ask)
    judge = Judge(bench, folder, record_property)
    trial = bench.tried(case, ask, folder)
    assert judge(case, trial, expected, jobs=1, job_id=trial.jobs[0]) == []


# --- once for each way in: what is heavy, or takes its time ---------------------------------------


STATUS = Path("/proc/self/status")


def peak() -> int:
    """Tell how much memory the process has had at most since ``forget_peak``, in bytes."""
    if not STATUS.exists():  # another system does not tell
        return 0
    return int(STATUS.read_text().partition("VmHWM:")[2].split()[0]) * 1024


def forget_peak() -> None:
    """Let the peak be what is in use now."""
    if STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5")


@pytest.mark.parametrize("case", HEAVY, ids=str)
def test_hostile_sizes(bench: Bench, case: Case, folder: Path, record_property: Record) -> None:
    """What no honest platform sends is an error, long before it fills the memory."""

    def ask(session: gio.Session, _: Path) -> Any:
        return read(session, "segment")

    expected = bench.right("read", "segment", ask)
    judge = Judge(bench, folder, record_property)
    forget_peak()
    before = peak()
    trial = bench.tried(case, ask, folder)
    assert judge(case, trial, expected, jobs=case.jobs) == []
    assert peak() - before < 400_000_000


@pytest.mark.parametrize(("fault", "field"), [("nul", "a\x00b"), ("huge_field", "x" * 100_000_000)])
def test_odd_fields_are_fields(
    bench: Bench, fault: str, field: str, folder: Path, record_property: Record
) -> None:
    """A NUL, or very many letters, are a text like any other."""

    def ask(session: gio.Session, _: Path) -> Any:
        return session.attach(bench.job("segment")).to_pandas()

    plain = bench.right("to_pandas", "segment", ask)
    case = right(f"{fault}:download@all,file=1")
    judge = Judge(bench, folder, record_property)
    trial = bench.tried(case, ask, folder)
    frame = trial.result
    assert frame is not None, trial.error
    assert frame.iloc[0, 0] == field
    assert frame.iloc[0, 1:].isna().all()
    assert frame.iloc[1:].reset_index(drop=True).astype(str).equals(plain.astype(str))
    assert judge(case, trial, frame, jobs=0) == []


@pytest.mark.parametrize(
    "case",
    [
        right("429:query,retry_date=0", "503:poll,retry_date=0", "429:download,retry_date=0"),
        right("restart:query,seconds=0.5"),
        right("503:submit,retry_date=0"),
    ],
    ids=str,
)
def test_pauses_that_are_taken(
    bench: Bench, case: Case, folder: Path, record_property: Record
) -> None:
    """A date in Retry-After is waited for, and a platform that restarts is asked again."""

    def ask(session: gio.Session, _: Path) -> Any:
        return read(session, "segment")

    expected = bench.right("read", "segment", ask)
    judge = Judge(bench, folder, record_property)
    stamina.set_testing(False)
    try:
        trial = bench.tried(case, ask, folder)
    finally:
        stamina.set_testing(True, attempts=4)
    assert judge(case, trial, expected, jobs=1) == []


@pytest.mark.parametrize("fault", ["uris_other_origin", "redirect_elsewhere:download@all"])
def test_another_origin_is_given_no_credentials(bench: Bench, fault: str) -> None:
    """The files come from there, the token and the key do not go there."""
    bench.elsewhere.headers.clear()
    trial = bench.tried(
        right(f"{fault},url={{elsewhere}}"),
        lambda session, _: session.attach(bench.job("segment")).to_pandas(),
        Path(),
    )
    assert trial.error is None
    sent = bench.elsewhere.headers
    assert len(sent) == 2
    assert not [name for headers in sent for name in headers if name in ("Authorization", "Cookie")]
    assert not [secret for secret in bench.secrets if secret in str(sent)]


NAMES = [f"uris_{name}" for name in ("dots", "local", "long", "device", "backslash")]


@pytest.mark.parametrize("fault", NAMES)
def test_files_are_saved_under_safe_names(bench: Bench, fault: str, folder: Path) -> None:
    """Whatever the platform calls its files, they lie in the folder that was named, two of them."""
    trial = bench.tried(
        right(fault),
        lambda session, _: session.attach(bench.job("segment")).download(folder / "raw"),
        folder,
    )
    assert sorted(trial.result) == sorted((folder / "raw").iterdir())
    assert len({path.name.casefold() for path in trial.result}) == 2
    for path in trial.result:
        assert path.resolve().parent == (folder / "raw").resolve()
        assert len(path.name.encode()) <= 255
        assert not set(path.name) & set('\\/:*?"<>|')
        assert path.name.partition(".")[0].upper() not in ("CON", "NUL", "")
