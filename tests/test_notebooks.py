"""The notebooks as they are committed; nbval (notebooks/conftest.py) runs them and compares."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from notebooks.execute import FOLDER, IGNORED, clean, executed, sealed, settled

NAMES = (
    "01-quickstart",
    "02-tags-and-segments",
    "03-analyses",
    "04-pickers",
    "05-magics",
    "06-big-exports",
    "07-bad-days",
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
HEADING = re.compile(r"^#+ .+$", re.MULTILINE)
SECONDS = re.compile(r"Takes \d+ seconds to run .*运行 \d+ 秒")
LINK = re.compile(r"\]\(([\w.-]+\.ipynb)\)")
# What tells of the machine they ran on: an object's place in memory, a path, a kernel's number.
PRIVATE = re.compile(r"\bat 0x[0-9a-f]{6,}|/(?:home|root|tmp|Users|var|work)/|ipykernel_\d")
SECRET = re.compile(r"sandbox-api-key|Bearer \w|Token \w{8}|api_key=.?['\"][^…'\"]+['\"]")
REASON = "# Not compared: "
FAILS = "raises-exception"
LARGEST = 200_000
MOST_IGNORED = 3


def read(name: str) -> NotebookNode:
    """Read a committed notebook."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(name: str) -> list[NotebookNode]:
    """Give a notebook's cells of code."""
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def tags_of(cell: NotebookNode) -> list[str]:
    """Give a cell's tags."""
    tags: list[str] = cell.metadata.get("tags", [])
    return tags


def test_they_are_the_ones_that_are_promised() -> None:
    """Each is there, in its order, and none that no test knows."""
    assert tuple(sorted(path.stem for path in FOLDER.glob("*.ipynb"))) == NAMES


@pytest.mark.parametrize("name", NAMES)
class TestNotebook:
    """What holds of every notebook."""

    def test_it_says_what_it_shows_and_how_long_it_takes(self, name: str) -> None:
        """The first cell is for the reader: a title, what is shown, the time; in both languages."""
        first = read(name).cells[0]
        assert first.cell_type == "markdown"
        title, english, chinese, *_ = first.source.split("\n\n")
        assert title.startswith("# ")
        assert len(english) > 60
        assert len(CHINESE.findall(chinese)) > 10
        assert SECONDS.search(first.source)

    def test_every_heading_is_in_both_languages(self, name: str) -> None:
        """English, and Chinese beside it; below a heading of a section, a line in Chinese."""
        texts = [cell.source for cell in read(name).cells if cell.cell_type == "markdown"]
        headings = [heading for text in texts for heading in HEADING.findall(text)]
        assert len(headings) > 4
        assert [heading for heading in headings if not CHINESE.search(heading)] == []
        sections = [text.split("\n\n")[1] for text in texts if text.startswith("## ")]
        assert [line for line in sections if not CHINESE.search(line)] == []

    def test_its_links_lead_somewhere(self, name: str) -> None:
        """A notebook that is named in another one is there."""
        texts = [cell.source for cell in read(name).cells if cell.cell_type == "markdown"]
        assert set(LINK.findall("\n".join(texts))) <= {f"{name}.ipynb" for name in NAMES}

    def test_every_cell_was_run_once_in_order(self, name: str) -> None:
        """Else nbval would compare nothing, and be content."""
        counts = [cell.execution_count for cell in code_cells(name)]
        assert counts == list(range(1, len(counts) + 1))

    def test_it_is_written_as_the_script_writes_it(self, name: str) -> None:
        """No state of widgets, no times, no random ids: a save by hand leaves other bytes."""
        text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
        book = clean(nbformat.reads(text, as_version=4))
        assert text == nbformat.writes(book) + "\n", "run python -m notebooks.execute"
        assert book.metadata.kernelspec.name == "python3"
        assert "widgets" not in book.metadata

    def test_it_tells_nothing_of_the_machine_it_ran_on(self, name: str) -> None:
        """No address of an object, no path, no secret: in code, in words, or in an output."""
        text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
        assert PRIVATE.findall(text) == []
        assert SECRET.findall(text) == []

    def test_what_fails_is_meant_to(self, name: str) -> None:
        """An error stands in cells that are tagged so, and each of those has one."""
        for cell in code_cells(name):
            kinds = {output.get("name", output.output_type) for output in cell.outputs}
            assert bool(kinds & {"error", "stderr"}) == (FAILS in tags_of(cell)), cell.source

    def test_what_is_not_compared_says_why(self, name: str) -> None:
        """The reason is in the cell, where a reader sees it."""
        for cell in code_cells(name):
            assert (IGNORED in tags_of(cell)) == cell.source.startswith(REASON), cell.source
            assert "nbval-skip" not in tags_of(cell)

    def test_it_is_small(self, name: str) -> None:
        """Small enough for a page of the web to show it, and for a repository to keep it."""
        assert (FOLDER / f"{name}.ipynb").stat().st_size < LARGEST


