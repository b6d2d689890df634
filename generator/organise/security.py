"""The credentials that an operation needs."""

from __future__ import annotations

from typing import Any

from ..load.document import Document
from ..load.pointers import Json, pointer

#: The name of credentials in a document that does not say which.
_ASSUMED = "credentials"

#: A parameter of a request: its location and its name.
Key = tuple[str, str]


def assume_credentials(document: Document) -> None:
    """Let every operation send the client's credentials where a document has no `security` at all, with a note.

    By the letter of OpenAPI such an API needs none. Most such documents describe theirs in prose.
    """
    operations = [operation for _, _, operation in document.operations()]
    if operations and not any("security" in each for each in [document.data, *operations]):
        document.data["security"] = [{_ASSUMED: []}]
        text = "has no `security`; every operation sends the client's credentials (--no-credentials turns them off)"
        document.note(pointer("paths"), text)


def security_of(document: Document, operation: Json) -> list[Json]:
    """Return the alternatives of an operation: each maps names of schemes to scopes."""
    alternatives: Any = operation.get("security", document.data.get("security"))
    return alternatives or []


def described(document: Document, operation: Json) -> tuple[str, ...]:
    """Return the alternatives of an operation as text: `header x-api-key`, `bearer token`; empty without any."""
    found = []
    for alternative in security_of(document, operation):
        schemes = [_described(name, _scheme(document, name), scopes) for name, scopes in alternative.items()]
        found.append(" and ".join(schemes) or "no credentials")
    return tuple(dict.fromkeys(found))


def parameters_of(document: Document, operation: Json) -> set[Key]:
    """Return the parameters of a request in which credentials are sent."""
    names = {name for alternative in security_of(document, operation) for name in alternative}
    return {key for name in names if (key := _key(_scheme(document, name))) is not None}


def _scheme(document: Document, name: str) -> Json:
    schemes: Any = document.data.get("components", {}).get("securitySchemes", {})
    scheme = schemes.get(name) if isinstance(schemes, dict) else None
    try:
        return document.resolve(scheme) if isinstance(scheme, dict) else {}
    except LookupError:
        return {}


def _key(scheme: Json) -> Key | None:
    if scheme.get("type") == "apiKey":
        where, name = str(scheme.get("in")), str(scheme.get("name"))
        return where, name.lower() if where == "header" else name
    return ("header", "authorization") if scheme.get("type") in ("http", "oauth2", "openIdConnect") else None


def _described(name: str, scheme: Json, scopes: Any) -> str:
    match scheme.get("type"):
        case "apiKey":
            text = " ".join(_key(scheme) or ())
        case "http":
            text = {"bearer": "bearer token", "basic": "user and password"}.get(
                str(scheme.get("scheme")).lower(), f"HTTP {scheme.get('scheme')}"
            )
        case "oauth2" | "openIdConnect":
            text = "OAuth 2 token"
        case _:
            text = name
    return f"{text} ({', '.join(map(str, scopes))})" if isinstance(scopes, list) and scopes else text


def schemes_of(document: Document) -> dict[str, tuple[str, str]]:
    """Return the kind and the name of each way of sending a credential, those of HTTP that clients lack left out."""
    names: Any = document.data.get("components", {}).get("securitySchemes", {})
    found = {name: _sent_as(_scheme(document, name)) for name in names} if isinstance(names, dict) else {}
    return {name: scheme for name, scheme in found.items() if scheme is not None}


def default_security(document: Document) -> list[list[str]]:
    """Return the names of the schemes of each alternative; any known one where the document does not say."""
    alternatives = security_of(document, {})
    if alternatives == [{_ASSUMED: []}]:
        return [[name] for name in schemes_of(document)] or [[_ASSUMED]]
    return [[*each] for each in alternatives]


def _sent_as(scheme: Json) -> tuple[str, str] | None:
    match scheme.get("type"), str(scheme.get("scheme")).lower():
        case ("apiKey", _):
            where = str(scheme.get("in"))
            return (where, str(scheme.get("name"))) if where in ("header", "query", "cookie") else None
        case ("http", "basic"):
            return "basic", ""
        case ("http", "bearer") | ("oauth2" | "openIdConnect", _):
            return "bearer", ""
        case _:
            return None
