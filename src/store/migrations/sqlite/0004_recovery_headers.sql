-- Documents that somebody who verified and opened them has sealed to the recovery key again:
-- what their sender said of it was only a claim.
CREATE TABLE recovery_headers (
    document TEXT PRIMARY KEY REFERENCES documents (id),
    header BIGINT NOT NULL REFERENCES headers (id),
    -- Who made it.
    member TEXT NOT NULL,
    proven_at BIGINT NOT NULL
);
CREATE INDEX recovery_headers_by_header ON recovery_headers (header);
