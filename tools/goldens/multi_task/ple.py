"""Progressive layered extraction (Tang et al. 2020, eq. 5 and 6): level j's experts and gates read what level j - 1's gates
gave, task k's stream and the shared one; the last level has no shared gate."""

import torch

from twin import gate_layers, mlp_layers, tower_layers


def level_counts(case):
    """By level: names' prefix, experts by task, shared experts, whether it has a shared gate."""
    count, tasks = case.options.get("levels", 2), len(case.names)
    own, shared = listed(case.options.get("task_experts", 1)), listed(case.options.get("shared_experts", 1))
    for level in range(count):
        if len(own) == count * tasks:
            numbers = own[level * tasks : (level + 1) * tasks]
        else:
            numbers = [own[level] if len(own) > 1 else own[0]] * tasks
        yield f"levels.{level}.", numbers, shared[level] if len(shared) > 1 else shared[0], level + 1 < count


def listed(value):
    return value if isinstance(value, list) else [value]


def layers(case):
    yield from level_layers(case, level_counts(case), case.options.get("gate_input", "previous"))


def level_layers(case, levels, gate_input):
    width = case.width
    for prefix, numbers, shared, shared_gate in levels:
        gate_width = case.width if gate_input == "input" else width
        for task, number in zip(case.names, numbers):
            for e in range(number):
                yield from mlp_layers(f"{prefix}task_experts.{task}.{e}", width, case.units)
            yield from gate_layers(case, f"{prefix}gates.{task}", gate_width, number + shared)
        for e in range(shared):
            yield from mlp_layers(f"{prefix}shared_experts.{e}", width, case.units)
        if shared_gate:
            yield from gate_layers(case, f"{prefix}shared_gate", gate_width, sum(numbers) + shared)
        width = case.units[-1]
    for task in case.names:
        yield from tower_layers(case, "", task, width)


def tasks(net, batch, training):
    return run(net, batch, training, level_counts(net.case))


def run(net, batch, training, levels):
    case = net.case
    x = net.input(batch, "", case.names)
    streams, shared_stream = {task: x for task in case.names}, x
    for prefix, numbers, shared, shared_gate in levels:
        from_input = case.options.get("gate_input") == "input"
        own = {
            task: [expert(net, streams[task], f"{prefix}task_experts.{task}.{e}", training) for e in range(number)]
            for task, number in zip(case.names, numbers)
        }
        common = [expert(net, shared_stream, f"{prefix}shared_experts.{e}", training) for e in range(shared)]
        read = {task: x if from_input else streams[task] for task in case.names}
        read_shared = x if from_input else shared_stream
        streams = {
            task: mixture(net, read[task], f"{prefix}gates.{task}", own[task] + common, training)
            for task in case.names
        }
        if shared_gate:
            everything = sum((own[task] for task in case.names), []) + common
            shared_stream = mixture(net, read_shared, f"{prefix}shared_gate", everything, training)
    return {task: net.tower(streams[task], "", task, training) for task in case.names}


def expert(net, x, name, training):
    """An expert's layers; the last may be linear."""
    count = len(net.case.units)
    if net.case.options.get("expert_last_activation", True):
        return net.mlp(x, name, count, training)
    x = net.mlp(x, name, count - 1, training)
    return x @ net.p[f"{name}.{count - 1}.weight"] + net.p[f"{name}.{count - 1}.bias"]


def mixture(net, x, gate, experts, training):
    return torch.einsum("be,ebd->bd", net.gate(x, gate, training, len(experts)), torch.stack(experts))
