"""The searchable list alone in a real Chromium: what is typed, seen, read aloud and chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium, new_page
from chooser_page import chosen, item, many, names, show, told
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect

pytestmark = pytest.mark.timeout(60)

CASES: dict[str, Any] = json.loads(
    Path(__file__).with_name("search_cases.json").read_text(encoding="utf-8")
)
CITIES = [
    item("北京用户", "s1", type="每日", creator="张伟", updated="2026-03-01 10:20", users=1234567),
    item("上海用户", "s2", users=0),
    item("北京 沉默会员", "s3", type="手动"),
]
TAGS = [item("会员等级", "t1", key="usr_level"), item("常住城市", "t2", key="usr_city")]
LABEL = "分群 Segment"
DARK = """:root {
  --jp-layout-color1: rgb(17, 17, 17);
  --jp-ui-font-color1: rgb(255, 255, 255);
  --jp-ui-font-color2: rgb(189, 189, 189);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one Chromium for all of these tests."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a page, which fails the test if anything in it does."""
    with new_page(browser) as opened:
        failures: list[str] = []
        opened.on("pageerror", lambda error: failures.append(str(error)))
        yield opened
        assert failures == []


def field(page: Page) -> Locator:
    return page.get_by_role("combobox", name=LABEL)


def active(page: Page) -> str:
    """Tell the name of the option that the field says is the active one."""
    found: str = page.evaluate(
        """() => {
          const field = document.querySelector("[role=combobox]");
          const id = field.getAttribute("aria-activedescendant");
          return id ? document.getElementById(id).querySelector(".gio-name").textContent : "";
        }"""
    )
    return found


# ---- the search ----


def test_the_browser_finds_what_python_finds(page: Page) -> None:
    """One table of words and findings holds for both."""
    things = [[id_, name, key, "", "", "", None, id_] for name, key, id_ in CASES["things"]]
    show(page)
    found = page.evaluate(
        """async ([items, cases]) => {
          const index = await new chooser.Index(items).ready;
          return cases.map(({ words }) => index.find(words));
        }""",
        [things, CASES["cases"]],
    )
    assert found == [case["found"] for case in CASES["cases"]]


def test_typing_on_narrows_as_beginning_anew_does(page: Page) -> None:
    """Looking only through what was found before changes nothing, however the words grow."""
    show(page)
    same = page.evaluate(
        """async (items) => {
          const typed = await new chooser.Index(items).ready;
          const words = ["用", "用户", "用户 0", "用户 00", "用户 001", "用户", "京", "京 9 8"];
          return Promise.all(words.map(async (some) => {
            const fresh = await new chooser.Index(items).ready;
            return String(typed.find(some)) === String(fresh.find(some));
          }));
        }""",
        many(1000),
    )
    assert same == [True] * 8


def test_chinese_words_in_any_order(page: Page) -> None:
    """Each word has to be there; the rest of the list goes, and comes back."""
    show(page, items=CITIES)
    assert names(page) == ["北京用户", "上海用户", "北京 沉默会员"]
    field(page).fill("会员 北京")
    assert names(page) == ["北京 沉默会员"]
    expect(page.get_by_role("status").filter(has_text="1 found")).to_be_visible()
    field(page).fill("广州")
    assert names(page) == []
    expect(page.get_by_text("Nothing found")).to_be_visible()
    field(page).fill("")
    assert len(names(page)) == 3


def test_keys_and_ids_are_looked_for_too(page: Page) -> None:
    """A tag answers to its name, its key and its id, and its key is what is chosen."""
    show(page, items=TAGS)
    for words in ("USR_CITY", "t2", "城市"):
        field(page).fill(words)
        assert names(page) == ["常住城市"]
    field(page).press("Enter")
    assert chosen(page) == ["usr_city"]


def test_what_is_found_is_marked(page: Page) -> None:
    """The words are emphasised where they stand in a name."""
    show(page, items=CITIES)
    field(page).fill("京 沉默")
    assert page.locator(".gio-list mark").all_inner_texts() == ["京", "沉默"]


def test_of_many_items_fifty_rows_are_painted(page: Page) -> None:
    """However many there are, and the last of them is found by what is typed."""
    count = 50_000
    show(page, items=many(count))
    assert page.get_by_role("option").count() == 50
    expect(page.get_by_text(f"the first 50 of {count:,}")).to_be_visible()
    field(page).fill(f"{count - 1:05}")
    expect(page.get_by_role("option")).to_have_count(1)
    field(page).fill("用户")
    expect(page.get_by_text(f"50 of {count:,}: type more to narrow")).to_be_visible()
    expect(page.get_by_role("option")).to_have_count(50)
    assert page.locator("main *").count() < 1000


# ---- input methods ----


def compose(page: Page) -> CDPSession:
    session = page.context.new_cdp_session(page)
    for text in ("b", "be", "bei", "beij", "bei jing"):
        session.send(
            "Input.imeSetComposition",
            {"text": text, "selectionStart": len(text), "selectionEnd": len(text)},
        )
    return session


def test_letters_on_the_way_to_a_chinese_word_are_not_looked_for(page: Page) -> None:
    """Pinyin that an input method shows neither filters nor reaches the kernel; 北京 does."""
    show(page, items=CITIES)
    field(page).focus()
    session = compose(page)
    assert field(page).input_value() == "bei jing"
    assert len(names(page)) == 3
    session.send("Input.insertText", {"text": "北京"})
    expect(page.get_by_role("option")).to_have_count(2)
    assert names(page) == ["北京用户", "北京 沉默会员"]
    assert told(page) == []


@pytest.mark.parametrize("key", ["Enter", "Escape", "ArrowDown", "Backspace"])
def test_an_input_methods_keys_are_its_own(page: Page, key: str) -> None:
    """Enter that takes a candidate chooses nothing, Escape that drops it clears nothing."""
    show(page, items=CITIES, multiple=True, chosen=["s2"])
    field(page).press("ArrowDown")
    compose(page)
    page.evaluate(
        """key => document.querySelector("[role=combobox]").dispatchEvent(
          new KeyboardEvent("keydown", { key, keyCode: 229, isComposing: true, bubbles: true }))""",
        key,
    )
    assert field(page).input_value() == "bei jing"
    assert active(page) == "北京用户"
    assert told(page) == []


# ---- the keyboard ----


def test_one_is_chosen_without_a_mouse(page: Page) -> None:
    """Tab goes there, words and Enter choose, the list shuts and the field says what was chosen."""
    show(page, items=CITIES)
    page.keyboard.press("Tab")
    page.keyboard.type("会员")
    assert active(page) == "北京 沉默会员"
    page.keyboard.press("Enter")
    assert told(page) == [{"chosen": ["s3"]}]
    expect(field(page)).to_have_value("北京 沉默会员")
    expect(field(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("上海")
    page.keyboard.press("Enter")
    assert chosen(page) == ["s2"]


def test_arrows_pages_and_ends(page: Page) -> None:
    """The active option moves by one, by a page and to the ends, and never beyond them."""
    show(page, items=many(200, words=("用户",)))
    field(page).focus()
    steps = [
        ("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", 0), ("PageDown", 8),
        ("PageDown", 16), ("PageUp", 8), ("Control+End", 49), ("ArrowDown", 49),
        ("Control+Home", 0),
    ]  # fmt: skip
    for key, place in steps:
        page.keyboard.press(key)
        assert active(page) == f"用户 {place:05}", key
    page.keyboard.press("Control+End")
    last = page.get_by_role("option").last.bounding_box()
    frame = page.locator(".gio-scroller").bounding_box()
    assert last is not None
    assert frame is not None
    assert frame["y"] <= last["y"] <= frame["y"] + frame["height"] - last["height"]


def test_enter_stays_in_the_field(page: Page) -> None:
    """A second one, which an input method easily makes, presses nothing that comes after."""
    show(page, items=CITIES)
    page.locator("main").evaluate("main => main.append(document.createElement('button'))")
    field(page).fill("会员")
    page.keyboard.press("Enter")
    expect(field(page)).to_be_focused()
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Enter")
    assert told(page) == [{"chosen": ["s3"]}]
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Tab")  # to what clears it, and on
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.querySelector('main').lastChild")


def test_escape_clears_then_shuts(page: Page) -> None:
    """The first drops the words, the second shuts the list; nothing is chosen by it."""
    show(page, items=CITIES)
    field(page).fill("会员")
    page.keyboard.press("Escape")
    expect(field(page)).to_have_value("")
    assert len(names(page)) == 3
    expect(field(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(field(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Alt+ArrowDown")
    expect(field(page)).to_have_attribute("aria-expanded", "true")
    assert active(page) == ""
    page.keyboard.press("Alt+ArrowUp")
    expect(field(page)).to_have_attribute("aria-expanded", "false")
    assert told(page) == []


def test_escape_gives_the_choice_back(page: Page) -> None:
    """Words typed over a choice are dropped, and the choice stands."""
    show(page, items=CITIES, chosen=["s1"])
    field(page).fill("上海")
    page.keyboard.press("Escape")
    expect(field(page)).to_have_value("北京用户")
    assert chosen(page) == ["s1"]


def test_tab_leaves_and_takes_nothing_along(page: Page) -> None:
    """Leaving chooses nothing; after a choice the list is shut behind one."""
    show(page, items=CITIES, chosen=["s1"], before="<button>before</button>")
    page.locator("main").evaluate("main => main.append(document.createElement('button'))")
    field(page).fill("上海")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.querySelector('main').lastChild")
    expect(field(page)).to_have_value("北京用户")
    expect(field(page)).to_have_attribute("aria-expanded", "false")
    assert told(page) == []


def test_no_stop_of_tab_is_without_a_name(page: Page) -> None:
    """Going through with Tab meets the field and the last chip, not the scrolled list."""
    show(page, items=many(100), multiple=True, chosen=["s00001", "s00002"])
    stops = []
    for _ in range(3):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') || "
                          "document.activeElement.getAttribute('role')")
        )  # fmt: skip
    assert stops[:2] == ["Remove 北京 高价值用户 00002", "combobox"]
    assert stops[2] is None


def test_keys_stay_with_the_list(page: Page) -> None:
    """A notebook's own shortcuts do not see what is typed here, but Ctrl+S is the notebook's."""
    show(page, items=CITIES)
    page.evaluate(
        """() => {
          window.seen = [];
          document.addEventListener("keydown", ({ key }) => seen.push(key));
          window.marked = [];
          document.addEventListener("keydown", ({ key, target }) =>
            marked.push([key, !!target.closest("[data-lm-suppress-shortcuts]")]), true);
        }"""
    )
    field(page).focus()
    for key in ("d", "Escape", "Enter", "Shift+Enter", "Control+s"):
        page.keyboard.press(key)
    assert page.evaluate("seen.filter(key => key !== 'Control' && key !== 'Shift')") == ["s"]
    marked = dict(page.evaluate("marked"))
    assert (marked["d"], marked["Enter"], marked["s"]) == (True, True, False)


# ---- several at once ----


def test_several_are_chosen_in_the_order_chosen(page: Page) -> None:
    """Enter and Ctrl+Space put in and take out; what is typed next begins anew."""
    show(page, items=CITIES, multiple=True)
    field(page).press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("会员")
    page.keyboard.press("Control+Space")
    assert chosen(page) == ["s2", "s3"]
    page.keyboard.type("上海")
    page.keyboard.press("Enter")
    assert chosen(page) == ["s3"]
    selected = page.get_by_role("option", selected=True)
    expect(selected).to_have_count(0)
    page.keyboard.press("Escape")
    expect(selected).to_have_count(1)


def test_chips_are_removed_by_keyboard(page: Page) -> None:
    """Backspace in the empty field takes the last; arrows go to the others, Delete removes them."""
    show(page, items=CITIES, multiple=True, chosen=["s1", "s2", "s3"])
    field(page).press("Backspace")
    assert chosen(page) == ["s1", "s2"]
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Remove 上海用户")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    assert chosen(page) == ["s2"]
    expect(page.get_by_role("button", name="Remove 上海用户")).to_be_focused()
    page.keyboard.press("Enter")
    assert chosen(page) == []
    expect(field(page)).to_be_focused()


def test_backspace_among_words_removes_letters(page: Page) -> None:
    """Only the empty field gives chips back."""
    show(page, items=CITIES, multiple=True, chosen=["s1"])
    field(page).press_sequentially("上海")
    page.keyboard.press("Backspace")
    expect(field(page)).to_have_value("上")
    assert chosen(page) == ["s1"]


def test_a_thousand_chosen_are_fifty_chips(page: Page) -> None:
    """What Python puts in does not freeze the page."""
    items = many(1000)
    show(page, items=items, multiple=True, chosen=[row[0] for row in items])
    assert page.get_by_role("button").count() == 50
    expect(page.get_by_text("and 950 more")).to_be_visible()
    expect(page.get_by_text("1,000 chosen")).to_be_visible()


# ---- the mouse ----


def test_a_click_chooses_and_another_clears(page: Page) -> None:
    """The focus stays in the field, so that one can go on typing."""
    show(page, items=CITIES)
    page.get_by_role("option", name="上海用户").click()
    assert chosen(page) == ["s2"]
    page.get_by_role("button", name=f"Clear {LABEL}").click()
    assert chosen(page) == []
    expect(field(page)).to_be_focused()
    expect(field(page)).to_have_value("")


def test_folded_opens_when_it_is_asked_to(page: Page) -> None:
    """A list for what is optional takes no room until somebody turns to it."""
    show(page, items=CITIES, folded=True)
    expect(page.get_by_role("listbox")).to_be_hidden()
    field(page).focus()
    expect(page.get_by_role("listbox")).to_be_hidden()
    field(page).click()
    expect(page.get_by_role("listbox")).to_be_visible()
    field(page).blur()
    expect(page.get_by_role("listbox")).to_be_hidden()


# ---- what is read aloud and seen ----


def test_roles_and_names(page: Page) -> None:
    """The pattern of a combobox with a listbox, each part with its name."""
    show(page, items=CITIES, multiple=True, chosen=["s1"], message="3 segments")
    assert page.locator("main > div").aria_snapshot().splitlines() == [
        "- text: 分群 Segment",
        '- list "Chosen":',
        '  - listitem "北京用户":',
        "    - text: 北京用户",
        '    - button "Remove 北京用户"',
        '- combobox "分群 Segment"',
        "- status: 3 segments",
        "- status: 1 chosen",
    ]
    field(page).press("ArrowDown")
    expect(field(page)).to_have_attribute("aria-autocomplete", "list")
    listbox = page.get_by_role("listbox", name=LABEL)
    expect(listbox).to_have_attribute("aria-multiselectable", "true")
    assert field(page).get_attribute("aria-controls") == listbox.get_attribute("id")
    option = page.get_by_role("option", name="北京用户 每日 张伟 2026-03-01 10:20 1,234,567")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("option", name="上海用户 0")).to_have_attribute(
        "aria-selected", "false"
    )


def test_only_what_is_known_has_a_column(page: Page) -> None:
    """Segments have no keys, so there is no column of keys; 0 users are users."""
    show(page, items=CITIES)
    head = page.locator(".gio-head .gio-cell").all_inner_texts()
    assert head == ["Name", "Type", "Creator", "Updated", "Users"]
    show(page, items=TAGS)
    assert page.locator(".gio-head .gio-cell").all_inner_texts() == ["Name", "Key"]


def test_columns_stand_below_each_other(page: Page) -> None:
    """Every row and the heading have their columns at the same place."""
    show(page, items=CITIES)
    edges = page.evaluate(
        """() => [...document.querySelectorAll(".gio-row")].map((row) =>
          [...row.querySelectorAll(".gio-cell")].map((cell) =>
            Math.round(cell.getBoundingClientRect().left)).join())"""
    )
    assert len(set(edges)) == 1


def height(page: Page) -> float:
    """Measure the box of the list."""
    found: float = page.locator(".gio-scroller").evaluate("box => box.offsetHeight")
    return found


def is_scrolled(page: Page) -> bool:
    """Tell whether there is more in the box than is seen at once."""
    hidden: bool = page.locator(".gio-scroller").evaluate(
        "box => box.scrollHeight > box.clientHeight || box.scrollWidth > box.clientWidth"
    )
    return hidden


@pytest.mark.parametrize("width", [900, 300])
def test_the_box_is_as_high_as_what_is_in_it(browser: Browser, width: int) -> None:
    """Fewer hits than rows leave no empty room; many do not push the page away."""
    with new_page(browser, viewport={"width": width, "height": 900}) as page:
        show(page, items=[*CITIES, *many(100)])
        whole = height(page)
        assert is_scrolled(page)
        field(page).fill("上海 用户")
        field(page).fill("会员")
        expect(page.get_by_role("option")).to_have_count(1)
        assert height(page) < whole / 2
        assert not is_scrolled(page)


def test_six_kinds_are_seen_at_once(browser: Browser) -> None:
    """In a narrow place, too, where what else is known would be below each name."""
    with new_page(browser, viewport={"width": 240, "height": 600}) as page:
        show(page, items=[item(f"类型 {number}") for number in range(6)])
        assert not is_scrolled(page)


def test_who_made_it_gives_way_to_how_many_there_are(browser: Browser) -> None:
    """Where not all columns find room: a tag's key, type, day and users are seen, and the name."""
    known = {"key": "tag_member_level", "type": "STRING", "creator": "Ada Lovelace"}
    tag = item("最近一次购买距今天数分层", "t1", updated="2026-03-01 10:20", users=160000, **known)
    creator = ".gio-list .gio-creator"
    for width, is_seen in ((1000, True), (720, False)):
        with new_page(browser, viewport={"width": width, "height": 600}) as page:
            show(page, items=[tag, *TAGS])
            page.add_style_tag(content="main { padding: 0 !important }")
            assert page.locator(creator).first.is_visible() is is_seen
            assert not is_scrolled(page)
            cut = page.locator(".gio-list .gio-cell").evaluate_all(
                "cells => cells.filter((it) => it.scrollWidth > it.clientWidth).length"
            )
            assert cut == 0


def test_who_made_it_is_seen_where_there_is_room(browser: Browser) -> None:
    """A segment has no key: at the width of the screen of ``pick`` all its columns are there."""
    with new_page(browser, viewport={"width": 720, "height": 600}) as page:
        show(page, items=CITIES)
        expect(page.locator(".gio-list .gio-creator").first).to_be_visible()
        assert not is_scrolled(page)


NASTY = [
    item("<script>window.bad = 1</script><img src=x onerror='window.bad = 2'>", "<b>1</b>"),
    item("شريحة المستخدمين \u202e gnol \u2066", "rtl", creator="<i>x</i>"),
    item("很长的名字" * 200, "long"),
    item("x" * 2000, "unbroken", key="k" * 500),
    item("a\nb\tc\u0000d", "control"),
]


def test_names_are_text_whatever_is_in_them(page: Page) -> None:
    """Markup is shown, not run; right-to-left and endless names break nothing."""
    show(page, items=NASTY, multiple=True, chosen=["<b>1</b>", "long", "<i>gone</i>"])
    field(page).press("ArrowDown")
    field(page).fill("<script>")
    assert names(page) == ["<script>window.bad = 1</script><img src=x onerror='window.bad = 2'>"]
    field(page).fill("")
    page.evaluate("() => model.set('message', '<b>bold</b>')")
    expect(page.get_by_text("<b>bold</b>")).to_be_visible()
    assert page.evaluate("window.bad") is None
    assert page.locator("main :is(script, img, b, i)").count() == 0
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


@pytest.mark.parametrize("width", [900, 400, 280])
def test_nothing_is_wider_than_its_cell(browser: Browser, width: int) -> None:
    """In a narrow cell what else is known goes below the name."""
    with new_page(browser, viewport={"width": width, "height": 600}) as page:
        show(page, items=[*CITIES, *NASTY])
        page.wait_for_function("() => document.querySelector('.gio-row')")
        for target in ("document.documentElement", "document.querySelector('.gio-scroller')"):
            assert page.evaluate(f"() => {target}.scrollWidth - {target}.clientWidth") <= 0


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"),
                                               ("dark", "rgb(17, 17, 17)")])  # fmt: skip
@pytest.mark.parametrize("theme", ["", "JupyterLab's"])
def test_it_wears_the_theme(browser: Browser, scheme: str, paper: str, theme: str) -> None:
    """JupyterLab's colours where there are any, else what the system says; text can be read."""
    css = DARK if theme and scheme == "dark" else ""
    with new_page(browser, color_scheme="light" if theme else scheme) as page:
        show(page, items=CITIES, theme=css)
        got = page.locator(".gio-scroller").evaluate("one => getComputedStyle(one).backgroundColor")
        assert got == paper
        for part in (".gio-list .gio-name", ".gio-list .gio-type", ".gio-count"):
            assert contrast(page, part) >= 4.5


def contrast(page: Page, part: str) -> float:
    """Measure a text's contrast with the paper, as WCAG does."""
    ratio: float = page.evaluate(
        """(part) => {
          const light = (css) => {
            const [r, g, b] = css.match(/[\\d.]+/g).map((one) => one / 255).map((one) =>
              one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
          };
          const of = (css, name) => light(getComputedStyle(document.querySelector(css))[name]);
          const [a, b] = [of(part, "color"), of(".gio-scroller", "backgroundColor")];
          return Math.max(a, b) / Math.min(a, b);
        }""",
        part,
    )
    return ratio


def test_the_focus_is_seen(page: Page) -> None:
    """A ring is around the field that has the focus, and around a chip's button."""
    show(page, items=CITIES, multiple=True, chosen=["s1"])
    ring = "() => getComputedStyle(document.querySelector('.gio-field')).boxShadow"
    assert page.evaluate(ring) == "none"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate(ring) != "none"
    page.keyboard.press("Shift+Tab")
    style = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(style) == "solid"


# ---- what Python says ----


def test_states_are_shown(page: Page) -> None:
    """Busy, an error and how many there are: one line, and an error is read out at once."""
    show(page, message="loading …", tone="busy")
    expect(page.get_by_text("loading …")).to_be_visible()
    assert page.locator(".gio-list").get_attribute("aria-busy") == "true"
    page.evaluate("() => { model.set('tone', 'error'); model.set('message', 'no way in'); }")
    expect(page.get_by_role("alert")).to_have_text("no way in")
    page.evaluate("() => { model.set('tone', ''); model.set('message', '3 segments'); }")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_disabled_takes_nothing(page: Page) -> None:
    """No key and no click changes what is chosen, and the list is shut."""
    show(page, items=CITIES, multiple=True, chosen=["s1"])
    page.evaluate("() => model.set('disabled', true)")
    expect(field(page)).to_be_disabled()
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.locator(".gio-field").click(force=True)
    page.keyboard.type("上")
    page.keyboard.press("Backspace")
    assert told(page) == []
    page.evaluate("() => model.set('disabled', false)")
    expect(field(page)).to_be_enabled()


def test_python_chooses(page: Page) -> None:
    """What the kernel sets is seen, and is not sent back to it."""
    show(page, items=CITIES)
    page.evaluate("() => model.set('chosen', ['s2'])")
    expect(field(page)).to_have_value("上海用户")
    page.evaluate("() => model.set('chosen', [])")
    expect(field(page)).to_have_value("")
    assert told(page) == []


@pytest.mark.parametrize("multiple", [False, True])
def test_a_choice_that_is_not_on_the_list_is_said(page: Page, multiple: bool) -> None:
    """It is shown as what it is, until the items come that have it."""
    show(page, items=CITIES[:1], multiple=multiple, chosen=["s2"])
    expect(page.get_by_text("not in the list: s2")).to_be_visible()
    assert page.locator(".gio-unknown").count() == 1
    page.evaluate("items => model.set('items', items)", CITIES)
    expect(page.get_by_text("not in the list")).to_have_count(0)
    assert page.locator(".gio-unknown").count() == 0


@pytest.mark.parametrize("tone", ["busy", "error"])
def test_what_is_told_already_is_not_told_again(page: Page, tone: str) -> None:
    """While the list is looked up nobody knows; what is amiss is in the message."""
    show(page, items=CITIES[:1], chosen=["s2"], message="said", tone=tone)
    expect(page.get_by_text("said")).to_be_visible()
    expect(page.get_by_text("not in the list")).to_have_count(0)


def test_other_items_are_another_list(page: Page) -> None:
    """What was typed is looked for among them, too."""
    show(page, items=CITIES)
    field(page).fill("会员")
    page.evaluate("items => model.set('items', items)", TAGS)
    expect(page.get_by_role("option")).to_have_count(1)
    assert names(page) == ["会员等级"]


def test_items_that_come_while_an_index_is_made_win(page: Page) -> None:
    """A search in a list that was taken away shows nothing of it."""
    show(page, items=many(50_000))
    field(page).fill("会员")
    page.evaluate(
        """async (items) => {
          const old = model.get("items");
          model.set("items", items);
          await new chooser.Index(old).ready; // begun later, so done later than the list's own
        }""",
        TAGS,
    )
    assert names(page) == ["会员等级"]


def test_views_of_one_model_keep_in_step(page: Page) -> None:
    """What is chosen in one is chosen in the other; what is typed is each one's own."""
    show(page, items=CITIES, views=2)
    first, second = field(page).all()
    first.fill("上海")
    expect(second).to_have_value("")
    first.press("Enter")
    expect(second).to_have_value("上海用户")
    assert len(told(page)) == 1


def test_a_view_that_is_gone_listens_no_more(page: Page) -> None:
    """Closing an output leaves no listeners at the model."""
    show(page, items=CITIES, views=2)
    page.evaluate("() => ends.forEach((end) => end())")
    assert page.evaluate("() => model.handlers.length") == 0


def test_it_says_that_it_is_alive(page: Page) -> None:
    """The kernel learns at once that a front end could load this."""
    show(page)
    assert page.evaluate("() => model.sent[0]") == {"alive": True}
