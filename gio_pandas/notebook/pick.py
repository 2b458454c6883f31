"""``gio.pick()``: the whole way on one screen, from a project to a frame and the code for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import ipywidgets

from gio_pandas.api.models import Kind
from gio_pandas.errors import GioError, SettingsError
from gio_pandas.exports.memory import size
from gio_pandas.exports.progress import Phase, Progress
from gio_pandas.exports.specs import read_kind
from gio_pandas.notebook import theme
from gio_pandas.notebook.background import Export, one_line
from gio_pandas.notebook.choices import CHARSETS, KINDS
from gio_pandas.notebook.choosing import chooser
from gio_pandas.notebook.copying import copyable
from gio_pandas.notebook.form import HasForm
from gio_pandas.notebook.front import front_end
from gio_pandas.notebook.picker import Picker
from gio_pandas.notebook.pickers import (
    Frame,
    ItemPicker,
    ProjectPicker,
    TagPicker,
    label_of,
)
from gio_pandas.notebook.preview import preview
from gio_pandas.notebook.progress import html, shown
from gio_pandas.notebook.variables import namespace, variable_name

if TYPE_CHECKING:
    import pandas as pd

    from gio_pandas.exports.job import ExportJob
    from gio_pandas.session import Session

__all__ = ["Pick", "pick"]

_STYLE = Path(__file__).with_suffix(".css")
_OPTIONS = {"segment": ("tags", "properties"), "tag": ("properties",)}
_NOWHERE = "not in a variable: name one above, or p = gio.pick(), then p.result"
_EXPORT, _EXPORTING, _CANCEL = "导出 Export", "导出中 Exporting …", "取消 Cancel"


def pick(
    *,
    session: Session | None = None,
    project: str | None = None,
    kind: str | None = None,
    value: str | None = None,
    into: str | None = None,
    plain: bool | None = None,
) -> Pick:
    """Choose on the screen what to export, and export it, without writing code.

    In a notebook it shows the projects, what each has, and the export's options; Export runs in
    the background, and Cancel lets go of it. The line of Python that does the same is shown to be
    copied. Everything can be done with the keyboard alone.

    Parameters
    ----------
    session
        Whose platform it is of; left out, the current one.
    project
        The project chosen to begin with, by id or name; left out, the session's.
    kind
        What is listed to begin with: ``"segment"`` (the default), ``"tag"``, ``"funnel"``,
        ``"event"``, ``"retention"`` or ``"frequency"``.
    value
        What is chosen to begin with, by id, key or name.
    into
        The variable that the frame is put into, besides ``.result``; it can be named on the screen.
        Left out, ``df`` in a notebook that has no ``df`` yet; an empty one is none.
    plain
        Whether the lists are made of plain ipywidgets; left out, where the front end needs it.

    Returns
    -------
    Pick
        ``.result`` is the frame of the last export, ``.code()`` the line that does the same.

    Raises
    ------
    SettingsError
        There is no such kind, or nothing says where the platform is.
    """
    return Pick(session=session, project=project, kind=kind, value=value, into=into, plain=plain)


class Pick(HasForm):
    """The screen that ``gio.pick()`` gives; parameters as there.

    Attributes
    ----------
    result : pandas.DataFrame or None
        The frame of the last export, once it is whole; to be observed, too.
    error : Exception or None
        Why the last export gave none.
    job : ExportJob or None
        The job of the last export.
    """

    result = Frame()

    def __init__(
        self,
        *,
        session: Session | None = None,
        project: str | None = None,
        kind: str | None = None,
        value: str | None = None,
        into: str | None = None,
        plain: bool | None = None,
    ) -> None:
        super().__init__()
        kind = read_kind(kind or KINDS[0]).value
        self._lock = threading.RLock()
        self._export: Export | None = None
        self.projects = ProjectPicker(session=session, value=project, plain=plain)
        self.session = self.projects.session
        self.items = ItemPicker((kind,), project=self.projects, value=value, plain=plain)
        self.tags = TagPicker(project=self.projects, multiple=True, plain=plain)
        self.tags.chooser.label = "附加标签 Tags to add"
        self.tags.lacking = ""  # the list above says it
        into = _spare() if into is None else into
        self._controls = _Controls(self.session.settings.charset, kind, into, plain)
        self.widget = self._controls.laid_out(self.projects, self.items, self.tags)
        self._connect()
        self._fit()

    @property
    def kind(self) -> str:
        """What is listed; it may be set."""
        return str(self._controls.kind.chosen[0])

    @kind.setter
    def kind(self, kind: str) -> None:
        self._controls.kind.chosen = [read_kind(kind).value]

    @property
    def into(self) -> str:
        """The variable that the frame is put into; empty for none. It may be set."""
        return str(self._controls.variable.value).strip()

    @into.setter
    def into(self, name: str | None) -> None:
        self._controls.variable.value = name or ""

    @property
    def options(self) -> dict[str, Any]:
        """What the export is asked for with, as the verb of its kind takes it."""
        controls, fitting = self._controls, _OPTIONS.get(self.kind, ())
        said: dict[str, Any] = {
            "tags": list(self.tags.value or ()),
            "properties": _words(controls.properties.value),
        }
        options = {name: said[name] for name in fitting if said[name]}
        charset = controls.charset.value.strip()
        if charset and charset != self.session.settings.charset:
            options["charset"] = charset
        return options

    @property
    def job(self) -> ExportJob | None:
        """The job of the last export."""
        return self._export.job if self._export else None

    @property
    def error(self) -> Exception | None:
        """Why the last export gave no frame."""
        return self._export.error if self._export else None

    @property
    def is_running(self) -> bool:
        """Whether an export is on its way."""
        return self._export is not None and self._export.is_running

    def export(self) -> Self:
        """Begin to export what is chosen, in the background; while one is on its way, do nothing.

        Raises
        ------
        SettingsError
            Nothing is chosen, or the variable's name is none.
        """
        with self._lock:
            if self.is_running:
                return self
            target = _variable(self.into)
            (submit,) = self.items.submits(progress=False, **self.options)
            title = self._export_title()
            self._export = Export(submit, partial(self._ended, target), during=self._progress)
            self._controls.begin(Progress(title=title, phase=Phase.SUBMIT))
            self._write_code()  # the session's project may be another one by now
            self._export.start()
        return self

    def cancel(self) -> None:
        """Let go of the export that is on its way; on the platform it goes on."""
        if self._export is not None:
            self._export.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the export has ended, so many seconds at most, and tell whether it has."""
        return self._export is None or self._export.wait(timeout)

    def load(self) -> Self:
        """Ask the platform for what is listed, now."""
        self.projects.load()
        self.items.load()
        return self

    def show(self) -> ipywidgets.Widget:
        """Give the widget, which is going to be on the screen, and begin to load its lists."""
        self._controls.kind.watch()
        self.projects.show()
        self.items.show()
        if "tags" in _OPTIONS.get(self.kind, ()):
            self.tags.show()
        return self.widget

    def code(self) -> str:
        """Give the line of Python that does the same; empty where there is none that would run."""
        options = self.options
        if _amiss(self.into) or ("tags" in options and self.tags.is_lost):
            return ""
        if "tags" in options:
            options["tags"] = [self.tags.word_of(value) for value in options["tags"]]
        return self.items.code(target=_variable(self.into), **options)

    def _connect(self) -> None:
        controls = self._controls
        controls.kind.observe(self._offer, "chosen")
        for control in (controls.properties, controls.charset, controls.variable, self.tags):
            control.observe(self._on_option, "value")
        for picker in (self.projects, self.items, self.tags):
            picker.observe(lambda _: self._write_code(), "selected")
            picker.chooser.observe(self._on_tone, "tone")
        for picker in (self.projects, self.items):
            picker.observe(self._on_choice, "value")
        controls.export.on_click(lambda _: self._export_or_say())
        controls.cancel.on_click(lambda _: self.cancel())

    def _offer(self, change: Mapping[str, Any]) -> None:
        if not change["new"]:  # there is always one
            self._controls.kind.chosen = change["old"]
        elif self.items.kind != self.kind:
            self.items.offer(self.kind)
            self._forget()
            self._fit()

    def _on_choice(self, change: Mapping[str, Any]) -> None:
        """Let nothing of what was chosen before stand below another choice."""
        before = change["old"]
        is_other = before and not change["owner"].is_same(before, change["new"])
        if is_other or self._controls.is_error:
            self._forget()

    def _on_tone(self, change: Mapping[str, Any]) -> None:
        """Write the line anew where a list has come, which may not have what is chosen."""
        if change["new"] != "busy":
            self._write_code()

    def _on_option(self, _: object) -> None:
        """Take away an error, which may be over with what is asked for now."""
        if self._controls.is_error:
            self._forget()
        self._write_code()

    def _forget(self) -> None:
        if not self.is_running:
            self._controls.clear()

    def _fit(self) -> None:
        """Show the options that fit the kind."""
        fitting = _OPTIONS.get(self.kind, ())
        self._controls.fit(self.tags.widget, shown="tags" in fitting)
        self._controls.fit(self._controls.properties, shown="properties" in fitting)
        if "tags" in fitting and self.items.has_begun:
            self.tags.show()
        self._write_code()

    def _write_code(self) -> None:
        line = self.code()
        self._controls.code.value = copyable(line) if line else ""
        self._controls.fit(self._controls.code, shown=bool(line))
        self._controls.warn(_amiss(self.into))
        self._renew_form()

    def _export_title(self) -> str:
        choice = self.items.selected
        return f"{Kind(self.kind).label} {(choice.name if choice else self.items.value)!r}"

    def _export_or_say(self) -> None:
        if self.is_running:
            return
        try:
            self.export()
        except GioError as error:
            self._controls.clear()
            self._controls.tell(self._lacking() or one_line(error), is_error=True)

    def _lacking(self) -> str:
        """Say what has to be chosen on the screen before anything can be exported."""
        if self.items.value:
            return ""
        is_first = self.projects.choices is not None and not self.projects.value
        picker: Picker = self.projects if is_first else self.items
        return f"请先选择 Choose first: {picker.chooser.label}"

    def _progress(self, job: ExportJob) -> AbstractContextManager[object]:
        return shown(job.tracker, self._controls)

    def _ended(self, target: str, export: Export) -> None:
        """Show what became of the export; in its thread."""
        frame = export.result
        self._controls.end(was_cancelled=export.is_cancelled)
        if frame is None:
            self._controls.clear()  # the message says it, and what to do
            self._controls.tell(export.outcome, is_error=export.error is not None)
            return
        kept = _put(target, frame) if target else f"{size(frame)}, {_NOWHERE}"
        self._controls.preview.value = preview(frame)
        self._controls.tell(" · ".join([kept, *export.notices]))
        self.result = frame
        self._renew_form()

    @property
    def title(self) -> tuple[str, str]:
        """What it is, and what of."""
        return "gio.pick()", label_of(self.kind)

    def facts(self) -> Mapping[str, str]:
        """Say what is chosen, how the same is written, and what came of it."""
        result = "" if self.result is None else size(self.result)
        return {**self.items.facts(), "code": self.code(), "result": result}


