"""What is to be exported, said as a mapping or a pair."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from gio_pandas.api.models import Kind
from gio_pandas.errors import SettingsError

__all__ = ["Spec", "read_kind", "read_spec"]

_FORM = '{"kind": "segment", "name": "高价值用户"} or ("segment", "高价值用户")'
_OWN_OPTIONS = {
    Kind.TAG: ("properties", "detail", "file_name"),
    Kind.SEGMENT: ("tags", "properties"),
}
_KINDS = [kind for kind in Kind if kind is not Kind.ANALYSIS]


@dataclass(frozen=True)
class Spec:
    """An export that is wished for.

    Parameters
    ----------
    kind, name
        What is exported; the name may be an id or a key.
    options
        The other arguments of the ``submit_…`` of that kind.
    """

    kind: Kind
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


def read_spec(item: Any, shared_options: Collection[str]) -> Spec:
    """Read a spec, and refuse what no ``submit_…`` would take.

    Parameters
    ----------
    item
        ``{"kind": …, "name": …, option: …}`` or ``(kind, name)``.
    shared_options
        The options of every kind.

    Raises
    ------
    TypeError
        It is neither of both, or a kind, name or option's name that is no text.
    SettingsError
        There is no such kind or option, or something is missing.
    """
    if isinstance(item, (tuple, list)) and len(item) == 2:
        item = {"kind": item[0], "name": item[1]}
    if not isinstance(item, Mapping):
        raise TypeError(f"{item!r} is neither a job nor a spec: write {_FORM}")
    missing = [key for key in ("kind", "name") if key not in item]
    if missing:
        raise SettingsError(f"A spec says no {' and no '.join(missing)}", hint=f"Write {_FORM}.")
    kind, name = read_kind(item["kind"]), item["name"]
    if not isinstance(name, str):
        raise TypeError(f"a name is text, not {type(name).__name__}: {name!r}")
    if not name.strip():
        raise SettingsError(f"The name of a {kind.value} is empty", hint=f"Write {_FORM}.")
    options = {key: value for key, value in item.items() if key not in ("kind", "name")}
    for key in options:
        _check_option(kind, key, (*_OWN_OPTIONS.get(kind, ()), *shared_options))
    return Spec(kind, name, options)


def read_kind(word: Any) -> Kind:
    """Read what is exported: tag, segment, funnel, event, retention or frequency.

    Raises
    ------
    TypeError, SettingsError
        It is no text, or no such kind.
    """
    if not isinstance(word, str):
        raise TypeError(f"a kind is text, not {type(word).__name__}: {word!r}")
    if word in _KINDS:
        return Kind(word)
    near = get_close_matches(word, [kind.value for kind in _KINDS], n=1)
    guess = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(_KINDS)}."
    raise SettingsError(f"There is no kind {word!r} of export", hint=guess)


def _check_option(kind: Kind, key: Any, known: Collection[str]) -> None:
    if not isinstance(key, str):
        raise TypeError(f"an option's name is text, not {type(key).__name__}: {key!r}")
    if key not in known:
        near = get_close_matches(key, known, n=1)
        guess = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(known)}."
        raise SettingsError(f"An export of a {kind.value} has no option {key!r}", hint=guess)
