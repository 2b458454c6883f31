"""A JupyterLab in a Chromium, with one notebook of one cell, to measure in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.jupyter import jupyter_lab

__all__ = ["Notebook", "missing", "notebook"]

_LONGEST = 30.0
"""Seconds that anything in the page may take."""
_SETTLE_MS = 300
_FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")

_OPEN = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const path = (await app.serviceManager.contents.newUntitled({type: 'notebook'})).path;
  const panel = await app.commands.execute('docmanager:open', {path, factory: 'Notebook',
    kernel: {name: 'python3'}});
  await panel.context.ready;
  await panel.sessionContext.ready;
  app.shell.activateById(panel.id);
  window.panel = panel;
  const {kernel} = panel.sessionContext.session;
  await kernel.info;
  await kernel.requestKernelInfo();
}"""
_EXECUTE = """async (code) => {
  const kernel = window.panel.sessionContext.session.kernel;
  const {content} = await kernel.requestExecute({code, store_history: false}).done;
  if (content.status !== 'ok') throw new Error(`${content.ename}: ${content.evalue}`);
}"""
# From the command to the frame that shows what is waited for, and what blocked the page meanwhile.
_RUN = """async ([code, part, count]) => {
  const {content} = window.panel;
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  content.activeCell.model.sharedModel.setSource(code);
  await frame(); await frame();
  window.blocked = [];
  window.watch?.disconnect();
  window.watch = new PerformanceObserver((list) =>
    window.blocked.push(...list.getEntries().map((entry) => entry.duration)));
  window.watch.observe({type: 'longtask'});
  const began = performance.now();
  window.jupyterapp.commands.execute('notebook:run-cell');
  while (content.node.querySelectorAll(`.jp-OutputArea ${part}`).length < count) await frame();
  await frame();
  return performance.now() - began;
}"""
# The work of a keystroke, without the wait for the next frame: handlers, the list, its layout.
_LISTEN = """([part]) => {
  const list = document.querySelector(`.jp-OutputArea ${part}`);
  window.keys = [];
  let began = 0;
  const begin = () => { began ||= performance.now(); };
  for (const kind of ['keydown', 'beforeinput']) window.addEventListener(kind, begin, true);
  new MutationObserver(() => {
    void list.offsetHeight;
    if (began) window.keys.push(performance.now() - began);
    began = 0;
  }).observe(list, {childList: true});
}"""
_CLEAR = """async () => {
  await window.jupyterapp.commands.execute('notebook:clear-cell-output');
}"""


def missing() -> str:
    """Say what is not there of what is needed; "" if all is."""
    if not _chromium():
        return "no Chromium: install it, or set GIO_CHROMIUM"
    with suppress(ImportError):
        import jupyterlab  # noqa: F401
        import playwright  # noqa: F401

        return ""
    return "no jupyterlab or no playwright: install gio-pandas[test]"


class Notebook:
    """A notebook with one cell.

    Parameters
    ----------
    page
        Where it is open.
    """

    def __init__(self, page: Any) -> None:
        self.page = page

    def execute(self, code: str) -> None:
        """Run code in the kernel and not in the cell."""
        self._ask(_EXECUTE, code)

    def run(self, code: str, part: str, count: int) -> float:
        """Run the cell, and give the milliseconds until so many parts of the page are painted."""
        return float(self._ask(_RUN, [code, part, count]))

    def type(self, part: str, words: str, field: str, *, enter: bool) -> list[float]:
        """Type into a field, and give each keystroke's milliseconds until the list is another.

        Parameters
        ----------
        part
            The list.
        words
            What is typed, letter by letter.
        field
            Where.
        enter
            Whether the list waits for Enter, so that there is one figure.
        """
        self.page.locator(f".jp-OutputArea {field}").first.click()
        if not enter:
            self._ask(_LISTEN, [part])
        for number, letter in enumerate(words, 1):
            self.page.keyboard.insert_text(letter)
            if not enter:
                self.page.wait_for_function(f"() => window.keys.length >= {number}")
        if enter:
            self._ask(_LISTEN, [part])
            self.page.keyboard.press("Enter")
            self.page.wait_for_function("() => window.keys.length >= 1")
        return [float(key) for key in self.page.evaluate("() => window.keys")]

    def longest_task(self) -> float:
        """Give the milliseconds of the longest task since ``run``; 0 if none was over 50."""
        self.page.wait_for_timeout(_SETTLE_MS)  # what comes after the first painting counts too
        return float(self.page.evaluate("() => Math.max(0, ...window.blocked)"))

    def clear(self) -> None:
        """Close what the cell has shown, and what was left of it: the next has no part in that."""
        self._ask(_CLEAR)
        self.execute("import gc, ipywidgets; ipywidgets.Widget.close_all(); gc.collect()")
        session = self.page.context.new_cdp_session(self.page)
        session.send("HeapProfiler.collectGarbage")
        session.detach()
        self.page.wait_for_timeout(_SETTLE_MS)

    def _ask(self, script: str, argument: Any = None) -> Any:
        bounded = f"""(argument) => Promise.race([({script})(argument), new Promise((_, no) =>
            setTimeout(() => no(new Error('nothing came')), {_LONGEST * 1000}))])"""
        return self.page.evaluate(bounded, argument)


@contextmanager
def notebook(folder: Path) -> Iterator[Notebook]:
    """Start JupyterLab and Chromium, and open a notebook.

    Parameters
    ----------
    folder
        For the server's own files; nothing of the user's settings is read.
    """
    from playwright.sync_api import sync_playwright

    with jupyter_lab(folder) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(_LONGEST * 1000)
        page.goto(server.page)
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        opened = Notebook(page)
        opened._ask(_OPEN)
        yield opened
        browser.close()


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("GIO_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
