"""Keys in the system's keyring: where they are found, when it is asked, and what it may not be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from click.testing import CliRunner, Result
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from vaults import Broken, Chain, FileVault, Locked, PlaintextVault, Vault

import gio_pandas as gio
from gio_pandas import sandbox
from gio_pandas.cli import main
from gio_pandas.keys import SERVICE, forget_key, store_key, with_key
from gio_pandas.settings import Secret, Settings, profile_path

KEY = "a-key-in-the-ring"
URL = "https://cdp.example.cn"
Use = Callable[[KeyringBackend], KeyringBackend]


@pytest.fixture(autouse=True)
def use() -> Iterator[Use]:
    """Choose the keyring that the system has; without a choice, none."""
    before = keyring.get_keyring()

    def choose(ring: KeyringBackend) -> KeyringBackend:
        keyring.set_keyring(ring)
        return ring

    choose(fail.Keyring())
    yield choose
    choose(before)


@pytest.fixture
def vault(use: Use) -> Vault:
    """Use a keyring that works."""
    vault = Vault()
    use(vault)
    return vault


@pytest.fixture(scope="module")
def platform() -> Iterator[sandbox.Sandbox]:
    """Start a platform of this key."""
    with sandbox.start(users=50, stage_seconds=0, api_key=KEY) as platform:
        yield platform


def _settings(**arguments: Any) -> Settings:
    return Settings.resolve(environ={}, **{"url": URL, **arguments})


def _alt(name: str, module: str = "keyrings.alt.file") -> KeyringBackend:
    """Make a keyring that is called like one of the package keyrings.alt."""
    kind: type[Vault] = type(name, (Vault,), {"__module__": module})
    return kind()


# --- where a key comes from ----------------------------------------------------------------------


def test_a_key_is_found_by_the_platforms_address(vault: Vault) -> None:
    """It is filed under the service gio-pandas and the url, and says that it is from there."""
    assert store_key(URL, Secret(KEY)) == "Vault"
    assert vault.kept == {(SERVICE, URL): KEY}
    found = with_key(_settings())
    assert (found.api_key, found.key_from) == (Secret(KEY), "keyring")
    with pytest.raises(gio.SettingsError):
        with_key(_settings(url="https://other.example.cn"))


@pytest.mark.parametrize(
    ("stored", "asked", "same"),
    [
        ("https://cdp.example.cn", "HTTPS://CDP.example.cn:443/", True),
        ("http://10.0.0.1:80/op", "http://10.0.0.1/op", True),
        ("http://[::1]:8080", "http://[::1]:8080", True),
        ("https://cdp.example.cn", "http://cdp.example.cn", False),
        ("https://cdp.example.cn", "https://cdp.example.cn:8443", False),
        ("https://cdp.example.cn", "https://cdp.example.cn/op", False),
        ("https://cdp.example.cn/op", "https://cdp.example.cn/OP", False),
    ],
)
def test_an_address_is_one_however_it_is_spelled(
    vault: Vault, stored: str, asked: str, same: bool
) -> None:
    """Scheme, host, port and path tell platforms apart; the key of one is not sent to another."""
    store_key(_settings(url=stored).url, Secret(KEY))
    found = with_key(_settings(url=asked, headers={"Cookie": "a=b"}))
    assert (found.api_key == Secret(KEY)) is same


@pytest.mark.parametrize("way_in", [{"api_key": "k"}, {"token": "t"}, {"url": "sandbox:"}])
def test_the_keyring_is_asked_last(vault: Vault, way_in: dict[str, Any]) -> None:
    """Who has a key or a token, and the sandbox, never waits for it."""
    store_key(URL, Secret(KEY))
    settings = _settings(**way_in)
    assert with_key(settings) is settings
    assert vault.asked == 0


@pytest.mark.parametrize("source", ["argument", "environment", "profile", "keyring"])
@pytest.mark.parametrize("kind", ["api_key", "token"])
def test_settings_say_where_the_key_is_from(
    vault: Vault, tmp_path: Path, source: str, kind: str
) -> None:
    """The first source that has one, in the order in which they win."""
    store_key(URL, Secret(KEY))
    path = tmp_path / "profiles.toml"
    path.write_text(f'[default]\n{kind} = "p"' if source == "profile" else "")
    path.chmod(0o600)
    environ = {f"GIO_{kind.upper()}": "e"} if source == "environment" else {}
    given = {kind: "a"} if source == "argument" else {}
    settings = with_key(Settings.resolve(environ=environ, path=path, url=URL, **given))
    assert settings.key_from == source
    assert settings.describe()["key_from"] == source


def test_headers_may_be_all_that_is_needed(vault: Vault) -> None:
    """A platform behind a gateway's cookie needs no key, and gets one where there is one."""
    settings = _settings(headers={"Cookie": "a=b"})
    assert with_key(settings) is settings
    store_key(URL, Secret(KEY))
    assert with_key(settings).api_key == Secret(KEY)


