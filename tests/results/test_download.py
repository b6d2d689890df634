"""Downloads: the file is complete or absent, and an earlier download is continued."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from claude_batches import (
    APIConnectionError,
    BadLineError,
    ConfigurationError,
    DownloadProgress,
    DownloadTargetError,
    DuplicateResultsError,
    ExcessResultsError,
    IncompleteResultsError,
    InternalServerError,
    PermissionDeniedError,
    ResultsChangedError,
    ResultsError,
    results_from_file,
)

from tests.results.lines import file_of, lines_of, reordered, result, short, some_lines
from tests.results.readers import KINDS, Kind, call
from tests.support.results import BATCH_ID, Answer, ResultsServer, cut_places, whole

LINES = lines_of(short(name) for name in "abcdef")
# Cut at every byte, few lines prove as much as many, and each cut takes a sync of the disk.
FEW = LINES[:3]
kinds = pytest.mark.parametrize("kind", KINDS)


def download(kind: Kind, server: ResultsServer, path: Path | str, **options: Any) -> Path:
    done: Path = call(kind, server, "download", BATCH_ID, path, **options)
    return done


def interrupted(server: ResultsServer, path: Path) -> None:
    """Download until the first failure."""
    with pytest.raises(IncompleteResultsError):
        download("sync", server, path, max_resumes=0)


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def part_in(folder: Path) -> Path:
    return folder / f".x.{BATCH_ID}.part"


def note_in(folder: Path) -> Path:
    return folder / f".x.{BATCH_ID}.part.json"


@kinds
def test_the_file_has_all_lines(kind: Kind, tmp_path: Path) -> None:
    """The file has all lines, and no other file stays."""
    with ResultsServer([whole(LINES)], 6) as server:
        path = download(kind, server, str(tmp_path / "results.jsonl"))
    assert path == tmp_path / "results.jsonl"
    assert path.read_bytes() == file_of(LINES)
    assert left_behind(tmp_path) == []
    assert [item.custom_id for item in results_from_file(path)] == list("abcdef")


@kinds
def test_lines_are_kept_as_they_are(kind: Kind, tmp_path: Path) -> None:
    """Lines keep their bytes, without blank lines and carriage returns."""
    odd = [b'  {"custom_id" :"a","result":{"type":"new kind"}, "more":123456789012345678901}', LINES[1]]
    with ResultsServer([Answer(b"\r\n".join([b"", *odd, b"", b""]).removesuffix(b"\n"))], 2) as server:
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(odd)


# ---------------------------------------------------------------------------------------------------------------------
# Bad lines


@kinds
def test_a_bad_line_ends_a_download(kind: Kind, tmp_path: Path) -> None:
    """A bad line raises with its place, and the lines before it are kept for the next call."""
    with ResultsServer([whole([*LINES[:3], b"<html>", *LINES[3:]]), whole(LINES)], 6) as server:
        with pytest.raises(BadLineError) as caught:
            download(kind, server, tmp_path / "x")
        assert (caught.value.line_number, caught.value.byte_offset) == (4, len(file_of(LINES[:3])))
        assert part_in(tmp_path).read_bytes().startswith(file_of(LINES[:3]))
        assert not (tmp_path / "x").exists()
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)


@kinds
def test_the_place_of_a_bad_line_after_a_resume(kind: Kind, tmp_path: Path) -> None:
    """A continued download counts lines and bytes from the start of the file."""
    lines = [*LINES[:4], b"bad", *LINES[4:]]
    with ResultsServer([whole(lines, cut=len(file_of(LINES[:2]))), whole(lines)], 6) as server:
        interrupted(server, tmp_path / "x")
        with pytest.raises(BadLineError) as caught:
            download(kind, server, tmp_path / "x")
        assert "range" in server.results_asked[-1].headers
    assert (caught.value.line_number, caught.value.byte_offset) == (5, len(file_of(LINES[:4])))


@kinds
def test_skipped_lines_are_left_out(kind: Kind, tmp_path: Path) -> None:
    """A skipped line is not written, and a function gets its error."""
    errors: list[BadLineError] = []
    with ResultsServer([whole([*LINES[:3], b"<html>", *LINES[3:]])], 6) as server:
        download(kind, server, tmp_path / "x", on_bad_line="skip")
        download(kind, server, tmp_path / "y", on_bad_line=errors.append)
    assert (tmp_path / "x").read_bytes() == file_of(LINES)
    assert (tmp_path / "y").read_bytes() == file_of(LINES)
    assert [error.line_number for error in errors] == [4]


@kinds
def test_skipped_lines_do_not_count(kind: Kind, tmp_path: Path) -> None:
    """An error page in place of half the results is not a complete file."""
    page = [b"<html>", b"<p>x</p>", b"</html>"]
    with ResultsServer([whole([*LINES[:3], *page])], 6) as server, pytest.raises(IncompleteResultsError):
        download(kind, server, tmp_path / "x", on_bad_line="skip")
    assert not (tmp_path / "x").exists()


@kinds
def test_skipping_survives_a_resume(kind: Kind, tmp_path: Path) -> None:
    """A download with skipped lines is continued by a later call."""
    lines = [LINES[0], b"bad", *LINES[1:3], LINES[3][:20], *LINES[4:]]
    with ResultsServer([whole(lines, cut=len(file_of(lines[:4]))), whole(lines)], 6) as server:
        with pytest.raises(IncompleteResultsError):
            download(kind, server, tmp_path / "x", max_resumes=0, on_bad_line="skip")
        download(kind, server, tmp_path / "x", on_bad_line="skip")
    assert (tmp_path / "x").read_bytes() == file_of([*LINES[:3], *LINES[4:]])


@kinds
def test_errors_of_functions_are_not_resumed(kind: Kind, tmp_path: Path) -> None:
    """An API error that a user's function raises ends the download."""
    from claude_batches import Client

    def ask_elsewhere(_: object) -> None:
        with Client(base_url="http://127.0.0.1:1", api_key="k", max_retries=0) as client:
            client.messages.batches.retrieve("msgbatch_other")

    with ResultsServer([whole([b"bad", *LINES])], 6) as server:
        with pytest.raises(APIConnectionError):
            download(kind, server, tmp_path / "x", on_bad_line=ask_elsewhere)
        assert len(server.results_asked) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Resuming


