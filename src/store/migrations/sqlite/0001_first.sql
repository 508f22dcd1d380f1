-- The first schema. Ids are lower-case hex text, times are milliseconds since the epoch, an
-- absent client, category or previous statement is the empty string or blob, so that unique
-- indexes cover it.

CREATE TABLE firm (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    root_key TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The canary: sealed to the recovery key; its proof is kept as a hash.
    canary BLOB NOT NULL,
    canary_proof BLOB NOT NULL,
    rehearsed_at BIGINT,
    -- Grows with every statement that a directory is built from.
    directory_version BIGINT NOT NULL
);

-- Every signed statement but receipts. One successor a statement: a chain cannot fork.
CREATE TABLE statements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    client TEXT NOT NULL,
    member TEXT NOT NULL,
    prev BLOB NOT NULL,
    seq BIGINT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, subject, prev)
);
CREATE INDEX statements_by_client ON statements (client, kind, id);
CREATE INDEX statements_by_member ON statements (member, kind, id);
CREATE INDEX statements_by_subject ON statements (kind, subject, id);

CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE members (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- OPAQUE password file; empty where there is no login by passphrase.
    password_file BLOB NOT NULL,
    kit_token_hash BLOB NOT NULL,
    keyring BLOB NOT NULL,
    epoch BIGINT NOT NULL
);

CREATE TABLE memberships (
    member TEXT NOT NULL REFERENCES members (id),
    client TEXT NOT NULL REFERENCES clients (id),
    role TEXT NOT NULL,
    PRIMARY KEY (member, client)
);
CREATE INDEX memberships_by_client ON memberships (client);

CREATE TABLE keyring_headers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    member TEXT NOT NULL REFERENCES members (id),
    kind TEXT NOT NULL,
    -- The session of a device's header; empty for passphrase and kit.
    session TEXT NOT NULL,
    header BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (member, kind, session)
);

-- Between the two messages of a login. Holds nothing that helps to guess a passphrase.
CREATE TABLE login_attempts (
    id TEXT PRIMARY KEY,
    member TEXT NOT NULL,
    state BLOB NOT NULL,
    -- The throttle to forgive when it succeeds.
    throttle BLOB NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Failed attempts by what was tried (a keyed hash of it), in a window.
CREATE TABLE throttles (
    subject BLOB PRIMARY KEY,
    failures BIGINT NOT NULL,
    window_ends_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    member TEXT NOT NULL REFERENCES members (id),
    device TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    -- Counts refresh tokens; each is derived from the session and its number.
    generation BIGINT NOT NULL,
    refresh_hash BLOB NOT NULL,
    -- Until when the previous token still answers with the same successor.
    previous_until BIGINT NOT NULL
);
CREATE INDEX sessions_by_member ON sessions (member);
CREATE INDEX sessions_by_end ON sessions (coalesce(ended_at, expires_at));

CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    role TEXT NOT NULL,
    client TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_by TEXT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT
);

-- The newest assignment of each subject, as rows; the statements say why.
CREATE TABLE assignments (
    client TEXT NOT NULL REFERENCES clients (id),
    category TEXT NOT NULL,
    member TEXT NOT NULL REFERENCES members (id),
    PRIMARY KEY (client, category, member)
);
CREATE INDEX assignments_by_member ON assignments (member, client);

-- Everybody who was ever assigned: documents they sent stay verifiable.
CREATE TABLE assigned_ever (
    client TEXT NOT NULL REFERENCES clients (id),
    member TEXT NOT NULL REFERENCES members (id),
    PRIMARY KEY (client, member)
);

-- Subjects that have an assignment at all, even an empty one.
CREATE TABLE assignment_subjects (
    client TEXT NOT NULL REFERENCES clients (id),
    category TEXT NOT NULL,
    PRIMARY KEY (client, category)
);

-- The newest policy of each subject; the empty client is the whole firm.
CREATE TABLE policies (
    client TEXT PRIMARY KEY,
    on_arrival BIGINT NOT NULL,
    post_quantum BIGINT NOT NULL,
    reader_categories TEXT NOT NULL
);

CREATE TABLE links (
    id TEXT PRIMARY KEY,
    -- `arrival` (sealed by the gateway) or `request` (sealed by the sender).
    kind TEXT NOT NULL,
    client TEXT NOT NULL REFERENCES clients (id),
    token_hash BLOB NOT NULL UNIQUE,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    max_files BIGINT NOT NULL,
    max_bytes BIGINT NOT NULL,
    used_files BIGINT NOT NULL,
    used_bytes BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL REFERENCES clients (id),
    direction TEXT NOT NULL,
    period TEXT NOT NULL,
    category TEXT NOT NULL,
    seal TEXT NOT NULL,
    state TEXT NOT NULL,
    -- The sending member; empty for links and raw age files.
    sender TEXT NOT NULL,
    link TEXT NOT NULL,
    -- Payload bytes in all; 0 while a link's upload has not said.
    length BIGINT NOT NULL,
    -- Payload bytes that survive a crash.
    durable BIGINT NOT NULL,
    -- Payload bytes that count against the link's quota.
    reserved BIGINT NOT NULL,
    -- The payload's first 16 bytes; empty until they are durable.
    nonce BLOB NOT NULL,
    pieces BLOB NOT NULL,
    commitment BLOB NOT NULL,
    -- H of the manifest and of the adoption; the notes are statements.
    manifest BLOB NOT NULL,
    adoption BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    -- When it was begun, and from its completion on when it became complete: the order of lists.
    listed_at BIGINT NOT NULL,
    opened_at BIGINT,
    -- When an unfinished upload is given up; null once it is complete.
    expires_at BIGINT,
    -- The long columns last, so that reading the others does not walk through them.
    receipt TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX documents_newest ON documents (client, listed_at DESC, id DESC);
CREATE INDEX documents_in_time ON documents (listed_at DESC, id DESC);
CREATE INDEX documents_unfinished ON documents (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX documents_by_sender ON documents (sender, state);
CREATE INDEX documents_by_link ON documents (link) WHERE link <> '';

CREATE TABLE segments (
    document TEXT NOT NULL REFERENCES documents (id),
    -- Payload offset and length in bytes; starts on a piece boundary.
    start BIGINT NOT NULL,
    length BIGINT NOT NULL,
    -- Name in object storage: random, says nothing.
    object TEXT NOT NULL UNIQUE,
    -- SHA-256 of each of its pieces, 32 bytes each.
    piece_hashes BLOB NOT NULL,
    PRIMARY KEY (document, start)
);

CREATE TABLE headers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document TEXT NOT NULL REFERENCES documents (id),
    header BLOB NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX headers_by_document ON headers (document, id);

CREATE TABLE grants (
    document TEXT NOT NULL REFERENCES documents (id),
    member TEXT NOT NULL REFERENCES members (id),
    header BIGINT NOT NULL REFERENCES headers (id),
    -- Why: sent, assigned, own, rewrap.
    reason TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    pulled_at BIGINT,
    PRIMARY KEY (document, member)
);
CREATE INDEX grants_waiting ON grants (member, pulled_at);

-- The audit log, not yet sequenced: leaves of its tree in the order of commit.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    leaf BLOB NOT NULL UNIQUE,
    text TEXT NOT NULL,
    client TEXT NOT NULL
);
CREATE INDEX entries_by_client ON entries (client, id);

-- What may have to be erased, behind the salted MAC in the entry.
CREATE TABLE entry_data (
    entry BIGINT PRIMARY KEY REFERENCES entries (id),
    salt BLOB NOT NULL,
    data TEXT NOT NULL
);
