"""Operators of one row, and those that leave rows or features out, on KuaiRand-Pure."""

import numpy as np
import polars as pl

from compare import Case
from formulas import quantile_boundaries

# How Polars counts days and hours; 0 is Monday.
MOMENT = {
    "year": lambda at: at.dt.year(),
    "quarter": lambda at: at.dt.quarter(),
    "month": lambda at: at.dt.month(),
    "day": lambda at: at.dt.day(),
    "day_of_year": lambda at: at.dt.ordinal_day(),
    "weekday": lambda at: at.dt.weekday() - 1,
    "hour": lambda at: at.dt.hour(),
    "minute": lambda at: at.dt.minute(),
    "second": lambda at: at.dt.second(),
}
DAY = ["year", "month", "day", "weekday"]
TABS = [0, 1, 2, 4]
KEPT = 16


def play(rows):
    return rows["play_time_ms"].cast(pl.Float64).to_numpy()


def videos(rows, folder, column):
    """A column of the videos, beside the rows."""
    table = pl.read_parquet(f"{folder}/video_features_basic.parquet").with_columns(pl.col("video_id").cast(pl.Int64))
    keys = rows.select(pl.col("video_id").cast(pl.Int64))
    return keys.join(table, on="video_id", how="left", maintain_order="left")[column]


def scaled(train, rows, part):
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

    scale = lambda scaler: pl.Series(scaler.fit(play(train)[:, None]).transform(play(rows)[:, None])[:, 0])
    return {"play_min_max": scale(MinMaxScaler(clip=True)), "play_log": scale(FunctionTransformer(np.log1p))}


def bucketized(train, rows, part):
    places = lambda boundaries: pl.Series(np.searchsorted(boundaries, play(rows), side="right"))
    return {
        "play_bucket": places([1000.0, 7000.0, 18000.0]),
        "play_tenth": places(quantile_boundaries(play(train), 10)),
    }


def categorified(train, rows, part):
    """Ids from 3 by falling count, ties by size; 2 for what is rare or unseen."""
    counts = train.group_by("video_id").agg(n=pl.len()).filter(pl.col("n") >= 5)
    ids = counts.sort(["n", "video_id"], descending=[True, False]).with_row_index("id", offset=3)
    return {"video_rank": rows.join(ids, on="video_id", how="left", maintain_order="left")["id"].fill_null(2)}


def buckets(texts, count, seed):
    import xxhash

    return pl.Series([xxhash.xxh3_64_intdigest(text.encode(), seed=seed) % count for text in texts])


def hashed(train, rows, part):
    users, tabs = rows["user_id"].cast(pl.String), rows["tab"].cast(pl.String)
    return {
        "video_bucket": buckets(rows["video_id"].cast(pl.String), 1000, 5),
        "user_tab_bucket": buckets(users + "_" + tabs, 5000, 0),
    }


def hot(train, rows, part):
    return {f"tab_{tab}": (rows["tab"] == tab).cast(pl.Int64) for tab in TABS}


def tags(train, rows, part, folder):
    lists = videos(rows, folder, "tag").str.split(",")
    pad = lambda items: [*(items or [])[:2], *["none"] * (2 - len(items or []))]
    return {
        "tags": lists,
        "first_tags": lists.list.slice(0, 1),
        "last_tags": lists.list.tail(2),
        "two_tags": pl.Series([pad(items) for items in lists.to_list()]),
        "tag_count": lists.list.len().fill_null(0),
    }


def moments(train, rows, part, folder):
    at, uploaded = pl.from_epoch(rows["time_ms"], "ms"), videos(rows, folder, "upload_dt").str.to_date()
    made = {f"time_ms_{name}": of(at) for name, of in MOMENT.items()}
    return made | {f"video_features_basic_upload_dt_{name}": MOMENT[name](uploaded) for name in DAY}


