"""Which faults hit which requests."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gio_pandas.sandbox.faults.fault import Fault


@dataclass(frozen=True)
class Turn:
    """One fault at one request.

    Parameters
    ----------
    fault
        What is to go wrong.
    hit
        Whether it hits the request, or watches it alone.
    number
        How many requests it has hit so far, with this one.
    memory
        What it keeps from one request to the next.
    """

    fault: Fault
    hit: bool
    number: int
    memory: dict[str, Any] = field(repr=False)


class Plan:
    """Faults, and how many requests each has seen; for use in one event loop.

    Parameters
    ----------
    faults
        What is to go wrong.
    """

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._counters = [_Counter(fault) for fault in faults]

    def turns(self, step: str, file: int) -> list[Turn]:
        """Count a request, and return the faults that have to do with it.

        Parameters
        ----------
        step
            What it is for; "" for none of the steps.
        file
            Which file of its job it asks for; 0 where it does not.
        """
        turns = [counter.turn(step, file) for counter in self._counters]
        return [turn for turn in turns if turn.hit or turn.fault.kind.watches]


class _Counter:
    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._seen = self._hits = 0
        self._lot = random.Random(fault.seed)
        self._memory: dict[str, Any] = {}

    def turn(self, step: str, file: int) -> Turn:
        hit = self._fault.hits(step, file) and self._is_due()
        self._hits += hit
        return Turn(self._fault, hit, self._hits, self._memory)

    def _is_due(self) -> bool:
        self._seen += 1
        likely = self._fault.probability
        drawn = likely is None or self._lot.random() < likely
        return drawn and self._seen in self._fault.requests