@kinds
def test_a_cut_at_every_byte_in_one_call(kind: Kind, tmp_path: Path) -> None:
    """A cut at any byte is cured by the same call."""
    for place in cut_places(FEW, "identity"):
        with ResultsServer([whole(FEW, cut=place), whole(FEW)], 3) as server:
            assert download(kind, server, tmp_path / "x").read_bytes() == file_of(FEW), place
    assert left_behind(tmp_path) == []


@kinds
@pytest.mark.parametrize("ranges", [True, False], ids=["range", "no range"])
def test_a_cut_at_every_byte_over_two_calls(kind: Kind, ranges: bool, tmp_path: Path) -> None:
    """After a cut at any byte a later call requests the rest."""
    for place in cut_places(FEW, "identity"):
        with ResultsServer([whole(FEW, cut=place, ranges=ranges), whole(FEW, ranges=ranges)], 3) as server:
            cut = place < len(file_of(FEW)) - 1
            if cut:
                with pytest.raises(IncompleteResultsError):
                    download(kind, server, tmp_path / "x", max_resumes=0)
                assert not (tmp_path / "x").exists()
                assert len(left_behind(tmp_path)) == (2 if place else 1)
                assert part_in(tmp_path).read_bytes() == file_of(FEW)[:place]
            assert download(kind, server, tmp_path / "x").read_bytes() == file_of(FEW), place
            if cut:
                assert ("range" in server.results_asked[-1].headers) == bool(place)
        assert left_behind(tmp_path) == []
        (tmp_path / "x").unlink()


@kinds
def test_long_lines_progress_over_calls(kind: Kind, tmp_path: Path) -> None:
    """A line is finished though each call ends within it."""
    lines = lines_of(result(name, "x" * 100_000) for name in "ab")
    path = tmp_path / "x"
    with ResultsServer([whole(lines, cut=30_000)], 2) as server:
        calls = 0
        while not path.exists():
            calls += 1
            assert calls < 10
            try:
                download(kind, server, path, max_resumes=0)
            except IncompleteResultsError:
                continue
    assert path.read_bytes() == file_of(lines)
    assert calls > 5


