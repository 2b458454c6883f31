"""GraphQL over HTTP, judged by the audit of npm's graphql-http."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gio_pandas import sandbox

from .client import Client

AUDIT = Path(__file__).parent / "audit"
# What the sandbox does not do, by the audit's id, and why.
KNOWN_SHOULD: dict[str, str] = {}
KNOWN_MAY = {
    "5A70": "queries come by POST alone, as on the platform",
    "D6D5": "the same",
    "6A70": "the same",
}


def _tools() -> tuple[str, str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, npm
    if os.environ.get("CI"):
        pytest.fail("the audit needs node and npm")
    pytest.skip("node and npm are not installed")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    node, npm = _tools()
    folder = tmp_path_factory.mktemp("audit")
    shutil.copytree(AUDIT, folder, dirs_exist_ok=True)
    install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    subprocess.run(install, cwd=folder, check=True, timeout=90, capture_output=True)
    with sandbox.start() as platform, Client(platform) as client:
        client.sign_in()
        answer = subprocess.run(
            [node, "audit.mjs"],
            cwd=folder,
            check=True,
            timeout=60,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "GRAPHQL_URL": f"{platform.url}/graphql",
                "GRAPHQL_AUTHORIZATION": client.http.headers["Authorization"],
            },
        )
    audits: list[dict[str, str]] = json.loads(answer.stdout)
    return audits


def _failed(results: list[dict[str, str]], level: str) -> dict[str, str]:
    audits = [audit for audit in results if audit["name"].startswith(level)]
    assert len(audits) >= 10
    return {audit["id"]: audit["name"] for audit in audits if audit["status"] != "ok"}


def test_every_must_is_met(results: list[dict[str, str]]) -> None:
    """No requirement of the specification is missed."""
    assert _failed(results, "MUST") == {}


def test_the_shoulds_that_are_not_met_are_known(results: list[dict[str, str]]) -> None:
    """Every recommendation is followed but the ones named here; there is none at present."""
    assert set(_failed(results, "SHOULD")) == set(KNOWN_SHOULD)


def test_the_mays_that_are_not_met_are_known(results: list[dict[str, str]]) -> None:
    """Of what is merely allowed, only queries by GET are left out."""
    assert set(_failed(results, "MAY")) == set(KNOWN_MAY)
