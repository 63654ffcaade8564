//! Tasks, blocks and optimizers in every shape that a configuration can give them.

use crate::support::{CONFIG, Place, parse};

fn falls(place: &Place, sets: &[&str]) {
    let epochs = [sets, &["train.epochs=3"]].concat();
    let result = place.train("run", &epochs).unwrap_or_else(|e| panic!("{sets:?}: {e}"));
    let losses: Vec<f64> = result.history.epochs.iter().map(|e| e.train_loss).collect();
    assert!(losses[2] < losses[0], "{sets:?}: {losses:?}");
    place.predictor("run");
}

#[test]
fn every_optimizer_learns() {
    let place = Place::new();
    for spec in polyrank_model::optimizer::SPECS {
        let rate = if matches!(spec.name, "sgd" | "momentum") { 0.05 } else { 0.01 };
        falls(&place, &[&format!("train.optimizer={{type=\"{}\", learning_rate={rate}}}", spec.name)]);
    }
    falls(&place, &["train.embedding_optimizer={type=\"rowwise_adagrad\"}"]);
}

#[test]
fn every_block_learns_also_without_hidden_layers() {
    let place = Place::new();
    for spec in polyrank_model::multi_task::SPECS {
        let personal = if spec.name == "pepnet" { ", personal=[\"uid\"]" } else { "" };
        let block = format!("model.multi_task={{type=\"{}\"{personal}}}", spec.name);
        // Chains relate probabilities, so all their tasks are binary.
        let chain = ["esmm", "aitm", "escm2"].contains(&spec.name);
        let tasks = if chain { &["tasks=[{ name = \"finish\" }, { name = \"like\" }]"][..] } else { &[] };
        falls(&place, &[&[block.as_str()], tasks].concat());
    }
    falls(&place, &["model.multi_task={type=\"mmoe\", expert_units=[], gate_units=[]}", "model.towers={units=[]}"]);
    falls(&place, &["model.multi_task={type=\"omoe\", expert_units=[], gate_units=[3]}", "model.towers={units=[]}"]);
    falls(&place, &["model.multi_task={type=\"shared_bottom\", units=[]}", "model.towers={units=[]}"]);
    falls(&place, &["model.multi_task={type=\"single\", units=[]}", "model.towers={units=[]}"]);
}

#[test]
fn every_preset_learns() {
    let place = Place::new();
    for preset in ["default", "paper", "deepctr", "merlin", "wide_deep", "dcn", "dcn_v2", "pnn"] {
        // Summed losses over a whole batch need small batches to move little.
        falls(&place, &[&format!("model.preset=\"{preset}\""), "train.batch_size=50"]);
    }
}

#[test]
fn one_task_of_either_kind_is_enough() {
    let place = Place::new();
    let tasks = CONFIG.find("[[tasks]]").unwrap();
    let model = CONFIG.find("[model]").unwrap();
    for task in ["name = \"finish\"", "name = \"watch\"\nkind = \"regression\""] {
        let text = format!("{}[[tasks]]\n{task}\n[train]\nbatch_size = 100\nepochs = 3\n", &CONFIG[..tasks]);
        let config = parse(&text, &[]).unwrap();
        assert_eq!(config.model.multi_task.kind, "single", "the default for one task");
        let result = polyrank_train::run(&config, &place.options("run"), &mut |_| ()).unwrap();
        assert!(result.history.best.is_some());
        let page = std::fs::read_to_string(place.path("run/report.html")).unwrap();
        assert!(page.contains("single"));
        // A gate has nothing to choose for one task.
        let gated = format!("{}[[tasks]]\n{task}\n{}", &CONFIG[..tasks], &CONFIG[model..]);
        let message = parse(&gated, &[]).unwrap_err().to_string();
        assert!(message.contains("at least 2 tasks") && message.contains("single"), "{message}");
    }
}

