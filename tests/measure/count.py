"""Instructions and cache misses of one operation, counted by callgrind.

A program is run with N and with 2 N operations; all else is the same, so the difference of the two
counts is what N operations cost. Start-up, warm-up and the end cancel out."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release", "bench_growth")


def build():
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "examples", "--bin", "bench_growth"], cwd=ROOT, check=True)


def rustc():
    return subprocess.run(["rustc", "--version"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def valgrind():
    """The version of valgrind, or None."""
    if not shutil.which("valgrind"):
        return None
    return subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def caches():
    """Sizes of the data cache of the first level and of the second, as callgrind takes them."""
    def size(index, default):
        folder = f"/sys/devices/system/cpu/cpu0/cache/index{index}/"
        try:
            kib, ways = (int(open(folder + name).read().rstrip("K\n")) for name in ("size", "ways_of_associativity"))
        except (OSError, ValueError):
            return default
        sets = kib * 1024 // (ways * 64)
        # callgrind wants a power of two of sets.
        return f"{kib * 1024},{ways},64" if kib and sets & (sets - 1) == 0 else default
    return size(0, "32768,8,64"), size(2, "1048576,16,64")


def run(curve, x, ops, misses):
    """Operations that were done, and the counts by the names that callgrind has for them."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        if misses:
            first, second = caches()
            command += ["--cache-sim=yes", "--I1=32768,8,64", f"--D1={first}", f"--LL={second}"]
        done = subprocess.run(command + [BIN, curve, str(x), str(ops)], capture_output=True, text=True, timeout=300)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode != 0 or not lines:
            raise SystemExit(f"{curve} {x} {ops} under valgrind:\n{done.stdout}{done.stderr}")
        counts = open(out).read()
    names = re.search(r"^events: (.*)$", counts, re.M).group(1).split()
    numbers = re.search(r"^(?:totals|summary): (.*)$", counts, re.M).group(1).split()
    return json.loads(lines[-1])["ops"], dict(zip(names, map(int, numbers)))


def one(curve, x, ops, misses=False):
    """What an operation costs: instructions, and misses of the first and second level."""
    (few, before), (many, after) = run(curve, x, ops, misses), run(curve, x, 2 * ops, misses)

    def each(*names):
        return sum(after.get(name, 0) - before.get(name, 0) for name in names) / (many - few)
    return {"instructions": each("Ir"), "level1": each("D1mr", "D1mw"), "level2": each("DLmr", "DLmw")}


def several(points, misses=False):
    """`one` for each (curve, x, ops), as many at a time as there are processors."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(lambda point: one(*point, misses), points))
