"""API keys in the system's keyring: put there by ``gio-pandas login``, found by the platform's url.

It needs the extra ``keyring``, and is looked into at the first request of a session that has
neither key nor token: the system may ask the user to unlock it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from gio_pandas.errors import SettingsError
from gio_pandas.settings import SANDBOX, Secret, Settings, ways_in

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["SERVICE", "check_keyring", "forget_key", "store_key", "with_key"]

SERVICE = "gio-pandas"
"""What the keys are filed under; the user name beside it is the platform's url."""

_ELSEWHERE = (
    "Set GIO_API_KEY in the environment, or write api_key into the profile file (chmod 600)."
)
_DEFAULT_PORTS = {"http": 80, "https": 443}

T = TypeVar("T")

_log = logging.getLogger(__name__)


def with_key(settings: Settings) -> Settings:
    """Give settings that have neither key nor token the key that the keyring has, if it has one.

    Where headers are a way in by themselves, such as a gateway's cookie, it need not have one.

    Raises
    ------
    SettingsError
        There is no way in: the message says why the keyring is of no help.
    """
    if settings.api_key or settings.token or settings.url == SANDBOX:
        return settings
    try:
        key = _asked(lambda ring: ring.get_password(SERVICE, _account(settings.url)), "read")
        trouble = "the keyring has none"
    except SettingsError as error:
        key, trouble = None, error.what[0].lower() + error.what[1:]
    if key:
        return replace(settings, api_key=Secret(key.strip()), key_from="keyring")
    if not settings.headers:
        raise SettingsError(f"{settings.url} is set, but no API key, and {trouble}", hint=ways_in())
    _log.info("Only headers are sent to %s: no API key is set, and %s", settings.url, trouble)
    return settings


def check_keyring() -> None:
    """Refuse, before anybody is asked for a key, to go on without a keyring that keeps secrets.

    Raises
    ------
    SettingsError
        There is none.
    """
    _asked(lambda ring: ring.name, "read")


def store_key(url: str, key: Secret) -> str:
    """Put a platform's key into the keyring, in the place of one that is there.

    Returns
    -------
    str
        The keyring's name.

    Raises
    ------
    SettingsError
        There is no keyring, none that keeps a secret, or it does not let us in.
    """

    def put(ring: KeyringBackend) -> str:
        ring.set_password(SERVICE, _account(url), key.reveal())
        return ring.name

    return _asked(put, "written")


def forget_key(url: str) -> bool:
    """Take a platform's key out of the keyring, and tell whether there was one.

    Raises
    ------
    SettingsError
        There is no keyring, none that keeps a secret, or it does not let us in.
    """

    def drop(ring: KeyringBackend) -> bool:
        known = ring.get_password(SERVICE, _account(url)) is not None
        if known:
            ring.delete_password(SERVICE, _account(url))
        return known

    return _asked(drop, "written")


def _account(url: str) -> str:
    """Spell an address in one way: host in small letters, no port that goes without saying."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _asked(ask: Callable[[KeyringBackend], T], done: str) -> T:
    """Do something with the keyring; whatever goes wrong there is told in our terms."""
    try:
        return ask(_keyring())
    except SettingsError:
        raise
    except Exception as error:
        # A backend raises what it likes: of D-Bus, of Windows, of a chip.
        words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    # Not from the error: its frames may hold the key.
    raise SettingsError(f"The keyring cannot be {done} ({words})", hint=_ELSEWHERE)


def _keyring() -> KeyringBackend:
    try:
        import keyring
    except ModuleNotFoundError:
        raise SettingsError(
            "The package keyring is not installed",
            hint='Run: python -m pip install "gio-pandas[keyring]"',
        ) from None
    chosen = keyring.get_keyring()
    # The chain asks one after the other, those that keep plain text too.
    rings: list[KeyringBackend] = list(getattr(chosen, "backends", [chosen]))
    for ring in rings:
        if _keeps_secrets(ring):
            return ring
    raise SettingsError(
        "This system has no keyring that keeps a secret"
        f" (only {', '.join(_name(ring) for ring in rings) or 'an empty chain'})",
        hint=_ELSEWHERE,
    )


def _keeps_secrets(ring: KeyringBackend) -> bool:
    """Tell a keyring from none at all, and from files that anybody can read (keyrings.alt)."""
    if _name(ring) in ("keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"):
        return False
    kind = type(ring)
    plain = kind.__module__.startswith("keyrings.alt") and "Encrypted" not in kind.__name__
    return not plain and "plaintext" not in kind.__name__.lower()


def _name(ring: KeyringBackend) -> str:
    return f"{type(ring).__module__}.{type(ring).__qualname__}"
