"""Periodic embedding: concat[sin(2 pi c x), cos(2 pi c x)] of trained c (Gorishniy et al. 2022, eq. 3), then a linear
layer and ReLU ("PLR")."""

import math

import torch


def width(case):
    return case.number.get("dim", 8)


def layers(case, name):
    count = case.number.get("frequencies", 48)
    yield f"{name}.frequencies", 0.0, count, "vector"
    yield name, 2 * count, width(case), "out"


def embed(net, name, x):
    v = 2 * math.pi * net.p[f"{name}.frequencies"] * x
    e = torch.cat([torch.sin(v), torch.cos(v)], 1) @ net.p[f"{name}.weight"] + net.p[f"{name}.bias"]
    return net.relu(e) if net.case.number.get("relu", True) else e
