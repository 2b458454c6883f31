"""Cells that many notebooks begin with."""

from gio_pandas.sandbox import Sandbox


def connected(platform: Sandbox, project: str = "默认项目") -> str:
    """Write the cell that connects to a platform."""
    return (
        "import gio_pandas as gio\n"
        f"gio.connect({platform.url!r}, api_key={platform.api_key!r}, project={project!r})"
    )
