"""The schema of a ledger, the same for both backends; docs/jobs.md describes it.

`MIGRATIONS[n]` leads from version n to n + 1. A released migration never changes: a new one is added.
"""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION_ID", "MIGRATIONS", "VERSION", "statements"]

#: Marks a SQLite file as a ledger of this package ("CBJL").
APPLICATION_ID: Final = 0x43424A4C

_FIRST: Final = """
CREATE TABLE job (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    token TEXT NOT NULL,
    ids TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    next_position INTEGER NOT NULL,
    next_shard INTEGER NOT NULL,
    options TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE shard (
    number INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    requests INTEGER NOT NULL,
    bytes BIGINT NOT NULL,
    codec TEXT NOT NULL,
    hash TEXT NOT NULL,
    facts TEXT NOT NULL,
    first INTEGER NOT NULL,
    positions BLOB,
    owner TEXT,
    sends INTEGER NOT NULL DEFAULT 0,
    intent_at DOUBLE PRECISION,
    doubt_at DOUBLE PRECISION,
    batch_id TEXT UNIQUE,
    created_at DOUBLE PRECISION,
    ended_at DOUBLE PRECISION,
    counts TEXT,
    failures INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE item (
    position INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    shard INTEGER NOT NULL,
    place INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 1,
    cause TEXT,
    result INTEGER
);
CREATE INDEX item_again ON item (position) WHERE state > 1;
CREATE TABLE twin (
    position INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    item INTEGER NOT NULL,
    columns BLOB NOT NULL
);
CREATE TABLE earlier (
    position INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    place INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    cause TEXT,
    result INTEGER,
    PRIMARY KEY (position, shard)
);
CREATE TABLE change (
    position INTEGER PRIMARY KEY,
    params BLOB NOT NULL
);
CREATE TABLE block (
    kind INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    number INTEGER NOT NULL,
    start BIGINT NOT NULL,
    length BIGINT NOT NULL,
    PRIMARY KEY (kind, shard, number)
);
CREATE TABLE spent (
    shard INTEGER NOT NULL,
    model TEXT NOT NULL,
    tier TEXT NOT NULL,
    cause TEXT NOT NULL,
    kept INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    tokens TEXT NOT NULL,
    PRIMARY KEY (shard, model, tier, cause, kept)
);
CREATE TABLE candidate (
    shard INTEGER NOT NULL,
    batch_id TEXT NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (shard, batch_id)
);
CREATE TABLE worker (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    expires DOUBLE PRECISION NOT NULL
);
"""

#: Bodies and results on a stage, and the writes that put them there.
_STAGE: Final = """
CREATE TABLE stage_write (
    id TEXT PRIMARY KEY,
    place TEXT NOT NULL,
    state TEXT NOT NULL,
    begun_at DOUBLE PRECISION NOT NULL,
    columns TEXT,
    added BIGINT NOT NULL DEFAULT 0,
    known BIGINT NOT NULL DEFAULT 0,
    shards INTEGER NOT NULL DEFAULT 0,
    taken TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE staged (
    kind INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (kind, shard)
);
CREATE INDEX twin_item ON twin (item);
"""

#: The workers that add or send requests: those that only watch wait for them. And the input's columns, so that a table
#: of results is begun with all of them; `unlisted` is the position up to which they are not noted.
_COLUMNS: Final = """
ALTER TABLE worker ADD COLUMN sends INTEGER NOT NULL DEFAULT 0;
CREATE TABLE input_column (
    name BLOB PRIMARY KEY,
    place INTEGER NOT NULL,
    kinds INTEGER NOT NULL
);
ALTER TABLE job ADD COLUMN unlisted INTEGER NOT NULL DEFAULT 0;
UPDATE job SET unlisted = next_position;
"""

MIGRATIONS: Final = (_FIRST, _STAGE, _COLUMNS)
VERSION: Final = len(MIGRATIONS)


def statements(script: str) -> list[str]:
    """Return the statements of a migration."""
    return [each.strip() for each in script.split(";") if each.strip()]
