"""Errors from outside the package's tree, and errors without a hint."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import claude_batches
import pytest
from claude_batches import (
    CallTimeoutError,
    ClaudeBatchesError,
    ConfigurationError,
    ResultsError,
    results_from_file,
)

from tests.attack.servers import (
    BATCH_ID,
    Request,
    Wire,
    answer,
    batch,
    connected,
    describes,
    in_turn,
    lines,
    requests,
    says,
    serves,
    soak,
)
from tests.support.results import file_of


def _failure(function: Callable[[], object]) -> BaseException | None:
    try:
        function()
    except Exception as error:
        return error
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Disks


@contextlib.contextmanager
def _full_disk(size: int = 1_000_000) -> Iterator[None]:
    """No file can grow beyond this size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Without a handler, the signal that goes with it would end the process.
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_disk_full_while_spooling(serve: Any, connect: Any) -> None:
    """A disk that is full of requests is a SpoolError, and nothing is sent."""
    server = serve(create=says(batch()))
    call = connect(server)
    body = requests(10, padding=500_000)
    with _full_disk():
        error = _failure(lambda: call(lambda batches: batches.create(requests=body)))
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, OSError)
    assert isinstance(error, claude_batches.SpoolError)
    assert error.errno is not None
    assert server.requests == []
    # The message has a hint.
    assert re.search(r"TMPDIR|temporary|space", str(error))


def test_missing_folder_for_spooling(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder for temporary files that is not there is a SpoolError."""
    server = serve(create=says(batch()))
    call = connect(server)
    body = requests(10, padding=500_000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    error = _failure(lambda: call(lambda batches: batches.create(requests=body)))
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, OSError)
    assert isinstance(error, claude_batches.SpoolError)
    assert server.requests == []


def test_disk_full_while_joining(serve: Any, connect: Any) -> None:
    """A disk that is full of results to be looked up by their ids is a SpoolError."""
    data = file_of(lines(5, padding=500_000))
    call = connect(serve(retrieve=describes(5), results=serves(data)))
    with _full_disk():
        error = _failure(lambda: call(lambda batches: batches.results_by_id(BATCH_ID)))
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, OSError)
    assert isinstance(error, claude_batches.SpoolError)


def test_disk_full_while_downloading(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A disk that gets full of a download is an error of ours, and the same call continues after space is freed."""
    target = tmp_path / "results.jsonl"
    data = file_of(lines(5, padding=500_000))
    call = connect(serve(retrieve=describes(5), results=serves(data)))
    with _full_disk():
        error = _failure(lambda: call(lambda batches: batches.download(BATCH_ID, target)))
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, OSError)
    assert not target.exists()
    call(lambda batches: batches.download(BATCH_ID, target))
    assert target.read_bytes() == data


# ---------------------------------------------------------------------------------------------------------------------
# Values of a wrong type


@pytest.mark.parametrize("url", [5, True, 1.5, ["http://127.0.0.1/x"], {"url": "x"}])
@pytest.mark.parametrize("reader", ["results", "results_by_id", "download"])
def test_results_url_that_is_no_string(
    serve: Any, connect: Any, tmp_path: Path, reader: str, url: object
) -> None:
    """A results_url that is not a string is an error of ours."""
    call = connect(serve(retrieve=describes(2, results_url=url)))
    ways: dict[str, Callable[[], Any]] = {
        "results": lambda: call.items(lambda batches: batches.results(BATCH_ID)),
        "results_by_id": lambda: call(lambda batches: batches.results_by_id(BATCH_ID)),
        "download": lambda: call(lambda batches: batches.download(BATCH_ID, tmp_path / "results.jsonl")),
    }
    assert isinstance(_failure(ways[reader]), ClaudeBatchesError)


@pytest.mark.parametrize("wrong", [5, None, ["a"], {}])
def test_batch_id_that_is_no_string(serve: Any, connect: Any, tmp_path: Path, wrong: object) -> None:
    """A batch whose id is not a string can be downloaded, or is an error of ours."""
    target = tmp_path / "results.jsonl"
    data = file_of(lines(2))
    call = connect(serve(retrieve=describes(2, id=wrong), results=serves(data)))
    error = _failure(lambda: call(lambda batches: batches.download(BATCH_ID, target)))
    assert error is None or isinstance(error, ClaudeBatchesError)
    assert error is not None or target.read_bytes() == data


WRONG_IDS: dict[str, Any] = {"a number": 5, "None": None, "bytes": b"msgbatch_1", "a list": ["msgbatch_1"]}
USES: dict[str, Callable[[Any, Any, Path], Any]] = {
    "retrieve": lambda call, id_, path: call(lambda batches: batches.retrieve(id_)),
    "cancel": lambda call, id_, path: call(lambda batches: batches.cancel(id_)),
    "delete": lambda call, id_, path: call(lambda batches: batches.delete(id_)),
    "wait": lambda call, id_, path: call(lambda batches: batches.wait(id_, timeout=1)),
    "results": lambda call, id_, path: call.items(lambda batches: batches.results(id_)),
    "results_by_id": lambda call, id_, path: call(lambda batches: batches.results_by_id(id_)),
    "download": lambda call, id_, path: call(lambda batches: batches.download(id_, path)),
}


