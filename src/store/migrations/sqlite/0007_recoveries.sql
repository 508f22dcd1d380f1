-- Ceremonies in which two holders of recovery shares open one client's documents.
CREATE TABLE recoveries (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL REFERENCES clients (id),
    -- For whom the documents are sealed again.
    successor TEXT NOT NULL REFERENCES members (id),
    -- The lead who asked.
    opened_by TEXT NOT NULL REFERENCES members (id),
    -- Signed by the recovery key and that lead.
    note TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX recoveries_by_client ON recoveries (client, opened_at);
