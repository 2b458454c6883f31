"""The settings: which source wins, what is refused, and that secrets stay secret."""

from __future__ import annotations

import pickle
import sys
import traceback
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

import gio_pandas as gio
from gio_pandas.settings import (
    SANDBOX,
    Secret,
    Settings,
    check_charset,
    check_rate,
    check_timeout,
    profile_path,
    progress_mode,
)

URL = "https://cdp.example.cn"
OTHER = "https://other.example.cn"
KEY = "key-0123456789"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Say where this test's profile file is; it is not there yet."""
    return tmp_path / "profiles.toml"


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def resolve(path: Path, environ: dict[str, str] | None = None, **arguments: Any) -> Settings:
    return Settings.resolve(environ=environ or {}, path=path, **arguments)


def shown(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


# Each setting: the argument, the environment's text, the profile's TOML, and what each means.
SOURCES: dict[str, tuple[Any, str, str, tuple[Any, Any, Any, Any]]] = {
    "project": ("a", "e", '"p"', ("a", "e", "p", None)),
    "auth_scheme": ("A", "E", '"P"', ("A", "E", "P", "Token")),
    "charset": ("GBK", "UTF-8", '"GB18030"', ("GBK", "UTF-8", "GB18030", "UTF-16LE")),
    "timeout": (1, "2", "3.5", (1.0, 2.0, 3.5, 3600.0)),
    "requests_per_second": (1, "5", "0.5", (1.0, 5.0, 0.5, 2.0)),
    "verify": (True, "yes", "true", (True, True, True, True)),
    "api_key": ("a", "e", '"p"', ("a", "e", "p", None)),
    "token": ("a", "e", '"p"', ("a", "e", "p", None)),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("first", range(4))
def test_the_first_source_that_has_a_setting_wins(path: Path, name: str, first: int) -> None:
    """Argument, environment, profile file, default: in this order, for every setting."""
    argument, environment, toml, meant = SOURCES[name]
    write(path, f"[default]\n{name} = {toml}" if first <= 2 else "")
    environ = {f"GIO_{name.upper()}": environment} if first <= 1 else {}
    arguments = {name: argument} if first == 0 else {}
    way_in = {} if name in ("api_key", "token") else {"headers": {"Cookie": "c"}}
    if name in ("api_key", "token") and first == 3:
        way_in = {"headers": {"Cookie": "c"}}
    settings = resolve(path, environ, url=URL, **way_in, **arguments)
    assert shown(getattr(settings, name)) == meant[first]


@pytest.mark.parametrize("first", range(3))
def test_the_address_comes_from_the_first_source_too(path: Path, first: int) -> None:
    """The url is a setting like the others."""
    write(path, '[default]\nurl = "https://c.cn"\napi_key = "k"')
    environ = {"GIO_URL": "https://b.cn", "GIO_API_KEY": "k"} if first <= 1 else {}
    arguments = {"url": "https://a.cn", "api_key": "k"} if first == 0 else {}
    assert resolve(path, environ, **arguments).url == f"https://{'abc'[first]}.cn"


def test_the_ca_file_comes_from_each_source(path: Path, tmp_path: Path) -> None:
    """``verify`` may be a file in an argument (a Path too), the environment or the profile."""
    ca = write(tmp_path / "ca.pem", "x")
    base = {"url": URL, "api_key": "k"}
    assert resolve(path, **base, verify=ca).verify == str(ca)
    assert resolve(path, {"GIO_VERIFY": str(ca)}, **base).verify == str(ca)
    write(path, f"[default]\nverify = '{ca}'")
    assert resolve(path, **base).verify == str(ca)


def test_headers_come_from_the_argument_or_the_profile(path: Path) -> None:
    """The environment has no way to say headers."""
    write(path, f'[default]\nurl = "{URL}"\nheaders = {{Cookie = "p"}}')
    assert shown(resolve(path).headers["Cookie"]) == "p"
    given = resolve(path, url=URL, headers={"X-Gate": "a"}).headers
    assert {name: shown(value) for name, value in given.items()} == {"X-Gate": "a"}


def test_an_empty_variable_is_not_set(path: Path) -> None:
    """``GIO_PROJECT=`` in a shell is the same as leaving it out."""
    write(path, '[default]\nproject = "p"')
    environ = {"GIO_PROJECT": "", "GIO_URL": URL, "GIO_API_KEY": KEY, "GIO_PROFILE": ""}
    assert resolve(path, environ).project == "p"


def test_the_environment_and_the_users_own_file_are_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without being told where to look, os.environ and the user's profile file are read."""
    monkeypatch.setenv("GIO_URL", URL)
    own = profile_path()
    own.parent.mkdir(parents=True)
    write(own, f'[default]\nurl = "{URL}"\napi_key = "{KEY}"')
    settings = Settings.resolve()
    assert (settings.url, shown(settings.api_key)) == (URL, KEY)


def test_the_profile_file_is_in_the_users_configuration_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is the one platformdirs says; on Linux it follows XDG_CONFIG_HOME."""
    assert profile_path().parts[-2:] == ("gio_pandas", "profiles.toml")
    assert home in profile_path().parents
    if sys.platform.startswith("linux"):
        monkeypatch.setenv("XDG_CONFIG_HOME", "/somewhere")
        assert profile_path() == Path("/somewhere/gio_pandas/profiles.toml")


# --- credentials and platforms -------------------------------------------------------------------


def test_no_token_overrules_a_key(path: Path) -> None:
    """A key that is passed is used, whatever token lies about; a token is renewed by any key."""
    write(path, '[default]\napi_key = "pk"\ntoken = "pt"')
    settings = resolve(path, {"GIO_API_KEY": "ek"}, url=URL)
    assert (shown(settings.api_key), settings.token) == ("ek", None)
    settings = resolve(path, {"GIO_API_KEY": "ek"}, url=URL, token="at")
    assert (shown(settings.api_key), shown(settings.token)) == ("ek", "at")
    settings = resolve(path, url=URL)
    assert (shown(settings.api_key), shown(settings.token)) == ("pk", "pt")


ALL_OF_IT = {
    "GIO_URL": OTHER,
    "GIO_API_KEY": KEY,
    "GIO_TOKEN": KEY,
    "GIO_PROJECT": "p",
    "GIO_AUTH_SCHEME": "Bearer",
    "GIO_CHARSET": "GBK",
    "GIO_TIMEOUT": "7",
}


def test_an_address_that_is_passed_goes_with_the_rest_of_the_environment(path: Path) -> None:
    """Each setting comes from the first source that has it, by itself."""
    settings = resolve(path, ALL_OF_IT, url=URL)
    assert (settings.url, shown(settings.api_key), settings.project) == (URL, KEY, "p")
    assert (settings.auth_scheme, settings.charset, settings.timeout) == ("Bearer", "GBK", 7.0)


def test_a_source_without_an_address_lends_to_any(path: Path) -> None:
    """GIO_API_KEY alone goes with the address of the argument or the profile."""
    write(path, f'[default]\nurl = "{URL}"\nproject = "p"')
    settings = resolve(path, {"GIO_API_KEY": KEY})
    assert (settings.url, shown(settings.api_key), settings.project) == (URL, KEY, "p")


@pytest.mark.parametrize("way_in", [{"api_key": "k"}, {"token": "t"}, {"headers": {"Cookie": "c"}}])
def test_a_key_a_token_or_headers_are_a_way_in(path: Path, way_in: dict[str, Any]) -> None:
    """Any of the three is enough."""
    assert resolve(path, url=URL, **way_in).url == URL


def test_a_way_in_may_come_later(path: Path) -> None:
    """Without any of them the settings stand: the keyring may have the key, and is asked later."""
    settings = resolve(path, url=URL)
    assert (settings.api_key, settings.token, settings.key_from) == (None, None, None)


def test_the_sandbox_needs_no_way_in(path: Path) -> None:
    """``sandbox:`` has its project and no credentials, and gets none of another platform."""
    write(path, "broken [")
    settings = resolve(path, ALL_OF_IT, url=SANDBOX)
    assert (settings.url, settings.project) == ("sandbox:", "默认项目")
    assert (settings.api_key, settings.token) == (None, None)
    assert resolve(path, {"GIO_URL": "sandbox", "GIO_PROJECT": "x"}).project == "x"
    assert resolve(path, url=SANDBOX, project="x").project == "x"


def test_how_progress_is_shown(path: Path) -> None:
    """Environment > profile file > default; with the words that people try for on and off."""
    assert resolve(path, url=URL).progress == "auto"
    write(path, '[default]\nprogress = "text"')
    assert resolve(path, url=URL).progress == "text"
    words = {"auto": "auto on True 1", "off": "off OFF none False no 0", "widget": "widget"}
    for expected, spelled in words.items():
        for word in spelled.split():
            assert resolve(path, {"GIO_PROGRESS": word}, url=URL).progress == expected
    with pytest.raises(gio.SettingsError, match=r"'loud' \(GIO_PROGRESS\) is unknown"):
        resolve(path, {"GIO_PROGRESS": "loud"}, url=URL)
    write(path, "[default]\nprogress = false")
    assert resolve(path, url=URL).progress == "off"


def test_the_screen_is_the_users_in_the_sandbox_too(path: Path) -> None:
    """What is of no platform counts for each, the embedded one among them."""
    environ = {**ALL_OF_IT, "GIO_PROGRESS": "off"}
    assert resolve(path, environ, url=SANDBOX).progress == "off"
    assert resolve(path, environ, url=SANDBOX).charset == "UTF-16LE"


@pytest.mark.parametrize(
    ("progress", "otherwise", "expected"),
    [
        (None, "text", "text"),
        (None, "off", "off"),
        (False, "widget", "off"),
        (True, "auto", "on"),
        (True, "off", "on"),
        (True, "text", "text"),
    ],
)
def test_a_verbs_progress_wins(progress: bool | None, otherwise: str, expected: str) -> None:
    """False is silence; True is the settings' own way, or else at once."""
    assert progress_mode(progress, otherwise) == expected


def test_nothing_set_names_the_three_ways_and_the_sandbox(path: Path) -> None:
    """The message says how to pass, set or write the address, and how to try without one."""
    with pytest.raises(gio.SettingsError) as caught:
        resolve(path)
    for way in ("gio.connect(", "GIO_URL", "GIO_API_KEY", "[default]", str(path), "sandbox:"):
        assert way in str(caught.value)


# --- the profile file ----------------------------------------------------------------------------


def test_a_profile_is_chosen_by_argument_or_variable(path: Path) -> None:
    """The argument wins over GIO_PROFILE; ``default`` is what is used without either."""
    write(
        path,
        "".join(f'[{n}]\nurl = "https://{n}.cn"\napi_key = "k"\n' for n in ("default", "a", "b")),
    )
    assert resolve(path).url == "https://default.cn"
    assert resolve(path).profile is None
    assert resolve(path, {"GIO_PROFILE": "a"}).url == "https://a.cn"
    chosen = resolve(path, {"GIO_PROFILE": "a"}, profile="b")
    assert (chosen.url, chosen.profile) == ("https://b.cn", "b")


def test_an_unknown_profile_names_those_there_are(path: Path) -> None:
    """A profile that is asked for and missing is never passed over in silence."""
    write(path, '[one]\nurl = "x"\n[two]\nurl = "y"\n')
    with pytest.raises(gio.SettingsError, match=r"no profile 'three' .* It has: one, two"):
        resolve(path, {"GIO_URL": URL, "GIO_API_KEY": KEY}, profile="three")


def test_a_profile_of_a_missing_file_is_an_error(path: Path) -> None:
    """The file that is asked for by its profile must be there."""
    with pytest.raises(gio.SettingsError, match="there is no") as caught:
        resolve(path, {"GIO_PROFILE": "a"}, url=URL, api_key=KEY)
    assert "GIO_PROFILE" in str(caught.value)


def test_a_missing_file_is_no_error_by_itself(path: Path) -> None:
    """Nobody needs a profile file."""
    assert resolve(path, url=URL, api_key=KEY).url == URL


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bits")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
@pytest.mark.parametrize(
    "secret", [f'api_key = "{KEY}"', f'token = "{KEY}"', f'headers = {{Cookie = "{KEY}"}}']
)
@pytest.mark.parametrize("profile", ["default", "another"])
def test_a_secret_that_others_can_read_is_refused(
    path: Path, mode: int, secret: str, profile: str
) -> None:
    """A key, token or header, in whichever profile, must be its owner's alone."""
    write(path, f"[{profile}]\n{secret}\n", mode)
    with pytest.raises(gio.SettingsError, match="others can read it") as caught:
        resolve(path, url=URL, api_key=KEY)
    assert f"chmod 600 '{path}'" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "text"),
    [(0o600, f'api_key = "{KEY}"'), (0o400, 'token = "t"'), (0o644, "timeout = 5")],
)
def test_a_file_of_ones_own_or_without_secrets_is_read(path: Path, mode: int, text: str) -> None:
    """600 and 400 are fine with a key, 644 without one."""
    write(path, f'[default]\nurl = "{URL}"\n{text}\n', mode)
    assert resolve(path, {"GIO_TOKEN": "t"}).url == URL


