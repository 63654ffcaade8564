"""Training throughput beside DeepCTR-Torch and PyTorch, and what large embedding tables cost."""

import statistics

from common import HERE, run, spread, table

# (peer, model, precision, dim, batch, table size, steps of the peer a round, ratio wanted)
COMPARISONS = [
    ("deepctr", "seed", "fp32", 4, 32, "small", 200, 20),
    ("deepctr", "seed", "fp32", 4, 256, "full", 20, 100),
    ("deepctr", "seed", "fp32", 4, 4096, "full", 12, 12),
    ("deepctr", "seed", "bf16", 4, 4096, "full", 12, 15),
    ("torch", "seed", "fp32", 16, 256, "full", 300, 2.5),
    ("torch", "seed", "fp32", 16, 4096, "full", 40, 1.9),
    ("torch", "seed", "bf16", 16, 256, "full", 300, 2.5),
    ("torch", "seed", "bf16", 16, 4096, "full", 40, 2.5),
    ("torch", "deeprec", "fp32", 16, 512, "full", 150, 1.6),
    ("torch", "deeprec", "bf16", 16, 512, "full", 150, 2.5),
]
NAMES = {"deepctr": "DeepCTR-Torch 0.3.0", "torch": "PyTorch, hand-fused"}


def report(bench):
    peaks = {"fp32": [], "bf16": []}
    head = ["against", "model", "precision", "dim", "batch", "tables", "polyrank", "of peak", "peer", "ratio (range)", "wanted"]
    rows = [compared(bench, peaks, *comparison) for comparison in COMPARISONS]
    measured = ", ".join(f"{precision} {min(rates):.0f} to {max(rates):.0f}" for precision, rates in peaks.items())
    return "\n\n".join([
        f"Rows a second. Peak is `polyrank bench peak` in the same round, GFLOP/s of both cores: {measured}.",
        table(head, rows),
        *[large_tables(bench, dim, wanted) for dim, wanted in [(4, 1.15), (16, 1.3)]],
    ])


def ours(bench, model, precision, dim, batch, size):
    sets = [f"features.dim={dim}", f"train.batch_size={batch}", f'train.precision="{precision}"']
    return bench.bench("train", bench.rows(size), model, sets)


def compared(bench, peaks, peer, model, precision, dim, batch, size, steps, wanted):
    def theirs(*how):
        what = ["--peer", peer, "--model", model, "--dim", dim, "--batch", batch, "--steps", steps]
        return float(run(bench.python, HERE / "peer_training.py", bench.rows(size), *what, *how).split()[-1])

    # In bf16 PyTorch has two ways, of which the faster is measured. DeepCTR-Torch has fp32 alone.
    how = []
    if peer == "torch" and precision == "bf16":
        how = max([["--bf16"], ["--bf16", "--compile"]], key=lambda way: theirs(*way))
    shares = []

    def our_rate():
        peak, _ = bench.peak()
        rate, flops, *_ = ours(bench, model, precision, dim, batch, size)
        shares.append(flops / peak[precision])
        peaks[precision].append(peak[precision])
        return rate

    mine, other, ratio = bench.compare(our_rate, lambda: theirs(*how))
    name = NAMES[peer] + (", compiled" if "--compile" in how else "")
    share = f"{100 * statistics.median(shares):.0f} %"
    row = [name, model, precision, dim, batch, size, f"{mine:,.0f}", share, f"{other:,.0f}", ratio, f"{wanted}×"]
    print(*row, sep=" | ", flush=True)
    return row


def large_tables(bench, dim, wanted):
    """Time a row with large tables over time a row with small ones."""
    rates = [[ours(bench, "seed", "fp32", dim, 4096, size)[0] for size in ["full", "small"]] for _ in range(bench.rounds)]
    ratio = spread([small / full for full, small in rates])
    line = f"Time a row, tables of 5.2 M rows over 54 k (dim {dim}, batch 4096, fp32): {ratio}; at most {wanted:g}× wanted."
    print(line, flush=True)
    return line
