"""Training from files beside training on rows that lie encoded in memory."""

import shutil
import statistics

from common import HERE, run, table

ROWS = 2_000_000
WANTED = {("Parquet", "fp32"): 90, ("Parquet", "bf16"): 80, ("cache", "fp32"): 95, ("cache", "bf16"): 95}


def report(bench):
    source, cache = bench.rows("full", ROWS), bench.work / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    data = ["--set", f'data.train=["{source.resolve()}"]']
    run(bench.polyrank, "prepare", HERE / "seed.toml", *data, "--cache", cache)
    rows = []
    for precision in ["fp32", "bf16"]:
        sets = ["features.dim=16", "train.batch_size=4096", f'train.precision="{precision}"']
        rate = lambda *how: bench.bench("train", list(how), "seed", sets, 6)[0]
        rounds = [(rate(source), rate(source, "--from-disk"), rate("--cache", cache, *data)) for _ in range(bench.rounds)]
        for place, name in enumerate(["Parquet", "cache"], 1):
            shares = sorted(100 * each[place] / each[0] for each in rounds)
            share = f"{statistics.median(shares):.0f} % ({shares[0]:.0f}–{shares[-1]:.0f})"
            rows.append([precision, name, share, f"{WANTED[name, precision]} %"])
            print("pipeline", *rows[-1], sep=" | ", flush=True)
    what = "Rate over the rate from memory: `seed`, dimension 16, batch 4096, 2 M rows, two threads for everything."
    return what + "\n\n" + table(["precision", "from", "share (range)", "wanted"], rows)
