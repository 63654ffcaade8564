"""Training throughput of polyrank and its peers on the same rows: interleaved, several rounds, medians.

usage: train.py [--polyrank target/release/polyrank] [--rounds 5] [--work benchmarks/work]

Makes a virtual environment under the work folder with the peers (pip: torch, deepctr-torch), makes the rows, runs every
comparison and prints a table in Markdown. Takes about half an hour on two cores. Of PyTorch in bf16 the faster of its eager
and its compiled form is measured.
"""

import argparse
import pathlib
import platform
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
PACKAGES = ["torch", "numpy", "pyarrow", "scikit-learn", "pandas", "tqdm", "requests"]

# (peer, model, precision, dim, batch, table size, steps of the peer a round, ratio wanted)
COMPARISONS = [
    ("deepctr", "seed", "fp32", 4, 32, "small", 200, 20.0),
    ("deepctr", "seed", "fp32", 4, 256, "full", 20, 100.0),
    ("deepctr", "seed", "fp32", 4, 4096, "full", 12, 12.0),
    ("deepctr", "seed", "bf16", 4, 4096, "full", 12, 15.0),
    ("torch", "seed", "fp32", 16, 256, "full", 300, 2.5),
    ("torch", "seed", "fp32", 16, 4096, "full", 40, 1.9),
    ("torch", "seed", "bf16", 16, 256, "full", 300, 2.5),
    ("torch", "seed", "bf16", 16, 4096, "full", 40, 2.5),
    ("torch", "deeprec", "fp32", 16, 512, "full", 150, 1.6),
    ("torch", "deeprec", "bf16", 16, 512, "full", 150, 2.5),
]


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def environment(work):
    python = work / "venv/bin/python"
    if not python.exists():
        run(sys.executable, "-m", "venv", work / "venv")
    run(python, "-m", "pip", "install", "-q", *PACKAGES)
    run(python, "-m", "pip", "install", "-q", "--no-deps", "deepctr-torch==0.3.0")
    return python


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    name = re.search(r"model name\s*: (.*)", text)
    flags = set((re.search(r"flags\s*: (.*)", text) or [None, ""])[1].split())
    shown = [f for f in ["avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"] if f in flags]
    cores = text.count("processor\t")
    return f"{name[1] if name else platform.processor()}, {cores} cores, {' '.join(shown)}"


class Bench:
    def __init__(self, options, python):
        self.polyrank, self.work, self.python, self.rounds = options.polyrank, options.work, python, options.rounds

    def rows(self, size):
        path = self.work / f"rows-{size}.parquet"
        if not path.exists():
            run(self.python, HERE / "make_rows.py", path, 400_000, size)
        return path

    def ours(self, model, precision, dim, batch, size):
        config = HERE / f"{model}.toml"
        sets = ["--set", f"features.dim={dim}", "--set", f"train.batch_size={batch}"]
        sets += ["--set", f'train.precision="{precision}"']
        out = run(self.polyrank, "bench", "train", self.rows(size), "--config", config, "--seconds", 2, *sets)
        return float(re.search(r"(\d+) rows/s\s*$", out)[1])

    def theirs(self, peer, model, dim, batch, size, steps, *how):
        sizes = ["--dim", dim, "--batch", batch, "--steps", steps]
        peer = ["--peer", peer, "--model", model]
        out = run(self.python, HERE / "peer_training.py", self.rows(size), *peer, *sizes, *how)
        return float(out.split()[-1])

    def fastest(self, peer, precision, *what):
        """How the peer runs fastest: in bf16 PyTorch has two ways. DeepCTR-Torch has fp32 alone."""
        if peer != "torch" or precision != "bf16":
            return []
        ways = [["--bf16"], ["--bf16", "--compile"]]
        return max(ways, key=lambda way: self.theirs(peer, *what, *way))

    def compare(self, peer, model, precision, dim, batch, size, steps, wanted):
        """One line: medians, the median of the rounds' ratios and their range."""
        ours, theirs = [], []
        how = self.fastest(peer, precision, model, dim, batch, size, steps)
        for _ in range(self.rounds):
            ours.append(self.ours(model, precision, dim, batch, size))
            theirs.append(self.theirs(peer, model, dim, batch, size, steps, *how))
        ratios = sorted(a / b for a, b in zip(ours, theirs))
        figures = [f"{statistics.median(ours):,.0f}", f"{statistics.median(theirs):,.0f}"]
        spread = f"{statistics.median(ratios):.1f}× ({ratios[0]:.1f}–{ratios[-1]:.1f})"
        name = {"deepctr": "DeepCTR-Torch 0.3.0", "torch": "PyTorch, hand-fused"}[peer]
        name += ", compiled" if "--compile" in how else ""
        cells = [name, model, precision, dim, batch, size, *figures, spread, f"{wanted:g}×"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)

    def vocabulary(self):
        """Time a row with large tables over time a row with small ones."""
        for dim, wanted in [(4, 1.15), (16, 1.3)]:
            rates = lambda: [self.ours("seed", "fp32", dim, 4096, size) for size in ["full", "small"]]
            ratios = sorted(small / full for full, small in (rates() for _ in range(self.rounds)))
            middle = statistics.median(ratios)
            print(f"\nTime a row, tables of 5.2 M rows over 54 k (dim {dim}, batch 4096, fp32): {middle:.2f}× "
                  f"({ratios[0]:.2f}–{ratios[-1]:.2f}), at most {wanted:g}× wanted", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polyrank", default="target/release/polyrank")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=pathlib.Path, default=HERE / "work")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(options, environment(options.work))
    print(f"{machine()}; median of {options.rounds} interleaved rounds, rows a second\n")
    head = ["against", "model", "precision", "dim", "batch", "tables", "polyrank", "peer", "ratio (range)", "wanted"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    for comparison in COMPARISONS:
        bench.compare(*comparison)
    bench.vocabulary()


if __name__ == "__main__":
    main()
