"""Results that are silently lost, added, altered or foreign."""

from __future__ import annotations

import json
import logging
import os
import random
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import claude_batches
import pytest
from claude_batches import (
    AmbiguousCreateError,
    BadLineError,
    ClaudeBatchesError,
    DuplicateResultsError,
    ForeignResultsError,
    IncompleteResultsError,
    ResultsError,
    results_from_file,
)

from tests.attack.servers import (
    BATCH_ID,
    Request,
    Wire,
    answer,
    batch,
    counts,
    describes,
    hangs_up,
    hidden_files,
    in_turn,
    line,
    lines,
    requests,
    says,
    serves,
    soak,
)
from tests.support.results import file_of

ERROR_PAGE = [b"<html><head><title>502 Bad Gateway</title></head><body>", *[b"<p>x</p>"] * 48, b"</html>"]


# ---------------------------------------------------------------------------------------------------------------------
# Lines that are not results


def test_error_page_ends_download(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A download of half the results and an error page is an error, and the partial is kept."""
    target = tmp_path / "results.jsonl"
    good = lines(100)
    call = connect(serve(retrieve=describes(100), results=serves(file_of([*good[:50], *ERROR_PAGE]))))
    with pytest.raises(BadLineError) as caught:
        call(lambda batches: batches.download(BATCH_ID, target))
    assert caught.value.line_number == 51
    assert not target.exists()
    assert any(good[0] in content for content in hidden_files(tmp_path).values())


def test_skipped_lines_never_count(serve: Any, connect: Any, tmp_path: Path) -> None:
    """Lines that a download skips do not count towards request_counts."""
    target = tmp_path / "results.jsonl"
    data = file_of([*lines(50), *ERROR_PAGE])
    call = connect(serve(retrieve=describes(100), results=serves(data)))
    with pytest.raises(IncompleteResultsError):
        call(lambda batches: batches.download(BATCH_ID, target, on_bad_line="skip", max_resumes=0))
    assert not target.exists()


def test_skipped_results_never_count(serve: Any, connect: Any) -> None:
    """Lines that results() skips do not count towards request_counts."""
    data = file_of([*lines(50), *ERROR_PAGE])
    call = connect(serve(retrieve=describes(100), results=serves(data)))
    with pytest.raises(IncompleteResultsError):
        call.items(lambda batches: batches.results(BATCH_ID, on_bad_line="skip", max_resumes=0))


def test_download_calls_on_bad_line(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A download calls the function that is given as on_bad_line with the error of each bad line."""
    target, seen = tmp_path / "results.jsonl", []
    good = lines(3)
    data = file_of([good[0], b"nonsense", *good[1:]])
    call = connect(serve(retrieve=describes(3), results=serves(data)))
    call(lambda batches: batches.download(BATCH_ID, target, on_bad_line=seen.append))
    assert [(type(error), error.line_number) for error in seen] == [(BadLineError, 2)]
    assert [item.custom_id for item in results_from_file(target, on_bad_line="skip")] == ["r0", "r1", "r2"]


def _with_duplicate() -> bytes:
    """98 different results of 100, one of them twice with another text, and a bad line."""
    return file_of([*lines(98), b"nonsense", line("r0", "another text")])


@pytest.mark.parametrize("reader", ["results", "results_by_id", "download"])
def test_bad_line_hides_no_duplicate(serve: Any, connect: Any, tmp_path: Path, reader: str) -> None:
    """A skipped line does not turn the check for duplicates off."""
    call = connect(serve(retrieve=describes(100), results=serves(_with_duplicate())))
    options: dict[str, Any] = {"on_bad_line": "skip", "max_resumes": 0}
    with pytest.raises((IncompleteResultsError, DuplicateResultsError)):
        _read(call, reader, tmp_path / "results.jsonl", **options)


def _read(call: Any, reader: str, target: Path, **options: Any) -> list[Any]:
    """The results by each of the ways to read them."""
    if reader == "results":
        return call.items(lambda batches: batches.results(BATCH_ID, **options))
    if reader == "results_by_id":
        with call(lambda batches: batches.results_by_id(BATCH_ID, **options)) as results:
            return list(results.values())
    if reader == "download":
        call(lambda batches: batches.download(BATCH_ID, target, **options))
        return list(results_from_file(target, on_bad_line="skip"))
    view = "with_raw_response" if reader == "raw" else "with_streaming_response"
    return _viewed(call, view)


def _viewed(call: Any, view: str) -> list[Any]:
    """The results by a raw or a streamed response."""
    if call.portal is None:
        if view == "with_raw_response":
            return list(call.batches.with_raw_response.results(BATCH_ID).parse())
        with call.batches.with_streaming_response.results(BATCH_ID) as response:
            return list(response.parse())

    async def read() -> list[Any]:
        if view == "with_raw_response":
            response = await call.batches.with_raw_response.results(BATCH_ID)
            return [item async for item in await response.parse()]
        # The view is awaited before it is entered, or entered at once.
        entering = call.batches.with_streaming_response.results(BATCH_ID)
        if not hasattr(entering, "__aenter__"):
            entering = await entering
        async with entering as response:
            parsed = response.parse()
            parsed = await parsed if hasattr(parsed, "__await__") else parsed
            return [item async for item in parsed]

    return call.portal.call(read)  # type: ignore[no-any-return]


# ---------------------------------------------------------------------------------------------------------------------
# Partial files


GOOD = lines(60, padding=200)
DATA = file_of(GOOD)


def _interrupted(serve: Any, connect: Any, target: Path, cut: int = 6000) -> tuple[Any, Any]:
    """A client, and a server that sent the beginning of the results and will send all of them next."""
    server = serve(retrieve=describes(len(GOOD)), results=serves(DATA, cut, None))
    call = connect(server)
    with pytest.raises(ClaudeBatchesError):
        call(lambda batches: batches.download(BATCH_ID, target, max_resumes=0))
    assert not target.exists()
    return call, server


def _partial(folder: Path) -> Path:
    """The file of the results that came already."""
    return next(path for path in folder.glob(".*") if path.read_bytes().startswith(GOOD[0]))


def _rewrite(path: Path, content: bytes) -> None:
    # In place, as a disk does it: the file stays the same one.
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def test_flipped_bit_in_partial(serve: Any, kind: str, connect: Any, tmp_path: Path) -> None:
    """A bit that flipped in a partial file never gets into the finished file."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    wrong = []
    for index in range(soak(6, 200)):
        folder = tmp_path / str(index)
        folder.mkdir()
        call, _ = _interrupted(serve, connect, folder / "results.jsonl", chance.randrange(1000, len(DATA)))
        partial = _partial(folder)
        content = bytearray(partial.read_bytes())
        place = chance.randrange(len(content))
        content[place] ^= 1 << chance.randrange(8)
        _rewrite(partial, bytes(content))
        call(lambda batches, folder=folder: batches.download(BATCH_ID, folder / "results.jsonl"))
        if (folder / "results.jsonl").read_bytes() != DATA:
            wrong.append(place)
    assert wrong == []


JUNK = {
    "nonsense": file_of(b"junk %d" % index for index in range(len(GOOD))),
    "forged": file_of(lines(len(GOOD), prefix="forged")),
    "swapped": file_of(line(f"r{index}", "another text") for index in range(len(GOOD))),
}


@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_place_of_partial(serve: Any, connect: Any, tmp_path: Path, junk: str) -> None:
    """A partial file of as many lines as there are results does not pass for them."""
    target = tmp_path / "results.jsonl"
    call, server = _interrupted(serve, connect, target)
    partial = _partial(tmp_path)
    _rewrite(partial, JUNK[junk])
    call(lambda batches: batches.download(BATCH_ID, target))
    assert len(server.asked("results")) == 2
    assert target.read_bytes() == DATA


def test_zeros_in_partial(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A block of zeros in a partial file is replaced by the server's bytes."""
    target = tmp_path / "results.jsonl"
    call, _ = _interrupted(serve, connect, target)
    partial = _partial(tmp_path)
    content = partial.read_bytes()
    _rewrite(partial, content[:1000] + bytes(2048) + content[3048:])
    call(lambda batches: batches.download(BATCH_ID, target, max_resumes=1))
    assert target.read_bytes() == DATA


def test_symlink_in_place_of_partial(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A planted symlink is not followed where the partial file would be."""
    target, victim = tmp_path / "results.jsonl", tmp_path / "victim"
    call, _ = _interrupted(serve, connect, target)
    victim.write_bytes(b"precious\n")
    partial = _partial(tmp_path)
    partial.unlink()
    partial.symlink_to(victim)
    with pytest.raises(ClaudeBatchesError) as caught:
        call(lambda batches: batches.download(BATCH_ID, target))
    assert victim.read_bytes() == b"precious\n"
    assert isinstance(caught.value, claude_batches.DownloadTargetError)
    assert isinstance(caught.value, OSError)


def test_symlink_in_place_of_note(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A planted symlink is not followed where the files beside the partial file would be."""
    target, victim = tmp_path / "results.jsonl", tmp_path / "victim"
    call, _ = _interrupted(serve, connect, target)
    names = [name for name, content in hidden_files(tmp_path).items() if not content.startswith(GOOD[0])]
    assert names
    for path in tmp_path.glob(".*"):
        path.unlink()
    victim.write_bytes(b"precious\n")
    for name in names:
        (tmp_path / name).symlink_to(victim)
    # It may refuse, or do without the note.
    with _refused_or_done():
        call(lambda batches: batches.download(BATCH_ID, target))
    assert victim.read_bytes() == b"precious\n"
    assert not target.exists() or target.read_bytes() == DATA


class _refused_or_done:
    """Lets errors of the package pass."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, ClaudeBatchesError)


# ---------------------------------------------------------------------------------------------------------------------
# Values


NUMBERS = [123456789012345678901, -9223372036854775809, 2**64, 10**40, 2**63, -(2**63)]


@pytest.mark.parametrize("reader", ["results", "results_by_id", "download", "raw", "streamed"])
def test_large_integers_are_exact(serve: Any, connect: Any, tmp_path: Path, reader: str) -> None:
    """Integers beyond 64 bits are read as they are, in the input of a tool too."""
    wire = json.loads(line("r0"))
    block = {"type": "tool_use", "id": "t", "name": "add", "input": {"numbers": NUMBERS}}
    wire["result"]["message"]["content"] = [block]
    wire["result"]["message"]["new_field"] = NUMBERS
    data = file_of([json.dumps(wire).encode()])
    call = connect(serve(retrieve=describes(1), results=serves(data)))
    (item,) = _read(call, reader, tmp_path / "results.jsonl")
    assert item.result.message.content[0].input["numbers"] == NUMBERS
    assert [type(number) for number in item.to_dict()["result"]["message"]["new_field"]] == [int] * 6


def test_large_integers_beside_floats(serve: Any, connect: Any) -> None:
    """A line with a large integer keeps the floats and strings beside it."""
    text = '{"a": 123456789012345678901, "b": 1.5, "c": "123456789012345678901", "d": 1e30, "e": 0.1}'
    data = line("r0").replace(
        b'"stop_sequence": null', b'"stop_sequence": null, "new_field": ' + text.encode()
    )
    call = connect(serve(retrieve=describes(1), results=serves(file_of([data]))))
    (item,) = call.items(lambda batches: batches.results(BATCH_ID))
    found = item.to_dict()["result"]["message"]["new_field"]
    assert found == json.loads(text)
    assert {key: type(value) for key, value in found.items()} == {
        "a": int,
        "b": float,
        "c": str,
        "d": float,
        "e": float,
    }


def _depth(value: Any) -> int:
    depth = 0
    while value:
        depth, value = depth + 1, value[0]
    return depth


@pytest.mark.parametrize("where", ["input", "new_field"])
def test_deep_results_come_out_again(serve: Any, connect: Any, where: str) -> None:
    """to_dict() has no limit of depth below that of the parser."""
    deep = b"[" * 1000 + b"]" * 1000
    block = b'[{"type": "tool_use", "id": "t", "name": "add", "input": {"deep": ' + deep + b"}}]"
    data = (
        line("r0").replace(b'[{"type": "text", "text": "Hi"}]', block)
        if where == "input"
        else line("r0").replace(b'"stop_sequence": null', b'"new_field": ' + deep)
    )
    assert deep in data
    call = connect(serve(retrieve=describes(1), results=serves(file_of([data]))))
    (item,) = call.items(lambda batches: batches.results(BATCH_ID))
    wire = item.to_dict()["result"]["message"]
    found = wire["content"][0]["input"]["deep"] if where == "input" else wire["new_field"]
    assert _depth(found) == 999


# ---------------------------------------------------------------------------------------------------------------------
# Completeness


UNREADABLE = {
    "null": None,
    "empty": {},
    "words": {"succeeded": "many"},
    "floats": counts(3.0),
    "half": counts(None),
}


@pytest.mark.parametrize("form", UNREADABLE)
def test_unknown_completeness_is_said(
    serve: Any, connect: Any, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    """With unreadable request_counts the completeness of the stream is unknown, with one warning."""
    server = serve(retrieve=describes(3, request_counts=UNREADABLE[form]), results=serves(file_of(lines(3))))
    call = connect(server)
    with caplog.at_level(logging.WARNING, "claude_batches"):
        stream = call.read(lambda batches: batches.results(BATCH_ID))
    assert stream.complete is None
    assert len([record for record in caplog.records if record.name.startswith("claude_batches")]) == 1


def test_known_completeness_is_said(serve: Any, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """After a checked end the stream is complete, and nothing is warned of."""
    call = connect(serve(retrieve=describes(3), results=serves(file_of(lines(3)))))
    with caplog.at_level(logging.WARNING, "claude_batches"):
        stream = call.read(lambda batches: batches.results(BATCH_ID))
    assert stream.complete is True
    assert [record for record in caplog.records if record.name.startswith("claude_batches")] == []


def test_truncated_file_of_unknown_size(serve: Any, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A file that ends early and cleanly is not called complete where request_counts can't be read."""

    def results(wire: Wire, request: Request) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + file_of(lines(2)))
        wire.cut()

    call = connect(serve(retrieve=describes(3, request_counts={"succeeded": "3"}), results=results))
    with caplog.at_level(logging.WARNING, "claude_batches"):
        stream = call.read(lambda batches: batches.results(BATCH_ID))
    assert stream.complete is None
    assert "complete" in caplog.text.lower() or "request_counts" in caplog.text


@pytest.mark.parametrize("reader", ["results", "results_by_id", "download"])
def test_more_than_promised(serve: Any, connect: Any, tmp_path: Path, reader: str) -> None:
    """More results than request_counts promise are an error."""
    call = connect(serve(retrieve=describes(90), results=serves(file_of(lines(95)))))
    with pytest.raises(ResultsError) as caught:
        _read(call, reader, tmp_path / "results.jsonl")
    assert isinstance(caught.value, claude_batches.ExcessResultsError)
    assert not (tmp_path / "results.jsonl").exists()


# ---------------------------------------------------------------------------------------------------------------------
# Adopted batches


def test_batch_of_another_thread_is_not_adopted(serve: Any, connect: Any) -> None:
    """Reconciling does not adopt the batch that another thread of this process is making at the time."""
    made, decided = threading.Event(), threading.Event()

    def create(wire: Wire, request: Request) -> None:
        if request.custom_ids[0].startswith("other"):
            made.set()
            decided.wait(8)
            wire.send(answer(batch(2)))
        else:
            wire.cut(reset=True)

    def retrieve(wire: Wire, request: Request) -> None:
        # Only a batch that was adopted is asked for.
        decided.set()
        describes(2)(wire, request)

    page = {"data": [batch(2)], "has_more": False, "first_id": BATCH_ID, "last_id": BATCH_ID}
    server = serve(create=create, list=lambda wire, request: wire.send(answer(page)), retrieve=retrieve)
    call = connect(server)
    other = threading.Thread(
        target=lambda: call(lambda batches: batches.create(requests=requests(2, "other")))
    )
    other.start()
    assert made.wait(5)
    try:
        with pytest.raises(AmbiguousCreateError):
            call(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile", deadline=4))
    finally:
        decided.set()
        other.join(10)


def test_adopted_results_are_checked_by_all(serve: Any, connect: Any, tmp_path: Path) -> None:
    """Every way to read the results of an adopted batch raises at an id that was not sent."""
    page = {"data": [batch(2)], "has_more": False, "first_id": BATCH_ID, "last_id": BATCH_ID}
    server = serve(
        create=hangs_up,
        # The first look is before the create.
        list=in_turn(says({"data": [], "has_more": False}), says(page)),
        retrieve=describes(2),
        results=serves(file_of(lines(2, prefix="foreign"))),
    )
    call = connect(server)
    adopted = call(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert adopted.id == BATCH_ID
    unchecked = []
    for reader in ("results", "results_by_id", "download", "raw", "streamed"):
        try:
            _read(call, reader, tmp_path / "results.jsonl")
        except ForeignResultsError:
            continue
        unchecked.append(reader)
    assert unchecked == []
    assert not (tmp_path / "results.jsonl").exists()


# ---------------------------------------------------------------------------------------------------------------------
# Connections


def test_unsolicited_answer_is_not_taken(serve: Any, connect: Any) -> None:
    """An unsolicited response is not taken as that of the next create on the connection."""
    server = serve(
        retrieve=lambda wire, request: wire.send(answer(batch()) + answer(batch(id="msgbatch_forged"))),
        create=lambda wire, request: wire.send(answer(batch(id="msgbatch_real"))),
    )
    call = connect(server)
    call(lambda batches: batches.retrieve(BATCH_ID))
    assert call(lambda batches: batches.create(requests=requests())).id == "msgbatch_real"


def test_unsolicited_bytes_are_not_taken(serve: Any, connect: Any) -> None:
    """The beginning of an unsolicited response does not affect the next create."""
    server = serve(
        retrieve=lambda wire, request: wire.send(answer(batch()) + b"HTTP/1.1 200 OK\r\nx-unasked: yes\r\n"),
        create=lambda wire, request: wire.send(answer(batch(id="msgbatch_real"))),
    )
    call = connect(server)
    call(lambda batches: batches.retrieve(BATCH_ID))
    raw = call(lambda batches: batches.with_raw_response.create(requests=requests()))
    assert call.run(raw.parse).id == "msgbatch_real"
    assert "x-unasked" not in raw.headers


FORKING = """
import os, sys
from claude_batches import Client

client = Client(api_key="any", base_url=sys.argv[1], max_retries=0)
client.messages.batches.retrieve("msgbatch_before")
who = "parent" if (child := os.fork()) else "child"
params = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "Hello"}]}
for index in range(int(sys.argv[2])):
    custom_id = f"{who}-{index}"
    batch = client.messages.batches.create(requests=[{"custom_id": custom_id, "params": params}])
    if batch.id != f"msgbatch_{custom_id}":
        os._exit(3)
if child:
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status))
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is missing")
def test_fork_shares_no_connection(serve: Any) -> None:
    """After a fork, parent and child have separate connections, and each gets its own batch ids."""

    def create(wire: Wire, request: Request) -> None:
        wire.send(answer(batch(id=f"msgbatch_{request.custom_ids[0]}")))

    server = serve(retrieve=describes(2), create=create, lifetime=soak(10, 60))
    done = subprocess.run(
        [sys.executable, "-c", FORKING, server.url, str(soak(3, 300))],
        timeout=90,
        capture_output=True,
        text=True,
        check=False,
    )
    used: dict[str, set[int]] = {"parent": set(), "child": set()}
    for request in server.asked("create"):
        used[request.custom_ids[0].partition("-")[0]].add(request.connection)
    assert used["child"].isdisjoint(used["parent"] | {0})
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------------------------------------------------------------
# Targets


def _place(what: str, path: Path) -> None:
    """Put something that is not a regular file at a path."""
    if what == "fifo":
        os.mkfifo(path)
    elif what == "socket":
        with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as bound:
            # The path of a socket has about a hundred bytes at most.
            bound.bind(f"{folder}/s")
            Path(folder, "s").rename(path)
    elif what == "device":
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("only root makes devices")
    elif what == "symlink":
        (path.parent / "victim").write_bytes(b"precious\n")
        path.symlink_to(path.parent / "victim")
    else:
        path.mkdir()


SPECIAL = ("fifo", "socket", "device", "symlink", "directory")


@pytest.mark.parametrize("what", SPECIAL)
def test_special_target_is_kept(serve: Any, connect: Any, tmp_path: Path, what: str) -> None:
    """A download replaces regular files only, and refuses others before anything is asked."""
    target = tmp_path / "results.jsonl"
    _place(what, target)
    before = target.lstat()
    server = serve(retrieve=describes(2), results=serves(file_of(lines(2))))
    call = connect(server)
    error = _failure(lambda: call(lambda batches: batches.download(BATCH_ID, target)))
    after = target.lstat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, OSError)
    assert isinstance(error, claude_batches.DownloadTargetError)
    assert server.requests == []


@pytest.mark.parametrize("what", SPECIAL)
def test_special_target_that_appears_late(serve: Any, connect: Any, tmp_path: Path, what: str) -> None:
    """A file that appears at the target during a download is not replaced either."""
    target = tmp_path / "results.jsonl"
    results = serves(file_of(lines(2)), during=lambda: _place(what, target))
    call = connect(serve(retrieve=describes(2), results=results))
    error = _failure(lambda: call(lambda batches: batches.download(BATCH_ID, target)))
    assert not stat.S_ISREG(target.lstat().st_mode)
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, claude_batches.DownloadTargetError)


@pytest.mark.parametrize("what", SPECIAL)
def test_special_file_in_place_of_partial(serve: Any, connect: Any, tmp_path: Path, what: str) -> None:
    """Only a regular file is written to as the partial file."""
    target = tmp_path / "results.jsonl"
    call, _ = _interrupted(serve, connect, target)
    partial = _partial(tmp_path)
    partial.unlink()
    _place(what, partial)
    error = _failure(lambda: call(lambda batches: batches.download(BATCH_ID, target)))
    assert os.path.lexists(partial), "it was moved away"
    assert not stat.S_ISREG(partial.lstat().st_mode)
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, claude_batches.DownloadTargetError)


def test_regular_target_is_replaced(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A regular file at the target is replaced."""
    target = tmp_path / "results.jsonl"
    target.write_bytes(b"old")
    call = connect(serve(retrieve=describes(2), results=in_turn(serves(file_of(lines(2))))))
    call(lambda batches: batches.download(BATCH_ID, target))
    assert target.read_bytes() == file_of(lines(2))


def _failure(function: Callable[[], object]) -> BaseException | None:
    """Return the exception of a call."""
    try:
        function()
    except Exception as error:
        return error
    return None