@pytest.mark.parametrize("wrong", WRONG_IDS)
@pytest.mark.parametrize("use", USES)
def test_id_that_is_no_string(serve: Any, connect: Any, tmp_path: Path, use: str, wrong: str) -> None:
    """An id that is not a string is an error of ours, and nothing is sent."""
    server = serve(any=describes(2))
    call = connect(server)
    error = _failure(lambda: USES[use](call, WRONG_IDS[wrong], tmp_path / "results.jsonl"))
    assert isinstance(error, ClaudeBatchesError)
    assert server.requests == []


@pytest.mark.parametrize("use", USES)
def test_lone_surrogate_in_an_id(serve: Any, connect: Any, tmp_path: Path, use: str) -> None:
    """An id with a lone surrogate is an error of ours, and nothing is asked."""
    server = serve(any=describes(2))
    call = connect(server)
    error = _failure(lambda: USES[use](call, "msgbatch_\ud800", tmp_path / "results.jsonl"))
    assert isinstance(error, ClaudeBatchesError)
    assert server.requests == []


OTHERS: dict[str, Callable[[Any], Any]] = {
    "after_id": lambda batches: batches.list(after_id="\ud800"),
    "workspace_id": lambda batches: batches.list(workspace_id="\ud800"),
    "extra_query": lambda batches: batches.list(extra_query={"a\ud800": "b"}),
    "extra_headers": lambda batches: batches.list(extra_headers={"x-a": "\ud800"}),
    "custom_id": lambda batches: batches.create(requests=[{"custom_id": "\ud800", "params": {}}]),
    "unchecked custom_id": lambda batches: batches.create(
        requests=[{"custom_id": "\ud800", "params": {}}], validate=False
    ),
    "text": lambda batches: batches.create(requests=[{"custom_id": "a", "params": {"system": "\ud800"}}]),
    "user_profile_id": lambda batches: batches.create(requests=requests(), user_profile_id="\ud800"),
}


@pytest.mark.parametrize("where", OTHERS)
def test_lone_surrogate_elsewhere(serve: Any, connect: Any, where: str) -> None:
    """A lone surrogate in anything that is sent is an error of ours, nothing is asked, and no file stays open."""
    server = serve(list=says({"data": [], "has_more": False}), create=says(batch()))
    call = connect(server)
    error = _failure(lambda: call(OTHERS[where]))
    assert isinstance(error, ClaudeBatchesError)
    assert server.requests == []
    del error
    # The warning about an unclosed temporary file must appear here, and not in another test.
    gc.collect()


def test_default_query_of_a_wrong_form(kind: str) -> None:
    """A default_query of a wrong form is a ConfigurationError."""
    for wrong in ("a=b", ["a=b"], 5):
        with pytest.raises(ConfigurationError), connected(kind, "http://127.0.0.1:9", default_query=wrong):
            pass


# ---------------------------------------------------------------------------------------------------------------------
# Proxies that can't be used


