"""Gates: softmax (Ma et al. 2018, eq. 8), noisy top-k (Shazeer et al. 2017, eq. 3 to 5), DSelect-k with a gate per
example (Hazimeh et al. 2021, section 3 and the appendix on expert counts that are no power of two)."""

import math

import torch
import torch.nn.functional as F

import twin
from noise import noise


def layers(case, prefix, width, experts):
    yield from twin.mlp_layers(prefix, width, case.gate_units)
    kind, width = case.options.get("gate", "softmax"), (width, *case.gate_units)[-1]
    last = "out" if case.options.get("gate_bias") else "gate_out"
    if kind == "dselect_k":
        for i in range(case.options["gate_k"]):
            yield f"{prefix}.selectors.{i}", width, digits(experts), last
        experts = case.options["gate_k"]
    elif kind == "top_k" and case.options.get("gate_noisy", True):
        yield f"{prefix}.noise", width, experts, "gate_out"
    yield f"{prefix}.out", width, experts, last


def digits(experts):
    return math.ceil(math.log2(experts))


def linear(net, x, name):
    return x @ net.p[f"{name}.weight"] + net.p.get(f"{name}.bias", 0.0)


def weights(net, x, prefix, training, experts):
    options = net.case.options
    hidden = net.mlp(x, prefix, len(net.case.gate_units), training)
    logits = linear(net, hidden, f"{prefix}.out")
    temperature = options.get("gate_temperature", 1.0)
    kind = options.get("gate", "softmax")
    if kind == "softmax":
        return torch.softmax(logits / temperature, 1)
    if kind == "top_k":
        if training and options.get("gate_noisy", True):
            drawn = torch.tensor(noise(f"{prefix}.noise", net.step, *logits.shape))
            logits = logits + drawn * F.softplus(linear(net, hidden, f"{prefix}.noise"))
        return torch.softmax(keep_top_k(net, logits, options["gate_k"]) / temperature, 1)
    mixed = torch.softmax(logits / temperature, 1)  # [B, k]
    choices = [selector(net, hidden, f"{prefix}.selectors.{i}", experts, training) for i in range(options["gate_k"])]
    return torch.einsum("bk,kbe->be", mixed, torch.stack(choices))


def keep_top_k(net, logits, k):
    ordered = logits.sort(1, descending=True).values
    if k < logits.shape[1]:
        net.kinks.append((ordered[:, k - 1] - ordered[:, k]).min().item())
    return logits.masked_fill(logits < ordered[:, k - 1 : k], -torch.inf)


def selector(net, x, name, experts, training):
    """One expert chosen by its binary code, most significant digit first, `[B, E]`."""
    options = net.case.options
    z, gamma = linear(net, x, name), options.get("gate_step", 1.0)
    net.kinks.append((z.detach().abs() - gamma / 2).abs().min().item())
    inside = -2 / gamma**3 * z**3 + 3 / (2 * gamma) * z + 0.5
    s = torch.where(z <= -gamma / 2, 0.0, torch.where(z >= gamma / 2, 1.0, inside))
    choice = []
    for e in range(experts):
        code = format(e, f"0{digits(experts)}b")
        choice.append(torch.stack([s[:, j] if d == "1" else 1 - s[:, j] for j, d in enumerate(code)]).prod(0))
    r = torch.stack(choice, 1)
    if training:
        share = 1 if net.case.normaliser == "sum" else 1 / len(x)
        entropy = -(r * torch.log(r + 1e-6)).sum()
        net.extra = net.extra + options.get("gate_entropy", 0.0) * share * entropy
        if experts & (experts - 1):
            net.extra = net.extra + share * (1 / r.sum(1).clamp(min=1e-6)).sum()
    return r
