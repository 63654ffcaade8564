//! Tables that start from pretrained vectors, from the file to the bundle.

use polyrank_train::Event;
use polyrank_train::run;

use crate::support::{CONFIG, Place, parse, refused};

/// Vectors for items 0 to 19 and one that is in no row; item 5 has none.
fn vectors() -> String {
    let mut text = "item_id,vector\n".to_owned();
    for item in (0..20).chain([999]) {
        let vector = if item == 5 { String::new() } else { format!("{item}.5 {item} -1 0.25") };
        text += &format!("{item},{vector}\n");
    }
    text
}

fn config(options: &str) -> String {
    let feature = format!(
        "[[features]]\nname = \"uid\"\nkind = \"categorical\"\ndim = 4\n\n[[features]]\nname = \"item_id\"\n\
         kind = \"categorical\"\ndim = 4\npretrained = {{ file = \"vectors.csv\"{options} }}\n"
    );
    CONFIG.replace("[[features]]\nnames = [\"uid\", \"item_id\"]\nkind  = \"categorical\"\ndim   = 4\n", &feature)
}

/// The rows of `table.item_id` after training, by item; and what the run said of the vectors.
fn train(options: &str, sets: &[&str]) -> (Vec<Vec<f32>>, (usize, usize, usize)) {
    let place = Place::new();
    place.write("vectors.csv", &vectors());
    let config = parse(&config(options), sets).unwrap();
    let mut covered = (0, 0, 0);
    run(&config, &place.options("run"), &mut |event| {
        if let Event::Pretrained("item_id", coverage) = event {
            covered = (coverage.found, coverage.values, coverage.unknown);
        }
    })
    .unwrap();
    let page = std::fs::read_to_string(place.path("run").join("report.html")).unwrap();
    assert!(page.contains("pretrained vectors of item_id") && page.contains("19 of 30 values"));
    // The bundle needs no file of vectors.
    std::fs::remove_file(place.path("vectors.csv")).unwrap();
    let predictor = place.predictor("run");
    let layout = predictor.encoders().layout();
    let at = layout.tables.iter().position(|table| table.name == "item_id").unwrap();
    let table = predictor.network().tables().find(|table| table.name == "table.item_id").unwrap();
    let mut items = vec![Vec::new(); 30];
    for (row, name) in predictor.encoders().row_names(at).unwrap().enumerate() {
        if name.kind() == "value" {
            items[name.to_string().parse::<usize>().unwrap()] = table.data[row * 4..row * 4 + 4].to_vec();
        }
    }
    (items, covered)
}

fn given(item: usize) -> Vec<f32> {
    vec![item as f32 + 0.5, item as f32, -1.0, 0.25]
}

#[test]
fn frozen_vectors_stay_and_trained_ones_move() {
    let (frozen, covered) = train(", trainable = false", &["model.l2_embedding=0.01"]);
    assert_eq!(covered, (19, 30, 1));
    for (item, row) in frozen.iter().enumerate() {
        let has = item < 20 && item != 5;
        assert_eq!(*row == given(item), has, "item {item}: {row:?}");
        // The others keep what they were drawn as, which is small.
        assert!(has || row.iter().all(|w| w.abs() < 0.1), "item {item}: {row:?}");
    }
    let (trained, covered) = train("", &["train.epochs=1"]);
    assert_eq!(covered, (19, 30, 1));
    for (item, row) in trained.iter().enumerate().filter(|(item, _)| *item < 20 && *item != 5) {
        assert_ne!(*row, given(item), "item {item}");
        assert!(row.iter().zip(given(item)).all(|(a, b)| (a - b).abs() < 2.0), "item {item}: {row:?}");
    }
}

#[test]
fn vectors_that_do_not_fit_are_refused() {
    for (text, parts) in [
        ("item_id,vector\n1,1 2 3\n", ["vectors.csv:2", "a vector of 3 numbers"]),
        ("item_id,vector\n1,1 2 3 4\n2,1 2 3 4\n1,1 2 3 4\n", ["vectors.csv:4", "has a vector already"]),
        ("item_id,vector\n,1 2 3 4\n", ["vectors.csv:2", "an empty value"]),
        ("item,vector\n1,1 2 3 4\n", ["vectors.csv", "no column `item_id`"]),
        ("item_id,vector\n1,1 2 x 4\n", ["vectors.csv:2", "`x` is not a number"]),
    ] {
        let place = Place::new();
        place.write("vectors.csv", text);
        let config = parse(&config(""), &[]).unwrap();
        refused(run(&config, &place.options("run"), &mut |_| ()), &parts);
    }
    let place = Place::new();
    let config = parse(&config(", key = \"id\""), &[]).unwrap();
    refused(run(&config, &place.options("run"), &mut |_| ()), &["vectors.csv"]);
}
