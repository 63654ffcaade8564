"""What bf16 costs in accuracy: an example trained with the same seeds in fp32 and in bf16, and the AUC of both.

usage: precision.py examples/census.toml TEST_FILE [--of precision] [--seeds 20] [--polyrank target/release/polyrank]
                    [--work benchmarks/work]

`--of table_precision` compares embedding tables in both formats instead of layers' products. Prints, for each task with an
AUC, both means and the mean of the paired differences (bf16 less fp32) with its 95 % interval (Student's t).
"""

import argparse
import json
import math
import pathlib
import shutil
import statistics

from common import HERE, run, table

# The .975 quantiles of Student's t by degrees of freedom.
STUDENT = [math.inf, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
           2.131, 2.120, 2.110, 2.101, 2.093]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("test")
    parser.add_argument("--of", choices=["precision", "table_precision"], default="precision")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--polyrank", default="target/release/polyrank")
    parser.add_argument("--work", type=pathlib.Path, default=HERE / "work")
    options = parser.parse_args()
    if not 2 <= options.seeds <= len(STUDENT):
        parser.error(f"--seeds: from 2 to {len(STUDENT)}")
    aucs = {}
    for seed in range(1, options.seeds + 1):
        for precision in ["fp32", "bf16"]:
            out = options.work / "precision" / precision
            shutil.rmtree(out, ignore_errors=True)
            sets = ["--set", f"train.seed={seed}", "--set", f'train.{options.of}="{precision}"']
            run(options.polyrank, "train", options.config, "--out", out, *sets)
            tasks = json.loads(run(options.polyrank, "evaluate", out / "bundle", options.test, "--json"))["tasks"]
            for name, metrics in tasks.items():
                if metrics.get("auc") is not None:
                    aucs.setdefault(name, {}).setdefault(precision, []).append(metrics["auc"])
    rows = []
    for name, both in aucs.items():
        differences = [b - a for a, b in zip(both["fp32"], both["bf16"])]
        half = STUDENT[len(differences) - 1] * statistics.stdev(differences) / math.sqrt(len(differences))
        means = [f"{statistics.fmean(both[precision]):.5f}" for precision in ["fp32", "bf16"]]
        rows.append([name, *means, f"{statistics.fmean(differences):+.5f} ± {half:.5f}"])
    print(table(["task", "AUC in fp32", "AUC in bf16", f"difference, {options.seeds} seeds"], rows))


if __name__ == "__main__":
    main()
