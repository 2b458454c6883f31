"""Decoding alone: UTF-16LE in memory to pandas, beside pyarrow's own parse of it as UTF-8."""

from __future__ import annotations

from benchmarks.data import SHAPES
from benchmarks.rounds import Row, compare, ratio, row
from benchmarks.setup import MB, Setup, size_name

__all__ = ["run"]

WAYS = ("gio", "utf8_text", "utf8_guessed", "script_text")


def run(setup: Setup) -> list[Row]:
    """Measure each shape.

    Returns
    -------
    list of dict
        A row a way; ``to_utf8`` is the ratio to pyarrow's parse into Arrow with the ids as text.
        The table that is made of it is not pandas' yet: pyarrow does less there than this project.
    """
    rows: list[Row] = []
    reading = setup.from_memory()
    for shape in SHAPES:
        dataset = setup.dataset(shape, "UTF-16LE", setup.size(200 * MB, 10 * MB))
        about = {"data": f"{shape} UTF-16LE", "size": size_name(dataset.recipe.size)}
        tasks = {way: reading(way, dataset) for way in WAYS}
        measured = compare(f"decode {shape}", tasks, setup.rounds)
        rows += [
            {
                **about,
                "way": way,
                **row(rounds, dataset.size),
                "to_utf8": ratio(rounds, measured["utf8_text"]),
            }
            for way, rounds in measured.items()
        ]
    return rows
