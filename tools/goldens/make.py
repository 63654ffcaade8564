"""Writes the golden files that the Rust networks are checked against. See README.md."""

import argparse
import json
import pathlib
import zlib

import numpy as np
import torch
from safetensors.torch import save_file

from noise import NEGATIVES, bits
from optimizers import Adagrad, Adam, check_against_torch
from twin import Case, DENSE, Network, TABLE_ROWS, draw_parameters, draw_statistics, layers, touched

ROWS, BATCHES = 12, 11
BLOCKS = ["single", "shared_bottom", "omoe", "mmoe"]
DEEPCTR = dict(
    preset="deepctr",
    dims={"a": 4, "b": 4},
    gate_units=(4,),
    l2=0.0,
    l2_embedding=1e-5,
    embedding_penalty="table",
    normaliser="sum",
    missing=0.0,
)
INTERACTIONS = [
    Case("mmoe_wide", "mmoe", interaction="wide"),
    Case("mmoe_fm", "mmoe", interaction="fm"),
    Case("single_fm", "single", interaction="fm", l2_embedding=1e-4),
    Case("mmoe_dcn", "mmoe", interaction="dcn", interact=dict(layers=3)),
    Case("mmoe_dcn_v2", "mmoe", interaction="dcn_v2", interact=dict(layers=3)),
    Case(
        "shared_bottom_dcn_v2_mixture",
        "shared_bottom",
        interaction="dcn_v2",
        interact=dict(layers=2, rank=3, experts=2, output="replace"),
    ),
    Case(
        "shared_bottom_dcn_v2_low_rank",
        "shared_bottom",
        interaction="dcn_v2",
        interact=dict(layers=2, rank=4, nonlinearity="none", output="logit"),
    ),
    Case("mmoe_pnn", "mmoe", interaction="pnn"),
    Case(
        "shared_bottom_pnn_both",
        "shared_bottom",
        interaction="pnn",
        interact=dict(product="both", self_products=False),
    ),
    Case("mmoe_dlrm", "mmoe", interaction="dlrm", interact=dict(units=(6,))),
    Case(
        "shared_bottom_dlrm_replace",
        "shared_bottom",
        interaction="dlrm",
        interact=dict(units=(), self_products=True, output="replace"),
    ),
    Case("mmoe_masknet", "mmoe", interaction="masknet", interact=dict(blocks=2, units=6, reduction=0.5)),
    Case(
        "shared_bottom_masknet_serial",
        "shared_bottom",
        interaction="masknet",
        interact=dict(arrangement="serial", blocks=2, units=6, output="logit"),
    ),
    Case("mmoe_fibinet", "mmoe", interaction="fibinet"),
    Case(
        "shared_bottom_fibinet_each",
        "shared_bottom",
        interaction="fibinet",
        interact=dict(bilinear="each", reduction=1),
    ),
    Case(
        "shared_bottom_fibinet_all",
        "shared_bottom",
        interaction="fibinet",
        interact=dict(bilinear="all", reduction=2, output="replace"),
    ),
    Case("mmoe_autoint", "mmoe", interaction="autoint", interact=dict(layers=2, heads=2, head_dim=3)),
    Case("shared_bottom_xdeepfm", "shared_bottom", interaction="xdeepfm", interact=dict(units=(6, 4))),
    Case("single_xdeepfm", "single", interaction="xdeepfm", interact=dict(units=(5, 3), output="logit")),
]
UNITS = {"units": (8, 6)}
CHAIN = (("finish", "binary", 1.0), ("like", "binary", 1.0), ("share", "binary", 0.5))
# Blocks whose tasks depend on each other, or that blend and gate their tasks' networks.
CHAINS = [
    Case("esmm_default", "esmm", options=UNITS),
    Case("esmm_three_tasks", "esmm", options=UNITS, tasks=CHAIN),
    Case("aitm_default", "aitm", options=UNITS),
    Case(
        "aitm_three_tasks",
        "aitm",
        options={**UNITS, "transfer_units": (5,), "calibrator": 1.5},
        tasks=CHAIN,
        batch_norm=True,
    ),
    Case("cross_stitch_default", "cross_stitch", options=UNITS),
    Case("cross_stitch_three_tasks", "cross_stitch", options=UNITS, tasks=CHAIN),
    Case("snr_trans_default", "snr_trans", options=UNITS),
    Case(
        "snr_trans_one_level",
        "snr_trans",
        options={**UNITS, "levels": 1, "subnetworks": 3, "l0": 0.05, "beta": 0.7, "gamma": -0.4, "zeta": 1.3},
        tasks=CHAIN,
    ),
    Case("escm2_default", "escm2", options=UNITS),
    Case(
        "escm2_ips",
        "escm2",
        options={**UNITS, "method": "ips", "counterfactual_weight": 0.7, "propensity_floor": 0.4},
    ),
    Case("escm2_propensity_gradient", "escm2", options={**UNITS, "propensity_gradient": True}),
    Case("pepnet_default", "pepnet", options={**UNITS, "domain": ("b",), "personal": ("a", "d0")}),
    Case("pepnet_personal", "pepnet", options={**UNITS, "personal": ("tags", "b"), "gate_units": 4}),
]
THREE = (("finish", "binary", 1.0), ("like", "binary", 1.0), ("share", "regression", 0.5))


