//! Shared-bottom, OMoE and MMoE on two regressions of correlation .5, .9 and 1 (Ma et al. 2018, Section 5, Figures 4
//! and 5).

use std::ops::Range;

use polyrank_data::synth::Law;

use super::statistics::Mean;
use super::trial::{Contender, Outcome, Trial, jobs, results_of, run_all};
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
/// Steps over which learning rates rise. Without, gates of some networks settle on an expert in the first steps, for good.
const WARM_UP: usize = 1_000;
/// Points of a curve; the last one is the final loss.
const POINTS: usize = 20;
const SEEDS: usize = 120;
const PAPER_SEEDS: usize = 200;

/// The paper's grid of learning rates, of which each model has its best.
const RATES: [f64; 3] = [1e-4, 1e-3, 1e-2];
/// Seeds that choose it, by the mean loss over their tasks at all correlations; no other run has one of them.
const CHOOSING: Range<u64> = 1_000_000..1_000_006;

pub(super) fn run(settings: &Settings, progress: &(dyn Fn(String) + Sync)) -> Result<Study, TrainError> {
    let seeds = settings.seeds.unwrap_or(if settings.full { PAPER_SEEDS } else { SEEDS });
    let rates = choose_rates(settings, progress)?;
    let contenders: Vec<Contender> = (0..MODELS.len()).map(|model| contender(model, rates[model].best)).collect();
    let outcomes = run_trials(settings, progress, 0..seeds as u64, &contenders)?;
    let jobs = jobs(0..seeds as u64, &[0, 1, 2], MODELS.len());
    let of = |correlation, model| results_of(&outcomes, &jobs, correlation, model);
    let finals =
        |correlation, model| -> Vec<f64> { of(correlation, model).into_iter().filter_map(final_loss).collect() };
    let mut study = Study {
        title: "MMoE on synthetic tasks (Ma et al. 2018, Figures 4 and 5)".to_owned(),
        notes: notes(seeds, settings.full, &rates),
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

/// A model's learning rate, and what each of the grid gave.
struct Rate {
    best: f64,
    /// Mean final loss by rate.
    losses: Vec<f64>,
}

/// Each model's best rate of the grid, on seeds that nothing else has.
fn choose_rates(settings: &Settings, progress: &(dyn Fn(String) + Sync)) -> Result<Vec<Rate>, TrainError> {
    let pairs = MODELS.len() * RATES.len();
    let contenders: Vec<Contender> =
        (0..pairs).map(|pair| contender(pair / RATES.len(), RATES[pair % RATES.len()])).collect();
    let progress = |done| progress(format!("learning rates: {done}"));
    let outcomes = run_trials(settings, &progress, CHOOSING, &contenders)?;
    let jobs = jobs(CHOOSING, &[0, 1, 2], pairs);
    let mean = |pair: usize| {
        let of_pair = outcomes.iter().zip(&jobs).filter(|(_, job)| job.2 == pair);
        let of_pair = of_pair.filter_map(|(outcome, _)| final_loss(outcome));
        Mean::of(&of_pair.collect::<Vec<f64>>()).mean
    };
    let rate = |model: usize| {
        let losses: Vec<f64> = (0..RATES.len()).map(|rate| mean(model * RATES.len() + rate)).collect();
        let best = RATES.iter().zip(&losses).min_by(|a, b| a.1.total_cmp(b.1)).map_or(RATES[0], |(rate, _)| *rate);
        Rate { best, losses }
    };
    Ok((0..MODELS.len()).map(rate).collect())
}

fn contender(model: usize, learning_rate: f64) -> Contender {
    Contender { block: MODELS[model].1, learning_rate }
}

/// Networks of a trial: so few that no core is left idle for long when the last trials run.
const AT_ONCE: usize = MODELS.len();

/// An outcome for each of the contenders' jobs.
fn run_trials(
    settings: &Settings,
    progress: &(dyn Fn(String) + Sync),
    seeds: Range<u64>,
    contenders: &[Contender],
) -> Result<Vec<Outcome>, TrainError> {
    let groups = || contenders.chunks(AT_ONCE);
    let trials: Vec<(u64, &[Contender])> = seeds.flat_map(|seed| groups().map(move |group| (seed, group))).collect();
    let run = |&(seed, group): &(u64, &[Contender])| {
        let trial =
            Trial { towers: "[8]", batch_rows: BATCH_ROWS, steps: STEPS, warm_up: WARM_UP, points: POINTS, seed };
        trial.run(group, Law::mmoe(CORRELATIONS[0]), &CORRELATIONS)
    };
    let outcomes = run_all(settings, progress, &trials, run)?;
    // A trial gives its group's outcomes correlation by correlation.
    let of_seed = |outcomes: &[Vec<Outcome>]| -> Vec<Outcome> {
        let at = |c: usize| {
            outcomes.iter().zip(groups()).flat_map(move |(all, group)| &all[c * group.len()..][..group.len()])
        };
        (0..CORRELATIONS.len()).flat_map(at).cloned().collect()
    };
    Ok(outcomes.chunks(groups().count()).flat_map(of_seed).collect())
}

/// Mean of both tasks over the last stretch of the curve.
fn final_loss(outcome: &Outcome) -> Option<f64> {
    outcome.curve.last().map(|losses| (losses[0] + losses[1]) / 2.0)
}

fn notes(seeds: usize, full: bool, rates: &[Rate]) -> Vec<String> {
    let chosen = MODELS.iter().zip(rates).map(|((name, _), rate)| {
        let losses: Vec<String> = rate.losses.iter().map(|loss| format!("{loss:.3}")).collect();
        format!("{name} {} ({})", rate.best, losses.join(", "))
    });
    let chosen = chosen.collect::<Vec<_>>().join("; ");
    vec![
        format!("{seeds} seeds, each with its own tasks, rows and initial weights{}", if full { "" } else { " (the paper: 200; --full)" }),
        format!(
            "{STEPS} steps of {BATCH_ROWS} rows never seen before, with Adam, whose rate rises over the first {WARM_UP}; a loss \
             is one before its step"
        ),
        format!("learning rates: of {RATES:?} the best for each model, as in the paper, by {} seeds of their own: {chosen}", CHOOSING.count()),
        "the paper leaves open the sines, the batch size, whether rates rise and whether labels are scaled: here 4 sines of frequencies ±5.4 and \
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
    let gap =
        |model: usize| -> Vec<f64> { finals(0, model).iter().zip(finals(2, model)).map(|(a, b)| a - b).collect() };
    for other in [1, 0] {
        let difference = Mean::of_differences(&gap(2), &gap(other));
        claims.push(Claim {
            text: format!("the gap between correlations .5 and 1 is smaller for MMoE than for {}", MODELS[other].0),
            evidence: format!(
                "{:.4} and {:.4}, difference {}",
                Mean::of(&gap(2)).mean,
                Mean::of(&gap(other)).mean,
                difference.text(4)
            ),
            holds: difference.below_zero(),
        });
    }
    claims
}
