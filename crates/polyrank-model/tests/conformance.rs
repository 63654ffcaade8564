//! What every multi-task block must hold, whatever its equations, and what well-known implementations got wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use polyrank_data::encode::{DenseLayout, InputLayout, SlotLayout, TableLayout};
use polyrank_engine::{Feed, Network, Scorer, SlotIds, Tensor, Trainer};
use polyrank_model::options::trainer_options;
use polyrank_model::{multi_task, network_graph, registry};
use polyrank_schema::Config;
use polyrank_schema::config::Side;

const ROWS: usize = 40;
const TABLE: u32 = 9;

/// What a block needs besides its name.
fn needs(kind: &str) -> &'static str {
    match kind {
        // Also a block whose default would leave something out.
        "home" => ", groups = [1, 1, 2]",
        "pepnet" => ", domain = [\"item\"], personal = [\"d0\"]",
        _ => "",
    }
}

/// The tasks that a block is tried with.
fn tasks(block: &str) -> &'static [&'static str] {
    if block.contains("\"escm2\"") { &["finish", "like"] } else { &["finish", "like", "share"] }
}

/// Every block, with small layers, and variants that make other values.
fn blocks() -> Vec<String> {
    let all = multi_task::SPECS.iter().map(|spec| {
        let small = spec.options.iter().filter(|option| ["units", "expert_units"].contains(&option.key));
        let small: String = small.map(|option| format!(", {} = [16, 8]", option.key)).collect();
        format!("type = \"{}\"{}{small}", spec.name, needs(spec.name))
    });
    let variants = [
        "type = \"omoe\", gate = \"top_k\", gate_k = 2, expert_units = [16, 8]",
        "type = \"mmoe\", levels = 3, gate = \"top_k\", gate_k = 2, gate_noisy = false, expert_units = [16, 8]",
        "type = \"mmoe\", experts = 5, gate = \"dselect_k\", gate_k = 2, gate_entropy = 0.1, expert_units = [8]",
        "type = \"cgc\", task_experts = [1, 2, 3], shared_experts = 5, expert_units = [7, 5]",
        "type = \"ple\", levels = 3, task_experts = [2, 1, 1], shared_experts = [1, 3, 2], gate = \"dselect_k\", gate_k = 2, expert_units = [8]",
        "type = \"adatt\", shared_experts = 2, task_experts = [1, 2, 1], gate_units = [4], expert_units = [8]",
        "type = \"stem\", levels = 2, shared_experts = 2, expert_units = [8]",
        "type = \"home\", groups = [1, 1, 2], task_experts = [1, 2, 1], expert_units = [6, 5]",
    ];
    all.chain(variants.map(str::to_owned)).collect()
}

fn config_with(block: &str, tasks: &[&str], model: &str) -> Config {
    let tasks: String = tasks.iter().map(|task| format!("[[tasks]]\nname = \"{task}\"\n")).collect();
    let text = format!(
        "[data]\ntrain = [\"rows.csv\"]\n\
         [[features]]\nname = \"item\"\nkind = \"categorical\"\ndim = 4\nencoder = {{ type = \"hash\", buckets = 9 }}\n\
         [[features]]\nnames = [\"d0\", \"d1\"]\nkind = \"dense\"\n{tasks}\
         [model]\nmulti_task = {{ {block} }}\ntowers = {{ units = [8] }}\n{model}"
    );
    polyrank_schema::parse(&text, "test.toml", &registry(), &[])
        .unwrap_or_else(|problems| panic!("{block}: {problems}"))
}

fn config(block: &str) -> Config {
    config_with(block, tasks(block), "embedding_init_std = 0.3\n")
}

fn layout() -> InputLayout {
    let dense = |feature: &str| DenseLayout { feature: feature.into(), width: 1, side: Side::Context };
    InputLayout {
        tables: vec![TableLayout { name: "item".into(), rows: TABLE as usize, dim: Some(4) }],
        slots: vec![SlotLayout { feature: "item".into(), table: 0, combiner: None, side: Side::Item }],
        dense: vec![dense("d0"), dense("d1")],
    }
}

fn trainer(config: &Config) -> Trainer<f64> {
    let graph = network_graph(config, &layout()).unwrap_or_else(|error| panic!("{error}"));
    let options = trainer_options(config, 2);
    Trainer::new(Network::new(&graph, 7, Some(options.embedding_optimizer)), options).unwrap()
}

