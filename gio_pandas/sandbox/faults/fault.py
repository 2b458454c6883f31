"""What a sandbox is told to do wrong, and when."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

from gio_pandas.sandbox.faults import (
    answers,
    connections,
    contents,
    gateway,
    results,
    statuses,
    transfers,
)
from gio_pandas.sandbox.faults.kind import ALWAYS, ANY, Kind

FAULTS: Mapping[str, Kind] = {
    kind.name: kind
    for room in (connections, statuses, gateway, answers, results, transfers, contents)
    for kind in room.KINDS
}
"""Every fault there is, by name."""

_TEXT = re.compile(r"(?P<name>\w+)(?::(?P<step>\w+))?(?:@(?P<at>[\w%+.-]+))?")
_READ: Mapping[str, Callable[[str], Any]] = {
    "seed": int,
    "file": int,
    "seconds": float,
    "size": int,
    "retry_after": float,
    "retry_date": float,
    "status": int,
    "url": str,
}
_COMMON = {"seed": 1}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong at some requests.

    It has a short text form, ``name:step@at,parameter=value``, of which all but the name may be
    left out: ``"drop"``, ``"cut:download@2,size=1000"``, ``"503:any@5%,seed=7"``. For ``at``, ``3``
    is the third request, ``1+3`` the first and the third, ``2-4`` three of them, ``2-`` the second
    and all that follow, ``all`` every one, ``5%`` one of twenty, drawn by lot.

    Parameters
    ----------
    name
        One of `FAULTS`.
    step
        ``"token"``, ``"query"``, ``"submit"``, ``"poll"``, ``"download"``, or ``"any"`` for each of
        these that the fault can hit; they count together then. Left out, what is usual for it.
    at
        Which of the step's requests it hits, counted from 1: a number, several, or a range
        (`ALWAYS` for all). Left out, what is usual for it.
    probability
        How likely it hits one of these, above 0 and up to 1.
    seed
        Decides which those are.
    file
        Hits downloads of a job's n-th file alone, counted from 1; ``at`` counts these then.
    seconds, size, retry_after, retry_date, status, url
        See `FAULTS`, which has what each fault takes: seconds; bytes (or what else it counts);
        seconds in ``Retry-After``, as a number or as a date; an HTTP status; an address.

    Raises
    ------
    ValueError
        There is no such fault, or it cannot do that; the message has what there is.
    """

    name: str
    step: str = ""
    at: int | Sequence[int] | None = None
    _: KW_ONLY
    probability: float | None = None
    seed: int = 1
    file: int | None = None
    seconds: float | None = None
    size: int | None = None
    retry_after: float | None = None
    retry_date: float | None = None
    status: int | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, and fill in what is usual."""
        if self.name not in FAULTS:
            raise ValueError(f"no fault is called {self.name!r}; there are {', '.join(FAULTS)}")
        at = (self.at,) if isinstance(self.at, int) else self.at
        self._fill("at", self.kind.at if at is None else at if isinstance(at, range) else tuple(at))
        self._fill("step", self.step or self.kind.step)
        if self.step not in (ANY, *self.kind.steps):
            raise ValueError(
                f"{self.name} hits {', '.join(self.kind.steps)} or {ANY}, not {self.step!r}"
            )
        self._check_parameters()
        if self.probability is not None and not 0 < self.probability <= 1:
            raise ValueError(f"probability must be above 0 and up to 1, not {self.probability!r}")
        if not self.requests or min(self.requests[:1]) < 1:
            raise ValueError(f"at counts requests from 1, not {self.at!r}")

    def _fill(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_parameters(self) -> None:
        takes = self.kind.parameters
        for name in _READ:
            if name not in {*_COMMON, *takes} and getattr(self, name) is not None:
                known = ", ".join(takes) or "none"
                raise ValueError(f"{self.name} does not take {name}; its parameters: {known}")
        for name in ("seconds", "size", "file", "retry_after", "retry_date"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)!r}")
        if self.file is not None and self.step not in (ANY, "download"):
            raise ValueError(f"file is of downloads, and {self.name} is to hit {self.step!r}")
        if "url" in takes and not self.url:
            raise ValueError(f"{self.name} needs url=, the address of another server")

    @property
    def kind(self) -> Kind:
        """What it does."""
        return FAULTS[self.name]

    @property
    def requests(self) -> Sequence[int]:
        """Which of the step's requests it may hit."""
        assert isinstance(self.at, Sequence)  # noqa: S101 it was filled in
        return self.at

    def hits(self, step: str, file: int) -> bool:
        """Tell whether a request of that step, for a job's file of that number, may be hit.

        Parameters
        ----------
        step
            What the request is for.
        file
            The number of the job's file that is asked for, from 1; 0 where it is for none.

        Returns
        -------
        bool
            Whether this fault is of such requests.
        """
        steps = self.kind.steps if self.step == ANY else (self.step,)
        wanted = self.file or self.kind.takes.get("file")
        return step in steps and wanted in (None, file)

    def parameter(self, name: str) -> Any:
        """Return a parameter, or its default.

        Parameters
        ----------
        name
            One of what the fault takes, such as ``"seconds"``.

        Returns
        -------
        object
            What was given, else what is usual for it.
        """
        given = getattr(self, name)
        return self.kind.takes.get(name) if given is None else given

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the short text form.

        Parameters
        ----------
        text
            Such as ``"cut:download@2,size=1000"``.

        Returns
        -------
        Fault
            What the text says.

        Raises
        ------
        ValueError
            It is none, or of no fault.
        """
        head, *rest = text.strip().split(",")
        found = _TEXT.fullmatch(head)
        pairs = [piece.partition("=") for piece in rest]
        if found is None or not all(value for _, _, value in pairs):
            raise ValueError(f"{text!r} is no fault; write it like cut:download@2,size=1000")
        if strange := [name for name, _, _ in pairs if name not in _READ]:
            raise ValueError(f"{text!r}: no parameter is {strange[0]!r}; some: {', '.join(_READ)}")
        try:
            when = _read_when(found["at"] or "")
            given = {name: _READ[name](value) for name, _, value in pairs}
        except ValueError as error:
            raise ValueError(f"{text!r} is no fault: {error}") from error
        return cls(found["name"], found["step"] or "", **when, **given)

    def __str__(self) -> str:
        """Write the short text form."""
        given = {name: getattr(self, name) for name in _READ}
        told = {name: value for name, value in given.items() if value != _COMMON.get(name)}
        at = _write_at(self.requests) if self.probability is None else f"{self.probability:.6%}"
        return f"{self.name}:{self.step}@{at}" + "".join(f",{n}={v}" for n, v in told.items())


def read_faults(faults: Sequence[Fault | str]) -> tuple[Fault, ...]:
    """Read faults, some of which may be in the short text form."""
    if isinstance(faults, str | Fault):
        faults = [faults]
    return tuple(Fault.parse(one) if isinstance(one, str) else one for one in faults)


def _read_when(text: str) -> dict[str, Any]:
    try:
        return _read_at(text) if text else {}
    except ValueError as error:
        raise ValueError(f"@{text} must be like @2, @1+3, @2-4, @2-, @all or @5%") from error


def _read_at(text: str) -> dict[str, Any]:
    if text.endswith("%"):
        return {"at": ALWAYS, "probability": float(text[:-1]) / 100}
    if text == "all":
        return {"at": ALWAYS}
    if "-" in text:
        start, _, last = text.partition("-")
        return {"at": range(int(start), int(last) + 1 if last else ALWAYS.stop)}
    return {"at": tuple(int(number) for number in text.split("+"))}


def _write_at(at: Sequence[int]) -> str:
    if not isinstance(at, range):
        return "+".join(map(str, at))
    if at == ALWAYS:
        return "all"
    return f"{at.start}-{'' if at.stop == ALWAYS.stop else at.stop - 1}"
