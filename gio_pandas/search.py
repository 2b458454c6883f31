"""What some words mean: as pickers, completion and ``search`` look for names."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gio_pandas.api.models import Analysis, Kind, Project, Segment, Tag
from gio_pandas.errors import PermissionDeniedError
from gio_pandas.exports import notices

if TYPE_CHECKING:
    from gio_pandas.catalog import Catalog

__all__ = ["Finding", "Index", "fold", "search"]


def fold(text: str) -> str:
    """Put a text into the form that is compared: NFKC, without case, without blanks around it."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


class Index:
    """Things to look through, their texts folded once.

    Parameters
    ----------
    called
        What each thing is called: its name, key and id.
    said
        What else is said of each, such as its description; may be left out.
    """

    def __init__(
        self, called: Iterable[Sequence[str | None]], said: Iterable[str | None] = ()
    ) -> None:
        # A line each: none of the words has a line's end in it.
        self._called = [
            "\n" + "".join(f"{fold(name or '')}\n" for name in names) for names in called
        ]
        more = [fold(text or "") for text in said]
        self._texts = [a + b for a, b in zip(self._called, more, strict=True)] if more else []

    def find(self, words: str, limit: int | None = None) -> list[int]:
        """Find what the words mean: every one of them, in whatever order.

        Parameters
        ----------
        words
            What was typed. Nothing is everything.
        limit
            How many are enough.

        Returns
        -------
        list of int
            Positions: first what is called just that, then what begins with it, then what has it
            as it was typed, then the rest; in the order given where they are alike.
        """
        wanted = fold(words).split()
        texts = self._texts or self._called
        found = list(range(len(texts)))
        for word in wanted:
            found = [n for n in found if word in texts[n]]
        typed = " ".join(wanted)
        best: list[int] = []
        for called in (f"\n{typed}\n", f"\n{typed}", typed) if wanted else ():
            best += [n for n in found if called in self._called[n]]
            found = [n for n in found if called not in self._called[n]]
        return [*best, *found][:limit]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that answers to the words."""

    id: str
    name: str
    key: str | None
    kind: str
    project: str | None
    description: str | None
    creator: str | None
    users: int | None
    updated_at: str | None


def search(catalog: Catalog, words: str, projects: Sequence[Project]) -> list[Finding]:
    """Look through all that some projects have, what answers best first.

    What the account may not list is left out, with a warning.

    Parameters
    ----------
    catalog
        What there is.
    words
        See ``Index.find``.
    projects
        Where to look.
    """
    findings: list[Finding] = []
    for kind, project, ask in _places(catalog, projects):
        try:
            findings += [_finding(kind, project, item) for item in ask()]
        except PermissionDeniedError as error:
            notices.warn(f"Not searched, as the account may not list them: {kind} ({error})")
    index = Index(
        [(finding.name, finding.key, finding.id) for finding in findings],
        [finding.description for finding in findings],
    )
    return [findings[position] for position in index.find(words)]


def _places(
    catalog: Catalog, projects: Sequence[Project]
) -> Iterable[tuple[str, Project | None, Callable[[], Sequence[Any]]]]:
    yield "project", None, lambda: projects
    for project in projects:
        yield "segment", project, partial(catalog.segments, project)
        yield "tag", project, partial(catalog.tags, project)
        for kind in Kind:
            if kind.is_analysis and kind is not Kind.ANALYSIS:
                yield kind.value, project, partial(catalog.analyses, kind, project)


def _finding(
    kind: str, project: Project | None, item: Project | Tag | Segment | Analysis
) -> Finding:
    return Finding(
        id=item.id,
        name=item.name,
        key=item.key if isinstance(item, Tag) else None,
        kind=kind,
        project=project.name if project else None,
        description=item.description,
        creator=item.creator,
        users=getattr(item, "users", None),
        updated_at=item.updated,
    )
