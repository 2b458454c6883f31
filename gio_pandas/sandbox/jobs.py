"""Export jobs: their ids, their stages in time, their files."""

import hashlib
import random
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from gio_pandas.sandbox import calendar
from gio_pandas.sandbox.disk import DiskFile, PathLike, disk_file
from gio_pandas.sandbox.exports import Export
from gio_pandas.sandbox.files import File, Form, split
from gio_pandas.sandbox.hashids import new_hash_id

STAGES = ("NONE", "READY", "RUNNING", "DATA_READY", "FINISH")
# Part of the first stage for which a new job is not to be found yet.
HIDDEN = 1 / 3
DEFAULT_USER_FILE = "下载用户列表"
_MARKS_IN_NAMES = frozenset(" 　+&#%")


@dataclass(frozen=True)
class JobError:
    """Why a job failed; an empty code is no error."""

    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Job:
    """One submitted export; `stage_seconds` is 0 for what finishes at once."""

    id: str
    short_id: str
    name: str
    description: str
    created_at: str
    submitted: float
    stage_seconds: float
    fails: bool
    files: tuple[File | DiskFile, ...]

    def stage(self, now: float) -> str:
        """Return the stage at a moment of the clock it was submitted by."""
        reached = len(STAGES) - 1
        if self.stage_seconds > 0:
            reached = min(reached, int((now - self.submitted) / self.stage_seconds))
        # A failure shows where the data would have been ready.
        return "ERROR" if self.fails and reached >= STAGES.index("DATA_READY") else STAGES[reached]

    def hidden(self, now: float) -> bool:
        """Tell whether `jobResult` does not know it yet."""
        return now - self.submitted < self.stage_seconds * HIDDEN

    def error(self, now: float) -> JobError:
        """Return why it failed, an error without a code while it has not."""
        if self.stage(now) != "ERROR":
            return JobError()
        return JobError("EXPORT_FAILED", f"导出失败：{self.description}")

    def uris(self, now: float, *, encoded: bool) -> list[str] | None:
        """Return the files' paths once it is finished; before, null and [] in turn."""
        stage = self.stage(now)
        if stage != "FINISH":
            return [] if stage in ("READY", "DATA_READY") else None
        return [quote(file.path, safe="") if encoded else file.path for file in self.files]


@dataclass(frozen=True)
class Order:
    """What is to be exported, under which file name ("" for the platform's own)."""

    item: str
    export: Export
    form: Form
    fails: bool
    file_name: str = ""


