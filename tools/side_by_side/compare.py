"""Runs `polyrank prepare` on all cases of a data set and compares its columns with the references'."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np
import polars as pl

PARTS = ("train", "valid")


@dataclass
class Case:
    """An operator or encoder, what it makes and what it should make."""

    name: str
    against: str
    # Columns made: those of the operator that `toml` configures, or encoded features whose entries `toml` holds.
    toml: str
    made: list
    # (training rows, rows, part) to {column: series}; None for a column that should not be made.
    reference: Callable
    # The largest difference allowed, relative to 1 + |value|; 0 for text, lists and whole numbers.
    within: float = 1e-12
    parts: tuple = PARTS
    # Columns of lists.
    lists: set = field(default_factory=set)


def feature(name, is_list):
    if is_list:
        return f'[[features]]\nname = "{name}"\nkind = "categorical"\nlist = {{}}\n'
    return f'[[features]]\nname = "{name}"\nkind = "categorical"\nencoder = {{ type = "hash", buckets = 16 }}\n'


def configuration(data, cases, encoded):
    """One configuration of all cases: operators with a feature for each column made, or features."""
    parts = [data.head]
    for case in cases:
        parts.append(case.toml)
        if not encoded:
            parts.extend(feature(name, name in case.lists) for name in case.made)
    return "\n".join(parts + [data.tasks])


def prepare(polyrank, config, out, part, encoded):
    command = [polyrank, "prepare", config, "-o", out, "--part", part] + ([] if encoded else ["--columns"])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    return pl.read_parquet(out)


def difference(ours, theirs):
    """The largest difference of two columns, relative to 1 + |value|; infinite where one is missing and the other not."""
    if ours is None or theirs is None:
        return 0.0 if ours is theirs else float("inf")
    if len(ours) != len(theirs):
        return float("inf")
    if isinstance(theirs.dtype, pl.List) and theirs.dtype.inner == pl.Float64:
        return difference(ours.explode(), theirs.explode())
    if isinstance(theirs.dtype, pl.List) or theirs.dtype == pl.String or ours.dtype == pl.String:
        same = [_plain(a) == _plain(b) for a, b in zip(ours.to_list(), theirs.to_list())]
        return 0.0 if all(same) else float("inf")
    ours, theirs = (column.cast(pl.Float64).fill_null(float("nan")).to_numpy() for column in (ours, theirs))
    missing = np.isnan(ours)
    if (missing != np.isnan(theirs)).any():
        return float("inf")
    off = np.abs(ours - theirs)[~missing] / (1 + np.abs(theirs[~missing]))
    return float(off.max()) if len(off) else 0.0


def _plain(value):
    """A value as its canonical text, an empty list as none."""
    if isinstance(value, list):
        return [_plain(item) for item in value] or None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value in (None, "") else str(value)


def compare(polyrank, work, data, cases, encoded):
    """(case, part, rows, difference) of all cases."""
    kind = "encoders" if encoded else "operators"
    config = work / f"{data.name}-{kind}.toml".replace(" ", "-")
    config.write_text(configuration(data, cases, encoded))
    rows = {part: data.rows(part) for part in PARTS}
    results = []
    for part in PARTS:
        made = prepare(polyrank, str(config), str(config.with_name(f"{config.stem}-{part}.parquet")), part, encoded)
        for case in (case for case in cases if part in case.parts):
            reference = case.reference(rows["train"], rows[part], part)
            ours = {name: made[name] if name in made.columns else None for name in case.made}
            off = max(difference(ours[name], reference[name]) for name in case.made)
            results.append((case, part, len(made), off))
    return results


def main(polyrank, work, census, kuairand):
    import census_cases
    import kuairand_cases

    data_sets = [census_cases.data(census)] if census else []
    data_sets += kuairand_cases.data(kuairand) if kuairand else []
    print("| data | rows | | beside | largest difference | allowed |\n|---|---|---|---|---|---|")
    failed = 0
    for data in data_sets:
        results = compare(polyrank, Path(work), data, data.operators, False) if data.operators else []
        results += compare(polyrank, Path(work), data, data.encoders, True) if data.encoders else []
        for case, part, rows, off in results:
            bad = off > case.within
            failed += bad
            print(f"| {data.name}, {part} | {rows:,} | {case.name} | {case.against} | {off:.1e}{' **too large**' if bad else ''} | {case.within:g} |")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
