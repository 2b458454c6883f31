"""Where the platform is and how to get in: argument > environment > profile file > default.

A key that none of these has may lie in the system's keyring: ``keys`` looks there.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from gio_pandas.errors import SettingsError

__all__ = [
    "SANDBOX",
    "SANDBOX_PROJECT",
    "Secret",
    "Settings",
    "check_charset",
    "check_progress",
    "check_rate",
    "check_secret",
    "check_timeout",
    "profile_path",
    "progress_mode",
    "ways_in",
]

SANDBOX = "sandbox:"
"""The url that stands for the embedded platform."""

_SANDBOXES = (SANDBOX, SANDBOX.rstrip(":"))

SANDBOX_PROJECT = "默认项目"
"""Its project that verbs use where none is passed."""


_WAYS = (
    'Pass gio.connect("https://…", api_key="…"), or set GIO_URL and GIO_API_KEY in the '
    "environment, or write both under [default] in {path}; the key may lie in the system's "
    'keyring instead: gio-pandas login. To try without an account: gio.connect("sandbox:").'
)
_ENVIRONMENT = {
    "url": "GIO_URL",
    "api_key": "GIO_API_KEY",
    "token": "GIO_TOKEN",
    "project": "GIO_PROJECT",
    "charset": "GIO_CHARSET",
    "auth_scheme": "GIO_AUTH_SCHEME",
    "verify": "GIO_VERIFY",
    "timeout": "GIO_TIMEOUT",
    "requests_per_second": "GIO_REQUESTS_PER_SECOND",
    "cache_limit": "GIO_CACHE_LIMIT",
    "progress": "GIO_PROGRESS",
}
_KEYS = (*_ENVIRONMENT, "headers")
_ANYWHERE = ("progress",)
"""What is of the user's screen, and not of a platform."""

