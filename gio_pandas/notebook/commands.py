"""What ``%gio`` understands: its commands and their options, how they are read and explained."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from IPython.core.error import UsageError

from gio_pandas.notebook.choices import ANALYSES, CHARSETS, KINDS, LABELS
from gio_pandas.notebook.variables import variable_name
from gio_pandas.notebook.words import Word, quoted
from gio_pandas.titles import cut

__all__ = [
    "COMMANDS",
    "LISTINGS",
    "Command",
    "Line",
    "Option",
    "find",
    "overview",
    "parse",
]

_MOST_DIGITS = 9
_LONGEST_ECHO = 60
"""Letters of what was typed that are repeated: more is a paste that went wrong."""


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) < 1:
        raise ValueError("takes a whole number from 1 to 999999999")
    return int(text)


def _variable(text: str) -> str:
    name = variable_name(text)
    if name is None:
        raise ValueError("takes the name of a variable")
    return name


def _seconds(text: str) -> float | None:
    if text.lower() == "none":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError("takes seconds above 0, or none to wait for ever")
    return int(seconds) if seconds.is_integer() else seconds


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError("takes a name and a value, such as --var projectId=WlGk4Daj")
    return name, value


@dataclass(frozen=True)
class Option:
    """One option of a command.

    Parameters
    ----------
    name
        Such as ``--tag``; ``-o`` is the one short name there is.
    help
        What it does, in a few words.
    value
        What it takes, in capitals; a switch takes nothing.
    offers
        Of what kind the values are that Tab offers.
    is_repeated
        Whether it may be given several times.
    read
        Makes a value of the text.
    such_as
        A value, to show how it is written; left out, the first that Tab offers.
    """

    name: str
    help: str
    value: str = ""
    offers: str | Sequence[str] = ()
    is_repeated: bool = False
    read: Callable[[str], Any] = str
    such_as: str = ""

    @property
    def key(self) -> str:
        """The name of its value."""
        return self.name.strip("-").replace("-", "_")

    @property
    def example(self) -> str:
        """How it is written."""
        first = "" if isinstance(self.offers, str) else next(iter(self.offers), "")
        return f"{self.name} {self.such_as or first or self.value}"


@dataclass(frozen=True)
class Command:
    """One command of ``%gio``.

    Parameters
    ----------
    name
        Its first word.
    summary
        What it does, in a line.
    takes
        What follows the name, in capitals; in brackets where it may be left out.
    offers
        Of what kind the names are that Tab offers there.
    several
        Whether it takes any number of words.
    options
        What it can be told.
    details
        More about it.
    examples
        Lines to start from.
    sign
        ``%``, or ``%%`` where the cell below belongs to it.
    """

    name: str
    summary: str
    takes: str = ""
    offers: str = ""
    several: bool = False
    options: tuple[Option, ...] = ()
    details: str = ""
    examples: tuple[str, ...] = ()
    sign: str = "%"

    @property
    def usage(self) -> str:
        """How it is written."""
        parts = [f"{self.sign}gio {self.name}", self.takes, "[options]" if self.options else ""]
        return " ".join(part for part in parts if part)

    def option(self, name: str) -> Option | None:
        """Find an option by its name; None where there is none."""
        return next((option for option in self.options if option.name == name), None)

    def help(self) -> str:
        """Explain the command on a screen."""
        blocks = [f"{self.usage}\n\n{self.summary}"]
        if self.details:
            blocks.append(self.details)
        if self.options:
            names = [f"{option.name} {option.value}".strip() for option in self.options]
            blocks.append(_columns(zip(names, (o.help for o in self.options), strict=True)))
        if self.examples:
            blocks.append("\n".join(["Examples:", *(f"  {line}" for line in self.examples)]))
        return "\n\n".join(blocks)


@dataclass(frozen=True)
class Line:
    """A line that was read.

    Parameters
    ----------
    command
        What is to be done.
    words
        What follows its name.
    given
        The options' values, by their keys; what was not given is not there.
    """

    command: Command
    words: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """Give an option's value; None where it was not given."""
        return self.given.get(key)

    def options(self, *keys: str) -> dict[str, Any]:
        """Give those of some options that were given."""
        return {key: self.given[key] for key in keys if key in self.given}


def _columns(rows: Any) -> str:
    rows = list(rows)
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"  {name:<{width}}{text}" for name, text in rows)


# --- what there is -------------------------------------------------------------------------------

