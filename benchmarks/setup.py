"""How a run is set up: where data is kept, how many rounds, how large."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import Dataset, Recipe, make
from benchmarks.measurement import Task
from benchmarks.server import sandbox_process

__all__ = ["GB", "KB", "MB", "Setup", "size_name"]

KB, MB, GB = 1000, 1_000_000, 1_000_000_000

Reading = Callable[[str, Dataset], Task]
"""Makes the task of reading a dataset in one of the ways."""


@dataclass(frozen=True)
class Setup:
    """What holds for a whole run.

    Parameters
    ----------
    data
        The folder that datasets are kept in.
    rounds
        How often everything is measured.
    quick
        Whether small sizes are enough.
    """

    data: Path
    rounds: int = 5
    quick: bool = False

    def size(self, full: int, quick: int) -> int:
        """Choose one of two sizes in bytes."""
        return quick if self.quick else full

    def dataset(self, shape: str, charset: str, size: int, files: int = 1) -> Dataset:
        """Give a dataset, writing it where it is not there yet."""
        return make(self.data, Recipe(shape, charset, size, files))

    @contextmanager
    def over_http(self, datasets: list[Dataset], **options: Any) -> Iterator[Reading]:
        """Serve datasets as finished jobs of a sandbox, and give what reads them.

        Parameters
        ----------
        datasets
            What is served.
        **options
            More of the sandbox's options.
        """
        warm = self._warm("UTF-16LE")
        jobs = {_job(dataset): list(dataset.paths) for dataset in (*datasets, warm)}
        with sandbox_process(results=jobs, **options) as platform:
            token = platform.token()

            def source(dataset: Dataset) -> dict[str, Any]:
                return {
                    "url": platform.url,
                    "api_key": platform.api_key,
                    "token": token,
                    "job_id": _job(dataset),
                    "links": platform.links(_job(dataset), token),
                    "charset": dataset.recipe.charset,
                }

            yield lambda way, dataset: _task(way, dataset, source(dataset), source(warm))

    def from_memory(self) -> Reading:
        """Give what reads datasets that were put into memory before."""

        def source(dataset: Dataset) -> dict[str, Any]:
            return {"paths": dataset.paths, "charset": dataset.recipe.charset}

        warm = self._warm("UTF-16LE")
        return lambda way, dataset: _task(way, dataset, source(dataset), source(warm))

    def _warm(self, charset: str) -> Dataset:
        return self.dataset("number", charset, KB)


def size_name(size: int) -> str:
    """Write a size in bytes as people say it."""
    for unit, name in ((GB, "GB"), (MB, "MB"), (KB, "KB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} B"


def _job(dataset: Dataset) -> str:
    return f"bench-{dataset.recipe.name}"


def _task(way: str, dataset: Dataset, source: dict[str, Any], warm: dict[str, Any]) -> Task:
    arguments = {"way": way, "dataset": dataset.as_json(), "source": source, "warm": warm}
    return Task("benchmarks.ways", arguments)