/// Rows whose tasks follow from the features in different ways.
struct Rows {
    items: Vec<u32>,
    dense: Vec<f64>,
    labels: Vec<f64>,
}

impl Rows {
    /// For a block's tasks.
    fn of(block: &str, rows: usize) -> Rows {
        let (mut all, tasks) = (Rows::new(rows), tasks(block).len());
        all.labels = all.labels.chunks(3).flat_map(|labels| labels[..tasks].to_vec()).collect();
        all
    }

    fn new(rows: usize) -> Rows {
        let number = |i: usize| ((i * 7919 + 13) % 101) as f64 / 50.0 - 1.0;
        let dense: Vec<f64> = (0..2 * rows).map(number).collect();
        let items: Vec<u32> = (0..rows).map(|r| (r * 5 + 1) as u32 % TABLE).collect();
        let label = |r: usize, t: usize| match t {
            0 => dense[2 * r] > 0.0,
            1 => items[r].is_multiple_of(2),
            _ => dense[2 * r + 1] > dense[2 * r],
        };
        let labels = (0..3 * rows).map(|i| f64::from(u8::from(label(i / 3, i % 3)))).collect();
        Rows { items, dense, labels }
    }

    fn feed(&self) -> Feed<'_, f64> {
        Feed { rows: self.items.len(), slots: vec![SlotIds::One(&self.items)], dense: &self.dense }
    }

    fn row(&self, r: usize) -> Rows {
        let tasks = self.labels.len() / self.items.len();
        Rows {
            items: vec![self.items[r]],
            dense: self.dense[2 * r..2 * r + 2].to_vec(),
            labels: self.labels[tasks * r..tasks * (r + 1)].to_vec(),
        }
    }
}

fn weights(trainer: &Trainer<f64>) -> Vec<Tensor<f64>> {
    trainer.network().layers().into_iter().chain(trainer.network().tables()).collect()
}

fn tensor(trainer: &Trainer<f64>, name: &str) -> Tensor<f64> {
    weights(trainer).into_iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no tensor {name}"))
}

fn scores(trainer: &Trainer<f64>, rows: &Rows) -> Vec<f64> {
    Scorer::new(trainer.network()).score(trainer.network(), &rows.feed()).unwrap()
}

/// Adds to the tensors whose names have this prefix, unevenly.
fn disturb(trainer: &mut Trainer<f64>, prefix: &str) {
    let mut touched = 0;
    for mut tensor in weights(trainer).into_iter().filter(|t| t.name.starts_with(prefix)) {
        tensor.data.iter_mut().enumerate().for_each(|(i, v)| *v += 0.5 + 0.3 * (i % 3) as f64);
        trainer.set(&tensor).unwrap();
        touched += 1;
    }
    assert!(touched > 0, "no tensor begins with {prefix}");
}

#[test]
fn every_block_needs_no_more_than_its_name() {
    for spec in multi_task::SPECS {
        let config = config(&format!("type = \"{}\"{}", spec.name, needs(spec.name)));
        network_graph(&config, &layout()).unwrap_or_else(|error| panic!("{}: {error}", spec.name));
    }
}

/// A gate or expert that is in no list of parameters is never trained.
#[test]
fn every_parameter_has_a_gradient() {
    for block in blocks() {
        let rows = Rows::of(&block, ROWS);
        let mut trainer = trainer(&config(&block));
        let before = weights(&trainer);
        let (_, first) = trainer.inspect(&rows.feed(), &rows.labels).unwrap();
        let mut without: Vec<String> = first.into_iter().map(|gradient| gradient.name).collect();
        // Routes that are drawn shut in one step are open in another.
        for step in 0..20 {
            let (loss, gradients) = trainer.inspect(&rows.feed(), &rows.labels).unwrap();
            assert!(loss.is_finite(), "{block}");
            for gradient in &gradients {
                assert!(gradient.data.iter().all(|g| g.is_finite()), "{block}: {}", gradient.name);
                if gradient.data.iter().any(|g| *g != 0.0) {
                    without.retain(|name| *name != gradient.name);
                }
            }
            let drawn = block.contains("snr_trans");
            assert!(without.is_empty() || (drawn && step < 19), "{block}: {without:?} have no gradient");
            trainer.step(&rows.feed(), &rows.labels).unwrap();
        }
        for (before, after) in before.iter().zip(weights(&trainer)) {
            assert!(before.data != after.data, "{block}: steps leave {} as it was", after.name);
        }
    }
}

