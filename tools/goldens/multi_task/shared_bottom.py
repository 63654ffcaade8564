"""One network below all towers: y_k = tower_k(f(x)) (Caruana 1997; Ma et al. 2018, eq. 1)."""

from twin import mlp_layers, tower_layers


def layers(case):
    yield from mlp_layers("bottom", case.width, case.units)
    for task in case.names:
        yield from tower_layers(case, "", task, case.units[-1])


def tasks(net, batch, training):
    x = net.input(batch, "", net.case.names)
    bottom = net.mlp(x, "bottom", len(net.case.units), training)
    return {task: net.tower(bottom, "", task, training) for task in net.case.names}
