#!/usr/bin/env python3
"""How fast `strongroom audit verify` walks a log; at least 100,000 entries a second are wanted.

    bench/audit.py [ENTRIES]        with the program in $STRONGROOM or target/release

Founds a demo, puts entries into its database as the gateway does, lets the gateway sequence them,
and measures the check with the gateway stopped.
"""
import hashlib, hmac, json, os, secrets, signal, sqlite3, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("STRONGROOM", os.path.join(HERE, "..", "target", "release", "strongroom"))
ENTRIES = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000


def gateway(data):
    """Starts the demo's gateway; stop it with SIGTERM."""
    command = [PROGRAM, "demo", "--data", data, "--listen", "127.0.0.1:0", "--json"]
    environment = {**os.environ, "STRONGROOM_GATEWAY__METRICS_LISTEN": "127.0.0.1:0"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert json.loads(process.stdout.readline())["ready"]
    return process


def stop(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0


def verify(data):
    command = [PROGRAM, "--json", "audit", "verify", "--data", data]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def fill(database):
    """Entries like those of openings, each with its side data."""
    client = secrets.token_hex(16)
    data = '{"role":"accountant"}'
    with sqlite3.connect(database) as db:
        first = db.execute("SELECT max(id) FROM entries").fetchone()[0] + 1
        for number in range(first, first + ENTRIES):
            salt = secrets.token_bytes(32)
            mac = hmac.new(salt, data.encode(), "sha256").hexdigest()
            text = (
                "strongroom/v1/entry\ntime 2026-11-24T04:04:16.123Z\n"
                f"actor {secrets.token_hex(16)}\naction document.open\nclient {client}\n"
                f"object {secrets.token_hex(16)}\nmanifest {secrets.token_hex(32)}\n"
                f"commit {secrets.token_hex(32)}\ndata {mac}\n"
            )
            leaf = hashlib.sha256(b"\0" + text.encode()).digest()
            db.execute("INSERT INTO entries (id, leaf, text, client) VALUES (?, ?, ?, ?)", (number, leaf, text, client))
            db.execute("INSERT INTO entry_data (entry, salt, data) VALUES (?, ?, ?)", (number, salt, data))


with tempfile.TemporaryDirectory() as folder:
    data = os.path.join(folder, "demo")
    stop(gateway(data))
    fill(os.path.join(data, "strongroom.db"))
    process = gateway(data)
    began = time.monotonic()
    while verify(data)["unsequenced"]:
        time.sleep(0.2)
    print(f"sequenced {ENTRIES} entries in {time.monotonic() - began:.1f} s")
    stop(process)
    rates = []
    for _ in range(3):
        began = time.monotonic()
        entries = verify(data)["entries"]
        rates.append(entries / (time.monotonic() - began))
    rate = sorted(rates)[1]
    print(f"audit verify: {entries} entries, {rate:,.0f} entries/s (median of 3); ratio to 100,000/s: {rate / 100_000:.2f}")
    sys.exit(0 if rate >= 100_000 else 1)
