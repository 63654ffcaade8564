"""Behaviour sequence transformer (Chen et al. 2019): multi-head self-attention over the history and the candidate (eq. 1 to
3), residual connections with layer normalisation around it and around two feed-forward layers with leaky ReLU (eq. 4,
5), stacked (eq. 6). A trained vector for each place is added first; places are counted from the candidate. The output is
all places side by side, the candidate's first, then zeros."""

import math

import torch
import torch.nn.functional as F


def options(case):
    return {"heads": 8, "blocks": 1, "widening": 4, **case.sequence}


def places(case):
    return case.sequence["max_length"] + 1


def width(case):
    return places(case) * case.dims["a"]


def layers(case, name):
    dim, own = case.dims["a"], options(case)
    yield f"{name}.places", places(case), dim, "matrix"
    for i in range(own["blocks"]):
        block = f"{name}.{i}"
        for part in ("query", "key", "value", "heads"):
            yield f"{block}.{part}", dim, dim, "gate_out"
        yield f"{block}.hidden", dim, own["widening"] * dim, "out"
        yield f"{block}.output", own["widening"] * dim, dim, "out"
        for part in ("attended", "transformed"):
            yield f"{block}.{part}.scale", 1.0, dim, "vector"
            yield f"{block}.{part}.shift", 0.0, dim, "vector"


def normalise(net, x, name):
    return F.layer_norm(x, x.shape[-1:], net.p[f"{name}.scale"], net.p[f"{name}.shift"], 1e-5)


def transformer(net, x, name, heads):
    q, k, v = (x @ net.p[f"{name}.{part}.weight"] for part in ("query", "key", "value"))
    d = x.shape[1] // heads
    outputs = []
    for q, k, v in zip(q.split(d, 1), k.split(d, 1), v.split(d, 1)):
        outputs.append(torch.softmax(q @ k.T / math.sqrt(d), 1) @ v)
    x = normalise(net, x + torch.cat(outputs, 1) @ net.p[f"{name}.heads.weight"], f"{name}.attended")
    hidden = x @ net.p[f"{name}.hidden.weight"] + net.p[f"{name}.hidden.bias"]
    net.kinks.append(hidden.detach().abs().min().item())
    output = F.leaky_relu(hidden, 0.01) @ net.p[f"{name}.output.weight"] + net.p[f"{name}.output.bias"]
    return normalise(net, x + output, f"{name}.transformed")


def encode(net, name, rows, target):
    own, values = options(net.case), []
    for e, e_a in zip(rows, target):
        x = torch.cat([e_a[None], e.flip(0)]) + net.p[f"{name}.places"][: len(e) + 1]
        for i in range(own["blocks"]):
            x = transformer(net, x, f"{name}.{i}", own["heads"])
        values.append(F.pad(x.flatten(), (0, width(net.case) - x.numel())))
    return torch.stack(values)
