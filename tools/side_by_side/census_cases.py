"""Census-Income (KDD): text columns, fitted on the training rows."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from compare import Case
from formulas import out_of_fold

TARGET, POSITIVE = "income_50k", "50000+."


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
    return Data("census", folder, operators, [])