def test_an_unknown_setting_is_an_error_with_the_likely_one(path: Path) -> None:
    """A typing mistake in the file is told, not passed over."""
    write(path, '[default]\napikey = "x"')
    with pytest.raises(gio.SettingsError, match=r"has 'apikey'.*Did you mean 'api_key'"):
        resolve(path)
    write(path, '[default]\nzzz = "x"')
    with pytest.raises(gio.SettingsError, match=r"has 'zzz'.*Settings: url, api_key"):
        resolve(path)


@pytest.mark.parametrize(
    "text",
    [
        f'[default\napi_key = "{KEY}"',
        f'[default]\napi_key = "{KEY}',
        f"[default]\napi_key = {KEY}",
        f'[default]\napi_key = "{KEY}"\napi_key = "{KEY}"',
    ],
)
def test_what_is_not_toml_is_an_error_without_the_text(path: Path, text: str) -> None:
    """The parser's place is told; the line, which may hold a key, is not."""
    write(path, text)
    with pytest.raises(gio.SettingsError, match="is not TOML") as caught:
        resolve(path)
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_settings_outside_of_a_profile_are_an_error(path: Path) -> None:
    """A file without a ``[default]`` line is told so, without its values."""
    write(path, f'url = "{URL}"\napi_key = "{KEY}"')
    with pytest.raises(
        gio.SettingsError, match=r"Outside of a profile in .*: url, api_key"
    ) as caught:
        resolve(path)
    assert KEY not in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error(path: Path) -> None:
    """A folder of that name, or bytes that are no UTF-8, are told as such."""
    path.mkdir()
    with pytest.raises(gio.SettingsError, match="cannot be read"):
        resolve(path)
    path.rmdir()
    path.write_bytes("[default]\nproject = '默认'".encode("gbk"))
    with pytest.raises(gio.SettingsError, match="cannot be read"):
        resolve(path)


