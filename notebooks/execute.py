"""Run the notebooks of this folder anew, and write them as they are committed.

::

    python -m notebooks.execute                 # all of them
    python -m notebooks.execute 01-quickstart 05-magics

Each runs on this interpreter in a kernel of its own, whose home is empty: neither your settings,
your ledger nor your cache is touched, and nothing of yours shows. What differs from run to run or
from machine to machine is not written: the state of widgets, times, versions, random ids. Pictures
of charts are made small, by Pillow.

An output that says what the file's own says, as far as nbval compares them (`sanitize.cfg`), is
left as it is in the file, and so is that of a cell tagged ``nbval-ignore-output`` whose code is the
same: a second run changes no byte. ``--anew`` takes these, too.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

__all__ = ["FOLDER", "IGNORED", "SANITIZE", "clean", "sealed", "settled"]

FOLDER = Path(__file__).parent
SANITIZE = FOLDER / "sanitize.cfg"
IGNORED = "nbval-ignore-output"
CELL_SECONDS = 60

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
# Such a view is of a widget that ended with its kernel: "model not found" is all it would show.
VIEW = "application/vnd.jupyter.widget-view+json"
PNG = "image/png"
COLOURS = 40
COLOUR_TYPE, OF_A_PALETTE = 25, 3
# What would reach the developer's own settings, platform or screen.
FOREIGN = ("GIO_", "JUPYTER", "IPYTHON", "PYTEST_", "MPLBACKEND", "COLUMNS", "LINES")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
HOMES = {
    "HOME": "home",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "TMPDIR": "tmp",
    **{f"XDG_{name}_HOME": f"home/{name.lower()}" for name in ("CACHE", "CONFIG", "DATA", "STATE")},
}
SETTINGS = {
    # How long something takes is told by a bar while it lasts, and is another time each time.
    "GIO_PROGRESS": "off",
    "JUPYTER_PREFER_ENV_PATH": "1",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
}


def environment(folder: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a kernel: its home in a folder, and nothing of the developer's."""
    kept = {
        name: text
        for name, text in inherited.items()
        if not name.upper().startswith(FOREIGN) and name.upper() not in PROXIES
    }
    return {**kept, **{name: str(folder / place) for name, place in HOMES.items()}, **SETTINGS}


@contextmanager
def sealed(folder: Path) -> Iterator[None]:
    """Let what is started in the block have such an environment; it is made where it is not yet."""
    before = dict(os.environ)
    after = environment(folder, before)
    for name in HOMES:
        Path(after[name]).mkdir(parents=True, exist_ok=True)
    try:
        _put(after)
        yield
    finally:
        _put(before)


def _put(variables: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    os.environ.update(variables)


def clean(book: NotebookNode) -> NotebookNode:
    """Take out what differs from run to run, and what only a living kernel understands."""
    book.nbformat, book.nbformat_minor = 4, 5
    book.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(book.cells, start=1):
        cell.id = f"cell-{number:02}"
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
            for output in cell.outputs:
                _slim(output.get("data", {}))
    return book


def _slim(data: dict[str, Any]) -> None:
    data.pop(VIEW, None)
    if PNG in data:
        data[PNG] = _of_a_palette(data[PNG])


def _of_a_palette(picture: str) -> str:
    """Give a picture in as many colours as a chart has: a seventh of the bytes, to the same eye."""
    content = base64.b64decode(picture)
    if content[COLOUR_TYPE] != OF_A_PALETTE:
        from PIL import Image

        small = BytesIO()
        colours = Image.open(BytesIO(content)).convert("RGB").quantize(COLOURS, kmeans=1)
        colours.save(small, "PNG", optimize=True)
        content = small.getvalue()
    return base64.b64encode(content).decode()


def _joined(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Put together what was printed: in how many pieces it came is a matter of chance."""
    joined: list[NotebookNode] = []
    for output in outputs:
        before = joined[-1] if joined else {}
        if output.output_type == "stream" and before.get("name") == output.name:
            before["text"] += output.text
        else:
            joined.append(output)
    return joined


def settled(book: NotebookNode, before: NotebookNode) -> NotebookNode:
    """Leave every output as it was before where it says the same, or nobody compares it."""
    for cell, old in zip(book.cells, before.cells, strict=False):
        if cell.cell_type != "code" or cell.source != old.source or not old.get("outputs"):
            continue
        is_ignored = IGNORED in cell.metadata.get("tags", [])
        if is_ignored or _compared(cell.outputs) == _compared(old.outputs):
            cell.outputs = old.outputs
    return book


def _compared(outputs: Sequence[NotebookNode]) -> str:
    text = json.dumps(outputs, ensure_ascii=False, sort_keys=True)
    return _sanitized(re.sub(r'"execution_count": \d+', "", text))


def _sanitized(text: str) -> str:
    lines = SANITIZE.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition(": ")[2] for line in lines if line.startswith(("regex:", "replace:"))]
    for pattern, replacement in zip(pairs[::2], pairs[1::2], strict=True):
        text = re.sub(pattern, replacement, text)
    return text


def executed(path: Path) -> NotebookNode:
    """Run a notebook from its beginning, as ``Run All`` does, in a home of its own."""
    book = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(book, timeout=CELL_SECONDS, kernel_name="python3", resources=resources)
    folder = TemporaryDirectory(prefix="gio-notebook-", ignore_cleanup_errors=True)
    with folder as name, sealed(Path(name)):
        done: NotebookNode = client.execute()
    return clean(done)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is named on the command line, or everything."""
    options = _parser().parse_args(arguments)
    paths = [FOLDER / f"{Path(name).stem}.ipynb" for name in options.notebooks]
    for path in paths or sorted(FOLDER.glob("*.ipynb")):
        before = nbformat.read(path, as_version=4)
        book: Any = executed(path)
        nbformat.write(book if options.anew else settled(book, before), path)
        sys.stdout.write(f"{path.name}: {path.stat().st_size / 1000:.0f} kB\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m notebooks.execute", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("notebooks", nargs="*", help="names such as 01-quickstart; all if none")
    parser.add_argument("--anew", action="store_true", help="write every output anew")
    return parser


if __name__ == "__main__":
    main()
