#!/usr/bin/env python3
"""Speed and memory of `strongroom seal` and `open` against `age`, `rage` and `cp`.

Every figure is a ratio inside one run: programs alternate, the order rotates, medians of RUNS
rounds count. Files live in /dev/shm. Prints one table for people, or JSON with --json.
Environment: STRONGROOM (the binary), SIZE_MIB (1024), RUNS (7)."""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.environ.get("STRONGROOM", os.path.join(HERE, "..", "target", "release", "strongroom"))
SIZE = int(os.environ.get("SIZE_MIB", "1024")) * 1024 * 1024
RUNS = int(os.environ.get("RUNS", "7"))


def run(command, stdin=None, stdout=subprocess.DEVNULL):
    """Wall and CPU seconds of one command."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{command}: {child.stderr.read().decode()}")
    child.stderr.close()
    child.returncode = 0
    return wall, usage.ru_utime + usage.ru_stime


def peak_mib(command, stdin=None, stdout=subprocess.DEVNULL):
    """Peak resident memory of one command, sampled from the kernel's own high-water mark: what
    wait4 reports would include this script's, from before the exec."""
    child = subprocess.Popen(command, stdin=stdin, stdout=stdout)
    peak = 0
    while child.poll() is None:
        try:
            with open(f"/proc/{child.pid}/status") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        peak = max(peak, int(line.split()[1]))
        except OSError:
            pass
        time.sleep(0.002)
    if child.returncode != 0:
        sys.exit(f"{command}: status {child.returncode}")
    return peak / 1024


def piped(command, path, measure=run):
    """The same with standard input and output through pipes, cat at either end."""
    source = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
    sink = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        result = measure(command, stdin=source.stdout, stdout=sink.stdin)
    finally:
        source.stdout.close()
        sink.stdin.close()
        source.wait()
        sink.wait()
    return result


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    options = options.parse_args()
    for program in ("age", "age-keygen"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: run tests/setup.sh")
    rage = shutil.which("rage")
    if not rage:
        print("rage is not installed (cargo install rage): its column stays empty", file=sys.stderr)
    folder = tempfile.mkdtemp(prefix="strongroom-bench-", dir="/dev/shm")
    try:
        report(folder, rage, options.json)
    finally:
        shutil.rmtree(folder)


def report(folder, rage, as_json):
    def at(name):
        return os.path.join(folder, name)

    key = at("key.txt")
    subprocess.run(["age-keygen", "-o", key], check=True, stderr=subprocess.DEVNULL)
    to = next(l.split(": ")[1].strip() for l in open(key) if "public key" in l)
    plain, sealed, out = at("plain"), at("sealed"), at("out")
    with open(plain, "wb") as file:
        block = os.urandom(1 << 20)
        for _ in range(SIZE >> 20):
            file.write(block)
    subprocess.run(["age", "-r", to, "-o", sealed, plain], check=True)

    def go(kind, command, measure):
        if kind == "pipe":
            return piped(command, sealed if "-i" in command else plain, measure)
        if os.path.exists(out):
            os.remove(out)
        return measure(command)

    ours, null = [BINARY], "/dev/null"
    figures = {}
    for verb, kind, target, peer in (
        ("seal to null", "null", ["-o", null], None),
        ("seal file to file", "file", ["-o", out], ["cp", plain, out]),
        ("seal through a pipe", "pipe", [], None),
        ("open to null", "null", ["-o", null], None),
        ("open file to file", "file", ["-o", out], ["cp", plain, out]),
        ("open through a pipe", "pipe", [], None),
    ):
        if verb.startswith("seal"):
            last = [plain] if kind != "pipe" else []
            programs = {
                "strongroom": ours + ["seal", "-r", to] + target + last,
                "age": ["age", "-r", to] + target + last,
                "rage": ["rage", "-r", to] + target + last,
            }
        else:
            last = [sealed] if kind != "pipe" else []
            programs = {
                "strongroom": ours + ["open", "-i", key] + target + last,
                "age": ["age", "-d", "-i", key] + target + last,
                "rage": ["rage", "-d", "-i", key] + target + last,
            }
        if peer:
            programs["cp"] = peer
        figures[verb] = (kind, programs)
    musts = {
        ("seal to null", "age"): (1.4, 2.0), ("seal to null", "rage"): (2.4, None),
        ("seal file to file", "age"): (1.4, None), ("seal file to file", "cp"): (0.75, 0.85),
        ("open to null", "age"): (2.0, 2.5), ("open to null", "rage"): (3.5, None),
        ("seal through a pipe", "age"): (1.1, 1.5),
    }
    rows, lines = [], []
    load = os.getloadavg()[0]
    for figure, (kind, programs) in figures.items():
        if not rage:
            programs.pop("rage", None)
        names = list(programs)
        taken = {name: [] for name in names}
        for name in names:
            go(kind, programs[name], run)
        for round_ in range(RUNS):
            for i in range(len(names)):
                name = names[(i + round_) % len(names)]
                taken[name].append(go(kind, programs[name], run))
        if os.path.exists(out):
            os.remove(out)
        wall = {n: statistics.median(t[0] for t in taken[n]) for n in names}
        cpu = {n: statistics.median(t[1] for t in taken[n]) for n in names}
        peak = {n: go(kind, programs[n], peak_mib) for n in names if n != "cp"}
        limit = 32 if kind == "pipe" else 16
        row = {
            "figure": figure, "mb_per_s": {n: round(SIZE / wall[n] / 1e6) for n in names},
            "cpu_s": {n: round(cpu[n], 2) for n in names},
            "peak_mib": {n: round(peak[n], 1) for n in peak},
            "ratio": {n: round(wall[n] / wall["strongroom"], 2) for n in names[1:]},
            "memory_ok": peak["strongroom"] <= limit,
        }
        rows.append(row)
        for peer in names[1:]:
            must, aim = musts.get((figure, peer), (None, None))
            ratio = row["ratio"][peer]
            verdict = "" if must is None else ("met" if ratio >= must else "MISSED")
            goal = "" if must is None else f">= {must}" + (f" (aim {aim})" if aim else "")
            lines.append(f"{figure:22} {peer:5} {ratio:6.2f}x  {goal:18} {verdict}")
        lines.append(
            f"{figure:22} {row['mb_per_s']['strongroom']} MB/s, CPU {row['cpu_s']['strongroom']} s"
            f" (age {row['cpu_s']['age']} s), peak {row['peak_mib']['strongroom']} MiB"
            f" (limit {limit}) {'met' if row['memory_ok'] else 'MISSED'}"
        )
    if as_json:
        print(json.dumps(rows))
    else:
        print(f"{SIZE >> 20} MiB, medians of {RUNS} alternating rounds, wall time against each peer")
        print(f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after: others' work on the")
        print("machine shows as MISSED where CPU seconds are as usual")
        print("\n".join(lines))


main()
