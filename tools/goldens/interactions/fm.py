"""Factorisation machine: w^T x + sum over pairs of <v_i, v_j> (Rendle 2010, eq. 1; Guo et al. 2017, eq. 2)."""

from interactions import wide
from interactions.wide import tables  # noqa: F401
from twin import field_layers


def width(case):
    return 0


def layers(case, owner):
    yield from field_layers(case, owner)
    yield from wide.layers(case, owner)


def interact(net, batch, owner, x, tasks):
    v = net.equal_fields(batch, owner)
    second = sum((v[i] * v[j]).sum(1, keepdim=True) for i in range(len(v)) for j in range(i + 1, len(v)))
    return None, {task: wide.first_order(net, batch, owner, task) + second for task in tasks}