class _Controls:
    """What is on the screen beside the lists; it is a display for progress, too."""

    def __init__(self, charset: str, kind: str, into: str, plain: bool | None) -> None:
        self.is_error = False  # what is told
        # No Dropdown: in JupyterLab the arrow keys of one move on to the next cell.
        self.kind: Any = chooser(label="类型 Kind", folded=True, plain=plain)
        self.kind.items = [[kind, label_of(kind), *[""] * 4, None, kind] for kind in KINDS]
        self.kind.chosen = [kind]
        self.properties = _labelled(
            ipywidgets.Text(placeholder="usr_city, usr_gender", continuous_update=False),
            "用户属性 Properties",
        )
        self.charset = _labelled(
            ipywidgets.Combobox(
                options=CHARSETS,
                ensure_option=False,
                placeholder=charset,
                continuous_update=False,
            ),
            "编码 Charset",
        )
        self.variable = _labelled(
            ipywidgets.Text(value=into, placeholder="可不填 optional", continuous_update=False),
            "存入变量 Variable",
        )
        self.export = ipywidgets.Button(description=_EXPORT, button_style="primary")
        self.cancel = ipywidgets.Button(description=_CANCEL, disabled=True)
        self.warning, self.progress = ipywidgets.HTML(), ipywidgets.HTML()
        self.message = ipywidgets.HTML()
        self.preview, self.code = ipywidgets.HTML(), ipywidgets.HTML()

    def laid_out(self, *pickers: ProjectPicker | ItemPicker) -> ipywidgets.Widget:
        """Put everything into the order that it is read in, and that Tab goes through."""
        projects, items, tags = (picker.widget for picker in pickers)
        pickers[0].chooser.folded = pickers[2].chooser.folded = True
        style = ipywidgets.HTML(f"<style>{_STYLE.read_text(encoding='utf-8')}</style>")
        style.layout.display = "none"
        projects.add_class("gio-pick-wide")
        buttons = ipywidgets.HBox([self.export, self.cancel])
        buttons.add_class("gio-pick-buttons")
        box = ipywidgets.VBox(
            [
                style,
                _side_by_side(projects, self.kind),
                items,
                tags,
                _side_by_side(self.properties, self.charset, self.variable),
                self.warning,
                buttons,
                ipywidgets.VBox([self.progress, self.message, self.preview]),
                self.code,
            ]
        )
        box.add_class("gio-pick")
        return box

    def fit(self, widget: ipywidgets.Widget, *, shown: bool) -> None:
        """Show something, or do not."""
        widget.layout.display = "" if shown else "none"

    def begin(self, progress: Progress) -> None:
        """Be busy. Export stays as it is: who disables it takes the keyboard's focus away."""
        self.export.description = _EXPORTING
        self.cancel.disabled = False
        self.clear()
        self.show(progress)

    def end(self, *, was_cancelled: bool) -> None:
        """Be ready for the next export."""
        self.export.description = _EXPORT
        if was_cancelled:  # Cancel had the focus, and is going to lose it
            self.export.focus()
        self.cancel.disabled = True

    def clear(self) -> None:
        """Take away what was shown of the export before."""
        self.progress.value = self.message.value = self.preview.value = ""
        self.is_error = False

    def tell(self, words: str, *, is_error: bool = False) -> None:
        """Say something in one line."""
        self.message.value = _line(words, is_error=is_error)
        self.is_error = is_error

    def warn(self, words: str) -> None:
        """Say below the options what is wrong with them; nothing where nothing is."""
        self.warning.value = _line(words, is_error=True)
        self.fit(self.warning, shown=bool(words))

    def show(self, progress: Progress) -> None:
        """Show how far the export is."""
        self.progress.value = html(progress)

    def close(self, progress: Progress) -> None:
        """Show how it ended."""
        self.progress.value = html(progress)


