"""ESCM2 (Wang et al. 2022, Section 4): cross-entropies of click and of click and conversion over all rows, and the
conversion's risk over all rows, estimated from clicked ones by inverse propensity scores or doubly robustly."""

import torch
import torch.nn.functional as F

from multi_task.esmm import logit
from twin import mlp_layers, tower_layers


def networks(case):
    return [*case.names, *(["imputation"] if case.options.get("method", "dr") == "dr" else [])]


def layers(case):
    for name in networks(case):
        yield from mlp_layers(f"networks.{name}", case.width, case.units)
        yield from tower_layers(case, "", name, case.units[-1])


def tasks(net, batch, training):
    case = net.case
    x = net.input(batch, "", case.names)
    outputs = {}
    for name in networks(case):
        hidden = net.mlp(x, f"networks.{name}", len(case.units), training)
        outputs[name] = net.tower(hidden, "", name, training)
    click, conversion = case.names
    p_click, p_both = torch.sigmoid(outputs[click]), torch.sigmoid(outputs[click]) * torch.sigmoid(outputs[conversion])

    labels = batch["labels"]
    known = ~torch.isnan(labels).any(1, keepdim=True)
    o, r = (torch.nan_to_num(labels[:, t : t + 1]) for t in (0, 1))
    floor = case.options.get("propensity_floor", 0.01)
    net.kinks.append((p_click - floor).detach().abs().min().item())
    propensity = p_click if case.options.get("propensity_gradient", False) else p_click.detach()
    share = o / propensity.clamp(min=floor)
    error = F.binary_cross_entropy_with_logits(outputs[conversion], r, reduction="none")
    if case.options.get("method", "dr") == "ips":
        risk = share * error
    else:
        imputed = F.softplus(outputs["imputation"], threshold=1e9)
        risk = imputed + share * (error - imputed) + share * (error - imputed) ** 2
    net.extra = net.extra + case.options.get("counterfactual_weight", 0.1) * (risk * known).mean()
    return {click: outputs[click], conversion: logit(p_both)}
