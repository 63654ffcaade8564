"""Wide (Cheng et al. 2016, section 3.1): y = w^T x + b over one-hot ids and numbers, a weight each for every task."""


import torch


def width(case):
    return 0


def tables(case, owner):
    return [f"{owner}wide.{task}.{feature}" for task in case.tasks_of(owner) for feature in ("a", "b", "tags")]


def layers(case, owner):
    for task in case.tasks_of(owner):
        yield f"{owner}wide.{task}.dense", 2, case.outputs(task), "gate_out"


def first_order(net, batch, owner, task):
    """w^T x, `[B, 1]`, or a column a class: the bias is the tower's."""
    weights = {feature: net.p[f"{owner}wide.{task}.{feature}"] for feature in ("a", "b", "tags")}
    total = weights["a"][batch["ids.a"]] + weights["b"][batch["ids.b"]]
    total = total + batch["dense"] @ net.p[f"{owner}wide.{task}.dense.weight"]
    offsets, ids = batch["tags.offsets"].tolist(), batch["tags.ids"]
    lists = [weights["tags"][ids[start:end]].sum(0) for start, end in zip(offsets[:-1], offsets[1:])]
    return total + torch.stack(lists)


def interact(net, batch, owner, x, tasks):
    return None, {task: first_order(net, batch, owner, task) for task in tasks}
