"""The platform's dates.

The sandbox's calendar stands still at `TODAY`, so that the same seed gives the same bytes tomorrow.
"""

from datetime import date, datetime, timedelta, timezone

TODAY = date(2026, 6, 30)
SHANGHAI = timezone(timedelta(hours=8))


def day(ago: int) -> str:
    """Return the date that many days before today, such as ``2026-06-29``."""
    return (TODAY - timedelta(days=ago)).isoformat()


def instant(days_ago: int, second: int) -> str:
    """Return a moment as RFC 3339 with the offset of Shanghai."""
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=SHANGHAI)
    return (midnight - timedelta(days=days_ago) + timedelta(seconds=second)).isoformat()
