"""A proxy that records the traffic between a client and a server."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_NOT_PASSED_ON = ("connection", "transfer-encoding", "content-length")


@dataclass(frozen=True)
class Exchange:
    """One request and its response, as they went over the wire; header names are in lower case."""

    method: str
    target: str
    request_headers: dict[str, str]
    request_body: bytes
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class _Server(ThreadingHTTPServer):
    upstream: tuple[str, int]
    exchanges: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        upstream = HTTPConnection(*self.server.upstream)
        # The host header is passed on as well, so that a `results_url` leads through this proxy.
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(body)
        response = upstream.getresponse()
        answer = response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        self.server.exchanges.append(
            Exchange(
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                body,
                response.status,
                headers,
                gzip.decompress(answer) if headers.get("content-encoding") == "gzip" else answer,
            )
        )
        upstream.close()
        self.send_response_only(response.status)
        for name, value in headers.items():
            if name not in _NOT_PASSED_ON:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_DELETE = _pass_on


class Recorder:
    """A running proxy in front of the server at `url`.

    It reads bodies whole, and only those of a known length, which is how our client sends them.
    """

    def __init__(self, url: str) -> None:
        upstream = urlsplit(url)
        assert upstream.hostname is not None
        assert upstream.port is not None
        self._server = _Server((upstream.hostname, upstream.port))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges so far."""
        return self._server.exchanges

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
