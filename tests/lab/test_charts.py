"""Charts in JupyterLab, with nothing to be had from outside of this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from gio_pandas import sandbox

from .cells import connected
from .lab import Lab

pytestmark = pytest.mark.timeout(120)

HERE = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:")
MIME = "application/vnd.vegalite.v5+json"
THEMES = ("JupyterLab Light", "JupyterLab Dark")
CELLS = (
    'gio.read_funnel("漏斗1").gio.plot()',
    'gio.read_retention("留存1").gio.plot()',
    "%gio event 事件1 --plot",
)
# How many pixels of a canvas have a colour that is neither white, grey nor ink.
COLOURED = """canvas => {
  const {width, height} = canvas;
  const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  let found = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const [red, , blue, alpha] = pixels.slice(i, i + 4);
    if (alpha > 200 && Math.abs(blue - red) > 60) found += 1;
  }
  return found / (width * height);
}"""


@pytest.fixture
def asked_outside(lab: Lab) -> Iterator[list[str]]:
    """Let nothing out of this machine, and say what was asked for there."""
    asked: list[str] = []

    def stop(route: Route) -> None:
        if HERE.match(route.request.url):
            route.fallback()
        else:
            asked.append(route.request.url)
            route.abort()

    lab.page.route("**/*", stop)
    yield asked
    lab.page.unroute("**/*", stop)


def chart(output: Locator) -> Locator:
    """Find the chart that a cell has put out."""
    return output.locator(".jp-RenderedVegaCommon5 canvas, .vega-embed canvas").first


def shown(outputs: list[Any]) -> dict[str, Any]:
    """Give what a cell's chart is kept as in the notebook's file."""
    [bundle] = [one["data"] for one in outputs if MIME in one.get("data", {})]
    return bundle


def test_charts_are_drawn_without_a_network(
    quick: sandbox.Sandbox, lab: Lab, asked_outside: list[str]
) -> None:
    """Marks are on the screen, nothing was asked for outside, and no warning is shown."""
    told: list[str] = []
    lab.page.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
    with lab.open("%load_ext gio_pandas", connected(quick), *CELLS) as notebook:
        notebook.run(0)
        notebook.run(1)
        for number, _ in enumerate(CELLS, start=2):
            output = notebook.run(number)
            expect(chart(output)).to_be_visible()
            assert chart(output).evaluate(COLOURED) > 0.01
            expect(output.locator("[data-mime-type*=stderr]")).to_have_count(0)
            for theme in THEMES if number == 3 else ():
                lab.wear(theme)
                expect(chart(output)).to_be_visible()
                lab.photograph(f"chart-{number}-{theme.split()[1].lower()}", output)
            lab.wear(THEMES[0])
        lab.photograph("charts")
        assert asked_outside == []
        kept = [shown(cell.outputs) for cell in notebook.save().cells[2:]]
    assert not [line for line in told if re.search("vega|WARN", line)]
    for bundle, words in zip(kept, ("漏斗1: 5 steps", "第7天", "下单用户数"), strict=True):
        assert words in str(bundle[MIME])
        assert bundle["image/png"]
        assert bundle["text/plain"]
