"""One network a task that shares nothing, tables included: y_k = tower_k(bottom_k(x_k)) (Caruana 1997's baseline)."""

from twin import mlp_layers, tower_layers


def owners(case):
    return [f"{task}/" for task in case.names]


def layers(case):
    for task in case.names:
        yield from mlp_layers(f"{task}/bottom", case.width, case.units)
        yield from tower_layers(case, f"{task}/", task, case.units[-1])


def tasks(net, batch, training):
    outputs = {}
    for task in net.case.names:
        x = net.input(batch, f"{task}/", [task])
        hidden = net.mlp(x, f"{task}/bottom", len(net.case.units), training)
        outputs[task] = net.tower(hidden, f"{task}/", task, training)
    return outputs
