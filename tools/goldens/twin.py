"""The twin networks in float64: forward pass and penalties, written from the papers' equations.

A network is a dict of named parameters and a function of one batch; automatic differentiation gives the gradients.
Single, shared bottom: Caruana 1997. OMoE, MMoE: Ma et al. 2018, y_k = tower_k(sum_i softmax(W_gk x)_i f_i(x)).
Dice: Zhou et al. 2018 (DIN), eq. 3, p = sigmoid((x - mean) / sqrt(variance + 1e-8)).
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

TABLE_ROWS = {"a": 11, "b": 7}
DENSE = 2


@dataclass
class Case:
    """One golden file: a network, its loss and its data."""

    name: str
    block: str
    preset: str = "default"
    dims: dict = field(default_factory=lambda: {"a": 4, "b": 2})
    gate_units: tuple = ()
    units: tuple = (8, 6)
    tower_units: tuple = (5,)
    experts: int = 3
    activation: str = "relu"
    batch_norm: bool = False
    layer_order: str = "norm_activation_dropout"
    l2: float = 1e-3
    l2_embedding: float = 1e-3
    embedding_penalty: str = "batch"
    normaliser: str = "weight_sum"
    tasks: tuple = (("finish", "binary", 1.0), ("like", "binary", 1.0))
    missing: float = 0.2

    @property
    def width(self):
        return 2 * self.dims["a"] + self.dims["b"] + DENSE

    @property
    def tables(self):
        """Names of the tables: `single` shares nothing, tables included."""
        owners = [f"{task}/" for task, _, _ in self.tasks] if self.block == "single" else [""]
        return [f"{owner}table.{table}" for owner in owners for table in TABLE_ROWS]


def layers(case):
    """Every layer: (name, inputs, outputs, kind) with kind hidden, gate_out (no bias) or out."""

    def mlp(prefix, width, units):
        for i, unit in enumerate(units):
            yield f"{prefix}.{i}", width, unit, "hidden"
            width = unit

    def tower(owner, task, width):
        yield from mlp(f"{owner}towers.{task}", width, case.tower_units)
        yield f"{owner}towers.{task}.out", (width, *case.tower_units)[-1], 1, "out"

    def gate(prefix):
        yield from mlp(prefix, case.width, case.gate_units)
        yield f"{prefix}.out", (case.width, *case.gate_units)[-1], case.experts, "gate_out"

    names = [task for task, _, _ in case.tasks]
    if case.block == "single":
        for task in names:
            yield from mlp(f"{task}/bottom", case.width, case.units)
            yield from tower(f"{task}/", task, case.units[-1])
        return
    if case.block == "shared_bottom":
        yield from mlp("bottom", case.width, case.units)
    else:
        for e in range(case.experts):
            yield from mlp(f"experts.{e}", case.width, case.units)
        for prefix in ["gate"] if case.block == "omoe" else [f"gates.{task}" for task in names]:
            yield from gate(prefix)
    for task in names:
        yield from tower("", task, case.units[-1])


def draw_parameters(case, rng):
    """All parameters from N(0, 0.4^2), a norm's scale around 1: nothing is degenerate."""

    def normal(*shape, mean=0.0):
        return torch.tensor(rng.normal(mean, 0.4, shape), dtype=torch.float64)

    parameters = {}
    for table in case.tables:
        kind = table.rsplit(".", 1)[1]
        parameters[table] = normal(TABLE_ROWS[kind], case.dims[kind])
    for name, inputs, outputs, kind in layers(case):
        parameters[f"{name}.weight"] = normal(inputs, outputs)
        if kind != "gate_out":
            parameters[f"{name}.bias"] = normal(outputs)
        if kind == "hidden":
            if case.batch_norm:
                parameters[f"{name}.norm.scale"] = normal(outputs, mean=1.0)
                parameters[f"{name}.norm.shift"] = normal(outputs)
            if case.activation in ("prelu", "dice"):
                parameters[f"{name}.{case.activation}.alpha"] = normal(outputs)
    return parameters


def draw_statistics(case):
    """Running statistics as they start: mean 0, variance 1."""
    statistics = {}
    for name, _, outputs, kind in layers(case):
        if kind == "hidden":
            for norm in ["norm"] * case.batch_norm + ["dice"] * (case.activation == "dice"):
                statistics[f"{name}.{norm}.mean"] = torch.zeros(outputs, dtype=torch.float64)
                statistics[f"{name}.{norm}.variance"] = torch.ones(outputs, dtype=torch.float64)
    return statistics


