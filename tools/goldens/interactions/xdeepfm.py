"""Compressed interaction network (Lian et al. 2018, eq. 6 to 8): X^k_h = sum_ij W^kh_ij (X^{k-1}_i * X^0_j), summed over
the embedding dimension; and the linear term of eq. 9."""

import torch

from interactions import wide
from interactions.wide import tables  # noqa: F401
from twin import field_layers


def width(case):
    return sum(case.interact["units"])


def layers(case, owner):
    yield from field_layers(case, owner)
    before = 5
    for n, units in enumerate(case.interact["units"]):
        yield f"{owner}xdeepfm.{n}", before * 5, units, "gate_out"
        before = units
    yield from wide.layers(case, owner)


def interact(net, batch, owner, x, tasks):
    first = torch.stack(net.equal_fields(batch, owner), 1)
    value, sums = first, []
    for n, units in enumerate(net.case.interact["units"]):
        w = net.p[f"{owner}xdeepfm.{n}.weight"].reshape(5, value.shape[1], units)
        value = torch.einsum("jih,bid,bjd->bhd", w, value, first)
        sums.append(value.sum(2))
    return torch.cat(sums, 1), {task: wide.first_order(net, batch, owner, task) for task in tasks}
