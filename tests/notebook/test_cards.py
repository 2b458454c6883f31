"""Cards: jobs, sessions and errors as HTML that needs no front end and shows no secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pages import Elements

from gio_pandas import (
    AmbiguousNameError,
    GioError,
    JobTimeoutError,
    Session,
    SettingsError,
    errors,
)
from gio_pandas.api.models import Kind
from gio_pandas.exports.job import ExportJob, Order
from gio_pandas.notebook.cards import card, error_card, job_card, session_card

NASTY = "<script>alert('分群')</script>\"&"
SECRET = "k3y-of-nobody"


class Deaf:
    """A platform that must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


def job(**more: Any) -> ExportJob:
    """Make a job that nothing can be asked about."""
    order = Order(
        platform=more.pop("platform", "https://cdp.example.cn"),
        kind=Kind.SEGMENT,
        name=more.pop("name", "高价值用户"),
        project_name="默认项目",
    )
    return ExportJob(Deaf(), "VGFn", order, **more)


def said(page: str) -> str:
    """Give what a card says, and hold that it is whole, and looks as a notebook does."""
    elements = Elements(page)
    assert elements.open == []
    assert {one["tag"] for one in elements.found} <= {"div", "dl", "dt", "dd"}
    assert "var(--jp-" in page
    return elements.text


def test_a_card_is_escaped() -> None:
    """Names and values are text, whatever is in them."""
    page = card(NASTY, [(NASTY, NASTY)], note=NASTY)
    assert said(page) == NASTY * 4


@pytest.mark.parametrize("tone", ["plain", "good", "bad", "busy"])
def test_a_tone_is_a_colour(tone: Any) -> None:
    """Each has one of its own, of the theme, with one for pages that have none."""
    others = {card("a", tone=other) for other in ("plain", "good", "bad", "busy") if other != tone}
    assert card("a", tone=tone) not in others


def test_a_job_says_what_is_known_of_it() -> None:
    """Its stage, its times, and how it is had again."""
    submitted = datetime(2026, 3, 1, 12, tzinfo=UTC)
    words = said(job(stage="RUNNING", submitted_at=submitted)._repr_html_())
    for word in ("segment (分群) '高价值用户'", "RUNNING", "默认项目", "gio.attach('VGFn')"):
        assert word in words
    assert f"{submitted.astimezone():%Y-%m-%d %H:%M:%S}" in words
    assert "rows" not in words


def test_a_jobs_tone_is_its_stage() -> None:
    """What failed is marked, and what is finished."""
    pages = {job_card(job(stage=stage)) for stage in ("RUNNING", "ERROR")}
    assert "--jp-error-color1" in job_card(job(stage="ERROR"))
    assert "--jp-info-color1" in job_card(job(stage="RUNNING"))
    assert len(pages) == 2


@pytest.mark.parametrize("stage", ["NONE", "RUNNING", "FINISH"])
def test_a_job_says_how_its_frame_is_had(stage: str) -> None:
    """Here, and after a restart; the embedded sandbox does not live as long as that."""
    elsewhere, embedded = job(stage=stage), job(stage=stage, platform="sandbox:")
    for known in (elsewhere, embedded):
        if stage == "FINISH":
            known._uris = ("a",)
        gives = "job.to_pandas() gives" if stage == "FINISH" else "job.to_pandas() waits for"
        assert gives in said(job_card(known))
    assert "gio.attach('VGFn') picks it up after a restart" in said(job_card(elsewhere))
    words = said(job_card(embedded))
    assert "restart" not in words
    assert "sandbox:" not in words
    assert "platformthe embedded sandbox" in words


def test_what_is_long_or_turns_the_line_around_hides_nothing() -> None:
    """Wherever it stands; a line of code alone is not cut as a name is."""
    name = f"\u202e{'名' * 10_000}"
    page = card(name, [(name, name), ("code", "x" * 1_000)], note=f"{name}\nand more")
    assert "\u202e" not in page
    assert page.count("名") < 3_000
    assert "x" * 1_000 in page
    assert said(page).endswith("\nand more")
    known = job(name=name)
    assert len(repr(known)) < 400
    assert len(known._repr_html_()) < 3_000
    assert len(repr(Session("https://cdp.example.cn", project=name))) < 400


def test_a_session_shows_where_it_leads_and_no_key() -> None:
    """Where the key comes from is told, and nothing of it; nothing is asked of anybody."""
    session = Session(
        "https://cdp.example.cn",
        api_key=SECRET,
        headers={"Cookie": f"session={SECRET}"},
        project="默认项目",
    )
    words = said(session._repr_html_())
    assert "https://cdp.example.cn" in words
    assert "默认项目" in words
    assert "given to connect" in words
    assert SECRET not in session._repr_html_()
    for step in ("gio.pick()", "%load_ext gio_pandas", "%gio --help"):
        assert step in words


def test_a_session_says_what_is_not_set() -> None:
    """A project, or a key, and what to do about it."""
    words = said(session_card(Session("https://cdp.example.cn")))
    assert "not set: pass project=" in words
    assert "keyring" in words
    assert "none needed" in said(session_card(Session("sandbox:")))


def test_an_error_says_what_to_do() -> None:
    """What is missing, and how to set it."""
    with pytest.raises(SettingsError) as caught:
        Session()
    words = said(caught.value._repr_html_())
    assert words.startswith("SettingsError: No platform is set")
    for way in ("gio.connect(", "GIO_URL", "GIO_API_KEY", "profiles.toml", "sandbox:"):
        assert way in words


def test_an_error_has_its_notes_and_candidates() -> None:
    """Nothing that the text form says is missing from the card."""
    error = AmbiguousNameError(
        "Two segments are called '分群1'",
        hint="Pass an id.",
        candidates=[{"id": "a", "name": "分群1"}, {"id": "b", "name": NASTY}],
    )
    error.add_note("The job: gio.attach('VGFn')")
    words = said(error_card(error))
    for word in ("'分群1'", "Pass an id.", NASTY, "gio.attach('VGFn')"):
        assert word in words


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name != "GioError"])
def test_every_error_has_a_card(name: str) -> None:
    """All of the tree, whatever else an error of it takes."""
    kind: type[GioError] = getattr(errors, name)
    more: dict[str, Any] = {"job": None} if kind is JobTimeoutError else {}
    words = said(kind("It went wrong", hint="Do this.", **more)._repr_html_())
    assert words == f"{name}: It went wrongDo this."