def experts(name, block, own=None, **fields):
    """A case of a block with experts: its own options, and the units that all such blocks have."""
    units = {"expert_units": fields.get("units", Case.units), "gate_units": fields.get("gate_units", Case.gate_units)}
    return Case(name, block, options={**(own or {}), **units}, **fields)


GATED = [
    experts("mmoe_levels", "mmoe", {"experts": 3, "levels": 3}),
    experts("mmoe_top_k", "mmoe", {"experts": 4, "gate": "top_k", "gate_k": 2}, experts=4),
    experts(
        "mmoe_top_k_quiet",
        "mmoe",
        {"experts": 4, "gate": "top_k", "gate_k": 3, "gate_noisy": False, "gate_bias": True, "gate_temperature": 0.5},
        experts=4,
        gate_units=(4,),
    ),
    experts(
        "mmoe_dselect_k",
        "mmoe",
        {"experts": 4, "gate": "dselect_k", "gate_k": 2, "gate_step": 6.0, "gate_entropy": 0.3},
        experts=4,
    ),
    experts("cgc_default", "cgc"),
    experts(
        "cgc_unequal",
        "cgc",
        {"task_experts": [2, 1, 3], "shared_experts": 4, "gate_bias": True, "gate_temperature": 2.0},
        gate_units=(4,),
        tasks=THREE,
    ),
    experts(
        "cgc_dselect_k",
        "cgc",
        {"task_experts": 2, "gate": "dselect_k", "gate_k": 3, "gate_bias": True, "gate_step": 8.0},
        normaliser="batch",
    ),
    experts("ple_default", "ple"),
    experts(
        "ple_unequal",
        "ple",
        {"levels": 3, "task_experts": [1, 2, 1, 2, 1, 1, 1, 1, 3], "shared_experts": [2, 1, 3]},
        units=(6,),
        tasks=THREE,
    ),
    experts(
        "ple_by_level",
        "ple",
        {"task_experts": [1, 2], "gate_input": "input", "expert_last_activation": False},
        gate_units=(4,),
    ),
    experts("adatt_default", "adatt"),
    experts(
        "adatt_shared",
        "adatt",
        {"levels": 3, "task_experts": [2, 1, 3], "shared_experts": 2, "gate_bias": True},
        units=(6,),
        tasks=THREE,
    ),
    experts("adatt_single", "adatt", {"task_experts": 1, "shared_experts": 1}, gate_units=(4,)),
    experts("adatt_plain", "adatt", {"levels": 1, "residual": False}),
    experts("stem_default", "stem"),
    experts(
        "stem_levels",
        "stem",
        {"levels": 2, "task_experts": [2, 1, 1], "shared_experts": 2},
        units=(6,),
        gate_units=(4,),
        tasks=THREE,
    ),
    experts("home_default", "home"),
    experts(
        "home_groups",
        "home",
        {
            "groups": [7, 3, 7],
            "task_experts": [2, 1, 3],
            "group_experts": 2,
            "shared_experts": 3,
            "feature_gates": 1,
            "feature_gate_rank": 3,
            "gate_bias": True,
            "gate_temperature": 2.0,
        },
        units=(6,),
        gate_units=(4,),
        tasks=THREE,
    ),
    experts("home_ungated", "home", {"groups": [1, 2], "feature_gates": 0, "shared_experts": 2}, units=(6,)),
    experts("ple_top_k", "ple", {"task_experts": [2], "gate": "top_k", "gate_k": 2}, normaliser="sum"),
]
HISTORY = {"max_length": 5}
# Encoders of the history `tags`, whose candidate is `a`, and embeddings of the numbers, all below shared-bottom.
SEQUENCES = [
    Case(f"sequence_{name}", "shared_bottom", sequence={"combiner": combiner, **HISTORY, **own}, **fields)
    for name, combiner, own, fields in [
        ("din", "din", {}, {}),
        ("din_softmax", "din", {"units": (6, 5), "activation": "prelu", "softmax": True}, {}),
        ("dien", "dien", {}, {}),
        ("dien_agru", "dien", {"evolution": "agru", "auxiliary": 0.5}, dict(normaliser="sum")),
        ("dien_aigru", "dien", {"evolution": "aigru"}, {}),
        ("dien_gru", "dien", {"evolution": "gru"}, {}),
        ("bst", "bst", {"dropout": 0.0}, dict(dims={"a": 8, "b": 2})),
        ("bst_blocks", "bst", {"heads": 2, "blocks": 2, "widening": 3, "dropout": 0.0}, {}),
    ]
]
NUMBERS = [
    Case(f"number_{name}", "shared_bottom", number=number)
    for name, number in [
        ("linear", {"type": "linear"}),
        ("linear_shared", {"type": "linear", "dim": 5, "relu": True, "shared": True}),
        ("periodic", {"type": "periodic"}),
        ("periodic_shared", {"type": "periodic", "dim": 5, "frequencies": 3, "relu": False, "shared": True}),
        ("autodis", {"type": "autodis"}),
        ("autodis_shared", {"type": "autodis", "buckets": 6, "skip": 0.7, "temperature": 0.3, "shared": True}),
    ]
]
# Tasks with several classes.
GRADES = (("finish", "binary", 1.0), ("like", "multi_class", 0.5), ("share", "regression", 0.5))
CLASSES = [
    Case("mmoe_classes", "mmoe", tasks=GRADES, classes={"like": 4}),
    Case(
        "shared_bottom_classes_wide",
        "shared_bottom",
        tasks=(("finish", "multi_class", 1.0), ("like", "multi_class", 2.0)),
        classes={"finish": 2, "like": 3},
        interaction="wide",
        normaliser="batch",
    ),
    Case(
        "single_classes_dcn",
        "single",
        tasks=GRADES,
        classes={"like": 3},
        interaction="dcn",
        interact=dict(layers=2, output="logit"),
        normaliser="sum",
    ),
]
CASES = [
    *GATED,
    *SEQUENCES,
    *NUMBERS,
    *(Case(f"{block}_default", block) for block in BLOCKS),
    *(Case(f"{block}_deepctr", block, **DEEPCTR) for block in BLOCKS),
    *CHAINS,
    Case("mmoe_batch_norm", "mmoe", batch_norm=True, activation="dice", gate_units=(4,)),
    Case(
        "mmoe_prelu_merlin",
        "mmoe",
        preset="merlin",
        batch_norm=True,
        activation="prelu",
        gate_units=(4,),
        layer_order="activation_dropout_norm",
        normaliser="batch",
    ),
    Case(
        "shared_bottom_regression",
        "shared_bottom",
        tasks=(("finish", "binary", 2.0), ("like", "regression", 0.5)),
        missing=0.3,
    ),
    *INTERACTIONS,
    *CLASSES,
    *(
        Case(
            f"shared_bottom_weighted_{normaliser}",
            "shared_bottom",
            tasks=(("finish", "binary", 2.0), ("like", "regression", 0.5)),
            normaliser=normaliser,
            weighted=True,
        )
        for normaliser in ["weight_sum", "count", "batch", "sum"]
    ),
]