#[test]
fn regression_alone_is_early_stopped_by_its_error() {
    let place = Place::new();
    let tasks = CONFIG.find("[[tasks]]").unwrap();
    let text = format!(
        "{}[[tasks]]\nname = \"watch\"\nkind = \"regression\"\n[train]\nbatch_size = 100\nepochs = 50\n\
         early_stopping = {{ patience = 1, min_delta = 0.01 }}\n",
        &CONFIG[..tasks]
    );
    let result = polyrank_train::run(&parse(&text, &[]).unwrap(), &place.options("run"), &mut |_| ()).unwrap();
    assert!(result.history.epochs.len() < 50);
    assert_eq!(result.history.waited, 1);
}

#[test]
fn early_stopping_keeps_the_best_epoch() {
    let place = Place::new();
    let sets = ["train.epochs=40", "train.early_stopping={metric=\"finish.auc\", patience=2}"];
    let result = place.train("run", &sets).unwrap();
    let (epochs, best) = (result.history.epochs.len(), result.history.best.unwrap());
    assert!(epochs < 40 && epochs == best + 2, "{epochs} epochs, best {best}");
    place
        .train("best", &[&format!("train.epochs={best}"), "train.early_stopping={metric=\"finish.auc\", patience=2}"])
        .unwrap();
    assert!(place.weights("run") == place.weights("best"), "the bundle is that of the best epoch");
    // Having stopped early, going on trains no further.
    assert_eq!(place.resume("run", &sets).unwrap().history.epochs.len(), epochs);
}

#[test]
fn clipping_holds_every_step_back() {
    let place = Place::new();
    let sgd = "train.optimizer={type=\"sgd\", learning_rate=0.5}";
    place.train("free", &[sgd]).unwrap();
    place.train("loose", &[sgd, "train.clip_norm=1e9"]).unwrap();
    assert!(place.weights("free") == place.weights("loose"), "a norm that is never reached changes nothing");
    // One step an epoch: from epoch to epoch the loss is over the same rows.
    let losses = |clip: &str| {
        let sets = ["train.batch_size=700", "train.epochs=2", sgd, clip];
        place.train("run", &sets).unwrap().history.epochs.iter().map(|e| e.train_loss).collect::<Vec<_>>()
    };
    let (free, tight) = (losses("train.clip_norm=1e9"), losses("train.clip_norm=1e-6"));
    assert_eq!(free[0], tight[0], "the loss before any step");
    assert!(free[1] < free[0] - 1e-3 && (tight[1] - tight[0]).abs() < 1e-5, "{free:?}, {tight:?}");
}

#[test]
fn learning_rates_decay_from_epoch_to_epoch() {
    let place = Place::new();
    // One step an epoch, so that an epoch's loss is that of the weights before it.
    let losses = |decay: &str| {
        let sgd = "train.optimizer={type=\"sgd\", learning_rate=0.5}";
        let sets = ["train.batch_size=700", "train.epochs=3", sgd, decay];
        place.train("run", &sets).unwrap().history.epochs.iter().map(|e| e.train_loss).collect::<Vec<_>>()
    };
    let (steady, decayed) = (losses("train.learning_rate_decay=1"), losses("train.learning_rate_decay=1e-9"));
    assert_eq!(steady[..2], decayed[..2], "the first epoch has the whole rate");
    assert!(steady[2] < steady[1] - 1e-3 && (decayed[2] - decayed[1]).abs() < 1e-5, "{steady:?}, {decayed:?}");
}

#[test]
fn an_unknown_block_names_the_nearest() {
    for (set, nearest) in [
        ("model.multi_task={type=\"mmo\"}", "mmoe"),
        ("train.optimizer={type=\"adgrad\"}", "adagrad"),
        ("model.interaction={type=\"nnoe\"}", "none"),
        ("model.multi_task={type=\"mmoe\", expert=3}", "experts"),
        ("train.batchsize=3", "batch_size"),
    ] {
        let message = parse(CONFIG, &[set]).unwrap_err().to_string();
        let hint = message.split("did you mean").nth(1).unwrap_or_else(|| panic!("{message}"));
        assert!(hint.contains(nearest), "{message}");
    }
}
