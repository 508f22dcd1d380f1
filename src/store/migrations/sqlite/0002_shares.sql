-- Partners and shares. Times are milliseconds since the epoch; what is not known is the empty
-- text or null.

CREATE TABLE partners (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    licence TEXT NOT NULL,
    jurisdiction TEXT NOT NULL,
    nda_from BIGINT,
    nda_until BIGINT,
    review_at BIGINT,
    -- Recorded before anything goes to another jurisdiction than the firm's.
    export_route TEXT NOT NULL,
    export_assessment TEXT NOT NULL,
    export_authorisation TEXT NOT NULL,
    suspended_at BIGINT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE partner_people (
    partner TEXT NOT NULL REFERENCES partners (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (partner, position)
);

CREATE TABLE shares (
    id TEXT PRIMARY KEY,
    partner TEXT NOT NULL REFERENCES partners (id),
    client TEXT NOT NULL REFERENCES clients (id),
    sharer TEXT NOT NULL REFERENCES members (id),
    -- Who receives it there.
    recipient TEXT NOT NULL,
    has_code BIGINT NOT NULL,
    find_hash BLOB NOT NULL,
    open_hash BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    max_downloads BIGINT NOT NULL,
    used BIGINT NOT NULL,
    wrong_codes BIGINT NOT NULL,
    locked_at BIGINT,
    -- By the client's principal.
    authorised_at BIGINT,
    basis TEXT NOT NULL,
    withdrawn_at BIGINT,
    revoked_at BIGINT,
    -- Whether a second person of the firm must agree, and when they did.
    sensitive BIGINT NOT NULL,
    seconded_at BIGINT,
    created_at BIGINT NOT NULL,
    note TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX shares_by_client ON shares (client, created_at DESC, id);
CREATE INDEX shares_by_partner ON shares (partner);

CREATE TABLE share_documents (
    share TEXT NOT NULL REFERENCES shares (id),
    document TEXT NOT NULL REFERENCES documents (id),
    header BLOB NOT NULL,
    PRIMARY KEY (share, document)
);
CREATE INDEX share_documents_by_document ON share_documents (document);

-- Decisions and revocations about a share, as signed.
CREATE TABLE share_statements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    share TEXT NOT NULL REFERENCES shares (id),
    hash BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX share_statements_by_share ON share_statements (share, id);

CREATE TABLE share_leases (
    share TEXT NOT NULL REFERENCES shares (id),
    lease BLOB NOT NULL,
    taken_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- When the first header left; a lease without one gives its slot back.
    header_at BIGINT,
    PRIMARY KEY (share, lease)
);

-- What was fetched, once a lease and document.
CREATE TABLE share_fetches (
    share TEXT NOT NULL REFERENCES shares (id),
    lease BLOB NOT NULL,
    document TEXT NOT NULL REFERENCES documents (id),
    fetched_at BIGINT NOT NULL,
    PRIMARY KEY (share, lease, document)
);