# Negatives are no padding (row 0) and no missing value (row 1).
FIRST_NEGATIVE = 2

# In single precision a value this near a kink, or a gradient this near 0, could fall on the other side: Adagrad's first
# step and Adam's have the full learning rate's size whatever the gradient's, with its sign.
SAFE_KINK = 1e-5
SAFE_GRADIENT = 1e-6


def draw_batch(case, rng, number):
    """One batch: each looks up about half of a table's rows, row 0 (padding) never; some tags are empty."""
    some_a = rng.choice(np.arange(1, TABLE_ROWS["a"]), 6, replace=False)
    some_b = rng.choice(np.arange(1, TABLE_ROWS["b"]), 4, replace=False)
    lengths = rng.choice([0, 1, 2, 3, 5], ROWS)
    lengths[number % ROWS] = 0
    labels = np.empty((ROWS, len(case.tasks)))
    for t, (task, kind, _) in enumerate(case.tasks):
        classes = case.classes.get(task, 2)
        labels[:, t] = rng.normal(0.0, 2.0, ROWS) if kind == "regression" else rng.integers(0, classes, ROWS)
        labels[rng.random(ROWS) < case.missing, t] = np.nan
    if number == 5 and case.missing > 0:
        labels[:, 1] = np.nan  # a whole batch without a task's label
    batch = {
        "ids.a": torch.tensor(rng.choice(some_a, ROWS)),
        "ids.b": torch.tensor(rng.choice(some_b, ROWS)),
        "tags.offsets": torch.tensor(np.concatenate([[0], np.cumsum(lengths)])),
        "tags.ids": torch.tensor(rng.choice(some_a, lengths.sum())),
        "dense": torch.tensor(rng.normal(0.0, 1.0, (ROWS, DENSE))),
        "labels": torch.tensor(labels),
    }
    if case.sequence.get("combiner") == "dien":
        batch["tags.negatives"] = torch.tensor(draw_negatives(batch["tags.ids"].tolist(), number))
    if case.weighted:
        weights = rng.uniform(0.1, 3.0, labels.shape)
        weights[rng.random(labels.shape) < 0.1] = 0.0
        batch["weights"] = torch.tensor(weights)
    return batch


