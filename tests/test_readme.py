"""The READMEs: their code runs as it stands, what they name is there, and both say the same."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from notebook.shells import Shell, opened

import gio_pandas as gio
from gio_pandas import sandbox
from gio_pandas.accessor import GioAccessor
from gio_pandas.cli import main
from gio_pandas.notebook.commands import COMMANDS
from gio_pandas.settings import _ENVIRONMENT as ENVIRONMENT

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
# What stands in the READMEs for the reader's own platform.
ADDRESS, KEY = "https://cdp.example.cn", "…"

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, *languages: str) -> list[str]:
    return [code for language, code in BLOCK.findall(text(name)) if language in languages]


def inline(name: str) -> list[str]:
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", BLOCK.sub("", text(name)))


def without_comments(code: str) -> list[str]:
    """Leave out what is said in the reader's language."""
    return [re.sub(r"(^|\s+)#\s.*", "", line).rstrip() for line in code.splitlines()]


@pytest.fixture(scope="module")
def platform() -> Iterator[sandbox.Sandbox]:
    """Start a platform for the reader, whose exports are finished at once."""
    with sandbox.start(users=2_000, stage_seconds=0) as platform:
        yield platform


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """Give the reader's notebook, in a folder of its own."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with opened(capsys) as shell:
        yield shell
        gio.current_session().close()


@pytest.mark.parametrize("name", READMES)
def test_the_code_runs_from_top_to_bottom(
    name: str, platform: sandbox.Sandbox, shell: Shell
) -> None:
    """Every block of Python and of magics runs in one notebook, as they follow each other."""
    cells = blocks(name, "python", "text")
    assert len(cells) > 8
    for cell in cells:
        shell.run(
            cell.replace(f'"{ADDRESS}"', f'"{platform.url}"').replace(
                f'"{KEY}"', f'"{platform.api_key}"'
            )
        )
    assert shell["df"].attrs["gio"]["kind"] == "segment"


@pytest.mark.parametrize("name", READMES)
def test_the_commands_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed at the prompt works; what is installed are extras that there are."""
    extras = tomllib.loads(text("pyproject.toml"))["project"]["optional-dependencies"]
    lines = "\n".join(blocks(name, "console")).splitlines() + inline(name)
    asked = [extra for line in lines for extra in re.findall(r"pip install.*\[(.*)\]", line)]
    assert {"sandbox", "test"} <= set(asked)
    assert {extra for group in asked for extra in group.split(",")} <= set(extras)
    monkeypatch.chdir(tmp_path)
    commands = [
        command.strip().split()[1:]
        for block in blocks(name, "console")
        for command in re.split(r"&&|\n", block)
        if command.strip().startswith("gio-pandas")
    ]
    assert ["demo"] in commands
    monkeypatch.setenv("GIO_URL", "sandbox:")
    for command in commands:
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", READMES)
def test_what_is_named_is_there(name: str) -> None:
    """Functions, magics, commands, settings, errors and files that are spoken of exist."""
    spoken = "\n".join([*inline(name), *blocks(name, "python", "text", "console")])
    functions = set(re.findall(r"(?<![\w.)])gio\.([A-Za-z_]\w+)", spoken))
    assert functions > {"pick", "read_segment", "jobs"}
    assert {word for word in functions if not hasattr(gio, word)} == set()
    methods = set(re.findall(r"[\w)]\.gio\.(\w+)", spoken))
    assert methods == {name for name in vars(GioAccessor) if not name.startswith("_")}
    magics = set(re.findall(r"%gio ([a-z]+)", spoken))
    assert magics <= set(COMMANDS)
    commands = set(re.findall(r"gio-pandas ([a-z]+)", spoken))
    assert commands == set(main.commands)
    variables = set(re.findall(r"GIO_[A-Z_]+", text(name)))
    assert variables >= set(ENVIRONMENT.values())
    links = re.findall(r"(?:\]\(|src=\"|srcset=\")([^)\"#:]+)[)\"]", text(name))
    assert {link for link in links if not (ROOT / link).exists()} == set()


@pytest.mark.parametrize("name", READMES)
def test_every_error_has_its_row(name: str) -> None:
    """Whoever looks for the name of an error finds what to do."""
    rows = set(re.findall(r"^\| `(\w+Error)` \|", text(name), re.MULTILINE))
    errors = {word for word in gio.__all__ if word.endswith("Error")} - {"GioError"}
    assert rows == errors


def test_both_have_the_same_code() -> None:
    """But for what is said in a comment, the two languages show the same."""
    one, other = (
        [without_comments(code) for _, code in BLOCK.findall(text(name))] for name in READMES
    )
    assert one == other


PARTS = re.compile(r"^#+ |^\| .*?\||\]\([^)]+\)|src(?:set)?=\"[^\"]+\"", re.MULTILINE)


def test_both_have_the_same_parts() -> None:
    """Headings, pictures, links and rows of tables follow each other in the same order."""

    def parts(name: str) -> list[str]:
        found = PARTS.findall(BLOCK.sub("", text(name)).replace("README.zh-CN.md", "README.md"))
        return ["row" if part.startswith("|") else part for part in found]

    assert parts(READMES[0]) == parts(READMES[1])
