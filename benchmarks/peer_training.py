"""Training throughput of a peer on rows from make_rows.py; prints samples per second.

usage: peer_training.py ROWS.parquet --peer deepctr|torch --model seed|deeprec --dim 4 --batch 4096 [--steps 40]
                        [--bf16] [--compile]

deepctr  DeepCTR-Torch 0.3.0's own MMOE and its own training step (summed loss, whole-table L2, Adagrad), without its data
         loader and its per-batch metrics, which make it slower still
torch    the strongest PyTorch that we could write: experts and gates fused, batched products, sparse embedding gradients,
         Adagrad over all parameters at once; --bf16 is its autocast to bfloat16, --compile its compiler

Rows are used as they stand (ids are integers from 0) and lie in memory before the clock starts, as with
`polyrank bench train`.
"""

import argparse
import time

import numpy as np
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from torch import nn

LABELS, DENSE = ["finish", "like"], "duration_time"
MODELS = {"seed": (3, (256, 128), 64, (64,)), "deeprec": (4, (256, 192, 128, 64), 0, (256, 192, 128, 64))}


class FusedMmoe(nn.Module):
    """MMoE whose experts' and gates' first layers are one product, and whose later layers are batched ones."""

    def __init__(self, cards, dim, experts, expert_units, gate_units, tower_units, tasks=2):
        super().__init__()
        self.experts, self.tasks, self.first = experts, tasks, expert_units[0]
        self.register_buffer("offsets", torch.tensor(np.cumsum([0] + cards[:-1])))
        self.table = nn.Embedding(sum(cards), dim, sparse=True)
        nn.init.normal_(self.table.weight, std=1e-4)
        inputs = len(cards) * dim + 1
        self.wide = nn.Linear(inputs, experts * expert_units[0] + tasks * (gate_units or experts))

        def weight(*shape):
            return nn.Parameter(torch.randn(*shape) * shape[-2] ** -0.5)

        pairs = list(zip(expert_units, expert_units[1:]))
        self.expert_w = nn.ParameterList([weight(experts, a, b) for a, b in pairs])
        self.expert_b = nn.ParameterList([nn.Parameter(torch.zeros(experts, 1, b)) for _, b in pairs])
        self.gate_w = weight(tasks, gate_units, experts) if gate_units else None
        sizes = (expert_units[-1], *tower_units, 1)
        self.tower_w = nn.ParameterList([weight(tasks, a, b) for a, b in zip(sizes, sizes[1:])])
        self.tower_b = nn.ParameterList([nn.Parameter(torch.zeros(tasks, 1, b)) for b in sizes[1:]])

    def embed(self, ids):
        return self.table(ids + self.offsets)

    def layers(self, embedded, dense):
        rows = dense.shape[0]
        wide = self.wide(torch.cat([embedded.flatten(1), dense], 1))
        cut = self.experts * self.first
        h = F.relu(wide[:, :cut]).view(rows, self.experts, -1).transpose(0, 1)
        gate = wide[:, cut:].view(rows, self.tasks, -1).transpose(0, 1)
        if self.gate_w is not None:
            gate = torch.bmm(F.relu(gate), self.gate_w)
        gate = torch.softmax(gate, -1)
        for w, b in zip(self.expert_w, self.expert_b):
            h = F.relu(torch.baddbmm(b, h, w))
        t = torch.einsum("tbe,ebd->tbd", gate, h)
        for i, (w, b) in enumerate(zip(self.tower_w, self.tower_b)):
            t = torch.baddbmm(b, t, w)
            t = F.relu(t) if i + 1 < len(self.tower_w) else t
        return t.squeeze(-1).T


def fused(cards, options, ids, dense, labels):
    model = FusedMmoe(cards, options.dim, *MODELS[options.model])
    layers = [p for name, p in model.named_parameters() if name != "table.weight"]
    optimizers = [
        torch.optim.Adagrad(layers, lr=0.01, foreach=True),
        torch.optim.Adagrad([model.table.weight], lr=0.01),
    ]
    ids = torch.from_numpy(ids)
    run = torch.compile(model.layers, dynamic=False) if options.compile else model.layers

    def step(rows):
        embedded = model.embed(ids[rows])
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            logits = run(embedded, dense[rows])
        loss = F.binary_cross_entropy_with_logits(logits.float(), labels[rows])
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    return step


def deepctr(cards, options, ids, dense, labels):
    from deepctr_torch.inputs import DenseFeat, SparseFeat
    from deepctr_torch.models import MMOE

    experts, expert_units, gate_units, tower_units = MODELS[options.model]
    columns = [SparseFeat(f"f{i}", vocabulary_size=v, embedding_dim=options.dim) for i, v in enumerate(cards)]
    model = MMOE(
        [*columns, DenseFeat(DENSE, 1)],
        num_experts=experts,
        expert_dnn_hidden_units=expert_units,
        gate_dnn_hidden_units=(gate_units,) if gate_units else (),
        tower_dnn_hidden_units=tower_units,
        l2_reg_embedding=1e-5,
        task_types=["binary"] * 2,
        task_names=LABELS,
        device="cpu",
    )
    model.compile("adagrad", loss=["binary_crossentropy"] * 2, metrics=[])
    model.train()
    x = torch.tensor(np.concatenate([ids.astype(np.float64), dense.numpy()], 1))

    def step(rows):
        scores = model(x[rows].float())
        model.optim.zero_grad()
        losses = [F.binary_cross_entropy(scores[:, k], labels[rows][:, k], reduction="sum") for k in range(2)]
        (sum(losses) + model.get_regularization_loss()).backward()
        model.optim.step()

    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("--peer", choices=["deepctr", "torch"], default="torch")
    parser.add_argument("--model", choices=list(MODELS), default="seed")
    parser.add_argument("--dim", type=int, default=4)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(0)
    table = pq.read_table(options.rows)
    names = [c for c in table.column_names if c not in [*LABELS, DENSE]]
    rows = min(table.num_rows, options.batch * options.steps)
    steps = rows // options.batch
    cards = [int(table[c].to_numpy().max()) + 1 for c in names]
    ids = np.stack([table[c].to_numpy()[:rows] for c in names], 1)
    dense = torch.tensor(table[DENSE].to_numpy()[:rows] / 300, dtype=torch.float32)[:, None]
    labels = torch.tensor(np.stack([table[c].to_numpy()[:rows] for c in LABELS], 1), dtype=torch.float32)
    step = {"torch": fused, "deepctr": deepctr}[options.peer](cards, options, ids, dense, labels)
    warm = min(3, steps - 1)
    for k in range(steps):
        if k == warm:
            begin = time.perf_counter()
        step(slice(k * options.batch, (k + 1) * options.batch))
    print(round(options.batch * (steps - warm) / (time.perf_counter() - begin)))


if __name__ == "__main__":
    main()
