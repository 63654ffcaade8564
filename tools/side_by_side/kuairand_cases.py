"""KuaiRand-Pure: users, videos and what each user saw before."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from compare import Case
from formulas import events_before, out_of_fold
from row_cases import dropping, filtering, one_row

HISTORY = 50


@dataclass
class Data:
    name: str
    folder: str
    operators: list
    encoders: list

    @property
    def head(self):
        return f'[data]\ntrain = "{self.folder}/log_val.parquet"\nvalid = "{self.folder}/log_test.parquet"\n'

    tasks = '[[tasks]]\nname = "is_click"\n\n[[tasks]]\nname = "is_like"\n'

    def rows(self, part):
        return pl.read_parquet(f"{self.folder}/{'log_val' if part == 'train' else 'log_test'}.parquet")


class Filtered(Data):
    """The rows that are left."""

    def rows(self, part):
        videos = pl.read_parquet(f"{self.folder}/video_features_basic.parquet").with_columns(pl.col("video_id").cast(pl.Int64))
        rows = super().rows(part).with_columns(pl.col("video_id").cast(pl.Int64))
        rows = rows.join(videos.select("video_id", "tag"), on="video_id", how="left", maintain_order="left")
        return rows.filter((pl.col("duration_ms") >= 7000) & pl.col("tab").is_in([0, 1, 4])).drop_nulls("tag")


def joined(train, rows, part, folder, table, on, columns):
    other = pl.read_parquet(f"{folder}/{table}.parquet").with_columns(pl.col(on).cast(pl.Int64))
    together = rows.with_columns(pl.col(on).cast(pl.Int64)).join(other, on=on, how="left", maintain_order="left")
    return {f"{table}_{column}": together[column] for column in columns}


def statistics(train, rows, part):
    play = pl.col("play_time_ms").cast(pl.Float64)
    groups = train.group_by("video_id").agg(
        video_id_count=pl.len(),
        video_id_play_time_ms_sum=play.sum(),
        video_id_play_time_ms_mean=play.mean(),
        video_id_play_time_ms_var=play.var(),
        video_id_play_time_ms_std=play.std(),
        video_id_play_time_ms_min=play.min(),
        video_id_play_time_ms_max=play.max(),
    )
    together = rows.join(groups, on="video_id", how="left", maintain_order="left")
    return together.with_columns(pl.col("video_id_count").fill_null(0)).to_dict(as_series=True)


def encoded(train, rows, part):
    """In training the formula; for other rows scikit-learn's, which has the same smoothing."""
    from sklearn.preprocessing import TargetEncoder

    made = {}
    for target in ("is_click", "is_like"):
        if part == "train":
            keys = train["video_id"].rank("dense").to_numpy().astype(np.int64) - 1
            made[f"te_video_id_{target}"] = pl.Series(out_of_fold(keys, train[target].to_numpy()))
        else:
            # With three digits more than a class, a label is read as a number and not as a class.
            encoder = TargetEncoder(smooth=20.0, target_type="continuous")
            encoder.fit(train.select("video_id").to_numpy(), train[target].cast(pl.Float64).to_numpy())
            made[f"te_video_id_{target}"] = pl.Series(encoder.transform(rows.select("video_id").to_numpy())[:, 0])
    return made


def two_columns(train, rows, part):
    """NVTabular's formula, with the prior of all rows."""
    pair = lambda frame: frame.select(pl.struct("user_id", "tab")).to_series()
    labels = train["is_click"].cast(pl.Float64)
    if part == "train":
        keys = pair(train).rank("dense").to_numpy().astype(np.int64) - 1
        return {"te_pair": pl.Series(out_of_fold(keys, labels.to_numpy(), folds=3, seed=7, smoothing=10.0, prior="global"))}
    groups = train.group_by("user_id", "tab").agg(sum=pl.col("is_click").cast(pl.Float64).sum(), n=pl.len())
    together = rows.join(groups, on=["user_id", "tab"], how="left", maintain_order="left").fill_null(0)
    made = (together["sum"] + 10.0 * labels.mean()) / (together["n"] + 10.0)
    return {"te_pair": made}


def filled(train, rows, part, folder):
    videos = pl.read_parquet(f"{folder}/video_features_basic.parquet").with_columns(pl.col("video_id").cast(pl.Int64))
    together = rows.with_columns(pl.col("video_id").cast(pl.Int64)).join(
        videos, on="video_id", how="left", maintain_order="left"
    )
    durations = together["video_duration"]
    missing = durations.is_null()
    return {"duration_filled": durations.fill_null(-1.0), "video_features_basic_video_duration_filled_missing": missing}


def clipped(train, rows, part):
    return {"play_clipped": rows["play_time_ms"].cast(pl.Float64).clip(1000.0, 60000.0)}


def normalised(train, rows, part):
    from sklearn.preprocessing import StandardScaler

    numbers = lambda frame: frame.select(pl.col("play_time_ms").cast(pl.Float64)).to_numpy()
    return {"play_normalised": pl.Series(StandardScaler().fit(numbers(train)).transform(numbers(rows))[:, 0])}


def from_files(folder, where=None):
    def reference(train, rows, part):
        events = pl.read_parquet(f"{folder}/train_history.parquet")
        events = events.filter(where) if where is not None else events
        lists = (
            events.sort("user_id", "seq_pos", maintain_order=True)
            .group_by("user_id", maintain_order=True)
            .agg(pl.col("video_id").tail(HISTORY), pl.col("long_view").tail(HISTORY))
        )
        together = rows.select("user_id").join(lists, on="user_id", how="left", maintain_order="left")
        names = ("liked",) if where is not None else ("seen", "seen_long")
        return dict(zip(names, (together["video_id"], together["long_view"])))

    return reference


