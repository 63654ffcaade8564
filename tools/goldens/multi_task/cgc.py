"""Customized gate control (Tang et al. 2020, eq. 1 to 4): task k's gate reads x and weighs its own and the shared experts."""

from multi_task import ple


def levels(case):
    own = ple.listed(case.options.get("task_experts", 1))
    numbers = own if len(own) > 1 else own * len(case.names)
    return [("", numbers, case.options.get("shared_experts", 1), False)]


def layers(case):
    return ple.level_layers(case, levels(case), "previous")


def tasks(net, batch, training):
    return ple.run(net, batch, training, levels(net.case))
