//! Shared-bottom, OMoE and MMoE on two regressions of correlation .5, .9 and 1 (Ma et al. 2018, Section 5, Figures 4
//! and 5).

use polyrank_data::synth::{Law, RegressionPair};

use super::statistics::Mean;
use super::trial::{Job, Outcome, Trial, jobs, results_of, run_all};
use super::{Claim, Curves, Interval, Intervals, Settings, Study, Table};
use crate::TrainError;

pub(super) const NAME: &str = "mmoe-synthetic";
pub(super) const DOC: &str = "shared-bottom, OMoE and MMoE on two tasks of correlation .5, .9 and 1 (Ma et al. 2018)";

const CORRELATIONS: [f64; 3] = [0.5, 0.9, 1.0];

/// The paper's networks: MoE layers of 8 experts with 16 units, a shared bottom of as many numbers (113 units).
const MODELS: [(&str, &str); 3] = [
    ("shared-bottom", "{ type = \"shared_bottom\", units = [113] }"),
    ("OMoE", "{ type = \"omoe\", experts = 8, expert_units = [16] }"),
    ("MMoE", "{ type = \"mmoe\", experts = 8, expert_units = [16] }"),
];

/// Final losses as read off Figure 4, by correlation and model.
const PAPER: [[f64; 3]; 3] = [[0.255, 0.145, 0.083], [0.222, 0.118, 0.081], [0.200, 0.078, 0.070]];

const STEPS: usize = 10_000;
const BATCH_ROWS: usize = 128;
/// Points of a curve; the last one is the final loss.
const POINTS: usize = 20;
const SEEDS: usize = 20;
const PAPER_SEEDS: usize = 200;
/// Of the paper's grid {1e-4, 1e-3, 1e-2}, of which it takes the best for each model.
const LEARNING_RATE: f64 = 0.001;

pub(super) fn run(settings: &Settings, progress: &(dyn Fn(String) + Sync)) -> Result<Study, TrainError> {
    let seeds = settings.seeds.unwrap_or(if settings.full { PAPER_SEEDS } else { SEEDS });
    let jobs = jobs(0..seeds as u64, &[0, 1, 2], MODELS.len());
    let job = |&(seed, correlation, model): &Job| {
        let law = Law::mmoe(CORRELATIONS[correlation]);
        let trial = Trial {
            block: MODELS[model].1.to_owned(),
            towers: "[8]",
            learning_rate: LEARNING_RATE,
            batch_rows: BATCH_ROWS,
            steps: STEPS,
            points: POINTS,
            seed,
        };
        trial.run(&RegressionPair::new(law, seed), law.inputs)
    };
    let outcomes = run_all(settings, progress, &jobs, job)?;
    let of = |correlation, model| results_of(&outcomes, &jobs, correlation, model);
    let finals = |correlation, model| -> Vec<f64> {
        of(correlation, model).iter().filter_map(|o| o.curve.last()).map(|l| (l[0] + l[1]) / 2.0).collect()
    };
    let mut study = Study {
        title: "MMoE on synthetic tasks (Ma et al. 2018, Figures 4 and 5)".to_owned(),
        notes: notes(seeds, settings.full),
        ..Study::default()
    };
    let mut rows = Vec::new();
    for (c, correlation) in CORRELATIONS.iter().enumerate() {
        let mut bars = Vec::new();
        for (m, (name, _)) in MODELS.iter().enumerate() {
            let (values, paper) = (finals(c, m), PAPER[c][m]);
            let mean = Mean::of(&values);
            rows.push(vec![
                format!("{correlation}"),
                (*name).to_owned(),
                of(c, m).first().map_or(String::new(), |o| o.parameters.to_string()),
                mean.text(4),
                spread(&values),
                format!("{paper:.3}"),
            ]);
            bars.push(Interval { name: (*name).to_owned(), mean: mean.mean, half: mean.half, paper: Some(paper) });
        }
        study.intervals.push(Intervals { caption: format!("final loss at correlation {correlation}"), bars });
        let line = |(m, (name, _)): (usize, &(&str, &str))| ((*name).to_owned(), mean_curve(&of(c, m)));
        let lines = MODELS.iter().enumerate().map(line).collect();
        study.curves.push(Curves { caption: format!("loss at correlation {correlation}"), lines });
    }
    let header = ["correlation", "model", "numbers", "final loss", "quartiles over seeds", "paper (read off Figure 4)"];
    study.tables.push(Table {
        caption: "final loss: mean of both tasks, labels of variance 1".to_owned(),
        header: header.map(str::to_owned).to_vec(),
        rows,
    });
    study.claims = claims(&finals);
    Ok(study)
}

fn notes(seeds: usize, full: bool) -> Vec<String> {
    vec![
        format!("{seeds} seeds, each with its own tasks, rows and initial weights{}", if full { "" } else { " (the paper: 200; --full)" }),
        format!("{STEPS} steps of {BATCH_ROWS} rows never seen before, Adam at {LEARNING_RATE} for every model (the paper: the best of three rates for each); a loss is one before its step"),
        "the paper leaves open the sines, the batch size and whether labels are scaled: here 4 sines of frequencies ±5.4 and \
         ±19.5 on weights of length 0.35, so that labels correlate as in its Figure 2, and labels of variance 1"
            .to_owned(),
    ]
}

/// Mean over seeds and tasks, point by point.
fn mean_curve(outcomes: &[&Outcome]) -> Vec<f64> {
    let at = |point: usize| outcomes.iter().map(|o| (o.curve[point][0] + o.curve[point][1]) / 2.0).sum::<f64>();
    (0..POINTS).map(|point| at(point) / outcomes.len().max(1) as f64).collect()
}

fn spread(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
    format!("{:.3} to {:.3}", at(0.25), at(0.75))
}

fn claims(finals: &dyn Fn(usize, usize) -> Vec<f64>) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut below = |c: usize, a: usize, b: usize| {
        let difference = Mean::of_differences(&finals(c, a), &finals(c, b));
        claims.push(Claim {
            text: format!("{} below {} at correlation {}", MODELS[a].0, MODELS[b].0, CORRELATIONS[c]),
            evidence: format!("difference {}", difference.text(4)),
            holds: difference.below_zero(),
        });
    };
    for c in 0..2 {
        below(c, 2, 1);
        below(c, 1, 0);
    }
    let (mmoe, omoe) = (finals(2, 2), finals(2, 1));
    let (difference, scale) = (Mean::of_differences(&mmoe, &omoe), Mean::of(&omoe).mean);
    claims.push(Claim {
        text: "MMoE and OMoE alike at correlation 1: within a tenth of the loss".to_owned(),
        evidence: format!("difference {}", difference.text(4)),
        holds: difference.mean.abs() < 0.1 * scale,
    });
    let gap = |model: usize| Mean::of_differences(&finals(0, model), &finals(2, model)).mean;
    claims.push(Claim {
        text: "the gap between correlations .5 and 1 is smallest for MMoE".to_owned(),
        evidence: format!("shared-bottom {:.4}, OMoE {:.4}, MMoE {:.4}", gap(0), gap(1), gap(2)),
        holds: gap(2) < gap(0) && gap(2) < gap(1),
    });
    claims
}
