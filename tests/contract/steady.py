"""Steady, an independent mock server that is configured by an OpenAPI document alone."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.contract import node_tools

START_SECONDS = 20
ATTEMPTS = 3


@dataclass
class Steady:
    """A running Steady, and after its end its record of the requests."""

    url: str
    account: dict[str, Any] = field(default_factory=dict)


@contextmanager
def serving(document: Callable[[str], str], folder: Path, *options: str) -> Iterator[Steady]:
    """Steady with the document that is made for its URL; its log and the document are in the folder."""
    process, server = started(node_tools.node(), document, folder, options)
    try:
        yield server
    finally:
        process.terminate()
        process.wait(START_SECONDS)
    server.account = json.loads((folder / "log").read_text("utf-8").splitlines()[-1])


def started(
    node: str, document: Callable[[str], str], folder: Path, options: tuple[str, ...]
) -> tuple[subprocess.Popen[bytes], Steady]:
    """Run a Steady that accepts connections. If its port is taken meanwhile, it gets another one."""
    for _ in range(ATTEMPTS):
        port = free_port()
        server = Steady(f"http://127.0.0.1:{port}")
        path = folder / "openapi.json"
        path.write_text(document(server.url), "utf-8")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    node,
                    node_tools.FOLDER / "node_modules" / "@stdy" / "cli" / "steady.js",
                    "--host=127.0.0.1",
                    f"--port={port}",
                    "--log-format=json",
                    *options,
                    path,
                ],
                stdout=log,
                stderr=log,
            )
        if takes_connections(process, port):
            return process, server
        process.kill()
        process.wait()
    pytest.fail(f"Steady did not start: {(folder / 'log').read_text('utf-8')[-500:]}")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def takes_connections(process: subprocess.Popen[bytes], port: int) -> bool:
    """Return true once a server listens on a port; false if it ends or the time is up."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process.poll() is None
    return False