# --- single settings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://cdp.example.cn/", URL),
        ("  https://cdp.example.cn  ", URL),
        ("http://10.0.0.1:8080/op/", "http://10.0.0.1:8080/op"),
        ("https://[::1]:8443/a/b", "https://[::1]:8443/a/b"),
        ("https://数据.example.cn", "https://数据.example.cn"),
        ("HTTPS://CDP.example.cn", "HTTPS://CDP.example.cn"),
    ],
)
def test_addresses_that_are_taken(path: Path, url: str, kept: str) -> None:
    """A scheme, a host, a port, a path prefix; slashes and spaces at the end go."""
    assert resolve(path, url=url, api_key=KEY).url == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cdp.example.cn",
        "ftp://cdp.example.cn",
        "https://",
        "https:///path",
        "no url",
        "https://cdp example.cn",
        "https://cdp.example.cn:port",
        "https://cdp.example.cn:99999",
        "https://[::1",
        "https://cdp.exam\nple.cn",
        "file:///etc/passwd",
        5,
    ],
)
def test_what_is_no_address_is_refused(path: Path, url: Any) -> None:
    """Before anything is sent, and with an example of one."""
    with pytest.raises(gio.SettingsError, match="is not the address") as caught:
        resolve(path, url=url, api_key=KEY)
    assert "https://cdp.example.cn" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{KEY}@cdp.example.cn",
        f"https://{KEY}@cdp.example.cn",
        f"https://cdp.example.cn/graphql?token={KEY}",
        f"https://cdp.example.cn/#access_token={KEY}",
        f"cdp.example.cn?token={KEY}",
        f"user:{KEY}@cdp.example.cn",
        KEY,
    ],
)
def test_a_secret_in_the_address_is_refused_and_not_shown(path: Path, url: str) -> None:
    """A password or a query does not belong there, and the message does not repeat it."""
    with pytest.raises(gio.SettingsError) as caught:
        resolve(path, url=url, api_key="k")
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["api_key", "token"])
@pytest.mark.parametrize("value", ["", "   ", 5, True, f"{KEY}\n{KEY}", f"{KEY}\x00", f"“{KEY}”"])
def test_credentials_that_cannot_be_are_refused(path: Path, name: str, value: Any) -> None:
    """An empty one, a number, a line break, a Chinese quotation mark: told without the text."""
    with pytest.raises(gio.SettingsError, match=f"The {name}") as caught:
        resolve(path, url=URL, **{name: value})
    assert KEY not in str(caught.value)


