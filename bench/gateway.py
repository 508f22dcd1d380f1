#!/usr/bin/env python3
"""Speed and memory of the gateway against nginx WebDAV: the same machine, the same client
(`bench/load`, which seals and signs before the clock runs), the same certificate, TLS 1.3, the
same filesystem.

Every figure is a ratio inside one run: the peers alternate, medians of RUNS rounds count. nginx
syncs nothing; the gateway answers when bytes, database and audit entry are on the disk. On
/dev/shm a sync costs nothing, so the small documents are also run on a real disk (DISK).
Prints one table for people, or JSON with --json.
Environment: STRONGROOM (the binary), LOAD (the client), SIZE_MIB (1024), MEMORY_MIB (2048),
SMALL (documents over each of 32 connections a round, 60), RUNS (5), DISK (bench/)."""
import argparse, hashlib, json, os, shutil, signal, socket, statistics, subprocess, sys, tempfile
import threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BINARY = os.environ.get("STRONGROOM", os.path.join(TARGET, "release", "strongroom"))
LOAD = os.environ.get("LOAD", os.path.join(TARGET, "release", "load"))
SIZE = int(os.environ.get("SIZE_MIB", "1024")) << 20
MEMORY = int(os.environ.get("MEMORY_MIB", "2048")) << 20
SMALL = int(os.environ.get("SMALL", "60"))
RUNS = int(os.environ.get("RUNS", "5"))
DISK = os.environ.get("DISK", HERE)
SMALL_BYTES = 200 * 1024
LINES = 32
GIB = 1 << 30
TICKS = os.sysconf("SC_CLK_TCK")

NGINX = """
worker_processes auto;
pid {at}/nginx.pid;
error_log {at}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  client_max_body_size 0;
  client_body_temp_path {at}/incoming;
  client_body_buffer_size 1m;
  output_buffers 2 512k;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certs}/server.pem;
    ssl_certificate_key {certs}/server.key;
    ssl_protocols TLSv1.3;
    root {at}/www;
    location /dav/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
  }}
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def family(pid):
    """A process and its children."""
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [pid] + [int(child) for child in children.read().split()]


def cpu_seconds(pid):
    total = 0
    for one in family(pid):
        with open(f"/proc/{one}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def status_mib(pid, key):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key + ":")) / 1024


class Peers:
    """A gateway with 32 clients, an nginx and the client of both, all in one folder."""

    def __init__(self, folder):
        self.folder = folder
        data = os.path.join(folder, "gateway")
        listen = f"127.0.0.1:{free_port()}"
        self.gateway = subprocess.Popen(
            [BINARY, "demo", "--data", data, "--listen", listen, "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            demo = json.loads(self.gateway.stdout.readline())
            self.people(demo)
            self.start_nginx(os.path.join(data, "certs"))
            self.load = subprocess.Popen(
                [LOAD, demo["profiles"]["accountant"], f"https://127.0.0.1:{self.port}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except BaseException:
            self.gateway.kill()
            raise

    def people(self, demo):
        def say(who, *words):
            command = [BINARY, "--profile", demo["profiles"][who], "--json", *words]
            return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

        member = say("accountant", "whoami")["member"]
        have = len(say("accountant", "client", "list"))
        for number in range(have, LINES):
            client = say("lead", "client", "add", f"bench {number}")["client"]
            say("lead", "assign", "--client", client, "--to", member)

    def start_nginx(self, certs):
        at = os.path.join(self.folder, "nginx")
        for name in ("incoming", "www/dav"):
            os.makedirs(os.path.join(at, name))
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        config = os.path.join(at, "nginx.conf")
        with open(config, "w") as file:
            user = "user root;" if os.getuid() == 0 else ""
            file.write(user + NGINX.format(at=at, certs=certs, port=self.port))
        self.www = os.path.join(at, "www", "dav")
        self.nginx = subprocess.Popen(
            ["nginx", "-p", at, "-c", config, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        sys.exit("nginx does not start")

    def ask(self, *words):
        """One command of the client; its answer, and the CPU seconds of whoever served it."""
        servers = {"gateway": self.gateway, "nginx": self.nginx}
        server = servers[words[1]] if len(words) > 1 else None
        before = cpu_seconds(server.pid) if server else 0
        self.load.stdin.write(" ".join(map(str, words)) + "\n")
        self.load.stdin.flush()
        line = self.load.stdout.readline()
        if not line:
            sys.exit(f"the client failed at: {words}")
        answer = json.loads(line)
        if server:
            answer["cpu"] = cpu_seconds(server.pid) - before
        return answer

    def sweep(self):
        """Forgets nginx's small files between rounds."""
        for name in os.listdir(self.www):
            if name.startswith("small-"):
                shutil.rmtree(os.path.join(self.www, name))

    def stop(self):
        self.load.stdin.close()
        self.load.wait()
        self.nginx.send_signal(signal.SIGQUIT)
        self.gateway.send_signal(signal.SIGTERM)
        self.nginx.wait()
        self.gateway.wait()


