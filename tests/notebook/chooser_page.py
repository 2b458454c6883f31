"""The searchable list alone in a page, with a model that stands in for the kernel's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

import gio_pandas.notebook

FOLDER = Path(gio_pandas.notebook.__file__).parent
ESM = (FOLDER / "chooser.js").read_text(encoding="utf-8")
CSS = (FOLDER / "chooser.css").read_text(encoding="utf-8")

DEFAULTS: dict[str, Any] = {
    "label": "分群 Segment",
    "placeholder": "Search by name or id",
    "multiple": False,
    "items": [],
    "chosen": [],
    "message": "",
    "tone": "",
    "disabled": False,
    "folded": False,
}

_MODEL = """
class Model {
  constructor(traits) { this.traits = traits; this.handlers = []; this.dirty = {}; this.sent = []; }
  get(name) { return this.traits[name]; }
  set(name, value) {
    this.traits[name] = value;
    this.dirty[name] = value;
    for (const [event, handler] of [...this.handlers]) if (event === `change:${name}`) handler();
  }
  save_changes() { this.sent.push(this.dirty); this.dirty = {}; }
  on(event, handler) { this.handlers.push([event, handler]); }
  off(event, handler) {
    this.handlers = this.handlers.filter(([e, h]) => e !== event || h !== handler);
  }
}
"""

_SHOW = f"""
async ([esm, traits, views]) => {{
  {_MODEL}
  const url = URL.createObjectURL(new Blob([esm], {{ type: "text/javascript" }}));
  window.chooser = await import(url);
  window.model = new Model(traits);
  window.chooser.default.initialize({{ model }});
  window.ends = [];
  for (let view = 0; view < views; view += 1) {{
    const el = document.createElement("div");
    document.querySelector("main").append(el);
    window.ends.push(window.chooser.default.render({{ model, el }}));
  }}
}}
"""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>list</title>
<style>{css} {theme}</style>
<body style="margin: 0; background: var(--jp-layout-color0, Canvas)">
<main style="padding: 16px">{before}</main>"""


def show(page: Page, *, views: int = 1, theme: str = "", before: str = "", **traits: Any) -> None:
    """Show the list; ``window.model`` is its model, and ``model.sent`` what the kernel is told."""
    page.set_content(_PAGE.format(css=CSS, theme=theme, before=before))
    page.evaluate(_SHOW, [ESM, {**DEFAULTS, **traits}, views])


def chosen(page: Page) -> list[str]:
    """Give what the model holds."""
    found: list[str] = page.evaluate("() => model.get('chosen')")
    return found


def told(page: Page) -> list[dict[str, Any]]:
    """Give everything that the kernel was told since the list said that it is alive."""
    sent: list[dict[str, Any]] = page.evaluate("() => model.sent.slice(1)")
    return sent


def names(page: Page) -> list[str]:
    """Read the names on the list, from the top."""
    found: list[str] = page.locator(".gio-list .gio-name").all_inner_texts()
    return found


def item(name: str, value: str = "", **known: Any) -> list[Any]:
    """Write one row of the trait ``items``."""
    fields = ("key", "type", "creator", "updated")
    value = value or f"id-{name}"
    texts = [known.get(field, "") for field in fields]
    return [known.get("key") or value, name, *texts, known.get("users"), value]


def many(count: int, words: Sequence[str] = ("北京 高价值用户", "上海 沉默用户")) -> list[Any]:
    """Write so many rows."""
    return [
        item(f"{words[number % len(words)]} {number:05}", f"s{number:05}", users=number * 37)
        for number in range(count)
    ]