class Jobs:
    """Every job of a sandbox; ids follow from the seed and the order of the submits.

    Parameters
    ----------
    seed
        Decides ids and names.
    stage_seconds
        Seconds a user export spends in each stage.
    parts, rows_per_file
        How user exports are cut into files; see `Options`.
    clock
        Seconds on a clock that never goes back.
    """

    def __init__(
        self,
        seed: int,
        *,
        stage_seconds: float,
        parts: int,
        rows_per_file: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seed = seed
        self._stage_seconds = stage_seconds
        self._parts = parts
        self._rows_per_file = rows_per_file
        self.clock = clock
        self._jobs: dict[str, Job] = {}
        self._files: dict[str, tuple[Job, File | DiskFile]] = {}
        self._started: list[str] = []

    def find(self, job_id: str) -> Job | None:
        """Return the job which a submit answered that id for."""
        return self._jobs.get(job_id)

    def file(self, path: str) -> File | DiskFile | None:
        """Return the file at a path, once its job is finished."""
        job, file = self._files.get(path, (None, None))
        return file if job and job.stage(self.clock()) == "FINISH" else None

    def file_number(self, path: str) -> int:
        """Return which file of its job a path is of, counted from 1; 0 for no file."""
        job, file = self._files.get(path, (None, None))
        return job.files.index(file) + 1 if job and file else 0

    def started(self) -> tuple[str, ...]:
        """Return the ids of the jobs that were submitted, oldest first."""
        return tuple(self._started)

    def add_finished(self, job_id: str, sources: Sequence[PathLike]) -> Job:
        """Add a job that finished long ago, whose files lie on a disk.

        Raises
        ------
        ValueError
            For the first of them that is not there.
        """
        # A folder for each file, because two may have the same name.
        name = f"RES-{len(self._jobs) + 1}"
        folder = f"/jobs/results/{name}"
        return self._keep(
            Job(
                id=job_id,
                short_id=new_hash_id(self._generator()),
                name=name,
                description=name,
                created_at=self._created_at(),
                submitted=self.clock(),
                stage_seconds=0,
                fails=False,
                files=tuple(
                    disk_file(f"{folder}/{number}", source)
                    for number, source in enumerate(sources, start=1)
                ),
            )
        )

    def submit_tag(self, order: Order) -> Job:
        """Start the export of a tag; its file has a random name unless one is given."""
        generator = self._generator()
        name = order.file_name or file_name("", order.item) or _uuid(generator)
        return self._submit_users("TagUserExportJobDto", "DET", order, name, generator)

    def submit_segment(self, order: Order) -> Job:
        """Start the export of a segment."""
        name = order.file_name or file_name(DEFAULT_USER_FILE, order.item)
        return self._submit_users("SegmentUserExportJobDto", "DES", order, name, self._generator())

    def submit_analysis(self, order: Order) -> Job:
        """Export an analysis, which is finished at once."""
        generator = self._generator()
        short_id = new_hash_id(generator)
        folder = f"/jobs-results/downloads/{short_id}"
        digest = hashlib.md5(f"{self._seed}/{short_id}".encode(), usedforsecurity=False)
        path = f"{folder}/{file_name(order.file_name, order.item)}.csv"
        file = File(path, order.export, range(order.export.count), order.form)
        return self._begin(
            Job(
                id=_encoded(f"CHARTS:{digest.hexdigest()}"),
                short_id=short_id,
                name=order.item,
                description=order.item,
                created_at=self._created_at(),
                submitted=self.clock(),
                stage_seconds=0,
                fails=order.fails,
                files=(file,),
            )
        )

    def _submit_users(
        self, kind: str, prefix: str, order: Order, name: str, generator: random.Random
    ) -> Job:
        short_id = new_hash_id(generator)
        created_at = self._created_at()
        minute = created_at[:16].translate(str.maketrans("", "", "-:T"))
        job_name = f"{prefix}-{minute}-{generator.randrange(10**10, 9 * 10**10)}000"
        return self._begin(
            Job(
                id=_encoded(f"{kind}:{short_id}"),
                short_id=short_id,
                name=job_name,
                description=order.item,
                created_at=created_at,
                submitted=self.clock(),
                stage_seconds=self._stage_seconds,
                fails=order.fails,
                files=tuple(self._cut(f"/jobs/results/{job_name}/{_safe(name)}", order)),
            )
        )

    def _cut(self, stem: str, order: Order) -> list[File]:
        rows = split(order.export.count, self._parts, self._rows_per_file)
        endings = [f"_{number}" for number in range(1, len(rows) + 1)] if len(rows) > 1 else [""]
        return [
            File(f"{stem}{ending}.csv", order.export, part, order.form)
            for ending, part in zip(endings, rows, strict=True)
        ]

    def _begin(self, job: Job) -> Job:
        self._started.append(job.id)
        return self._keep(job)

    def _keep(self, job: Job) -> Job:
        self._jobs[job.id] = job
        self._files.update((file.path, (job, file)) for file in job.files)
        return job

    def _generator(self) -> random.Random:
        return random.Random(f"{self._seed}/job/{len(self._jobs)}")

    def _created_at(self) -> str:
        return calendar.instant(0, 10 * 3600 + 60 * (len(self._jobs) % 600))


def file_name(default: str, item: str) -> str:
    """Return the name of an item's file: the default, with the item's name where that is awkward.

    So some files have blanks and ``+ & # %`` in their names, whose encoding clients get wrong.
    """
    return _safe(f"{default} {item}".strip()) if _MARKS_IN_NAMES & set(item) else default


def _safe(name: str) -> str:
    return name.removesuffix(".csv").replace("/", "_").replace("\\", "_")


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode().rstrip("=")


def _uuid(generator: random.Random) -> str:
    return str(UUID(int=generator.getrandbits(128), version=4))
