"""The schema, against what is documented (op-api sections 2-4)."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query

from .client import PROJECT, Client

AUTHORS = "creator creatorId createdAt updater updaterId updatedAt"
ANALYSIS = f"id name description timeRange chartType isSystem businessType {AUTHORS}"
JOB = f"id name description stage error {AUTHORS}"

FIELDS = {
    "Project": f"id name description owner ownerId projectMemberCount {AUTHORS}",
    "Tag": f"id name key type description businessType valueType ownerId detector {AUTHORS}",
    "Segment": f"id name description scheduler createdBy detector ownerId {AUTHORS}",
    "FunnelAnalysis": ANALYSIS,
    "EventAnalysis": ANALYSIS,
    "RetentionAnalysis": ANALYSIS,
    "FrequencyAnalysis": ANALYSIS,
    "ValueType": "type unit isArray",
    "Detector": "stage description detectedAt totalUsers usersRatio",
    "UserProfile": "id userId properties",
    "UserProperty": "key name value",
    "JobResult": "id stage uris",
    "TagUserExportJob": JOB,
    "SegmentUserExportJob": JOB,
    "AnalysisExportJob": "id stage error",
    "JobError": "code message",
}
QUERIES = {
    "projects": ("[Project!]", {}),
    "dataCenterTags": ("[Tag]", {}),
    "dataCenterUserProfile": ("UserProfile", {"userId": "String!", "properties": "[String!]"}),
    "jobResult": ("JobResult", {"id": "String!"}),
    "tags": ("[Tag]", {"projectId": "HashId!"}),
    "segments": ("[Segment]", {"projectId": "HashId!"}),
    "segment": ("Segment", {"id": "HashId!", "projectId": "HashId!"}),
    "funnelAnalyses": ("[FunnelAnalysis]", {"projectId": "HashId!"}),
    "eventAnalyses": ("[EventAnalysis]", {"projectId": "HashId!"}),
    "retentionAnalyses": ("[RetentionAnalysis]", {"projectId": "HashId!"}),
    "frequencyAnalyses": ("[FrequencyAnalysis]", {"projectId": "HashId!"}),
    "userProfile": (
        "UserProfile",
        {
            "projectId": "HashId!",
            "userId": "String",
            "tags": "[HashId!]",
            "properties": "[String!]",
        },
    ),
}
MUTATIONS = {
    "submitTagUserExportJobByKey": (
        "TagUserExportJob!",
        {"parameter": "TagUserExportJobByKeyInput!"},
    ),
    "submitTagUserExportJob": (
        "TagUserExportJob!",
        {
            "tagId": "HashId!",
            "properties": "[String!]",
            "charset": "String",
            "detailExport": "Boolean",
        },
    ),
    "submitSegmentUserExportJob": (
        "SegmentUserExportJob!",
        {
            "projectId": "HashId!",
            "segmentId": "HashId!",
            "tags": "[HashId!]",
            "properties": "[String!]",
            "charset": "String",
        },
    ),
    "submitAnalysisExportJob": (
        "AnalysisExportJob!",
        {
            "projectId": "HashId!",
            "id": "HashId!",
            "param": "AnalysisExportJobInput!",
            "charset": "String",
        },
    ),
}
INPUTS = {
    "TagUserExportJobByKeyInput": {
        "tagKey": "String!",
        "exportFileName": "String",
        "properties": "[String!]",
        "charset": "String",
        "detailExport": "Boolean",
    },
    "AnalysisExportJobInput": {"analysisType": "AnalysisResourceType!"},
}
ENUMS = {
    "JobStage": "NONE READY RUNNING DATA_READY FINISH ERROR",
    "DetectedStage": "NONE READY RUNNING FINISH ERROR",
    "AnalysisResourceType": "CHARTS FUNNELS RETENTIONS FREQUENCIES",
    "ValueTypeEnum": "INT STRING DOUBLE DATE",
}
TYPES = {
    ("JobResult", "id"): "HashId!",
    ("JobResult", "stage"): "JobStage!",
    ("JobResult", "uris"): "[String!]",
    ("TagUserExportJob", "id"): "String!",
    ("TagUserExportJob", "name"): "String!",
    ("SegmentUserExportJob", "stage"): "JobStage!",
    ("Tag", "valueType"): "ValueType",
    ("Tag", "detector"): "Detector",
    ("Detector", "stage"): "DetectedStage",
    ("UserProfile", "properties"): "[UserProperty!]",
}


def _schema(client: Client) -> Any:
    return build_client_schema(client.data(get_introspection_query()))


@pytest.fixture
def schema(client: Client) -> Any:
    return _schema(client)


def _signature(field: Any) -> tuple[str, dict[str, str]]:
    return str(field.type), {name: str(argument.type) for name, argument in field.args.items()}


def test_every_documented_query_is_there_and_no_other(schema: Any) -> None:
    """Names, arguments and answers of all queries are exactly the documented ones."""
    fields = schema.query_type.fields
    assert {name: _signature(field) for name, field in fields.items()} == QUERIES


def test_every_documented_mutation_is_there_and_no_other(schema: Any) -> None:
    """Names, arguments and answers of all mutations are exactly the documented ones."""
    fields = schema.mutation_type.fields
    assert {name: _signature(field) for name, field in fields.items()} == MUTATIONS


@pytest.mark.parametrize("name", FIELDS)
def test_every_documented_field_is_there(schema: Any, name: str) -> None:
    """Each type has at least the documented fields."""
    assert set(FIELDS[name].split()) <= set(schema.type_map[name].fields)


def test_field_types_are_the_documented_ones(schema: Any) -> None:
    """Where a field's type is documented, it is that."""
    for (name, field), expected in TYPES.items():
        assert str(schema.type_map[name].fields[field].type) == expected


