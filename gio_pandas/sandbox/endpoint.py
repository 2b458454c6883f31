"""GraphQL over HTTP."""

import logging
from functools import cache
from http import HTTPStatus
from typing import Any

from ariadne.asgi import GraphQL
from ariadne.asgi.handlers import GraphQLHTTPHandler
from ariadne.exceptions import HttpBadRequestError
from ariadne.explorer import ExplorerHttp405
from graphql import ASTValidationRule, FieldNode, GraphQLError, GraphQLSchema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gio_pandas.sandbox.platform import Platform
from gio_pandas.sandbox.resolvers import bindables
from gio_pandas.sandbox.schema import build_schema

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"


def graphql_endpoint(platform: Platform) -> GraphQL:
    """Return the ASGI application that executes the schema."""
    most = platform.options.max_aliases
    return GraphQL(
        _schema(platform.options.version),
        context_value=platform,
        # The usual explorer is a page that loads scripts from elsewhere.
        explorer=ExplorerHttp405(),
        http_handler=_Handler(),
        validation_rules=None if most is None else [_few_aliases(most)],
        logger=_silent_logger(),
    )


def _few_aliases(most: int) -> type[ASTValidationRule]:
    """Return the rule that refuses a document which asks for too much at once."""

    class FewAliases(ASTValidationRule):
        aliases = 0

        def enter_field(self, node: FieldNode, *_: Any) -> None:
            self.aliases += node.alias is not None

        def leave_document(self, *_: Any) -> None:
            if self.aliases > most:
                words = f"Aliases limit of {most} exceeded, found {self.aliases}."
                self.report_error(GraphQLError(words))

    return FewAliases


@cache
def _schema(version: str) -> GraphQLSchema:
    # Resolvers find their platform in the context, so all sandboxes of a version share it.
    return build_schema(version, *bindables(version))


def _silent_logger() -> logging.Logger:
    # Errors are part of the answers; their tracebacks are nothing for a user's terminal.
    logger = logging.getLogger("gio_pandas.sandbox")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


class _Handler(GraphQLHTTPHandler):
    """Picks the media type by `Accept`, and the status by the media type."""

    async def extract_data_from_multipart_request(self, request: Request) -> Any:
        raise HttpBadRequestError(f"Posted content must be of type {JSON}")

    async def extract_data_from_json_request(self, request: Request) -> Any:
        data = await super().extract_data_from_json_request(request)
        if not _is_request(data):
            raise HttpBadRequestError("Posted JSON is not a GraphQL request")
        return data

    async def create_json_response(
        self, request: Request, result: dict[str, Any], success: bool
    ) -> Response:
        media_type = GRAPHQL_JSON if GRAPHQL_JSON in request.headers.get("accept", "") else JSON
        return JSONResponse(result, _status(result, media_type), media_type=media_type)


_PARAMETERS = {"variables": dict, "operationName": str, "extensions": dict}


def _is_request(data: Any) -> bool:
    if not isinstance(data, dict) or not isinstance(data.get("query"), str):
        return False
    given = {name: data[name] for name in _PARAMETERS if data.get(name) is not None}
    return all(isinstance(value, _PARAMETERS[name]) for name, value in given.items())


def _status(result: dict[str, Any], media_type: str) -> int:
    # What was executed is 200, errors or not; in the older media type so is a document that could
    # not be, which is how the platform answers (op-api section 5).
    if "data" in result or media_type == JSON:
        return HTTPStatus.OK
    return HTTPStatus.BAD_REQUEST
