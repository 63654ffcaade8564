//! Networks that no machine holds are refused before anything is allocated.

use crate::support::{CONFIG, Place, parse, refused};

#[test]
fn an_enormous_table_says_what_it_needs() {
    let place = Place::new();
    let text = CONFIG.replace("dim   = 4", "dim = 4096\nencoder = { type = \"hash\", buckets = 2_147_483_648 }");
    let result = polyrank_train::run(&parse(&text, &[]).unwrap(), &place.options("run"), &mut |_| ());
    let error = refused(result, &["TiB", "are free", "`table.", "× 4096", "lower the feature's dim"]);
    assert!(error.is_input());
    assert!(!place.path("run/bundle").exists());
}

#[test]
fn enormous_layers_say_what_they_need() {
    let place = Place::new();
    let units = vec!["65536"; 64].join(",");
    let sets = format!("model.multi_task={{type=\"shared_bottom\", units=[{units}]}}");
    refused(place.train("run", &[&sets]), &["TiB", "are free", "numbers in layers", "lower the units"]);
}
