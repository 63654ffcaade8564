"""Entire space multi-task model (Ma et al. 2018, SIGIR, eq. 1 to 3): p_t = p_(t-1) sigmoid(a_t), each over all rows."""

import torch

from twin import mlp_layers, tower_layers


def layers(case):
    for task in case.names:
        yield from mlp_layers(f"networks.{task}", case.width, case.units)
        yield from tower_layers(case, "", task, case.units[-1])


def logit(p):
    return torch.log(p) - torch.log1p(-p)


def tasks(net, batch, training):
    case = net.case
    x = net.input(batch, "", case.names)
    outputs, p = {}, 1.0
    for task in case.names:
        hidden = net.mlp(x, f"networks.{task}", len(case.units), training)
        p = p * torch.sigmoid(net.tower(hidden, "", task, training))
        outputs[task] = logit(p)
    return outputs