def test_inputs_and_enums_are_the_documented_ones(schema: Any) -> None:
    """Input fields with their types, and enum values in their order."""
    for name, fields in INPUTS.items():
        found = schema.type_map[name].fields
        assert {key: str(field.type) for key, field in found.items()} == fields
    for name, values in ENUMS.items():
        assert list(schema.type_map[name].values) == values.split()
    assert {"HashId", "DateTime", "BytesJson", "Object", "Long"} <= set(schema.type_map)


def test_an_older_platform_has_the_older_schema(signed_in: Callable[..., Client]) -> None:
    """Version 13.3 lacks the submit by key, its input, and detailExport, and still exports."""
    client = signed_in(version="13.3")
    schema = _schema(client)
    assert "submitTagUserExportJobByKey" not in schema.mutation_type.fields
    assert "TagUserExportJobByKeyInput" not in schema.type_map
    arguments = schema.mutation_type.fields["submitTagUserExportJob"].args
    assert set(arguments) == {"tagId", "properties", "charset"}
    tag = client.ids("tags")["订单交易笔数"]
    query = "mutation($tag: HashId!) { job: submitTagUserExportJob(tagId: $tag) { id } }"
    header, *rows = client.rows(client.data(query, tag=tag)["job"])
    assert header == ["gio_id", "订单交易笔数"]
    assert len(rows) == 6_200
    answer = client.post("mutation { submitTagUserExportJobByKey { id } }").json()
    assert "data" not in answer


def test_the_newest_platform_marks_nothing(schema: Any) -> None:
    """The mark that separates the versions is not part of the schema a client sees."""
    assert "since" not in {directive.name for directive in schema.directives}


@pytest.mark.parametrize("bad", ["WlGk4Da", "WlGk4Daj1", "WlGk4Da-", "默认项目默认项目"])
def test_a_hash_id_is_eight_letters_and_digits(client: Client, bad: str) -> None:
    """Anything else is refused as a variable and as a literal, before anything is looked up."""
    variable = "query($id: HashId!) { segments(projectId: $id) { id } }"
    assert "8 letters and digits" in client.error(variable, id=bad)
    assert "8 letters and digits" in client.error(f'{{ segments(projectId: "{bad}") {{ id }} }}')


def test_ids_are_case_sensitive(client: Client) -> None:
    """The default project's id in lower case is nobody's."""
    query = "query($id: HashId!) { segments(projectId: $id) { id } }"
    assert "project not found" in client.error(query, id=PROJECT.lower())
