"""The lists to choose from as plain objects: their traits, the plain one, and which one is made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

from gio_pandas.notebook.choices import Choice
from gio_pandas.notebook.chooser import Chooser
from gio_pandas.notebook.choosing import SHARED, Choosing, chooser, row
from gio_pandas.notebook.either_chooser import STEP, STEPS, EitherChooser
from gio_pandas.notebook.plain_chooser import MOST, PlainChooser, summary
from gio_pandas.search import Index

CASES: dict[str, Any] = json.loads(
    Path(__file__).with_name("search_cases.json").read_text(encoding="utf-8")
)
LABEL = "分群 Segment"
BEIJING = Choice("segment", "s1", "北京用户", type="每日", creator="张伟", users=1234567)
SHANGHAI = Choice("segment", "s2", "上海用户", users=0)
LEVEL = Choice("tag", "t1", "会员等级", key="usr_level", type="STRING", updated="2026-03-01 10:20")
ITEMS = [row(BEIJING), row(SHANGHAI), row(LEVEL)]
KINDS: tuple[type[Any], ...] = (Chooser, PlainChooser, EitherChooser)


def many(count: int) -> list[Any]:
    return [row(Choice("segment", f"s{n}", f"用户 {n:05}")) for n in range(count)]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def made(request: pytest.FixtureRequest) -> Choosing:
    """Make each kind of list, with nothing in it."""
    made: Choosing = request.param(label=LABEL, multiple=True)
    return made


# ---- what all have in common ----


def test_a_row_is_what_is_known_of_a_choice() -> None:
    """The value is a tag's key, else the id; what is not known is empty, and 0 is known."""
    assert row(BEIJING) == ["s1", "北京用户", "", "每日", "张伟", "", 1234567, "s1"]
    assert row(LEVEL)[0] == "usr_level"
    assert row(LEVEL)[7] == "t1"
    assert row(SHANGHAI)[6] == 0
    assert row(LEVEL)[6] is None


def test_the_traits_are_the_same(made: Choosing) -> None:
    """Whoever made it need not know which it is."""
    made.items = ITEMS
    made.chosen = ["s2", "usr_level"]
    made.message, made.tone, made.disabled, made.placeholder = "3 segments", "", True, "Search"
    assert {name: made.trait_values()[name] for name in SHARED} == {
        "label": LABEL,
        "placeholder": "Search",
        "multiple": True,
        "items": ITEMS,
        "chosen": ["s2", "usr_level"],
        "message": "3 segments",
        "tone": "",
        "disabled": True,
        "folded": False,
    }


def test_a_choice_is_observed(made: Choosing) -> None:
    """Once for each change, with what was chosen and in that order."""
    seen: list[Any] = []
    made.observe(lambda change: seen.append(change["new"]), "chosen")
    made.items = ITEMS
    made.chosen = ["usr_level", "s1"]
    made.chosen = []
    assert seen == [["usr_level", "s1"], []]


def test_a_value_that_is_not_on_the_list_stays(made: Choosing) -> None:
    """It may be on the one that is loaded next; it breaks nothing."""
    made.chosen = ["gone"]
    made.items = ITEMS
    assert made.chosen == ["gone"]


@pytest.mark.parametrize("kind", KINDS)
def test_one_at_most_is_chosen_unless_several_may_be(kind: type[Any]) -> None:
    """The last one counts; a value twice is one."""
    assert kind(label=LABEL, chosen=["s1", "s2"]).chosen == ["s2"]
    assert kind(label=LABEL, chosen=["s2", "s1", "s2"], multiple=True).chosen == ["s2", "s1"]


def test_its_text_says_what_it_is(made: Choosing) -> None:
    """No address, no ten thousand rows: what stands in a saved notebook is a line."""
    made.items = many(10_000)
    made.chosen = ["s2"]
    assert repr(made) == "<分群 Segment: s2 chosen of 10,000>"
    bundle = made._repr_mimebundle_()  # type: ignore[attr-defined]
    plain = (bundle[0] if isinstance(bundle, tuple) else bundle)["text/plain"]
    assert plain == repr(made)


# ---- the one with its search in the browser ----


def test_everything_goes_with_the_message_that_makes_it() -> None:
    """A cell that goes on running cannot keep the items away: nothing has to be asked for."""
    made = Chooser(label=LABEL, items=ITEMS)
    state = made.get_state()
    assert set(SHARED) <= set(state)
    assert state["items"] == ITEMS
    assert "export default" in state["_esm"]
    assert ".gio-chooser" in state["_css"]
    assert "http" not in state["_esm"].replace("http://www.w3.org/2000/svg", "")


