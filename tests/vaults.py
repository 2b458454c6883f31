"""Keyrings of the kinds that systems have, to be set with ``PYTHON_KEYRING_BACKEND`` or in code."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class Vault(KeyringBackend):
    """Keeps keys for as long as it lives, and counts how often it is asked."""

    priority = 9  # type: ignore[assignment]
    name = "Vault"

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class FileVault(Vault):
    """Keeps keys in the file that VAULT names, for processes of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._file = Path(os.environ.get("VAULT", "vault.json"))
        if self._file.exists():
            self.kept = {tuple(k): v for k, v in json.loads(self._file.read_text())}

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password)
        self._file.write_text(json.dumps([[list(k), v] for k, v in self.kept.items()]))


class Locked(Vault):
    """Its user does not unlock it."""

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        raise KeyringLocked("the user said no")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("the user said no")


class Broken(Vault):
    """Fails as its system does, with an error that is not keyring's."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError("no D-Bus here")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError("no D-Bus here")


class PlaintextVault(Vault):
    """Keeps keys where anybody can read them."""


class Chain(Vault):
    """Asks several, as keyring's own chain does."""

    def __init__(self, *backends: KeyringBackend) -> None:
        super().__init__()
        self.backends = backends
