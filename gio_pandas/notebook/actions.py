"""What the commands of ``%gio`` do: each calls the verb that it stands for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from getpass import getpass
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.display import display

from gio_pandas import checkup
from gio_pandas.api.secrecy import sealed
from gio_pandas.errors import GioError
from gio_pandas.exports.desk import read_age
from gio_pandas.exports.memory import size
from gio_pandas.notebook.choices import KINDS
from gio_pandas.notebook.code import call, literal, read_line
from gio_pandas.notebook.commands import LISTINGS, Line
from gio_pandas.settings import check_charset

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from gio_pandas.exports.job import ExportJob
    from gio_pandas.session import Session

__all__ = ["carry_out", "read_variables"]


def carry_out(line: Line, cell: str | None, shell: InteractiveShell) -> Any:
    """Do what a line says.

    Parameters
    ----------
    line
        What was read.
    cell
        The cell below it, where one belongs to it.
    shell
        Where variables are put.

    Returns
    -------
    object
        What the verb gives; None where it was put into a variable, written or printed.
    """
    return _ACTIONS[line.command.name](line, cell, shell)


def _session() -> Session:
    import gio_pandas

    return gio_pandas.current_session()


# --- where, and what there is --------------------------------------------------------------------


@sealed  # its frame has the key
def _connect(line: Line, _: str | None, __: InteractiveShell) -> Session:
    import gio_pandas

    options = line.options("project", "profile", "charset", "timeout", "verify")
    url = line.words[0] if line.words else None
    if line.get("ask_key"):
        options["api_key"] = _asked(f"API key of {url or 'the platform'}: ")
    return gio_pandas.connect(url, **options)


def _asked(prompt: str) -> str:
    try:
        return getpass(prompt)
    except (EOFError, NotImplementedError):  # a notebook that runs without anybody
        raise UsageError(
            "--ask-key: nobody can be asked here. Set GIO_API_KEY, or run gio-pandas login."
        ) from None


def _use(line: Line, _: str | None, __: InteractiveShell) -> Session:
    return _session().use(line.words[0])


def _list(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    verb = getattr(_session(), f"list_{line.command.name}")
    return _given(verb(**line.options("project", "scope")), line, shell)


def _search(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    found = _session().search(" ".join(line.words), **line.options("project"))
    return _given(found, line, shell)


def _jobs(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    return _given(_session().jobs(**line.options("kind", "since")), line, shell)


def _given(frame: pd.DataFrame, line: Line, shell: InteractiveShell) -> pd.DataFrame | None:
    """Give a frame back, or put it into the variable that is named."""
    target, rows = line.get("o"), line.get("head")
    if target is None:
        return frame if rows is None else frame.head(rows)
    _put(target, frame, size(frame), shell)
    if rows is not None:
        display(frame.head(rows))  # type: ignore[no-untyped-call]
    return None


def _put(target: str, value: Any, words: str, shell: InteractiveShell) -> None:
    shell.push({target: value})  # type: ignore[no-untyped-call]
    print(f"{target}: {words}")  # noqa: T201 it is what the user sees


# --- exports -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Export:
    """What a line stands for: to be done, and as Python."""

    submit: Callable[[], ExportJob]
    read: Callable[[], pd.DataFrame]
    late: Mapping[str, Any]
    """What a job's readers are told, where ``submit`` does not tell them."""

    submit_code: str
    read_code: str

    def code(self, line: Line) -> str:
        """Write the Python that does the same."""
        target, rows, path = line.get("o"), line.get("head"), line.get("parquet")
        whole = self.read_code
        lines: list[str] = []
        if path is not None:
            write = f"to_parquet({', '.join([literal(path), *_arguments(self.late)])})"
            if target is None and rows is None:
                return f"{self.submit_code}.{write}"
            lines = [f"job = {self.submit_code}", f"job.{write}"]
            whole = f"job.to_pandas({', '.join(_arguments(self.late))})"
        elif line.get("bg"):
            whole = self.submit_code
        head = "" if rows is None else f".head({rows})"
        if target is None:
            return "\n".join([*lines, f"{whole}{head}"])
        return "\n".join([*lines, f"{target} = {whole}", *([f"{target}{head}"] if head else [])])


def _arguments(options: Mapping[str, Any]) -> list[str]:
    return [f"{name}={literal(value)}" for name, value in options.items()]