_OUT = Option(
    "-o",
    "put it into the variable VAR, and say how large it is",
    "VAR",
    "variable",
    read=_variable,
    such_as="df",
)
_HEAD = Option(
    "--head", "show the first N rows only; with -o, VAR has all", "N", read=_count, such_as="5"
)
_PROJECT = Option(
    "--project",
    "another project (项目) than the session's",
    "PROJECT",
    "project",
    such_as="默认项目",
)
_TIMEOUT = Option(
    "--timeout", "seconds to wait; none waits for ever", "S", read=_seconds, such_as="600"
)
_CHARSET = Option("--charset", "what the platform is asked to write", "CHARSET", CHARSETS)
_PARQUET = Option(
    "--parquet",
    "write FILE.parquet, or FOLDER/; a frame comes with -o, --head or --plot only",
    "FILE",
    "file",
    such_as="users.parquet",
)
_BG = Option("--bg", "return at once with the job in place of the frame, and show its card")
_DRY_RUN = Option("--dry-run", "print the Python that does the same, and send nothing")
_TAG = Option(
    "--tag",
    "add a tag (标签) as a column: name, key or id; may be repeated",
    "TAG",
    "tag",
    is_repeated=True,
    such_as="会员等级",
)
_PROPERTY = Option(
    "--property",
    "add a user property, such as usr_city; may be repeated",
    "KEY",
    is_repeated=True,
    such_as="usr_city",
)
_OWN = {"segment": (_TAG, _PROPERTY), "tag": (_PROPERTY,)}
_READING = (
    _CHARSET,
    _PROJECT,
    Option(
        "--reuse",
        "join a job of the last AGE (30min, 1h, 7d) for the same thing",
        "AGE",
        ("30min", "1h", "1d", "7d"),
    ),
    Option("--refresh", "with --reuse: submit all the same"),
    _TIMEOUT,
)
_PLOT = Option("--plot", "draw its chart, which is the line's value; with -o, show it")
_ROWS = {"segment": "a row a user", "tag": "who has it, and its value"}
_ONE = {kind: f"a {kind} analysis" for kind in ANALYSES} | {"event": "an event analysis"}
_MANY = {kind: f"{kind} analyses" for kind in ANALYSES}
_EXAMPLES = {
    "segment": (
        "%gio segment 高价值用户 -o df --tag 会员等级 --property usr_city",
        'df = %gio segment "高价值 用户"',
        "%gio segment 高价值用户 --parquet users.parquet",
    ),
    "tag": ("%gio tag tag_payment_times -o df", "df = %gio tag 订单交易笔数 --property usr_city"),
}
_PLURALS = {"project": "projects", **{kind: f"{kind}s" for kind in KINDS}}
_PLURALS["frequency"] = "frequencies"
LISTINGS = tuple(_PLURALS.values())
"""The commands that list what there is."""


def _export(kind: str) -> Command:
    chinese = LABELS[kind]
    return Command(
        kind,
        f"Export {_ONE.get(kind, f'a {kind}')} ({chinese}): {_ROWS.get(kind, 'its table')}.",
        "NAME",
        kind,
        options=(_OUT, _HEAD, _PLOT, _PARQUET, *_OWN.get(kind, ()), *_READING, _BG, _DRY_RUN),
        details=f"NAME is its {'key (标识符), ' if kind == 'tag' else ''}name or id; one with "
        'spaces goes in quotes: "高价值 用户".\nThe frame is the line\'s value, as in '
        f"df = %gio {kind} NAME, unless -o puts it into a variable.",
        examples=_EXAMPLES.get(kind, (f"df = %gio {kind} {chinese[:2]}1",)),
    )


def _listing(kind: str) -> Command:
    scope = Option(
        "--scope", "the platform's tags, or the project's", "SCOPE", ("platform", "project")
    )
    own = () if kind == "project" else (_PROJECT,)
    return Command(
        _PLURALS[kind],
        f"List the {_MANY.get(kind, _PLURALS[kind])} ({LABELS[kind]}).",
        options=(_OUT, _HEAD, *own, *([scope] if kind == "tag" else ())),
    )


