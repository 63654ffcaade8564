//! Hard sharing, MMoE and PLE against single-task networks on two regressions of correlation .2 to 1 (Tang et al. 2020,
//! Section 5.2, Figure 7): the gain of a multi-task model is the single-task network's mean squared error less its own.

use polyrank_data::synth::Law;

use super::statistics::Mean;
use super::trial::{Contender, Trial, jobs, results_of, run_all};
use super::{Claim, Interval, Intervals, Settings, Study, Table};
use crate::TrainError;

pub(super) const NAME: &str = "ple-synthetic";
pub(super) const DOC: &str = "hard sharing, MMoE and PLE against single-task networks (Tang et al. 2020)";

const CORRELATIONS: [f64; 5] = [0.2, 0.4, 0.5, 0.75, 1.0];
/// What a quick run keeps of them.
const QUICK: [usize; 3] = [0, 2, 4];

/// The paper's networks: layers of 256, 128 and 64 units, multi-expert models of two levels.
const MODELS: [(&str, &str); 4] = [
    ("single-task", "{ type = \"single\", units = [256, 128, 64] }"),
    ("hard sharing", "{ type = \"shared_bottom\", units = [256, 128, 64] }"),
    ("MMoE", "{ type = \"mmoe\", experts = 3, expert_units = [256, 128, 64] }"),
    ("PLE", "{ type = \"ple\", levels = 2, task_experts = [1], shared_experts = [1], expert_units = [256, 128, 64] }"),
];

/// Mean gains of task 1 and task 2 as read off Figure 7, over all correlations.
const PAPER: [[f64; 2]; 3] = [[0.0005, -0.0018], [0.0040, 0.0008], [0.0054, 0.0035]];

const BATCH_ROWS: usize = 256;
const ROWS: usize = 200_000;
const PAPER_ROWS: usize = 1_400_000;
const SEEDS: usize = 8;
const PAPER_SEEDS: usize = 10;
/// Points of a curve; the last one is the final error, on rows never seen before.
const POINTS: usize = 10;
const LEARNING_RATE: f64 = 0.001;

pub(super) fn run(settings: &Settings, progress: &(dyn Fn(String) + Sync)) -> Result<Study, TrainError> {
    let seeds = settings.seeds.unwrap_or(if settings.full { PAPER_SEEDS } else { SEEDS });
    let (rows, correlations) = if settings.full { (PAPER_ROWS, vec![0, 1, 2, 3, 4]) } else { (ROWS, QUICK.to_vec()) };
    let contenders = MODELS.map(|(_, block)| Contender { block, learning_rate: LEARNING_RATE });
    let cosines: Vec<f64> = correlations.iter().map(|&correlation| CORRELATIONS[correlation]).collect();
    let run = |&seed: &u64| {
        let steps = rows / BATCH_ROWS;
        let trial = Trial { towers: "[]", batch_rows: BATCH_ROWS, steps, warm_up: 0, points: POINTS, seed };
        trial.run(&contenders, Law::ple(cosines[0]), &cosines)
    };
    let seeds_run: Vec<u64> = (0..seeds as u64).collect();
    let outcomes = run_all(settings, progress, &seeds_run, run)?.concat();
    let jobs = jobs(0..seeds as u64, &correlations, MODELS.len());
    let of = |correlation, model| results_of(&outcomes, &jobs, correlation, model);
    // By seed: a task's final error with a model.
    let errors = |correlation: usize, model: usize, task: usize| -> Vec<f64> {
        of(correlation, model).iter().filter_map(|outcome| outcome.curve.last()).map(|losses| losses[task]).collect()
    };
    let gains = |correlation: usize, model: usize, task: usize| -> Vec<f64> {
        let pairs = errors(correlation, 0, task).into_iter().zip(errors(correlation, model, task));
        pairs.map(|(single, own)| single - own).collect()
    };
    let mut study = Study {
        title: "PLE on synthetic tasks (Tang et al. 2020, Figure 7)".to_owned(),
        notes: notes(seeds, rows, settings.full),
        ..Study::default()
    };
    let mut table = Vec::new();
    for &c in &correlations {
        for (m, (name, _)) in MODELS.iter().enumerate() {
            let mut cells = vec![format!("{}", CORRELATIONS[c]), (*name).to_owned()];
            cells.push(of(c, m).first().map_or(String::new(), |outcome| outcome.parameters.to_string()));
            for task in 0..2 {
                cells.push(if m == 0 {
                    format!("error {}", Mean::of(&errors(c, m, task)).text(4))
                } else {
                    Mean::of(&gains(c, m, task)).text(4)
                });
            }
            table.push(cells);
        }
    }
    study.tables.push(Table {
        caption: "gain over single-task: its mean squared error less the model's, labels of variance 1".to_owned(),
        header: ["correlation", "model", "numbers", "gain on task 1", "gain on task 2"].map(str::to_owned).to_vec(),
        rows: table,
    });
    let over_all =
        |model: usize, task: usize| -> Vec<f64> { correlations.iter().flat_map(|&c| gains(c, model, task)).collect() };
    for task in 0..2 {
        let bar = |(m, (name, _)): (usize, &(&str, &str))| {
            let mean = Mean::of(&over_all(m, task));
            Interval { name: (*name).to_owned(), mean: mean.mean, half: mean.half, paper: Some(PAPER[m - 1][task]) }
        };
        let bars: Vec<Interval> = MODELS.iter().enumerate().skip(1).map(bar).collect();
        study.intervals.push(Intervals { caption: format!("gain on task {}, all correlations", task + 1), bars });
    }
    study.claims = claims(&correlations, &gains, &over_all);
    Ok(study)
}

fn notes(seeds: usize, rows: usize, full: bool) -> Vec<String> {
    vec![
        format!(
            "{seeds} seeds, {rows} rows each, every row seen once{}",
            if full { "" } else { " (the paper: 1,400,000 rows, five correlations; --full)" }
        ),
        format!(
            "steps of {BATCH_ROWS} rows, Adam at {LEARNING_RATE}; an error is that of the last tenth, before its steps"
        ),
        "the paper leaves open batch size, optimizer and how labels are scaled; they have variance 1 here".to_owned(),
    ]
}

fn claims(
    correlations: &[usize],
    gains: &dyn Fn(usize, usize, usize) -> Vec<f64>,
    over_all: &dyn Fn(usize, usize) -> Vec<f64>,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    for &c in correlations {
        for task in 0..2 {
            let gain = Mean::of(&gains(c, 3, task));
            claims.push(Claim {
                text: format!("PLE gains on task {} at correlation {}", task + 1, CORRELATIONS[c]),
                evidence: format!("gain {}", gain.text(4)),
                holds: gain.mean - gain.half > 0.0,
            });
        }
    }
    for (model, name) in [(2, "MMoE"), (1, "hard sharing")] {
        let sums = |model: usize| -> Vec<f64> {
            over_all(model, 0).iter().zip(over_all(model, 1)).map(|(a, b)| a + b).collect()
        };
        let difference = Mean::of_differences(&sums(model), &sums(3));
        claims.push(Claim {
            text: format!("PLE gains more than {name}, over both tasks and all correlations"),
            evidence: format!("{:.4} ± {:.4} more", -difference.mean, difference.half),
            holds: difference.below_zero(),
        });
    }
    claims
}
