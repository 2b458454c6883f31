"""A finished export over HTTP to a DataFrame: this project beside what else is used for it."""

from __future__ import annotations

from benchmarks.data import Dataset
from benchmarks.rounds import Row, compare, ratio, row
from benchmarks.setup import GB, KB, MB, Reading, Setup, size_name

__all__ = ["read_in_ways", "run"]

WAYS = ("gio", "script", "script_text", "script_pyarrow", "pyarrow_csv", "polars", "curl")

_BASES = {"to_b": "script_text", "to_f": "curl", "to_httpx": "httpx_file"}
_UTF16 = "UTF-16LE"
_FULL = (
    ("wide", _UTF16, KB, 1),
    ("wide", _UTF16, 10 * MB, 1),
    ("number", _UTF16, 10 * MB, 1),
    ("wide", _UTF16, 200 * MB, 1),
    ("number", _UTF16, 200 * MB, 1),
    ("word", _UTF16, 200 * MB, 1),
    ("wide", _UTF16, 200 * MB, 8),
    ("wide", "UTF-8", 200 * MB, 1),
    ("wide", "GBK", 200 * MB, 1),
    ("wide", _UTF16, GB, 1),
    ("number", _UTF16, GB, 1),
    ("word", _UTF16, GB, 1),
)
_QUICK = (
    ("wide", _UTF16, KB, 1),
    ("wide", _UTF16, 10 * MB, 1),
    ("number", _UTF16, 10 * MB, 1),
    ("wide", "GBK", 10 * MB, 8),
)


def run(setup: Setup) -> list[Row]:
    """Measure every dataset in every way, as fast as the sandbox sends."""
    rows: list[Row] = []
    for shape, charset, size, files in _QUICK if setup.quick else _FULL:
        dataset = setup.dataset(shape, charset, size, files)
        with setup.over_http([dataset]) as reading:
            rows += read_in_ways(setup, reading, dataset, WAYS)
    return rows


def read_in_ways(
    setup: Setup, reading: Reading, dataset: Dataset, ways: tuple[str, ...]
) -> list[Row]:
    """Measure a dataset in several ways, with ratios to (b), to (f) and to httpx where there.

    Returns
    -------
    list of dict
        A row a way: ``data``, ``size``, ``files``, ``way``; see ``rounds.row``; ``to_b``, ``to_f``
        and ``to_httpx``, medians of the rounds' ratios.
    """
    recipe = dataset.recipe
    about = {
        "data": f"{recipe.shape} {recipe.charset}",
        "size": size_name(recipe.size),
        "files": recipe.files,
    }
    title = " ".join(map(str, about.values()))
    measured = compare(title, {way: reading(way, dataset) for way in ways}, setup.rounds)
    rows: list[Row] = []
    for way, rounds in measured.items():
        found = {**about, "way": way, **row(rounds, dataset.size)}
        if way == "curl":  # its memory is not the measured process's
            found.pop("peak_mb", None)
            found.pop("peak_x", None)
        for name, base in _BASES.items():
            if base in measured:
                found[name] = ratio(rounds, measured[base])
        rows.append(found)
    return rows
