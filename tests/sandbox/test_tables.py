"""The result tables of analyses."""

import re

import pytest

from .client import LISTS, PROJECT, SUBMIT_ANALYSIS, Client

COUNT = re.compile(r"\d{1,3}(,\d{3})*")
PERCENT = re.compile(r"-?\d+\.\d\d%")


def _table(client: Client, kind: str, name: str) -> tuple[list[str], list[list[str]]]:
    header, *rows = client.rows(client.analysis(kind, name))
    assert {len(row) for row in rows} == {len(header)}
    return header, rows


def _number(text: str) -> int:
    assert COUNT.fullmatch(text)
    return int(text.replace(",", ""))


def _tables(client: Client, kind: str, count: int = 9) -> list[tuple[list[str], list[list[str]]]]:
    items = list(client.ids(LISTS[kind]).values())[:count]
    jobs = [
        client.data(SUBMIT_ANALYSIS, project=PROJECT, id=item, kind=kind)["job"] for item in items
    ]
    rows = [client.rows(job) for job in jobs]
    return [(header, body) for header, *body in rows]


@pytest.mark.parametrize("kind", LISTS)
def test_every_kind_has_tables_of_different_shapes(client: Client, kind: str) -> None:
    """Several shapes, Chinese headers, and in each kind counts in thousands and percents."""
    tables = _tables(client, kind)
    assert len({tuple(header) for header, _ in tables}) >= 2
    cells = {cell for _, rows in tables for row in rows for cell in row}
    assert any("," in cell and COUNT.fullmatch(cell) for cell in cells)
    assert any(PERCENT.fullmatch(cell) for cell in cells)
    assert "-" in cells or kind == "FREQUENCIES"
    for header, rows in tables:
        assert any("\u4e00" <= letter <= "\u9fff" for name in header for letter in name)
        assert {len(row) for row in rows} == {len(header)}


def test_a_funnel_by_step_never_grows(client: Client) -> None:
    """Each step has at most the users of the one before; rates agree with the counts."""
    header, rows = _table(client, "FUNNELS", "漏斗1")
    assert header == ["步骤", "步骤名称", "用户数", "转化率", "总转化率"]
    users = [_number(row[2]) for row in rows]
    assert users == sorted(users, reverse=True)
    assert rows[0][3] == "-"
    for row, now, then in zip(rows[1:], users[1:], users[:-1], strict=True):
        assert row[3] == f"{now / then:.2%}"
        assert row[4] == f"{now / users[0]:.2%}"


def test_a_funnel_by_day_and_by_city(client: Client) -> None:
    """One line a day or city, steps that never grow; the line of all cities is their sum."""
    for name, first in (("漏斗2", "日期"), ("漏斗3", "城市")):
        header, rows = _table(client, "FUNNELS", name)
        assert (header[0], header[-1]) == (first, "总转化率")
        numbers = [[_number(cell) for cell in row[1:-1]] for row in rows]
        assert all(steps == sorted(steps, reverse=True) for steps in numbers)
    assert rows[0][0] == "总体"
    assert numbers[0] == [sum(step) for step in zip(*numbers[1:], strict=True)]


def test_an_event_analysis_may_repeat_its_headers(client: Client) -> None:
    """Two periods side by side: 日期 and the measure are there twice, with their own values."""
    header, rows = _table(client, "CHARTS", "事件2")
    assert header == ["日期", "访问用户量", "日期", "访问用户量", "环比"]
    assert all(row[0] > row[2] for row in rows)


def test_an_event_analysis_may_have_dimensions(client: Client) -> None:
    """Dates, cities and platforms; one platform's name needs quotes."""
    header, rows = _table(client, "CHARTS", "事件3")
    assert header == ["日期", "城市", "平台", "页面浏览量"]
    assert {row[2] for row in rows} == {"iOS", "Android", "小程序, H5"}


def test_retention_is_a_triangle(client: Client) -> None:
    """The first period is 100%, later ones are not above it, future ones are a dash."""
    for name in ("留存1", "留存2"):
        _, rows = _table(client, "RETENTIONS", name)
        for cohort, row in enumerate(rows):
            known, unknown = row[2 : len(row) - cohort], row[len(row) - cohort :]
            assert known[0] == "100.00%"
            assert all(0 < float(cell.rstrip("%")) <= 100 for cell in known)
            assert set(unknown) <= {"-"}


def test_frequencies_add_up(client: Client) -> None:
    """The classes' users sum to the last line, their shares to about the whole."""
    header, rows = _table(client, "FREQUENCIES", "分布1")
    assert header == ["次数区间", "用户数", "占比"]
    users = [_number(row[1]) for row in rows]
    assert sum(users[:-1]) == users[-1]
    assert abs(sum(float(row[2].rstrip("%")) for row in rows[:-1]) - 100) < 0.1


def test_an_analysis_comes_in_the_charset_asked_for(client: Client) -> None:
    """The guide's call, a funnel in UTF-16LE, decodes to its table."""
    job = client.analysis("FUNNELS", "漏斗3", charset="UTF-16LE")
    assert client.text(job, "utf-16-le").startswith("城市,打开应用,浏览商品,")
