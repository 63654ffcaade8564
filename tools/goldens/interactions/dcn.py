"""Cross network: x_{l+1} = x_0 x_l^T w_l + b_l + x_l (Wang et al. 2017, eq. 3)."""

import torch


def width(case):
    return case.features


def layers(case, owner):
    for n in range(case.interact["layers"]):
        yield f"{owner}dcn.{n}", case.features, 1, "gate_out"
        yield f"{owner}dcn.{n}.bias", 0.0, case.features, "vector"


def interact(net, batch, owner, x, tasks):
    value = x
    for n in range(net.case.interact["layers"]):
        w, bias = net.p[f"{owner}dcn.{n}.weight"], net.p[f"{owner}dcn.{n}.bias"]
        # [B, W, W] as the equation has it, then times the vector w.
        value = torch.einsum("bi,bj,jk->bi", x, value, w) + bias + value
    return value, {}