@pytest.mark.parametrize("name", NAMES[:-1])
def test_it_can_be_run_on_another_platform(name: str) -> None:
    """As papermill does: the first cell of code has what may be replaced, the platform too."""
    first, *others = code_cells(name)
    assert tags_of(first) == ["parameters"]
    assert 'url = "sandbox:"' in first.source
    assert not any("parameters" in tags_of(cell) for cell in others)


def test_nearly_everything_is_compared() -> None:
    """What cannot be the same twice is left out of an output, before an output is left out."""
    cells = [cell for name in NAMES for cell in code_cells(name)]
    assert sum(IGNORED in tags_of(cell) for cell in cells) <= MOST_IGNORED


def test_a_second_run_changes_no_byte(tmp_path: Path) -> None:
    """Pickers, printed lines and errors: what is drawn by lot is not written anew."""
    sources = (
        'import gio_pandas as gio\ngio.connect("sandbox:")',
        'picker = gio.SegmentPicker(value="高价值用户").load()\npicker',
        'print("one", flush=True)\nprint("two")',
        'picker.value = "?"',
    )
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[-1].metadata.tags = [FAILS]
    path = tmp_path / "book.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    first = executed(path)
    nbformat.write(first, path)
    assert "高价值用户 (h8k6w5lJ)" in first.cells[1].outputs[0].data["text/plain"]
    assert first.cells[2].outputs[0].text == "one\ntwo\n"
    assert first.cells[3].outputs[0].ename == "NotFoundError"
    assert nbformat.writes(settled(executed(path), first)) == nbformat.writes(first)


def test_what_says_something_else_is_written(tmp_path: Path) -> None:
    """Only what says the same is left as it was; an ignored cell's output while its code is so."""

    def book(text: str, source: str = "x", *tags: str) -> NotebookNode:
        output = nbformat.v4.new_output("stream", text=text)
        cell = nbformat.v4.new_code_cell(source, outputs=[output], metadata={"tags": list(tags)})
        return nbformat.v4.new_notebook(cells=[cell])

    def written(new: NotebookNode, before: NotebookNode) -> str:
        text: str = settled(new, before).cells[0].outputs[0].text
        return text

    assert written(book("2 rows"), book("1 row")) == "2 rows"
    assert written(book("gio-form-00000000deadbeef"), book("gio-form-0123456789abcdef")).endswith(
        "0123456789abcdef"
    )
    assert written(book("0.2 s", "x", IGNORED), book("0.1 s", "x", IGNORED)) == "0.1 s"
    assert written(book("0.2 s", "y", IGNORED), book("0.1 s", "x", IGNORED)) == "0.2 s"


def test_a_kernel_sees_nothing_of_the_developers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No settings, no proxy, a home of its own; behind it all is as it was."""
    monkeypatch.setenv("GIO_URL", "https://cdp.example.cn")
    monkeypatch.setenv("https_proxy", "http://proxy.example.cn")
    before = dict(os.environ)
    with sealed(tmp_path / "kernel"):
        assert os.environ["PATH"] == before["PATH"]
        assert "GIO_URL" not in os.environ
        assert "https_proxy" not in os.environ
        assert os.environ["GIO_PROGRESS"] == "off"
        homes = [os.environ[name] for name in ("HOME", "XDG_DATA_HOME", "JUPYTER_RUNTIME_DIR")]
        assert all(Path(home).is_dir() and "kernel" in home for home in homes)
    assert dict(os.environ) == before
