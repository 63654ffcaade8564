"""FiBiNET (Huang et al. 2019): squeeze z_i = mean(e_i), excitation a = relu(W2 relu(W1 z)), v_i = a_i e_i; bilinear
products (e_i W) * e_j of all pairs i < j, W one for all, one a field or one a pair; [those of e, those of v]."""

import torch

from twin import field_layers

FIELDS = ("a", "b", "tags", "d0", "d1")


def width(case):
    return 2 * 10 * case.dims["a"]


def layers(case, owner):
    dim, kind = case.dims["a"], case.interact.get("bilinear", "interaction")
    yield from field_layers(case, owner)
    hidden = max(1, 5 // case.interact.get("reduction", 3))
    yield f"{owner}fibinet.squeeze", 5, hidden, "gate_out"
    for field in FIELDS:
        yield f"{owner}fibinet.weights.{field}", hidden, 1, "gate_out"
    for part in "pq":
        if kind == "all":
            yield f"{owner}fibinet.{part}", dim, dim, "gate_out"
            continue
        for i, field in enumerate(FIELDS[:-1]):
            matrices = 1 if kind == "each" else 4 - i
            yield f"{owner}fibinet.{part}.{field}", dim, matrices * dim, "gate_out"


def bilinear(net, owner, part, fields):
    """Products of pairs; the matrices W_ij of a field i lie side by side, j ascending."""
    dim, kind = net.case.dims["a"], net.case.interact.get("bilinear", "interaction")
    products = []
    for i in range(5):
        for j in range(i + 1, 5):
            if kind == "all":
                w = net.p[f"{owner}fibinet.{part}.weight"]
            else:
                w = net.p[f"{owner}fibinet.{part}.{FIELDS[i]}.weight"]
            if kind == "interaction":
                w = w[:, (j - i - 1) * dim : (j - i) * dim]
            products.append((fields[i] @ w) * fields[j])
    return torch.cat(products, 1)


def interact(net, batch, owner, x, tasks):
    e = net.equal_fields(batch, owner)
    z = torch.stack([field.mean(1) for field in e], 1)
    w2 = torch.cat([net.p[f"{owner}fibinet.weights.{field}.weight"] for field in FIELDS], 1)
    a = net.relu(net.relu(z @ net.p[f"{owner}fibinet.squeeze.weight"]) @ w2)
    v = [a[:, i : i + 1] * field for i, field in enumerate(e)]
    return torch.cat([bilinear(net, owner, "p", e), bilinear(net, owner, "q", v)], 1), {}
