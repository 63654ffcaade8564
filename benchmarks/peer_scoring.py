"""Scoring throughput of ONNX Runtime on one thread: the network of peer_training.py, exported from PyTorch; prints candidates a
second.

usage: peer_scoring.py ROWS.parquet --candidates 200 --dim 16 [--seconds 3]

Ids lie encoded in memory before the clock starts, as with `polyrank bench predict`.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow.parquet as pq
import torch

from peer_training import DENSE, LABELS, MODELS, FusedMmoe


class Scores(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, ids, dense):
        return self.network.layers(self.network.embed(ids), dense)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("--model", choices=list(MODELS), default="seed")
    parser.add_argument("--dim", type=int, default=16)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    torch.manual_seed(0)
    table = pq.read_table(options.rows)
    names = [c for c in table.column_names if c not in [*LABELS, DENSE]]
    cards = [int(table[c].to_numpy().max()) + 1 for c in names]
    ids = np.stack([table[c].to_numpy() for c in names], 1)
    dense = (table[DENSE].to_numpy() / 300).astype(np.float32)[:, None]
    network = Scores(FusedMmoe(cards, options.dim, *MODELS[options.model])).eval()
    size = options.candidates
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        example = (torch.from_numpy(ids[:size]), torch.from_numpy(dense[:size]))
        torch.onnx.export(network, example, path, input_names=["ids", "dense"], output_names=["logits"], dynamo=False)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
        with torch.no_grad():
            expected = network(*example).numpy()
        got = session.run(None, {"ids": ids[:size], "dense": dense[:size]})[0]
        np.testing.assert_allclose(got, expected, atol=1e-4)
        requests = [(ids[i : i + size], dense[i : i + size]) for i in range(0, len(ids) - size, size)]
        for i, d in requests[:20]:
            session.run(None, {"ids": i, "dense": d})
        begin, done = time.perf_counter(), 0
        while time.perf_counter() - begin < options.seconds:
            i, d = requests[done % len(requests)]
            session.run(None, {"ids": i, "dense": d})
            done += 1
        print(round(done * size / (time.perf_counter() - begin)))


if __name__ == "__main__":
    main()
