"""The errors, one tree.

::

    GioError
    ├── SettingsError            something is missing or wrong in what you set
    ├── AuthenticationError      the platform does not accept the key, the token or the session
    ├── PermissionDeniedError    the account may not see or do this
    ├── NotFoundError            no project, tag, segment or analysis of that name or id
    ├── AmbiguousNameError       several of that name
    ├── GraphQLError             the platform answered with errors
    ├── PlatformUnavailableError the platform could not be reached, or answered nonsense
    ├── SubmitUncertainError     an export may or may not have been started
    ├── JobFailedError           the platform could not finish the export
    ├── JobTimeoutError          the export took longer than the wait allowed
    ├── DownloadError            a file of the export did not come whole
    ├── DecodeError              a file is not the table it should be, or dtype= does not fit it
    └── MemoryLimitError         the table would take more memory than memory_limit= allows

Every message is what happened, to what, and (the ``hint``) what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "AmbiguousNameError",
    "AuthenticationError",
    "DecodeError",
    "DownloadError",
    "GioError",
    "GraphQLError",
    "JobFailedError",
    "JobTimeoutError",
    "MemoryLimitError",
    "NotFoundError",
    "PermissionDeniedError",
    "PlatformUnavailableError",
    "SettingsError",
    "SubmitUncertainError",
]


_LONGEST = 2_000
"""Letters of what happened, and of what to do."""

_ENDS = ("?", "!", "。", "？", "！")


class GioError(Exception):
    """The base of everything that gio_pandas raises on purpose.

    Attributes
    ----------
    what : str
        What happened, to what, in one line.
    hint : str
        What to do next, in one line.

    Examples
    --------
    >>> try:
    ...     gio.read_segment("高价值客户")
    ... except gio.GioError as error:
    ...     print(error.what)
    There is no segment (分群) '高价值客户' in project '默认项目'
    """

    def __init__(self, what: str, *, hint: str) -> None:
        self.what = _short(" ".join(what.split())).rstrip(".")
        self.hint = _short(hint)
        super().__init__(f"{self.what}{'' if self.what.endswith(_ENDS) else '.'} {self.hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep every attribute through pickling, as a process pool needs."""
        return _rebuild, (type(self), self.args, self.__dict__)

    def _render_traceback_(self) -> list[str]:
        """Give IPython the message, and notes below it, in place of a page of frames."""
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]

    def _repr_html_(self) -> str:
        """Give a notebook that shows the error itself a card in place of its arguments."""
        from gio_pandas.notebook.cards import error_card

        return error_card(self)


def _short(text: str) -> str:
    """Leave out the middle of what nobody reads: a platform may name things as it likes."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"


def _rebuild(kind: type[GioError], args: tuple[Any, ...], state: dict[str, Any]) -> GioError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class SettingsError(GioError):
    """Something is missing or wrong in the arguments, the environment or the profile file."""


class AuthenticationError(GioError):
    """The platform does not accept the API key, the token or the gateway's session."""


class PermissionDeniedError(GioError):
    """The account is known, but may not see or do this."""


class NotFoundError(GioError):
    """Nothing has that id, key or name.

    Attributes
    ----------
    near : tuple of str
        Names that look like the one asked for, best first.
    """

    def __init__(self, what: str, *, hint: str, near: Sequence[str] = ()) -> None:
        super().__init__(what, hint=hint)
        self.near = tuple(near)


class AmbiguousNameError(GioError):
    """Several items have that name.

    Attributes
    ----------
    candidates : tuple of dict
        The items of that name: ``id``, ``name``, ``creator``, ``updated``.
    """

    def __init__(self, what: str, *, hint: str, candidates: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(what, hint=hint)
        self.candidates = tuple(candidates)

    def __str__(self) -> str:
        """Add the candidates as a table below the message's one line."""
        rows = ["  ".join(candidate.values()) for candidate in self.candidates]
        header = "  ".join(self.candidates[0]) if self.candidates else ""
        return "\n".join([super().__str__(), *([header] if header else []), *rows])


class GraphQLError(GioError):
    """The platform answered a GraphQL request with errors.

    Attributes
    ----------
    errors : tuple of dict
        The ``errors`` of the answer, as they came.
    data : dict or None
        What came beside them, if anything.
    """

    def __init__(
        self,
        what: str,
        *,
        hint: str,
        errors: Sequence[dict[str, Any]] = (),
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(what, hint=hint)
        self.errors = tuple(errors)
        self.data = data


class PlatformUnavailableError(GioError):
    """The platform could not be reached, or what answered is not the platform.

    Attributes
    ----------
    status : int or None
        The HTTP status, where there was an answer.
    retry_after : float or None
        Seconds to wait, where the answer named them.
    seen : bool
        Whether the platform may have read the request and acted on it.
    transient : bool
        Whether asking again a little later may help.
    """

    def __init__(
        self,
        what: str,
        *,
        hint: str,
        status: int | None = None,
        retry_after: float | None = None,
        seen: bool = True,
        transient: bool = True,
    ) -> None:
        super().__init__(what, hint=hint)
        self.status = status
        self.retry_after = retry_after
        self.seen = seen
        self.transient = transient


class SubmitUncertainError(GioError):
    """An export was asked for and no answer came: it may be running or not."""


class JobFailedError(GioError):
    """The platform could not finish the export.

    Attributes
    ----------
    code : str
        The platform's error code; empty where it gave none.
    message : str
        The platform's own words; empty where it gave none.
    job_id : str
        The id that the submit answered; empty where the export failed later, or has none.
    """

    def __init__(
        self, what: str, *, hint: str, code: str = "", message: str = "", job_id: str = ""
    ) -> None:
        super().__init__(what, hint=hint)
        self.code = code
        self.message = message
        self.job_id = job_id


class JobTimeoutError(GioError):
    """The export was not finished within the wait; it goes on on the platform.

    Attributes
    ----------
    job : ExportJob or None
        The job: ``error.job.to_pandas(timeout=…)`` waits on. None after pickling: a job holds the
        way in, which is not pickled; the message has the job's id.
    """

    def __init__(self, what: str, *, hint: str, job: Any) -> None:
        super().__init__(what, hint=hint)
        self.job = job

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__ | {"job": None})


class DownloadError(GioError):
    """A file of the export is missing or did not come whole.

    Attributes
    ----------
    file : str
        The file's uri on the platform; empty where the platform named none.
    gone : bool
        Whether the platform has no such file any more.
    """

    def __init__(self, what: str, *, hint: str, file: str = "", gone: bool = False) -> None:
        super().__init__(what, hint=hint)
        self.file = file
        self.gone = gone


class DecodeError(GioError):
    """A file of the export is not the table it should be, or ``dtype=`` does not fit it.

    Attributes
    ----------
    file : str
        The file's uri on the platform; empty where no single file is meant.
    offset : int or None
        The first byte that could not be read, counted from the file's start.
    """

    def __init__(self, what: str, *, hint: str, file: str = "", offset: int | None = None) -> None:
        super().__init__(what, hint=hint)
        self.file = file
        self.offset = offset


class MemoryLimitError(GioError):
    """The table would take more memory than ``memory_limit=`` allows; nothing is lost."""
