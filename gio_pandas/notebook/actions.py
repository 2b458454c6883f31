"""What the commands of ``%gio`` do: each calls the verb that it stands for."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.display import display

from gio_pandas import checkup
from gio_pandas.api.secrecy import sealed
from gio_pandas.current import current_session
from gio_pandas.errors import GioError, SettingsError
from gio_pandas.exports.desk import read_age
from gio_pandas.exports.memory import size
from gio_pandas.notebook import live
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
        return getpass.getpass(prompt)  # looked up now: a kernel puts its own there
    except (EOFError, StdinNotImplementedError):  # a notebook that runs without anybody
        raise UsageError(
            "--ask-key: nobody can be asked here. Set GIO_API_KEY, or run gio-pandas login."
        ) from None


def _use(line: Line, _: str | None, __: InteractiveShell) -> Session:
    return current_session().use(line.words[0])


def _list(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    verb = getattr(current_session(), f"list_{line.command.name}")
    return _given(verb(**line.options("project", "scope")), line, shell)


def _search(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    found = current_session().search(" ".join(line.words), **line.options("project"))
    return _given(found, line, shell)


def _jobs(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    return _given(current_session().jobs(**line.options("kind", "since")), line, shell)


def _given(frame: pd.DataFrame, line: Line, shell: InteractiveShell) -> Any:
    """Give a frame back, or its beginning or chart; with a variable named, show these alone."""
    target, rows = line.get("o"), line.get("head")
    if target is not None:
        _put(target, frame, size(frame), shell)
    head = None if rows is None else frame.head(rows)
    chart = _chart(frame) if line.get("plot") else None
    shown = [part for part in (head, chart) if part is not None]
    value = None if target is not None else shown.pop() if shown else frame
    for part in shown:
        _display(part)
    return value


def _chart(frame: pd.DataFrame) -> Any:
    """Draw a frame; what was waited for is not lost where its table leaves open how."""
    from gio_pandas import plotting

    try:
        return plotting.chart(frame)
    except SettingsError as error:
        print(f"No chart: {error}")  # noqa: T201
        return None


def _display(value: Any) -> None:
    display(value)  # type: ignore[no-untyped-call]


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
            if target is None and rows is None and not line.get("plot"):
                return f"{self.submit_code}.{write}"
            lines = [f"job = {self.submit_code}", f"job.{write}"]
            whole = f"job.to_pandas({', '.join(_arguments(self.late))})"
        elif line.get("bg"):
            whole = self.submit_code
        head = "" if rows is None else f".head({rows})"
        if line.get("plot"):
            return "\n".join([*lines, *_plot_code(whole, target, head)])
        return "\n".join([*lines, *_frame_code(whole, target, head)])


def _frame_code(whole: str, target: str | None, head: str) -> list[str]:
    if target is None:
        return [f"{whole}{head}"]
    return [f"{target} = {whole}", *([f"{target}{head}"] if head else [])]


def _plot_code(whole: str, target: str | None, head: str) -> list[str]:
    if target is None and not head:
        return [f"{whole}.gio.plot()"]
    name = target or "df"
    return [
        f"{name} = {whole}",
        *([f"display({name}{head})"] if head else []),
        f"{name}.gio.plot()",
    ]


def _arguments(options: Mapping[str, Any]) -> list[str]:
    return [f"{name}={literal(value)}" for name, value in options.items()]


def _kind(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    kind, [name] = line.command.name, line.words
    options = line.options("charset", "project", "reuse", "refresh", "timeout")
    named = {"tags": line.get("tag"), "properties": line.get("property")}
    options = {key: words for key, words in named.items() if words} | options
    export = _Export(
        submit=lambda: getattr(current_session(), f"submit_{kind}")(name, **options),
        read=lambda: getattr(current_session(), f"read_{kind}")(name, **options),
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
        submit=lambda: current_session().attach(job_id, **options),
        read=lambda: current_session().attach(job_id, **options).to_pandas(**late),
        late=late,
        submit_code=code,
        read_code=f"{code}.to_pandas({', '.join(_arguments(late))})",
    )
    return _exported(export, line, shell)


def _exported(export: _Export, line: Line, shell: InteractiveShell) -> Any:
    _check(line)
    if line.get("dry_run"):
        return _print_code(export.code(line), shell)
    if line.get("bg"):
        return _in_background(export.submit(), line, shell)
    if line.get("parquet") is None:
        return _given(export.read(), line, shell)
    job = _written(export, line.get("parquet"))
    if all(line.get(key) is None for key in ("o", "head", "plot")):
        return None
    return _given(job.to_pandas(**export.late), line, shell)


def _print_code(code: str, shell: InteractiveShell) -> None:
    own = shell.user_ns.get("gio")
    missing = getattr(own, "__name__", None) != "gio_pandas"
    print("import gio_pandas as gio\n" * missing + code)  # noqa: T201


def _profile(line: Line, _: str | None, shell: InteractiveShell) -> Any:
    users, rows = list(line.words), line.get("head")
    named = {"tags": line.get("tag"), "properties": line.get("property")}
    options = {key: words for key, words in named.items() if words}
    options |= line.options("scope", "project")
    if line.get("dry_run"):
        head = "" if rows is None else f".head({rows})"
        code = _frame_code(call("read_profiles", users, **options), line.get("o"), head)
        return _print_code("\n".join(code), shell)
    return _given(current_session().read_profiles(users, **options), line, shell)


def _check(line: Line) -> None:
    """Refuse, before anything is sent or printed, what cannot be done as far as that is known."""
    _check_together(line)
    if line.get("plot"):
        from gio_pandas import plotting

        plotting.check()
    if (charset := line.get("charset")) is not None:
        check_charset(charset)
    read_age(line.get("reuse"), "reuse")
    if (path := line.get("parquet")) is not None:
        from gio_pandas.exports.writers import parquet_target

        parquet_target(path, "zstd")


def _check_together(line: Line) -> None:
    later = {"head": "to_pandas()", "parquet": "to_parquet(…)", "plot": "to_pandas().gio.plot()"}
    if line.get("bg"):
        for key, call_later in later.items():
            if line.get(key) is not None:
                raise UsageError(
                    f"--bg gives the job, which has no rows yet: leave out --{key}, and use "
                    f"job.{call_later} later."
                )


def _in_background(job: ExportJob, line: Line, shell: InteractiveShell) -> ExportJob | None:
    target = line.get("o")
    if target is None:
        return job  # which shows itself, if it is the cell's value
    _put(target, job, f"the job of {job.kind or 'an export'} {job.name or job.id}", shell)
    live.watch(job)
    return None


def _written(export: _Export, path: str) -> ExportJob:
    job = export.submit()
    job.to_parquet(path, **export.late)
    rows = job.rows or 0
    print(f"{path}: {rows:,} row{'s' * (rows != 1)}")  # noqa: T201
    return job


# --- anything else -------------------------------------------------------------------------------


def _graphql(line: Line, cell: str | None, shell: InteractiveShell) -> Any:
    data = current_session().graphql(cell or "", read_variables(line))
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
    for finding in checkup.examine(current_session, **line.options("timeout")):
        print(finding.report(_told), flush=True)  # noqa: T201


def _told(error: GioError) -> str:
    return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])


_ACTIONS: Mapping[str, Callable[[Line, str | None, InteractiveShell], Any]] = {
    "connect": _connect,
    "use": _use,
    **dict.fromkeys(LISTINGS, _list),
    "search": _search,
    **dict.fromkeys(KINDS, _kind),
    "profile": _profile,
    "jobs": _jobs,
    "attach": _attach,
    "pick": _pick,
    "doctor": _doctor,
    "graphql": _graphql,
}
