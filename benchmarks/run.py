"""All benchmarks: polyrank and its peers on the same rows, interleaved, several rounds, medians.

usage: run.py [--polyrank target/release/polyrank] [--rounds 5] [--work benchmarks/work] [--only training blocks scoring preparing pipeline]
              [--write BENCHMARKS.md]

Makes a virtual environment under the work folder with the peers (from PyPI), makes the rows, runs every comparison, prints
lines as they come, and with --write puts the tables into the file, each between its marks. About an hour on two cores.
"""

import argparse
import datetime
import pathlib
import re

import blocks
import pipeline
import preparing
import scoring
import training
from common import HERE, Bench, environment, machine, run

REPORTS = {"training": training, "blocks": blocks, "scoring": scoring, "preparing": preparing, "pipeline": pipeline}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--polyrank", default="target/release/polyrank")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=pathlib.Path, default=HERE / "work")
    parser.add_argument("--only", nargs="+", choices=list(REPORTS), default=list(REPORTS))
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(options, environment(options.work))
    for name in options.only:
        body = REPORTS[name].report(bench)
        versions = run(bench.python, "-c", "import torch, onnxruntime, polars; print(torch.__version__.split('+')[0], "
                       "onnxruntime.__version__, polars.__version__)").split()
        peers = "PyTorch {}, ONNX Runtime {}, Polars {}".format(*versions)
        where = f"{machine()}; {peers}; median of {options.rounds} interleaved rounds; {datetime.date.today()}."
        text = f"{where}\n\n{body}"
        print(f"\n{text}\n", flush=True)
        if options.write:
            page = options.write.read_text()
            begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
            made = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.S)
            options.write.write_text(made)


if __name__ == "__main__":
    main()