def computed(train, rows, part):
    share = pl.col("play_time_ms").cast(pl.Float64) / pl.col("duration_ms").cast(pl.Float64)
    share = pl.when(pl.col("duration_ms") == 0).then(None).otherwise(share)
    kind = pl.when(pl.col("tab") == 1).then(pl.lit("main")).otherwise(pl.lit("tab ") + pl.col("tab").cast(pl.String))
    return rows.select(share=share, tab_kind=kind, seconds=pl.col("play_time_ms") // 1000).to_dict(as_series=True)


def combined(train, rows, part, folder):
    """A separator or a backslash within a value has a backslash before it; a missing value is empty."""
    tag = videos(rows, folder, "tag").str.replace_all(r"([\\,])", r"\$1").fill_null("")
    return {"tab_tag": rows["tab"].cast(pl.String) + "," + tag, "clock": rows["hourmin"]}


def one_row(folder):
    tag_toml = '''
[[operators]]
type      = "split"
columns   = "video_features_basic_tag"
into      = "tags"
separator = ","

[[operators]]
name    = "first"
type    = "list_slice"
columns = "tags"
into    = "first_tags"
end     = 1

[[operators]]
name    = "last"
type    = "list_slice"
columns = "tags"
into    = "last_tags"
start   = -2

[[operators]]
name    = "two"
type    = "list_slice"
columns = "tags"
into    = "two_tags"
end     = 2
pad     = "none"

[[operators]]
type    = "value_count"
columns = "tags"
into    = "tag_count"
'''
    return [
        Case("`min_max`, `log`", "scikit-learn scalers", '''
[[operators]]
type    = "min_max"
columns = "play_time_ms"
into    = "play_min_max"

[[operators]]
type    = "log"
columns = "play_time_ms"
into    = "play_log"
''', ["play_min_max", "play_log"], scaled),
        Case("`fill` with the median", "Polars median", '''
[[operators]]
name    = "median"
type    = "fill"
columns = "video_features_basic_video_duration"
into    = "duration_median"
median  = true
''', ["duration_median"], lambda train, rows, part: {
                "duration_median": videos(rows, folder, "video_duration").fill_null(
                    videos(train, folder, "video_duration").median()
                )
            }, 0.0),
        Case("`bucketize`: boundaries, quantiles", "NumPy searchsorted, sort", '''
[[operators]]
name       = "boundaries"
type       = "bucketize"
columns    = "play_time_ms"
into       = "play_bucket"
boundaries = [1000, 7000, 18000]

[[operators]]
name      = "tenths"
type      = "bucketize"
columns   = "play_time_ms"
into      = "play_tenth"
quantiles = 10
''', ["play_bucket", "play_tenth"], bucketized, 0.0),
        Case("`categorify`", "Polars group_by", '''
[[operators]]
type      = "categorify"
columns   = "video_id"
into      = "video_rank"
min_count = 5
''', ["video_rank"], categorified, 0.0),
        Case("`hash_bucket`, `hashed_cross`", "xxhash", '''
[[operators]]
type    = "hash_bucket"
columns = "video_id"
into    = "video_bucket"
buckets = 1000
seed    = 5

[[operators]]
type    = "hashed_cross"
columns = ["user_id", "tab"]
into    = "user_tab_bucket"
buckets = 5000
''', ["video_bucket", "user_tab_bucket"], hashed, 0.0),
        Case("`one_hot`", "Polars", f'''
[[operators]]
type    = "one_hot"
columns = "tab"
values  = {TABS}
''', [f"tab_{tab}" for tab in TABS], hot, 0.0),
        Case("`split`, `list_slice`, `value_count`", "Polars str.split, list", tag_toml,
            ["tags", "first_tags", "last_tags", "two_tags", "tag_count"], lambda *rows: tags(*rows, folder), 0.0,
            lists={"tags", "first_tags", "last_tags", "two_tags"}),
        Case("`date_parts` of numbers and of text", "Polars dt", f'''
[[operators]]
name    = "moments"
type    = "date_parts"
columns = "time_ms"
unit    = "ms"
parts   = {list(MOMENT)}

[[operators]]
name    = "days"
type    = "date_parts"
columns = "video_features_basic_upload_dt"
parts   = {DAY}
''', [f"time_ms_{name}" for name in MOMENT] + [f"video_features_basic_upload_dt_{name}" for name in DAY],
            lambda *rows: moments(*rows, folder), 0.0),
        Case("`expression`", "Polars expressions", '''
[[operators]]
name       = "share"
type       = "expression"
expression = "play_time_ms / duration_ms"
into       = "share"

[[operators]]
name       = "kind of tab"
type       = "expression"
expression = "CASE WHEN tab = 1 THEN 'main' ELSE 'tab ' || tab END"
into       = "tab_kind"

[[operators]]
name       = "seconds"
type       = "expression"
expression = "floor(play_time_ms / 1000)"
into       = "seconds"
as         = "integer"
''', ["share", "tab_kind", "seconds"], computed),
        Case("`combine`, `rename`", "Polars concatenation", '''
[[operators]]
type      = "combine"
columns   = ["tab", "video_features_basic_tag"]
into      = "tab_tag"
separator = ","

[[operators]]
type    = "rename"
columns = "hourmin"
into    = "clock"
''', ["tab_tag", "clock"], lambda *rows: combined(*rows, folder), 0.0),
    ]


def filtering(folder):
    """Rows that are left, in their order, and what is fitted on them."""
    columns = ["video_id", "time_ms", "tag"]
    counted = lambda train, rows, part: {
        "user_id_count": rows.join(
            train.group_by("user_id").agg(n=pl.len()), on="user_id", how="left", maintain_order="left"
        )["n"].fill_null(0)
    }
    return [
        Case("`filter`, `drop_missing`", "Polars filter, drop_nulls", f'''
[[operators]]
type       = "filter"
expression = "duration_ms >= 7000 AND tab IN (0, 1, 4)"

[[operators]]
type    = "join"
files   = "{folder}/video_features_basic.parquet"
on      = "video_id"
columns = "tag"

[[operators]]
type    = "drop_missing"
columns = "tag"
''', columns, lambda train, rows, part: {column: rows[column] for column in columns}, 0.0),
        Case("`group_statistics` of the rows that are left", "Polars group_by", '''
[[operators]]
type = "group_statistics"
by   = "user_id"
''', ["user_id_count"], counted, 0.0),
    ]


def dropping():
    """Features with few different values are left out, the others are there."""
    columns = ["hourmin", "tab", "is_rand"]
    reference = lambda train, rows, part: {
        column: rows[column] if train[column].drop_nulls().n_unique() >= KEPT else None for column in columns
    }
    return [
        Case("`drop_low_cardinality`", "Polars n_unique", f'''
[[operators]]
type            = "drop_low_cardinality"
columns         = {columns}
min_cardinality = {KEPT}

[[features]]
names   = {columns}
kind    = "dense"
encoder = "none"
''', columns, reference, 0.0)
    ]
