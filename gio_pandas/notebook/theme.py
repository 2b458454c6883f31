"""How our HTML looks: the notebook's own colours, light or dark, and plain ones elsewhere."""

from __future__ import annotations

__all__ = ["ACCENT", "BAD", "BASE", "BORDER", "BUSY", "GOOD", "MUTED", "PLAIN"]

PLAIN = "var(--jp-border-color1, #bdbdbd)"
BUSY = "var(--jp-info-color1, #0288d1)"
GOOD = "var(--jp-success-color1, #388e3c)"
BAD = "var(--jp-error-color1, #d32f2f)"
ACCENT = "var(--jp-brand-color1, #1976d2)"
BORDER = "var(--jp-border-color2, #e0e0e0)"
MUTED = "var(--jp-ui-font-color2, #757575)"

BASE = (
    "font-family:var(--jp-ui-font-family, system-ui, sans-serif);"
    "font-size:var(--jp-ui-font-size1, 13px);line-height:1.5;"
    "color:var(--jp-ui-font-color1, inherit);max-width:60em;overflow-wrap:anywhere;"
)
"""Of whatever is not inside of something else of ours. Inline, for a saved page has no sheet."""
