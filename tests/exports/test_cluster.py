"""To Dask: workers of a real cluster read over a socket what ``to_pandas`` reads."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import dask
import distributed
import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas import sandbox
from gio_pandas.api.models import Kind
from gio_pandas.exports import credentials
from gio_pandas.exports.plugin import Credentials
from gio_pandas.settings import Secret, Settings

from . import served
from .ranged import ranged_job

KEY = "a-key-that-nobody-may-see"
COOKIE = "a-cookie-that-nobody-may-see"
NOTE = '"住在""{n}""号\n门,旁"'


def rows(first: int, count: int, odd: dict[int, str] | None = None) -> str:
    """Write rows whose notes have line breaks; some have another value in column ``n``."""
    odd = odd or {}
    return "".join(
        f"u{n},{odd.get(n, n)},{n}.5,{NOTE.format(n=n) if n % 3 else ''}\r\n"
        for n in range(first, first + count)
    )


HEADER = "gio_id,n,x,说明\r\n"
FILES = {
    # Only the last value of all tells what column n is.
    "one": [HEADER + rows(0, 20_000, {19_999: ""})],
    "words": [HEADER + rows(0, 9_000, {8_999: "007"})],
    "several": [HEADER + rows(0, 300), HEADER, HEADER + rows(300, 2_000, {2_000: ""})],
    "empty": [HEADER],
    "broken": [HEADER + rows(0, 9_000) + "u,1,2,3,4\r\n"],
    "other": [HEADER + rows(0, 10), HEADER.replace("x", "y") + rows(0, 10)],
    "gone": [HEADER + rows(0, 9_000)],
    "changed": [HEADER + rows(0, 9_000)],
    "slow": [HEADER + rows(0, 20_000)],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the files of every job."""
    place = tmp_path_factory.mktemp("exports")
    for name, texts in FILES.items():
        for number, text in enumerate(texts):
            (place / f"{name}-{number}.csv").write_bytes(text.encode("utf-16-le"))
    return place


def serve(folder: Path, **options: Any) -> sandbox.Sandbox:
    """Put the files on a loopback socket."""
    results = {
        name: [folder / f"{name}-{number}.csv" for number in range(len(texts))]
        for name, texts in FILES.items()
    }
    return sandbox.start(
        stage_seconds=0,
        results=results,
        api_key=KEY,
        require_headers={"X-Gateway": COOKIE},
        **options,
    )


def connect(platform: sandbox.Sandbox) -> gio.Session:
    """Get in."""
    return gio.Session(platform.url, api_key=KEY, headers={"X-Gateway": COOKIE})


@pytest.fixture(scope="module")
def platform(folder: Path) -> Iterator[sandbox.Sandbox]:
    """Start a platform that sends parts of files."""
    with serve(folder) as found:
        yield found


