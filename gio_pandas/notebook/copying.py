"""A line of code that can be copied."""

from __future__ import annotations

from html import escape

from gio_pandas.notebook import theme

__all__ = ["copyable"]

# Off localhost a browser has a clipboard for https alone; the old way needs the text selected,
# and where that is refused, too, it is left selected for Ctrl+C.
_COPY = """
const button = this, code = button.previousElementSibling;
const done = () => { button.textContent = '已复制 Copied'; };
const select = () => {
  getSelection().selectAllChildren(code);
  if (document.execCommand('copy')) done();
};
if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, select);
else select();
"""
_BOX = (
    f"display:flex;gap:8px;align-items:center;border:1px solid {theme.BORDER};border-radius:3px;"
    "padding:4px 4px 4px 10px;background:var(--jp-layout-color2, #f5f5f5);"
)
_CODE = (
    "flex:1;min-width:0;white-space:pre-wrap;user-select:all;background:none;padding:0;"
    "font-family:var(--jp-code-font-family, monospace);font-size:var(--jp-code-font-size, 13px);"
    "color:var(--jp-content-font-color1, inherit)"
)
_BUTTON = (
    f"flex:none;font:inherit;color:{theme.ACCENT};background:none;border:0;border-radius:3px;"
    "padding:2px 8px;cursor:pointer"
)


def copyable(code: str) -> str:
    """Write a line of code as HTML, with a button that copies it."""
    return (
        f'<div class="gio-code" style="{theme.BASE}{_BOX}">'
        f'<code style="{_CODE}" tabindex="0" aria-label="Python">{escape(code)}</code>'
        f'<button type="button" style="{_BUTTON}" aria-label="Copy the line of Python" '
        f'onclick="{escape(_COPY)}">复制 Copy</button></div>'
    )
