"""How a person goes about in the screen of ``gio.pick()``."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from .lab import Notebook

MOST_TABS = 40


def field(output: Locator, name: str) -> Locator:
    """Find a list's or an option's field by the name that it has for everybody."""
    searched = output.get_by_role("combobox", name=name, exact=True)
    return searched.or_(output.get_by_role("textbox", name=name, exact=True))


def button(output: Locator, name: str) -> Locator:
    """Find a button by its English name."""
    return output.get_by_role("button", name=name)


def choose(output: Locator, name: str, words: str) -> None:
    """Type into a list's field, and take the first that is found."""
    field(output, name).fill(words)
    expect(output.get_by_role("option").filter(has_text=words).first).to_be_visible()
    field(output, name).press("Enter")


def go(to: Locator, key: str = "Tab") -> None:
    """Press a key until something has the focus."""
    for _ in range(MOST_TABS):
        if to.evaluate("part => part === document.activeElement"):
            return
        to.page.keyboard.press(key)
    raise AssertionError(f"{MOST_TABS} times {key} do not lead there")


def opened(notebook: Notebook) -> Locator:
    """Run the first two cells, and wait until the list has come."""
    notebook.run(0)
    output = notebook.run(1)
    expect(output).to_contain_text("260 segments")
    return output
