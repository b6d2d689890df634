"""A server of S3 of the tests' own: moto, as a process on a free port of the loopback, which runs this module."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

BUCKET = "tickets"
INSTALLED = all(find_spec(name) is not None for name in ("moto", "flask", "s3fs"))


class S3:
    """A running server with one bucket."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        assert port, "the server did not start"
        #: The environment of processes that use it.
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "of-the-tests",
            "AWS_SECRET_ACCESS_KEY": "of-the-tests",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(Path(__file__).parent / "no-such-file"),
            "AWS_SHARED_CREDENTIALS_FILE": str(Path(__file__).parent / "no-such-file"),
        }

    def stop(self) -> None:
        # The end of its input ends it.
        self._process.communicate(timeout=10)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    if not INSTALLED:
        pytest.skip("moto, flask or s3fs is not installed")
    server = S3()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """The server, and the environment that reaches it."""
    import s3fs

    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    yield s3_server
    # They keep the environment that they were made in.
    s3fs.S3FileSystem.clear_instance_cache()


def serve() -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server: Any = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=BUCKET)
    print(port, flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    serve()