@pytest.mark.parametrize(
    ("variable", "proxy"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
        ("HTTPS_PROXY", "socks5h://127.0.0.1:9"),
        ("HTTP_PROXY", "gopher://127.0.0.1:9"),
        ("HTTP_PROXY", "http://[::1"),
    ],
)
def test_proxy_that_cannot_be_used(
    kind: str, variable: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment that can't be used is a ConfigurationError that names the variable or the proxy."""
    monkeypatch.setenv(variable, proxy)

    def use() -> None:
        with connected(kind, "http://api.test", timeout=1) as call:
            call(lambda batches: batches.retrieve(BATCH_ID))

    # Nothing of a library that a test machine happens to have makes a difference.
    monkeypatch.setitem(sys.modules, "socksio", None)
    error = _failure(use)
    assert isinstance(error, ConfigurationError)
    assert re.search(r"proxy", str(error), re.IGNORECASE)


def test_unusable_proxy_does_not_concern_loopback(
    kind: str, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that can't be used is of no concern to a base_url on this machine."""
    server = serve(retrieve=describes(2))
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with connected(kind, server.url) as call:
        assert call(lambda batches: batches.retrieve(BATCH_ID)).id == BATCH_ID


# ---------------------------------------------------------------------------------------------------------------------
# Downloads to one place


def test_downloads_to_one_place(kind: str, serve: Any, tmp_path: Path) -> None:
    """Of downloads to one place at the same time, one writes the file, and the others succeed or say why not."""
    data = file_of(lines(3))
    target = tmp_path / "results.jsonl"
    server = serve(retrieve=describes(3), results=serves(data), lifetime=120)
    raw: list[str] = []

    def download(start: threading.Barrier) -> None:
        with connected(kind, server.url) as call:
            start.wait(10)
            for _ in range(soak(120, 1000)):
                error = _failure(lambda: call(lambda batches: batches.download(BATCH_ID, target)))
                if error is not None and not isinstance(error, ClaudeBatchesError):
                    raw.append(repr(error))

    start = threading.Barrier(4)
    threads = [threading.Thread(target=download, args=(start,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert raw == []
    assert target.read_bytes() == data


DOWNLOADING = """
import sys
from claude_batches import Client, ClaudeBatchesError

with Client(api_key="any", base_url=sys.argv[1], max_retries=0) as client:
    for _ in range(int(sys.argv[3])):
        try:
            client.messages.batches.download("msgbatch_attacked", sys.argv[2])
        except ClaudeBatchesError:
            pass
"""


def test_downloads_of_processes_to_one_place(serve: Any, tmp_path: Path) -> None:
    """Of processes that download to one place at the same time, none fails with an error that is not ours."""
    data = file_of(lines(3))
    target = tmp_path / "results.jsonl"
    server = serve(retrieve=describes(3), results=serves(data), lifetime=120)
    command = [sys.executable, "-c", DOWNLOADING, server.url, str(target), str(soak(80, 1000))]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    assert target.read_bytes() == data


def test_partial_that_vanishes(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A partial file that another process removes before the end is an error of ours."""
    target = tmp_path / "results.jsonl"
    call = connect(serve(retrieve=describes(3), results=serves(file_of(lines(3)))))

    def vanish(progress: object) -> None:
        for path in tmp_path.glob(".*"):
            path.unlink()

    error = _failure(lambda: call(lambda batches: batches.download(BATCH_ID, target, progress=vanish)))
    assert isinstance(error, ClaudeBatchesError)


def test_folder_that_vanishes(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A folder that is taken away while a download to it begins is an error of ours."""
    folder = tmp_path / "folder"
    folder.mkdir()

    def retrieve(wire: Wire, request: Request) -> None:
        with contextlib.suppress(OSError):
            folder.rmdir()
        describes(3)(wire, request)

    call = connect(serve(retrieve=retrieve, results=serves(file_of(lines(3)))))
    error = _failure(lambda: call(lambda batches: batches.download(BATCH_ID, folder / "results.jsonl")))
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, OSError)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A folder that can't be written to is an error of ours."""
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    call = connect(serve(retrieve=describes(3), results=serves(file_of(lines(3)))))
    error = _failure(lambda: call(lambda batches: batches.download(BATCH_ID, folder / "results.jsonl")))
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, OSError)


# ---------------------------------------------------------------------------------------------------------------------
# Messages of errors


@pytest.mark.parametrize("where", ["at first", "while resuming"])
def test_deadline_is_told_as_given(serve: Any, connect: Any, where: str) -> None:
    """The error of a deadline has the given deadline, not the remaining time."""

    def slow(wire: Wire, request: Request) -> None:
        wire.server.closing.wait(0.05)
        describes(3)(wire, request)

    def silent(wire: Wire, request: Request) -> None:
        wire.stall()

    results = silent if where == "at first" else in_turn(serves(file_of(lines(3)), 100), silent)
    call = connect(serve(retrieve=slow, results=results))
    error = _failure(lambda: call.items(lambda batches: batches.results(BATCH_ID, deadline=1)))
    errors = [each for each in (error, error and error.__cause__) if each is not None]
    assert any(isinstance(each, CallTimeoutError) for each in errors)
    told = [found for each in errors for found in re.findall(r"deadline of (\S+) s\b", str(each))]
    assert told
    assert set(told) == {"1"}


ARRAYS = {
    "one line": lambda results: b"[" + b", ".join(results) + b"]\n",
    "one line without end": lambda results: b"[" + b", ".join(results) + b"]",
    "indented": lambda results: json.dumps([json.loads(result) for result in results], indent=2).encode(),
    "a line each": lambda results: b"[\n" + b",\n".join(results) + b"\n]\n",
}


@pytest.mark.parametrize("form", ARRAYS)
@pytest.mark.parametrize("reader", ["results", "download", "file"])
def test_json_array_is_called_one(serve: Any, connect: Any, tmp_path: Path, reader: str, form: str) -> None:
    """A JSON array in place of lines is said to be one."""
    data = ARRAYS[form](lines(3))
    call = connect(serve(retrieve=describes(3), results=serves(data)))
    path = tmp_path / "results.jsonl"
    ways: dict[str, Callable[[], Any]] = {
        "results": lambda: call.items(lambda batches: batches.results(BATCH_ID, max_resumes=0)),
        "download": lambda: call(lambda batches: batches.download(BATCH_ID, path, max_resumes=0)),
        "file": lambda: (path.write_bytes(data), list(results_from_file(path))),
    }
    error = _failure(ways[reader])
    assert isinstance(error, ResultsError)
    assert "array" in str(error)


def test_answer_of_create_that_is_no_object(serve: Any, connect: Any) -> None:
    """An array in place of a batch is said to be of another form."""
    call = connect(serve(retrieve=lambda wire, request: wire.send(answer([batch()]))))
    error = _failure(lambda: call(lambda batches: batches.retrieve(BATCH_ID)))
    assert isinstance(error, ClaudeBatchesError)
    assert "list" in str(error) or "array" in str(error)
