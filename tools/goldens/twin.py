"""The networks in PyTorch, written from the papers' equations; polyrank must compute the same.

A network is a dict of named parameters and a function of one batch; automatic differentiation gives the gradients. Each
multi-task block is a module of `multi_task`, each interaction one of `interactions`, each sequence encoder one of
`sequences`, each embedding of numbers one of `number_embeddings`: `layers` names its parameters, `tasks`, `interact`, `encode` or
`embed` computes it. Dice: Zhou et al. 2018 (DIN), eq. 3, p = sigmoid((x - mean) / sqrt(variance + 1e-8)).
"""

import importlib
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

import gates

TABLE_ROWS = {"a": 11, "b": 7}
DENSE = 2


@dataclass
class Case:
    """One golden file: a network, its loss and its data. `options` are the block's, `interact` the interaction's,
    `sequence` those of the list `tags` (`combiner` among them), `number` those of both numbers' embedding (`type` among
    them)."""

    name: str
    block: str
    preset: str = "default"
    dims: dict = field(default_factory=lambda: {"a": 4, "b": 2})
    gate_units: tuple = ()
    units: tuple = (8, 6)
    tower_units: tuple = (5,)
    experts: int = 3
    options: dict = field(default_factory=dict)
    interaction: str = "none"
    interact: dict = field(default_factory=dict)
    sequence: dict = field(default_factory=dict)
    number: dict = field(default_factory=dict)
    activation: str = "relu"
    batch_norm: bool = False
    layer_order: str = "norm_activation_dropout"
    l2: float = 1e-3
    l2_embedding: float = 1e-3
    embedding_penalty: str = "batch"
    normaliser: str = "weight_sum"
    tasks: tuple = (("finish", "binary", 1.0), ("like", "binary", 1.0))
    missing: float = 0.2
    classes: dict = field(default_factory=dict)

    def outputs(self, task):
        """Numbers that a task's head gives a row: one, or one a class."""
        return self.classes.get(task, 1)

    def columns(self, task):
        """Where they stand among all tasks' side by side."""
        before = sum(map(self.outputs, self.names[: self.names.index(task)]))
        return slice(before, before + self.outputs(task))
    weighted: bool = False

    @property
    def names(self):
        return [task for task, _, _ in self.tasks]

    @property
    def module(self):
        return importlib.import_module(f"multi_task.{self.block}")

    @property
    def interaction_module(self):
        return importlib.import_module(f"interactions.{self.interaction}")

    @property
    def sequence_module(self):
        return importlib.import_module(f"sequences.{self.sequence.get('combiner', 'mean')}")

    @property
    def number_module(self):
        return importlib.import_module(f"number_embeddings.{self.number.get('type', 'none')}")

    def number_name(self, owner, feature):
        shared = self.number.get("shared", False)
        return f"{owner}shared_numbers.{self.number['type']}" if shared else f"{owner}numbers.{feature}"

    @property
    def features(self):
        """The width of the features side by side: a, b, tags (in a's table), d0, d1."""
        sequence, number = self.sequence_module.width(self), self.number_module.width(self)
        return self.dims["a"] + self.dims["b"] + sequence + DENSE * number

    @property
    def width(self):
        """The width of what the block reads."""
        if self.interact.get("output") == "logit":
            return self.features
        extra = self.interaction_module.width(self)
        return extra if self.interact.get("output") == "replace" else self.features + extra

    @property
    def owners(self):
        """Prefixes of what has features of its own, tables included; most blocks have one set."""
        return getattr(self.module, "owners", lambda case: [""])(self)

    @property
    def tables(self):
        own = getattr(self.interaction_module, "tables", lambda case, owner: [])
        tables = [f"{owner}table.{table}" for owner in self.owners for table in TABLE_ROWS]
        return tables + [name for owner in self.owners for name in own(self, owner)]

    def tasks_of(self, owner):
        """The tasks that read an owner's features."""
        return [task for task in self.names if owner in ("", f"{task}/")]


# Parameters: (name, inputs, outputs, kind). Kind "hidden" is a layer with weight, bias and what surrounds it; "out" has
# weight and bias; "gate_out" only a weight; "normed" a weight and a batch norm, whatever the case has; "vector" is one
# parameter of its own, `inputs` the mean that it is drawn around, not penalised; "dice", "prelu", "sigmoid" and "relu" are
# a layer with weight, bias and that activation; "matrix" is one of shape [inputs, outputs], not penalised unless its name
# ends in ".weight".


def mlp_layers(prefix, width, units):
    for i, unit in enumerate(units):
        yield f"{prefix}.{i}", width, unit, "hidden"
        width = unit


def tower_layers(case, owner, task, width):
    yield from mlp_layers(f"{owner}towers.{task}", width, case.tower_units)
    yield f"{owner}towers.{task}.out", (width, *case.tower_units)[-1], case.outputs(task), "out"


def gate_layers(case, prefix, width, experts):
    yield from gates.layers(case, prefix, width, experts)


