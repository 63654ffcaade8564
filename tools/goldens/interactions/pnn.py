"""Product layer (Qu et al. 2016): p_ij = <f_i, f_j>, and p = f_sum f_sum^T with f_sum the sum of the fields."""

import torch

from twin import field_layers


def pairs(case):
    own = case.interact.get("self_products", True)
    return [(i, j) for i in range(5) for j in range(i if own else i + 1, 5)]


def width(case):
    inner, outer = len(pairs(case)), case.dims["a"] ** 2
    return {"inner": inner, "outer": outer, "both": inner + outer}[case.interact.get("product", "inner")]


def layers(case, owner):
    yield from field_layers(case, owner)


def interact(net, batch, owner, x, tasks):
    f = net.equal_fields(batch, owner)
    product, parts = net.case.interact.get("product", "inner"), []
    if product in ("inner", "both"):
        parts += [(f[i] * f[j]).sum(1, keepdim=True) for i, j in pairs(net.case)]
    if product in ("outer", "both"):
        total = sum(f)
        parts.append((total.unsqueeze(2) @ total.unsqueeze(1)).flatten(1))
    return torch.cat(parts, 1), {}
