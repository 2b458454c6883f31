"""The state of one platform."""

from concurrent.futures import ThreadPoolExecutor

from gio_pandas.sandbox.catalog import build_catalog
from gio_pandas.sandbox.faults.fault import read_faults
from gio_pandas.sandbox.faults.plan import Plan
from gio_pandas.sandbox.jobs import Jobs
from gio_pandas.sandbox.log import RequestLog
from gio_pandas.sandbox.options import Options
from gio_pandas.sandbox.pace import Pace
from gio_pandas.sandbox.population import Population
from gio_pandas.sandbox.profiles import Profiles
from gio_pandas.sandbox.tokens import Tokens

WORKERS = 4


class Platform:
    """What all requests to one sandbox share.

    Parameters
    ----------
    options
        The sandbox's settings.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.log = RequestLog()
        self.plan = Plan(read_faults(options.faults))
        self.tokens = Tokens(options.token_ttl)
        self.catalog = build_catalog(options.seed, options.segments)
        self.tags_by_key = {tag.key: tag for tag in self.catalog.every_tag()}
        self.tags_by_id = {tag.id: tag for tag in self.catalog.every_tag()}
        self.population = Population(options.seed, options.users)
        self.profiles = Profiles(self.population)
        self.jobs = Jobs(
            options.seed,
            stage_seconds=options.stage_seconds,
            parts=options.parts,
            rows_per_file=options.rows_per_file,
        )
        for job_id, sources in options.results.items():
            self.jobs.add_finished(job_id, sources)
        self.pace = Pace(options.bytes_per_second)
        # Rows are made here, so that polls are answered while files stream.
        self.workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="gio-sandbox-rows")

    def close(self) -> None:
        """Join the workers."""
        self.workers.shutdown(wait=True, cancel_futures=True)