def memory(peers):
    """MiB by which the gateway grows while MEMORY bytes go up and come down."""
    pid = peers.gateway.pid
    peers.ask("up", "gateway", 64 << 20)
    peers.ask("down", "gateway")
    peers.ask("forget")
    before = status_mib(pid, "VmRSS")
    peak, done = [before], threading.Event()

    def watch():
        while not done.wait(0.005):
            peak[0] = max(peak[0], status_mib(pid, "VmRSS"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    peers.ask("up", "gateway", MEMORY)
    peers.ask("down", "gateway")
    done.set()
    watcher.join()
    peers.ask("forget")
    return before, peak[0] - before


def big(peers):
    taken = {(way, who): [] for way in ("up", "down") for who in ("gateway", "nginx")}
    passes = []
    block = os.urandom(1 << 20)
    for round_ in range(-1, RUNS):
        order = ("gateway", "nginx") if round_ % 2 else ("nginx", "gateway")
        for who in order:
            up, down = peers.ask("up", who, SIZE), peers.ask("down", who)
            if round_ >= 0:
                taken["up", who].append(up)
                taken["down", who].append(down)
            peers.ask("forget")
        begun = time.process_time()
        digest = hashlib.sha256()
        for _ in range(SIZE >> 20):
            digest.update(block)
        passes.append((time.process_time() - begun) * GIB / SIZE)
    return taken, statistics.median(passes)


def small(peers):
    taken = {"gateway": [], "nginx": []}
    for round_ in range(-1, RUNS):
        order = ("gateway", "nginx") if round_ % 2 else ("nginx", "gateway")
        for who in order:
            answer = peers.ask("small", who, SMALL if round_ >= 0 else 5, SMALL_BYTES)
            if round_ >= 0:
                taken[who].append(answer)
        peers.sweep()
    return taken


def middle(answers, key):
    return statistics.median(answer[key] for answer in answers)


def report(as_json):
    lines, row = [], {}

    def line(figure, ratio, goal, met, more):
        verdict = "" if met is None else ("met" if met else "MISSED")
        lines.append(f"{figure:34} {ratio:>9}  {goal:20} {verdict:7} {more}".rstrip())

    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-", dir="/dev/shm") as folder:
        peers = Peers(folder)
        try:
            before, growth = memory(peers)
            taken, one_pass = big(peers)
            on_tmpfs = small(peers)
        finally:
            peers.stop()
    row["memory"] = {"before_mib": round(before, 1), "growth_mib": round(growth, 1)}
    line(f"memory, {MEMORY >> 20} MiB up and down", f"+{growth:.1f} MiB", "<= 32 MiB", growth <= 32,
         f"from {before:.0f} MiB")

    for way, least, verb in (("up", 0.95, "PUT"), ("down", 1.2, "GET")):
        ours, theirs = taken[way, "gateway"], taken[way, "nginx"]
        ratio = middle(theirs, "seconds") / middle(ours, "seconds")
        rate = {n: SIZE / middle(t, "seconds") / 1e6 for n, t in (("ours", ours), ("nginx", theirs))}
        line(f"{SIZE >> 20} MiB {way}, wall", f"{ratio:.2f}x", f">= {least}x nginx {verb}",
             ratio >= least, f"{rate['ours']:.0f} MB/s, nginx {rate['nginx']:.0f}")
        cpu = middle(ours, "cpu") * GIB / SIZE
        peer = middle(theirs, "cpu") * GIB / SIZE
        row[way] = {"ratio": round(ratio, 3), "mb_per_s": rate, "cpu_s_per_gib": cpu,
                    "nginx_cpu_s_per_gib": peer, "sha256_pass_s": one_pass}
        more = f"{cpu:.2f} s/GiB, nginx {peer:.2f}"
        if way == "up":
            share = cpu / (peer + one_pass)
            line(f"{SIZE >> 20} MiB up, gateway CPU", f"{share:.2f}x", "<= 1.1x nginx + pass",
                 share <= 1.1, f"{more}, one SHA-256 pass {one_pass:.2f}")
        else:
            line(f"{SIZE >> 20} MiB down, gateway CPU", f"{cpu / peer:.2f}x", "", None, more)

    with tempfile.TemporaryDirectory(prefix=".strongroom-bench-", dir=DISK) as folder:
        peers = Peers(folder)
        try:
            on_disk = small(peers)
        finally:
            peers.stop()
    for where, answers in (("tmpfs", on_tmpfs), ("disk", on_disk)):
        ours, theirs = answers["gateway"], answers["nginx"]
        ratio = middle(theirs, "seconds") / middle(ours, "seconds")
        per = {n: t[0]["requests"] / middle(t, "seconds") for n, t in answers.items()}
        cpu = {n: middle(t, "cpu") * 1e3 / t[0]["requests"] for n, t in answers.items()}
        p99 = {n: middle(t, "p99_ms") for n, t in answers.items()}
        row[f"small_{where}"] = {"ratio": round(ratio, 3), "per_s": per, "cpu_ms": cpu, "p99_ms": p99}
        line(f"200 KiB, {LINES} connections, {where}", f"{ratio:.2f}x", ">= 0.7x nginx PUT", ratio >= 0.7,
             f"{per['gateway']:.0f}/s, nginx {per['nginx']:.0f}; CPU {cpu['gateway']:.2f} ms,"
             f" nginx {cpu['nginx']:.2f}; p99 {p99['gateway']:.0f} ms, nginx {p99['nginx']:.0f}")
    if as_json:
        print(json.dumps(row))
    else:
        print(f"medians of {RUNS} alternating rounds; nginx syncs nothing, the gateway everything")
        print(f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after: others' work on the")
        print("machine shows as MISSED where CPU seconds are as usual")
        print("\n".join(lines))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    options = options.parse_args()
    if not shutil.which("nginx"):
        subprocess.run([os.path.join(HERE, "nginx.sh")], check=True)
    for program in (BINARY, LOAD):
        if not os.path.exists(program):
            sys.exit(f"{program} is missing: cargo build --release --features bench")
    report(options.json)


if __name__ == "__main__":
    main()
