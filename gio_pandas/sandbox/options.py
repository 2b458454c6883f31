"""What a sandbox can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Literal

from gio_pandas.sandbox.faults.fault import Fault, read_faults

MOST_USERS = 99_999_999
MOST_SEGMENTS = 100_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of one sandbox; every one has a default.

    Parameters
    ----------
    port
        Port on 127.0.0.1; 0 takes any free one.
    seed
        Two sandboxes with the same seed and options give the same bytes.
    users
        Population of the platform, up to 99,999,999.
    segments
        Further segments of every project, beside the 250 or so that each has; up to 100,000.
    api_key
        The `client_secret` that the token endpoint accepts.
    auth_scheme
        The word before the token in `Authorization`; "" for the bare token.
    token_ttl
        Seconds a token is valid; None means for ever.
    expires_in
        Whether the token answer says `expires_in` (only where `token_ttl` is set).
    stage_seconds
        Seconds a user export spends in each stage; 0 finishes at once.
    bom
        Whether files in a UTF charset begin with a byte order mark.
    parts
        Number of files of a user export; never more than it has rows, and at least one.
    rows_per_file
        Largest number of rows in a file; wins over `parts` when set.
    uris
        `jobResult` answers paths as they are ("raw") or already percent-encoded ("encoded").
    version
        "13.5", or "13.3": no `submitTagUserExportJobByKey`, no `detailExport` by tag id.
    path_prefix
        Path in front of every endpoint, such as "/cdp".
    require_headers
        Headers that every request must carry with exactly these values, such as a cookie.
    headers
        The header line holds display "names" or "keys".
    quote
        "minimal" quotes the fields that need it, "all" every field that is not missing.
    content_length
        Whether files of at most 50,000 rows and those of `results` say their length; larger ones
        never do.
    ranges
        Whether a download can be resumed (`Range`, `If-Range`) where its length is known.
    faithful_charset
        False ignores the charset asked for and writes UTF-8.
    unauthorized_every
        Answer every n-th GraphQL or download request with 401, unless its token was never used
        before; 0 for never.
    max_aliases
        A GraphQL document with more aliases is refused whole, as some gateways and servers do; None
        for any number.
    results
        Finished jobs whose files lie on this machine's disk: the job's id and the files' paths in
        their order. Each file is served as it is, under its own name and at any size.
    bytes_per_second
        Rate at which all downloads together are sent; None for as fast as it goes.
    faults
        What goes wrong, and when: `Fault`, or its short form such as "cut:download@2". Of several
        that hit one request, the first has the last word.
    """

    port: int = 0
    seed: int = 1
    users: int = 10_000
    segments: int = 0
    api_key: str = field(default="sandbox-api-key", repr=False)
    auth_scheme: str = "Token"
    token_ttl: float | None = None
    expires_in: bool = True
    stage_seconds: float = 0.1
    bom: bool = False
    parts: int = 1
    rows_per_file: int | None = None
    uris: Literal["raw", "encoded"] = "raw"
    version: Literal["13.5", "13.3"] = "13.5"
    path_prefix: str = ""
    require_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Literal["names", "keys"] = "names"
    quote: Literal["minimal", "all"] = "minimal"
    content_length: bool = True
    ranges: bool = True
    faithful_charset: bool = True
    unauthorized_every: int = 0
    max_aliases: int | None = None
    results: Mapping[str, Sequence[str | PathLike[str]]] = field(default_factory=dict)
    bytes_per_second: float | None = None
    faults: Sequence[Fault | str] = ()

    def __post_init__(self) -> None:
        """Refuse values that cannot be, before anything starts."""
        self._check("uris", self.uris in ("raw", "encoded"), '"raw" or "encoded"')
        self._check("version", self.version in ("13.5", "13.3"), '"13.5" or "13.3"')
        self._check("headers", self.headers in ("names", "keys"), '"names" or "keys"')
        self._check("quote", self.quote in ("minimal", "all"), '"minimal" or "all"')
        self._check("users", 0 <= self.users <= MOST_USERS, f"between 0 and {MOST_USERS:,}")
        self._check("segments", 0 <= self.segments <= MOST_SEGMENTS, f"0 to {MOST_SEGMENTS:,}")
        self._check("parts", self.parts >= 1, "at least 1")
        self._check("rows_per_file", self.rows_per_file is None or self.rows_per_file >= 1, ">= 1")
        self._check("stage_seconds", self.stage_seconds >= 0, "0 or more")
        self._check("unauthorized_every", self.unauthorized_every >= 0, "0 or more")
        self._check("max_aliases", self.max_aliases is None or self.max_aliases >= 0, "0 or more")
        rate = self.bytes_per_second
        self._check("bytes_per_second", rate is None or rate > 0, "above 0, or None")
        self._check("results", _lists(self.results), "lists of paths by job id")
        prefix = self.path_prefix
        rooted = prefix.startswith("/") and not prefix.endswith("/")
        self._check("path_prefix", not prefix or rooted, 'like "/cdp", or empty')
        try:
            object.__setattr__(self, "faults", read_faults(self.faults))
        except ValueError as error:
            raise ValueError(f"faults: {error}") from error

    def _check(self, name: str, good: bool, rule: str) -> None:
        if not good:
            raise ValueError(f"{name} must be {rule}, not {getattr(self, name)!r}")


def _lists(results: object) -> bool:
    # A path alone would be taken for a list of paths of one letter each.
    return isinstance(results, Mapping) and all(
        isinstance(paths, Sequence) and not isinstance(paths, str) for paths in results.values()
    )
