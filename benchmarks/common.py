"""What every comparison needs: the peers' environment, the rows, whole commands, and ratios over interleaved rounds."""

import pathlib
import platform
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
PACKAGES = [
    "torch", "numpy", "pyarrow", "scikit-learn", "pandas", "tqdm", "requests", "onnx", "onnxruntime", "polars",
]


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def environment(work):
    """A Python with the peers."""
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


def table(head, rows):
    lines = [f"| {' | '.join(map(str, cells))} |" for cells in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


class Bench:
    def __init__(self, options, python):
        self.polyrank, self.work, self.python, self.rounds = options.polyrank, options.work, python, options.rounds

    def rows(self, size, count=400_000, ending="parquet"):
        """Made-up rows; `small` or `full` tables."""
        path = self.work / f"rows-{size}{'' if count == 400_000 else f'-{count}'}.{ending}"
        if not path.exists():
            run(self.python, HERE / "make_rows.py", path, count, size)
        return path

    def bench(self, what, rows, model, sets, seconds=2):
        """`polyrank bench`: rows a second, GFLOP/s, kB a row that all but products read and write, and where they lie.
        `rows` is a file, or a list of arguments that say what to read and how."""
        sets = [part for key_value in sets for part in ("--set", key_value)]
        config, source = HERE / f"{model}.toml", rows if isinstance(rows, list) else [rows]
        out = run(self.polyrank, "bench", what, *source, "--config", config, "--seconds", seconds, *sets)
        numbers = [float(re.search(rf"([\d.]+) {unit}", out)[1]) for unit in ["rows/s", "GFLOP/s", "kB a row"]]
        return *numbers, re.search(r"besides products in (\w+)", out)[1]

    def peak(self):
        """GFLOP/s of products that lie in the nearest cache, by precision, and GB/s of copies, by where they lie."""
        out = run(self.polyrank, "bench", "peak")
        products = {precision: float(rate) for precision, rate in re.findall(r"(fp32|bf16) ([\d.]+) GFLOP/s", out)}
        return products, {place: float(rate) for rate, place in re.findall(r"([\d.]+) GB/s in (\w+)", out)}

    def compare(self, ours, theirs):
        """Both in turn, `rounds` times: medians, and the median and range of the rounds' ratios."""
        pairs = [(ours(), theirs()) for _ in range(self.rounds)]
        ratios = sorted(a / b for a, b in pairs)
        middle = [statistics.median(side) for side in zip(*pairs)]
        return *middle, spread(ratios)


def spread(ratios):
    ratios = sorted(ratios)
    return f"{statistics.median(ratios):.2f}× ({ratios[0]:.2f}–{ratios[-1]:.2f})"
