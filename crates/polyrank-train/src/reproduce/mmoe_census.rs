//! All architectures at one size on the census of the MMoE paper, both groups of tasks (Ma et al. 2018, Section 6.2,
//! Tables 1 and 2).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use polyrank_model::matching::{layer_numbers, match_numbers};
use polyrank_model::{ModelError, Predictor, network_graph, registry};
use polyrank_schema::{Config, SetOverride};

use super::statistics::Mean;
use super::trial::{Job, jobs, results_of, run_all};
use super::{Claim, Interval, Intervals, Settings, Study, Table};
use crate::TrainError;
use crate::dataset::Dataset;
use crate::evaluate::evaluate;
use crate::run::{RunOptions, run as train};

pub(super) const NAME: &str = "mmoe-census";
pub(super) const DOC: &str = "architectures of equal size on the census, both groups (Ma et al. 2018); needs --data";

/// Features, tasks and settings of group 1.
const CONFIG: &str = include_str!("../../../../examples/census.toml");

/// A pair of tasks.
struct Group {
    name: &'static str,
    /// Name, column and positive values of the main task, and of the other.
    tasks: [(&'static str, &'static str, &'static str); 2],
    /// AUC of both tasks in the paper, by model: single-task, shared-bottom, OMoE, MMoE (means of 400 runs).
    paper: [[f64; 2]; 4],
}

const NEVER_MARRIED: (&str, &str, &str) = ("never_married", "marital_stat", "[\"Never married\"]");

const GROUPS: [Group; 2] = [
    Group {
        name: "income and never married",
        tasks: [("income", "income_50k", "[\"50000+.\"]"), NEVER_MARRIED],
        paper: [[0.9337, 0.9922], [0.9295, 0.9921], [0.9319, 0.9923], [0.9359, 0.9927]],
    },
    Group {
        name: "college and never married",
        // An associate degree or more: the reading under which the labels correlate as the paper says.
        tasks: [
            (
                "college",
                "education",
                "[\"Associates degree-occup /vocational\", \"Associates degree-academic program\", \
                 \"Bachelors degree(BA AB BS)\", \"Masters degree(MA MS MEng MEd MSW MBA)\", \
                 \"Prof school degree (MD DDS DVM LLB JD)\", \"Doctorate degree(PhD EdD)\"]",
            ),
            NEVER_MARRIED,
        ],
        paper: [[0.8792, 0.9922], [0.8813, 0.9917], [0.8813, 0.9912], [0.8826, 0.9924]],
    },
];

/// Architectures, and at which place of a group's figures the paper has them. MMoE's size is everyone's.
const MODELS: [(&str, &str, Option<usize>); 9] = [
    ("MMoE", "{ type = \"mmoe\", experts = 8, expert_units = [64, 32] }", Some(3)),
    ("OMoE", "{ type = \"omoe\", experts = 8, expert_units = [64, 32] }", Some(2)),
    ("shared-bottom", "{ type = \"shared_bottom\", units = [256, 128] }", Some(1)),
    ("single-task", "{ type = \"single\", units = [256, 128] }", Some(0)),
    ("CGC", "{ type = \"cgc\", task_experts = 2, shared_experts = 4, expert_units = [64, 32] }", None),
    ("PLE", "{ type = \"ple\", task_experts = 2, shared_experts = 2, expert_units = [64, 32] }", None),
    ("cross-stitch", "{ type = \"cross_stitch\", units = [128, 64] }", None),
    ("SNR-Trans", "{ type = \"snr_trans\", units = [64] }", None),
    ("AdaTT", "{ type = \"adatt\", expert_units = [64, 32] }", None),
];

const SEEDS: usize = 3;
const PAPER_SEEDS: usize = 400;

pub(super) fn run(settings: &Settings, progress: &(dyn Fn(String) + Sync)) -> Result<Study, TrainError> {
    let Some(data) = &settings.data else {
        let problem = "the experiment needs the rows: run `python3 examples/census.py --prepare-only` and name their \
                       folder with --data examples/data/census"
            .to_owned();
        return Err(TrainError::Run { path: settings.out.clone(), problem });
    };
    let seeds = settings.seeds.unwrap_or(if settings.full { PAPER_SEEDS } else { SEEDS });
    let mut configs = Vec::new();
    for group in &GROUPS {
        configs.push(equal_sizes(group, data)?);
    }
    let jobs = jobs(1..seeds as u64 + 1, &[0, 1], MODELS.len());
    let job = |&(seed, group, model): &Job| {
        let mut config = configs[group][model].0.clone();
        config.train.seed = seed;
        config.train.threads = Some(1);
        measure(&config, data, &settings.out.join(format!("runs/{group}-{model}-{seed}")))
    };
    let measured = run_all(settings, progress, &jobs, job)?;
    let aucs = |group: usize, model: usize, task: usize| -> Vec<f64> {
        results_of(&measured, &jobs, group, model).into_iter().map(|aucs| aucs[task]).collect()
    };
    let mut study = Study {
        title: "Architectures on Census-Income (Ma et al. 2018, Tables 1 and 2)".to_owned(),
        notes: vec![
            format!("{seeds} seeds; every network has as many parameters in layers as MMoE with 8 experts (64, 32)"),
            "38 inputs, rows and settings as docs/census.md says; the epoch with the best mean AUC on validation rows is \
             measured on test rows"
                .to_owned(),
            "the paper's figures are means of 400 runs on its own cut of the same file, each model tuned by itself"
                .to_owned(),
        ],
        ..Study::default()
    };
    for (g, group) in GROUPS.iter().enumerate() {
        let mut rows = Vec::new();
        for (m, (name, _, place)) in MODELS.iter().enumerate() {
            let paper =
                |task: usize| place.map_or("–".to_owned(), |place| format!("{:.4}", group.paper[place][task]));
            let auc = |task: usize| Mean::of(&aucs(g, m, task)).text(4);
            rows.push(vec![(*name).to_owned(), configs[g][m].1.to_string(), auc(0), auc(1), paper(0), paper(1)]);
        }
        let task = |k: usize| format!("AUC {}", group.tasks[k].0);
        study.tables.push(Table {
            caption: group.name.to_owned(),
            header: vec![
                "model".to_owned(),
                "parameters in layers".to_owned(),
                task(0),
                task(1),
                format!("{} in the paper", group.tasks[0].0),
                format!("{} in the paper", group.tasks[1].0),
            ],
            rows,
        });
        for task in 0..2 {
            let bar = |(m, (name, _, place)): (usize, &(&str, &str, Option<usize>))| {
                let mean = Mean::of(&aucs(g, m, task));
                let paper = place.map(|place| group.paper[place][task]);
                Interval { name: (*name).to_owned(), mean: mean.mean, half: mean.half, paper }
            };
            let bars = MODELS.iter().enumerate().map(bar).collect();
            study.intervals.push(Intervals { caption: format!("{}: {}", group.name, group.tasks[task].0), bars });
        }
        let gain = Mean::of_differences(&aucs(g, 3, 0), &aucs(g, 0, 0));
        study.claims.push(Claim {
            text: format!("MMoE above single-task on {}", group.tasks[0].0),
            evidence: format!("{:.4} ± {:.4} above", -gain.mean, gain.half),
            holds: gain.below_zero(),
        });
    }
    Ok(study)
}

/// Every architecture's configuration at MMoE's size, and its size; files are named relative to `data`.
fn equal_sizes(group: &Group, data: &Path) -> Result<Vec<(Config, usize)>, TrainError> {
    let config = |block: &str| -> Result<Config, TrainError> {
        let task = |(name, column, positive): &(&str, &str, &str)| {
            format!("{{ name = \"{name}\", column = \"{column}\", positive = {positive} }}")
        };
        let tasks: Vec<String> = group.tasks.iter().map(task).collect();
        let mut sets = vec![
            SetOverride::texts("data.train", &["train.csv".to_owned()])?,
            SetOverride::texts("data.valid", &["valid.csv".to_owned()])?,
            SetOverride::texts("data.test", &["test.csv".to_owned()])?,
        ];
        sets.push(SetOverride::parse(&format!("model.multi_task={block}"))?);
        sets.push(SetOverride::parse(&format!("tasks=[{}]", tasks.join(", ")))?);
        Ok(polyrank_schema::parse(CONFIG, "examples/census.toml", &registry(), &sets)?)
    };
    let first = config(MODELS[0].1)?;
    let (encoders, _) = Dataset::open(&first, data)?.fit(|_| {})?;
    let size = layer_numbers(&network_graph(&first, encoders.layout()).map_err(ModelError::from)?);
    let mut all = vec![(first, size)];
    for (_, block, _) in &MODELS[1..] {
        let matched = match_numbers(&config(block)?, encoders.layout(), size)?;
        all.push((matched.config, matched.numbers));
    }
    Ok(all)
}

/// Test AUC of both tasks.
fn measure(config: &Config, data: &Path, out: &Path) -> Result<[f64; 2], TrainError> {
    let options = RunOptions {
        out: out.to_owned(),
        base: data.to_owned(),
        cache: None,
        resume: false,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let result = train(config, &options, &mut |_| {})?;
    let predictor = Predictor::load(&result.bundle)?;
    let measured = evaluate(&predictor, &config.data.test, data)?;
    let auc = |task: usize| measured.tasks.get(task).and_then(|task| task.metrics.get("auc")).unwrap_or(f64::NAN);
    Ok([auc(0), auc(1)])
}