_PROGRESS = {
    **dict.fromkeys(("auto", "on", "true", "yes", "1"), "auto"),
    **dict.fromkeys(("off", "none", "false", "no", "0"), "off"),
    "text": "text",
    "widget": "widget",
}
_MAY_BE_NONE = ("timeout", "requests_per_second")
_CREDENTIALS = ("api_key", "token")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A word of HTTP: a header's name, an authorization's scheme."""


class Secret:
    """A text that no repr, log or traceback shows; ``reveal()`` gives it.

    Parameters
    ----------
    text
        What is to be hidden.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text itself.

        Returns
        -------
        str
            What is hidden everywhere else.
        """
        return self._text

    def __repr__(self) -> str:
        return "Secret(********)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret is not pickled; make a new Session where you need one")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that a session needs to know before its first request.

    Parameters
    ----------
    url
        The platform's address, without a slash at its end, or ``"sandbox:"``.
    api_key, token
        The API key that tokens are fetched with; a token that is already there.
    project
        Id or name of the project that verbs use where none is passed.
    auth_scheme
        The word before the token in ``Authorization``; ``""`` sends the token bare.
        13.x documents ``Token``, newer pages ``Bearer``.
    headers
        More headers for every request to the platform, such as a gateway's cookie.
    verify
        True, or a file with the certificates of a private CA.
    timeout
        Seconds that a wait for a job may take; None waits for ever.
    charset
        The charset that exports are asked for in.
    requests_per_second
        How often ``read_many``, ``as_completed`` and ``read_profiles`` may send the platform
        requests of one kind; None is no limit. Two is what the vendor's pages say of neighbouring
        APIs (op-api §4).
    cache_limit
        What the results that ``reuse=`` keeps may take on disk: bytes, or a text as ``"10 GB"``.
    progress
        How it is shown how far an export is; see ``check_progress``.
    profile
        The profile of the file that was used, if one was.
    key_from
        Where the key, else the token, comes from: ``argument``, ``environment``, ``profile`` or
        ``keyring``; None where there is neither.
    """

    url: str
    api_key: Secret | None = None
    token: Secret | None = None
    project: str | None = None
    auth_scheme: str = "Token"
    headers: Mapping[str, Secret] = field(default_factory=lambda: MappingProxyType({}))
    verify: bool | str = True
    timeout: float | None = 3600.0
    charset: str = "UTF-16LE"
    requests_per_second: float | None = 2.0
    cache_limit: int | str = "10 GB"
    progress: str = "auto"
    profile: str | None = None
    key_from: str | None = None

    @classmethod
    def resolve(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        path: Path | None = None,
        profile: str | None = None,
        **arguments: Any,
    ) -> Settings:
        """Put the settings together, each from the first source that has it.

        A key that is passed is not overruled by a token of the environment.

        Parameters
        ----------
        environ
            The environment; ``os.environ`` where None.
        path
            The profile file; the user's own where None.
        profile
            The profile's name; ``GIO_PROFILE``, else ``default``, where None.
        **arguments
            Fields of this class; None is "not given" (``timeout`` and ``requests_per_second``:
            leave them out instead).

        Returns
        -------
        Settings
            Checked, and filled up with the defaults.

        Raises
        ------
        SettingsError
            Nothing says where the platform is, or something said cannot be used.
        """
        path = path or profile_path()
        environ = os.environ if environ is None else environ
        profile = profile or environ.get("GIO_PROFILE") or None
        given = {
            key: value
            for key, value in arguments.items()
            if value is not None or key in _MAY_BE_NONE
        }
        environment = {
            key: environ[name] for key, name in _ENVIRONMENT.items() if environ.get(name)
        }
        sources = {"argument": given}
        # The sandbox needs nothing of what is set for a platform, and works where that is broken.
        if given.get("url") in _SANDBOXES:
            environment = {key: environment[key] for key in _ANYWHERE if key in environment}
        sources["environment"] = environment
        in_sandbox = given.get("url", environment.get("url")) in _SANDBOXES
        if given.get("url") not in _SANDBOXES and (profile or not in_sandbox):
            sources["profile"] = _read_profile(path, profile)
        chosen = _merge(sources.values())
        if "url" not in chosen:
            raise SettingsError("No platform is set", hint=ways_in(path))
        key_from = _first(sources, "api_key") or _first(sources, "token")
        return cls(**_checked(chosen), profile=profile, key_from=key_from)

    def describe(self) -> dict[str, str]:
        """Every setting as text with the secrets masked, as ``gio-pandas doctor`` prints them.

        Returns
        -------
        dict of str
            By the names of the fields.
        """
        return {
            "url": self.url,
            "api_key": "********" if self.api_key else "not set",
            "token": "********" if self.token else "not set",
            "project": self.project or "not set",
            "auth_scheme": self.auth_scheme or "none",
            "headers": ", ".join(self.headers) or "none",
            "verify": str(self.verify),
            "timeout": "none" if self.timeout is None else f"{self.timeout:g} s",
            "charset": self.charset,
            "requests_per_second": (
                "none" if self.requests_per_second is None else f"{self.requests_per_second:g}"
            ),
            "cache_limit": str(self.cache_limit),
            "progress": self.progress,
            "profile": self.profile or "default",
            "key_from": self.key_from or "not set",
        }


def ways_in(path: Path | None = None) -> str:
    """Say how to set the platform and its key; ``path`` is the profile file, if another one."""
    return _WAYS.format(path=path or profile_path())


def profile_path() -> Path:
    """Say where the profile file lies: ``profiles.toml`` in the user's configuration folder."""
    from platformdirs import user_config_path

    try:
        folder = user_config_path("gio_pandas", appauthor=False)
    except RuntimeError:  # a user without a home: a container's, a service's
        folder = Path("~/.config/gio_pandas")
    return folder / "profiles.toml"


def _read_profile(path: Path, name: str | None) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if name:
            raise SettingsError(
                f"Profile {name!r} is asked for, but there is no {path}",
                hint=f"Write [{name}] with url and api_key there, or unset GIO_PROFILE.",
            ) from None
        return {}
    except OSError as error:
        raise _unreadable(path, str(error)) from error
    profiles = _parse_profiles(_text_of(content, path), path)
    if name and name not in profiles:
        raise SettingsError(
            f"There is no profile {name!r} in {path}",
            hint=f"It has: {', '.join(profiles) or 'none'}.",
        )
    return _checked_profile(profiles.get(name or "default", {}), name or "default", path)