def test_a_session_asks_at_its_first_request(vault: Vault, platform: sandbox.Sandbox) -> None:
    """Connecting asks nobody; the first verb asks the keyring, and those after it do not."""
    store_key(platform.url, Secret(KEY))
    with gio.Session(platform.url) as session:
        assert (vault.asked, session.settings.api_key) == (0, None)
        session.list_projects()
        asked = vault.asked
        assert len(session.list_segments(project="默认项目")) > 0
        assert vault.asked == asked > 0


# --- keyrings that are of no help ----------------------------------------------------------------

USELESS: dict[str, tuple[Callable[[], KeyringBackend], str]] = {
    "none": (fail.Keyring, "no keyring that keeps a secret (only keyring.backends.fail.Keyring)"),
    "one that keeps nothing": (null.Keyring, "keyring.backends.null.Keyring"),
    "one of plain text": (PlaintextVault, "no keyring that keeps a secret"),
    "keyrings.alt": (lambda: _alt("PlaintextKeyring"), "keyrings.alt.file.PlaintextKeyring"),
    "another of it": (lambda: _alt("BasicKeyring", "keyrings.alt.pyfs"), "keyrings.alt.pyfs"),
    "a chain of such": (lambda: Chain(PlaintextVault(), null.Keyring()), "PlaintextVault, keyr"),
    "an empty chain": (Chain, "an empty chain"),
    "one that stays locked": (Locked, "(KeyringLocked: the user said no)"),
    "one that breaks": (Broken, "(RuntimeError: no D-Bus here)"),
}


@pytest.mark.parametrize("ring", USELESS)
def test_a_keyring_of_no_help_is_told_where_the_key_is_missing(use: Use, ring: str) -> None:
    """The session's first request fails with the reason, and the other ways to set a key."""
    make, words = USELESS[ring]
    use(make())
    with gio.Session(URL) as session, pytest.raises(gio.SettingsError) as caught:
        session.list_projects()
    assert caught.value.what.startswith(f"{URL} is set, but no API key, and ")
    assert words in caught.value.what
    assert "GIO_API_KEY" in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ring", USELESS)
def test_a_keyring_of_no_help_breaks_nobody_else(
    use: Use, platform: sandbox.Sandbox, ring: str
) -> None:
    """Who has a key, or needs none, does not notice it."""
    use(USELESS[ring][0]())
    with gio.Session(platform.url, api_key=KEY) as session:
        assert len(session.list_projects()) > 0
    with (
        gio.Session(platform.url, headers={"Cookie": "a=b"}) as session,
        pytest.raises(gio.AuthenticationError),  # the platform was asked
    ):
        session.list_projects()


@pytest.mark.parametrize("ring", USELESS)
def test_a_key_is_not_kept_where_it_would_not_be_safe(use: Use, ring: str) -> None:
    """Neither in plain text nor nowhere: the message has the other ways."""
    chosen = use(USELESS[ring][0]())
    with pytest.raises(gio.SettingsError) as caught:
        store_key(URL, Secret(KEY))
    assert "chmod 600" in caught.value.hint
    assert "GIO_API_KEY" in caught.value.hint
    kept = [ring for ring in (chosen, *getattr(chosen, "backends", ())) if vars(ring).get("kept")]
    assert kept == []
    assert caught.value.__context__ is None  # its frames would have the key


