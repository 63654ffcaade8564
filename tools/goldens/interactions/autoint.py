"""AutoInt (Song et al. 2019, eq. 5 to 8): for each head softmax over fields of <W_Q e_m, W_K e_k>, the sum of W_V e_k so
weighed; heads side by side; relu of that plus W_Res e_m."""

import torch

from twin import field_layers


def sizes(case):
    return case.interact["heads"], case.interact["head_dim"]


def width(case):
    heads, dim = sizes(case)
    return 5 * heads * dim


def layers(case, owner):
    yield from field_layers(case, owner)
    heads, dim = sizes(case)
    inputs = case.dims["a"]
    for n in range(case.interact["layers"]):
        for part in ("query", "key", "value", "residual"):
            yield f"{owner}autoint.{n}.{part}", inputs, heads * dim, "gate_out"
        inputs = heads * dim


def interact(net, batch, owner, x, tasks):
    heads, dim = sizes(net.case)
    e = torch.stack(net.equal_fields(batch, owner), 1)
    for n in range(net.case.interact["layers"]):
        w = {part: net.p[f"{owner}autoint.{n}.{part}.weight"] for part in ("query", "key", "value", "residual")}
        outputs = []
        for h in range(heads):
            of = slice(h * dim, (h + 1) * dim)
            scores = (e @ w["query"][:, of]) @ (e @ w["key"][:, of]).transpose(1, 2)
            outputs.append(torch.softmax(scores, 2) @ (e @ w["value"][:, of]))
        e = net.relu(torch.cat(outputs, 2) + e @ w["residual"])
    return e.flatten(1), {}