@pytest.fixture(scope="module")
def session(platform: sandbox.Sandbox) -> Iterator[gio.Session]:
    """One way in for all tests."""
    with connect(platform) as found:
        yield found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[distributed.Client]:
    """Two workers, each a process of its own."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            local_directory=str(tmp_path_factory.mktemp("dask")),
        ) as found,
        distributed.Client(found, set_as_default=False) as client,
    ):
        yield client


def computed(client: distributed.Client, lazy: Any) -> pd.DataFrame:
    """Compute a frame on the cluster."""
    frame: pd.DataFrame = client.compute(lazy, sync=True)
    return frame


@pytest.mark.parametrize("blocksize", ["100 kB", 250_001, None])
@pytest.mark.parametrize("name", ["one", "words", "several"])
def test_workers_read_what_to_pandas_reads(
    session: gio.Session, cluster: distributed.Client, name: str, blocksize: Any
) -> None:
    """Rows, order, types and index, though no worker sees more than some bytes of a file."""
    job = session.attach(name)
    whole = job.to_pandas()
    lazy = job.to_dask(cluster, blocksize=blocksize)
    parts = cluster.gather(cluster.compute(lazy.to_delayed()))
    assert all(part.dtypes.equals(whole.dtypes) for part in [lazy._meta, *parts])
    assert lazy.npartitions > 1 or blocksize != "100 kB"
    pd.testing.assert_frame_equal(computed(cluster, lazy), whole)


def test_the_index_goes_on_over_all_partitions(
    session: gio.Session, cluster: distributed.Client
) -> None:
    """Its divisions are known: a row is found without reading the other partitions."""
    lazy = session.attach("one").to_dask(cluster, blocksize="100 kB")
    whole = session.attach("one").to_pandas()
    assert lazy.known_divisions
    assert (lazy.divisions[0], lazy.divisions[-1]) == (0, 19_999)
    found = computed(cluster, lazy.loc[12_345:12_347])
    pd.testing.assert_frame_equal(found, whole.loc[12_345:12_347])


def test_a_frame_says_where_it_is_from(session: gio.Session, cluster: distributed.Client) -> None:
    """``df.gio.source`` has what it has after ``to_pandas``, but for the time."""
    job = session.attach("one")
    found, whole = (
        frame.attrs["gio"] for frame in (computed(cluster, job.to_dask(cluster)), job.to_pandas())
    )
    assert {**found, "read": ""} == {**whole, "read": ""}


def test_columns_that_are_not_wanted_are_not_made(
    session: gio.Session, cluster: distributed.Client
) -> None:
    """Neither those left out from the start, nor those that the graph does not use."""
    job = session.attach("one")
    lazy = job.to_dask(cluster, columns=["x", "n"], blocksize="100 kB")
    whole = job.to_pandas(columns=["x", "n"])
    pd.testing.assert_frame_equal(computed(cluster, lazy), whole)
    assert computed(cluster, lazy["n"].sum()) == whole["n"].sum()
    pd.testing.assert_frame_equal(computed(cluster, lazy[["n"]]), whole[["n"]])
    assert len(job.to_dask(blocksize="100 kB")) == len(whole)


def test_a_group_without_users_has_its_columns(
    session: gio.Session, cluster: distributed.Client
) -> None:
    """A file of a header alone is one partition without rows."""
    job = session.attach("empty")
    lazy = job.to_dask(cluster)
    pd.testing.assert_frame_equal(computed(cluster, lazy), job.to_pandas())
    assert lazy.npartitions == 1


@pytest.mark.parametrize("options", [{"ranges": False}, {"content_length": False}])
def test_without_ranges_a_file_is_a_partition(
    folder: Path, cluster: distributed.Client, options: dict[str, bool]
) -> None:
    """Where the platform cannot send parts of a file, workers read whole ones."""
    with serve(folder, **options) as platform, connect(platform) as session:
        job = session.attach("several")
        lazy = job.to_dask(cluster, blocksize=10_000)
        assert lazy.npartitions == 2  # the file in the middle has no rows
        pd.testing.assert_frame_equal(computed(cluster, lazy), job.to_pandas())


def test_a_session_asks_for_dtypes(session: gio.Session, cluster: distributed.Client) -> None:
    """What the job was submitted with counts, as it does for ``to_pandas``."""
    known = {"dtype": {"n": "str", "x": "Float64"}, "dtype_backend": "pyarrow"}
    job, _ = ranged_job((HEADER + rows(0, 500)).encode(), **known)
    pd.testing.assert_frame_equal(job.to_dask(blocksize=2_000).compute(), job.to_pandas())
    kinds, _ = ranged_job((HEADER + rows(0, 500)).encode(), dtype={"gio_id": "category"})
    lazy = kinds.to_dask(blocksize=2_000)
    assert lazy.npartitions > 3
    found = lazy.compute(scheduler="threads")
    assert found["gio_id"].astype(str).tolist() == [f"u{n}" for n in range(500)]


# --- workers that die ----------------------------------------------------------------------------


def pids(client: distributed.Client) -> dict[str, int]:
    """Say which process each worker is."""
    found: dict[str, int] = client.run(os.getpid, on_error="ignore")
    return found


def kill(client: distributed.Client, pid: int) -> None:
    """Kill a worker's process, and wait until another one has taken its place."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        alive = pids(client) if len(client.nthreads()) == 2 else {}
        if len(alive) == 2 and pid not in alive.values():
            return
        time.sleep(0.05)
    raise AssertionError("no worker came back")


