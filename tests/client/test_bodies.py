"""Bodies of generated operations: forms, files, and responses of several content types."""

from __future__ import annotations

import io
import json
from email import message_from_bytes
from pathlib import Path
from typing import Any

import claude_batches
import pytest
from claude_batches_api.body import Body
from claude_batches_api.model import Ref
from claude_batches_api.request import Operation, Request, Response

from tests.support.server import Exchange, reply

OPERATION = Operation(
    "files.create",
    "POST",
    "/v1/files",
    (
        Response("200", "json", "application/json", Ref("DeletedMessageBatch")),
        Response("200", "jsonl", "application/x-ndjson", Ref("DeletedMessageBatch")),
        Response("200", "text", "text/csv"),
        Response("200", "bytes", "image/*"),
    ),
)


def sending(body: Body, **options: Any) -> Any:
    return lambda batches: batches._transport.send(Request(OPERATION, "/v1/files", body=body), options)


def form(content: Any, **encoding: Any) -> Body:
    return Body("multipart", content, "multipart/form-data", encoding)


def closed() -> io.BytesIO:
    file = io.BytesIO(b"content")
    file.close()
    return file


def parts(exchange: Exchange) -> list[tuple[str, str | None, str | None, bytes]]:
    """Name, file name, media type and content of each part that came, by Python's own reader of such bodies."""
    assert exchange.body is not None
    head = f"content-type: {exchange.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + exchange.body)
    assert message.is_multipart()
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part["content-type"],
            bytes(part.get_payload(decode=True)),
        )
        for part in message.get_payload()
    ]


def test_multipart_parts(connect: Any, serve: Any, tmp_path: Path) -> None:
    """Fields, files, lists and objects of a form arrive as parts."""
    path = tmp_path / "from a path.pdf"
    path.write_bytes(b"%PDF")
    content = {
        "purpose": "batch",
        "count": 7,
        "final": True,
        "nothing": None,
        "tags": ["a", "b"],
        "about": {"size": 1},
        "list": [1, 2],
        "raw": b"\x00\r\n--",
        "open": io.BytesIO(b"opened"),
        "path": path,
        "named": ("n.txt", b"named"),
        "typed": ("t.bin", b"typed", "application/x-own"),
        "many": [b"1", ("2.txt", b"2")],
        "picture": b"png",
        "lines": b"{}",
        "dump": b"{}",
        "view": memoryview(b"view"),
    }
    encoding = {
        "list": {"content_type": "application/json", "json": True},
        "picture": {"content_type": "image/png"},
        "lines": {"content_type": "application/jsonl"},
        "dump": {"content_type": "application/json", "json": True},
    }
    server = serve(reply(200, {"id": "f"}))
    connect(server)(sending(form(content, **encoding)))
    assert parts(server.requests[0]) == [
        ("purpose", None, None, b"batch"),
        ("count", None, None, b"7"),
        ("final", None, None, b"true"),
        ("tags", None, None, b"a"),
        ("tags", None, None, b"b"),
        ("about", None, "application/json", b'{"size":1}'),
        ("list", None, "application/json", b"[1,2]"),
        ("raw", "upload", "application/octet-stream", b"\x00\r\n--"),
        ("open", "upload", "application/octet-stream", b"opened"),
        ("path", "from a path.pdf", "application/pdf", b"%PDF"),
        ("named", "n.txt", "text/plain", b"named"),
        ("typed", "t.bin", "application/x-own", b"typed"),
        ("many", "upload", "application/octet-stream", b"1"),
        ("many", "2.txt", "text/plain", b"2"),
        ("picture", "upload", "image/png", b"png"),
        ("lines", "upload", "application/jsonl", b"{}"),
        ("dump", "upload", "application/json", b"{}"),
        ("view", "upload", "application/octet-stream", b"view"),
    ]


class Unseekable(io.RawIOBase):
    """As a pipe is: it can be read once."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._inner.readinto(buffer)


class Shrinking(io.BytesIO):
    """It has fewer bytes than it had when it was looked at."""

    def read(self, size: int | None = -1) -> bytes:
        return b""


class Broken(io.BytesIO):
    """It can't be read."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("kind", ["multipart", "bytes"])
def test_files_are_sent_again(connect: Any, serve: Any, kind: str, tmp_path: Path) -> None:
    """A retry and the next call send a file of any kind from its first byte."""
    (tmp_path / "file").write_bytes(b"content")
    stands_elsewhere = io.BytesIO(b"content")
    stands_elsewhere.seek(3)
    for file in (stands_elsewhere, tmp_path / "file", Unseekable(b"content")):
        server = serve(reply(500, {}), reply(200, {"id": "f"}), reply(200, {"id": "f"}))
        body = form({"file": file}) if kind == "multipart" else Body("bytes", file, "application/pdf")
        do = connect(server)
        do(sending(body))
        if not isinstance(file, Unseekable):
            do(sending(body))
        sent = [parts(each)[0][3] if kind == "multipart" else each.body for each in server.requests]
        assert sent == [b"content"] * len(sent)
    assert not stands_elsewhere.closed


