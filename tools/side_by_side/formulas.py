"""What has no counterpart in a library, from its definition."""

import numpy as np

STEP = np.uint64(0x9E3779B97F4A7C15)


def _mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def folds_of_rows(rows, folds, seed=42):
    """The fold of each training row: SplitMix64 of the seed, the purpose and the row's number."""
    with np.errstate(over="ignore"):
        key = _mix(np.array([seed], np.uint64) + STEP)
        for word in (4, 0):
            key = _mix((key + STEP) ^ _mix(np.array([word], np.uint64) + STEP))
        numbers = _mix(key + STEP * (np.arange(rows, dtype=np.uint64) + np.uint64(1)))
    return (numbers % np.uint64(folds)).astype(np.int64)


def out_of_fold(keys, labels, folds=5, smoothing=20.0, seed=42, prior="fold"):
    """Target encoding of the training rows by NVTabular's formula: keys from 0, labels NaN where missing."""
    keys, labels = np.asarray(keys), np.asarray(labels, np.float64)
    fold, known = folds_of_rows(len(keys), folds, seed), ~np.isnan(labels)
    count, total = np.zeros((keys.max() + 1, folds)), np.zeros((keys.max() + 1, folds))
    np.add.at(count, (keys[known], fold[known]), 1.0)
    np.add.at(total, (keys[known], fold[known]), labels[known])
    mean = np.full(folds, labels[known].mean())
    if prior == "fold":
        mean = np.array([labels[known & (fold != k)].mean() for k in range(folds)])
    others = count.sum(axis=1)[keys] - count[keys, fold]
    sums = total.sum(axis=1)[keys] - total[keys, fold]
    return (sums + smoothing * mean[fold]) / (others + smoothing)


def events_before(event_keys, event_times, keys, times):
    """For each row the places of its key's events strictly before its time, oldest first."""
    order = np.lexsort((event_times, event_keys))
    event_keys, event_times = event_keys[order], event_times[order]
    seen = []
    for key, time in zip(keys, times):
        start = np.searchsorted(event_keys, key, "left")
        end = np.searchsorted(event_keys, key, "right")
        seen.append(order[start : start + np.searchsorted(event_times[start:end], time, "left")])
    return seen


def quantile_boundaries(numbers, buckets):
    """The numbers at places ceil(k n / buckets) of the sorted ones, each once, the smallest left out."""
    numbers = np.sort(np.asarray(numbers, np.float64))
    places = [-(-k * len(numbers) // buckets) for k in range(1, buckets)]
    chosen = np.unique(numbers[[place for place in places if place < len(numbers)]])
    return chosen[chosen > numbers[0]]