#[test]
fn batches_of_one_row_train_and_score() {
    for block in blocks() {
        let rows = Rows::of(&block, 6);
        let mut trainer = trainer(&config(&block));
        for r in 0..6 {
            let row = rows.row(r);
            let report = trainer.step(&row.feed(), &row.labels).unwrap();
            assert!(report.total.is_finite(), "{block}");
        }
        assert!(scores(&trainer, &rows.row(0)).iter().all(|score| score.is_finite()), "{block}");
    }
}

#[test]
fn a_score_does_not_depend_on_the_other_rows() {
    for block in blocks() {
        let (rows, tasks) = (Rows::of(&block, ROWS), tasks(&block).len());
        let mut trainer = trainer(&config(&block));
        trainer.step(&rows.feed(), &rows.labels).unwrap();
        let together = scores(&trainer, &rows);
        for r in [0, 17, ROWS - 1] {
            assert_eq!(scores(&trainer, &rows.row(r)), together[tasks * r..tasks * (r + 1)], "{block}");
        }
    }
}

#[test]
fn training_learns_and_keeps_experts_apart() {
    for block in blocks() {
        let rows = Rows::of(&block, ROWS);
        let mut trainer = trainer(&config(&block));
        let losses: Vec<f64> = (0..30).map(|_| trainer.step(&rows.feed(), &rows.labels).unwrap().total).collect();
        assert!(losses[29] < losses[0], "{block}: {losses:?}");
        let of_experts = |t: &Tensor<f64>| t.name.contains("experts") && t.name.ends_with(".0.weight");
        let experts: Vec<Tensor<f64>> = weights(&trainer).into_iter().filter(of_experts).collect();
        for (i, a) in experts.iter().enumerate() {
            for b in experts[..i].iter().filter(|b| b.dims == a.dims) {
                let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
                let norms = (dot(&a.data, &a.data) * dot(&b.data, &b.data)).sqrt();
                let alike = dot(&a.data, &b.data) / norms;
                assert!(alike < 0.9, "{block}: {} and {} are alike ({alike})", a.name, b.name);
            }
        }
    }
}

/// A well-known PLE builds its shared experts from the count of specific ones.
#[test]
fn there_are_as_many_experts_as_asked_for() {
    let count = |trainer: &Trainer<f64>, prefix: &str| {
        weights(trainer).iter().filter(|t| t.name.starts_with(prefix) && t.name.ends_with(".0.weight")).count()
    };
    for (shared, own) in [(3, 1), (1, 3)] {
        let text = format!("task_experts = {own}, shared_experts = {shared}, expert_units = [5]");
        let cgc = trainer(&config(&format!("type = \"cgc\", {text}")));
        assert_eq!(count(&cgc, "shared_experts."), shared);
        let ple = trainer(&config(&format!("type = \"ple\", {text}")));
        for (trainer, prefix) in [(&cgc, ""), (&ple, "levels.0."), (&ple, "levels.1.")] {
            for task in ["finish", "like", "share"] {
                assert_eq!(count(trainer, &format!("{prefix}task_experts.{task}.")), own);
                assert_eq!(tensor(trainer, &format!("{prefix}gates.{task}.out.weight")).dims[1], own + shared);
            }
        }
        assert_eq!(tensor(&ple, "levels.0.shared_gate.out.weight").dims[1], 3 * own + shared);
        assert!(weights(&ple).iter().all(|t| !t.name.starts_with("levels.1.shared_gate")));
    }
}

/// Gates of upper levels that read the raw input make a different model than the paper's.
#[test]
fn gates_read_their_stream() {
    let block = "type = \"ple\", expert_units = [5]";
    let dims = |block: &str, name: &str| tensor(&trainer(&config(block)), name).dims[0];
    let input = dims(block, "levels.0.gates.like.out.weight");
    assert_eq!((input, dims(block, "levels.1.gates.like.out.weight")), (6, 5));
    assert_eq!(dims(&format!("{block}, gate_input = \"input\""), "levels.1.gates.like.out.weight"), input);

    // What only one task's stream has reaches no other task; what the shared stream has reaches all.
    let rows = Rows::new(ROWS);
    for (prefix, reached) in [
        ("levels.0.gates.like", [false, true, false]),
        ("levels.1.task_experts.like", [false, true, false]),
        ("levels.0.shared_gate", [true, true, true]),
        ("levels.0.task_experts.like", [true, true, true]),
    ] {
        let mut trainer = trainer(&config(block));
        let before = scores(&trainer, &rows);
        disturb(&mut trainer, prefix);
        let after = scores(&trainer, &rows);
        for (t, reached) in reached.into_iter().enumerate() {
            let changed = (0..ROWS).any(|r| before[3 * r + t] != after[3 * r + t]);
            assert_eq!(changed, reached, "{prefix} and task {t}");
        }
    }
}