@pytest.fixture(scope="module")
def slow(folder: Path) -> Iterator[gio.Session]:
    """Start a platform that takes seconds for a file.

    It stays, for a worker that was let go of reads on to the end of its part: without a platform
    it would try again for a minute and a half, and hold up whoever comes next.
    """
    with serve(folder, bytes_per_second=600_000) as platform, connect(platform) as session:
        yield session


def test_a_worker_killed_in_the_middle_loses_nothing(
    slow: gio.Session, session: gio.Session, cluster: distributed.Client
) -> None:
    """Its partitions are read again by others; one that comes later has the credentials, too."""
    lazy = slow.attach("slow").to_dask(cluster, blocksize="200 kB")
    futures = distributed.futures_of(cluster.persist(lazy))
    first = wait_for(lambda: [future for future in futures if future.done()])[0]
    assert sum(future.done() for future in futures) < len(futures)
    (holder,) = cluster.who_has([first])[first.key]
    kill(cluster, pids(cluster)[holder])
    whole = session.attach("slow").to_pandas()
    pd.testing.assert_frame_equal(pd.concat(cluster.gather(futures)), whole)


def test_a_worker_killed_while_types_are_decided_loses_nothing(
    slow: gio.Session, session: gio.Session, cluster: distributed.Client
) -> None:
    """The first pass, too, is done again where it was lost."""
    job = slow.attach("slow")
    made: list[Any] = []
    thread = threading.Thread(
        target=lambda: made.append(job.to_dask(cluster, blocksize="200 kB")), daemon=True
    )
    thread.start()
    wait_for(lambda: tasks_of(cluster, "gio-look"))
    kill(cluster, next(iter(pids(cluster).values())))
    thread.join(60)
    pd.testing.assert_frame_equal(computed(cluster, made[0]), session.attach("slow").to_pandas())


def test_ctrl_c_ends_the_first_pass(slow: gio.Session, cluster: distributed.Client) -> None:
    """What workers have not begun they never do, and the message has the job."""

    def interrupt() -> None:
        wait_for(lambda: tasks_of(cluster, "gio-look"))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt, match=r"gio.attach\('slow'\)"):
        slow.attach("slow").to_dask(cluster, blocksize="100 kB")
    thread.join()
    wait_for(lambda: not tasks_of(cluster, "gio-look"))


def tasks_of(client: distributed.Client, prefix: str) -> list[str]:
    """List the tasks that workers are at."""
    return [
        key for keys in client.processing().values() for key in keys if str(key).startswith(prefix)
    ]


