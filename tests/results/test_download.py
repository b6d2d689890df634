"""Downloads: complete or not there, and never begun again from nothing without need."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from claude_batches._errors import ConfigurationError, PermissionDeniedError
from claude_batches._results._errors import (
    DuplicateResultsError,
    IncompleteResultsError,
    ResultsChangedError,
    ResultsError,
)
from claude_batches._results._file import results_from_file
from claude_batches._results._partial import DownloadProgress, PartialFile

from tests.support.results import BATCH_ID, Answer, ResultsServer, cut_places, whole

from .lines import file_of, lines_of, reordered, result, short, some_lines
from .readers import KINDS, Kind, async_batches, run, sync_batches

LINES = lines_of(short(name) for name in "abcdef")
# Cut at every byte, this is as good as more, and takes a sync of the disk for each byte.
FEW = LINES[:3]
kinds = pytest.mark.parametrize("kind", KINDS)


def download(kind: Kind, server: ResultsServer, path: Path | str, **options: Any) -> Path:
    def sync() -> Path:
        with sync_batches(server) as batches:
            return batches.download(BATCH_ID, path, **options)

    async def asynchronous() -> Path:
        async with async_batches(server) as batches:
            return await batches.download(BATCH_ID, path, **options)

    done: Path = run(kind, sync, asynchronous)
    return done


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@kinds
def test_the_file_has_all_lines_and_nothing_else_is_left(kind: Kind, tmp_path: Path) -> None:
    with ResultsServer([whole(LINES)], 6) as server:
        path = download(kind, server, str(tmp_path / "results.jsonl"))
    assert path == tmp_path / "results.jsonl"
    assert path.read_bytes() == file_of(LINES)
    assert left_behind(tmp_path) == []
    assert [item.custom_id for item in results_from_file(path)] == list("abcdef")


@kinds
def test_lines_are_kept_as_they_are_but_for_their_ends(kind: Kind, tmp_path: Path) -> None:
    odd = [b'  {"custom_id" :"a","result":{"type":"new kind"}, "more":1e400}', b"no result at all", LINES[1]]
    with ResultsServer([Answer(b"\r\n".join([b"", *odd, b"", b""]).removesuffix(b"\n"))], 3) as server:
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(odd)


@kinds
def test_a_cut_at_every_byte_is_made_up_for_in_the_same_call(kind: Kind, tmp_path: Path) -> None:
    for place in cut_places(FEW, "identity"):
        with ResultsServer([whole(FEW, cut=place), whole(FEW)], 3) as server:
            assert download(kind, server, tmp_path / "x").read_bytes() == file_of(FEW), place
    assert left_behind(tmp_path) == []


@kinds
@pytest.mark.parametrize("ranges", [True, False], ids=["range", "no range"])
def test_a_cut_at_every_byte_is_made_up_for_by_a_later_call(kind: Kind, ranges: bool, tmp_path: Path) -> None:
    for place in cut_places(FEW, "identity"):
        with ResultsServer([whole(FEW, cut=place, ranges=ranges), whole(FEW, ranges=ranges)], 3) as server:
            if place < len(file_of(FEW)) - 1:
                with pytest.raises(IncompleteResultsError):
                    download(kind, server, tmp_path / "x", max_resumes=0)
                assert not (tmp_path / "x").exists()
                assert len(left_behind(tmp_path)) == (2 if place > len(FEW[0]) else 1)
            assert download(kind, server, tmp_path / "x").read_bytes() == file_of(FEW), place
            several_came = place >= len(file_of(FEW[:2]))
            if place < len(file_of(FEW)) - 1:
                assert ("range" in server.results_asked[-1].headers) == several_came
        assert left_behind(tmp_path) == []
        (tmp_path / "x").unlink()


@kinds
def test_a_later_call_goes_on_in_another_order(kind: Kind, tmp_path: Path) -> None:
    lines = some_lines(60)
    with ResultsServer([whole(lines, cut=20_000), whole(reordered(lines), etag='"v2"')], 60) as server:
        with pytest.raises(IncompleteResultsError):
            download(kind, server, tmp_path / "x", max_resumes=0)
        path = download(kind, server, tmp_path / "x")
    assert path.read_bytes().startswith(file_of(lines[:10]))
    assert path.read_bytes() != file_of(lines)
    assert sorted(item.custom_id for item in results_from_file(path)) == sorted(f"r-{n}" for n in range(60))


@kinds
@pytest.mark.parametrize(
    "answer", [Answer(status=416), Answer(status=412), whole(LINES, headers={"etag": '"v2"'})]
)
def test_a_later_call_that_can_not_have_the_rest_reads_the_whole(
    kind: Kind, answer: Answer, tmp_path: Path
) -> None:
    with ResultsServer([whole(LINES, cut=150), answer, whole(LINES)], 6) as server:
        with pytest.raises(IncompleteResultsError):
            download(kind, server, tmp_path / "x", max_resumes=0)
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)
        ranges = [asked.headers.get("range") is not None for asked in server.results_asked]
    assert ranges == [False, True, False]


@kinds
def test_a_later_call_that_is_refused_says_why(kind: Kind, tmp_path: Path) -> None:
    with ResultsServer([whole(LINES, cut=150), Answer(status=403)], 6) as server:
        with pytest.raises(IncompleteResultsError):
            download(kind, server, tmp_path / "x", max_resumes=0)
        with pytest.raises(PermissionDeniedError):
            download(kind, server, tmp_path / "x")
    assert len(left_behind(tmp_path)) == 2


@kinds
def test_a_line_that_was_half_written_in_a_crash_is_written_anew(kind: Kind, tmp_path: Path) -> None:
    part = tmp_path / f".x.{BATCH_ID}.part"
    part.write_bytes(file_of(LINES[:3]) + LINES[3][:20])
    with ResultsServer([whole(LINES)], 6) as server:
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)


@kinds
def test_a_crash_just_before_the_end_needs_nothing_from_the_server_but_the_batch(
    kind: Kind, tmp_path: Path
) -> None:
    (tmp_path / f".x.{BATCH_ID}.part").write_bytes(file_of(LINES))
    with ResultsServer([Answer(status=500)], 6) as server:
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)
        assert server.results_asked == []


@kinds
@pytest.mark.parametrize("note", [b"{", b"[]", b'{"header": 1}', b"\xff"])
def test_a_damaged_note_only_costs_reading_again(kind: Kind, tmp_path: Path, note: bytes) -> None:
    part = tmp_path / f".x.{BATCH_ID}.part"
    part.write_bytes(file_of(LINES[:3]))
    part.with_name(part.name + ".json").write_bytes(note)
    with ResultsServer([whole(LINES)], 6) as server:
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)
        assert "range" not in server.results_asked[0].headers


@kinds
def test_a_part_that_has_a_result_twice_is_not_gone_on_with(kind: Kind, tmp_path: Path) -> None:
    (tmp_path / f".x.{BATCH_ID}.part").write_bytes(file_of([*LINES[:3], *LINES[:3]]))
    with ResultsServer([whole(LINES)], 6) as server:
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)


@kinds
def test_a_part_that_the_file_contradicts_is_thrown_away(kind: Kind, tmp_path: Path) -> None:
    part = tmp_path / f".x.{BATCH_ID}.part"
    part.write_bytes(file_of([*lines_of([result("a", "other")]), LINES[1]]))
    with ResultsServer([whole(LINES)], 6) as server:
        with pytest.raises(ResultsChangedError):
            download(kind, server, tmp_path / "x")
        assert left_behind(tmp_path) == []
        assert download(kind, server, tmp_path / "x").read_bytes() == file_of(LINES)


@kinds
def test_an_incomplete_file_never_gets_its_name(kind: Kind, tmp_path: Path) -> None:
    with ResultsServer([whole(LINES[:5])], 6) as server, pytest.raises(IncompleteResultsError):
        download(kind, server, tmp_path / "x")
    assert not (tmp_path / "x").exists()


@kinds
def test_a_file_with_a_result_twice_never_gets_its_name(kind: Kind, tmp_path: Path) -> None:
    many = some_lines(2000)
    with ResultsServer([whole([*many, many[0]])], 2000) as server, pytest.raises(DuplicateResultsError):
        download(kind, server, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@kinds
def test_an_earlier_file_stays_until_the_new_one_is_complete(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("earlier")
    with ResultsServer([whole(LINES, cut=100), whole(LINES)], 6) as server:
        with pytest.raises(IncompleteResultsError):
            download(kind, server, path, max_resumes=0)
        assert path.read_text() == "earlier"
        download(kind, server, path)
    assert path.read_bytes() == file_of(LINES)


@kinds
def test_progress_tells_bytes_and_lines(kind: Kind, tmp_path: Path) -> None:
    lines = some_lines(2000, longest=3000)
    told: list[DownloadProgress] = []
    with ResultsServer([whole(lines)], 2000) as server:
        download(kind, server, tmp_path / "x", progress=told.append)
    assert len(told) >= 3
    assert [progress.bytes for progress in told] == sorted(progress.bytes for progress in told)
    assert told[-1] == DownloadProgress(len(file_of(lines)), 2000, 2000)


@pytest.mark.parametrize("name", ["x.gz", "x.jsonl.GZ", "x.zst"])
def test_a_name_that_promises_compression_is_refused(tmp_path: Path, name: str) -> None:
    with ResultsServer([whole(LINES)], 6) as server, pytest.raises(ConfigurationError, match=name):
        download("sync", server, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@kinds
def test_a_folder_that_is_not_there_is_named_before_anything_is_asked(kind: Kind, tmp_path: Path) -> None:
    with (
        ResultsServer([whole(LINES)], 6) as server,
        pytest.raises(FileNotFoundError, match=r"no such folder to download to: .*missing'"),
    ):
        download(kind, server, tmp_path / "missing" / "x")


def test_two_downloads_to_one_path_do_not_mix(tmp_path: Path) -> None:
    first = PartialFile(tmp_path / "x", BATCH_ID, None)
    with ResultsServer([whole(LINES)], 6) as server:
        with pytest.raises(ResultsError, match="another"):
            download("sync", server, tmp_path / "x")
        first.close()
        assert download("sync", server, tmp_path / "x").read_bytes() == file_of(LINES)


def test_a_batch_id_leads_nowhere_else(tmp_path: Path) -> None:
    partial = PartialFile(tmp_path / "x", "../../evil", None)
    partial.close()
    assert left_behind(tmp_path) == [".x.______evil.part"]


def test_what_identifies_the_file_is_noted_beside_it(tmp_path: Path) -> None:
    with ResultsServer([whole(LINES, cut=100)], 6) as server, pytest.raises(IncompleteResultsError):
        download("sync", server, tmp_path / "x", max_resumes=0)
    (note,) = [path for path in tmp_path.iterdir() if path.name.endswith(".json")]
    assert json.loads(note.read_text()) == {"header": "etag", "value": '"v1"'}


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_download_goes_on_later(kind: Kind, tmp_path: Path) -> None:
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
