#!/usr/bin/env python3
"""Operators and encoders beside Polars, scikit-learn and formulas, on real rows: the largest difference of each.

usage: side_by_side.py --census examples/data/census --kuairand DIR [--polyrank target/release/polyrank] [--work DIR]

Census rows come from `examples/census.py --prepare-only`. DIR holds KuaiRand-Pure: log_val.parquet and log_test.parquet
(rows to fit on and other rows), user_features.parquet, video_features_basic.parquet and train_history.parquet (user_id,
video_id, seq_pos, is_like, long_view: what each user saw before). Either data set can be left out.

Makes a virtual environment under the work folder (pip: polars, numpy, scikit-learn, xxhash), writes a configuration of all
cases, runs `polyrank prepare` on it and prints a table in Markdown. The exit code is 1 if a case differs more than it may.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ["polars", "numpy", "scikit-learn", "xxhash"]


def run(*command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--census", type=Path, metavar="DIR", help="folder of train.csv and test.csv")
    parser.add_argument("--kuairand", type=Path, metavar="DIR", help="folder of KuaiRand-Pure's Parquet files")
    parser.add_argument("--polyrank", type=Path, default=HERE.parent / "target" / "release" / "polyrank", metavar="PATH")
    parser.add_argument("--work", type=Path, default=HERE / "work", metavar="DIR", help="folder of what is made")
    parser.add_argument("--python", type=Path, metavar="PATH", help="a Python that has the packages, instead of a new one")
    options = parser.parse_args()
    if not options.census and not options.kuairand:
        parser.error("name --census, --kuairand or both")
    return options


def environment(options):
    """The Python that has the packages."""
    if options.python:
        return options.python
    python = options.work / "venv" / "bin" / "python"
    if not python.exists():
        run(sys.executable, "-m", "venv", options.work / "venv")
        run(python, "-m", "pip", "install", "-q", *PACKAGES)
    return python


def main():
    options = parse_options()
    options.work.mkdir(parents=True, exist_ok=True)
    (options.work / ".gitignore").write_text("*\n")
    python = environment(options)
    arguments = [os.path.abspath(options.polyrank), os.path.abspath(options.work)]
    arguments += [os.path.abspath(folder) if folder else "" for folder in (options.census, options.kuairand)]
    return subprocess.run([str(python), str(HERE / "side_by_side" / "compare.py"), *arguments]).returncode


if __name__ == "__main__":
    sys.exit(main())
