"""What brings credentials to the workers of a cluster. It needs the extra ``dask``."""

from __future__ import annotations

from typing import Any

from distributed import WorkerPlugin

from gio_pandas.exports import credentials
from gio_pandas.settings import Secret, Settings

__all__ = ["Credentials"]


class Credentials(WorkerPlugin):
    """Gives a way in to each worker, also to one that comes later.

    Its pickle holds the secrets, and is made for the cluster's scheduler alone; nothing else that
    is sent to the cluster does.

    Parameters
    ----------
    key
        What tasks ask for it by.
    settings
        Where the platform is and how to get in.
    """

    idempotent = True

    def __init__(self, key: str, settings: Settings) -> None:
        self.name = f"gio-credentials-{key}"
        self._key = key
        self._settings = settings

    def setup(self, worker: Any) -> None:
        """Hear that a worker has begun."""
        credentials.hold(self._key, self._settings)

    def teardown(self, worker: Any) -> None:
        """Hear that a worker ends."""
        credentials.release(self._key)

    def __repr__(self) -> str:
        return f"<Credentials {self._key}>"

    def __reduce__(self) -> tuple[Any, ...]:
        settings = self._settings
        revealed = {
            "url": settings.url,
            "api_key": settings.api_key and settings.api_key.reveal(),
            "token": settings.token and settings.token.reveal(),
            "headers": {name: value.reveal() for name, value in settings.headers.items()},
            "auth_scheme": settings.auth_scheme,
            "verify": settings.verify,
        }
        return _hidden_again, (self._key, revealed)


def _hidden_again(key: str, revealed: dict[str, Any]) -> Credentials:
    hidden = {name: revealed[name] and Secret(revealed[name]) for name in ("api_key", "token")}
    headers = {name: Secret(value) for name, value in revealed["headers"].items()}
    return Credentials(key, Settings(**{**revealed, **hidden, "headers": headers}))