/// STEM: all forward, task-specific backward.
#[test]
fn other_tasks_use_but_do_not_train_a_stem_expert() {
    let mut rows = Rows::new(ROWS);
    let block = "type = \"stem\", expert_units = [5]";
    let mut before = trainer(&config(block));
    let start = scores(&before, &rows);
    disturb(&mut before, "task_experts.like");
    let after = scores(&before, &rows);
    for t in 0..3 {
        assert!((0..ROWS).any(|r| start[3 * r + t] != after[3 * r + t]), "task {t} sees the experts of `like`");
    }
    rows.labels.iter_mut().skip(1).step_by(3).for_each(|label| *label = f64::NAN);
    let (_, gradients) = trainer(&config(block)).inspect(&rows.feed(), &rows.labels).unwrap();
    for gradient in gradients {
        let of_like = ["task_experts.like", "gates.like", "towers.like", "like/"];
        let trained = !of_like.iter().any(|prefix| gradient.name.starts_with(prefix));
        assert_eq!(gradient.data.iter().any(|g| *g != 0.0), trained, "{}", gradient.name);
    }
}

/// A gate with a norm before its softmax would weigh experts by the rest of the batch.
#[test]
fn gates_have_no_norm() {
    for block in blocks().iter().filter(|block| !block.contains("gate_units")) {
        let config = config_with(block, tasks(block), "batch_norm = true\n");
        for tensor in weights(&trainer(&config)) {
            let norm = tensor.name.contains(".norm.") || tensor.name.contains(".dice.");
            let of_gate = tensor.name.split('.').any(|part| part.contains("gate"));
            assert!(!(norm && of_gate), "{block}: {}", tensor.name);
        }
    }
}

/// Looking layers up by the start of a task's name would mix these up.
#[test]
fn task_names_may_begin_with_each_other() {
    // AITM's calibrator trains every tower, labels or not.
    for block in blocks().into_iter().filter(|block| !block.contains("aitm")) {
        let tasks = &["like", "like2", "like.0"][..tasks(&block).len()];
        let mut rows = Rows::of(&block, ROWS);
        rows.labels.chunks_mut(tasks.len()).for_each(|labels| labels[1..].fill(f64::NAN));
        let (_, gradients) = trainer(&config_with(&block, tasks, "")).inspect(&rows.feed(), &rows.labels).unwrap();
        let trained = |task: &str| {
            let weight = format!("towers.{task}.out.weight");
            let tower = gradients.iter().find(|t| t.name.ends_with(&weight));
            tower.map(|t| t.data.iter().any(|g| *g != 0.0))
        };
        // Blocks with towers of their own name them as they like.
        if trained("like").is_some() {
            let found: Vec<_> = tasks.iter().map(|task| trained(task)).collect();
            assert_eq!(found, &[Some(true), Some(false), Some(false)][..tasks.len()], "{block}");
        }
    }
}

/// The second task has three classes; its labels follow from the number of the item.
fn with_classes(block: &str, model: &str) -> Result<Config, String> {
    let text = format!(
        "[data]\ntrain = [\"rows.csv\"]\n\
         [[features]]\nname = \"item\"\nkind = \"categorical\"\ndim = 4\nencoder = {{ type = \"hash\", buckets = 9 }}\n\
         [[features]]\nnames = [\"d0\", \"d1\"]\nkind = \"dense\"\n\
         [[tasks]]\nname = \"finish\"\n[[tasks]]\nname = \"like\"\nkind = \"multi_class\"\nclasses = 3\n\
         [[tasks]]\nname = \"share\"\n\
         [model]\nmulti_task = {{ {block} }}\ntowers = {{ units = [8] }}\nembedding_init_std = 0.3\n{model}"
    );
    polyrank_schema::parse(&text, "test.toml", &registry(), &[]).map_err(|problems| problems.to_string())
}

