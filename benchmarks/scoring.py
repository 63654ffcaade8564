"""Scoring 200 candidates on one thread beside ONNX Runtime."""

from common import HERE, run, table

CANDIDATES = 200
WANTED = {"fp32": 1.4, "bf16": 3}


def report(bench):
    rows = []
    theirs = lambda: float(run(bench.python, HERE / "peer_scoring.py", bench.rows("small"), "--candidates", CANDIDATES).split()[-1])
    for precision, wanted in WANTED.items():
        sets = ["features.dim=16", f"train.batch_size={CANDIDATES}", "train.threads=1", f'train.precision="{precision}"']
        ours = lambda: bench.bench("predict", bench.rows("small"), "seed", sets)[0]
        mine, other, ratio = bench.compare(ours, theirs)
        rows.append([precision, f"{mine:,.0f}", f"{other:,.0f}", ratio, f"{wanted}×"])
        print("scoring", *rows[-1], sep=" | ", flush=True)
    head = ["polyrank in", "polyrank", "ONNX Runtime, fp32", "ratio (range)", "wanted"]
    return f"Candidates a second, {CANDIDATES} at a time, one thread, dimension 16.\n\n" + table(head, rows)
