"""An export over HTTP to the memory of two Dask workers on this machine, beside one process."""

from __future__ import annotations

import importlib
import statistics
import time
from typing import Any

from benchmarks import answers
from benchmarks.data import Dataset
from benchmarks.measurement import Task, Trial
from benchmarks.rounds import Row, compare, ratio, row
from benchmarks.setup import GB, MB, Setup, size_name
from benchmarks.sources import from_json
from benchmarks.ways import columns

__all__ = ["begin", "run"]

WORKERS = 2
BLOCKSIZE = "64 MB"


def run(setup: Setup) -> list[Row]:
    """Read a user list both ways.

    Returns
    -------
    list of dict
        A row a way: see ``rounds.row``; ``to_one``, the ratio to one process. The peak is that of
        all processes together; ``first_pass_s`` is the part in which types are found.
    """
    dataset = setup.dataset("wide", "UTF-16LE", setup.size(GB, 50 * MB))
    with setup.over_http([dataset]) as reading:
        one = reading("gio", dataset)
        tasks = {"gio": one, "dask": Task("benchmarks.cluster", _arguments(one))}
        measured = compare("cluster", tasks, setup.rounds)
    about = {"data": "wide UTF-16LE", "size": size_name(dataset.recipe.size), "workers": WORKERS}
    rows: list[Row] = []
    for way, rounds in measured.items():
        found = {**about, "way": way, **row(rounds), "to_one": ratio(rounds, measured["gio"])}
        firsts = [one.notes["first_pass_s"] for one in rounds if "first_pass_s" in one.notes]
        if firsts:
            found["first_pass_s"] = round(statistics.median(firsts), 4)
        rows.append(found)
    return rows


def _arguments(task: Task) -> dict[str, Any]:
    return {name: value for name, value in task.arguments.items() if name != "way"}


class _Cluster(Trial):
    """Workers that are ready, and have read something small."""

    def __init__(self, job: Any, small: Any, dataset: Dataset) -> None:
        self._distributed = importlib.import_module("distributed")
        cluster = self._distributed.LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0"
        )
        self._client = self._distributed.Client(cluster)
        self.pids = tuple(self._client.run(_pid).values())
        self._job = job
        self._dataset = dataset
        self._first_pass_s = 0.0
        small.to_dask(self._client).compute()

    def run(self) -> Any:
        began = time.perf_counter()
        lazy = self._job.to_dask(self._client, blocksize=BLOCKSIZE)
        self._first_pass_s = time.perf_counter() - began
        kept = lazy.persist()
        self._distributed.wait(kept)
        return kept

    def faults(self, result: Any) -> list[str]:
        frame = result.compute()
        return answers.faults(columns(frame), self._dataset.columns, self._dataset.rows)

    def notes(self) -> dict[str, Any]:
        return {"first_pass_s": self._first_pass_s}

    def close(self) -> None:
        self._client.shutdown()


def _pid() -> int:
    import os

    return os.getpid()


def begin(*, dataset: Any, source: Any, warm: Any) -> Trial:
    """Start the cluster; arguments as ``ways.begin``."""
    return _Cluster(from_json(source).job(), from_json(warm).job(), Dataset.from_json(dataset))
