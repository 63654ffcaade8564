"""Fitting vocabularies and a scaling on 5 M rows, encoding and writing them, beside Polars."""

import os
import subprocess
import sys
import time

from common import HERE, table

ROWS = 5_000_000
WANTED = 1.5


def report(bench):
    rows = []
    for ending in ["tsv", "parquet"]:
        source, memory = bench.rows("full", ROWS, ending), {}
        config = f'data.train=["{source.resolve()}"]'
        ours = [bench.polyrank, "prepare", HERE / "prepare.toml", "--set", config, "-o", bench.work / "ours.parquet"]
        theirs = [bench.python, HERE / "peer_preparing.py", source, bench.work / "theirs.parquet"]
        rate = lambda name, command: lambda: ROWS / timed(command, memory, name)
        mine, other, ratio = bench.compare(rate("ours", ours), rate("theirs", theirs))
        cells = [ending, f"{mine:,.0f}", f"{other:,.0f}", ratio, f"{WANTED}×"]
        rows.append([*cells, f"{memory['ours']:.0f} MiB", f"{memory['theirs']:.0f} MiB"])
        print("preparing", *rows[-1], sep=" | ", flush=True)
    head = ["from", "polyrank", "Polars", "ratio (range)", "wanted", "polyrank's memory", "Polars' memory"]
    what = "Rows a second, 5 M rows, whole commands: 8 vocabularies (min_count 2), min-max, Parquet out."
    return what + "\n\n" + table(head, rows)


def timed(command, memory, name):
    """Seconds, and the most memory that any run took."""
    begin = time.perf_counter()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{error.decode()[-2000:]}")
    memory[name] = max(memory.get(name, 0), usage.ru_maxrss / 1024)
    return time.perf_counter() - begin