_COMMANDS = (
    Command(
        "connect",
        "Choose the platform; nothing is sent before the first use.",
        "[URL]",
        "url",
        options=(
            replace(_PROJECT, help="the project (项目) meant from now on"),
            Option("--profile", "a profile of the profile file", "NAME", such_as="work"),
            _CHARSET,
            _TIMEOUT,
            Option(
                "--verify",
                "a file with your company's CA certificate",
                "FILE",
                "file",
                such_as="company-ca.pem",
            ),
            Option("--ask-key", "ask for the API key, which is neither shown nor kept"),
        ),
        details="What is left out comes from the environment (GIO_URL, GIO_API_KEY, GIO_PROJECT), "
        "the\nprofile file, or the system's keyring (gio-pandas login). The key has no option "
        "here:\nwhat is typed in a cell is saved with the notebook.\n"
        "To look around without an account: %gio connect sandbox:",
        examples=(
            "%gio connect https://cdp.example.cn --project 默认项目",
            "%gio connect --profile work",
        ),
    ),
    Command("use", "Choose the project (项目) from now on, by name or id.", "PROJECT", "project"),
    *map(_listing, ("project", "tag", "segment", *ANALYSES)),
    Command(
        "search",
        "Look for projects, tags, segments and analyses by some words.",
        "WORDS",
        several=True,
        options=(_OUT, _HEAD, _PROJECT),
        examples=("%gio search 付费 城市",),
    ),
    *map(_export, ("tag", "segment", *ANALYSES)),
    Command(
        "profile",
        "Read single users' profiles (用户画像): a row a user; nothing is exported.",
        "ID…",
        several=True,
        options=(
            *(_OUT, _HEAD, _TAG, _PROPERTY, _PROJECT),
            Option(
                "--scope",
                "as the platform as a whole, or the project, sees them",
                "SCOPE",
                ("platform", "project"),
            ),
            _DRY_RUN,
        ),
        details="At least one --tag or --property is needed. A user whom nobody knows is a row of "
        "missing\nvalues. For ids out of a frame: gio.read_profiles(df['gio_id'], …).",
        examples=("df = %gio profile C0000032 00000034 --tag 会员等级 --property usr_city",),
    ),
    Command(
        "jobs",
        "List what was submitted from this machine, the newest on top.",
        options=(
            _OUT,
            _HEAD,
            Option("--kind", "only this kind", "KIND", KINDS),
            Option(
                "--since", "only since a day, or of so long (1h, 7d)", "AGE", ("1h", "1d", "7d")
            ),
        ),
    ),
    Command(
        "attach",
        "Pick up a job that was submitted before, here or elsewhere.",
        "ID",
        "job",
        options=(_OUT, _HEAD, _PLOT, _PARQUET, _CHARSET, _TIMEOUT, _BG, _DRY_RUN),
        details="ID is what the submit answered; %gio jobs lists what was submitted from here.",
        examples=("df = %gio attach VGFnVXNlckV4cG9ydEpvYkR0bzpBYlEzWEFwWQ",),
    ),
    Command(
        "pick",
        "Choose from lists what to export; the whole way on one screen.",
        options=(
            replace(_OUT, help="put the frame into the variable VAR, too"),
            Option("--kind", "what is listed to begin with", "KIND", KINDS),
            replace(_PROJECT, help="the project (项目) to begin with"),
        ),
    ),
    Command(
        "doctor",
        "Check settings, network, key and a small export; no secret is shown.",
        options=(_TIMEOUT,),
    ),
    Command(
        "graphql",
        "Send the GraphQL document in the cell below.",
        options=(
            _OUT,
            Option(
                "--var",
                "a value for $K: JSON, where V is; else text; may be repeated",
                "K=V",
                is_repeated=True,
                read=_pair,
                such_as="projectId=WlGk4Daj",
            ),
        ),
        details="V is read as JSON where it is JSON (3, true, [1, 2]). An id of digits alone is "
        "text:\n--var id='\"12345678\"'",
        examples=(
            "%%gio graphql -o answer --var projectId=WlGk4Daj\n"
            "  query ($projectId: HashId!) { segments(projectId: $projectId) { id name } }",
        ),
        sign="%%",
    ),
)

COMMANDS: Mapping[str, Command] = {command.name: command for command in _COMMANDS}
"""What there is, by name, in the order of ``%gio --help``."""

_GROUPS = (
    ("Where", ("connect", "use", "doctor")),
    ("What there is", (*LISTINGS, "search")),
    ("Exports to a DataFrame", ("segment", "tag", *ANALYSES, "profile", "pick")),
    ("Jobs, and anything else", ("jobs", "attach", "graphql")),
)


def overview() -> str:
    """Explain ``%gio`` on a screen."""
    blocks = ["%gio COMMAND …: GrowingIO OP exports as pandas DataFrames."]
    for title, names in _GROUPS:
        rows = [(_headline(COMMANDS[name]), COMMANDS[name].summary) for name in names]
        blocks.append(f"{title}:\n{_columns(rows)}")
    blocks.append(
        "The first steps:\n  %gio connect sandbox:\n  %gio segments --head 5\n"
        "  df = %gio segment 高价值用户\n\n"
        "%gio segment --help explains a command. Tab completes commands, options, and names that\n"
        'were listed before. A name with spaces goes in quotes: "高价值 用户". {name} stands for\n'
        "the variable of that name, if there is one, but not in '…'; $ and \\ are just letters."
    )
    return "\n\n".join(blocks)


def _headline(command: Command) -> str:
    sign = "%%" if command.sign == "%%" else ""
    return f"{sign and '%%gio '}{command.name} {command.takes}".strip()