@kinds
def test_dying_connections_end_at_last(kind: Kind, tmp_path: Path) -> None:
    """Lines of a megabyte arrive over connections that die after 450 KB."""
    lines = lines_of(result(name, "x" * 1_000_000) for name in "abc")
    with ResultsServer([whole(lines, cut=450_000)], 3) as server:
        assert download(kind, server, tmp_path / "x", max_resumes=1).read_bytes() == file_of(lines)
        starts = [int(asked.headers["range"][6:-1]) for asked in server.results_asked[1:]]
    assert starts == sorted(set(starts))


@kinds
def test_another_order_is_continued(kind: Kind, tmp_path: Path) -> None:
    """A later call continues with a file in another order."""
    lines = some_lines(60)
    with ResultsServer([whole(lines, cut=20_000), whole(reordered(lines), etag='"v2"')], 60) as server:
        interrupted(server, tmp_path / "x")
        path = download(kind, server, tmp_path / "x")
    assert path.read_bytes().startswith(file_of(lines[:10]))
    assert path.read_bytes() != file_of(lines)
    assert sorted(item.custom_id for item in results_from_file(path)) == sorted(f"r-{n}" for n in range(60))


@kinds
def test_an_interruption_in_another_order(kind: Kind, tmp_path: Path) -> None:
    """A download that is interrupted while the order differs is continued."""
    lines = some_lines(60)
    again = reordered(lines)
    answers = [whole(lines, cut=20_000), whole(again, etag='"v2"', cut=30_000), whole(again, etag='"v2"')]
    with ResultsServer(answers, 60) as server:
        interrupted(server, tmp_path / "x")
        interrupted(server, tmp_path / "x")
        path = download(kind, server, tmp_path / "x")
    assert sorted(path.read_bytes().splitlines()) == sorted(lines)


@kinds
@pytest.mark.parametrize(
    "answer", [Answer(status=416), Answer(status=412), whole(LINES, headers={"etag": '"v2"'})]
)
def test_a_refused_range_reads_the_whole(kind: Kind, answer: Answer, tmp_path: Path) -> None:
    """A later call that can't get the rest reads the whole file."""
    with ResultsServer([whole(LINES, cut=150), answer, whole(LINES)], 6) as server:
        interrupted(server, tmp_path / "x")
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)
        ranges = [asked.headers.get("range") is not None for asked in server.results_asked]
    assert ranges == [False, True, False]


@kinds
def test_a_refused_call_keeps_the_partial_file(kind: Kind, tmp_path: Path) -> None:
    """A refusal is raised as it is, and the partial file stays."""
    with ResultsServer([whole(LINES, cut=150), Answer(status=403)], 6) as server:
        interrupted(server, tmp_path / "x")
        with pytest.raises(PermissionDeniedError):
            download(kind, server, tmp_path / "x")
    assert left_behind(tmp_path) == [part_in(tmp_path).name, note_in(tmp_path).name]


@kinds
def test_a_compressed_file_is_continued(kind: Kind, tmp_path: Path) -> None:
    """A download that begins with gzip is continued without."""
    lines = some_lines(60)
    answers = [whole(lines, encoding="gzip", cut=9000), whole(lines, encoding="gzip")]
    with ResultsServer(answers, 60) as server:
        interrupted(server, tmp_path / "x")
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(lines)
        assert server.results_asked[1].headers["accept-encoding"] == "identity"
    assert len(gzip.compress(file_of(lines))) > 9000


@kinds
def test_a_crash_before_the_end_asks_for_nothing(kind: Kind, tmp_path: Path) -> None:
    """A complete partial file is moved without asking for results."""

    def crash(progress: DownloadProgress) -> None:
        raise KeyboardInterrupt

    with ResultsServer([whole(LINES), Answer(status=500)], 6) as server:
        with pytest.raises(KeyboardInterrupt):
            download(kind, server, tmp_path / "x", progress=crash)
        assert not (tmp_path / "x").exists()
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)
        assert len(server.results_asked) == 1


