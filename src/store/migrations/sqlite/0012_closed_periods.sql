-- Accounting periods of a client whose books are closed.
CREATE TABLE closed_periods (
    client TEXT NOT NULL REFERENCES clients (id),
    period TEXT NOT NULL,
    closed_by TEXT NOT NULL REFERENCES members (id),
    closed_at BIGINT NOT NULL,
    PRIMARY KEY (client, period)
);

-- Why somebody of the firm opens a document of a closed period, for as long as it lets them.
-- What stays is the audit entry.
CREATE TABLE opening_reasons (
    document TEXT NOT NULL REFERENCES documents (id),
    member TEXT NOT NULL REFERENCES members (id),
    reason TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (document, member)
);