def _kind(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    kind, [name] = line.command.name, line.words
    options = line.options("charset", "project", "reuse", "refresh", "timeout")
    named = {"tags": line.get("tag"), "properties": line.get("property")}
    options = {key: words for key, words in named.items() if words} | options
    export = _Export(
        submit=lambda: getattr(_session(), f"submit_{kind}")(name, **options),
        read=lambda: getattr(_session(), f"read_{kind}")(name, **options),
        late={},
        submit_code=read_line(kind, name, verb="submit", **options),
        read_code=read_line(kind, name, **options),
    )
    return _exported(export, line, shell)


def _attach(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    [job_id] = line.words
    options, late = line.options("charset"), line.options("timeout")
    code = call("attach", job_id, **options)
    export = _Export(
        submit=lambda: _session().attach(job_id, **options),
        read=lambda: _session().attach(job_id, **options).to_pandas(**late),
        late=late,
        submit_code=code,
        read_code=f"{code}.to_pandas({', '.join(_arguments(late))})",
    )
    return _exported(export, line, shell)


def _exported(export: _Export, line: Line, shell: InteractiveShell) -> Any:
    _check(line)
    if line.get("dry_run"):
        own = shell.user_ns.get("gio")
        missing = getattr(own, "__name__", None) != "gio_pandas"
        print("import gio_pandas as gio\n" * missing + export.code(line))  # noqa: T201
        return None
    if line.get("bg"):
        return _in_background(export.submit(), line, shell)
    if line.get("parquet") is None:
        return _given(export.read(), line, shell)
    job = _written(export, line.get("parquet"))
    if line.get("o") is None and line.get("head") is None:
        return None
    return _given(job.to_pandas(**export.late), line, shell)


def _check(line: Line) -> None:
    """Refuse, before anything is sent or printed, what cannot be done as far as that is known."""
    _check_together(line)
    if (charset := line.get("charset")) is not None:
        check_charset(charset)
    read_age(line.get("reuse"), "reuse")
    if (path := line.get("parquet")) is not None:
        from gio_pandas.exports.writers import parquet_target

        parquet_target(path, "zstd")


def _check_together(line: Line) -> None:
    if line.get("plot"):
        raise UsageError(
            "--plot: this version of gio_pandas draws no charts yet. Leave it out, and plot the "
            "frame: df.plot()."
        )
    if line.get("bg"):
        for key in ("head", "parquet"):
            if line.get(key) is not None:
                raise UsageError(
                    f"--bg gives the job, which has no rows yet: leave out --{key}, and use "
                    f"job.{'to_parquet(…)' if key == 'parquet' else 'to_pandas()'} later."
                )


def _in_background(job: ExportJob, line: Line, shell: InteractiveShell) -> ExportJob | None:
    from gio_pandas.notebook import cards

    target = line.get("o")
    if target is None:
        return job  # which shows itself, if it is the cell's value
    _put(target, job, f"the job of {job.kind or 'an export'} {job.name or job.id}", shell)
    cards.live(job)
    return None


def _written(export: _Export, path: str) -> ExportJob:
    job = export.submit()
    job.to_parquet(path, **export.late)
    rows = job.rows or 0
    print(f"{path}: {rows:,} row{'s' * (rows != 1)}")  # noqa: T201
    return job


# --- anything else -------------------------------------------------------------------------------


def _graphql(line: Line, cell: str | None, shell: InteractiveShell) -> Any:
    data = _session().graphql(cell or "", read_variables(line))
    if line.get("o") is None:
        return data
    return _put(line.get("o"), data, ", ".join(data) or "no data", shell)


def read_variables(line: Line) -> dict[str, Any]:
    """Give what a line says of a document's variables: JSON where it is JSON, else text."""
    return {name: _value(text) for name, text in line.get("var") or ()}


def _value(text: str) -> Any:
    def none(word: str) -> Any:  # NaN and Infinity, which JSON has not
        raise ValueError(word)

    try:
        return json.loads(text, parse_constant=none)
    except ValueError:
        return text


def _pick(line: Line, _: str | None, __: InteractiveShell) -> Any:
    import gio_pandas

    return gio_pandas.pick(into=line.get("o"), **line.options("kind", "project"))


def _doctor(line: Line, _: str | None, __: InteractiveShell) -> None:
    print(checkup.versions())  # noqa: T201
    for finding in checkup.examine(_session, **line.options("timeout")):
        print(finding.report(_told), flush=True)  # noqa: T201


def _told(error: GioError) -> str:
    return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])


_ACTIONS: Mapping[str, Callable[[Line, str | None, InteractiveShell], Any]] = {
    "connect": _connect,
    "use": _use,
    **dict.fromkeys(LISTINGS, _list),
    "search": _search,
    **dict.fromkeys(KINDS, _kind),
    "jobs": _jobs,
    "attach": _attach,
    "pick": _pick,
    "doctor": _doctor,
    "graphql": _graphql,
}
