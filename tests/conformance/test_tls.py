"""TLS: verified, by a CA of one's own too."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

import gio_pandas as gio

from .conftest import Connect
from .frames import (
    VIP,
)
from .platform import Options, Platform


@pytest.fixture
def private_ca(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate that no browser knows, and a server's side of it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "ca.pem"
    asked = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext"
    subprocess.run(
        [*asked.split(), "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def test_a_private_ca_is_a_setting(
    stack: ExitStack, connect: Connect, private_ca: tuple[ssl.SSLContext, Path]
) -> None:
    """``verify`` takes the file of the CA that the platform's certificate is from."""
    context, certificate = private_ca
    platform = stack.enter_context(Platform(Options(), tls=context))
    assert len(connect(platform, verify=str(certificate)).read_segment(VIP)) == 3


def test_an_unknown_ca_is_refused(
    stack: ExitStack, connect: Connect, no_waits: None, private_ca: tuple[ssl.SSLContext, Path]
) -> None:
    """A certificate from nowhere is an error that names ``verify``; no key is sent."""
    platform = stack.enter_context(Platform(Options(), tls=private_ca[0]))
    with pytest.raises(gio.GioError, match="verify"):
        connect(platform).list_projects()
    assert platform.requests == []
