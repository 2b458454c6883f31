"""A committed notebook as a user meets it: opened, and ``Run All``."""

from __future__ import annotations

import nbformat
import pytest
from nbformat import NotebookNode

from notebooks.execute import FOLDER

from .lab import Lab

pytestmark = pytest.mark.timeout(90)


def results(cell: NotebookNode) -> list[str]:
    """Give what a cell's value looks like as text; how far an export was is not among it."""
    return [out.data["text/plain"] for out in cell.outputs if out.output_type == "execute_result"]


def test_the_quickstart_runs_in_jupyterlab(lab: Lab) -> None:
    """Every cell to its end, without an error, and with what is committed."""
    book = nbformat.read(FOLDER / "01-quickstart.ipynb", as_version=4)
    committed = [results(cell) for cell in book.cells if cell.cell_type == "code"]
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with lab.open_book(book) as notebook:
        notebook.run_all(seconds=60)
        lab.photograph("quickstart")
        ran = [cell for cell in notebook.save().cells if cell.cell_type == "code"]
        kinds = {output.output_type for cell in ran for output in cell.outputs}
        assert kinds <= {"execute_result", "display_data"}, kinds
        assert [results(cell) for cell in ran] == committed
        assert [cell.execution_count for cell in ran] == list(range(1, len(ran) + 1))
