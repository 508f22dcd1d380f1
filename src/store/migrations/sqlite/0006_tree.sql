-- The audit log as a tree. An entry commits without a position; the sequencer gives it one.
ALTER TABLE entries ADD COLUMN position BIGINT;
CREATE UNIQUE INDEX entries_by_position ON entries (position) WHERE position IS NOT NULL;
CREATE INDEX entries_unsequenced ON entries (id) WHERE position IS NULL;

-- Rows of up to 256 hashes (C2SP tlog-tiles), the last one of each level growing in place.
CREATE TABLE tree_tiles (
    level BIGINT NOT NULL,
    tile BIGINT NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, tile)
);

-- Every checkpoint that was signed.
CREATE TABLE checkpoints (
    size BIGINT PRIMARY KEY,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    signed_at BIGINT NOT NULL
);

-- Who does what only one may do at a time.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);