def _read_toml(text: str, path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The parser's message has a place, never the text, which may hold a key.
        words = str(error)
    raise SettingsError(  # not from the error: its frames have the text
        f"The profile file {path} is not TOML: {words}",
        hint='It should read: [default] url = "https://…" api_key = "…", a line each.',
    )


def _text_of(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        words = f"no UTF-8 from byte {error.start} on"
    raise _unreadable(path, words)  # not from the error: it holds the whole file


def _unreadable(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"The profile file {path} cannot be read ({why})", hint="Mend the file, or move it away."
    )


def _parse_profiles(text: str, path: Path) -> dict[str, dict[str, Any]]:
    profiles = _read_toml(text, path)
    loose = [key for key, value in profiles.items() if not isinstance(value, dict)]
    if loose:
        raise SettingsError(
            f"Outside of a profile in {path}: {', '.join(loose)}",
            hint="Put a line [default] above it.",
        )
    if _has_secret(profiles) and _others_can_read(path):
        raise SettingsError(
            f"{path} holds a secret and others can read it", hint=f"Run: chmod 600 '{path}'"
        )
    return profiles


def _has_secret(profiles: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(
        profile.get(key) for profile in profiles.values() for key in (*_CREDENTIALS, "headers")
    )


def _others_can_read(path: Path) -> bool:
    # Windows has no such bits: its user folders are the user's own by inheritance.
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _checked_profile(profile: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    for key in profile:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1)
            raise SettingsError(
                f"[{name}] in {path} has {key!r}, which is no setting",
                hint=f"Did you mean {near[0]!r}?" if near else f"Settings: {', '.join(_KEYS)}.",
            )
    return profile


def _first(sources: Mapping[str, Mapping[str, Any]], key: str) -> str | None:
    return next((name for name, source in sources.items() if key in source), None)


def _merge(sources: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Take each setting from the first source that has it; no token overrules a key."""
    chosen: dict[str, Any] = {}
    for source in sources:
        known = {*chosen, "token"} if "api_key" in chosen else {*chosen}
        chosen |= {key: value for key, value in source.items() if key not in known}
    return chosen


def _trimmed(url: Any) -> str:
    return str(url).strip().rstrip("/")


def _checked(chosen: dict[str, Any]) -> dict[str, Any]:
    values = dict(chosen, url=_check_url(chosen["url"]))
    if "project" in values:
        values["project"] = str(values["project"]).strip()
    if "auth_scheme" in values:
        values["auth_scheme"] = _check_scheme(values["auth_scheme"])
    if "charset" in values:
        values["charset"] = check_charset(values["charset"])
    for key in _CREDENTIALS:
        if key in values:
            values[key] = check_secret(key, values[key])
    if "headers" in values:
        values["headers"] = _check_headers(values["headers"])
    if "verify" in values:
        values["verify"] = _check_verify(values["verify"])
    if "timeout" in values:
        values["timeout"] = check_timeout(values["timeout"])
    if "requests_per_second" in values:
        values["requests_per_second"] = check_rate(values["requests_per_second"])
    if "progress" in values:
        values["progress"] = check_progress(values["progress"])
    if values["url"] == SANDBOX:
        values.setdefault("project", SANDBOX_PROJECT)
        values.setdefault("requests_per_second", None)  # it is nobody else's
    return values


def _check_url(url: Any) -> str:
    text = _trimmed(url)
    if text in _SANDBOXES:
        return SANDBOX
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        # The text is not shown: it may be the key, passed in the wrong place.
        raise SettingsError(
            "The url is not the address of a platform",
            hint='Write it whole, such as "https://cdp.example.cn", or "sandbox:".',
        )
    if parts.username or parts.password:
        raise SettingsError(
            f"The url of {parts.hostname} has a user name or password in it",
            hint="Take it out, and pass headers={'Authorization': …} if a gateway asks for one.",
        )
    if parts.query or parts.fragment:
        raise SettingsError(
            f"The url of {parts.hostname} has a query or fragment",
            hint=f"Use {parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}",
        )
    return text


def _split(url: str) -> SplitResult | None:
    if not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts


def _check_scheme(scheme: Any) -> str:
    text = str(scheme).strip()
    if text and not _NAME.fullmatch(text):
        raise SettingsError(
            "The auth_scheme is not one word", hint='Use "Token", "Bearer", or "" for none.'
        )
    return text


def check_secret(key: str, value: Any) -> Secret:
    """Give a key or token back, trimmed and hidden.

    Raises
    ------
    SettingsError
        It is none; the message does not show it.
    """
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str) or not text.strip():
        raise SettingsError(f"The {key} is empty or not text", hint="Copy it again.")
    text = text.strip()
    if not text.isascii() or not text.isprintable():
        raise SettingsError(
            f"The {key} has characters that no {key} has",
            hint="Copy it once more, without quotes, spaces or line breaks.",
        )
    return Secret(text)


def _check_headers(headers: Any) -> Mapping[str, Secret]:
    if not isinstance(headers, Mapping):
        raise SettingsError("headers is no mapping", hint='Write headers={"Cookie": "…"}.')
    return MappingProxyType({str(name): _check_header(name, headers[name]) for name in headers})


def _check_header(name: Any, value: Any) -> Secret:
    # Checked here because the HTTP library would print a bad value in its error.
    text = (value.reveal() if isinstance(value, Secret) else str(value)).strip()
    named = _NAME.fullmatch(str(name))
    if not named or not text.isprintable():
        # What is no name may be the value, put in its place.
        raise SettingsError(
            f"The header {str(name) if named else 'name'!r} has a line break or another character "
            "that no header has",
            hint="Copy its name and value once more.",
        )
    return Secret(text)


def _check_verify(verify: Any) -> bool | str:
    text = os.fspath(verify) if isinstance(verify, os.PathLike) else str(verify)
    if text.lower() in ("true", "1", "yes"):
        return True
    if text.lower() in ("false", "0", "no"):
        raise SettingsError(
            "verify=False would let anybody on the network read the API key",
            hint="Pass verify= the file with your company's CA certificate.",
        )
    if not Path(text).expanduser().is_file():
        raise SettingsError(f"The CA file {text!r} (verify) does not exist", hint="Check the path.")
    return str(Path(text).expanduser())


def check_charset(charset: Any) -> str:
    """Give a charset back, trimmed.

    Raises
    ------
    SettingsError
        No codec reads it.
    """
    text = str(charset).strip()
    try:
        written = "a,\n".encode(text)
    except (LookupError, ValueError):
        written = b""
    # Of Python's codecs, those that write letters, in one, two or four bytes.
    if written.lstrip(b"\xff\xfe\xef\xbb\xbf\0").replace(b"\0", b"") != b"a,\n":
        raise SettingsError(
            f"There is no charset {text!r}", hint="Use UTF-16LE, UTF-8, GBK or GB18030."
        )
    return text


def check_timeout(timeout: Any) -> float | None:
    """Give a wait's bound back as seconds, or None for no bound.

    Raises
    ------
    SettingsError
        It is no number above 0.
    """
    if timeout is None or str(timeout).lower() == "none":
        return None
    try:
        seconds = float(timeout)
    except (TypeError, ValueError):
        seconds = -1.0
    if not seconds > 0:
        raise SettingsError(
            f"timeout={timeout!r} is not a number of seconds above 0",
            hint="Write seconds, or None to wait for ever.",
        )
    return seconds


def check_rate(rate: Any) -> float | None:
    """Give a limit back as requests a second, or None for no limit.

    Raises
    ------
    SettingsError
        It is no number above 0.
    """
    if rate is None or str(rate).strip().lower() == "none":
        return None
    try:
        number = float(rate)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 < number < float("inf"):
        raise SettingsError(
            f"requests_per_second={rate!r} is not a number above 0",
            hint="Write a number such as 2, or None for no limit.",
        )
    return number


def check_progress(progress: Any) -> str:
    """Give a way of showing progress back.

    Returns
    -------
    str
        ``"auto"``, a widget in Jupyter and a line in a terminal; ``"text"``, a line in Jupyter,
        too; ``"widget"``; or ``"off"``.

    Raises
    ------
    SettingsError
        There is no such way.
    """
    mode = _PROGRESS.get(str(progress).strip().lower())
    if mode is None:
        raise SettingsError(
            f"progress={progress!r} (GIO_PROGRESS) is unknown",
            hint='Use "auto", "text", "widget" or "off".',
        )
    return mode


def progress_mode(progress: bool | None, otherwise: str) -> str:
    """Say how progress is shown where a verb was given ``progress=``.

    Returns
    -------
    str
        As ``check_progress``, or ``"on"``: as ``"auto"``, but at once and not after a moment.

    Raises
    ------
    TypeError
        It is none of True, False and None.
    """
    if progress is None:
        return otherwise
    if not isinstance(progress, bool):
        raise TypeError(f"progress= is True, False or None, not {progress!r}")
    if not progress:
        return "off"
    return "on" if otherwise in ("auto", "off") else otherwise