@kinds
def test_an_interrupted_download_is_continued(kind: Kind, tmp_path: Path) -> None:
    """After an interruption the next call requests the rest."""

    def interrupt(progress: DownloadProgress) -> None:
        raise KeyboardInterrupt

    lines = some_lines(1500, longest=3000)
    with ResultsServer([whole(lines)], 1500) as server:
        with pytest.raises(KeyboardInterrupt):
            download(kind, server, tmp_path / "x", progress=interrupt)
        done = threading.Event()
        path = download(kind, server, tmp_path / "x", progress=lambda _: done.set())
        assert done.is_set()
        assert path.read_bytes() == file_of(lines)
        assert int(server.results_asked[-1].headers["range"][6:-1]) > 900_000


KILLED = """
import sys
from claude_batches import Client

with Client(api_key="k", base_url=sys.argv[1], max_retries=0) as client:
    client.messages.batches.download(sys.argv[2], sys.argv[3], progress=lambda _: print("more", flush=True))
"""


def test_kills_leave_the_right_bytes(tmp_path: Path) -> None:
    """A download that is killed again and again ends with the right bytes."""
    chance = random.Random(7)
    lines = some_lines(6000, longest=3000)
    path = tmp_path / "x"
    command = [sys.executable, "-c", KILLED]
    with ResultsServer([whole(lines)], len(lines)) as server:
        for _ in range(6):
            with subprocess.Popen(
                [*command, server.url, BATCH_ID, str(path)], stdout=subprocess.PIPE
            ) as process:
                assert process.stdout is not None
                for _ in range(chance.randrange(1, 4)):
                    process.stdout.readline()
                os.kill(process.pid, signal.SIGKILL)
        assert download("sync", server, path).read_bytes() == file_of(lines)
        resumed = [asked for asked in server.results_asked if "range" in asked.headers]
    assert resumed or len(server.results_asked) == 1
    assert left_behind(tmp_path) == []


# ---------------------------------------------------------------------------------------------------------------------
# The partial file


def test_the_note_has_validator_and_checksums(tmp_path: Path) -> None:
    """The note names the version of the file, its size and a checksum for each block."""
    with ResultsServer([whole(LINES, cut=100)], 6) as server:
        interrupted(server, tmp_path / "x")
    note = json.loads(note_in(tmp_path).read_text())
    assert note["validator"] == {"header": "etag", "value": '"v1"'}
    assert note["size"] == part_in(tmp_path).stat().st_size == 100


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a flipped bit": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
    "zeros": lambda data: data[:50] + bytes(40) + data[90:],
    "cut": lambda data: data[:-30],
    "longer": lambda data: data + file_of(lines_of([short("forged")])),
    "junk lines": lambda data: b"junk\n" * 6,
    "forged lines": lambda data: file_of(lines_of(short(f"forged{n}") for n in range(6))),
    "repeated lines": lambda data: file_of([*LINES[:3], *LINES[:3]]),
    "empty": lambda data: b"",
}


@kinds
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("ranges", [True, False], ids=["range", "no range"])
def test_damage_never_reaches_the_file(kind: Kind, damage: str, ranges: bool, tmp_path: Path) -> None:
    """A damaged partial file is verified, and its wrong part is read again."""
    with ResultsServer([whole(LINES, cut=200, ranges=ranges), whole(LINES, ranges=ranges)], 6) as server:
        interrupted(server, tmp_path / "x")
        part = part_in(tmp_path)
        part.write_bytes(DAMAGE[damage](part.read_bytes()))
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)
        assert len(server.results_asked) == 2


@kinds
def test_damage_costs_only_the_later_blocks(kind: Kind, tmp_path: Path) -> None:
    """Blocks before the damaged one are not read again."""
    lines = some_lines(6000, longest=3000)
    with ResultsServer([whole(lines, cut=3_500_000), whole(lines)], 6000) as server:
        interrupted(server, tmp_path / "x")
        with part_in(tmp_path).open("r+b") as file:
            file.seek(2_500_000)
            file.write(b"\0")
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(lines)
        start = int(server.results_asked[-1].headers["range"][6:-1])
    assert 2_000_000 < start < 2_500_000


