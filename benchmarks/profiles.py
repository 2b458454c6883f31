"""10,000 users' profiles: many users in a request, beside one request a user."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import httpx

from benchmarks.measurement import Measured, Task, Trial, measure
from benchmarks.rounds import Row, ratio, row
from benchmarks.server import sandbox_process
from benchmarks.setup import Setup

__all__ = ["USERS", "begin", "run"]

USERS = 10_000
PROJECT, PROJECT_ID = "默认项目", "WlGk4Daj"
EVERYBODY = "全部用户"
PROPERTIES = ["usr_city", "usr_age", "usr_register_time", "tag_payment_times"]

_CHECKED = 20
"""Users who are asked for once more, one by one, with a token, to see that all is right."""

_QUERY = """
query One($project: HashId!, $user: String, $keys: [String!]) {
  userProfile(projectId: $project, userId: $user, properties: $keys) {
    id userId properties { key name value }
  }
}
"""


def run(setup: Setup) -> list[Row]:
    """Read the users turn by turn; of those who are asked for one by one, only a sample.

    Returns
    -------
    list of dict
        A row a way: ``way``, ``gio`` or ``one_by_one``; ``users``, how many there are; ``asked``,
        how many of them were asked for; ``requests``, how many the platform saw for them, with
        that for the token; see ``rounds.row``; ``scaled_s``, the seconds for all of the users, as
        many times those of the sample as there are more; ``times``, how often the time of
        ``gio`` that is.
    """
    sample = 200 if setup.quick else 1000
    counts = {"gio": USERS, "one_by_one": sample}
    measured: dict[str, list[Measured]] = {way: [] for way in counts}
    requests: dict[str, int] = {}
    with sandbox_process(users=USERS, stage_seconds=0) as platform:
        ids = _everybody(platform.url, platform.api_key)
        for number in range(setup.rounds):
            for way, count in counts.items():
                access = {"url": platform.url, "api_key": platform.api_key}
                task = Task("benchmarks.profiles", {**access, "way": way, "ids": ids[:count]})
                platform.requests()
                measured[way].append(measure(task))
                requests[way] = platform.requests() - (_CHECKED + 1) * (way == "gio")
                print(f"profiles, {way}, {number + 1} of {setup.rounds}", file=sys.stderr)
    return [
        {"way": way, "users": USERS, "asked": count, "requests": requests[way]}
        | _figures(measured[way], measured["gio"], USERS / count)
        for way, count in counts.items()
    ]


def _everybody(url: str, api_key: str) -> list[str]:
    gio: Any = importlib.import_module("gio_pandas")
    with gio.Session(url, api_key=api_key, project=PROJECT) as session:
        return list(session.read_segment(EVERYBODY)["gio_id"])


def _figures(measured: list[Measured], ours: list[Measured], scale: float) -> Row:
    found = row(measured)
    times = ratio(measured, ours)
    if "cannot" in found or times is None:
        return found
    return found | {
        "scaled_s": round(found["wall_s"] * scale, 2),
        "times": round(times * scale, 1),
    }


class _Together(Trial):
    """``read_profiles`` of all, as fast as the platform is."""

    def __init__(self, url: str, api_key: str, ids: list[str]) -> None:
        gio: Any = importlib.import_module("gio_pandas")
        self._ids = ids
        self._alone = _OneByOne(url, api_key, ids[:: max(1, len(ids) // _CHECKED)][:_CHECKED])
        known = {"api_key": api_key, "project": PROJECT, "requests_per_second": None}
        self._session = gio.Session(url, **known)

    def run(self) -> Any:
        return self._session.read_profiles(self._ids, properties=PROPERTIES, dtype=str)

    def faults(self, result: Any) -> list[str]:
        if list(result["user_id"]) != self._ids or result.attrs["gio"]["unknown"]:
            return ["other users than were asked for"]
        rows = result.astype(object).where(result.notna(), None).set_index("user_id")
        told = self._alone.run()
        wrong = [one for one, values in told.items() if rows.loc[one].tolist() != values]
        return [f"{len(wrong)} of {len(told)} users are wrong"] if wrong else []

    def close(self) -> None:
        self._session.close()
        self._alone.close()


class _OneByOne(Trial):
    """A loop of requests over one connection, as a script does it."""

    def __init__(self, url: str, api_key: str, ids: list[str]) -> None:
        self._ids = ids
        self._url = url
        form = {
            "grant_type": "client_credentials",
            "client_id": "api",
            "client_secret": api_key,
            "scope": "system",
        }
        self._http = httpx.Client(trust_env=False)
        answer = self._http.post(f"{url}/accounts/oauth/access_token", data=form).json()
        self._http.headers["Authorization"] = f"Token {answer['access_token']}"

    def run(self) -> dict[str, list[str | None]]:
        return {one: self._values(one) for one in self._ids}

    def _values(self, user: str) -> list[str | None]:
        variables = {"project": PROJECT_ID, "user": user, "keys": PROPERTIES}
        body = {"query": _QUERY, "variables": variables}
        answer = self._http.post(f"{self._url}/graphql", json=body).json()
        return [entry["value"] for entry in answer["data"]["userProfile"]["properties"]]

    def faults(self, result: Any) -> list[str]:
        return [] if list(result) == self._ids else ["other users than were asked for"]

    def close(self) -> None:
        self._http.close()


def begin(*, url: str, api_key: str, way: str, ids: list[str]) -> Trial:
    """Make what asks, which has asked for nobody yet."""
    import gio_pandas.exports.profiles  # noqa: F401  # before the clock starts

    return (_Together if way == "gio" else _OneByOne)(url, api_key, ids)
