//! Operators in front of the encoders: the same bits in training, in evaluation and from the bundle.

use crate::support::{CONFIG, Place, bits, parse};
use polyrank_model::Predictor;
use polyrank_schema::Config;
use polyrank_train::evaluate::evaluate;
use polyrank_train::run;

/// Duration clipped and then normalised, which takes two passes; `seen` is a label made of a label; rows without a
/// `like` are left out.
const OPERATORS: &str = r#"
[[operators]]
type = "clip"
columns = ["duration"]
into = ["clipped"]
max = 40

[[operators]]
type = "normalise"
columns = ["clipped"]

[[operators]]
type = "fill"
columns = ["watch"]
into = ["seen"]

[[operators]]
type = "drop_missing"
columns = ["like"]
"#;

fn config(more: &str) -> Config {
    let text = CONFIG.replace("name    = \"duration\"", "name    = \"duration\"\ncolumn = \"clipped\"");
    let text = text.replace("name = \"watch\"", "name = \"watch\"\ncolumn = \"seen\"");
    parse(&text.replace("[model]", &format!("{OPERATORS}{more}\n[model]")), &[]).unwrap()
}

fn train(place: &Place, config: &Config) -> Predictor {
    let result = run(config, &place.options("run"), &mut |_| ()).unwrap();
    let epoch = &result.history.epochs[result.history.best.unwrap() - 1];
    // Every tenth row has no `like`.
    assert_eq!(epoch.rows, 630);
    let predictor = place.predictor("run");
    let again = evaluate(&predictor, &["valid.csv".to_owned()], place.dir.path()).unwrap();
    assert_eq!(again.rows, 180);
    assert_eq!(Some(again), epoch.valid, "to the last bit");
    predictor
}

#[test]
fn training_evaluation_and_the_bundle_agree_to_the_bit() {
    let place = Place::new();
    let config = config("");
    assert_eq!(config.columns_needed(false), ["uid", "item_id", "tags", "duration"]);
    assert_eq!(config.columns_needed(true), ["uid", "item_id", "tags", "finish", "like", "watch", "duration"]);
    let predictor = train(&place, &config);
    // Neither labels nor the choice of rows have a place in scoring.
    let rows = place.raw("valid.csv", &predictor.config().columns_needed(false)).batch;
    let whole = predictor.score(&rows).unwrap();
    assert_eq!(whole.values.len(), 200 * 3);
    for row in 0..rows.num_rows() {
        let alone = predictor.score(&rows.slice(row, 1)).unwrap();
        assert_eq!(bits(&alone.values), bits(&whole.values[row * 3..][..3]), "row {row}");
    }
}

#[test]
fn rows_can_be_split_by_a_column_that_an_operator_makes() {
    let place = Place::new();
    let text = CONFIG.replace("valid = [\"valid.csv\"]", "valid_fraction = 0.3\nsplit = \"group:short\"");
    let clip = "[[operators]]\ntype = \"clip\"\ncolumns = [\"duration\"]\ninto = [\"short\"]\nmax = 2\n[model]";
    let config = parse(&text.replace("[model]", clip), &[]).unwrap();
    // With the two groups 1 and 2, one of them validates, or none.
    let made = polyrank_train::dataset::Dataset::open(&config, place.dir.path()).unwrap();
    let count = |part| made.raw(part).unwrap().map(|raw| raw.unwrap().batch.num_rows()).sum::<usize>();
    let (train, valid) = (count(polyrank_train::dataset::Part::Train), count(polyrank_train::dataset::Part::Valid));
    assert_eq!(train + valid, 700);
    assert!([train, valid].iter().any(|rows| *rows < 40), "{train} {valid}");
}
