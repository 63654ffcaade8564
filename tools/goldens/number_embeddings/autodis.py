"""AutoDis (Guo et al. 2021): h = leaky_relu(w x) (eq. 5), x~ = W h + alpha h (eq. 6), p = softmax(x~ / tau) (eq. 7),
e = sum_i p_i ME_i (eq. 8)."""

import torch
import torch.nn.functional as F


def width(case):
    return case.number.get("dim", 8)


def layers(case, name):
    buckets = case.number.get("buckets", 20)
    yield f"{name}.first", 1, buckets, "gate_out"
    yield f"{name}.second", buckets, buckets, "gate_out"
    yield f"{name}.embeddings", buckets, width(case), "gate_out"


def embed(net, name, x):
    own, p = net.case.number, net.p
    h = x @ p[f"{name}.first.weight"]
    net.kinks.append(h.detach().abs().min().item())
    h = F.leaky_relu(h, 0.01)
    scores = h @ p[f"{name}.second.weight"] + own.get("skip", 0.1) * h
    return torch.softmax(scores / own.get("temperature", 1.0), 1) @ p[f"{name}.embeddings.weight"]
