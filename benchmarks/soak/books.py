"""Two sets of books: the jobs that a platform started, and what its client knows of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

__all__ = ["Books"]


@dataclass(frozen=True, kw_only=True)
class Books:
    """Who says that which jobs were started.

    Parameters
    ----------
    started
        The platform's: every job's id, with its kind.
    noted
        The ledger's: every id, with its kind.
    doubted
        The ledger's submits without an answer, by kind.
    told
        The ids that frames and errors name.
    asked, submits
        How many exports of each item were asked for, and how many submits of it the ledger has.
    seen
        How many submits the platform may have acted on: all but those that it refused with a
        status after which they may be sent again.
    silent
        How many errors name no job and are in no doubt whether there is one.
    unanswered
        How many submits were carried out and not answered.
    """

    started: Mapping[str, str]
    noted: Mapping[str, str]
    doubted: Counter[str]
    told: Collection[str]
    asked: Counter[tuple[str, str]]
    submits: Counter[tuple[str, str]]
    seen: int
    silent: int
    unanswered: int

    def duplicated(self) -> int:
        """Count the jobs, and the submits that may have started one, that nobody asked for.

        More jobs of a kind were started than the ledger has submits; or more submits of an item are
        there than exports of it were asked for; or more came than the ledger and errors account
        for, as where one that was not answered is sent again.
        """
        known = Counter(self.noted.values()) + self.doubted
        more = Counter(self.started.values()) - known
        twice = self.submits - self.asked
        again = self.seen - known.total() - self.silent
        return max(more.total() + twice.total(), again, 0)

    def lost(self) -> int:
        """Count the jobs that no ledger, frame or error accounts for, by id or as in doubt.

        What is in doubt accounts for jobs whose submit was carried out and not answered, and for
        no others.
        """
        unknown = self.started.keys() - self.noted.keys() - set(self.told)
        kinds = Counter(self.started[id_] for id_ in unknown)
        return max((kinds - self.doubted).total(), len(unknown) - self.unanswered, 0)

    def untold(self) -> set[str]:
        """Give the ids that the client had and told nobody: their errors do not name them."""
        return self.noted.keys() - set(self.told)

    def invented(self) -> set[str]:
        """Give the ids that the client has or tells, and that no job has."""
        return (self.noted.keys() | set(self.told)) - self.started.keys()