def wait_for(seen: Callable[[], Any]) -> Any:
    """Ask until there is something."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := seen():
            return found
        time.sleep(0.01)
    raise AssertionError("it never came")


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"), [("broken", "'broken-0.csv' is not the table"), ("other", "has the columns")]
)
def test_an_error_on_a_worker_comes_as_itself(
    session: gio.Session, cluster: distributed.Client, name: str, words: str
) -> None:
    """It is the one that ``to_pandas`` raises."""
    job = session.attach(name)
    with pytest.raises(gio.DecodeError, match=words):
        job.to_pandas()
    with pytest.raises(gio.DecodeError, match=words) as caught:
        job.to_dask(cluster, blocksize="100 kB")
    assert caught.value.file in job.uris


def test_a_file_that_changed_after_the_first_pass_is_an_error(
    session: gio.Session, cluster: distributed.Client, folder: Path
) -> None:
    """Rows of two states of a file are never mixed."""
    lazy = session.attach("changed").to_dask(cluster, blocksize="100 kB")
    file = folder / "changed-0.csv"
    file.write_bytes(file.read_bytes().replace("u8".encode("utf-16-le"), b"v\x009\x00"))
    with pytest.raises(gio.DownloadError, match=r"'changed-0.csv' changed on the platform"):
        computed(cluster, lazy)


def test_a_whole_file_that_changed_is_an_error_without_a_validator() -> None:
    """Where the platform tells nothing of a file, its bytes tell that it is another one."""
    job, platform = ranged_job(b"gio_id,n\nu,1\n", ranges=False)
    lazy = job.to_dask()
    for other in (b"gio_id,n\nu,2\n", b"gio_id,m\nu,1\n", b"gio_id,n\nu,1\nv,2\n"):
        platform.bodies[0] = other
        with pytest.raises(gio.DownloadError, match=r"changed.*types were decided.*to_dask"):
            lazy.compute(scheduler="sync")


def test_a_file_that_is_gone_is_an_error(
    session: gio.Session, cluster: distributed.Client, folder: Path
) -> None:
    """``compute`` says so, and which one."""
    lazy = session.attach("gone").to_dask(cluster)
    (folder / "gone-0.csv").unlink()
    with pytest.raises(gio.DownloadError, match=r"no file 'gone-0.csv' any more"):
        computed(cluster, lazy)


def test_a_worker_without_credentials_says_so(
    session: gio.Session, cluster: distributed.Client
) -> None:
    """A frame that was made for this process cannot be computed in another one."""
    with connect_anew(session) as another:
        lazy = another.attach("several").to_dask()
        with pytest.raises(gio.SettingsError, match="was given no way in to http"):
            computed(cluster, lazy)


def connect_anew(session: gio.Session) -> gio.Session:
    """Get in to the same platform, by another session."""
    return gio.Session(session.settings.url, api_key=KEY, headers={"X-Gateway": COOKIE})


def test_a_job_without_settings_is_not_for_a_cluster(cluster: distributed.Client) -> None:
    """What is read over a line of this process's own stays in it."""
    job, _ = ranged_job(b"gio_id,n\nu,1\n")
    with pytest.raises(gio.SettingsError, match="other processes cannot have"):
        job.to_dask(cluster)


@pytest.mark.parametrize("client", ["tcp://127.0.0.1:8786", 3])
def test_a_client_is_a_client(client: Any) -> None:
    """An address is none, and that is said before anything is waited for."""
    job, _ = ranged_job(b"gio_id,n\nu,1\n")
    with pytest.raises(gio.SettingsError, match=r"takes a distributed.Client.*not"):
        job.to_dask(client)


def test_a_blocksize_is_a_size() -> None:
    """The message names the argument."""
    job, _ = ranged_job(b"gio_id,n\nu,1\n")
    with pytest.raises(gio.SettingsError, match="blocksize='much' is no size"):
        job.to_dask(blocksize="much")


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "dask.dataframe", None)
    job, _ = ranged_job(b"gio_id,n\nu,1\n")
    with pytest.raises(gio.SettingsError, match=r"gio-pandas\[dask\]"):
        job.to_dask()


# --- secrets -------------------------------------------------------------------------------------


def everything_shown(client: distributed.Client, lazy: Any) -> Iterator[bytes]:
    """Give all that a frame, the scheduler and the workers show of themselves."""

    def of_scheduler(dask_scheduler: Any) -> list[bytes]:
        states = dask_scheduler.tasks.values()
        return [
            cloudpickle.dumps([(state.key, state.run_spec, state.annotations) for state in states]),
            repr([(state, state.run_spec) for state in states]).encode(),
            repr(dask_scheduler.identity()).encode(),
        ]

    def of_worker(dask_worker: Any) -> bytes:
        return repr((dask_worker.plugins, dask_worker.state, dask_worker.identity())).encode()

    graph = lazy.optimize().__dask_graph__()
    yield from (repr(lazy).encode(), str(lazy).encode(), lazy._repr_html_().encode())
    yield from (repr(dict(graph)).encode(), str(list(graph)).encode(), repr(lazy.expr).encode())
    yield from (cloudpickle.dumps(lazy), pickle.dumps(dict(graph)), cloudpickle.dumps(graph))
    yield from client.run_on_scheduler(of_scheduler)
    yield from client.run(of_worker).values()
    logs = client.get_worker_logs(), client.get_scheduler_logs(), client.get_events()
    yield repr(logs).encode()


