"""A plain HTTP client for the tests: it knows the protocol and nothing of gio_pandas."""

import csv
import io
import time
from typing import Any, Self

import httpx

from gio_pandas.sandbox import Sandbox

PROJECT = "WlGk4Daj"
SUBMIT_SEGMENT = """
mutation SubmitSegment(
  $project: HashId!, $segment: HashId!, $tags: [HashId!], $properties: [String!], $charset: String
) {
  job: submitSegmentUserExportJob(
    projectId: $project, segmentId: $segment, tags: $tags, properties: $properties,
    charset: $charset
  ) { id name stage description creator createdAt error { code message } }
}"""
SUBMIT_TAG = """
mutation SubmitTag($parameter: TagUserExportJobByKeyInput!) {
  job: submitTagUserExportJobByKey(parameter: $parameter) {
    id name stage error { code message }
  }
}"""
SUBMIT_ANALYSIS = """
mutation SubmitAnalysis(
  $project: HashId!, $id: HashId!, $kind: AnalysisResourceType!, $charset: String
) {
  job: submitAnalysisExportJob(
    projectId: $project, id: $id, param: {analysisType: $kind}, charset: $charset
  ) { id stage error { code message } }
}"""
JOB_RESULT = "query JobResult($id: String!) { jobResult(id: $id) { id stage uris } }"
LISTS = {
    "FUNNELS": "funnelAnalyses",
    "CHARTS": "eventAnalyses",
    "RETENTIONS": "retentionAnalyses",
    "FREQUENCIES": "frequencyAnalyses",
}


class Client:
    """Talks to one sandbox as an authenticated client."""

    def __init__(self, sandbox: Sandbox, **settings: Any) -> None:
        self.sandbox = sandbox
        self._ids: dict[str, dict[str, str]] = {}
        self.http = httpx.Client(
            base_url=sandbox.url, timeout=30, trust_env=False, verify=False, **settings
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask_token(self, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": "api",
            "client_secret": self.sandbox.api_key,
            "scope": "system",
        }
        return self.http.post("/accounts/oauth/access_token", data=form | changes)

    def sign_in(self) -> Self:
        token = self.ask_token().json()["access_token"]
        scheme = self.sandbox.options.auth_scheme
        self.http.headers["Authorization"] = f"{scheme} {token}".strip()
        return self

    def post(self, query: str, **variables: Any) -> httpx.Response:
        return self.http.post("/graphql", json={"query": query, "variables": variables})

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        response = self.post(query, **variables)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert "errors" not in answer, answer
        return answer["data"]

    def error(self, query: str, **variables: Any) -> str:
        response = self.post(query, **variables)
        assert response.status_code == 200, response.text
        (error,) = response.json()["errors"]
        return error["message"]

    def ids(self, field: str) -> dict[str, str]:
        """Return the ids of a list of the default project by name."""
        if field not in self._ids:
            data = self.data(f'{{ items: {field}(projectId: "{PROJECT}") {{ id name }} }}')
            self._ids[field] = {item["name"]: item["id"] for item in data["items"]}
        return self._ids[field]

    def segment(self, name: str, **arguments: Any) -> dict[str, Any]:
        segment = self.ids("segments")[name]
        return self.data(SUBMIT_SEGMENT, project=PROJECT, segment=segment, **arguments)["job"]

    def tag(self, key: str, **arguments: Any) -> dict[str, Any]:
        return self.data(SUBMIT_TAG, parameter={"tagKey": key, **arguments})["job"]

    def analysis(self, kind: str, name: str, **arguments: Any) -> dict[str, Any]:
        item = self.ids(LISTS[kind])[name]
        return self.data(SUBMIT_ANALYSIS, project=PROJECT, id=item, kind=kind, **arguments)["job"]

    def result(self, job: dict[str, Any]) -> dict[str, Any] | None:
        return self.data(JOB_RESULT, id=job["id"])["jobResult"]

    def wait(self, job: dict[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            result = self.result(job)
            if result and result["stage"] in ("FINISH", "ERROR"):
                return result
            time.sleep(0.01)
        raise AssertionError(f"{job} did not end")

    def download(self, uri: str, **headers: str) -> httpx.Response:
        return self.http.get("/download", params={"file": uri}, headers=headers)

    def files(self, job: dict[str, Any]) -> list[bytes]:
        responses = [self.download(uri) for uri in self.wait(job)["uris"]]
        assert all(response.status_code == 200 for response in responses)
        return [response.content for response in responses]

    def text(self, job: dict[str, Any], charset: str = "utf-8") -> str:
        (content,) = self.files(job)
        return content.decode(charset)

    def rows(self, job: dict[str, Any]) -> list[list[str]]:
        """Return the header and the rows of an export in one UTF-8 file."""
        return list(csv.reader(io.StringIO(self.text(job), newline="")))
