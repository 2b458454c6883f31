"""How the screen of ``gio.pick()`` looks: pictures to be looked at, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from gio_pandas import sandbox

from .cells import connected
from .lab import Lab
from .pick import button, choose, field, opened

pytestmark = pytest.mark.timeout(120)

PICK = 'picked = gio.pick(into="df")\npicked'
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
# What is painted below a text, and the text itself, as red, green and blue.
COLOURS = """part => {
  let below = part;
  while (below && /^rgba\\(.*, 0\\)$/.test(getComputedStyle(below).backgroundColor)) {
    below = below.parentElement;
  }
  return [getComputedStyle(part).color, getComputedStyle(below).backgroundColor];
}"""


@pytest.fixture(scope="module")
def platform() -> Iterator[sandbox.Sandbox]:
    """Start a platform on which an export takes as long as a look at it."""
    with sandbox.start(users=160_000, stage_seconds=0.8) as started:
        yield started


@pytest.fixture(params=THEMES)
def theme(request: pytest.FixtureRequest, lab: Lab) -> Iterator[str]:
    """Put on a theme."""
    lab.wear(THEMES[request.param])
    yield request.param
    lab.wear(THEMES["light"])


def contrast(text: Locator) -> float:
    """Say how well a text can be told from what is below it, as WCAG 2 counts: from 1 to 21."""
    lights = sorted(map(_luminance, text.evaluate(COLOURS)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_screen_can_be_read(platform: sandbox.Sandbox, lab: Lab, theme: str) -> None:
    """Open, exporting, done and with an error: each text stands out, and a picture is kept."""
    kept: list[Path] = []
    with lab.open(connected(platform), PICK) as notebook:
        output = opened(notebook)
        screen = output.locator(".gio-pick")
        choose(output, "附加标签 Tags to add", "会员等级")
        field(output, "用户属性 Properties").fill("usr_city, usr_gender")
        field(output, "分群 Segment").fill("用户")
        expect(output.get_by_role("option").nth(5)).to_be_visible()
        kept.append(lab.photograph(f"pick-open-{theme}", screen))
        choose(output, "分群 Segment", "高价值用户")
        button(output, "Export").click()
        bar = output.get_by_role("progressbar")
        expect(bar).to_have_attribute("aria-valuetext", re.compile("RUNNING"))
        kept.append(lab.photograph(f"pick-exporting-{theme}", screen))
        first_rows = output.get_by_role("region", name="First rows")
        expect(first_rows).to_be_visible()
        kept.append(lab.photograph(f"pick-done-{theme}", screen))
        contrasts = [
            contrast(output.locator("label").first),
            contrast(first_rows.locator("td").first),
        ]
        choose(output, "分群 Segment", "计算失败的分群")
        button(output, "Export").click()
        alert = output.get_by_role("alert").filter(has_text=re.compile("计算失败"))
        expect(alert).to_be_visible()
        kept.append(lab.photograph(f"pick-error-{theme}", screen))
        assert min(*contrasts, contrast(alert)) > 4.5
    assert len({picture.read_bytes() for picture in kept}) == 4