def test_no_secret_is_in_what_anybody_sees(
    session: gio.Session, cluster: distributed.Client
) -> None:
    """Neither key, token nor cookie: in graphs, keys, pickles, the scheduler's tasks, or logs."""

    def tokens(dask_worker: Any) -> list[str]:
        clients = [held.client for held in credentials._given.values() if held.client]
        found = [client._transport._auth._token for client in clients]
        return [token.reveal() for token in found if token]

    lazy = session.attach("several").to_dask(cluster, blocksize=100_000)
    held = cluster.persist(lazy)
    assert len(computed(cluster, held)) == 2_300
    issued = {token for found in cluster.run(tokens).values() for token in found}
    assert issued
    shown = list(everything_shown(cluster, lazy))
    for secret in (KEY, COOKIE, *issued):
        assert not [text for text in shown if secret.encode() in text]


def test_only_its_pickle_holds_what_the_plugin_brings() -> None:
    """And what it brings is all that is needed to get in."""
    brought = Settings(
        url="https://cdp.example.cn",
        api_key=Secret(KEY),
        headers={"X-Gateway": Secret(COOKIE)},
        auth_scheme="Bearer",
    )
    plugin = Credentials("an-id", brought)
    assert KEY not in repr(plugin) + repr(vars(plugin))
    assert COOKIE not in repr(plugin) + repr(vars(plugin))
    copied = pickle.loads(pickle.dumps(plugin))
    assert vars(copied) == vars(plugin)
    with pytest.raises(TypeError, match="a secret is not pickled"):
        pickle.dumps(brought.api_key)


def test_the_last_worker_of_a_process_closes_its_connections() -> None:
    """Workers that share a process share its client; a way in that nobody holds is forgotten."""
    settings = Settings(url="http://127.0.0.1:9", token=Secret("a-token"))
    credentials.hold("an-id", settings)
    credentials.hold("an-id", settings)
    client = credentials.line("an-id", settings.url)
    assert credentials.line("an-id", settings.url) is client
    credentials.release("an-id")
    assert credentials.line("an-id", settings.url) is client
    credentials.release("an-id")
    with pytest.raises(gio.SettingsError, match="no way in"):
        credentials.line("an-id", settings.url)
    credentials.release("an-id")


# --- this process --------------------------------------------------------------------------------


def test_without_a_cluster_threads_of_this_process_read(session: gio.Session) -> None:
    """The same frame, with no client anywhere."""
    job = session.attach("one")
    lazy = job.to_dask(blocksize="100 kB")
    assert lazy.npartitions > 1
    with dask.config.set(scheduler="threads"):
        pd.testing.assert_frame_equal(lazy.compute(), job.to_pandas())


def test_a_lone_dash_between_numbers_is_missing_there_too() -> None:
    """In an analysis; what is missing in any file makes the integer nullable in all."""
    job = served.job("步骤,用户\n1,5\n", '步骤,用户\n2,-\n3,"1,234"\n', kind=Kind.FUNNEL)
    with dask.config.set(scheduler="threads"):
        frame = job.to_dask().compute()
    pd.testing.assert_frame_equal(frame, job.to_pandas())
    assert str(frame["用户"].dtype) == "Int64"
    assert frame["用户"].tolist() == [5, pd.NA, 1234]


def test_a_client_that_is_current_is_taken(
    session: gio.Session, cluster: distributed.Client
) -> None:
    """``Client(…)`` in a cell above is enough."""
    job = session.attach("several")
    with cluster.as_current():
        lazy = job.to_dask()
        pd.testing.assert_frame_equal(lazy.compute(), job.to_pandas())
