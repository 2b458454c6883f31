"""What those who cannot see the page are told of it, by Chromium's own accessibility tree."""

from __future__ import annotations

from typing import Any, NamedTuple

from playwright.sync_api import CDPSession, Locator

NAMELESS = ("", "generic", "none", "unknown")
"""Roles that say nothing of what a control does."""


class Control(NamedTuple):
    """Something that can have the focus: what it is, and what it is called."""

    role: str
    name: str


def controls(part: Locator) -> list[Control]:
    """Return all controls in a part of the page."""
    session = part.page.context.new_cdp_session(part.page)
    try:
        return [_control(node) for node in _nodes(session, part) if _is_focusable(node)]
    finally:
        session.detach()


def _nodes(session: CDPSession, part: Locator) -> list[dict[str, Any]]:
    part.evaluate("part => { window.looked_at = part; }")
    found = session.send("Runtime.evaluate", {"expression": "window.looked_at"})
    tree = session.send("Accessibility.queryAXTree", {"objectId": found["result"]["objectId"]})
    nodes: list[dict[str, Any]] = tree["nodes"]
    return nodes


def _is_focusable(node: dict[str, Any]) -> bool:
    said = {entry["name"]: entry["value"].get("value") for entry in node.get("properties", ())}
    return not node["ignored"] and bool(said.get("focusable"))


def _control(node: dict[str, Any]) -> Control:
    return Control(_text(node, "role"), _text(node, "name"))


def _text(node: dict[str, Any], key: str) -> str:
    return str(node.get(key, {}).get("value", "")).strip()
