"""The user's variables: what may be their names, and where they are."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from gio_pandas.notebook.variables import namespace, variable_name


def test_the_users_variables_are_the_notebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """In IPython its namespace, in a program that of ``__main__``."""
    shell = SimpleNamespace(user_ns={})
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert namespace() is shell.user_ns
    monkeypatch.delitem(sys.modules, "IPython")
    assert namespace() is vars(sys.modules["__main__"])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("df", "df"),
        ("用户", "用户"),
        ("ｄｆ", "df"),
        ("", None),
        ("1x", None),
        ("a b", None),
        ("df.x", None),
        ("class", None),
    ],
)
def test_a_name_is_the_one_that_python_reads(text: str, name: str | None) -> None:
    """In NFKC form; what Python does not take for a name is none."""
    assert variable_name(text) == name
