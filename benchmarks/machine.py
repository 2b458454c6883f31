"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib import metadata

__all__ = ["facts"]

_LIBRARIES = (
    *("pandas", "pyarrow", "httpx", "polars", "duckdb", "dask", "gio-pandas"),
    *("jupyterlab", "ipywidgets", "anywidget"),
)


def facts() -> dict[str, object]:
    """Give the machine's cores and memory, and the versions of Python and the libraries."""
    found: dict[str, object] = {
        "cores": os.cpu_count(),
        "ram_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found
