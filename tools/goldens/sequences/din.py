"""Deep interest network: v = sum_j a(e_j, v_A) e_j (Zhou et al. 2018, eq. 3), a(.) an MLP over both embeddings, their
difference and their product; weights as they come, or through a softmax over the history."""

import torch


def width(case):
    return case.dims["a"]


def options(case):
    defaults = {"units": (36,), "activation": "dice", "softmax": False}
    return {**defaults, **case.sequence}


def layers(case, name):
    own, inputs = options(case), 4 * case.dims["a"]
    for i, units in enumerate(own["units"]):
        yield f"{name}.attention.{i}", inputs, units, own["activation"]
        inputs = units
    yield f"{name}.attention.out", inputs, 1, "gate_out" if own["softmax"] else "out"


def encode(net, name, rows, target):
    own, training = options(net.case), net.training
    histories = torch.cat(rows)
    candidates = torch.cat([t.expand(len(e), -1) for e, t in zip(rows, target)])
    x = torch.cat([candidates, histories, candidates - histories, candidates * histories], 1)
    for i in range(len(own["units"])):
        layer = f"{name}.attention.{i}"
        x = net.activation(own["activation"], x @ net.p[f"{layer}.weight"] + net.p[f"{layer}.bias"], layer, training)
    weights = x @ net.p[f"{name}.attention.out.weight"] + net.p.get(f"{name}.attention.out.bias", 0.0)
    values = []
    for e, w in zip(rows, weights.split([len(e) for e in rows])):
        values.append(((torch.softmax(w, 0) if own["softmax"] else w) * e).sum(0))
    return torch.stack(values)
