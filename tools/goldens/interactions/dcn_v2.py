"""DCN-v2 cross layers (Wang et al. 2021): full, x_{l+1} = x_0 * (W x_l + b) + x_l; low-rank mixture,
x_{l+1} = sum_i G_i(x_l) E_i(x_l) + x_l with E_i(x) = x_0 * (U_i g(C_i g(V_i^T x)) + b), or x_0 * (U_i V_i^T x + b)."""

import torch


def width(case):
    return case.features


def experts(case):
    return case.interact.get("experts", 1)


def layers(case, owner):
    features, rank = case.features, case.interact.get("rank")
    for n in range(case.interact["layers"]):
        name = f"{owner}dcn_v2.{n}"
        if rank is None:
            yield name, features, features, "out"
            continue
        for e in range(experts(case)):
            yield f"{name}.experts.{e}.v", features, rank, "gate_out"
            if case.interact.get("nonlinearity") != "none":
                yield f"{name}.experts.{e}.c", rank, rank, "gate_out"
            yield f"{name}.experts.{e}.u", rank, features, "gate_out"
        if experts(case) > 1:
            yield f"{name}.gate", features, experts(case), "gate_out"
        yield f"{name}.bias", 0.0, features, "vector"


def interact(net, batch, owner, x, tasks):
    case, value = net.case, x
    for n in range(case.interact["layers"]):
        name = f"{owner}dcn_v2.{n}"
        bias = net.p[f"{name}.bias"]
        if "rank" not in case.interact:
            value = x * (value @ net.p[f"{name}.weight"] + bias) + value
            continue
        g = {"tanh": torch.tanh, "relu": net.relu, "none": None}[case.interact.get("nonlinearity", "tanh")]
        outputs = []
        for e in range(experts(case)):
            low = value @ net.p[f"{name}.experts.{e}.v.weight"]
            if g is not None:
                low = g(g(low) @ net.p[f"{name}.experts.{e}.c.weight"])
            outputs.append(x * (low @ net.p[f"{name}.experts.{e}.u.weight"] + bias))
        if experts(case) > 1:
            gates = torch.softmax(value @ net.p[f"{name}.gate.weight"], 1)
        else:
            gates = torch.ones(len(x), 1, dtype=torch.float64)
        value = sum(gates[:, e : e + 1] * output for e, output in enumerate(outputs)) + value
    return value, {}
