#!/usr/bin/env python3
"""The rival of census-best.toml: LightGBM, one model a task, stopped early on the validation rows, on the same 38 inputs.

`census.py --best` runs it. Needs lightgbm; prints one line of JSON a seed: the AUC of each task on each file.
"""

import argparse
import csv
import json
from pathlib import Path

import lightgbm
import numpy
from scipy.stats import rankdata

import census

NUMBERS = ["age", "wage_per_hour", "capital_gains", "capital_losses", "stock_dividends", "num_emp", "weeks_worked"]
SETTINGS = {
    "objective": "binary", "metric": "auc", "learning_rate": 0.05, "num_leaves": 31, "min_child_samples": 100,
    "feature_fraction": 0.5, "bagging_fraction": 0.9, "bagging_freq": 1, "cat_smooth": 20, "verbose": -1,
    "deterministic": True, "force_row_wise": True,
}
ROUNDS = 3000
PATIENCE = 100


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder that census.py writes")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5], metavar="SEED")
    parser.add_argument("--threads", type=int, default=0, help="default: all cores")
    options = parser.parse_args()
    parts = {part: read(options.data / f"{part}.csv") for part in ("train", *census.MEASURED)}
    codes = {column: {value: code for code, value in enumerate(sorted(set(parts["train"][column])))}
             for column in census.INPUTS if column not in NUMBERS}
    inputs = {part: matrix(columns, codes) for part, columns in parts.items()}
    for seed in options.seeds:
        aucs = {part: {} for part in census.MEASURED}
        for task, (column, positive) in census.BEST_TASKS.items():
            labels = {part: numpy.isin(columns[column], positive) for part, columns in parts.items()}
            model = fit(inputs, labels, list(codes), seed, options.threads)
            for part in census.MEASURED:
                aucs[part][task] = auc(labels[part], model.predict(inputs[part]))
        print(json.dumps({"seed": seed, "auc": aucs}), flush=True)


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return {column: numpy.array(values) for column, values in zip(rows[0], zip(*rows[1:]))}


def matrix(columns, codes):
    """Numbers as they are, texts as the codes of the training rows' values, -1 (missing) for any other."""
    def numbers(column):
        if column in NUMBERS:
            return columns[column].astype(float)
        return numpy.array([codes[column].get(value, -1) for value in columns[column]], dtype=float)
    return numpy.column_stack([numbers(column) for column in census.INPUTS])


def fit(inputs, labels, categorical, seed, threads):
    train = lightgbm.Dataset(inputs["train"], labels["train"], feature_name=census.INPUTS,
                             categorical_feature=categorical)
    valid = lightgbm.Dataset(inputs["valid"], labels["valid"], reference=train)
    settings = {**SETTINGS, "seed": seed, "num_threads": threads}
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    return lightgbm.train(settings, train, ROUNDS, valid_sets=[valid], callbacks=[stop])


def auc(labels, scores):
    """Mann and Whitney's statistic; equal scores count half."""
    positive, ranks = labels.sum(), rankdata(scores)
    return float((ranks[labels].sum() - positive * (positive + 1) / 2) / (positive * (len(labels) - positive)))


if __name__ == "__main__":
    main()
