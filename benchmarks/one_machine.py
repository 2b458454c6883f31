"""How far one machine goes: questions about a user list that was exported to Parquet."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.data import Dataset, common_users
from benchmarks.engines import ENGINES, QUESTIONS
from benchmarks.measurement import Task
from benchmarks.rounds import Row, compare, row
from benchmarks.setup import GB, MB, Setup, size_name
from benchmarks.sources import MemorySource

__all__ = ["run"]


def run(setup: Setup) -> list[Row]:
    """Export a user list and a tag to Parquet, and ask every engine every question.

    Returns
    -------
    list of dict
        A row a question and engine: ``users``, how many rows the user list has; see ``rounds.row``.
        The peak is that of all the engine's processes together.
    """
    users = setup.dataset("wide", "UTF-16LE", setup.size(GB, 50 * MB))
    tag = setup.dataset("number", "UTF-16LE", setup.size(200 * MB, 10 * MB))
    if not hasattr(_job(tag), "to_parquet"):
        return [{"question": "all", "engine": "all", "cannot": "this version has no to_parquet"}]
    folder = Path(tempfile.mkdtemp(prefix="gio-bench-"))
    try:
        for name, dataset in (("users", users), ("tag", tag)):
            _job(dataset).to_parquet(folder / name)
        return _ask(setup, folder, users, tag)
    finally:
        shutil.rmtree(folder)


def _job(dataset: Dataset) -> Any:
    return MemorySource(paths=dataset.paths, charset=dataset.recipe.charset).job()


def _ask(setup: Setup, folder: Path, users: Dataset, tag: Dataset) -> list[Row]:
    expected = {
        "group": users.rows,
        "distinct": users.rows,
        "join": common_users(users, tag),
    }
    rows: list[Row] = []
    for question in QUESTIONS:
        tasks = {
            engine: Task(
                "benchmarks.engines",
                {
                    "engine": engine,
                    "question": question,
                    "users": str(folder / "users"),
                    "tag": str(folder / "tag"),
                    "expected": expected[question],
                },
            )
            for engine in ENGINES
        }
        measured = compare(question, tasks, 1 if setup.quick else setup.rounds)
        about = {"question": question, "size": size_name(users.recipe.size), "users": users.rows}
        rows += [{**about, "engine": name, **row(found)} for name, found in measured.items()]
    return rows