def from_rows(train, rows, part):
    seen = events_before(
        train["user_id"].to_numpy(), train["time_ms"].to_numpy(), rows["user_id"].to_numpy(), rows["time_ms"].to_numpy()
    )
    video, click = train["video_id"].to_numpy(), train["is_click"].to_numpy()
    lists = lambda of: pl.Series([of[places[-HISTORY:]].tolist() for places in seen], dtype=pl.List(pl.Int64))
    return {"video_id_history": lists(video), "is_click_history": lists(click)}


def lag(train, rows, part):
    """The latest event strictly before a row: a join as of its time without exact matches."""
    columns = ("time_ms", "duration_ms")
    then = train.select("user_id", pl.col("time_ms").alias("at"), *[pl.col(c).alias(f"then_{c}") for c in columns])
    together = (
        rows.with_row_index("row")
        .sort("time_ms", maintain_order=True)
        .join_asof(
            then.sort("at", maintain_order=True), left_on="time_ms", right_on="at", by="user_id", allow_exact_matches=False,
            check_sortedness=False
        )
        .sort("row")
    )
    difference = lambda column: together[column].cast(pl.Float64) - together[f"then_{column}"].cast(pl.Float64)
    return {f"{column}_difference_lag_1": difference(column) for column in columns}


def data(folder):
    users = ["user_active_degree", "follow_user_num", "register_days", "onehot_feat4"]
    videos = ["author_id", "video_duration", "tag", "upload_dt"]
    operators = [
        Case("`join` users", "Polars join", f'''
[[operators]]
type    = "join"
files   = "{folder}/user_features.parquet"
on      = "user_id"
columns = {users}
prefix  = "user_features_"
''', [f"user_features_{column}" for column in users],
            lambda *rows: joined(*rows, folder, "user_features", "user_id", users), 0.0),
        Case("`join` videos", "Polars join", f'''
[[operators]]
name    = "videos"
type    = "join"
files   = "{folder}/video_features_basic.parquet"
on      = "video_id"
columns = {videos}
prefix  = "video_features_basic_"
''', [f"video_features_basic_{column}" for column in videos],
            lambda *rows: joined(*rows, folder, "video_features_basic", "video_id", videos), 0.0),
        Case("`clip`", "Polars clip", '''
[[operators]]
type    = "clip"
columns = "play_time_ms"
into    = "play_clipped"
min     = 1000
max     = 60000
''', ["play_clipped"], clipped, 0.0),
        Case("`fill` with an indicator", "Polars fill_null", '''
[[operators]]
type      = "fill"
columns   = "video_features_basic_video_duration"
into      = "duration_filled"
value     = -1
indicator = "_filled_missing"
''', ["duration_filled", "video_features_basic_video_duration_filled_missing"], lambda *rows: filled(*rows, folder), 0.0),
        Case("`normalise`", "scikit-learn StandardScaler", '''
[[operators]]
type    = "normalise"
columns = "play_time_ms"
into    = "play_normalised"
''', ["play_normalised"], normalised),
        Case("`group_statistics`", "Polars group_by", '''
[[operators]]
type       = "group_statistics"
by         = "video_id"
columns    = "play_time_ms"
statistics = ["count", "sum", "mean", "var", "std", "min", "max"]
''', ["video_id_count"] + [f"video_id_play_time_ms_{name}" for name in ("sum", "mean", "var", "std", "min", "max")],
            statistics),
        Case("`target_encoding`", "scikit-learn TargetEncoder; in training the formula", '''
[[operators]]
type    = "target_encoding"
columns = "video_id"
target  = ["is_click", "is_like"]
''', ["te_video_id_is_click", "te_video_id_is_like"], encoded),
        Case("`target_encoding` of pairs, prior of all rows", "NVTabular's formula", '''
[[operators]]
name      = "pairs"
type      = "target_encoding"
columns   = ["user_id", "tab"]
target    = "is_click"
folds     = 3
seed      = 7
smoothing = 10
prior     = "global"
into      = "te_pair"
''', ["te_pair"], two_columns),
        Case("`history` of a file", "Polars group_by, tail", f'''
[[operators]]
type       = "history"
key        = "user_id"
events     = "{folder}/train_history.parquet"
event_time = "seq_pos"
collect    = ["video_id", "long_view"]
max_length = {HISTORY}
into       = ["seen", "seen_long"]
''', ["seen", "seen_long"], from_files(folder), 0.0, lists={"seen", "seen_long"}),
        Case("`history` of a file, `where`", "Polars filter, group_by, tail", f'''
[[operators]]
name       = "liked"
type       = "history"
key        = "user_id"
events     = "{folder}/train_history.parquet"
event_time = "seq_pos"
collect    = "video_id"
where      = "is_like = 1"
max_length = {HISTORY}
into       = "liked"
''', ["liked"], from_files(folder, pl.col("is_like") == 1), 0.0, lists={"liked"}),
        Case("`history` of the training rows", "its definition", f'''
[[operators]]
name       = "rows before"
type       = "history"
key        = "user_id"
time       = "time_ms"
collect    = ["video_id", "is_click"]
max_length = {HISTORY}
''', ["video_id_history", "is_click_history"], from_rows, 0.0, lists={"video_id_history", "is_click_history"}),
        Case("`difference_lag`", "Polars join_asof", '''
[[operators]]
type    = "difference_lag"
key     = "user_id"
time    = "time_ms"
columns = ["time_ms", "duration_ms"]
''', ["time_ms_difference_lag_1", "duration_ms_difference_lag_1"], lag),
    ]
    operators += one_row(folder)
    return [
        Data("KuaiRand-Pure", folder, operators, []),
        Filtered("KuaiRand-Pure filtered", folder, filtering(folder), []),
        Data("KuaiRand-Pure encoded", folder, [], dropping()),
    ]
