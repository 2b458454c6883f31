"""How charts look, and how they are shown: offline, the same each time, in Chinese, too."""

from __future__ import annotations

import itertools
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from gio_pandas.errors import SettingsError

__all__ = [
    "ACCENT",
    "FAINT",
    "INK",
    "MUTED",
    "OTHERS",
    "PALETTE",
    "SHADES",
    "Cells",
    "Chart",
    "Facets",
    "Heading",
    "Layers",
    "Stack",
    "calendar",
    "colours",
    "data",
    "drawn",
    "scaled",
    "subtitled",
]

INK, MUTED, FAINT = "#1f2933", "#5b6673", "#e9edf2"
ACCENT = "#2f6fb3"
SHADES = ("#eaf2fb", "#9cc3e6", "#3f83c4", "#0b3f7d")
# Told apart by people who see red and green alike, each darker than 3:1 on white.
PALETTE = (
    *("#2f6fb3", "#d1661c", "#2b8a66", "#b23a6b"),
    *("#7258b0", "#8a6a1f", "#1f8aa6", "#a3453a"),
)
OTHERS = "#8b95a1"
_FONT = (
    "Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei, "
    "sans-serif"
)
_MIME = "application/vnd.vegalite.v5+json"
"""What JupyterLab and its like draw by themselves: they know nothing newer."""

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_SCALE = 1.5
_UNSAFE = "<\u2028\u2029"
"""What must not stand as it is in the script of a page: it may end it, or start another."""

_CONFIG: Mapping[str, Any] = {
    "font": _FONT,
    "background": "white",
    "padding": 12,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "color": INK,
        "fontSize": 15,
        "fontWeight": 600,
        "offset": 14,
        "subtitleColor": MUTED,
        "subtitleFontSize": 12,
        "subtitlePadding": 5,
    },
    "axis": {
        "labelColor": INK,
        "labelFontSize": 12,
        "labelFontWeight": "normal",
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "domainColor": "#c3cbd4",
        "tickColor": "#c3cbd4",
        "gridColor": FAINT,
        "labelLimit": 260,
    },
    "legend": {
        "labelColor": INK,
        "labelFontSize": 12,
        "labelLimit": 220,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "symbolSize": 90,
    },
    "header": {"labelColor": INK, "labelFontSize": 13, "labelFontWeight": 600, "title": None},
    "text": {"color": INK, "fontSize": 12},
    "range": {"category": list(PALETTE)},
}


@dataclass(frozen=True)
class Heading:
    """What is said of a chart.

    Parameters
    ----------
    title
        What it shows.
    notes
        What was left out, summed, or is missing.
    words
        The chart in a line, for who does not see it.
    """

    title: str
    notes: tuple[str, ...]
    words: str

    def properties(self) -> dict[str, Any]:
        """Give it as Altair takes it."""
        lines = _lines(self.notes)
        title = alt.TitleParams(self.title, subtitle=lines) if lines else self.title
        return {"title": title, "description": self.words}


def _lines(notes: Sequence[str], width: int = 90) -> list[str]:
    """Put notes into lines; nothing breaks a subtitle by itself."""
    lines: list[str] = []
    for note in filter(None, notes):
        if lines and len(lines[-1]) + len(note) < width:
            lines[-1] += f" · {note}"
        else:
            lines.append(note)
    return lines


class _Shown:
    """A chart that looks like ours, and shows itself without a renderer or a network."""

    def to_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Give the specification; see Altair."""
        chart: Any = self
        if (kwargs.get("context") or {}).get("top_level", True):
            # Not kept on the chart: Altair puts nothing together that has its own.
            chart = chart.copy(deep=False)
            chart.config = _over(_CONFIG, _plain(chart.config))
        with alt.data_transformers.enable("default"):
            spec: dict[str, Any] = super(_Shown, chart).to_dict(*args, **kwargs)  # type: ignore[misc]
        return spec

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> Any:
        spec = self.to_dict()
        words = spec.get("description", "A chart")
        bundle = {_MIME: {**spec, "$schema": _SCHEMA}, "text/plain": words}
        with suppress(SettingsError):  # without it, what draws by itself still does
            picture = drawn(spec, "png", scale=_SCALE)
            return bundle | {"image/png": picture}, {"image/png": _size(picture)}
        return bundle


def _plain(config: Any) -> dict[str, Any]:
    known: dict[str, Any] = {} if config is alt.Undefined else config
    return known if isinstance(known, dict) else known.to_dict()


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay settings over others."""
    merged = dict(below)
    for name, value in above.items():
        known = merged.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[name] = _over(known, value) if both else value  # type: ignore[arg-type]
    return merged


