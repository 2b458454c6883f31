"""Python in a process of its own."""

import subprocess
import sys
from pathlib import Path

from gio_pandas import sandbox

# The face of the package is left out: the sandbox has to work without it.
_ALONE = """
import sys, types
package = types.ModuleType("gio_pandas")
package.__path__ = ["gio_pandas"]
sys.modules["gio_pandas"] = package
"""


def start_python(code: str) -> subprocess.Popen[str]:
    """Start a process that runs some code, every warning an error."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _ALONE + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(sandbox.__file__).parents[2],
    )


def run_python(code: str) -> str:
    """Run some code to its end and return what it printed; it must succeed."""
    with start_python(code) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output.strip()
