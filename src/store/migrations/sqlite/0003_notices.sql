-- The outbox of notices: ids and times alone, never a name, an address, an amount or a secret.
CREATE TABLE notices (
    -- Random; the same at every try, so that receivers can drop repeats.
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    client TEXT NOT NULL,
    -- Id of the share, link or document.
    object TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- Not told before.
    due_at BIGINT NOT NULL,
    -- When it was handed to the channels; null while it waits.
    taken_at BIGINT
);
-- What is said again while it waits is said once.
CREATE UNIQUE INDEX notices_waiting ON notices (kind, object) WHERE taken_at IS NULL;
CREATE INDEX notices_due ON notices (due_at) WHERE taken_at IS NULL;

CREATE TABLE notice_deliveries (
    notice TEXT NOT NULL REFERENCES notices (id),
    -- mail, webhook or file.
    channel TEXT NOT NULL,
    -- waiting, delivered or dead.
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL,
    PRIMARY KEY (notice, channel)
);
CREATE INDEX notice_deliveries_waiting ON notice_deliveries (next_try_at) WHERE state = 'waiting';
