"""Census-Income (KDD): text columns, fitted on the training rows."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from compare import Case
from formulas import out_of_fold, piecewise_linear, quantile_boundaries

TARGET, POSITIVE = "income_50k", "50000+."

# Half a unit in the last place of a 32-bit float, twice: ours and theirs are rounded.
SINGLE = 2.0**-23


@dataclass
class Data:
    name: str
    folder: str
    operators: list
    encoders: list

    @property
    def head(self):
        return f'[data]\ntrain = "{self.folder}/train.csv"\nvalid = "{self.folder}/test.csv"\n'

    tasks = f'[[tasks]]\nname = "income"\ncolumn = "{TARGET}"\npositive = "{POSITIVE}"\n'

    def rows(self, part):
        return pl.read_csv(f"{self.folder}/{'train' if part == 'train' else 'test'}.csv", infer_schema=False)


def number(column):
    return pl.col(column).cast(pl.Float64)


def statistics(train, rows, part):
    by = ["education", "sex"]
    groups = train.group_by(by).agg(
        education_sex_count=pl.len(),
        **{f"education_sex_{column}_mean": number(column).mean() for column in ("age", "wage_per_hour")},
        **{f"education_sex_{column}_std": number(column).std() for column in ("age", "wage_per_hour")},
    )
    return rows.join(groups, on=by, how="left", maintain_order="left").to_dict(as_series=True)


def encoded(train, rows, part):
    from sklearn.preprocessing import TargetEncoder

    columns = ["major_occ_code"]
    labels = (train[TARGET] == POSITIVE).cast(pl.Float64)
    if part == "train":
        keys = train["major_occ_code"].rank("dense").to_numpy().astype(np.int64) - 1
        return {"te_major_occ_code_income_50k": pl.Series(out_of_fold(keys, labels.to_numpy()))}
    encoder = TargetEncoder(smooth=20.0, target_type="continuous")
    encoder.fit(train.select(columns).to_numpy(), labels.to_numpy())
    return {"te_major_occ_code_income_50k": pl.Series(encoder.transform(rows.select(columns).to_numpy())[:, 0])}


def column(rows, name):
    return rows[name].cast(pl.Float64).to_numpy()


def single(values):
    """The nearest numbers of 32 bits, which is what encoders give."""
    return pl.Series(np.asarray(values, np.float64).astype(np.float32).astype(np.float64))


def vocabulary(train, rows, part):
    """Ids from 3 by falling count, ties by text; 2 for what is rare or unseen."""
    counts = train.group_by("state_prev_res").agg(n=pl.len()).filter(pl.col("n") >= 50)
    ids = counts.sort(["n", "state_prev_res"], descending=[True, False]).with_row_index("id", offset=3)
    return {"voc": rows.join(ids, on="state_prev_res", how="left", maintain_order="left")["id"].fill_null(2)}


def hashed(train, rows, part):
    import xxhash

    digest = lambda text: 2 + xxhash.xxh3_64_intdigest(text.encode(), seed=5) % 1000
    return {"hashed": pl.Series([digest(text) for text in rows["education"]])}


def identity(train, rows, part):
    size = int(column(train, "num_emp").max()) + 1
    numbers = column(rows, "num_emp").astype(np.int64)
    return {"identity": pl.Series(np.where(numbers < size, numbers + 3, 2))}


def scaled(train, rows, part):
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

    wages = lambda of: column(of, "wage_per_hour")[:, None]
    made = {}
    for name, scaler in [
        ("min_max", MinMaxScaler(clip=True)),
        ("standard", StandardScaler()),
        ("log", FunctionTransformer(np.log1p)),
    ]:
        made[name] = single(scaler.fit(wages(train)).transform(wages(rows))[:, 0])
    return made


def bucketized(train, rows, part):
    ids = lambda boundaries: pl.Series(2 + np.searchsorted(boundaries, column(rows, "age"), side="right"))
    return {"quantiles": ids(quantile_boundaries(column(train, "age"), 10)), "boundaries": ids([18.0, 30.0, 65.0])}


def pieces(train, rows, part):
    made = piecewise_linear(column(train, "age"), column(rows, "age"), 8)
    return {"pieces": pl.Series(made.astype(np.float32).astype(np.float64).tolist())}


def encoder_cases():
    dense = lambda name: f'''
[[features]]
name    = "{name}"
column  = "wage_per_hour"
kind    = "dense"
encoder = "{name}"
'''
    return [
        Case("encoder `vocabulary`", "Polars group_by", '''
[[features]]
name    = "voc"
column  = "state_prev_res"
kind    = "categorical"
encoder = { type = "vocabulary", min_count = 50 }
''', ["voc"], vocabulary, 0.0),
        Case("encoder `hash`", "xxhash", '''
[[features]]
name    = "hashed"
column  = "education"
kind    = "categorical"
encoder = { type = "hash", buckets = 1000, seed = 5 }
''', ["hashed"], hashed, 0.0),
        Case("encoder `identity`", "its definition", '''
[[features]]
name    = "identity"
column  = "num_emp"
kind    = "categorical"
encoder = { type = "identity" }
''', ["identity"], identity, 0.0),
        Case("encoders `min_max`, `standard`, `log` (32 bits)", "scikit-learn scalers, rounded to 32 bits",
            dense("min_max") + dense("standard") + dense("log"), ["min_max", "standard", "log"], scaled, SINGLE),
        Case("`bucketize`: quantiles, boundaries", "NumPy sort, searchsorted", '''
[[features]]
name    = "quantiles"
column  = "age"
kind    = "dense"
encoder = { type = "bucketize", quantiles = 10 }

[[features]]
name    = "boundaries"
column  = "age"
kind    = "dense"
encoder = { type = "bucketize", boundaries = [18, 30, 65] }
''', ["quantiles", "boundaries"], bucketized, 0.0),
        Case("encoder `piecewise_linear` (32 bits)", "its equation, rounded to 32 bits", '''
[[features]]
name      = "pieces"
column    = "age"
kind      = "dense"
encoder   = { type = "piecewise_linear", bins = 8 }
''', ["pieces"], pieces, SINGLE),
    ]


def data(folder):
    operators = [
        Case("`group_statistics` of pairs", "Polars group_by", '''
[[operators]]
type       = "group_statistics"
by         = ["education", "sex"]
columns    = ["age", "wage_per_hour"]
statistics = ["count", "mean", "std"]
''', ["education_sex_count"] + [f"education_sex_{c}_{s}" for c in ("age", "wage_per_hour") for s in ("mean", "std")],
            statistics),
        Case("`target_encoding` of a task's label", "scikit-learn TargetEncoder; in training the formula", f'''
[[operators]]
type    = "target_encoding"
columns = "major_occ_code"
target  = "{TARGET}"
''', ["te_major_occ_code_income_50k"], encoded),
    ]
    return Data("census", folder, operators, encoder_cases())