#[test]
fn every_block_that_shares_layers_takes_tasks_of_several_classes() {
    for block in blocks() {
        let config = match with_classes(&block, "") {
            Ok(config) => config,
            Err(problem) => {
                let chain = ["esmm", "aitm", "escm2"].iter().any(|name| block.contains(name));
                assert!(chain && problem.contains("`like` is not one"), "{block}: {problem}");
                continue;
            }
        };
        let mut rows = Rows::new(ROWS);
        rows.labels.chunks_mut(3).zip(&rows.items).for_each(|(labels, item)| labels[1] = f64::from(item % 3));
        let mut trainer = trainer(&config);
        let losses: Vec<f64> =
            (0..60).map(|_| trainer.step(&rows.feed(), &rows.labels).unwrap().loss_sums[1]).collect();
        // Gates that are drawn anew each step make single losses jump.
        let late = losses[55..].iter().sum::<f64>() / 5.0;
        assert!(late < 0.9 * losses[0], "{block}: {losses:?}");
        let together = scores(&trainer, &rows);
        assert_eq!(together.len(), ROWS * 5, "{block}");
        assert_eq!(scores(&trainer, &rows.row(17)), together[5 * 17..5 * 18], "{block}");
    }
}

#[test]
fn interactions_give_a_logit_a_class_or_refuse() {
    for (interaction, fits) in
        [("\"wide\"", true), ("{ type = \"dcn\", output = \"logit\" }", true), ("\"xdeepfm\"", true), ("\"fm\"", false)]
    {
        let model = format!("interaction = {interaction}\n");
        match with_classes("type = \"shared_bottom\"", &model) {
            Ok(config) => {
                let graph = network_graph(&config, &layout()).unwrap();
                assert!(fits && graph.outputs() == 5, "{interaction}");
            }
            Err(problem) => assert!(!fits && problem.contains("a logit a class"), "{interaction}: {problem}"),
        }
    }
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let cases = [
        ("type = \"mmoe\", gate_k = 2", "leave it out"),
        ("type = \"mmoe\", gate = \"top_k\"", "needs `gate_k`"),
        ("type = \"mmoe\", gate = \"top_k\", gate_k = 4", "at most 3"),
        ("type = \"mmoe\", gate = \"top_k\", gate_k = 2, gate_step = 1.0", "option of gate = \"dselect_k\""),
        ("type = \"omoe\", gate = \"dselect_k\", gate_k = 2, gate_noisy = true", "option of gate = \"top_k\""),
        ("type = \"cgc\", task_experts = [1, 2]", "2 numbers for 3 tasks"),
        ("type = \"cgc\", gate = \"top_k\", gate_k = 3", "at most 2"),
        ("type = \"ple\", task_experts = [1, 2, 3]", "3 numbers for 2 levels and 3 tasks"),
        ("type = \"ple\", shared_experts = [1, 2, 3]", "3 numbers for 2 levels"),
        ("type = \"ple\", shared_experts = [1, 0]", "from 1 to 1024"),
        ("type = \"ple\", levels = 65", "from 1 to 64"),
        ("type = \"adatt\", task_experts = [1, 1]", "2 numbers for 3 tasks"),
        ("type = \"home\", groups = [1, 2]", "2 numbers for 3 tasks"),
        ("type = \"home\", expert_units = []", "at least one layer"),
    ];
    for (block, text) in cases {
        let tasks = "[[tasks]]\nname = \"a\"\n[[tasks]]\nname = \"b\"\n[[tasks]]\nname = \"c\"\n";
        let config = format!(
            "[data]\ntrain = [\"rows.csv\"]\n[[features]]\nname = \"d\"\nkind = \"dense\"\n{tasks}[model]\nmulti_task = {{ {block} }}\n"
        );
        let problems = polyrank_schema::parse(&config, "test.toml", &registry(), &[]).unwrap_err().to_string();
        assert!(problems.contains(text), "{block}: {problems}");
    }
}

#[test]
fn chains_of_the_whole_space_refuse_a_task_of_a_part_of_it() {
    for (block, refused) in [("esmm", true), ("escm2", true), ("aitm", false), ("mmoe", false)] {
        let config = format!(
            "[data]\ntrain = [\"rows.csv\"]\n[[features]]\nname = \"d\"\nkind = \"dense\"\n[[tasks]]\nname = \"a\"\n\
             [[tasks]]\nname = \"b\"\nwhen = \"a == 1\"\n[model]\nmulti_task = \"{block}\"\n"
        );
        match polyrank_schema::parse(&config, "test.toml", &registry(), &[]) {
            Ok(_) => assert!(!refused, "{block}"),
            Err(problems) => {
                let text = problems.to_string();
                assert!(refused && text.contains("learns every task from all rows, and `b` has a `when`"), "{text}");
            }
        }
    }
}
