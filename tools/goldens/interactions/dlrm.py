"""DLRM (Naumov et al. 2019): a bottom MLP of the numbers, then [bottom, <z_i, z_j> for pairs of it and the embeddings]."""

import torch

from twin import field_layers, mlp_layers


def units(case):
    return [*case.interact["units"], case.dims["a"]]


def width(case):
    vectors = 4
    own = vectors if case.interact.get("self_products") else 0
    return case.dims["a"] + vectors * (vectors - 1) // 2 + own


def layers(case, owner):
    yield from field_layers(case, owner, ("a", "b", "tags"))
    yield from mlp_layers(f"{owner}dlrm", 2, units(case))


def interact(net, batch, owner, x, tasks):
    case = net.case
    embeddings = net.fields(batch, owner)[:3]
    if case.dims["b"] != case.dims["a"]:
        embeddings[1] = embeddings[1] @ net.p[f"{owner}fields.b.weight"]
    bottom = net.mlp(batch["dense"], f"{owner}dlrm", len(units(case)), True)
    z = torch.stack([bottom, *embeddings], 1)
    dots = z @ z.transpose(1, 2)
    first = 0 if case.interact.get("self_products") else 1
    chosen = [dots[:, i, j] for i in range(4) for j in range(i + first, 4)]
    return torch.cat([bottom, torch.stack(chosen, 1)], 1), {}