def field_layers(case, owner, names=("a", "b", "tags", "d0", "d1")):
    """The projections of fields whose dimension is not a's."""
    widths = {"a": case.dims["a"], "b": case.dims["b"], "tags": case.dims["a"]}
    for name in names:
        if widths.get(name) != case.dims["a"]:
            yield f"{owner}fields.{name}", widths.get(name, 1), case.dims["a"], "gate_out"


def layers(case):
    """Every layer and parameter but the tables."""
    for owner in case.owners:
        yield from case.sequence_module.layers(case, f"{owner}sequences.tags")
        for feature in ["d0"] if case.number.get("shared") else ["d0", "d1"]:
            yield from case.number_module.layers(case, case.number_name(owner, feature) if case.number else "")
        yield from case.interaction_module.layers(case, owner)
        if case.interact.get("output") == "logit":
            for task in case.tasks_of(owner):
                yield f"{owner}interaction.{task}", case.interaction_module.width(case), case.outputs(task), "gate_out"
    yield from case.module.layers(case)


def draw_parameters(case, rng):
    """All parameters from N(0, 0.4^2), a norm's scale around 1: nothing is degenerate."""

    def normal(*shape, mean=0.0):
        return torch.tensor(rng.normal(mean, 0.4, shape), dtype=torch.float64)

    parameters = {}
    for table in case.tables:
        kind = table.rsplit(".", 1)[1]
        rows = TABLE_ROWS["a" if kind == "tags" else kind]
        width = case.dims[kind] if f"table.{kind}" in table else case.outputs(table.rsplit(".", 2)[1])
        parameters[table] = normal(rows, width)
    for name, inputs, outputs, kind in layers(case):
        if kind == "vector":
            parameters[name] = normal(outputs, mean=inputs)
            continue
        if kind == "matrix":
            parameters[name] = normal(inputs, outputs)
            continue
        parameters[f"{name}.weight"] = normal(inputs, outputs)
        if kind not in ("gate_out", "normed"):
            parameters[f"{name}.bias"] = normal(outputs)
        if kind in ("dice", "prelu"):
            parameters[f"{name}.{kind}.alpha"] = normal(outputs)
        if kind in ("hidden", "normed"):
            if case.batch_norm or kind == "normed":
                parameters[f"{name}.norm.scale"] = normal(outputs, mean=1.0)
                parameters[f"{name}.norm.shift"] = normal(outputs)
            if case.activation in ("prelu", "dice") and kind == "hidden":
                parameters[f"{name}.{case.activation}.alpha"] = normal(outputs)
    return parameters


def draw_statistics(case):
    """Running statistics as they start: mean 0, variance 1."""
    statistics = {}
    for name, _, outputs, kind in layers(case):
        if kind == "dice":
            statistics[f"{name}.dice.mean"] = torch.zeros(outputs, dtype=torch.float64)
            statistics[f"{name}.dice.variance"] = torch.ones(outputs, dtype=torch.float64)
        if kind in ("hidden", "normed"):
            norms = ["norm"] * case.batch_norm + ["dice"] * (case.activation == "dice")
            for norm in norms if kind == "hidden" else ["norm"]:
                statistics[f"{name}.{norm}.mean"] = torch.zeros(outputs, dtype=torch.float64)
                statistics[f"{name}.{norm}.variance"] = torch.ones(outputs, dtype=torch.float64)
    return statistics


