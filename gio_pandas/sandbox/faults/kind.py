"""What a fault can be."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gio_pandas.sandbox.faults.call import Call

STEPS = ("token", "query", "submit", "poll", "download")
GRAPHQL = ("query", "submit", "poll")
JSON = ("token", *GRAPHQL)
DOWNLOAD = ("download",)
ANY = "any"
"""Every step that the fault can hit."""

ALWAYS = range(1, 1 << 31)
SECOND_ON = range(2, 1 << 31)

Behave = Callable[["Call"], Awaitable[None]]


@dataclass(frozen=True)
class Kind:
    """One way to misbehave.

    Parameters
    ----------
    name
        What it is called in a `Fault`.
    about
        What it does, in one line.
    behave
        Does it to one request.
    steps
        The steps it can hit.
    step
        The one it hits where none is named.
    at
        Which of a step's requests it hits where none is named, counted from 1.
    takes
        Its parameters and their defaults; None has to be given, or is worked out.
    watches
        Whether it is shown the requests that it does not hit, too.
    """

    name: str
    about: str
    behave: Behave = field(repr=False)
    steps: Sequence[str] = STEPS
    step: str = ANY
    at: Sequence[int] = (1,)
    takes: Mapping[str, float | str | None] = field(default_factory=dict)
    watches: bool = False

    @property
    def parameters(self) -> dict[str, float | str | None]:
        """What it takes; a fault of downloads can be held to one file of a job by its number."""
        file = {"file": None} if "download" in self.steps else {}
        return {**file, **self.takes}

    def __str__(self) -> str:
        """Say in a line what it does, where, and what it takes."""
        steps = ANY if set(self.steps) == set(STEPS) else ", ".join(self.steps)
        takes = [n if value is None else f"{n}={value}" for n, value in self.takes.items()]
        return f"{self.about} [{'; '.join([steps, *takes])}]"
