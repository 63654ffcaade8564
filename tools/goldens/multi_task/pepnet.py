"""PEPNet (Chang et al. 2023): Gate NU, 2 sigmoid(relu(x W + b) W' + b'), scales embeddings by domain features
(EPNet) and each hidden layer of each task by personal ones (PPNet); gates take what they scale without its gradient."""

import torch


def units(case):
    return (*case.units, *case.tower_units)


def prior_width(case, names):
    widths = {"a": case.dims["a"], "b": case.dims["b"], "tags": case.dims["a"], "d0": 1, "d1": 1}
    return sum(widths[name] for name in names)


def gate_layers(case, name, inputs, outputs):
    hidden = case.options.get("gate_units", outputs)
    yield f"{name}.0", inputs, hidden, "out"
    yield f"{name}.1", hidden, outputs, "out"


def layers(case):
    domain, personal = case.options.get("domain", ()), case.options.get("personal", ())
    if domain:
        yield from gate_layers(case, "epnet", prior_width(case, domain) + case.width, case.width)
    for task in case.names:
        width = case.width
        for l, unit in enumerate(units(case)):
            yield f"towers.{task}.{l}", width, unit, "hidden"
            if personal:
                yield from gate_layers(case, f"ppnet.{task}.{l}", prior_width(case, personal) + case.width, unit)
            width = unit
        yield f"towers.{task}.out", width, case.outputs(task), "out"


def gate(net, name, x):
    crossed = net.relu(x @ net.p[f"{name}.0.weight"] + net.p[f"{name}.0.bias"])
    return 2 * torch.sigmoid(crossed @ net.p[f"{name}.1.weight"] + net.p[f"{name}.1.bias"])


def tasks(net, batch, training):
    case = net.case
    fields = dict(zip(["a", "b", "tags", "d0", "d1"], net.fields(batch, "")))
    x = net.input(batch, "", case.names)
    domain, personal = case.options.get("domain", ()), case.options.get("personal", ())
    if domain:
        x = gate(net, "epnet", torch.cat([*(fields[name] for name in domain), x.detach()], 1)) * x
    prior = torch.cat([*(fields[name] for name in personal), x.detach()], 1)
    outputs = {}
    for task in case.names:
        hidden = x
        for l in range(len(units(case))):
            hidden = net.layer(hidden, f"towers.{task}.{l}", training)
            if personal:
                hidden = gate(net, f"ppnet.{task}.{l}", prior) * hidden
        outputs[task] = net.logit(hidden, f"towers.{task}", task)
    return outputs
