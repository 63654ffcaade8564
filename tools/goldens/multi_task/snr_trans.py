"""Sub-network routing with transformations (Ma et al. 2019, AAAI): u_j = sum_i z_ij W_ij v_i with hard concrete z
(Louizos et al. 2018, eq. 10 to 13), and lambda times the expected number of connections (eq. 12)."""

import math

import torch

from noise import open_uniform
from twin import mlp_layers, tower_layers

LEVELS, SUBNETWORKS, L0, BETA, GAMMA, ZETA = 2, 4, 1e-4, 2 / 3, -0.1, 1.1


def shape(case):
    return case.options.get("levels", LEVELS), case.options.get("subnetworks", SUBNETWORKS)


def readers(case, level):
    levels, subnetworks = shape(case)
    return case.names if level + 1 == levels else range(subnetworks)


def layers(case):
    levels, subnetworks = shape(case)
    width = case.width
    for level in range(levels):
        for j in range(subnetworks):
            yield from mlp_layers(f"levels.{level}.{j}", width, case.units)
        width = case.units[-1]
        for reader in readers(case, level):
            yield f"routes.{level}.{reader}.log_alpha", 0.0, subnetworks, "vector"
            for i in range(subnetworks):
                yield f"routes.{level}.{reader}.{i}", width, width, "gate_out"
    for task in case.names:
        yield from tower_layers(case, "", task, width)


def tasks(net, batch, training):
    case = net.case
    levels, subnetworks = shape(case)
    beta, gamma, zeta = (case.options.get(k, v) for k, v in (("beta", BETA), ("gamma", GAMMA), ("zeta", ZETA)))
    x = net.input(batch, "", case.names)
    inputs, gates, on = [x] * subnetworks, 0, 0.0
    for level in range(levels):
        v = [net.mlp(u, f"levels.{level}.{j}", len(case.units), training) for j, u in enumerate(inputs)]
        inputs = []
        for reader in readers(case, level):
            name = f"routes.{level}.{reader}"
            log_alpha = net.p[f"{name}.log_alpha"]
            if training:
                drawn = [open_uniform(gates, net.step, i) for i in range(subnetworks)]
                u = torch.tensor(drawn, dtype=torch.float64)
                s = torch.sigmoid((torch.log(u) - torch.log(1 - u) + log_alpha) / beta)
            else:
                s = torch.sigmoid(log_alpha)
            stretched = s * (zeta - gamma) + gamma
            net.kinks += [stretched.detach().abs().min().item(), (stretched.detach() - 1).abs().min().item()]
            z = stretched.clamp(0.0, 1.0)
            inputs.append(sum(z[i] * (v[i] @ net.p[f"{name}.{i}.weight"]) for i in range(subnetworks)))
            on = on + torch.sigmoid(log_alpha - beta * math.log(-gamma / zeta)).sum()
            gates += 1
    net.extra = net.extra + case.options.get("l0", L0) * on
    return {task: net.tower(u, "", task, training) for task, u in zip(case.names, inputs)}
