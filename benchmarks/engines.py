"""What an export is asked after it became Parquet, by four engines on one machine."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measurement import Trial

__all__ = ["ENGINES", "QUESTIONS", "begin"]

QUESTIONS = ("group", "distinct", "join")

_ID, _CITY, _LEVEL, _TAG = "gio_id", "城市", "会员等级", "tag_payments"


class _Pandas:
    def __init__(self, users: Path, tag: Path) -> None:
        import pandas as pd

        self._pd = pd
        self._users = users
        self._tag = tag

    def group(self) -> int:
        users = self._pd.read_parquet(self._users, columns=[_CITY])
        return int(users.groupby(_CITY, dropna=False).size().sum())

    def distinct(self) -> int:
        return int(self._pd.read_parquet(self._users, columns=[_ID])[_ID].nunique())

    def join(self) -> int:
        users = self._pd.read_parquet(self._users, columns=[_ID, _LEVEL])
        both = users.merge(self._pd.read_parquet(self._tag), on=_ID)
        return int(both.groupby(_LEVEL)[_TAG].agg(["count", "sum"])["count"].sum())


class _DuckDB:
    def __init__(self, users: Path, tag: Path) -> None:
        self._ask = importlib.import_module("duckdb").connect().execute
        self._users = f"read_parquet('{users}/*.parquet')"
        self._tag = f"read_parquet('{tag}/*.parquet')"

    def group(self) -> int:
        return self._sum(f'SELECT count(*) AS n FROM {self._users} GROUP BY "{_CITY}"')

    def distinct(self) -> int:
        return self._sum(f"SELECT count(DISTINCT {_ID}) AS n FROM {self._users}")

    def join(self) -> int:
        return self._sum(
            f"SELECT count({_TAG}) AS n, sum({_TAG}) FROM {self._users} "
            f'JOIN {self._tag} USING ({_ID}) GROUP BY "{_LEVEL}"'
        )

    def _sum(self, query: str) -> int:
        return sum(found[0] for found in self._ask(query).fetchall())


class _Polars:
    def __init__(self, users: Path, tag: Path) -> None:
        self._pl: Any = importlib.import_module("polars")
        self._users = self._pl.scan_parquet(f"{users}/*.parquet")
        self._tag = self._pl.scan_parquet(f"{tag}/*.parquet")

    def group(self) -> int:
        return int(self._users.group_by(_CITY).len().collect()["len"].sum())

    def distinct(self) -> int:
        return int(self._users.select(self._pl.col(_ID).n_unique()).collect().item())

    def join(self) -> int:
        both = self._users.select(_ID, _LEVEL).join(self._tag, on=_ID).group_by(_LEVEL)
        value = self._pl.col(_TAG)
        return int(both.agg(value.count(), value.sum().alias("sum")).collect()[_TAG].sum())


class _Dask:
    def __init__(self, users: Path, tag: Path) -> None:
        distributed = importlib.import_module("distributed")
        self._dd: Any = importlib.import_module("dask.dataframe")
        cluster = distributed.LocalCluster(
            n_workers=os.cpu_count() or 2, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        )
        self.client = distributed.Client(cluster)
        self.pids = tuple(self.client.run(os.getpid).values())
        self._users = users
        self._tag = tag

    def group(self) -> int:
        users = self._dd.read_parquet(self._users, columns=[_CITY])
        return int(users.groupby(_CITY, dropna=False).size().compute().sum())

    def distinct(self) -> int:
        users = self._dd.read_parquet(self._users, columns=[_ID])
        return len(users[_ID].drop_duplicates(split_out=users.npartitions))

    def join(self) -> int:
        users = self._dd.read_parquet(self._users, columns=[_ID, _LEVEL])
        both = users.merge(self._dd.read_parquet(self._tag), on=_ID)
        counted = both.groupby(_LEVEL)[_TAG].agg(["count", "sum"]).compute()
        return int(counted["count"].sum())


ENGINES: Mapping[str, Callable[[Path, Path], Any]] = {
    "pandas": _Pandas,
    "DuckDB": _DuckDB,
    "polars": _Polars,
    "Dask": _Dask,
}


class _Asking(Trial):
    def __init__(self, engine: Any, question: str, expected: int) -> None:
        self._engine = engine
        self._question = question
        self._expected = expected
        self.pids = getattr(engine, "pids", ())

    def run(self) -> Any:
        return getattr(self._engine, self._question)()

    def faults(self, result: Any) -> list[str]:
        return [] if result == self._expected else [f"{result:,}, not {self._expected:,}"]

    def close(self) -> None:
        client = getattr(self._engine, "client", None)
        if client is not None:
            client.shutdown()


def begin(*, engine: str, question: str, users: str, tag: str, expected: int) -> Trial:
    """Start an engine over two folders of Parquet; its import and its processes are not timed.

    Parameters
    ----------
    engine, question
        One of ``ENGINES``, one of ``QUESTIONS``.
    users, tag
        The folders of the user list and of a tag.
    expected
        What the answer's counts add up to.
    """
    return _Asking(ENGINES[engine](Path(users), Path(tag)), question, expected)
