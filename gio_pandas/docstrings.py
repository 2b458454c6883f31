"""Docstrings that take from others what is explained there, so that it is written once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

__all__ = ["explained"]

T = TypeVar("T", bound=Callable[..., Any])

_HEADING = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", re.MULTILINE)
_ENTRY = re.compile(r"^(?=\S)", re.MULTILINE)


def explained(*sources: Callable[..., Any]) -> Callable[[T], T]:
    """Complete the docstring and the signature of a function or class out of others.

    Its ``**options`` become the keyword-only parameters that the sources have. ``Parameters`` has
    an entry for each parameter then, in their order: its own, else that of the first source that
    has one. ``Returns`` and ``Raises`` are the first source's where it has none of its own;
    ``Attributes`` are its own and the sources'.

    Parameters
    ----------
    *sources
        What explains the rest.

    Returns
    -------
    callable
        The decorator; what it decorates is not wrapped.
    """

    def complete(target: T) -> T:
        plain = inspect.signature(target)
        signature = _spelled_out(plain, sources)
        if signature != plain:  # a class hands its own on to those that are made of it
            target.__signature__ = signature  # type: ignore[attr-defined]
        own, *others = (_sections(thing.__doc__) for thing in (target, *sources))
        if target.__doc__:  # python -OO has none
            target.__doc__ = _written(_completed(own, others, list(signature.parameters)))
        return target

    return complete


def _spelled_out(
    signature: inspect.Signature, sources: Sequence[Callable[..., Any]]
) -> inspect.Signature:
    parameters = dict(signature.parameters)
    if not parameters or [*parameters.values()][-1].kind is not inspect.Parameter.VAR_KEYWORD:
        return signature
    parameters.popitem()
    for source in sources:
        for name, parameter in inspect.signature(source).parameters.items():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                parameters.setdefault(name, parameter)
    return signature.replace(parameters=list(parameters.values()))


def _completed(
    own: Mapping[str, str], others: Sequence[Mapping[str, str]], names: Sequence[str]
) -> dict[str, str]:
    entries: dict[str, str] = {}
    for sections in (own, *others):
        entries = _entries(sections.get("Parameters", "")) | entries
    explained = "\n".join(entries[name] for name in names if name in entries)
    completed = {"": own[""], "Parameters": explained}
    for heading in ("Returns", "Raises"):
        completed[heading] = next((each[heading] for each in (own, *others) if heading in each), "")
    attributes = [each["Attributes"] for each in (own, *others) if "Attributes" in each]
    completed["Attributes"] = "\n".join(attributes)
    return completed | {name: text for name, text in own.items() if name not in completed}


def _sections(doc: str | None) -> dict[str, str]:
    """Cut a docstring at its headings; what stands above the first one is called ""."""
    pieces = _HEADING.split(inspect.cleandoc(doc or ""))
    named = zip(["", *pieces[1::2]], pieces[::2], strict=True)
    return {heading: text.strip("\n") for heading, text in named}


def _entries(section: str) -> dict[str, str]:
    """Give the entry of each parameter; of what is explained together, each its own."""
    entries: dict[str, str] = {}
    for entry in filter(None, _ENTRY.split(section)):
        names, _, text = entry.rstrip("\n").partition("\n")
        entries |= {name: f"{name}\n{text}" for name in names.split(", ")}
    return entries


def _written(sections: Mapping[str, str]) -> str:
    told = [
        f"{heading}\n{'-' * len(heading)}\n{text}" if heading else text
        for heading, text in sections.items()
        if text
    ]
    return "\n\n".join(told) + "\n"
