"""One-gate mixture of experts: y_k = tower_k(sum_i softmax(W_g x)_i f_i(x)) (Ma et al. 2018, eq. 5)."""

import torch

from twin import gate_layers, mlp_layers, tower_layers


def layers(case):
    for e in range(case.experts):
        yield from mlp_layers(f"experts.{e}", case.width, case.units)
    yield from gate_layers(case, "gate", case.width, case.experts)
    for task in case.names:
        yield from tower_layers(case, "", task, case.units[-1])


def tasks(net, batch, training):
    case = net.case
    x = net.input(batch, "", case.names)
    experts = torch.stack([net.mlp(x, f"experts.{e}", len(case.units), training) for e in range(case.experts)], 1)
    mixture = (net.gate(x, "gate", training).unsqueeze(2) * experts).sum(1)
    return {task: net.tower(mixture, "", task, training) for task in case.names}