@pytest.mark.parametrize("kind", ["multipart", "bytes"])
@pytest.mark.parametrize(
    ("file", "said"),
    [
        (Shrinking(b"abc"), "truncated while it was sent"),
        (Broken(b"abc"), "can't be read: .*Input/output error"),
    ],
)
def test_unreadable_file(connect: Any, serve: Any, kind: str, file: Any, said: str) -> None:
    """A file that can't be read to its end raises RequestEncodingError and is not retried."""
    server = serve(reply(200, {"id": "f"}))
    body = form({"file": file}) if kind == "multipart" else Body("bytes", file, "application/pdf")
    do = connect(server)
    with pytest.raises(claude_batches.RequestEncodingError, match=said):
        do(sending(body))
    assert do.sleeps == []


def test_deadline_of_an_upload(connect: Any, serve: Any) -> None:
    """The deadline ends a call while its files are read."""
    do = connect(serve(reply(200, {"id": "f"})))

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            do.sleeps.append(2.0)
            return super().read(size)

    with pytest.raises(claude_batches.CallTimeoutError):
        do(sending(form({"file": Slow(bytes(1_000_000))}), deadline=5.0))
    assert len(do.sleeps) < 5


def test_text_is_not_a_file(connect: Any, serve: Any) -> None:
    """A text in place of a file is refused rather than sent as its content."""
    server = serve(reply(200, {"id": "f"}))
    do = connect(server)
    for content in ("report.pdf", ["report.pdf"], [("report.pdf", "text")]):
        with pytest.raises(
            claude_batches.RequestEncodingError, match="file must be a file: bytes, an open file, a path"
        ):
            do(sending(form({"file": content}, file={"file": True})))
    do(sending(form({"file": [b"1", ("2", b"2")]}, file={"file": True})))
    do(sending(form({"file": (b"1", b"2")}, file={"file": True})))
    assert [len(parts(each)) for each in server.requests] == [2, 2]


def test_form_without_fields(connect: Any, serve: Any) -> None:
    """A form without fields is sent as an empty form."""
    server = serve(reply(200, {"id": "f"}))
    connect(server)(sending(form({"nothing": None})))
    boundary = server.requests[0].headers["content-type"].partition("boundary=")[2]
    assert server.requests[0].body == f"--{boundary}--\r\n".encode()


def test_part_headers_are_escaped(connect: Any, serve: Any) -> None:
    """Names and media types can't add headers to a part."""
    server = serve(reply(200, {"id": "f"}))
    do = connect(server)
    do(sending(form({'a"\r\nX-Evil: 1': ('b"\r\nX-Evil: 1', b"content")})))
    assert b"\nX-Evil" not in server.requests[0].body
    with pytest.raises(claude_batches.RequestEncodingError, match="is not a media type"):
        do(sending(form({"a": ("b", b"content", "text/plain\r\nX-Evil: 1")})))


def test_large_file_is_sent_again(connect: Any, serve: Any, tmp_path: Path) -> None:
    """A retry sends a large file in full."""
    (tmp_path / "big").write_bytes(bytes(300_000))
    server = serve(reply(500, {}), reply(200, {"id": "f"}))
    with (tmp_path / "big").open("rb") as file:
        connect(server)(sending(form({"file": file})))
    assert [parts(each)[0][1:] for each in server.requests] == [
        ("big", "application/octet-stream", bytes(300_000))
    ] * 2


