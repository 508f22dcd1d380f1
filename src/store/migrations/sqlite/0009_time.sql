-- The latest time that a gateway knows to have passed: what has expired by then stays expired,
-- whatever a machine's clock says after a restart.
CREATE TABLE passed_time (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at BIGINT NOT NULL
);
