"""Linear embedding: e = W x + b, with ReLU if asked for (Gorishniy et al. 2022, section 3.4)."""


def width(case):
    return case.number.get("dim", 8)


def layers(case, name):
    yield name, 1, width(case), "out"


def embed(net, name, x):
    e = x @ net.p[f"{name}.weight"] + net.p[f"{name}.bias"]
    return net.relu(e) if net.case.number.get("relu", False) else e