@kinds
@pytest.mark.parametrize(
    "note", [b"{", b"[]", b'{"version": 2}', b'{"version": 1, "size": 9}', b"\xff", None]
)
def test_a_damaged_note_costs_reading_again(kind: Kind, tmp_path: Path, note: bytes | None) -> None:
    """Without a readable note the partial file is not trusted."""
    with ResultsServer([whole(LINES, cut=200), whole(LINES)], 6) as server:
        interrupted(server, tmp_path / "x")
        note_in(tmp_path).unlink()
        if note is not None:
            note_in(tmp_path).write_bytes(note)
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)
        assert "range" not in server.results_asked[-1].headers


@kinds
def test_a_contradicted_partial_file_is_deleted(kind: Kind, tmp_path: Path) -> None:
    """Lines that the server's file contradicts raise once, and the next call starts anew."""
    other = [*lines_of([result("a", "other")]), *LINES[1:]]
    answers = [whole(other, cut=len(file_of(other[:2]))), whole(LINES, etag='"v2"')]
    with ResultsServer(answers, 6) as server:
        interrupted(server, tmp_path / "x")
        with pytest.raises(ResultsChangedError):
            download(kind, server, tmp_path / "x")
        assert left_behind(tmp_path) == []
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)


@pytest.mark.parametrize("name", ["part", "note", "new note"])
def test_planted_links_are_not_followed(name: str, tmp_path: Path) -> None:
    """A symbolic link in place of a file beside the target is never written through."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious\n")
    places = {"part": part_in(tmp_path), "note": note_in(tmp_path)}
    places["new note"] = tmp_path / f"{note_in(tmp_path).name}.new"
    places[name].symlink_to(victim)
    with ResultsServer([whole(LINES, cut=100), whole(LINES)], 6) as server:
        if name == "part":
            with pytest.raises(DownloadTargetError):
                download("sync", server, tmp_path / "x")
        else:
            interrupted(server, tmp_path / "x")
            assert download("sync", server, tmp_path / "x").read_bytes() == file_of(LINES)
    assert victim.read_bytes() == b"precious\n"


def test_batch_ids_stay_in_the_folder(tmp_path: Path) -> None:
    """No character of a batch id leads out of the folder of the target."""
    names: list[str] = []
    with ResultsServer([whole(LINES)], 6) as server:
        call(
            "sync",
            server,
            "download",
            "..\\evil.id",
            tmp_path / "x",
            progress=lambda _: names.extend(left_behind(tmp_path)),
        )
    assert names == [".x.___evil_id.part"]


def test_two_downloads_to_one_path_do_not_mix(tmp_path: Path) -> None:
    """A second download to the same path is refused while the first runs."""
    refused: list[ResultsError] = []

    def again(progress: DownloadProgress) -> None:
        with pytest.raises(ResultsError, match="another download") as caught:
            download("sync", server, tmp_path / "x")
        refused.append(caught.value)

    with ResultsServer([whole(LINES)], 6) as server:
        assert download("sync", server, tmp_path / "x", progress=again).read_bytes() == file_of(LINES)
    assert len(refused) == 1


# ---------------------------------------------------------------------------------------------------------------------
# The target


@kinds
def test_an_incomplete_file_gets_no_name(kind: Kind, tmp_path: Path) -> None:
    """The target appears only with all results."""
    with ResultsServer([whole(LINES[:5])], 6) as server, pytest.raises(IncompleteResultsError):
        download(kind, server, tmp_path / "x")
    assert not (tmp_path / "x").exists()


@kinds
@pytest.mark.parametrize(
    ("extra", "count", "error"), [(0, 2000, DuplicateResultsError), (None, 1999, ExcessResultsError)]
)
def test_untrusted_files_are_deleted(
    kind: Kind, extra: int | None, count: int, error: type[ResultsError], tmp_path: Path
) -> None:
    """A file with repeated results, or with more than promised, is not kept."""
    many = some_lines(2000)
    lines = many if extra is None else [*many, many[extra]]
    with ResultsServer([whole(lines)], count) as server, pytest.raises(error):
        download(kind, server, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@kinds
def test_an_earlier_file_stays_until_the_end(kind: Kind, tmp_path: Path) -> None:
    """An existing target keeps its content until the new one is complete."""
    path = tmp_path / "x"
    path.write_text("earlier")
    with ResultsServer([whole(LINES, cut=100), whole(LINES)], 6) as server:
        interrupted(server, path)
        assert path.read_text() == "earlier"
        download(kind, server, path)
    assert path.read_bytes() == file_of(LINES)


@kinds
def test_progress_tells_bytes_and_lines(kind: Kind, tmp_path: Path) -> None:
    """Progress grows, ends with all results, and is reported in the caller's thread."""
    lines = some_lines(2000, longest=3000)
    told: list[DownloadProgress] = []
    threads: set[int] = set()

    def note(progress: DownloadProgress) -> None:
        told.append(progress)
        threads.add(threading.get_ident())

    with ResultsServer([whole(lines)], 2000) as server:
        download(kind, server, tmp_path / "x", progress=note)
    assert len(told) >= 3
    assert [progress.bytes for progress in told] == sorted(progress.bytes for progress in told)
    assert told[-1] == DownloadProgress(len(file_of(lines)), 2000, 2000)
    assert threads == {threading.get_ident()}


