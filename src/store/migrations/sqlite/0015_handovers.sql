-- Hand-overs of all clients of a leaving accountant that were completed.
CREATE TABLE handovers (
    id TEXT PRIMARY KEY,
    -- Signed by leaver, successor and a lead who is neither.
    note TEXT NOT NULL,
    -- The lead who asked.
    completed_by TEXT NOT NULL REFERENCES members (id),
    completed_at BIGINT NOT NULL
);