def draw_negatives(ids, step):
    """For each id another one, evenly from rows 2 to 10 of the table, as in training step `step`."""
    drawn = []
    for at, id in enumerate(ids):
        skip = id >= FIRST_NEGATIVE
        share = (bits(NEGATIVES, 0, step, at) >> 11) / (1 << 53)
        row = FIRST_NEGATIVE + int(share * (TABLE_ROWS["a"] - FIRST_NEGATIVE - skip))
        drawn.append(row + (skip and row >= id))
    return drawn


def gradients_of(network, batch):
    """(logits, loss, penalty) of a batch in training mode, and the gradient of loss + penalty by every parameter."""
    for w in network.p.values():
        w.requires_grad_().grad = None
    logits = network.logits(batch, training=True)
    loss, penalty = network.data_loss(logits, batch["labels"], batch.get("weights")), network.penalty(batch)
    (loss + penalty).backward()
    gradients = {name: torch.zeros_like(w) if w.grad is None else w.grad for name, w in network.p.items()}
    if network.case.batch_norm and network.case.layer_order == "norm_activation_dropout":
        # The norm takes the bias out again: its gradient is 0, and what differentiation leaves is rounding.
        for name, _, _, kind in layers(network.case):
            if kind == "hidden":
                assert gradients[f"{name}.bias"].abs().max() < 1e-12
                gradients[f"{name}.bias"].zero_()
    for w in network.p.values():
        w.requires_grad_(False)
    return (logits.detach(), loss.item(), penalty.item()), gradients


def rows_to_update(case, batch):
    """A penalty over whole tables gives every row a gradient; otherwise only the rows looked up have one."""
    return {t: touched(t, batch) for t in case.tables} if case.embedding_penalty == "batch" else {}


def make(case, seed):
    """All tensors of one case, or None where single precision could not follow it."""
    # By name, so that a new case leaves the others' files as they are.
    rng = np.random.default_rng([zlib.crc32(case.name.encode()), seed])
    start, batches = draw_parameters(case, rng), [draw_batch(case, rng, n) for n in range(BATCHES)]
    out, safe = {}, True
    for name, w in start.items():
        out[f"w.{name}"] = w
    for n, batch in enumerate(batches):
        for name, values in batch.items():
            out[f"batch{n}.{name}"] = values.double()

    for optimizer in (Adagrad, Adam):
        parameters = {name: w.clone() for name, w in start.items()}
        network = Network(case, parameters, draw_statistics(case))
        rule = optimizer(parameters)
        fresh = {name: torch.ones_like(w, dtype=torch.bool) for name, w in parameters.items()}
        for n, batch in enumerate(batches[:-1]):
            network.step = n
            (logits, loss, penalty), gradients = gradients_of(network, batch)
            if n == 0:
                for task in case.names:
                    out[f"logits.{task}"] = outputs_of(case, task, logits)
                out["loss"], out["data_loss"] = scalar(loss + penalty), scalar(loss)
                for name, g in gradients.items():
                    out[f"g.{name}"] = g.clone()
                for name, values in network.statistics.items():
                    out[f"stats1.{name}"] = values.clone()
                inference = Network(case, start, network.statistics).logits(batches[1], training=False)
                for task in case.names:
                    out[f"infer.{task}"] = outputs_of(case, task, inference)
            for name, g in gradients.items():
                first = fresh[name] & (g != 0)
                if name in case.tables:
                    # Elsewhere the gradient is the penalty's product alone: as exact in single precision.
                    looked_up = torch.zeros(len(g), 1, dtype=torch.bool)
                    looked_up[touched(name, batch)] = True
                    first &= looked_up
                safe &= not bool((g[first].abs() < SAFE_GRADIENT).any())
                fresh[name] &= ~first
            rule.step(parameters, gradients, rows_to_update(case, batch))
            if n == 0:
                for name, w in parameters.items():
                    out[f"{rule.name}1.{name}"] = w.clone()
        network.step = len(batches) - 1
        (_, loss, penalty), _ = gradients_of(network, batches[-1])
        out[f"loss10.{rule.name}"], out[f"data_loss10.{rule.name}"] = scalar(loss + penalty), scalar(loss)
        safe &= min(network.kinks, default=1.0) > SAFE_KINK
    return {name: values.detach().clone().contiguous() for name, values in out.items()} if safe else None