@kinds
@pytest.mark.parametrize("name", ["x.gz", "x.jsonl.GZ", "x.zst"])
def test_names_of_compressed_files_are_refused(kind: Kind, tmp_path: Path, name: str) -> None:
    """A name that promises compression is refused before anything is asked."""
    with ResultsServer([whole(LINES)], 6) as server:
        with pytest.raises(ConfigurationError, match=name):
            download(kind, server, tmp_path / name)
        assert server.requests == []
    assert list(tmp_path.iterdir()) == []


@kinds
def test_a_missing_folder_is_named(kind: Kind, tmp_path: Path) -> None:
    """A missing folder is a FileNotFoundError of ours, before anything is asked."""
    with ResultsServer([whole(LINES)], 6) as server:
        with pytest.raises(
            FileNotFoundError, match=r"folder of the download does not exist.*missing'"
        ) as caught:
            download(kind, server, tmp_path / "missing" / "x")
        assert server.requests == []
    assert isinstance(caught.value, DownloadTargetError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), type(again)) == (str(caught.value), type(caught.value))


@kinds
def test_a_folder_as_target_is_refused(kind: Kind, tmp_path: Path) -> None:
    """A folder is refused before anything is asked."""
    with ResultsServer([whole(LINES)], 6) as server:
        with pytest.raises(DownloadTargetError, match="not of a folder"):
            download(kind, server, tmp_path)
        assert server.requests == []


@kinds
def test_a_target_that_becomes_special_is_kept(kind: Kind, tmp_path: Path) -> None:
    """A FIFO that appears at the target during a download is not replaced."""
    path = tmp_path / "x"
    with ResultsServer([whole(LINES)], 6) as server:
        with pytest.raises(DownloadTargetError):
            download(kind, server, path, progress=lambda _: os.mkfifo(path))
        assert path.is_fifo()
        path.unlink()
        assert download(kind, server, path).read_bytes() == file_of(LINES)
        assert len(server.results_asked) == 1


@kinds
def test_a_vanished_partial_file_is_our_error(kind: Kind, tmp_path: Path) -> None:
    """A partial file that is deleted during the download is a DownloadTargetError."""
    with ResultsServer([whole(LINES)], 6) as server, pytest.raises(DownloadTargetError):
        download(kind, server, tmp_path / "x", progress=lambda _: part_in(tmp_path).unlink())
    assert not (tmp_path / "x").exists()


@kinds
def test_errors_of_the_server_leave_no_file(kind: Kind, tmp_path: Path) -> None:
    """A download that never got a byte leaves nothing to continue."""
    with ResultsServer([Answer(status=500)], 6) as server, pytest.raises(InternalServerError):
        download(kind, server, tmp_path / "x")
    assert [path.stat().st_size for path in tmp_path.iterdir()] in ([], [0])
