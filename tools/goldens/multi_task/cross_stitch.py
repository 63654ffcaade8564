"""Cross-stitch networks (Misra et al. 2016, eq. 1): after each layer a task reads sum_s alpha_ts h_s."""

from twin import tower_layers


def layers(case):
    width = case.width
    for l, units in enumerate(case.units):
        for task in case.names:
            yield f"networks.{task}.{l}", width, units, "hidden"
        for task in case.names:
            yield f"stitches.{task}.{l}.weights", 0.5, len(case.names), "vector"
        width = units
    for task in case.names:
        yield from tower_layers(case, "", task, width)


def tasks(net, batch, training):
    case = net.case
    x = net.input(batch, "", case.names)
    values = {task: x for task in case.names}
    for l in range(len(case.units)):
        hidden = {task: net.layer(values[task], f"networks.{task}.{l}", training) for task in case.names}
        for task in case.names:
            alpha = net.p[f"stitches.{task}.{l}.weights"]
            values[task] = sum(a * hidden[other] for a, other in zip(alpha, case.names))
    return {task: net.tower(values[task], "", task, training) for task in case.names}
