#!/usr/bin/env python3
"""KuaiRand-Pure: six architectures, with and without DCN-v2 and DIN, on several seeds; prints two tables.

The rows, the tasks and all settings but these three are those of kuairand.toml. Runs that are there already are not
repeated. With --convert: makes the files that kuairand.toml names from the published CSV files (needs polars).

Needs Python 3.9 or later and polyrank; see docs/kuairand.md for the protocol and the results.
"""

import argparse
import hashlib
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "kuairand.toml"
DATA = HERE / "data" / "kuairand-pure"

# The first layers of all have about the same width in sum: four or five experts, or one for each task.
MODELS = {
    "single": '{ type = "single", units = [128, 64] }',
    "shared_bottom": '{ type = "shared_bottom", units = [256, 128] }',
    "mmoe": '{ type = "mmoe", experts = 4, expert_units = [128, 64] }',
    "ple": '{ type = "ple", levels = 2, task_experts = 1, shared_experts = 1, expert_units = [128, 64] }',
    "stem": '{ type = "stem", task_experts = 1, shared_experts = 1, expert_units = [128, 64] }',
    "adatt": '{ type = "adatt", levels = 2, task_experts = 1, expert_units = [128, 64] }',
}
INTERACTIONS = {"none": '"none"', "dcn_v2": '{ type = "dcn_v2", layers = 2, rank = 32, output = "replace" }'}
SEQUENCES = ["none", "din"]
FACTORS = ("model", "interaction", "sequence")
# What the blocks of kuairand.toml that make up the history have in common.
HISTORY = "watched"