# ---- the plain one ----


def words(made: PlainChooser, text: str) -> None:
    made._field.value = text


def shown(made: PlainChooser) -> list[str]:
    return [value for _, value in made._list.options]


def note(made: PlainChooser) -> str:
    text: str = made._note.value
    return text


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: repr(case["words"]))
def test_python_finds_what_the_browser_finds(case: dict[str, Any]) -> None:
    """One table of words and findings holds for both, and for the plain list."""
    things = CASES["things"]
    assert Index(things).find(case["words"]) == case["found"]
    made = PlainChooser(label=LABEL)
    made.items = [[id_, name, key, "", "", "", None, id_] for name, key, id_ in things]
    words(made, case["words"])
    assert shown(made) == [things[position][2] for position in case["found"]]


@pytest.mark.parametrize("multiple", [False, True])
def test_words_choose_nothing(multiple: bool) -> None:
    """New options make a Select take the first of them; that is not a choice."""
    made = PlainChooser(label=LABEL, multiple=multiple)
    seen: list[Any] = []
    made.observe(lambda change: seen.append(change["new"]), "chosen")
    made.items = many(200)
    for text in ("00001", "00", "", "none such"):
        words(made, text)
    assert (made.chosen, seen) == ([], [])
    assert made._list.value == (() if multiple else None)


def test_fifty_are_shown_and_the_rest_is_told() -> None:
    """A person does not read ten thousand, and a Select of them freezes the page."""
    made = PlainChooser(label=LABEL, items=many(1234), message="1,234 segments")
    assert len(shown(made)) == MOST == 50
    assert note(made) == "the first 50 of 1,234 · 1,234 segments"
    words(made, "用户")
    assert "50 of 1,234: type more to narrow" in note(made)
    words(made, "00007")
    assert "1 found" in note(made)


def test_what_is_picked_is_chosen() -> None:
    """One, and it is still chosen while words show others."""
    made = PlainChooser(label=LABEL, items=ITEMS)
    made._list.value = "s2"
    assert made.chosen == ["s2"]
    words(made, "北京")
    assert made.chosen == ["s2"]
    assert made._list.value is None
    assert "chosen: 上海用户" in note(made)
    words(made, "")
    assert made._list.value == "s2"


def test_what_is_picked_among_others_is_added() -> None:
    """What the words hide stays chosen; what is shown and not marked any more is not."""
    made = PlainChooser(label=LABEL, items=ITEMS, multiple=True)
    made._list.value = ("usr_level",)
    words(made, "用户")
    made._list.value = ("s1",)
    assert made.chosen == ["usr_level", "s1"]
    made._list.value = ()
    assert made.chosen == ["usr_level"]


def test_python_chooses_in_the_plain_list() -> None:
    """What is set is marked, as far as it is shown."""
    made = PlainChooser(label=LABEL, items=ITEMS, multiple=True)
    made.chosen = ["s2", "gone"]
    assert made._list.value == ("s2",)
    assert "chosen: 上海用户, gone" in note(made)


def test_the_plain_list_has_names_and_states() -> None:
    """Both controls say what they are for; an error is called one; disabled is disabled."""
    made = PlainChooser(label=LABEL, items=ITEMS, placeholder="Search by name")
    controls = (made._field, made._list)
    said = [control.description for control in controls]
    assert said == ["Find 分群 Segment", "Choose 分群 Segment"]
    assert made._field.placeholder == "Search by name"
    made.tone, made.message, made.disabled = "error", "no way in", True
    assert note(made).endswith("Error: no way in")
    assert all(control.disabled for control in controls)


def test_words_are_not_looked_for_until_they_are_done() -> None:
    """The pinyin on the way to a Chinese word never reaches the kernel."""
    assert PlainChooser(label=LABEL)._field.continuous_update is False


def test_a_line_says_what_is_known() -> None:
    """What is not known leaves no hole, and 0 users are said."""
    assert summary(row(BEIJING)) == "北京用户 · 每日 · 张伟 · 1,234,567"
    assert summary(row(SHANGHAI)) == "上海用户 · 0"
    assert summary(row(LEVEL)) == "会员等级 · usr_level · STRING · 2026-03-01 10:20"


# ---- which one it is ----


