"""The documents: every one is of the documented schema, and no value is written into one."""

from __future__ import annotations

import itertools
from itertools import pairwise
from typing import Any

import pytest
from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    StringValueNode,
    Visitor,
    build_schema,
    parse,
    print_ast,
    validate,
    visit,
)

from gio_pandas.api import queries
from gio_pandas.api.transport import is_mutation
from gio_pandas.sandbox.schema import schema_text

SUBMITS = {
    "submitTagUserExportJobByKey",
    "submitTagUserExportJob",
    "submitSegmentUserExportJob",
    "submitAnalysisExportJob",
}

LITERALS = (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    StringValueNode,
)
FORMS = list(itertools.product((False, True), repeat=2))
BY_ID = {
    f"submit_tag_by_id({detail}, {file_name})": queries.submit_tag_by_id(
        detail=detail, file_name=file_name
    )
    for detail, file_name in FORMS
}
CONSTANTS = {
    name: value
    for name, value in vars(queries).items()
    if name.isupper() and not name.startswith("_") and isinstance(value, str)
}
LISTED = {
    f"{field} {level}": document
    for field, documents in queries.LISTINGS.items()
    for level, document in enumerate(documents)
}
MANY = {f"job_results({count})": queries.job_results(count) for count in (1, 2, 50)} | {
    f"profiles({count}, {in_project})": queries.profiles(count, in_project=in_project)
    for count in (1, 2, 200)
    for in_project in (False, True)
}
DOCUMENTS = CONSTANTS | LISTED | BY_ID | MANY
# One release of the vendor's client passes a file name by id; no published schema has it.
UNDOCUMENTED = {name for name in BY_ID if name.endswith("True)")}


@pytest.fixture(scope="module", params=["13.5", "13.3"])
def version(request: pytest.FixtureRequest) -> str:
    """Ask each version of the platform that is documented."""
    return str(request.param)


@pytest.fixture(scope="module")
def schema(version: str) -> GraphQLSchema:
    """Build that version's schema."""
    return build_schema(schema_text(version))


def _complaints(schema: GraphQLSchema, document: str) -> list[str]:
    return [error.message for error in validate(schema, parse(document))]


def _is_unknown(name: str, version: str) -> bool:
    """Tell what is newer than 13.3, or nowhere documented."""
    newer = name == "SUBMIT_TAG_BY_KEY" or name.startswith("submit_tag_by_id(True")
    return name in UNDOCUMENTED or (version == "13.3" and newer)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_of_the_schema(schema: GraphQLSchema, version: str, name: str) -> None:
    """Every one that a version should know is valid there; the others say what it lacks."""
    complaints = _complaints(schema, DOCUMENTS[name])
    if not _is_unknown(name, version):
        assert complaints == []
        return
    lacking = ("submitTagUserExportJobByKey", "TagUserExportJobByKeyInput")
    lacking += ("detailExport", "exportFileName")
    assert complaints
    assert all(any(word in complaint for word in lacking) for complaint in complaints)


@pytest.mark.parametrize("detail", [False, True])
def test_a_file_name_by_id_is_of_the_newest_schema_but_for_itself(detail: bool) -> None:
    """With the one argument that no schema publishes added, its document is valid."""
    text = schema_text("13.5")
    by_id = text.index("submitTagUserExportJob(")
    with_name = text[:by_id] + text[by_id:].replace(
        "tagId: HashId!", "tagId: HashId!, exportFileName: String", 1
    )
    document = queries.submit_tag_by_id(detail=detail, file_name=True)
    assert _complaints(build_schema(with_name), document) == []


@pytest.mark.parametrize("name", sorted(set(DOCUMENTS) - {"INPUT_BY_KEY"}))
def test_no_document_has_a_value_in_it(name: str) -> None:
    """What is asked about travels as variables: nothing a user types is ever parsed as GraphQL."""
    found: list[Any] = []

    class Look(Visitor):
        def enter(self, node: Any, *_: Any) -> None:
            if isinstance(node, LITERALS):
                found.append(node)

    visit(parse(DOCUMENTS[name]), Look())
    assert found == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_one_named_operation(name: str) -> None:
    """The platform's log can tell what was asked, and a submit is known for one."""
    (operation,) = parse(DOCUMENTS[name]).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None
    assert is_mutation(DOCUMENTS[name]) is (operation.operation.value == "mutation")


def test_the_submits_are_all_known() -> None:
    """Every mutation of the schema is one that is never sent twice blindly, and the other way."""
    mutations = build_schema(schema_text("13.5")).mutation_type
    assert mutations is not None
    assert set(mutations.fields) == SUBMITS
    sent = set()
    for document in DOCUMENTS.values():
        if is_mutation(document):
            (operation,) = parse(document).definitions
            assert isinstance(operation, OperationDefinitionNode)
            sent |= {field.name.value for field in operation.selection_set.selections}  # type: ignore[attr-defined]
    assert sent == SUBMITS


def _variables(operation: Any) -> list[str]:
    return [print_ast(variable) for variable in operation.variable_definitions or ()]


@pytest.mark.parametrize("field", queries.LISTINGS)
def test_a_listings_documents_ask_for_less_and_less(field: str) -> None:
    """All for the same field by the same variables; the last has what a name needs."""
    operations = [parse(document).definitions[0] for document in queries.LISTINGS[field]]
    asked = []
    for operation in operations:
        assert _variables(operation) == _variables(operations[0])
        (root,) = operation.selection_set.selections  # type: ignore[attr-defined]
        assert root.name.value == field
        asked.append({entry.name.value for entry in root.selection_set.selections})
    assert all(less < more for more, less in pairwise(asked))
    assert {"id", "name"} <= asked[-1] <= {"id", "name", "key"}


@pytest.mark.parametrize(("detail", "file_name"), FORMS)
def test_a_submit_by_id_names_what_is_asked_for_alone(detail: bool, file_name: bool) -> None:
    """An old schema refuses a whole document for one argument that it does not have."""
    document = queries.submit_tag_by_id(detail=detail, file_name=file_name)
    assert ("detailExport" in document) is detail
    assert ("exportFileName" in document) is file_name
