"""The executable schema of one platform version."""

import re
from importlib import resources
from typing import Any

from ariadne import ScalarType, make_executable_schema
from ariadne.types import SchemaBindable
from graphql import (
    REMOVE,
    DirectiveDefinitionNode,
    DirectiveNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    StringValueNode,
    ValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

HASH_ID = re.compile(r"[0-9A-Za-z]{8}")


def build_schema(version: str, *bindables: SchemaBindable) -> GraphQLSchema:
    """Return the schema as that version of the platform has it, with its resolvers."""
    return make_executable_schema(
        schema_text(version), *bindables, hash_id, convert_names_case=True
    )


def schema_text(version: str) -> str:
    """Return the schema language text of one version: newer parts and `@since` taken out."""
    source = resources.files(__package__).joinpath("schema.graphql").read_text(encoding="utf-8")
    return print_ast(visit(parse(source, no_location=True), _Since(version)))


class _Since(Visitor):
    """Removes what is newer than a version, then the marks themselves."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = _number(version)

    def enter(self, node: Node, *_: Any) -> Any:
        if isinstance(node, DirectiveDefinitionNode):
            return REMOVE
        marks = getattr(node, "directives", None) or ()
        return REMOVE if any(self._newer(mark) for mark in marks) else None

    def leave_directive(self, *_: Any) -> Any:
        return REMOVE

    def _newer(self, mark: DirectiveNode) -> bool:
        (argument,) = mark.arguments or ()
        value = argument.value
        return isinstance(value, StringValueNode) and _number(value.value) > self._version


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _parse_hash_id(value: Any) -> str:
    if isinstance(value, str) and HASH_ID.fullmatch(value):
        return value
    raise GraphQLError(f"HashId must be 8 letters and digits, not {value!r}")


def _parse_hash_id_literal(node: ValueNode, _variables: Any = None) -> str:
    return _parse_hash_id(getattr(node, "value", None))


hash_id = ScalarType("HashId", value_parser=_parse_hash_id, literal_parser=_parse_hash_id_literal)
