"""``%gio`` and ``%%gio``: reads a line and hands it to the verb that it stands for."""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Number
from types import FrameType
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import needs_local_scope, no_var_expand

from gio_pandas.notebook import commands
from gio_pandas.notebook.actions import carry_out
from gio_pandas.notebook.completion import Completion
from gio_pandas.notebook.words import Word, split
from gio_pandas.stops import stopped

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]

_NAME = "gio"
_ASSIGNED = re.compile(r"=\s*get_ipython\(\)\.run_line_magic\(")
"""What IPython makes of ``… = %…``."""


@dataclass(frozen=True)
class _Loaded:
    """What is put into a shell."""

    completion: Completion
    names: Mapping[str, Any]


_loaded: dict[InteractiveShell, _Loaded] = {}


def load(shell: InteractiveShell) -> None:
    """Put ``%gio``, its completion, and ``gio`` if that name is free, into a shell."""
    import gio_pandas

    if shell in _loaded:
        return
    shell.magics_manager.register_function(_magic(shell), "line_cell", _NAME)
    completion = Completion(shell)
    shell.Completer.custom_matchers.append(completion.matcher)
    shell.events.register("post_run_cell", completion.warm)
    names = {} if _NAME in shell.user_ns else {_NAME: gio_pandas}
    shell.push(names)  # type: ignore[no-untyped-call]
    _loaded[shell] = _Loaded(completion, names)


def unload(shell: InteractiveShell) -> None:
    """Take all of it out again; a ``gio`` that is somebody else's stays."""
    loaded = _loaded.pop(shell, None)
    if loaded is None:
        return
    shell.drop_by_id(loaded.names)  # type: ignore[no-untyped-call]
    shell.events.unregister("post_run_cell", loaded.completion.warm)
    loaded.completion.is_warm(timeout=1.0)  # its thread, too, is gone in a moment
    shell.Completer.custom_matchers.remove(loaded.completion.matcher)
    for known in shell.magics_manager.magics.values():
        known.pop(_NAME, None)
    vars(shell.magics_manager.user_magics).pop(_NAME, None)


def _magic(shell: InteractiveShell) -> Callable[..., Any]:
    @no_var_expand  # {name} is put in by us, once the words are apart
    @needs_local_scope
    def gio(line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        spaces = (local_ns or {}, shell.user_ns)
        is_assigned = _is_assigned(sys._getframe(2))  # the frame between is IPython's
        return _run(line, cell, shell, lambda name: _variable(name, spaces), is_assigned)

    gio.__doc__ = commands.overview()
    return gio


def _run(
    line: str,
    cell: str | None,
    shell: InteractiveShell,
    read: Callable[[str], str | None],
    is_assigned: bool,
) -> Any:
    with _in_a_line():
        words = [word.with_variables(read) for word in split(line)]
    explained = _explained(words)
    if explained is not None:
        print(explained)  # noqa: T201 it is what the user asked for
        return None
    command = commands.find(*(word.text for word in words[:2]))
    _check_sign(command, cell)
    parsed = commands.parse(command, words[1:])
    with _in_a_line():
        value = carry_out(parsed, cell, shell)
    if value is None and is_assigned and parsed.get("o") and not parsed.get("dry_run"):
        return shell.user_ns[parsed.get("o")]
    return value


def _is_assigned(frame: FrameType) -> bool:
    """Tell whether what a cell's line gives is put somewhere, as by ``df = %gio …``."""
    written = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return _ASSIGNED.search(written) is not None


def _explained(words: list[Word]) -> str | None:
    """Give the help that a line asks for, if it asks for any."""
    asked = [word for word in words if word.is_option and word.text in ("-h", "--help")]
    if not words or words[0] in asked or [word.text for word in words] == ["help"]:
        return commands.overview()
    return commands.find(words[0].text).help() if asked else None


def _check_sign(command: commands.Command, cell: str | None) -> None:
    if command.sign == "%%" and cell is None:
        raise UsageError(f"{command.name} wants the document in the cell below: {command.usage}")
    if command.sign == "%" and cell is not None:
        raise UsageError(f"{command.name} takes no cell: {command.usage}, in a line of its own.")


def _variable(name: str, spaces: tuple[Mapping[str, Any], ...]) -> str | None:
    """Say what ``{name}`` stands for; None where there is no such variable."""
    first, *rest = name.split(".")
    space = next((space for space in spaces if first in space), None)
    if space is None:
        return None
    value = space[first]
    for attribute in rest:
        if not hasattr(value, attribute):
            return None
        value = getattr(value, attribute)
    if isinstance(value, str | Number):
        return str(value)
    raise UsageError(
        f"{{{name}}} is a {type(value).__name__}, not text. Between single quotes it is no variable"
    )


@contextmanager
def _in_a_line() -> Iterator[None]:
    """Let what the user can see to come in a line, not as a page of our frames.

    Errors of ours, and ``UsageError`` itself, do so by themselves.
    """
    try:
        yield
    except (TypeError, ValueError, OSError) as error:
        raise UsageError(str(error)) from None
    except KeyboardInterrupt as stop:
        raise stopped(str(stop)) from None
