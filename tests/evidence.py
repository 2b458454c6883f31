"""What a program leaves for others to see, and the search for secrets in it."""

from __future__ import annotations

import base64
import copy
import logging
import os
import pickle
import stat
import sys
import traceback
from collections.abc import Iterator, Mapping
from http.cookiejar import CookieJar
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

_OURS = "gio_pandas"


def forms(secret: str) -> set[bytes]:
    """Spell a secret as it may lie about: plain, percent-encoded, in UTF-16, within base64."""
    plain = secret.encode()
    spelled = {plain, secret.encode("utf-16-le"), quote(secret, safe="").encode()}
    spelled |= {quote(secret).encode(), quote_plus(secret).encode()}
    for before in range(3):  # base64 has three spellings, by where in its stream a text begins
        encoded = base64.b64encode(b"x" * before + plain)
        spelled.add(encoded[-(-before * 8 // 6) : (before + len(plain)) * 8 // 6])
    return spelled


class Evidence(logging.Handler):
    """Everything that was seen; ``leaks`` says where which secret is, and never the secret.

    As a handler of the root logger it takes every record of every library.
    """

    def __init__(self) -> None:
        super().__init__(level=1)
        self.seen: list[tuple[str, bytes]] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record: as it is printed, and all that is in it."""
        self.add(f"log {record.name}", f"{self.format(record)}\n{vars(record)}")

    def add(self, where: str, what: Any) -> None:
        """Take bytes or text; anything else in every form it can be shown in."""
        if isinstance(what, bytes | str):
            self.seen.append((where, what if isinstance(what, bytes) else what.encode()))
            return
        for form in (repr, str, format, _parts, _pickled, _copied):
            self.add(f"{form.__name__} of {where}", form(what))

    def add_error(self, where: str, error: BaseException) -> None:
        """Take an error, its causes, and its traceback as the tools of the trade print it."""
        for one in _chain(error):
            self.add(f"{type(one).__name__} of {where}", one)
            one.__traceback__ = _without_tests(one.__traceback__)
            for frame, _ in traceback.walk_tb(one.__traceback__):
                for name, value in frame.f_locals.items():
                    place = f"{name} in {frame.f_code.co_qualname} of {where}"
                    self.add(place, f"{_shown(value)} {_parts(value)}")
        for number, text in enumerate(_printed(error)):
            self.add(f"traceback {number} of {where}", text)

    def add_files(self, *folders: Path) -> None:
        """Take every file below, by its name and its bytes."""
        for folder in folders:
            for path in folder.rglob("*"):
                if path.is_file():
                    self.add(f"file {path.name}", os.fsencode(path) + b"\n" + path.read_bytes())

    def leaks(self, secrets: Mapping[str, str]) -> list[str]:
        """Search all of it."""
        spelled = {name: forms(secret) for name, secret in secrets.items()}
        found = {
            f"{name} in {where}"
            for where, what in self.seen
            for name, ways in spelled.items()
            if any(way in what for way in ways)
        }
        return sorted(found)


def readable_by_others(*folders: Path) -> list[str]:
    """List the files below that not their owner alone can read or write."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"no repr: {type(error).__name__}"


def _parts(value: Any, depth: int = 4) -> str:
    """Show what vars() leads to, as far as it is ours."""
    if not type(value).__module__.startswith(_OURS):
        return ""
    shown = [f"{name}={_shown(part)}" for name, part in _vars(value)]
    if depth:
        shown += [_parts(part, depth - 1) for _, part in _vars(value)]
    return " ".join(shown)


def _vars(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, CookieJar):  # it keeps them, as a Secret does its text
        return
    try:
        yield from dict(vars(value)).items()
    except TypeError:  # it has slots
        return


def _pickled(value: Any) -> bytes:
    try:
        return pickle.dumps(value)
    except Exception as error:
        return repr(error).encode()


def _copied(value: Any) -> str:
    try:
        return _shown(copy.copy(value)) + _shown(copy.deepcopy(value))
    except Exception as error:
        return repr(error)


def _chain(error: BaseException) -> list[BaseException]:
    """List an error with all that it came from, what it hides too."""
    found: list[BaseException] = []
    left = [error]
    while left:
        one = left.pop()
        if one not in found:
            found.append(one)
            left += [cause for cause in (one.__cause__, one.__context__) if cause]
    return found


def _without_tests(trace: TracebackType | None) -> TracebackType | None:
    """Leave the tests' own frames out: they hold the secrets that they plant."""
    here = str(Path(__file__).parent)
    while trace and trace.tb_frame.f_code.co_filename.startswith(here):
        trace = trace.tb_next
    return trace


def _printed(error: BaseException) -> Iterator[str]:
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    yield "".join(whole.format())
    told = (type(error), error, error.__traceback__)
    from IPython.core.ultratb import VerboseTB

    yield VerboseTB().text(*told)
    if find_spec("rich"):
        from rich.console import Console
        from rich.traceback import Traceback

        console = Console(width=2000, file=open(os.devnull, "w"), record=True)  # noqa: SIM115
        with console.file:
            console.print(Traceback.from_exception(*told, show_locals=True, locals_max_string=None))
        yield console.export_text()


def started(evidence: list[Evidence]) -> None:
    """Take the command line of every process that Python starts from now on."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen":
            for one in evidence:
                one.add("a command line", repr(args[:2]))

    sys.addaudithook(hook)
