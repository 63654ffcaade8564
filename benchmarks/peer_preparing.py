"""What `polyrank prepare` does with prepare.toml, in Polars: ids by frequency, min-max, Parquet out.

usage: peer_preparing.py ROWS.parquet|ROWS.tsv OUT.parquet
"""

import sys

import polars as pl

IDS = ["uid", "user_city", "item_id", "author_id", "item_city", "channel", "music_id", "device"]
# 0 padding, 1 missing, 2 out of vocabulary.
OTHERS, FIRST = 2, 3


def main():
    source, out = sys.argv[1:]
    rows = pl.read_parquet(source) if source.endswith(".parquet") else pl.read_csv(source, separator="\t")
    counts = [
        rows.lazy().group_by(name).len().filter(pl.col("len") >= 2).sort(["len", name], descending=[True, False])
        for name in IDS
    ]
    columns = []
    for name, kept in zip(IDS, pl.collect_all(counts)):
        ids = pl.Series(range(FIRST, FIRST + len(kept)), dtype=pl.UInt32)
        columns.append(pl.col(name).replace_strict(kept[name], ids, default=OTHERS, return_dtype=pl.UInt32))
    number = pl.col("duration_time")
    scaled = (number - number.min()) / (number.max() - number.min())
    rows.lazy().with_columns(*columns, scaled.cast(pl.Float32)).collect().write_parquet(out, compression="zstd", compression_level=1)


if __name__ == "__main__":
    main()
