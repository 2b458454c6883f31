"""Many users' profiles (用户画像): asked for in few requests, and put into a table."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from gio_pandas._version import __version__
from gio_pandas.api.models import Profile, Project, Tag
from gio_pandas.exports import dtypes, frames, notices
from gio_pandas.exports.dtypes import Ground
from gio_pandas.exports.leash import Leash
from gio_pandas.exports.poller import Limiter
from gio_pandas.exports.progress import Progress, Tracker
from gio_pandas.stops import stopped

__all__ = [
    "USER_ID",
    "Asked",
    "Inquiry",
    "Platform",
    "UserTracker",
    "ask",
    "check_ids",
    "to_frame",
]

USER_ID = "user_id"
"""What the first column is called, which has the ids as they were asked for."""

_AT_ONCE = 4
"""Requests that are on their way at once."""

_HEARD = 0.2
"""Seconds within which Ctrl-C is heard."""

Answers = Mapping[str, Profile | None]


class Platform(Protocol):
    """What answers for users; see ``Client``."""

    @property
    def users_per_request(self) -> int:
        """How many users it can be asked for at once."""
        ...

    def profiles(
        self,
        user_ids: Sequence[str],
        *,
        project_id: str | None = None,
        tags: Sequence[str] = (),
        properties: Sequence[str] = (),
        pace: Callable[[], None],
    ) -> Answers:
        """Ask for some users; see ``Client.profiles``."""
        ...


@dataclass(frozen=True)
class Asked:
    """A tag or property that is asked for: a column.

    Parameters
    ----------
    key
        What an answer calls it.
    name
        What it is called where no answer says that.
    tag
        The tag, where it is one.
    """

    key: str
    name: str
    tag: Tag | None = None

    @property
    def spellings(self) -> tuple[str, ...]:
        """The keys that an answer may have it under; built-in ones come with and without usr_."""
        if self.tag is not None:
            return (self.key, self.tag.id)
        if self.key.startswith("usr_$"):
            return (self.key, self.key.removeprefix("usr_"))
        return (self.key, f"usr_{self.key}") if self.key.startswith("$") else (self.key,)

    @property
    def value_type(self) -> str | None:
        """What the platform says of its values: INT, STRING, DOUBLE, DATE, or nothing."""
        if self.tag is None:
            return None
        return "STRING" if self.tag.is_array else self.tag.value_type


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What is asked of each user.

    Parameters
    ----------
    platform
        The platform's address.
    project
        Who is asked as a project sees them; None for the platform's own view.
    tags, properties
        What is asked for.
    dtype, dtype_backend
        As ``ExportJob.to_pandas``.
    """

    platform: str
    project: Project | None
    tags: Sequence[Tag]
    properties: Sequence[str]
    dtype: Any = None
    dtype_backend: frames.DtypeBackend | None = None

    @property
    def columns(self) -> list[Asked]:
        """A column for each tag, then for each property; of two of the same key the first."""
        asked = [Asked(tag.key or tag.id, tag.name, tag) for tag in self.tags]
        asked += [Asked(key, key) for key in self.properties]
        first: dict[str, Asked] = {}
        for one in asked:
            first.setdefault(one.key, one)
        return list(first.values())

    @property
    def arguments(self) -> dict[str, Any]:
        """What ``Platform.profiles`` takes; the platform as a whole has keys alone."""
        if self.project is None:
            return {"properties": [one.key for one in self.columns]}
        keys = [one.key for one in self.columns if one.tag is None]
        tags = [one.tag.id for one in self.columns if one.tag is not None]
        return {"project_id": self.project.id, "tags": tags, "properties": keys}

    @property
    def source(self) -> dict[str, Any]:
        """Where a frame comes from, in plain values: the first half of its provenance."""
        return {
            "platform": self.platform,
            "project": self.project.id if self.project else None,
            "project_name": self.project.name if self.project else None,
            "kind": "profiles",
            "id": None,  # they are those of no one thing
            "name": None,
            "arguments": {
                "scope": "project" if self.project else "platform",
                "tags": [tag.id for tag in self.tags],
                "properties": list(self.properties),
                "dtype": frames.plain(self.dtype),
                "dtype_backend": self.dtype_backend,
            },
        }


# --- the users -----------------------------------------------------------------------------------