class Clock:
    """An event loop that is turned by hand; ``busy`` is how late it comes to its calls."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[tuple[float, Callable[[], Any]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., Any], *arguments: Any) -> None:
        self.calls.append((when, lambda: callback(*arguments)))

    def turn(self, steps: int, busy: float = 0.0) -> None:
        """Carry out so many calls, each as late as the loop is busy."""
        for _ in range(steps):
            if not self.calls:
                return
            when, call = self.calls.pop(0)
            self.now = when + busy
            call()


@pytest.fixture
def watched() -> tuple[EitherChooser, Clock]:
    """Make a list that is on the screen."""
    made, clock = EitherChooser(label=LABEL, multiple=True), Clock()
    made.watch(clock)
    return made, clock


def face(made: EitherChooser) -> Any:
    (child,) = made.children
    return child


def test_it_is_the_live_one_until_silence_says_otherwise(
    watched: tuple[EitherChooser, Clock],
) -> None:
    """Four quiet seconds of a free kernel: the front end has no anywidget."""
    made, clock = watched
    clock.turn(STEPS - 1)
    assert isinstance(face(made), Chooser)
    clock.turn(1)
    assert isinstance(face(made), PlainChooser)
    assert clock.now == STEP * STEPS == 4
    assert clock.calls == []


def test_a_sign_of_life_is_enough(watched: tuple[EitherChooser, Clock]) -> None:
    """Nobody looks any more."""
    made, clock = watched
    clock.turn(2)
    face(made).alive = True
    clock.turn(STEPS * 2)
    assert isinstance(face(made), Chooser)
    assert clock.calls == []


def test_a_busy_kernel_is_not_a_dumb_front_end(watched: tuple[EitherChooser, Clock]) -> None:
    """While a cell runs the front end's messages wait, as we do: only quiet time counts."""
    made, clock = watched
    clock.turn(STEPS - 1)
    clock.turn(1, busy=60.0)
    clock.turn(STEPS - 1)
    assert isinstance(face(made), Chooser)
    clock.turn(1)
    assert isinstance(face(made), PlainChooser)


def test_a_late_sign_of_life_brings_it_back(watched: tuple[EitherChooser, Clock]) -> None:
    """A slow front end has its list all the same, with what was chosen meanwhile."""
    made, clock = watched
    made.items = ITEMS
    live = face(made)
    clock.turn(STEPS)
    face(made)._list.value = ("s1",)
    live.alive = True
    assert face(made) is live
    assert live.chosen == made.chosen == ["s1"]


def test_both_are_in_step(watched: tuple[EitherChooser, Clock]) -> None:
    """What was loaded and chosen before the change is there after it, and later too."""
    made, clock = watched
    made.items, made.chosen, made.message = ITEMS, ["s2"], "3 segments"
    assert (face(made).items, face(made).chosen) == (ITEMS, ["s2"])
    clock.turn(STEPS)
    plain = face(made)
    assert plain._list.value == ("s2",)
    made.disabled = True
    assert plain.disabled
    plain._list.value = ("s1", "s2")
    assert made.chosen == ["s2", "s1"]


def test_watching_twice_is_watching_once(watched: tuple[EitherChooser, Clock]) -> None:
    """It is shown in two places, and looked after once."""
    made, clock = watched
    made.watch(clock)
    assert len(clock.calls) == 1


def test_without_an_event_loop_nobody_is_waited_for() -> None:
    """In a script nothing is displayed, and nothing is started."""
    made = EitherChooser(label=LABEL)
    made.watch()
    made._repr_mimebundle_()
    assert isinstance(face(made), Chooser)


def test_the_items_are_sent_once() -> None:
    """The box around the list has them too, and does not send them."""
    made = EitherChooser(label=LABEL, items=ITEMS)
    assert "items" not in made.get_state()
    assert "items" in face(made).get_state()


@pytest.mark.parametrize(
    ("plain", "said", "expected"),
    [
        (None, None, EitherChooser),
        (None, "plain", PlainChooser),
        (None, "live", EitherChooser),
        (True, None, PlainChooser),
        (False, "plain", Chooser),
    ],
)
def test_the_argument_wins_over_the_environment(
    plain: bool | None, said: str | None, expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``plain=`` first, then ``GIO_WIDGETS=plain``, else what the front end turns out to have."""
    if said is not None:
        monkeypatch.setenv("GIO_WIDGETS", said)
    made = chooser(label=LABEL, placeholder="Search", multiple=True, folded=True, plain=plain)
    assert isinstance(made, expected)
    assert (made.label, made.placeholder, made.multiple) == (LABEL, "Search", True)
    assert made.folded


def test_without_anywidget_it_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but ipywidgets is needed."""
    monkeypatch.setitem(sys.modules, "anywidget", None)
    assert isinstance(chooser(label=LABEL), PlainChooser)


def test_a_list_is_a_widget(made: Choosing) -> None:
    """It stands in a box beside others."""
    assert ipywidgets.VBox([made]).children == (made,)