def test_credentials_lose_the_space_around_them(path: Path) -> None:
    """A line break at the end, as copying brings it, is no part of a key."""
    assert shown(resolve(path, url=URL, api_key=f" {KEY}\n").api_key) == KEY
    assert shown(resolve(path, url=URL, token=Secret(f"{KEY} ")).token) == KEY


@pytest.mark.parametrize("scheme", ["To\nken", "Token:", "令牌", "a b"])
def test_a_scheme_that_is_no_word_is_refused(path: Path, scheme: str) -> None:
    """It stands before the token in a header, where a line break would show the token."""
    with pytest.raises(gio.SettingsError, match="auth_scheme"):
        resolve(path, url=URL, api_key=KEY, auth_scheme=scheme)


@pytest.mark.parametrize(("scheme", "kept"), [("Bearer ", "Bearer"), ("", ""), ("JWT", "JWT")])
def test_schemes_that_are_taken(path: Path, scheme: str, kept: str) -> None:
    """Any word, or none."""
    assert resolve(path, url=URL, api_key=KEY, auth_scheme=scheme).auth_scheme == kept


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": f"sid={KEY}\r\nX: y"},
        {"Cookie": f"sid={KEY}\x00"},
        {"Coo kie": KEY},
        {"饼干": KEY},
        {"": KEY},
    ],
)
def test_headers_that_cannot_be_are_refused_without_the_value(
    path: Path, headers: dict[str, str]
) -> None:
    """The HTTP library would print the value in its own error."""
    with pytest.raises(gio.SettingsError, match="The header") as caught:
        resolve(path, url=URL, headers=headers)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("headers", ["Cookie: a=b", [("Cookie", "a=b")], 5])
