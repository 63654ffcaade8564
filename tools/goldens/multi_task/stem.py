"""STEM-Net (Su et al. 2024): shared and task-specific embeddings; task k's gate reads x_k + x_s and weighs the experts of all
tasks and the shared ones, with the experts of other tasks detached: all forward, task-specific backward."""

import torch

from multi_task.ple import expert, listed, mixture
from twin import gate_layers, mlp_layers, tower_layers


def owners(case):
    return ["", *(f"{task}/" for task in case.names)]


def counts(case):
    own = listed(case.options.get("task_experts", 1))
    return own if len(own) > 1 else own * len(case.names), case.options.get("shared_experts", 1)


def levels(case):
    count = case.options.get("levels", 1)
    return [("" if count == 1 else f"levels.{level}.", level + 1 < count) for level in range(count)]


def layers(case):
    own, shared = counts(case)
    width, everything = case.width, sum(own) + shared
    for prefix, shared_gate in levels(case):
        for task, count in zip(case.names, own):
            for e in range(count):
                yield from mlp_layers(f"{prefix}task_experts.{task}.{e}", width, case.units)
            yield from gate_layers(case, f"{prefix}gates.{task}", width, everything)
        for e in range(shared):
            yield from mlp_layers(f"{prefix}shared_experts.{e}", width, case.units)
        if shared_gate:
            yield from gate_layers(case, f"{prefix}shared_gate", width, everything)
        width = case.units[-1]
    for task in case.names:
        yield from tower_layers(case, "", task, width)


def tasks(net, batch, training):
    case = net.case
    own, shared = counts(case)
    common = net.input(batch, "", case.names)
    x = {task: net.input(batch, f"{task}/", [task]) for task in case.names}
    for prefix, shared_gate in levels(case):
        of_all = [expert(net, common, f"{prefix}shared_experts.{e}", training) for e in range(shared)]
        of_task = {
            task: [expert(net, x[task], f"{prefix}task_experts.{task}.{e}", training) for e in range(count)]
            for task, count in zip(case.names, own)
        }
        hidden = {}
        for task in case.names:
            seen = []
            for other in case.names:
                seen += [e if other == task else e.detach() for e in of_task[other]]
            gate = f"{prefix}gates.{task}"
            hidden[task] = mixture(net, x[task] + common, gate, seen + of_all, training)
        if shared_gate:
            everything = sum((of_task[task] for task in case.names), []) + of_all
            common = mixture(net, common, f"{prefix}shared_gate", everything, training)
        x = hidden
    return {task: net.tower(x[task], "", task, training) for task in case.names}
