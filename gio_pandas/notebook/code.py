"""The line of Python that does the same."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

__all__ = ["call", "literal", "read_line", "said"]

_NAMES = ("tags", "properties", "columns")
"""What a verb takes of anything that can be gone through."""


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
        The verb's arguments; what the verb does anyhow is left out.

    Returns
    -------
    str
        ``df = gio.read_segment("高价值用户", tags=["会员等级"])``
    """
    verb = f"{verb}_{kind}"
    return call(verb, name, target=target, **said(verb, options))


def said(verb: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give of a verb's arguments those that say something: not what it does anyhow."""
    import gio_pandas

    known = inspect.signature(getattr(gio_pandas, verb)).parameters
    settled = {key: _settled(key, value) for key, value in options.items()}
    return {
        key: value
        for key, value in settled.items()
        if key not in known or not _is_same(value, known[key].default)
    }


def _settled(key: str, value: Any) -> Any:
    """Make a list of what can be gone through once, or is written as no list is."""
    is_many = isinstance(value, Iterable) and not isinstance(value, str | bytes | list | tuple)
    return list(value) if key in _NAMES and is_many else value


def _is_same(value: Any, default: Any) -> bool:
    """Tell whether a value is the default itself: 0 is not False, and an array is not asked."""
    if value is default:
        return True
    if isinstance(default, tuple):  # which stands for any list
        return isinstance(value, list | tuple) and list(value) == list(default)
    return type(value) is type(default) and bool(value == default)


def call(verb: str, *arguments: Any, target: str | None = None, **options: Any) -> str:
    """Write a call of one of the face's verbs."""
    written = [literal(argument) for argument in arguments]
    written += [f"{key}={literal(value)}" for key, value in options.items()]
    line = f"gio.{verb}({', '.join(written)})"
    return f"{target} = {line}" if target else line


def literal(value: Any) -> str:
    """Write a value as a person would: text in double quotes, in its own letters."""
    if isinstance(value, str):
        quoted = json.dumps(str(value), ensure_ascii=False)
        return quoted if value.isprintable() else repr(str(value))
    if isinstance(value, list | tuple):
        inner = ", ".join(literal(entry) for entry in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, Mapping):
        entries = (f"{literal(key)}: {literal(entry)}" for key, entry in value.items())
        return f"{{{', '.join(entries)}}}"
    return _other(value)


def _other(value: Any) -> str:
    """Write what needs no import to be read back, where there is such a form of it."""
    if value is ...:
        return "..."
    if isinstance(value, timedelta):  # as ``reuse`` takes it, too
        return f'"{value.total_seconds():.6f}'.rstrip("0").rstrip(".") + 's"'
    if isinstance(value, type):  # str, and numpy's own by the names that are dtypes as well
        return value.__name__ if value.__module__ == "builtins" else literal(value.__name__)
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # an array, an index, a number of one
        return literal(value.tolist())
    if hasattr(value, "kind") and hasattr(value, "type") and hasattr(value, "name"):  # a dtype
        return literal(str(value.name))
    return repr(value)