def outputs_of(case, task, logits):
    """A task's part of all outputs, `[rows]`, or `[rows, C]` for C classes."""
    part = logits[:, case.columns(task)]
    return part if task in case.classes else part[:, 0]


def scalar(value):
    return torch.tensor([value], dtype=torch.float64)


def config(case):
    """The case as a polyrank configuration. An identity encoder adds three rows (padding, missing, out of range)."""

    def array(values):
        return "[" + ", ".join(map(str, values)) + "]"

    def toml(value):
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(map(toml, value)) + "]"
        return {True: "true", False: "false"}[value] if isinstance(value, bool) else json.dumps(value)

    block = {"type": case.block}
    if case.options:
        block |= case.options
    elif case.block in ("single", "shared_bottom"):
        block["units"] = case.units
    else:
        block |= {"experts": case.experts, "expert_units": case.units, "gate_units": case.gate_units}
    interaction = {"type": case.interaction, **case.interact}
    block, interaction = (", ".join(f"{k} = {toml(v)}" for k, v in table.items()) for table in (block, interaction))
    lines = ["[data]", 'train = ["rows.csv"]', ""]
    for name, rows in TABLE_ROWS.items():
        encoder = f'{{ type = "identity", size = {rows - 3} }}'
        lines += ["[[features]]", f'name = "{name}"', 'kind = "categorical"', f"dim = {case.dims[name]}"]
        lines += [f"encoder = {encoder}", ""]
    lines += ["[[features]]", 'name = "tags"', 'kind = "categorical"']
    sequence = {"combiner": "mean"} | ({"target": "a", **case.sequence} if case.sequence else {})
    sequence = ", ".join(f"{k} = {toml(v)}" for k, v in sequence.items())
    lines += [f"list = {{ {sequence} }}", 'table = "a"', ""]
    lines += ["[[features]]", 'names = ["d0", "d1"]', 'kind = "dense"', 'encoder = { type = "none" }']
    if case.number:
        lines += ["embedding = { " + ", ".join(f"{k} = {toml(v)}" for k, v in case.number.items()) + " }"]
    lines += [""]
    for name, kind, weight in case.tasks:
        lines += ["[[tasks]]", f'name = "{name}"', f'kind = "{kind}"', f"weight = {weight}"]
        own = {"regression": ['loss = "huber"', "delta = 1.0"], "multi_class": [f"classes = {case.outputs(name)}"]}
        lines += [*own.get(kind, []), ""]
    lines += [
        "[model]",
        f'preset = "{case.preset}"',
        f"interaction = {{ {interaction} }}",
        f"multi_task = {{ {block} }}",
        f"towers = {{ units = {array(case.tower_units)} }}",
        f'activation = "{case.activation}"',
        f"batch_norm = {str(case.batch_norm).lower()}",
        f'layer_order = "{case.layer_order}"',
        "dropout = 0.0",
        f"l2 = {case.l2}",
        f"l2_embedding = {case.l2_embedding}",
        f'embedding_penalty = "{case.embedding_penalty}"',
        "",
        "[train]",
        f"batch_size = {ROWS}",
        f'normaliser = "{case.normaliser}"',
        'optimizer = { type = "adagrad", learning_rate = 0.01, initial_accumulator = 0.0 }',
    ]
    return "\n".join(lines) + "\n"


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "crates/polyrank-model/tests/goldens"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=default, help="folder of the golden files")
    parser.add_argument("--only", default="", help="make only the cases whose names contain this")
    arguments = parser.parse_args()
    folder = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    check_against_torch()
    for case in (case for case in CASES if arguments.only in case.name):
        seed, tensors = next((s, t) for s in range(1000) if (t := make(case, s)) is not None)
        path = folder / f"{case.name}.safetensors"
        save_file(tensors, path, metadata={"config": config(case)})
        print(f"{case.name}: seed {seed}, {len(tensors)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