def _size(picture: bytes) -> dict[str, int]:
    """Read how large a PNG is meant to be, in pixels of the page."""
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    return {"width": round(width / _SCALE), "height": round(height / _SCALE)}


class Chart(_Shown, alt.Chart):
    """One view."""


class Layers(_Shown, alt.LayerChart):
    """Views over each other."""


class Facets(_Shown, alt.FacetChart):
    """The same view for each value."""


class Stack(_Shown, alt.VConcatChart):
    """Views below each other."""


class Cells(_Shown, alt.ConcatChart):
    """Views in rows."""


def data(rows: Sequence[Mapping[str, Any]], name: str = "table") -> alt.InlineData:
    """Put rows into a chart; with a name, for Altair would make one up."""
    return alt.InlineData(values=[dict(row) for row in rows], name=name)


def subtitled(title: str) -> alt.TitleParams:
    """Make the title of one view among several."""
    return alt.TitleParams(title, fontSize=13, offset=8, frame="group")


def scaled(*, is_share: bool) -> alt.Axis:
    """Make an axis of counts, or of shares as percentages."""
    return alt.Axis(tickCount=5, format="~%") if is_share else alt.Axis(tickCount=5)


def calendar(times: pd.Series[Any], **options: Any) -> alt.Axis:
    """Make an axis of dates: as few as can be read, none of them twice."""
    shown = times.dropna()
    days = (shown.max() - shown.min()).days if len(shown) else 0
    if days > 3 * 366:
        form, interval, span = "%Y", "year", days / 365
    elif days > 120:
        form, interval, span = "%Y-%m", "month", days / 30
    elif days or (shown == shown.dt.normalize()).all():
        form, interval, span = "%m-%d", "day", days
    else:
        form, interval, span = "%H:%M", "", 0
    ticks: Any = {"interval": interval, "step": max(1, math.ceil(span / 9))}
    if not interval:  # Vega fails over ticks of hours, which its schema has
        ticks = 8
    return alt.Axis(format=form, tickCount=ticks, labelOverlap=True, grid=False, **options)


def colours(labels: Sequence[str], others: Sequence[str] = ()) -> alt.Scale:
    """Give each label its colour, in order; grey is what stands for many."""
    known = [label for label in labels if label not in others]
    hues = {label: PALETTE[place % len(PALETTE)] for place, label in enumerate(known)}
    return alt.Scale(domain=list(labels), range=[hues.get(label, OTHERS) for label in labels])


def drawn(spec: dict[str, Any], form: str, *, scale: float = 2) -> bytes:
    """Draw a specification here, without a browser.

    Raises
    ------
    SettingsError
        What draws is not installed.
    """
    try:
        import vl_convert
    except ModuleNotFoundError as error:
        raise SettingsError(
            "vl-convert-python is not installed, which draws charts into files",
            hint='Run: python -m pip install "gio-pandas[plot]"',
        ) from error
    if form == "png":
        return _packed(bytes(vl_convert.vegalite_to_png(spec, scale=scale)))
    if form == "svg":
        return str(vl_convert.vegalite_to_svg(spec)).encode()
    return _page(spec).encode()


def _page(spec: dict[str, Any]) -> str:
    """Write a page in which no text of a table is anything but text.

    What writes it puts the specification into a script as it is, so that ``</script>`` in a value
    would end it, and what follows would be run by whoever opens the page.
    """
    import vl_convert

    text = json.dumps(spec, ensure_ascii=False)
    mark = next(m for n in itertools.count() if (m := f"{{sign {n} ") not in text)
    for sign in _UNSAFE:
        text = text.replace(sign, f"{mark}{ord(sign):04x}}}")
    page = str(vl_convert.vegalite_to_html(text, bundle=True))
    return re.sub(re.escape(mark) + "(....)}", r"\\u\1", page)


def _packed(picture: bytes) -> bytes:
    """Compress a PNG as far as it goes: a third is left, and notebooks keep it as text."""
    before, packed, after, at = picture[:8], b"", b"", 8
    while at < len(picture):
        end = at + 12 + int.from_bytes(picture[at : at + 4], "big")
        if picture[at + 4 : at + 8] == b"IDAT":
            packed += picture[at + 8 : end - 4]
        elif packed:
            after += picture[at:end]
        else:
            before += picture[at:end]
        at = end
    content = b"IDAT" + zlib.compress(zlib.decompress(packed), 9)
    check = zlib.crc32(content).to_bytes(4, "big")
    return before + (len(content) - 4).to_bytes(4, "big") + content + check + after
