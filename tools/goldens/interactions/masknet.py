"""MaskNet (Wang et al. 2021): mask M = W2 relu(W1 V + b1) + b2 from all embeddings V; a block is
relu(LN(W (M * LN_emb(V)))) on the embeddings, relu(LN(W (M * h))) on a block's output h."""

import torch

from twin import field_layers

FIELDS = ("a", "b", "tags", "d0", "d1")


def width(case):
    count = 1 if case.interact.get("arrangement") == "serial" else case.interact["blocks"]
    return count * case.interact["units"]


def layers(case, owner):
    dim, units = case.dims["a"], case.interact["units"]
    yield from field_layers(case, owner)
    for field in FIELDS:
        yield f"{owner}masknet.norm.{field}.scale", 1.0, dim, "vector"
        yield f"{owner}masknet.norm.{field}.shift", 0.0, dim, "vector"
    for n in range(case.interact["blocks"]):
        masked = units if n > 0 and case.interact.get("arrangement") == "serial" else 5 * dim
        below = round(masked * case.interact.get("reduction", 2.0))
        name = f"{owner}masknet.{n}"
        yield f"{name}.mask.0", 5 * dim, below, "out"
        yield f"{name}.mask.1", below, masked, "out"
        yield name, masked, units, "gate_out"
        yield f"{name}.norm.scale", 1.0, units, "vector"
        yield f"{name}.norm.shift", 0.0, units, "vector"


def interact(net, batch, owner, x, tasks):
    case, p = net.case, net.p

    def norm(x, name):
        return torch.nn.functional.layer_norm(x, x.shape[1:], p[f"{name}.scale"], p[f"{name}.shift"], 1e-5)

    def affine(x, name):
        return x @ p[f"{name}.weight"] + p[f"{name}.bias"]

    def block(n, h):
        name = f"{owner}masknet.{n}"
        mask = affine(net.relu(affine(v, f"{name}.mask.0")), f"{name}.mask.1")
        return net.relu(norm((mask * h) @ p[f"{name}.weight"], f"{name}.norm"))

    fields = net.equal_fields(batch, owner)
    v = torch.cat(fields, 1)
    normed = torch.cat([norm(e, f"{owner}masknet.norm.{name}") for name, e in zip(FIELDS, fields)], 1)
    blocks = range(case.interact["blocks"])
    if case.interact.get("arrangement") != "serial":
        return torch.cat([block(n, normed) for n in blocks], 1), {}
    h = normed
    for n in blocks:
        h = block(n, h)
    return h, {}