class Network:
    """A case with its parameters; `kinks` collects how near any rectified value came to its kink."""

    def __init__(self, case, parameters, statistics):
        self.case, self.p, self.statistics = case, parameters, statistics
        self.kinks = []
        self.step = 0  # steps before this batch: what random numbers depend on
        self.added = {}
        self.extra = torch.zeros((), dtype=torch.float64)

    def fields(self, batch, owner):
        """The features one by one: a, b, tags, d0, d1."""
        a, b = self.p[f"{owner}table.a"], self.p[f"{owner}table.b"]
        case, offsets, ids = self.case, batch["tags.offsets"].tolist(), batch["tags.ids"]
        if "tags.negatives" in batch:
            self.drawn = a[batch["tags.negatives"]]
        histories = [a[ids[start:end]] for start, end in zip(offsets[:-1], offsets[1:])]
        tags = case.sequence_module.encode(self, f"{owner}sequences.tags", histories, a[batch["ids.a"]])
        numbers = [
            case.number_module.embed(self, case.number_name(owner, f"d{i}") if case.number else "", x)
            for i, x in enumerate(batch["dense"].split(1, 1))
        ]
        return [a[batch["ids.a"]], b[batch["ids.b"]], tags, *numbers]

    def equal_fields(self, batch, owner):
        """The features at one dimension, a's: the others through a projection without bias."""
        values = self.fields(batch, owner)
        names = ["a", "b", "tags", "d0", "d1"]
        same = {"a", "tags"} | ({"b"} if self.case.dims["a"] == self.case.dims["b"] else set())
        return [
            x if name in same else x @ self.p[f"{owner}fields.{name}.weight"] for name, x in zip(names, values)
        ]

    def input(self, batch, owner, tasks):
        """What a block reads: the features after the interaction, which may add to the logits of `tasks`."""
        x = torch.cat(self.fields(batch, owner), 1)
        value, logits = self.case.interaction_module.interact(self, batch, owner, x, tasks)
        for task, logit in logits.items():
            self.added[task] = self.added.get(task, 0.0) + logit
        output = self.case.interact.get("output", "widen")
        if value is None:
            return x
        if output == "replace":
            return value
        if output == "logit":
            for task in tasks:
                logit = value @ self.p[f"{owner}interaction.{task}.weight"]
                self.added[task] = self.added.get(task, 0.0) + logit
            return x
        return torch.cat([x, value], 1)

    def normalise(self, x, name, eps, training, scale=None, shift=None):
        mean, variance = self.statistics[f"{name}.mean"], self.statistics[f"{name}.variance"]
        if training:
            # A column that hardly varies is divided by next to nothing: count it as a kink below 0.02.
            self.kinks.append(x.detach().std(0, unbiased=False).min().item() * 5e-4)
        return F.batch_norm(x, mean, variance, scale, shift, training, 0.1, eps)

    def relu(self, x):
        # What is exactly 0 here (a product with zeros) is so in any precision, and its gradient 0 by convention.
        distance = x.detach().abs()
        self.kinks.append(torch.where(distance > 0, distance, torch.inf).min().item())
        return torch.relu(x)

    def activate(self, x, name, training):
        return self.activation(self.case.activation, x, name, training)

    def activation(self, kind, x, name, training):
        if kind == "sigmoid":
            return torch.sigmoid(x)
        if kind == "dice":
            alpha = self.p[f"{name}.dice.alpha"]
            p = torch.sigmoid(self.normalise(x, f"{name}.dice", 1e-8, training))
            return p * x + (1 - p) * alpha * x
        self.kinks.append(x.detach().abs().min().item())
        if kind == "prelu":
            return torch.where(x > 0, x, self.p[f"{name}.prelu.alpha"] * x)
        return torch.relu(x)

    def mlp(self, x, prefix, count, training):
        for i in range(count):
            x = self.layer(x, f"{prefix}.{i}", training)
        return x

    def layer(self, x, name, training):
        """A hidden layer: linear, then norm and activation in the case's order."""

        def norm(x):
            if not self.case.batch_norm:
                return x
            affine = self.p[f"{name}.norm.scale"], self.p[f"{name}.norm.shift"]
            return self.normalise(x, f"{name}.norm", 1e-5, training, *affine)

        x = x @ self.p[f"{name}.weight"] + self.p[f"{name}.bias"]
        if self.case.layer_order == "norm_activation_dropout":
            return self.activate(norm(x), name, training)
        return norm(self.activate(x, name, training))

    def gate(self, x, prefix, training, experts=None):
        """The weights of `experts` experts, by default the case's."""
        return gates.weights(self, x, prefix, training, experts or self.case.experts)

    def tower(self, x, owner, task, training):
        """A task's logit or prediction `[B, 1]`, with what the interaction added."""
        name = f"{owner}towers.{task}"
        return self.logit(self.mlp(x, name, len(self.case.tower_units), training), name, task)

    def logit(self, hidden, name, task):
        return hidden @ self.p[f"{name}.out.weight"] + self.p[f"{name}.out.bias"] + self.added.pop(task, 0.0)

    def logits(self, batch, training):
        """The tasks' outputs side by side: a binary task's logit, a class's each, a regression task's prediction. What a
        block minimises besides, it leaves in `extra` (training only)."""
        self.added, self.extra = {}, torch.zeros((), dtype=torch.float64)
        self.training = training
        outputs = self.case.module.tasks(self, batch, training)
        return torch.cat([outputs[task] for task in self.case.names], 1)

    def data_loss(self, logits, labels, weights=None):
        """Without weights every row weighs 1."""
        weights = torch.ones_like(labels) if weights is None else weights
        total = self.extra
        for t, (task, kind, weight) in enumerate(self.case.tasks):
            labelled = ~torch.isnan(labels[:, t])
            values, label = logits[labelled, self.case.columns(task)], labels[labelled, t]
            value = values[:, 0]
            row_weights = weights[labelled, t]
            if kind == "binary":
                losses = F.binary_cross_entropy_with_logits(value, label, reduction="none")
            elif kind == "multi_class":
                losses = F.cross_entropy(values, label.long(), reduction="none")
            else:
                losses = F.huber_loss(value, label, reduction="none", delta=1.0)
            count = labelled.sum().item()
            divisors = {"weight_sum": row_weights.sum().item(), "batch": len(labels), "count": count, "sum": 1}
            if count > 0:
                total = total + weight * (row_weights * losses).sum() / divisors[self.case.normaliser]
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
    """The distinct rows of a table that a batch looks up; `tags` shares `table.a`, as do the negatives drawn for it."""
    if table.endswith("table.a"):
        return torch.cat([batch["ids.a"], batch["tags.ids"], batch.get("tags.negatives", batch["tags.ids"])]).unique()
    feature = table.rsplit(".", 1)[1]
    return batch["tags.ids" if feature == "tags" else f"ids.{feature}"].unique()
