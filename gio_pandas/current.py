"""The session that the module's verbs act on: the one last connected."""

from __future__ import annotations

import threading

from gio_pandas.session import Session

__all__ = ["connected", "current_session", "make_current"]

_lock = threading.Lock()
_session: Session | None = None


def current_session() -> Session:
    """Give the session last connected; at the first use, one made from the settings.

    Returns
    -------
    Session
        The one that the verbs of this module speak through.

    Raises
    ------
    SettingsError
        None is connected, and nothing is set in the environment or the profile file.

    Examples
    --------
    >>> gio.current_session()
    Session('sandbox:', project='默认项目')
    """
    global _session
    with _lock:
        if _session is None:
            _session = Session()
        return _session


def connected() -> Session | None:
    """Give the session last connected, and make none."""
    return _session


def make_current(session: Session) -> Session:
    """Let the verbs act on a session from now on, and give it back."""
    global _session
    with _lock:
        _session = session
    return session
