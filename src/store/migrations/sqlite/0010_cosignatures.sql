-- Cosignatures of checkpoints by witnesses on other machines (C2SP tlog-cosignature).
CREATE TABLE cosignatures (
    witness TEXT NOT NULL,
    size BIGINT NOT NULL REFERENCES checkpoints (size),
    -- The signature line, as it stands in the signed note.
    line TEXT NOT NULL,
    kept_at BIGINT NOT NULL,
    PRIMARY KEY (witness, size)
);
CREATE INDEX cosignatures_by_size ON cosignatures (size);
