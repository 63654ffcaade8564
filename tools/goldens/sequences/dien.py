"""Deep interest evolution network (Zhou et al. 2019, AAAI): a GRU finds interests (eq. 2 to 5), an auxiliary loss makes
them tell the next value from a drawn one (eq. 6, 7), attention to the candidate (eq. 8) leads a second GRU: on its input
(AIGRU, eq. 9), in place of its update gate (AGRU, eq. 10) or times it (AUGRU, eq. 11, 12). The last state counts."""

import torch
import torch.nn.functional as F


def width(case):
    return case.dims["a"]


def options(case):
    return {"evolution": "augru", "auxiliary": 1.0, **case.sequence}


def layers(case, name):
    dim, own = case.dims["a"], options(case)
    yield f"{name}.interest", dim, 3 * dim, "out"
    yield f"{name}.interest.recurrent", dim, 3 * dim, "gate_out"
    if own["evolution"] != "gru":
        yield f"{name}.attention", dim, dim, "gate_out"
    gates = 2 if own["evolution"] == "agru" else 3
    yield f"{name}.evolution", dim, gates * dim, "out"
    yield f"{name}.evolution.recurrent", dim, gates * dim, "gate_out"


def gru(net, name, inputs, scores=None, kind="gru"):
    """States [T, D]. Columns of the matrices: reset gate, candidate, update gate (none in AGRU)."""
    w, b, u = net.p[f"{name}.weight"], net.p[f"{name}.bias"], net.p[f"{name}.recurrent.weight"]
    dim = len(u)
    w, b, u = w.split(dim, 1), b.split(dim), u.split(dim, 1)
    h, states = torch.zeros(dim, dtype=torch.float64), []
    for t, i in enumerate(inputs):
        r = torch.sigmoid(i @ w[0] + b[0] + h @ u[0])
        c = torch.tanh(i @ w[1] + b[1] + r * (h @ u[1]))
        if kind == "agru":
            z = scores[t]
        else:
            z = torch.sigmoid(i @ w[2] + b[2] + h @ u[2])
            z = scores[t] * z if kind == "augru" else z
        h = (1 - z) * h + z * c
        states.append(h)
    return torch.stack(states) if states else torch.zeros(0, dim, dtype=torch.float64)


def encode(net, name, rows, target):
    own, values = options(net.case), []
    drawn = net.drawn.split([len(e) for e in rows]) if net.training else [None] * len(rows)
    auxiliary = torch.zeros((), dtype=torch.float64)
    for e, e_a, negative in zip(rows, target, drawn):
        h = gru(net, f"{name}.interest", e)
        if net.training and len(e) > 1:
            followed, unlike = (h[:-1] * e[1:]).sum(1), (h[:-1] * negative[1:]).sum(1)
            auxiliary = auxiliary - (F.logsigmoid(followed) + F.logsigmoid(-unlike)).sum()
        if own["evolution"] == "gru":
            states = gru(net, f"{name}.evolution", h)
        else:
            a = torch.softmax(h @ net.p[f"{name}.attention.weight"].T @ e_a, 0) if len(e) else None
            if own["evolution"] == "aigru":
                states = gru(net, f"{name}.evolution", a[:, None] * h if len(e) else h)
            else:
                states = gru(net, f"{name}.evolution", h, a, own["evolution"])
        values.append(states[-1] if len(e) else torch.zeros_like(e_a))
    share = 1 if net.case.normaliser == "sum" else 1 / len(rows)
    net.extra = net.extra + own["auxiliary"] * share * auxiliary
    return torch.stack(values)
