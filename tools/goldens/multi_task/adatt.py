"""AdaTT (Li et al. 2023): per level, AllExpertGF = softmax(W x_t) over the experts of every task and the shared ones, plus
NativeExpertLF, a trained combination of the task's own experts (weight 1 where all have one); the shared experts are one
more unit, which the last level does not fuse. Written as the authors run it: native weights are added to the gate's."""

import torch

from multi_task.ple import expert, listed
from twin import gate_layers, mlp_layers, tower_layers


def units(case, level):
    """(experts' prefix, gate, native weights, count) of each task, then of what is shared."""
    own = listed(case.options.get("task_experts", 2))
    own = own if len(own) > 1 else own * len(case.names)
    p = f"levels.{level}"
    for task, count in zip(case.names, own):
        yield f"{p}.task_experts.{task}", f"{p}.gates.{task}", f"{p}.native.{task}.weights", count
    if case.options.get("shared_experts", 0):
        shared = case.options["shared_experts"]
        yield f"{p}.shared_experts", f"{p}.shared_gate", f"{p}.shared_native.weights", shared


def levels(case):
    """By level: its units, how many of them fuse, and whether native weights are trained."""
    count = case.options.get("levels", 2)
    for level in range(count):
        here = list(units(case, level))
        trained = case.options.get("residual", True) and any(u[3] > 1 for u in here)
        yield here, len(here) if level + 1 < count else len(case.names), trained


def layers(case):
    width = case.width
    for here, fused, trained in levels(case):
        for prefix, _, _, count in here:
            for e in range(count):
                yield from mlp_layers(f"{prefix}.{e}", width, case.units)
        for _, gate, native, count in here[:fused]:
            yield from gate_layers(case, gate, width, sum(u[3] for u in here))
            if trained:
                yield native, 0.0, count, "vector"
        width = case.units[-1]
    for task in case.names:
        yield from tower_layers(case, "", task, width)


def tasks(net, batch, training):
    case = net.case
    streams = [net.input(batch, "", case.names)] * len(list(units(case, 0)))
    for here, fused, trained in levels(case):
        experts = [
            expert(net, x, f"{prefix}.{e}", training)
            for x, (prefix, _, _, count) in zip(streams, here)
            for e in range(count)
        ]
        experts, first, outputs = torch.stack(experts, 1), 0, []
        for x, (_, gate, native, count) in list(zip(streams, here))[:fused]:
            weights = net.gate(x, gate, training, experts.shape[1])
            if case.options.get("residual", True):
                added = torch.zeros(experts.shape[1], dtype=torch.float64)
                added[first : first + count] = 1.0
                if trained:
                    added = torch.zeros_like(added).index_add(0, torch.arange(first, first + count), net.p[native])
                weights = weights + added
            outputs.append((weights.unsqueeze(2) * experts).sum(1))
            first += count
        streams = outputs
    return {task: net.tower(x, "", task, training) for task, x in zip(case.names, streams)}
