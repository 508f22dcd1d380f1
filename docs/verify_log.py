#!/usr/bin/env python3
"""Checks an exported audit log against signed checkpoints, with nothing but Python.

    verify_log.py LOG.jsonl KEY CHECKPOINT [OLDER_CHECKPOINT ...]

LOG.jsonl is `strongroom audit export`, KEY the log's verifier key (NAME+HASH+BASE64), each
CHECKPOINT a signed note. Formats: RFC 6962, C2SP tlog-checkpoint and signed-note, RFC 8032.
"""
import base64, hashlib, hmac, json, sys

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

def sha(data): return hashlib.sha256(data).digest()

def point(data):  # RFC 8032, section 5.1.3
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P: x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - x2) % P or (x == 0 and sign): raise ValueError("not a point")
    if x & 1 != sign: x = P - x
    return x, y, 1, x * y % P

def add(p, q):  # RFC 8032, section 5.1.4
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1: q = add(q, p)
        p, n = add(p, p), n >> 1
    return q

def signed(key, text, signature):  # RFC 8032, section 5.1.7
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    left, right = times(s, BASE), add(point(signature[:32]), times(k, point(key)))
    return s < L and all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))

BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))

def checkpoint(path, vkey):
    name, key_hash, key = vkey.split("+", 2)
    text, lines = open(path, encoding="utf-8", newline="").read().rsplit("\n\n", 1)
    for line in lines.splitlines():
        _, signer, blob = line.split(" ")
        blob = base64.b64decode(blob, validate=True)
        if signer == name and blob[:4].hex() == key_hash:
            origin, size, root = text.split("\n")
            if origin == name and signed(base64.b64decode(key)[1:], (text + "\n").encode(), blob[4:]):
                return int(size), base64.b64decode(root)
    sys.exit(f"{path}: not signed by {name}")

def main(log, vkey, *paths):
    roots, stack, size, unplaced = {}, [], 0, 0
    for path in paths:
        covers, root = checkpoint(path, vkey)
        if roots.setdefault(covers, root) != root: sys.exit(f"{path}: a fork: another checkpoint over {covers} entries was given, with another root; keep both")
    newest = max(roots)
    for line in open(log, encoding="utf-8"):
        row = json.loads(line)
        if row["index"] is None: unplaced += 1; continue  # not in the tree yet
        entry, leaf = row["entry"].encode(), sha(b"\0" + row["entry"].encode())
        if row["index"] != size: sys.exit(f"entry {size}: missing or out of order")
        if row["leaf"] != leaf.hex(): sys.exit(f"entry {size}: changed")
        if row["salt"] is not None:
            mac = hmac.new(bytes.fromhex(row["salt"]), row["data"].encode(), "sha256").hexdigest()
            if not entry.endswith(f"\ndata {mac}\n".encode()): sys.exit(f"entry {size}: its data was changed")
        size, width = size + 1, 1
        while size & width == 0: leaf, width = sha(b"\1" + stack.pop() + leaf), width * 2
        stack.append(leaf)
        if size in roots:
            root = stack[-1]
            for left in stack[-2::-1]: root = sha(b"\1" + left + root)
            if roots.pop(size) != root: sys.exit(f"entries 0 to {size - 1}: changed since the checkpoint over {size} was signed")
    if roots: sys.exit(f"cut off: {size} entries, but a checkpoint covers {max(roots)}")
    print(f"entries up to {newest - 1} agree with every checkpoint given")
    if size + unplaced > newest: print(f"{size + unplaced - newest} after that are under none of them: about those this says nothing")

if __name__ == "__main__":
    if len(sys.argv) < 4: sys.exit(__doc__)
    try: main(*sys.argv[1:])
    except (OSError, ValueError, KeyError, IndexError) as e: sys.exit(f"cannot be checked, a file or the key is not what it should be: {e}")
