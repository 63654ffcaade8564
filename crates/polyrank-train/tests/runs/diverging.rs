//! A loss that grows without bounds ends the run with what to do, and harms nothing that was kept.

use polyrank_train::TrainError;

use crate::support::{Place, refused};

#[test]
fn divergence_names_epoch_and_step_and_keeps_the_last_checkpoint() {
    let place = Place::new();
    // One step an epoch, so that it takes some epochs to diverge.
    let sets = [
        "train.optimizer={type=\"sgd\", learning_rate=1000}",
        "train.batch_size=700",
        "train.epochs=60",
        "model.activation=\"linear\"",
    ];
    let error = refused(place.train("run", &sets), &["epoch", "step 1", "learning_rate", "clip_norm"]);
    assert!(!error.is_input(), "{error}");
    let TrainError::Diverged { epoch, step: 1, .. } = error else { panic!("{error:?}") };
    assert!(epoch > 1, "{epoch}");
    assert!(error.to_string().contains(&format!("checkpoint of epoch {} is whole", epoch - 1)), "{error}");
    assert!(!place.path("run/bundle").exists());
    let again = refused(place.resume("run", &sets), &[]);
    assert!(
        matches!(again, TrainError::Diverged { epoch: e, step: 1, .. } if e == epoch),
        "resumed, then the same: {again}"
    );
    // Up to there everything is well.
    let fewer = format!("train.epochs={}", epoch - 1);
    place.resume("run", &[&sets[..], &[&fewer]].concat()).unwrap();
    place.predictor("run");
}

#[test]
fn an_earlier_bundle_survives() {
    let place = Place::new();
    place.train("run", &[]).unwrap();
    let old = place.weights("run");
    let sets = ["train.optimizer={type=\"sgd\", learning_rate=1000}", "train.epochs=60", "model.activation=\"linear\""];
    refused(place.train("run", &sets), &["diverged"]);
    assert!(place.weights("run") == old);
}

#[test]
fn without_validation_rows_it_is_noticed_too() {
    let place = Place::new();
    // A single step: its loss is finite, its weights are not.
    place.write("train.csv", "uid,item_id,tags,duration,finish,like,watch\nu1,1,,3,1,1,3e38\nu2,2,,4,0,0,-3e38\n");
    let sets = ["data.valid=[]", "train.epochs=1", "train.optimizer={type=\"sgd\", learning_rate=1000}"];
    refused(place.train("run", &sets), &["epoch 1, step 1", "diverged"]);
    assert!(!place.path("run/bundle").exists());
}