def check_ids(user_ids: Any) -> list[str | None]:
    """Take ids out of whatever holds them; None where one is missing or empty.

    Raises
    ------
    TypeError
        One is a number, of which nobody knows how it was written, or no id at all.
    """
    if isinstance(user_ids, str):
        user_ids = [user_ids]
    if hasattr(user_ids, "columns"):
        raise TypeError("user_ids= takes ids, not a frame: pass a column, such as df['gio_id']")
    if not isinstance(user_ids, Iterable) or isinstance(user_ids, bytes):
        raise TypeError(f"user_ids= takes ids, such as ['C001'], not {user_ids!r:.60}")
    return [_check_id(one) for one in getattr(user_ids, "to_pylist", lambda: user_ids)()]


def _check_id(one: Any) -> str | None:
    if isinstance(one, str):
        return str(one) or None
    if one is None or (pd.api.types.is_scalar(one) and pd.isna(one)):
        return None
    raise TypeError(
        f"user_ids= takes ids as text, not {type(one).__name__} {one!r}: a number has lost its "
        "leading zeros, and a long one its last digits; read them as text, with dtype=str"
    )


# --- asking --------------------------------------------------------------------------------------


class UserTracker(Tracker):
    """Knows of many users how many have been answered for.

    Parameters
    ----------
    total
        How many there are.
    """

    def __init__(self, total: int) -> None:
        super().__init__(f"profiles (用户画像) of {total:,} user{'s' * (total != 1)}")
        self._total = total
        self.done = 0

    def snapshot(self) -> Progress:
        """Say how far they are."""
        return replace(super().snapshot(), exports=(self.done, self._total))


def ask(
    platform: Platform,
    user_ids: Iterable[str],
    inquiry: Inquiry,
    *,
    limiter: Limiter,
    tracker: UserTracker,
    sleep: Callable[[float], None] | None = None,
) -> Answers:
    """Ask for many users, some requests at once.

    Parameters
    ----------
    platform
        Who is asked.
    user_ids
        The users, each once.
    inquiry
        What is asked for.
    limiter
        How often the platform may be asked.
    tracker
        What is told how far it is.
    sleep
        How to pass seconds; left out, in a way that Ctrl-C ends.

    Returns
    -------
    mapping
        Each user's profile; None for an unknown user.

    Raises
    ------
    GioError
        A user could not be asked for.
    """
    reading = _Reading(platform, user_ids, inquiry, limiter, tracker, sleep)
    try:
        with tracker.reading():
            reading.run()
    except KeyboardInterrupt:
        raise stopped("stopped reading profiles; nothing goes on, run it again") from None
    finally:
        reading.stop()
    return reading.answers


class _Reading:
    """One call of ``ask``: who is still to be asked for, and what came."""

    def __init__(
        self,
        platform: Platform,
        user_ids: Iterable[str],
        inquiry: Inquiry,
        limiter: Limiter,
        tracker: UserTracker,
        sleep: Callable[[float], None] | None,
    ) -> None:
        self.answers: dict[str, Profile | None] = {}
        self._platform = platform
        self._arguments = inquiry.arguments
        self._limiter = limiter
        self._tracker = tracker
        self._todo = deque(user_ids)
        self._lock = threading.Lock()
        self._number_is_known = threading.Event()
        self._leash = Leash()
        self._sleep = sleep or self._leash.sleep

    def run(self) -> None:
        """Ask until all have been answered for, in a way that Ctrl-C ends."""
        begun: list[Future[None]] = [Future() for _ in range(min(_AT_ONCE, len(self._todo)))]
        for number, done in enumerate(begun):
            # Not a pool's: the program's end would wait for it, a silent server's for a minute.
            work, name = (done, number == 0), f"gio-profiles-{number}"
            threading.Thread(target=self._work, args=work, name=name, daemon=True).start()
        waiting = bool(begun)
        while waiting:
            waiting = bool(wait(begun, timeout=_HEARD, return_when=FIRST_EXCEPTION).not_done)
            for done in begun:
                if done.done():
                    done.result()

    def stop(self) -> None:
        """Let go of what is still asked."""
        self._leash.let_go()

    def _work(self, done: Future[None], is_first: bool) -> None:
        try:
            # One finds out how many the platform takes, before others ask it for as many.
            while not is_first and not self._number_is_known.wait(_HEARD):
                self._leash.check()
            while user_ids := self._next():
                self._ask(user_ids)
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)
            self._number_is_known.set()

    def _next(self) -> list[str]:
        with self._lock:
            count = min(self._platform.users_per_request, len(self._todo))
            return [self._todo.popleft() for _ in range(count)]

    def _ask(self, user_ids: Sequence[str]) -> None:
        self._pace()
        with self._leash.asking():
            answers = self._platform.profiles(user_ids, **self._arguments, pace=self._pace)
        with self._lock:
            self.answers.update(answers)
            self._todo.extendleft(one for one in reversed(user_ids) if one not in answers)
            self._tracker.done = len(self.answers)
        if len(answers) == len(user_ids):
            self._number_is_known.set()

    def _pace(self) -> None:
        while pause := self._limiter.take():
            self._sleep(pause)