def test_headers_that_are_no_mapping_are_refused(path: Path, headers: Any) -> None:
    """The message shows how to write them."""
    with pytest.raises(gio.SettingsError, match="headers is no mapping"):
        resolve(path, url=URL, headers=headers)


def test_header_values_lose_the_space_around_them(path: Path) -> None:
    """A cookie copied with its line break is the cookie."""
    assert shown(resolve(path, url=URL, headers={"Cookie": " a=b\n"}).headers["Cookie"]) == "a=b"


@pytest.mark.parametrize("verify", [True, "true", "True", "1", "yes"])
def test_verify_true_in_its_spellings(path: Path, verify: Any) -> None:
    """The environment can only say it by a word."""
    assert resolve(path, url=URL, api_key=KEY, verify=verify).verify is True


@pytest.mark.parametrize("verify", [False, "false", "0", "No"])
def test_verification_cannot_be_switched_off(path: Path, verify: Any) -> None:
    """The message says what to pass in its place."""
    with pytest.raises(gio.SettingsError, match="CA certificate"):
        resolve(path, url=URL, api_key=KEY, verify=verify)


def test_a_ca_file_must_be_there(path: Path, tmp_path: Path, home: Path) -> None:
    """A missing file is told at once; ``~`` is the user's home."""
    with pytest.raises(gio.SettingsError, match="does not exist"):
        resolve(path, url=URL, api_key=KEY, verify=tmp_path / "none.pem")
    write(home / "ca.pem", "x")
    assert resolve(path, url=URL, api_key=KEY, verify="~/ca.pem").verify == str(home / "ca.pem")


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(1, 1.0), ("2.5", 2.5), (None, None), ("none", None), ("None", None)]
)
def test_timeouts_that_are_taken(timeout: Any, seconds: float | None) -> None:
    """Seconds, as a number or a text, or None for no bound."""
    assert check_timeout(timeout) == seconds


@pytest.mark.parametrize("timeout", [0, -1, "0", "soon", "", float("nan"), [1]])
def test_timeouts_that_are_refused(timeout: Any) -> None:
    """A bound is above 0."""
    with pytest.raises(gio.SettingsError, match="timeout="):
        check_timeout(timeout)


