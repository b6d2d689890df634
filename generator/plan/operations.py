"""Operations: their arguments, bodies, responses, pages and docstrings."""

from __future__ import annotations

from ..load.document import Document
from ..load.pointers import Json
from ..names import method_name, operation_name
from ..organise.components import Components
from ..organise.operations import NamedOperation
from ..organise.paths import method_of
from ..organise.security import described, security_of
from .bodies import body_of
from .context import Context
from .package import OperationCase
from .pagination import pagination_of
from .parameters import arguments_of, fixed_query, in_path_order
from .responses import responses_of, result_of, with_implied_events
from .streams import choose, switch_of
from .words import operation_doc


class Operations:
    """Describes operations.

    Args:
        document: Their document.
        components: Its component schemas.
    """

    def __init__(self, document: Document, components: Components) -> None:
        self._document = document
        self._context = Context.of(document, components)

    def operation(
        self, named: NamedOperation, path: tuple[str, ...], *, by_path: bool = False
    ) -> OperationCase:
        """Describe an operation.

        Args:
            named: The operation.
            path: The path of its resource.
            by_path: Name its method after its path, and not after its operationId.
        """
        raw = named.raw
        parameters = arguments_of(self._context, named)
        template, _, query = named.path.partition("?")
        body, from_body = body_of(self._context, named, {argument.name for argument in parameters})
        arguments = in_path_order(parameters, template, query) + from_body
        switch = switch_of(self._context, named, arguments, body)
        responses = with_implied_events(list(responses_of(self._context, named)), switch)
        pagination: Json | None = raw.get("x-pagination")
        operation = OperationCase(
            resource=path,
            method=_method_by_path(named) if by_path else _method(named.name, path),
            http_method=named.http_method.upper(),
            path=template.partition("#")[0],
            place=named.place,
            doc="",
            arguments=arguments,
            body=body,
            responses=responses,
            result=result_of(responses),
            item=None,
            pagination=None,
            # An alternative without credentials is an empty one.
            secured=any(security_of(self._document, raw)),
            security=described(self._document, raw),
            fixed_query=fixed_query(query),
            own_security=[[*each] for each in raw["security"]] if "security" in raw else None,
        )
        choose(operation, switch)
        if pagination:
            operation.item, operation.pagination = pagination_of(self._context, named, pagination)
        operation.doc = operation_doc(raw, operation)
        return operation


def _method_by_path(named: NamedOperation) -> str:
    return method_name(operation_name(method_of(named.http_method, named.path)))


def _method(name: str, path: tuple[str, ...]) -> str:
    """Return the method of an operation: its name without the tag that it begins with."""
    short = name.removeprefix("_".join(path) + "_")
    return method_name(short if short.isidentifier() else name)
