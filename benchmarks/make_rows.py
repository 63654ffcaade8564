"""Writes rows shaped like the ByteDance short-video log: 8 integer id columns, one number, two labels.

usage: make_rows.py OUT.parquet|OUT.tsv ROWS [small|full]

`full` has the cardinalities of the published track-2 log (5.2 million values in all), `small` about 54 thousand. Ids
follow a skewed law (v·u³). The labels are coin flips: these rows measure speed, never accuracy.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

FULL = {
    "uid": 73974,
    "user_city": 396,
    "item_id": 4122689,
    "author_id": 850308,
    "item_city": 456,
    "channel": 5,
    "music_id": 89778,
    "device": 75085,
}
SMALL = {name: v if v < 1000 else max(1000, v // 100) for name, v in FULL.items()}


def main(out, rows, size="full"):
    g = np.random.default_rng(0)
    cards = FULL if size == "full" else SMALL
    columns = {k: np.minimum((v * g.random(rows) ** 3).astype(np.int64), v - 1) for k, v in cards.items()}
    columns["duration_time"] = g.integers(1, 300, rows).astype(np.int32)
    columns["finish"] = (g.random(rows) < 0.4).astype(np.int8)
    columns["like"] = (g.random(rows) < 0.02).astype(np.int8)
    if out.endswith(".tsv"):
        # Arrow quotes names, which TSV does not know.
        with open(out, "wb") as file:
            file.write(("\t".join(columns) + "\n").encode())
            csv.write_csv(pa.table(columns), file, csv.WriteOptions(include_header=False, delimiter="\t"))
    else:
        pq.write_table(pa.table(columns), out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
