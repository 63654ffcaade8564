"""Adaptive information transfer (Xi et al. 2021, Section 3): z_t attends to a task's own network and to what the task
before hands on; the calibrator penalises a later step that is more probable than an earlier one."""

import torch

from twin import mlp_layers, tower_layers


def layers(case):
    k = case.units[-1]
    transfer = (*case.options.get("transfer_units", ()), k)
    for t, task in enumerate(case.names):
        yield from mlp_layers(f"networks.{task}", case.width, case.units)
        if t > 0:
            yield from mlp_layers(f"transfer.{case.names[t - 1]}", k, transfer)
            for h in ("h1", "h2", "h3"):
                yield f"ait.{task}.{h}", k, k, "gate_out"
        yield from tower_layers(case, "", task, k)


def tasks(net, batch, training):
    case = net.case
    x = net.input(batch, "", case.names)
    outputs, z = {}, None
    for t, task in enumerate(case.names):
        q = net.mlp(x, f"networks.{task}", len(case.units), training)
        if t == 0:
            z = q
        else:
            count = 1 + len(case.options.get("transfer_units", ()))
            p = net.mlp(z, f"transfer.{case.names[t - 1]}", count, training)
            h1, h2, h3 = (net.p[f"ait.{task}.{h}.weight"] for h in ("h1", "h2", "h3"))
            score = torch.cat([((u @ h2) * (u @ h3)).sum(1, keepdim=True) for u in (p, q)], 1) / q.shape[1] ** 0.5
            w = torch.softmax(score, 1)
            z = w[:, :1] * (p @ h1) + w[:, 1:] * (q @ h1)
        outputs[task] = net.tower(z, "", task, training)
    for earlier, later in zip(case.names[:-1], case.names[1:]):
        excess = torch.sigmoid(outputs[later]) - torch.sigmoid(outputs[earlier])
        net.extra = net.extra + case.options.get("calibrator", 0.6) * net.relu(excess).mean()
    return outputs
