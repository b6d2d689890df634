"""A damaged state file is refused, or its damage changes nothing that can be read."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import BATCHES, Caller

ROUNDS = 60


def reply(request: dict[str, Any]) -> str | None:
    return "My own words" if request["custom_id"] == "r1" else None


def contents(state: Path) -> list[Any]:
    """Everything that a client can read from a state file."""
    with Sandbox(instant=True, state=state, reply=reply) as sandbox:
        caller = Caller(sandbox.url)
        batches = caller.page(limit=1000)["data"]
        ids = [batch["id"] for batch in batches]
        lines = [caller.http.get(f"{BATCHES}/{each}/results").content for each in ids]
        shown = [caller.http.get(f"/batches/{each}").text.count("details id=") for each in ids]
        caller.http.close()
        # The port is another one each time.
        return [[{**batch, "results_url": None} for batch in batches], lines, shown]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Any]]:
    """The bytes of a sound state file, and its contents."""
    state = tmp_path_factory.mktemp("state") / "sound.sqlite"
    with Sandbox(instant=True, state=state, reply=reply) as sandbox:
        caller = Caller(sandbox.url)
        for number in range(4):
            caller.results(caller.create(*(f"text {number} {index}" * 9 for index in range(40)))["id"])
        caller.http.close()
    expected = contents(state)
    return state.read_bytes(), expected


@pytest.mark.parametrize("kind", ["flipped bit", "zeroed block", "cut short"])
def test_damage_is_refused_or_without_effect(sound: tuple[bytes, list[Any]], tmp_path: Path, kind: str):
    """After random damage the sandbox refuses the file in words, or all that can be read is as before."""
    whole, expected = sound
    random = Random(kind)
    state = tmp_path / "damaged.sqlite"
    refused = 0
    for _ in range(ROUNDS // 3):
        damaged = bytearray(whole)
        at = random.randrange(len(damaged))
        if kind == "flipped bit":
            damaged[at] ^= 1 << random.randrange(8)
        elif kind == "zeroed block":
            damaged[at : at + 512] = bytes(len(damaged[at : at + 512]))
        else:
            del damaged[at:]
        state.write_bytes(damaged)
        for leftover in tmp_path.glob("damaged.sqlite-*"):
            leftover.unlink()
        try:
            found = contents(state)
        except ValueError as error:
            assert "damaged or not a state file" in str(error)  # noqa: PT017 - either way may be right
            refused += 1
        else:
            assert found == expected
    assert refused > 0


def test_an_older_layout_is_refused(tmp_path: Path):
    """A state file of another version of the sandbox is named as such."""
    import sqlite3

    state = tmp_path / "old.sqlite"
    with sqlite3.connect(state) as database:
        database.execute("create table batch (number integer)")
        database.execute("pragma user_version = 1")
    database.close()
    with pytest.raises(ValueError, match="its layout is number 1"):
        Sandbox(state=state).start()
