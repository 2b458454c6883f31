"""Things as HTML: a title and what there is to know. Without a front end, script or style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Literal

from gio_pandas.errors import AmbiguousNameError, GioError
from gio_pandas.notebook import theme
from gio_pandas.settings import SANDBOX
from gio_pandas.titles import plain

if TYPE_CHECKING:
    from gio_pandas.exports.job import ExportJob
    from gio_pandas.session import Session

__all__ = ["Tone", "card", "error_card", "job_card", "session_card"]

Tone = Literal["plain", "good", "bad", "busy"]

_SANDBOX = "the embedded sandbox"
_LONGEST_LINE = 2_000
"""Letters of what is not a name: a line of code, a sentence."""

_TONES = {"plain": theme.PLAIN, "good": theme.GOOD, "bad": theme.BAD, "busy": theme.BUSY}


def card(
    title: str,
    facts: Sequence[tuple[str, str]] = (),
    *,
    note: str | None = None,
    tone: Tone = "plain",
) -> str:
    """Write a thing as HTML.

    Parameters
    ----------
    title
        What it is.
    facts
        What there is to know: names and values, as text; a fact without a value is left out.
        ``code`` is not cut as names are.
    note
        Sentences below, such as what to do next, a line each.
    tone
        How it is with it.
    """
    edge = f"border:1px solid {theme.BORDER};border-left:4px solid {_TONES[tone]};"
    return (
        f'<div class="gio-card" style="{theme.BASE}{edge}border-radius:3px;padding:6px 12px">'
        f'<div style="font-weight:600">{escape(plain(title))}</div>'
        f"{_facts(facts)}{_note(note)}</div>"
    )


def job_card(job: ExportJob, *, said: str | None = None, tone: Tone | None = None) -> str:
    """Write a job as HTML: what is known of it here. The platform is asked nothing.

    Parameters
    ----------
    job
        The job.
    said
        What there is to say; left out, how it is had again.
    tone
        How it is with it; left out, what its stage says.
    """
    facts = [
        ("job", job.id),
        ("stage", job.stage),
        ("project", job.order.project_name or job.order.project_id or ""),
        ("submitted", _time(job.submitted_at)),
        ("finished", _time(job.finished_at)),
        ("files", f"{len(job.uris):,}" if job.uris else ""),
        ("rows", f"{job.rows:,}" if job.rows is not None else ""),
        ("platform", _SANDBOX if _is_embedded(job) else job.order.platform),
    ]
    return card(job.title, facts, note=said or _said(job), tone=tone or _tone(job))


def _said(job: ExportJob) -> str:
    if job.stage == "ERROR":
        return "The platform could not finish it: job.wait() says why"
    use = "gives the frame" if job.uris else "waits for the frame"
    later = (
        f"{_SANDBOX} ends with this process, and the job with it"
        if _is_embedded(job)
        else f"gio.attach({job.id!r}) picks it up after a restart"
    )
    return f"job.to_pandas() {use}; {later}"


def _is_embedded(job: ExportJob) -> bool:
    return job.order.platform == SANDBOX


def _tone(job: ExportJob) -> Tone:
    if job.stage == "ERROR":
        return "bad"
    return "good" if job.uris else "busy"


def session_card(session: Session) -> str:
    """Write a session as HTML: where it leads, and with whose key, which is never shown."""
    settings = session.settings
    keys = {None: "not set: looked for in the keyring", "argument": "given to connect"}
    key = keys.get(settings.key_from, f"from the {settings.key_from}")
    facts = [
        ("platform", _SANDBOX if settings.url == SANDBOX else settings.url),
        ("project", settings.project or "not set: pass project="),
        ("API key", "none needed" if settings.url == SANDBOX else key),
        ("profile", settings.profile or ""),
        ("charset", settings.charset),
    ]
    return card("gio_pandas session", facts, note=_FIRST_STEPS)


_FIRST_STEPS = "gio.pick() to choose on a screen · %load_ext gio_pandas, then %gio --help"


def error_card(error: GioError) -> str:
    """Write an error as HTML: what happened, to what, and what to do next."""
    candidates = error.candidates if isinstance(error, AmbiguousNameError) else ()
    rows = [list(candidate.values()) for candidate in candidates]
    facts = [(first, "  ".join(others)) for first, *others in rows]
    notes = [error.hint, *getattr(error, "__notes__", ())]
    return card(f"{type(error).__name__}: {error.what}", facts, note="\n".join(notes), tone="bad")


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    # No table: notebooks stripe those, and right-align what is in them. JupyterLab floats a list's
    # parts, each with a width of its own.
    cell = "float:none;width:auto;margin:0;padding:0"
    rows = "".join(
        f'<dt style="{cell};color:{theme.MUTED};font-weight:normal">{escape(plain(name))}</dt>'
        f'<dd style="{cell}">{escape(_value(name, value))}</dd>'
        for name, value in facts
        if value
    )
    grid = "display:grid;grid-template-columns:max-content 1fr;gap:0 12px;margin:4px 0 0"
    return f'<dl style="{grid}">{rows}</dl>' if rows else ""


def _value(name: str, value: str) -> str:
    return plain(value, _LONGEST_LINE) if name == "code" else plain(value)


def _note(note: str | None) -> str:
    style = f"color:{theme.MUTED};margin-top:4px;white-space:pre-line"
    lines = "\n".join(plain(line, _LONGEST_LINE) for line in (note or "").split("\n"))
    return f'<div style="{style}">{escape(lines)}</div>' if note else ""
