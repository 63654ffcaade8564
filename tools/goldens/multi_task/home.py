"""HoME (Wang et al. 2024, section 3): normalised experts with swish; a hierarchy mask of tasks, groups and what all share;
feature gates before experts, self-gates beside gates. What is chosen, not verified against its text, is as stated in polyrank's `home`."""

import torch
import torch.nn.functional as F

from multi_task.ple import listed
from twin import gate_layers, mlp_layers, tower_layers


def options(case):
    """The options with their defaults, lists of one number a task filled out."""
    defaults = {"groups": 0, "task_experts": 1, "group_experts": 1, "shared_experts": 1}
    filled = {**defaults, "feature_gates": 2, "feature_gate_rank": 8, **case.options}
    for key in ("groups", "task_experts"):
        values = listed(filled[key])
        filled[key] = values if len(values) > 1 else values * len(case.names)
    return filled


def owner_layers(case, name, width, experts, gate_width, chosen):
    """The layers of who owns experts over a value of `width` columns, with a gate over `chosen` experts."""
    o = options(case)
    for l in range(o["feature_gates"]):
        yield f"{name}.feature_gate.{l}.down", width, o["feature_gate_rank"], "gate_out"
        yield f"{name}.feature_gate.{l}.up", o["feature_gate_rank"], width, "gate_out"
    if o["feature_gates"] > 1:
        yield f"{name}.feature_gate.weights", width, o["feature_gates"], "gate_out"
    for e in range(experts):
        before = width
        for i, unit in enumerate(case.units):
            kind = "normed" if i + 1 == len(case.units) else "out"
            yield f"{name}.experts.{e}.{i}", before, unit, kind
            before = unit
    if chosen:
        yield from gate_layers(case, f"{name}.gate", gate_width, chosen)
        yield from mlp_layers(f"{name}.self_gate", gate_width, case.gate_units)
        last = "out" if case.options.get("gate_bias") else "gate_out"
        yield f"{name}.self_gate.out", (gate_width, *case.gate_units)[-1], experts, last


def layers(case):
    o, d = options(case), case.units[-1]
    of_group, of_all = o["group_experts"], o["shared_experts"]
    groups = sorted(set(o["groups"]))
    for g in groups:
        yield from owner_layers(case, f"meta.groups.{g}", case.width, of_group, case.width, of_group + of_all)
    yield from owner_layers(case, "meta.shared", case.width, of_all, case.width, len(groups) * of_group + of_all)
    for g in groups:
        yield from owner_layers(case, f"groups.{g}", 2 * d, of_group, 0, 0)
    yield from owner_layers(case, "shared", d, of_all, 0, 0)
    for task, count in zip(case.names, o["task_experts"]):
        yield from owner_layers(case, f"tasks.{task}", 2 * d, count, 2 * d, count + of_group + of_all)
        yield from tower_layers(case, "", task, d)


def tasks(net, batch, training):
    case, o = net.case, options(net.case)
    groups = sorted(set(o["groups"]))
    x = net.input(batch, "", case.names)

    def experts(name, v, count):
        if o["feature_gates"]:
            v = v * feature_gate(net, f"{name}.feature_gate", v, o["feature_gates"])
        return [expert(net, f"{name}.experts.{e}", v, training) for e in range(count)]

    def fused(name, v, own, others):
        chosen = torch.stack(own + others)
        gated = torch.einsum("be,ebd->bd", net.gate(v, f"{name}.gate", training, len(chosen)), chosen)
        return gated + self_gate(net, f"{name}.self_gate", v, own, training)

    meta = {g: experts(f"meta.groups.{g}", x, o["group_experts"]) for g in groups}
    meta_shared = experts("meta.shared", x, o["shared_experts"])
    # The shared gate weighs the groups' experts first, then the shared ones.
    everything = torch.stack(sum((meta[g] for g in groups), []) + meta_shared)
    weights = net.gate(x, "meta.shared.gate", training, len(everything))
    z_shared = torch.einsum("be,ebd->bd", weights, everything)
    z_shared = z_shared + self_gate(net, "meta.shared.self_gate", x, meta_shared, training)
    z = {g: torch.cat([fused(f"meta.groups.{g}", x, meta[g], meta_shared), z_shared], 1) for g in groups}

    of_group = {g: experts(f"groups.{g}", z[g], o["group_experts"]) for g in groups}
    of_all = experts("shared", z_shared, o["shared_experts"])
    outputs = {}
    for task, g, count in zip(case.names, o["groups"], o["task_experts"]):
        own = experts(f"tasks.{task}", z[g], count)
        hidden = fused(f"tasks.{task}", z[g], own, of_group[g] + of_all)
        outputs[task] = net.tower(hidden, "", task, training)
    return outputs


def feature_gate(net, name, v, maps):
    down, up = ([net.p[f"{name}.{l}.{part}.weight"] for l in range(maps)] for part in ("down", "up"))
    gates = [2 * torch.sigmoid(v @ b @ a) for b, a in zip(down, up)]
    if maps == 1:
        return gates[0]
    weights = torch.softmax(v @ net.p[f"{name}.weights.weight"], 1)
    return sum(weights[:, l : l + 1] * gate for l, gate in enumerate(gates))


def self_gate(net, name, v, own, training):
    hidden = net.mlp(v, name, len(net.case.gate_units), training)
    logits = hidden @ net.p[f"{name}.out.weight"] + net.p.get(f"{name}.out.bias", 0.0)
    temperature = net.case.options.get("gate_temperature", 1.0)
    weights = torch.sigmoid(logits) if len(own) == 1 else torch.softmax(logits / temperature, 1)
    return torch.einsum("be,ebd->bd", weights, torch.stack(own))


def expert(net, name, v, training):
    count = len(net.case.units)
    for i in range(count):
        here = f"{name}.{i}"
        v = v @ net.p[f"{here}.weight"] + net.p.get(f"{here}.bias", 0.0)
        if i + 1 == count:
            affine = net.p[f"{here}.norm.scale"], net.p[f"{here}.norm.shift"]
            v = net.normalise(v, f"{here}.norm", 1e-5, training, *affine)
        v = F.silu(v)
    return v
