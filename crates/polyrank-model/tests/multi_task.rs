//! Multi-task blocks: what each refuses and why, how tasks depend on each other, and what a new network starts from.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use polyrank_data::encode::{DenseLayout, InputLayout, SlotLayout, TableLayout};
use polyrank_engine::{Feed, Network, Scorer, SlotIds};
use polyrank_model::multi_task::relations;
use polyrank_model::{network_graph, registry};
use polyrank_schema::Config;
use polyrank_schema::config::Side;

/// A configuration with these tasks (`name` or `name: regression`) and this block.
fn parse(tasks: &[&str], block: &str) -> Result<Config, String> {
    let mut text = String::from(
        "[data]\ntrain = [\"rows.csv\"]\n[[features]]\nname = \"page\"\nkind = \"categorical\"\n\
         encoder = { type = \"identity\", size = 6 }\n[[features]]\nname = \"age\"\nkind = \"dense\"\n",
    );
    for task in tasks {
        let (name, kind) = task.split_once(": ").unwrap_or((task, "binary"));
        text += &format!("[[tasks]]\nname = \"{name}\"\nkind = \"{kind}\"\n");
    }
    text += &format!("[model]\nmulti_task = {block}\n");
    polyrank_schema::parse(&text, "c.toml", &registry(), &[]).map_err(|problems| problems.to_string())
}

fn network(config: &Config) -> Network<f64> {
    let layout = InputLayout {
        tables: vec![TableLayout { name: "page".into(), rows: 9, dim: Some(4) }],
        slots: vec![SlotLayout { feature: "page".into(), table: 0, combiner: None, side: Side::Context }],
        dense: vec![DenseLayout { feature: "age".into(), width: 1, side: Side::Item }],
    };
    Network::new(&network_graph(config, &layout).unwrap(), 7, None)
}

const CLICK: [&str; 2] = ["click", "buy"];
const CHAIN: [&str; 4] = ["click", "cart", "buy", "return"];

#[test]
fn what_does_not_fit_is_refused_with_a_way_out() {
    let cases: [(&[&str], &str, &[&str]); 14] = [
        (&["click"], "'esmm'", &["`esmm` needs at least 2 tasks", "use `single`"]),
        (&["click"], "'aitm'", &["`aitm` needs at least 2 tasks"]),
        (&["click"], "'escm2'", &["`escm2` needs at least 2 tasks"]),
        (&["click"], "'cross_stitch'", &["`cross_stitch` needs at least 2 tasks"]),
        (&["click"], "'snr_trans'", &["`snr_trans` needs at least 2 tasks"]),
        (&["click", "price: regression"], "'esmm'", &["`price` is not one", "make it binary"]),
        (&["click", "price: regression"], "'aitm'", &["`price` is not one"]),
        (&["click", "price: regression"], "'escm2'", &["`price` is not one"]),
        (&CHAIN, "'escm2'", &["exactly 2 tasks", "there are 4", "`esmm`"]),
        (&CLICK, "{ type = 'cross_stitch', units = [] }", &["give `units` at least one"]),
        (&CLICK, "{ type = 'snr_trans', units = [] }", &["give `units` at least one"]),
        (&CLICK, "'pepnet'", &["no prior features", "`personal`", "`domain`"]),
        (&CLICK, "{ type = 'pepnet', domain = ['pge'] }", &["`domain` names `pge`", "page, age"]),
        (&CLICK, "{ type = 'pepnet', personal = ['age', 'age'] }", &["`personal` names `age` twice"]),
    ];
    for (tasks, block, parts) in cases {
        let error = parse(tasks, block).unwrap_err();
        assert!(error.contains("model.multi_task"), "{block}: {error}");
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn chains_multiply_so_a_later_task_is_never_more_probable() {
    for (tasks, block) in [(&CHAIN[..], "'esmm'"), (&CLICK, "'escm2'"), (&CLICK, "{ type = 'escm2', method = 'ips' }")]
    {
        let network = network(&parse(tasks, block).unwrap());
        let (ids, dense) = ([3, 4, 5, 6, 7], [-3.0, -1.0, 0.0, 2.0, 400.0]);
        let feed = Feed { rows: 5, slots: vec![SlotIds::One(&ids)], dense: &dense };
        let logits = Scorer::new(&network).score(&network, &feed).unwrap();
        for row in logits.chunks_exact(tasks.len()) {
            assert!(row.iter().all(|z| z.is_finite()) && row.windows(2).all(|pair| pair[1] < pair[0]), "{row:?}");
        }
    }
}

#[test]
fn tasks_depend_on_each_other_as_the_block_says() {
    let drawn = |tasks: &[&str], block: &str| -> Vec<(usize, usize, &str)> {
        relations(&parse(tasks, block).unwrap()).iter().map(|r| (r.from, r.to, r.how)).collect()
    };
    assert_eq!(drawn(&CHAIN, "'esmm'"), [(0, 1, "product"), (1, 2, "product"), (2, 3, "product")]);
    assert_eq!(drawn(&CLICK, "'aitm'"), [(0, 1, "transfer, calibrator")]);
    assert_eq!(drawn(&CLICK, "'escm2'"), [(0, 1, "product"), (0, 1, "propensity, doubly robust")]);
    assert_eq!(drawn(&CLICK, "{ type = 'escm2', counterfactual_weight = 0 }"), [(0, 1, "product")]);
    for block in ["'mmoe'", "'cross_stitch'", "'snr_trans'", "{ type = 'pepnet', domain = ['page'] }"] {
        assert_eq!(drawn(&CLICK, block), []);
    }
}

#[test]
fn stitches_start_near_a_network_a_task() {
    let network = network(&parse(&CHAIN, "{ type = 'cross_stitch', units = [5, 3] }").unwrap());
    let layers = network.layers();
    for (t, task) in CHAIN.iter().enumerate() {
        for l in 0..2 {
            let name = format!("stitches.{task}.{l}.weights");
            let weights = &layers.iter().find(|tensor| tensor.name == name).unwrap().data;
            for (s, weight) in weights.iter().enumerate() {
                let expected = if s == t { 0.9 } else { 0.1 / 3.0 };
                assert!((weight - expected).abs() < 1e-12, "{name}: {weights:?}");
            }
        }
    }
}

#[test]
fn pepnet_has_gates_for_what_is_named_alone() {
    let gates = |options: &str| {
        let network = network(&parse(&CLICK, &format!("{{ type = 'pepnet', {options} }}")).unwrap());
        let names: Vec<String> = network.layers().into_iter().map(|tensor| tensor.name).collect();
        ["epnet.", "ppnet."].map(|part| names.iter().any(|name| name.starts_with(part)))
    };
    assert_eq!(gates("domain = ['page']"), [true, false]);
    assert_eq!(gates("personal = ['page', 'age']"), [false, true]);
    assert_eq!(gates("domain = ['page'], personal = ['age']"), [true, true]);
}