def test_no_bound_can_be_passed_as_an_argument(path: Path) -> None:
    """``timeout=None`` wins over the environment: it is a value, not "left out"."""
    environ = {"GIO_TIMEOUT": "5"}
    assert resolve(path, environ, url=URL, api_key=KEY, timeout=None).timeout is None
    assert resolve(path, environ, url=URL, api_key=KEY).timeout == 5.0


@pytest.mark.parametrize(
    ("rate", "expected"), [(2, 2.0), ("0.5", 0.5), (None, None), ("none", None), (" None ", None)]
)
def test_rates_that_are_taken(rate: Any, expected: float | None) -> None:
    """Requests a second, as a number or a text, or None for no limit."""
    assert check_rate(rate) == expected


@pytest.mark.parametrize("rate", [0, -1, "0", "two", "", float("nan"), "inf", [1]])
def test_rates_that_are_refused(rate: Any) -> None:
    """A limit is above 0, and no limit is said in a word."""
    with pytest.raises(gio.SettingsError, match="requests_per_second="):
        check_rate(rate)


def test_no_limit_can_be_passed_or_set(path: Path) -> None:
    """None wins over the environment, which says ``none``; the sandbox has no limit by itself."""
    environ = {"GIO_REQUESTS_PER_SECOND": "5"}
    base = {"url": URL, "api_key": KEY}
    assert resolve(path, environ, **base, requests_per_second=None).requests_per_second is None
    assert resolve(path, {"GIO_REQUESTS_PER_SECOND": "none"}, **base).requests_per_second is None
    assert resolve(path, url=SANDBOX).requests_per_second is None
    assert resolve(path, url=SANDBOX, requests_per_second=3).requests_per_second == 3.0
    described = resolve(path, url=SANDBOX).describe()["requests_per_second"]
    assert (described, resolve(path, **base).describe()["requests_per_second"]) == ("none", "2")


@pytest.mark.parametrize("charset", [" UTF-16LE ", "gbk", "GB18030", "utf-8"])
def test_charsets_that_are_taken(charset: str) -> None:
    """As they are written, without the space around them."""
    assert check_charset(charset) == charset.strip()


@pytest.mark.parametrize("charset", ["", "klingon", "utf 99", "a\x00b", 5])
def test_charsets_that_are_refused(charset: Any) -> None:
    """The message names some that there are."""
    with pytest.raises(gio.SettingsError, match="GB18030"):
        check_charset(charset)


# --- secrets -------------------------------------------------------------------------------------


@pytest.fixture
def settings(path: Path) -> Settings:
    """Set everything, secrets too."""
    return resolve(
        path, url=URL, api_key=KEY, token=f"t{KEY}", headers={"Cookie": f"c={KEY}"}, project="p"
    )


def test_settings_show_no_secret(settings: Settings) -> None:
    """Neither repr, str, format nor describe has a key, a token or a header's value."""
    texts = [repr(settings), str(settings), f"{settings}", f"{settings.api_key}"]
    texts += [repr(settings.describe()), repr(vars(settings)), f"{settings.token!r}"]
    assert not [text for text in texts if KEY in text]


def test_describe_says_every_setting(settings: Settings, path: Path) -> None:
    """A line for each, masked where it is secret, and what is not set is said to be so."""
    described = settings.describe()
    assert set(described) == {field.name for field in fields(Settings)}
    assert described["api_key"] == described["token"] == "********"
    assert described["headers"] == "Cookie"
    bare = resolve(path, url=SANDBOX, timeout=None, auth_scheme="").describe()
    assert bare["api_key"] == bare["token"] == "not set"
    assert (bare["timeout"], bare["auth_scheme"], bare["headers"]) == ("none", "none", "none")


def test_a_secret_is_not_pickled(settings: Settings) -> None:
    """Neither by itself nor within the settings: what is pickled ends up on disk."""
    for thing in (settings.api_key, settings):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


def test_secrets_are_compared_by_what_they_hold() -> None:
    """Whether two tokens are the same can be told without showing them."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_settings_are_frozen(settings: Settings) -> None:
    """Neither a setting nor a header can be changed under a session."""
    with pytest.raises(FrozenInstanceError):
        settings.url = OTHER  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.headers["X"] = Secret("y")  # type: ignore[index]