# --- how a line is read --------------------------------------------------------------------------

_CREDENTIALS = ("--api-key", "--api_key", "--apikey", "--key", "--token", "--secret", "--password")


def find(name: str, following: str = "") -> Command:
    """Find a command.

    Parameters
    ----------
    name
        What was typed.
    following
        The word after it.

    Raises
    ------
    UsageError
        There is none; the message has the near one.
    """
    if name in COMMANDS:
        return COMMANDS[name]
    spelled = {known: known for known in COMMANDS}
    spelled |= {LABELS[kind]: kind for kind in KINDS} | {LABELS[kind][:2]: kind for kind in KINDS}
    listed = [following] if name == "list" and following in LISTINGS else []
    near = listed or get_close_matches(name.lower()[:_LONGEST_ECHO], spelled, n=1, cutoff=0.5)
    guess = f"Did you mean %gio {spelled[near[0]]}?" if near else "%gio --help lists them."
    raise UsageError(f"There is no command {_echo(name)}. {guess}")


def _echo(text: str) -> str:
    """Repeat what was typed, as far as a person reads it."""
    return repr(cut(text, _LONGEST_ECHO))


def parse(command: Command, words: Sequence[Word]) -> Line:
    """Read the words that follow a command's name.

    Raises
    ------
    UsageError
        They cannot be meant; one line that says what can.
    """
    plain: list[str] = []
    given: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.is_option and word.text == "--":
            plain += [one.text for one in rest]
            break
        if word.is_option:
            _take_option(command, word, rest, given)
        else:
            plain.append(word.text)
    return Line(command, _checked(command, plain), given)


def _take_option(command: Command, word: Word, rest: list[Word], given: dict[str, Any]) -> None:
    name, equals, text = word.text.partition("=")
    option = command.option("-o" if name in ("--out", "--output") else name)
    if option is None:
        raise UsageError(_no_option(command, name))
    if not option.value:
        if equals:
            raise UsageError(f"{command.name} {name} takes no value.")
        given[option.key] = True
        return
    if not equals:
        text = "" if not rest or rest[0].is_option else rest.pop(0).text
    if not text.strip():
        raise UsageError(f"{command.name} {name} wants a value, such as {option.example}.")
    value = _read(option, text, command)
    if option.is_repeated:
        given.setdefault(option.key, []).append(value)
    elif option.key in given:
        raise UsageError(f"{command.name} {name} is given twice.")
    else:
        given[option.key] = value


def _read(option: Option, text: str, command: Command) -> Any:
    choices = option.offers if option.name in ("--kind", "--scope") else None
    if choices and text not in choices:
        raise UsageError(f"{command.name} {option.name} is one of {', '.join(choices)}.")
    try:
        return option.read(text)
    except ValueError as error:
        # Of what is typed after connect anything may be the key.
        not_that = "" if command.name == "connect" else f", not {_echo(text)}"
        raise UsageError(f"{command.name} {option.name} {error}{not_that}.") from None


def _no_option(command: Command, name: str) -> str:
    if command.name == "connect" and name in _CREDENTIALS:
        # What follows is not repeated.
        return (
            "No key or token goes into a cell, which is saved with the notebook: set GIO_API_KEY, "
            "run gio-pandas login, or add --ask-key. Take it out of the cell; renew it if others "
            "may see that."
        )
    names = [option.name for option in command.options]
    name = cut(name, _LONGEST_ECHO)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    guess = (
        f"Did you mean {near[0]}?"
        if near
        else f"It has {', '.join(names)}."
        if names
        else "It has none."
    )
    if command.takes and not name.startswith("--"):
        guess += " A name that begins with - goes in quotes."
    return f"{command.name} has no option {name}. {guess}"


def _checked(command: Command, words: list[str]) -> tuple[str, ...]:
    """Take the words, if they are as many as there may be."""
    if not command.takes and words:
        guess = ""
        if command.name in LISTINGS and len(whole := " ".join(words)) <= _LONGEST_ECHO:
            guess = f" Did you mean {command.sign}gio search {whole}?"
        raise UsageError(f"{command.name} takes no name, only options: {command.usage}.{guess}")
    if command.takes and not command.takes.startswith("[") and not any(words):
        raise UsageError(f"{command.name} wants more: {command.usage}")
    if len(words) > 1 and not command.several:
        if command.name == "connect":  # the second word may be the key
            raise UsageError(f"connect takes one address: {command.usage}")
        whole = quoted(cut(" ".join(words).strip("“”‘’「」『』")), '"')
        raise UsageError(
            f"{command.name} takes one name. Did you mean {command.sign}gio {command.name} {whole}?"
        )
    return tuple(words)
