"""Training throughput of every multi-task block and interaction beside MMoE's: time a row over what its FLOPs take at MMoE's
rate and its other bytes at the speed of copying."""

import statistics

from common import spread, table

MMOE = '{ type = "mmoe", experts = 3, expert_units = [256, 128], gate_units = [64] }'
EXPERTS = "shared_experts = 1, task_experts = 1, expert_units = [256, 128]"
MULTI_TASK = [
    '{ type = "single" }',
    '{ type = "shared_bottom", units = [512, 256] }',
    '{ type = "omoe", experts = 3, expert_units = [256, 128] }',
    f'{{ type = "cgc", {EXPERTS} }}',
    f'{{ type = "ple", levels = 2, {EXPERTS} }}',
    '{ type = "cross_stitch" }',
    '{ type = "snr_trans" }',
    '{ type = "esmm" }',
    '{ type = "aitm" }',
    '{ type = "escm2" }',
    '{ type = "pepnet", personal = ["uid"] }',
    '{ type = "adatt" }',
    '{ type = "stem" }',
    '{ type = "home" }',
]
INTERACTIONS = ["wide", "fm", "dcn", "dcn_v2", "pnn", "autoint", "fibinet", "xdeepfm", "dlrm", "masknet"]


def report(bench):
    blocks = [(block.split('"')[1], f"model.multi_task={block}") for block in MULTI_TASK]
    blocks += [(f"{name}, MMoE", f'model.interaction={{ type = "{name}" }}') for name in INTERACTIONS]
    rows, (_, copying) = [], bench.peak()
    for name, key in blocks:
        row = [name, *[cell for precision in ["fp32", "bf16"] for cell in slower(bench, key, precision, copying)]]
        print(*row, sep=" | ", flush=True)
        rows.append(row)
    text = (
        "Training at batch 4096, dimension 16: time a row over the time that the block's operations would take at the GFLOP/s of "
        "MMoE's training, and what else than products it reads and writes beyond MMoE's at the speed of copying: within a core's "
        f"cache ({copying['cache']:.0f} GB/s on both cores), with batch norm, which needs the whole batch's values, in memory "
        f"({copying['memory']:.0f} GB/s). At most 1.5× wanted. *Operations alone* leaves the bytes out: 1× means as close to the "
        "processor's peak as MMoE."
    )
    header = [f"{precision}{what}" for precision in ["fp32", "bf16"] for what in [" (range)", ", operations alone"]]
    return "\n\n".join([text, table(["block", *header], rows)])


def slower(bench, key, precision, copying):
    sets = ["features.dim=16", "train.batch_size=4096", f'train.precision="{precision}"']
    ratios, alone = [], []
    for _ in range(bench.rounds):
        runs = [bench.bench("train", bench.rows("small"), "seed", [*sets, k], 1) for k in [f"model.multi_task={MMOE}", key]]
        (_, mmoe, mmoe_bytes, _), (rows, gflops, more_bytes, place) = runs
        seconds, products = 1 / rows, gflops / rows / mmoe
        others = max(more_bytes - mmoe_bytes, 0) * 1e3 / (copying[place] * 1e9)
        ratios.append(seconds / (products + others))
        alone.append(seconds / products)
    return spread(ratios), f"{statistics.median(alone):.2f}×"