def test_binary_bodies(connect: Any, serve: Any, tmp_path: Path) -> None:
    """Bytes, a path and an open file are sent as the body."""
    (tmp_path / "big").write_bytes(b"x" * 300_000)
    server = serve(reply(200, {"id": "f"}))
    do = connect(server)
    with (tmp_path / "big").open("rb") as file:
        for content in (b"bytes", tmp_path / "big", file, io.BufferedReader(io.BytesIO(b"buffered"))):
            do(sending(Body("bytes", content, "application/octet-stream")))
    sent = [each.body for each in server.requests]
    assert sent == [b"bytes", b"x" * 300_000, b"x" * 300_000, b"buffered"]
    assert {each.headers["content-type"] for each in server.requests} == {"application/octet-stream"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (form(["a"]), "a form takes a mapping of names to values; got list"),
        (
            Body("form", 7, "application/x-www-form-urlencoded"),
            "a form takes a mapping of names to values; got int",
        ),
        (Body("bytes", "text", "application/pdf"), "a file must be bytes, an open file or a path; got str"),
        (Body("bytes", io.StringIO("text"), "application/pdf"), "the file is open for text"),
        (form({"file": io.StringIO("text")}), "the file is open for text"),
        (form({"file": Path("missing")}), "No such file or directory: 'missing'"),
        (form({"file": closed()}), "I/O operation on closed file"),
        (Body("form", {"a": b"\xff"}, "application/x-www-form-urlencoded"), "can't decode byte 0xff"),
        (Body("json", {"file": b"bytes"}, "application/json"), "bytes is not JSON"),
    ],
)
def test_unsendable_bodies(connect: Any, serve: Any, body: Body, said: str) -> None:
    """A body that can't be encoded is refused before anything is sent."""
    server = serve(reply(200, {"id": "f"}))
    with pytest.raises(claude_batches.RequestEncodingError, match=said):
        connect(server)(sending(body))
    assert server.requests == []


def test_form_encoding(connect: Any, serve: Any) -> None:
    """Fields of a form are encoded in the documented style."""
    content = {
        "plain": "ü &",
        "items": [{"price": "p", "tiers": [1, 2]}],
        "expand": ["a", "b"],
        "csv": [1, 2],
        "list": [1, 2],
        "object": {"a": 1},
        "json": [1],
    }
    encoding = {
        "items": {"style": "deepObject"},
        "expand": {"style": "deepObject"},
        "csv": {"style": "form", "explode": False},
        "json": {"json": True},
    }
    server = serve(reply(200, {"id": "f"}))
    connect(server)(sending(Body("form", content, "application/x-www-form-urlencoded", encoding)))
    assert server.requests[0].body == (
        b"plain=%C3%BC%20%26"
        b"&items%5B0%5D%5Bprice%5D=p&items%5B0%5D%5Btiers%5D%5B%5D=1&items%5B0%5D%5Btiers%5D%5B%5D=2"
        b"&expand%5B%5D=a&expand%5B%5D=b&csv=1%2C2&list=1&list=2&object=%7B%22a%22%3A1%7D&json=%5B1%5D"
    )


def test_extra_body_of_a_form(connect: Any, serve: Any) -> None:
    """`extra_body` adds fields to a form."""
    server = serve(reply(200, {"id": "f"}))
    do = connect(server)
    do(sending(form({"a": "1"}), extra_body={"b": 2}))
    do(sending(Body("form", {"a": "1"}, "application/x-www-form-urlencoded"), extra_body={"b": 2}))
    assert [each[0] for each in parts(server.requests[0])] == ["a", "b"]
    assert server.requests[1].body == b"a=1&b=2"


@pytest.mark.parametrize(
    ("content_type", "content", "expected"),
    [
        ("application/json; charset=utf-8", b'{"id":"f"}', "f"),
        ("application/x-ndjson", b'{"id":"1"}\n\n{"id":"2"}\n', ["1", "2"]),
        ("text/csv", b"a,b", "a,b"),
        ("IMAGE/PNG", b"\x89PNG", b"\x89PNG"),
        ("application/unheard-of", b'{"id":"f"}', "f"),
    ],
)
def test_response_content_types(
    connect: Any, serve: Any, content_type: str, content: bytes, expected: Any
) -> None:
    """Of several documented content types, that of the response is decoded."""
    server = serve(reply(200, content, headers={"content-type": content_type}))
    answer = connect(server)(sending(Body("text", "hello", "text/plain")))
    ids = [each.id for each in answer] if isinstance(answer, list) else getattr(answer, "id", answer)
    assert ids == expected
    assert server.requests[0].headers["accept"] == "application/json"
    assert server.requests[0].body == b"hello"


EITHER = Operation(
    "either.retrieve",
    "GET",
    "/v1/either",
    (
        Response("200", "json", "application/json", Ref("DeletedMessageBatch"), plain=True),
        Response("201", "json", "application/json", Ref("DeletedMessageBatch")),
    ),
)


@pytest.mark.parametrize("content", [b'"a text"', b"null", b"7"])
def test_plain_json(connect: Any, serve: Any, content: bytes) -> None:
    """A JSON scalar is a result only where one is documented."""
    do = connect(serve(reply(200, content), reply(201, content)))
    request: Request[Any] = Request(EITHER, "/v1/either")
    assert do(lambda batches: batches._transport.send(request, {})) == json.loads(content)
    with pytest.raises(claude_batches.APIResponseValidationError, match="is JSON of another form"):
        do(lambda batches: batches._transport.send(request, {}))