@pytest.mark.parametrize(
    "safe", [Vault, lambda: _alt("EncryptedKeyring"), lambda: Chain(PlaintextVault(), Vault())]
)
def test_a_keyring_that_keeps_secrets_is_used(use: Use, safe: Callable[[], KeyringBackend]) -> None:
    """An encrypted file is one; of a chain, it is the first that is one."""
    chosen = use(safe())
    store_key(URL, Secret(KEY))
    assert with_key(_settings()).api_key == Secret(KEY)
    for ring in getattr(chosen, "backends", ()):
        assert bool(ring.kept) is (type(ring) is Vault)
    assert forget_key(URL) is True
    assert forget_key(URL) is False


def test_without_the_extra_the_key_is_missing_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The package keyring is optional: without it the message says what is missing."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(gio.SettingsError, match="no API key, and the package keyring is not"):
        with_key(_settings())
    with pytest.raises(gio.SettingsError, match=r'pip install "gio-pandas\[keyring\]"'):
        store_key(URL, Secret(KEY))
    settings = _settings(headers={"Cookie": "a=b"})
    assert with_key(settings) is settings


def test_a_session_with_a_key_does_not_import_keyring(platform: sandbox.Sandbox) -> None:
    """It is slow to import, and nobody waits for it who has a key."""
    code = (
        "import sys, gio_pandas as gio\n"
        "with gio.Session(sys.argv[1], api_key='a-key-in-the-ring') as session:\n"
        "    session.list_projects()\n"
        "print('keyring' in sys.modules)"
    )
    command = [sys.executable, "-c", code, platform.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- login and logout ----------------------------------------------------------------------------


def _run(*args: str, typed: str = f"{KEY}\n") -> Result:
    result = CliRunner().invoke(main, list(args), input=typed)
    assert KEY not in result.output
    return result


def test_login_keeps_a_key_that_works(vault: Vault, platform: sandbox.Sandbox) -> None:
    """The key comes from standard input, is tried with one token, and kept for the url."""
    platform.forget_requests()
    result = _run("login", "--url", f"{platform.url}/")
    assert result.exit_code == 0, result.output
    assert result.output == f"The API key of {platform.url} is in the keyring (Vault).\n"
    assert vault.kept == {(SERVICE, platform.url): KEY}
    paths = [request.path for request in platform.requests]
    assert paths == ["/accounts/oauth/access_token", "/graphql"]
    result = _run("list", "projects", "--url", platform.url)
    assert result.exit_code == 0, result.output


def test_login_refuses_a_key_that_does_not_work(vault: Vault, platform: sandbox.Sandbox) -> None:
    """What the platform refuses is not kept, unless it is asked not to be tried."""
    result = _run("login", "--url", platform.url, typed="another\n")
    assert result.exit_code == 1
    assert "AuthenticationError: The platform refused the API key" in result.output
    assert "The key was not kept" in result.output
    assert (vault.kept, "another" in result.output) == ({}, False)
    platform.forget_requests()
    result = _run("login", "--url", platform.url, "--no-check", typed="another\n")
    assert (result.exit_code, platform.requests) == (0, ())
    assert vault.kept == {(SERVICE, platform.url): "another"}


@pytest.mark.parametrize("typed", ["", "\n", "  \n", f"“{KEY}”\n"])
def test_login_takes_no_key_that_is_none(vault: Vault, typed: str) -> None:
    """Nothing, or what no key looks like, is told without it."""
    result = _run("login", "--url", URL, "--no-check", typed=typed)
    assert result.exit_code == 1
    assert "The API key " in result.output
    assert vault.kept == {}


@pytest.mark.parametrize("ring", USELESS)
def test_login_says_why_a_key_cannot_be_kept(use: Use, ring: str) -> None:
    """One line, with the other ways."""
    make, words = USELESS[ring]
    use(make())
    result = _run("login", "--url", URL, "--no-check")
    assert result.exit_code == 1
    assert words in result.output
    assert "chmod 600" in result.output
    assert len(result.output.splitlines()) == 1


def test_login_asks_nobody_for_a_key_that_cannot_be_kept(
    use: Use, platform: sandbox.Sandbox
) -> None:
    """Without a keyring neither the user nor the platform is asked."""
    use(fail.Keyring())
    platform.forget_requests()
    result = _run("login", "--url", platform.url)
    assert "no keyring that keeps a secret" in result.output
    assert platform.requests == ()


def test_login_knows_the_profiles(vault: Vault) -> None:
    """``--profile`` has the url; the profile needs no key of its own."""
    path = profile_path()
    path.parent.mkdir(parents=True)
    path.write_text(f'[prod]\nurl = "{URL}"\n')
    assert _run("login", "--profile", "prod", "--no-check").exit_code == 0
    assert vault.kept == {(SERVICE, URL): KEY}
    assert "no longer in the keyring" in _run("logout", "--profile", "prod").output
    assert vault.kept == {}


def test_login_tells_of_a_key_that_wins(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the environment is used before that of the keyring."""
    monkeypatch.setenv("GIO_API_KEY", "other")
    result = _run("login", "--url", URL, "--no-check")
    assert "not used while the environment has a key" in result.output


def test_login_needs_a_platform(vault: Vault) -> None:
    """Neither nothing nor the sandbox is one."""
    assert "No platform is set" in _run("login").output
    assert "The sandbox needs no key" in _run("login", "--url", "sandbox:").output
    assert vault.kept == {}


def test_logout_without_a_key(vault: Vault) -> None:
    """Logging out twice is no mistake."""
    result = _run("logout", "--url", URL)
    assert (result.exit_code, result.output) == (
        0,
        f"The API key of {URL} is not in the keyring.\n",
    )


@pytest.mark.parametrize("source", ["argument", "environment", "profile", "keyring", "none"])
def test_doctor_says_where_the_key_is_from(
    vault: Vault,
    platform: sandbox.Sandbox,
    source: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The source is named, the key is not; without one the ways to set it are shown."""
    monkeypatch.setenv("GIO_URL", platform.url)
    if source == "environment":
        monkeypatch.setenv("GIO_API_KEY", KEY)
    if source == "profile":
        profile_path().parent.mkdir(parents=True)
        profile_path().write_text(f'[default]\napi_key = "{KEY}"')
        profile_path().chmod(0o600)
    if source == "keyring":
        store_key(platform.url, Secret(KEY))
    result = _run("doctor", *(["--api-key", KEY] if source == "argument" else []))
    if source == "none":
        assert result.exit_code == 1
        assert "no API key, and the keyring has none" in result.output
        assert "gio-pandas login" in result.output
    else:
        assert re.search(rf"key_from +{source}\n", result.output)
        assert result.exit_code == 0, result.output


@pytest.mark.skipif(os.name != "posix", reason="a terminal of its own is made on POSIX alone")
def test_login_does_not_echo_what_is_typed(tmp_path: Path, home: Path) -> None:
    """At a terminal the key is asked for, and what comes back from it does not have the key.

    The keyring is the one that keyring's own variable names.
    """
    controller, terminal = os.openpty()
    code = (
        "import os; os.close(os.open(os.ttyname(0), os.O_RDWR)); "  # its own from now on
        "from gio_pandas.cli import main; main()"
    )
    vault = tmp_path / "vault.json"
    backend = f"{FileVault.__module__}.{FileVault.__name__}"
    environ = {"PYTHON_KEYRING_BACKEND": backend, "VAULT": str(vault)}
    child = subprocess.Popen(
        [sys.executable, "-c", code, "login", "--url", URL, "--no-check"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env={**os.environ, **environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    os.close(terminal)
    told = b""
    while b"API key of" not in told:
        told += os.read(controller, 1000)
    os.write(controller, f"{KEY}\n".encode())
    while b"is in the keyring" not in told:
        told += os.read(controller, 1000)
    assert child.wait() == 0
    os.close(controller)
    assert KEY.encode() not in told
    assert json.loads(vault.read_text()) == [[[SERVICE, URL], KEY]]
