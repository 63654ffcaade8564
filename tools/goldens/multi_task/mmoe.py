"""Multi-gate mixture of experts: y_k = tower_k(sum_i softmax(W_gk x)_i f_i(x)) (Ma et al. 2018, eq. 6 to 8).

With levels, as AdaTT's authors run it: expert e of a level above the first reads its own mixture of the level below; all
gates read x.
"""

import torch

from twin import gate_layers, mlp_layers, tower_layers


def levels(case):
    """By level: what its names begin with, and who reads it."""
    count = case.options.get("levels", 1)
    for level in range(count):
        prefix = "" if count == 1 else f"levels.{level}."
        yield prefix, case.names if level + 1 == count else range(case.experts)


def layers(case):
    width = case.width
    for prefix, readers in levels(case):
        for e in range(case.experts):
            yield from mlp_layers(f"{prefix}experts.{e}", width, case.units)
        for reader in readers:
            yield from gate_layers(case, f"{prefix}gates.{reader}", case.width, case.experts)
        width = case.units[-1]
    for task in case.names:
        yield from tower_layers(case, "", task, case.units[-1])


def tasks(net, batch, training):
    case = net.case
    x = net.input(batch, "", case.names)
    inputs = [x] * case.experts
    for prefix, readers in levels(case):
        count = len(case.units)
        outputs = [net.mlp(v, f"{prefix}experts.{e}", count, training) for e, v in enumerate(inputs)]
        experts = torch.stack(outputs, 1)
        gates = [net.gate(x, f"{prefix}gates.{reader}", training) for reader in readers]
        inputs = [(gate.unsqueeze(2) * experts).sum(1) for gate in gates]
    return {task: net.tower(mixture, "", task, training) for task, mixture in zip(case.names, inputs)}
