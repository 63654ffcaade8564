"""Training throughput of every multi-task block and interaction beside MMoE's: time over what their FLOPs take at its rate."""

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
    rows = []
    for name, key in blocks:
        row = [name, *[slower(bench, key, precision) for precision in ["fp32", "bf16"]]]
        print(*row, sep=" | ", flush=True)
        rows.append(row)
    text = (
        "Training at batch 4096, dimension 16: time a row over the time that the block's products would take at the GFLOP/s of "
        "MMoE's training (1× means as close to the processor's peak as MMoE; what is not a product counts as time lost); at most "
        "1.5× wanted."
    )
    return "\n\n".join([text, table(["block", "fp32 (range)", "bf16 (range)"], rows)])


def slower(bench, key, precision):
    sets = ["features.dim=16", "train.batch_size=4096", f'train.precision="{precision}"']
    ratios = []
    for _ in range(bench.rounds):
        rates = [bench.bench("train", bench.rows("small"), "seed", [*sets, k], 1)[1] for k in [f"model.multi_task={MMOE}", key]]
        ratios.append(rates[0] / rates[1])
    return spread(ratios)
