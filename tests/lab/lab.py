"""JupyterLab as a user has it before them: one page, and notebooks in it."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import nbformat
from playwright.sync_api import CDPSession, Error, Locator, Page

from benchmarks.jupyter import Server

ARTEFACTS = Path(os.environ.get("GIO_ARTEFACTS") or "test-artefacts").resolve()
SECONDS = 30.0
"""How long a test waits for anything at all, on a busy machine too."""

SPLASH = "#jupyterlab-splash"
# `page.evaluate` would wait for ever for a promise that nobody keeps.
BOUNDED = """([seconds, args]) => Promise.race([
  (%s)(...args),
  new Promise((_, no) => setTimeout(() => no(new Error('nothing came')), 1e3 * seconds)),
])"""
# A kernel that answers: the indicator says "idle" before there is one.
READY = """async path => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
  await panel.context.ready;
  await panel.sessionContext.ready;
  app.shell.activateById(panel.id);
  (window.panels ??= {})[path] = panel;
  await window.panels[path].sessionContext.session.kernel.info;
  await window.panels[path].sessionContext.session.kernel.requestKernelInfo();
  return panel.id;
}"""
RUN = """async (path, index) => {
  const panel = window.panels[path];
  window.jupyterapp.shell.activateById(panel.id);
  panel.content.activeCellIndex = index;
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""
BEGIN = f"(path, index) => {{ ({RUN})(path, index); }}"
RUN_ALL = """async path => {
  window.jupyterapp.shell.activateById(window.panels[path].id);
  await window.jupyterapp.commands.execute('notebook:run-all-cells');
}"""
ASK = """async (path, code) => {
  const kernel = window.panels[path].sessionContext.session.kernel;
  const asked = {code: '', silent: true, store_history: false, user_expressions: {answer: code}};
  return (await kernel.requestExecute(asked).done).content.user_expressions.answer;
}"""
INTERRUPT = """async path => {
  const pressed = Date.now() / 1e3;
  await window.panels[path].sessionContext.session.kernel.interrupt();
  return pressed;
}"""
RESTART = """async path => {
  const session = window.panels[path].sessionContext.session;
  await session.kernel.restart();
  await session.kernel.info;
  await session.kernel.requestKernelInfo();
}"""
SAVE = "path => window.panels[path].context.save()"
CLOSE = """async path => {
  const panel = window.panels[path];
  if (!panel) return;
  delete window.panels[path];
  await panel.sessionContext.shutdown();
  panel.dispose();
}"""
# The list of files takes a fifth of the page.
ALONE = """async () => {
  await window.jupyterapp.restored;
  await window.jupyterapp.commands.execute('application:toggle-left-area');
}"""
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"


class Lab:
    """One JupyterLab in one page of a browser.

    Parameters
    ----------
    page
        An empty page.
    server
        Whose JupyterLab is opened in it.
    """

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self._server = server
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Load JupyterLab, and wait until it can be used."""
        self.page.goto(self._server.page)
        self.page.wait_for_selector(SPLASH, state="detached", timeout=1e3 * SECONDS)
        self.ask(ALONE)

    def open(self, *cells: str) -> Notebook:
        """Open a new notebook with these cells and a new kernel."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        return self.open_book(book)

    def open_book(self, book: nbformat.NotebookNode) -> Notebook:
        """Open a copy of a notebook with a new kernel."""
        # A name that was there before would be given its old kernel.
        path = f"notebook-{next(self._numbers)}.ipynb"
        nbformat.write(book, self._server.root / path)
        return Notebook(self, path, self._server.root / path)

    def ask(self, script: str, *args: object, seconds: float = SECONDS) -> Any:
        """Call a function of JavaScript in the page; later than in `seconds` it is an error."""
        return self.page.evaluate(BOUNDED % script, [seconds, list(args)])

    def wear(self, theme: str) -> None:
        """Put on a theme: "JupyterLab Light" or "JupyterLab Dark"."""
        self.ask(THEME, theme)
        worn = f'body[data-jp-theme-name="{theme}"]'
        self.page.wait_for_selector(worn, state="attached")
        self.page.wait_for_selector(SPLASH, state="detached")

    def photograph(self, name: str, part: Locator | None = None) -> Path:
        """Keep a picture of the page, or of a part of it, as ``name``.png among the artefacts."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        path = ARTEFACTS / f"{name}.png"
        self.page.mouse.move(0, 0)  # what is under the mouse looks as if it were picked
        (part or self.page).screenshot(path=path, timeout=1e3 * SECONDS)
        return path


class Notebook:
    """A notebook that is open, and its kernel; as a context manager both end with the block.

    Parameters
    ----------
    lab
        Where it is open.
    path
        Its name on the server.
    file
        Its file on this disk.
    """

    def __init__(self, lab: Lab, path: str, file: Path) -> None:
        self.lab = lab
        self.path = path
        self.file = file
        self.panel = lab.page.locator(f"[id='{lab.ask(READY, path)}']")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with suppress(Error):
            if kind is not None:
                self.lab.photograph(f"failed-{_test()}")
        self.close()

    def close(self) -> None:
        """End the kernel and leave the notebook; a second call does nothing."""
        self.lab.ask(CLOSE, self.path)

    def reopen(self) -> Notebook:
        """Leave the notebook, and open it again as it was saved, with a new kernel."""
        self.close()
        return Notebook(self.lab, self.path, self.file)

    def run(self, index: int, *, seconds: float = SECONDS) -> Locator:
        """Run a cell to its end, and return its output."""
        self.lab.ask(RUN, self.path, index, seconds=seconds)
        return self.output(index)

    def begin(self, index: int) -> Locator:
        """Run a cell without waiting for its end, and return its output."""
        self.lab.ask(BEGIN, self.path, index)
        return self.output(index)

    def run_all(self, *, seconds: float = SECONDS) -> None:
        """Run all cells to their end."""
        self.lab.ask(RUN_ALL, self.path, seconds=seconds)

    def cell(self, index: int) -> Locator:
        """Find a cell."""
        return self.panel.locator(".jp-Notebook-cell").nth(index)

    def write(self, index: int, text: str) -> Locator:
        """Write at the end of a cell, and return its editor, which has the focus."""
        editor = self.cell(index).locator(".cm-content")
        editor.click()
        editor.press("Control+End")
        self.lab.page.keyboard.insert_text(text)
        return editor

    def output(self, index: int) -> Locator:
        """Find what a cell has put out."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def kernel_value(self, expression: str) -> Any:
        """Evaluate an expression in the kernel: numbers, texts, and lists and dicts of them."""
        reply = self.lab.ask(ASK, self.path, f"__import__('json').dumps(({expression}))")
        assert reply["status"] == "ok", f"{expression}: {reply['ename']}: {reply['evalue']}"
        return json.loads(ast.literal_eval(reply["data"]["text/plain"]))

    def interrupt(self) -> float:
        """Press Stop, and return when that was, as ``time.time()`` counts."""
        return float(self.lab.ask(INTERRUPT, self.path))

    def restart(self) -> None:
        """Restart the kernel; its variables are gone."""
        self.lab.ask(RESTART, self.path)

    def save(self) -> nbformat.NotebookNode:
        """Save the notebook, and return what the file holds then."""
        self.lab.ask(SAVE, self.path)
        return nbformat.read(self.file, as_version=4)


def _test() -> str:
    return re.sub(r"\W+", "-", os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2])


@contextmanager
def input_method(page: Page) -> Iterator[InputMethod]:
    """Type into the element that has the focus as a Chinese input method does."""
    session = page.context.new_cdp_session(page)
    try:
        yield InputMethod(session)
    finally:
        session.detach()


class InputMethod:
    """An input method: letters are composed, and only the characters chosen are entered."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session

    def compose(self, letters: str) -> None:
        """Type letters, each of which changes what is being composed."""
        for end in range(1, len(letters) + 1):
            place = {"selectionStart": end, "selectionEnd": end}
            self._session.send("Input.imeSetComposition", {"text": letters[:end], **place})

    def choose(self, characters: str) -> None:
        """Put characters where the letters were."""
        self._session.send("Input.insertText", {"text": characters})


def words_of(output: Locator) -> str:
    """Return the text of an output on one line."""
    return re.sub(r"\s+", " ", output.inner_text()).strip()