METRICS = [(task, metric) for task in ("click", "like", "long_view") for metric in ("auc", "gauc")]
METRICS.append(("play_time", "rmse"))
# The .975 quantiles of Student's t by degrees of freedom.
STUDENT = [math.inf, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

# What --convert must come to.
ROWS = {"log_val": 94_784, "log_test": 133_545, "train_history": 817_187, "user_features": 27_285,
        "video_features_basic": 7_583}


def main():
    options = parse_options()
    try:
        if options.convert:
            convert(options.convert)
            return
        runs = train_all(options)
    except (ImportError, OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"kuairand.py: {error}")
    print("\n\n".join(part for part in (table(runs), effects(runs), f"all runs: {options.runs}") if part))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, known in (("models", MODELS), ("interactions", INTERACTIONS), ("sequences", SEQUENCES)):
        parser.add_argument(f"--{option}", nargs="+", choices=list(known), default=list(known), metavar="NAME",
                            help=f"{', '.join(known)}; all by default")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5], metavar="SEED")
    parser.add_argument("--threads", type=int, default=0, help="of one run; default: all cores")
    parser.add_argument("--runs", type=Path, default=HERE / "data" / "kuairand-runs", metavar="DIR",
                        help="folder of what was measured (default: examples/data/kuairand-runs)")
    parser.add_argument("--polyrank", metavar="PATH", help="the binary (default: target/release/polyrank)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="handed to polyrank train")
    parser.add_argument("--convert", type=Path, metavar="DIR", help="folder of the published CSV files")
    options = parser.parse_args()
    options.runs = options.runs.resolve()
    return options


# --- rows -----------------------------------------------------------------------------------------------------------


def convert(source):
    """Writes the five Parquet files; the standard log alone, no row of the random one."""
    import polars as pl

    def read(name):
        return pl.read_csv(source / f"{name}_pure.csv", infer_schema_length=None)

    log = pl.concat([read("log_standard_4_08_to_4_21"), read("log_standard_4_22_to_5_08")])
    log = log.sort("time_ms", maintain_order=True)
    day = pl.col("date")
    past = log.filter(day < 20220425).with_columns(seq_pos=pl.int_range(pl.len()).over("user_id"))
    tables = {
        "log_val": log.filter(day.is_between(20220425, 20220430)),
        "log_test": log.filter(day >= 20220501),
        # Of each user the last 50 videos shown.
        "train_history": past.filter(pl.col("seq_pos") + 50 >= pl.len().over("user_id"))
        .select("user_id", "video_id", "seq_pos", "is_like", "long_view").sort("user_id", "seq_pos"),
        "user_features": read("user_features"),
        "video_features_basic": read("video_features_basic"),
    }
    for name, rows in tables.items():
        if len(rows) != ROWS[name]:
            raise ValueError(f"{name}: {len(rows):,} rows, not {ROWS[name]:,}; is {source} the archive's data folder?")
    DATA.mkdir(parents=True, exist_ok=True)
    # The rows are not the project's: git leaves this folder out by itself.
    (DATA / ".gitignore").write_text("*\n")
    for name, rows in tables.items():
        rows.write_parquet(DATA / f"{name}.parquet")
        print(f"{DATA / name}.parquet: {len(rows):,} rows", file=sys.stderr)


# --- runs -----------------------------------------------------------------------------------------------------------


def train_all(options):
    """Seed by seed, so that what is there after an interruption compares like with like."""
    options.runs.mkdir(parents=True, exist_ok=True)
    each = itertools.product(options.seeds, options.models, options.interactions, options.sequences)
    return [run(options, dict(zip(FACTORS, kind)), seed) for seed, *kind in each]


def run(options, kind, seed):
    """What one network measures on the validation day and, once, on the test rows; read again if it is there."""
    config = configuration(kind["sequence"])
    sets = [f"model.multi_task={MODELS[kind['model']]}", f"model.interaction={INTERACTIONS[kind['interaction']]}"]
    sets += options.set
    settings = hashlib.sha256(json.dumps([config, sets, seed]).encode()).hexdigest()
    name = "-".join([*kind.values(), str(seed)])
    kept = options.runs / f"{name}.json"
    if kept.exists():
        found = json.loads(kept.read_text())
        if found["settings"] == settings:
            return found
    print(f"{name} …", file=sys.stderr, flush=True)
    binary, began = polyrank(options.polyrank), time.monotonic()
    # The folder has bundle and checkpoints, some 30 MB that nothing needs later.
    with tempfile.TemporaryDirectory(dir=options.runs) as folder:
        out = Path(folder) / "run"
        (Path(folder) / "config.toml").write_text(config, encoding="utf-8")
        command = [*binary, "train", f"{folder}/config.toml", "--out", str(out), "--seed", str(seed)]
        for override in sets + ([f"train.threads={options.threads}"] if options.threads else []):
            command += ["--set", override]
        trained = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if trained.returncode:
            raise ValueError(f"{name}: {trained.stderr.strip()}")
        command = [*binary, "evaluate", str(out / "bundle"), str(DATA / "log_test.parquet"), "--json"]
        test = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["tasks"]
        epochs = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    best = max(epochs, key=lambda epoch: mean_auc(validated(epoch)))
    found = {**kind, "seed": seed, "settings": settings, "epoch": best["epoch"], "valid": validated(best), "test": test,
             "seconds": round(time.monotonic() - began, 1)}
    temporary = kept.with_suffix(".tmp")
    temporary.write_text(json.dumps(found, indent=1) + "\n")
    os.replace(temporary, kept)
    return found


def configuration(sequence):
    """kuairand.toml with paths from anywhere; without a sequence also without the blocks that name the history."""
    blocks = CONFIG.read_text(encoding="utf-8").split("\n\n")
    if sequence == "none":
        blocks = [block for block in blocks if HISTORY not in block]
    return "\n\n".join(blocks).replace('"data/kuairand-pure/', f'"{DATA.as_posix()}/')


def validated(epoch):
    return {task["name"]: task["metrics"] for task in epoch["valid"]["tasks"]}


def mean_auc(tasks):
    return statistics.fmean(metrics["auc"] for metrics in tasks.values() if "auc" in metrics)


def polyrank(given):
    if given:
        return [given]
    built = HERE.parent / "target" / "release" / "polyrank"
    if built.exists():
        return [str(built)]
    manifest = str(HERE.parent / "Cargo.toml")
    return ["cargo", "run", "--quiet", "--release", "--manifest-path", manifest, "-p", "polyrank", "--"]


# --- tables ---------------------------------------------------------------------------------------------------------


def table(runs):
    """Markdown: each metric on the test rows, mean ± half its 95 % interval over the seeds."""
    lines = [[*FACTORS, "seeds", *titles()]]
    for kind in dict.fromkeys(tuple(run[factor] for factor in FACTORS) for run in runs):
        own = [run for run in runs if all(run[factor] == value for factor, value in zip(FACTORS, kind))]
        cells = [interval([run["test"][task][metric] for run in own]) for task, metric in METRICS]
        lines.append([*kind, str(len(own)), *(figure(mean, half) for mean, half in cells)])
    return markdown(lines)


def effects(runs):
    """Markdown: what one change does to each metric, all else equal: differences of runs of one seed, averaged within
    the seed over all other changes, then over seeds with the 95 % interval of that mean."""
    lines = [["change", *titles()]]
    changes = [("model", "single", model) for model in MODELS if model != "single"]
    changes += [("model", "shared_bottom", model) for model in MODELS if model not in ("single", "shared_bottom")]
    changes += [("interaction", "none", "dcn_v2"), ("sequence", "none", "din")]
    for factor, base, changed in changes:
        cells = []
        for task, metric in METRICS:
            by_seed = {}
            for one, other in pairs(runs, factor, base, changed):
                difference = other["test"][task][metric] - one["test"][task][metric]
                by_seed.setdefault(one["seed"], []).append(difference)
            if by_seed:
                mean, half = interval([statistics.fmean(values) for values in by_seed.values()])
                cells.append(figure(mean, half, sign="+"))
        if cells:
            lines.append([f"{base} → {changed}", *cells])
    return markdown(lines) if len(lines) > 1 else ""


def pairs(runs, factor, base, changed):
    """Runs that differ in one factor alone."""
    rest = [key for key in (*FACTORS, "seed") if key != factor]
    others = {tuple(run[key] for key in rest): run for run in runs if run[factor] == changed}
    for one in runs:
        other = others.get(tuple(one[key] for key in rest))
        if one[factor] == base and other:
            yield one, other


def titles():
    return [f"{task} {metric.upper()}" for task, metric in METRICS]


def markdown(lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], ["---"] * len(lines[0]), *lines[1:]])


def figure(mean, half, sign=""):
    """As .7225 ± .0012 or, with a sign, −.0012 ± .0007."""
    return f"{mean:{sign}.4f} ± {half:.4f}".replace("0.", ".").replace("-", "−")


def interval(values):
    """Mean and half the 95 % interval of the mean."""
    if len(values) < 2:
        return statistics.fmean(values), math.inf
    quantile = STUDENT[len(values) - 1] if len(values) <= len(STUDENT) else STUDENT[-1]
    return statistics.fmean(values), quantile * statistics.stdev(values) / math.sqrt(len(values))


if __name__ == "__main__":
    main()