def _line(words: str, *, is_error: bool) -> str:
    """Write a line, to who hears it, too."""
    role, colour = ("alert", theme.BAD) if is_error else ("status", theme.MUTED)
    style = f"{theme.BASE}color:{colour}"
    return f'<div role="{role}" style="{style}">{escape(words)}</div>' if words else ""


def _labelled(control: Any, label: str) -> Any:
    control.description = label
    control.add_class("gio-pick-field")
    return control


def _side_by_side(*widgets: ipywidgets.Widget) -> ipywidgets.Widget:
    row = ipywidgets.HBox(widgets)
    row.add_class("gio-pick-row")
    return row


def _words(text: str) -> list[str]:
    """Read keys that are separated by commas, Chinese ones too, or blanks."""
    for mark in "，、;；":
        text = text.replace(mark, ",")
    return [word for piece in text.split(",") for word in piece.split()]


def _variable(name: str) -> str:
    """Check the name of a variable; an empty one is none."""
    known = variable_name(name)
    if name and known is None:
        raise SettingsError(f"{name!r} is no name for a variable", hint="Use one such as df.")
    return known or ""


def _amiss(name: str) -> str:
    """Say what is wrong with a variable's name; empty where nothing is."""
    try:
        _variable(name)
    except SettingsError as error:
        return one_line(error)
    return ""


def _spare() -> str:
    """Name a variable that a newcomer looks for, where it is nobody's yet."""
    return "df" if front_end() == "jupyter" and "df" not in namespace() else ""


def _put(name: str, frame: pd.DataFrame) -> str:
    """Put a whole frame into the user's variable, and say so."""
    space = namespace()
    replaced = " (what was in it is replaced)" if name in space else ""
    space[name] = frame
    return f"{name} = {size(frame)}{replaced}"