class Network:
    """A case with its parameters; `kinks` collects how near any rectified value came to its kink."""

    def __init__(self, case, parameters, statistics):
        self.case, self.p, self.statistics = case, parameters, statistics
        self.kinks = []

    def embed(self, batch, owner):
        a, b = self.p[f"{owner}table.a"], self.p[f"{owner}table.b"]
        offsets, ids = batch["tags.offsets"], batch["tags.ids"]
        tags = [
            a[ids[start:end]].mean(0) if end > start else torch.zeros(a.shape[1], dtype=torch.float64)
            for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist())
        ]
        return torch.cat([a[batch["ids.a"]], b[batch["ids.b"]], torch.stack(tags), batch["dense"]], 1)

    def normalise(self, x, name, eps, training, scale=None, shift=None):
        mean, variance = self.statistics[f"{name}.mean"], self.statistics[f"{name}.variance"]
        return F.batch_norm(x, mean, variance, scale, shift, training, 0.1, eps)

    def activate(self, x, name, training):
        if self.case.activation == "dice":
            alpha = self.p[f"{name}.dice.alpha"]
            p = torch.sigmoid(self.normalise(x, f"{name}.dice", 1e-8, training))
            return p * x + (1 - p) * alpha * x
        self.kinks.append(x.detach().abs().min().item())
        if self.case.activation == "prelu":
            return torch.where(x > 0, x, self.p[f"{name}.prelu.alpha"] * x)
        return torch.relu(x)

    def mlp(self, x, prefix, count, training):
        for i in range(count):
            name = f"{prefix}.{i}"

            def norm(x):
                if not self.case.batch_norm:
                    return x
                affine = self.p[f"{name}.norm.scale"], self.p[f"{name}.norm.shift"]
                return self.normalise(x, f"{name}.norm", 1e-5, training, *affine)

            x = x @ self.p[f"{name}.weight"] + self.p[f"{name}.bias"]
            if self.case.layer_order == "norm_activation_dropout":
                x = self.activate(norm(x), name, training)
            else:
                x = norm(self.activate(x, name, training))
        return x

    def gate(self, x, prefix, training):
        hidden = self.mlp(x, prefix, len(self.case.gate_units), training)
        return torch.softmax(hidden @ self.p[f"{prefix}.out.weight"], 1)

    def logits(self, batch, training):
        """One value a row and task, `[B, T]`: a binary task's logit, a regression task's prediction."""
        case, names = self.case, [task for task, _, _ in self.case.tasks]
        depth = len(case.units)
        if case.block == "single":
            inputs = {task: self.embed(batch, f"{task}/") for task in names}
            values = {task: self.mlp(inputs[task], f"{task}/bottom", depth, training) for task in names}
        else:
            x = self.embed(batch, "")
            if case.block == "shared_bottom":
                bottom = self.mlp(x, "bottom", depth, training)
                values = {task: bottom for task in names}
            else:
                outputs = [self.mlp(x, f"experts.{e}", depth, training) for e in range(case.experts)]
                experts = torch.stack(outputs, 1)
                if case.block == "omoe":
                    weights = dict.fromkeys(names, self.gate(x, "gate", training))
                else:
                    weights = {task: self.gate(x, f"gates.{task}", training) for task in names}
                values = {task: (weights[task].unsqueeze(2) * experts).sum(1) for task in names}
        columns = []
        for task in names:
            tower = f"{task}/towers.{task}" if case.block == "single" else f"towers.{task}"
            hidden = self.mlp(values[task], tower, len(case.tower_units), training)
            columns.append(hidden @ self.p[f"{tower}.out.weight"] + self.p[f"{tower}.out.bias"])
        return torch.cat(columns, 1)

    def data_loss(self, logits, labels):
        total = torch.zeros((), dtype=torch.float64)
        for t, (_, kind, weight) in enumerate(self.case.tasks):
            labelled = ~torch.isnan(labels[:, t])
            value, label = logits[labelled, t], labels[labelled, t]
            if kind == "binary":
                losses = F.binary_cross_entropy_with_logits(value, label, reduction="none")
            else:
                losses = F.huber_loss(value, label, reduction="none", delta=1.0)
            count = labelled.sum().item()
            divisor = {"weight_sum": count, "batch": len(labels), "sum": 1}[self.case.normaliser]
            if count > 0:
                total = total + weight * losses.sum() / divisor
        return total

    def penalty(self, batch):
        case = self.case
        total = case.l2 * sum((w**2).sum() for name, w in self.p.items() if name.endswith(".weight"))
        for table in case.tables:
            rows = self.p[table]
            if case.embedding_penalty == "batch":
                rows = rows[touched(table, batch)]
            total = total + case.l2_embedding * (rows**2).sum()
        return total


def touched(table, batch):
    """The distinct rows of a table that a batch looks up; `tags` shares the table of `a`."""
    if table.endswith("table.a"):
        return torch.cat([batch["ids.a"], batch["tags.ids"]]).unique()
    return batch["ids.b"].unique()
