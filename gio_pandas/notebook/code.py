"""The line of Python that does the same."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["call", "literal", "read_line"]


def read_line(
    kind: str, name: str, *, target: str | None = None, verb: str = "read", **options: Any
) -> str:
    """Write the line that exports something.

    Parameters
    ----------
    kind
        What is exported, such as ``"segment"``.
    name
        Its name, key or id.
    target
        The variable that the result goes to, if any.
    verb
        ``"read"``, ``"submit"`` or ``"aread"``.
    **options
        The verb's arguments; what says nothing (None, False, an empty list) is left out.

    Returns
    -------
    str
        ``df = gio.read_segment("高价值用户", tags=["会员等级"])``
    """
    said = {key: value for key, value in options.items() if value not in (None, False, (), [], "")}
    return call(f"{verb}_{kind}", name, target=target, **said)


def call(verb: str, *arguments: Any, target: str | None = None, **options: Any) -> str:
    """Write a call of one of the face's verbs."""
    written = [literal(argument) for argument in arguments]
    written += [f"{key}={literal(value)}" for key, value in options.items()]
    line = f"gio.{verb}({', '.join(written)})"
    return f"{target} = {line}" if target else line


def literal(value: Any) -> str:
    """Write a value as a person would: text in double quotes, in its own letters."""
    if isinstance(value, str):
        quoted = json.dumps(value, ensure_ascii=False)
        return quoted if value.isprintable() else repr(value)
    if isinstance(value, list | tuple):
        inner = ", ".join(literal(entry) for entry in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        entries = (f"{literal(key)}: {literal(entry)}" for key, entry in value.items())
        return f"{{{', '.join(entries)}}}"
    return repr(value)