# --- the table -----------------------------------------------------------------------------------


def to_frame(user_ids: Sequence[str | None], answers: Answers, inquiry: Inquiry) -> pd.DataFrame:
    """Put profiles into a frame; see ``Session.read_profiles``.

    Parameters
    ----------
    user_ids
        The rows: ids, each as often as it was asked for; None is a row of missing values.
    answers
        The profile of each id; None for an unknown user.
    inquiry
        What was asked for.

    Returns
    -------
    pandas.DataFrame
        ``attrs["gio"]`` has the columns' ``keys`` and the ``unknown`` ids, beside what any frame's
        has.
    """
    asked = inquiry.columns
    known = [profile for profile in answers.values() if profile is not None]
    names = dtypes.unique_names([USER_ID, *(_name(one, known) for one in asked)])
    chosen = frames.chosen_dtypes(names, inquiry.dtype)
    rules = _rules(names, asked, chosen)
    rows = [answers.get(user_id) if user_id else None for user_id in user_ids]
    written = [list(user_ids), *([_value(one, row) for row in rows] for one in asked)]
    frame = frames.to_frame(
        (_typed(rule, values) for rule, values in zip(rules, written, strict=True)),
        len(rows),
        dtype=chosen,
        dtype_backend=inquiry.dtype_backend,
    )
    _warn_of_others(known, asked)
    frame.attrs["gio"] = {
        **inquiry.source,
        "rows": len(frame),
        "read": datetime.now(UTC).isoformat(timespec="seconds"),
        "keys": dict(zip(names[1:], (one.key for one in asked), strict=True)),
        "unknown": [one for one in dict.fromkeys(user_ids) if one and answers[one] is None],
        "columns": frames.spelled(frame),
        "decided_by": {
            rule.name: rule.ground.value for rule in rules if rule.ground is not Ground.VALUES
        },
        "version": __version__,
    }
    return frame


def _name(one: Asked, known: Iterable[Profile]) -> str:
    named = (profile.names.get(key) for profile in known for key in one.spellings)
    return next(filter(None, named), one.name)


def _value(one: Asked, profile: Profile | None) -> str | None:
    values = {} if profile is None else profile.values
    found = next((values[key] for key in one.spellings if key in values), None)
    return found or None  # the empty one is missing, as in a file


def _rules(
    names: Sequence[str], asked: Sequence[Asked], chosen: Mapping[str, Any]
) -> list[dtypes.Rule]:
    """Say what each column may become, as in a list of users; its key may say that it has ids."""
    pairs = list(zip(names[1:], asked, strict=True))
    value_types = {name: one.value_type for name, one in pairs if one.value_type is not None}
    ids = [name for name, one in pairs if dtypes.is_identity(one.key)]
    return dtypes.rules(names, analysis=False, value_types=value_types, keep_text=[*chosen, *ids])


def _typed(rule: dtypes.Rule, values: list[str | None]) -> frames.Column:
    piece = rule.read(pa.array(values, dtypes.TEXT))
    type_ = rule.decide({piece.seen})
    rule.warn(type_)
    typed = piece.cast(type_)
    return frames.Column(rule.name, type_, bool(typed.null_count), iter([typed]))


def _warn_of_others(known: Iterable[Profile], asked: Sequence[Asked]) -> None:
    """Warn where a column is empty, and the platform answers keys that nobody has asked for."""
    came = {key for profile in known for key in profile.values}
    empty = [one.key for one in asked if came.isdisjoint(one.spellings)]
    others = came - {key for one in asked for key in one.spellings}
    if empty and others:
        notices.warn(
            f"The platform answers nothing for {', '.join(empty)}, but "
            f"{', '.join(sorted(others)[:10])}: is that what you mean?"
        )
