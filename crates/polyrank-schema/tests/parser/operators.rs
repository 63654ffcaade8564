//! Operators: which columns become which, and what no configuration may do with them.

use polyrank_schema::operator::{Effect, always, never};
use polyrank_schema::spec::{OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, Config, OperatorSpec, OptionSpec, Registry, SetOverride, Step};
use serde_json::json;

use crate::common::REGISTRY;

const COLUMNS: OptionSpec =
    OptionSpec { key: "columns", kind: OptionKind::Columns, default: OptionDefault::Required, doc: "" };
const INTO: OptionSpec =
    OptionSpec { key: "into", kind: OptionKind::Columns, default: OptionDefault::Required, doc: "" };
const ON: OptionSpec = OptionSpec { key: "on", kind: OptionKind::Column, default: OptionDefault::Required, doc: "" };

/// Makes `into` of all `columns`.
fn made(block: &Block) -> Vec<Step> {
    vec![Step::new(block.names("columns").to_vec(), block.names("into").to_vec())]
}

const fn operator(name: &'static str, options: &'static [OptionSpec], steps: fn(&Block) -> Vec<Step>) -> OperatorSpec {
    let block = BlockSpec { name, doc: "", options, check: no_further_check };
    OperatorSpec { block, steps, fits: never, hides_labels: never }
}

/// `make` needs no fitting, `encode` is fitted on labels that it hides, `move` drops what it reads, `keep` chooses rows.
const OPERATORS: &[OperatorSpec] = &[
    operator("make", &[COLUMNS, INTO], made),
    OperatorSpec {
        fits: always,
        hides_labels: always,
        ..operator("encode", &[COLUMNS, ON, INTO], |block| {
            vec![Step { fits_on: vec![block.text("on").to_owned()], ..made(block).remove(0) }]
        })
    },
    OperatorSpec { fits: always, ..operator("fit", &[COLUMNS, INTO], made) },
    operator("move", &[COLUMNS, INTO], |block| {
        vec![Step { drops: block.names("columns").to_vec(), ..made(block).remove(0) }]
    }),
    operator("keep", &[COLUMNS], |block| {
        vec![Step { reads: block.names("columns").to_vec(), effect: Effect::Rows, ..Step::default() }]
    }),
];

fn registry() -> Registry<'static> {
    Registry { operators: OPERATORS, ..REGISTRY }
}

fn read(operators: &str, feature: &str, data: &str, sets: &[&str]) -> Result<Config, String> {
    let text = format!(
        "[data]\ntrain = \"train.csv\"\n{data}\n{operators}\n[[features]]\nname = \"f\"\nkind = \"categorical\"\n\
         column = \"{feature}\"\n[[tasks]]\nname = \"like\"\n"
    );
    let sets: Vec<SetOverride> = sets.iter().map(|set| SetOverride::parse(set).unwrap()).collect();
    polyrank_schema::parse(&text, "t.toml", &registry(), &sets).map_err(|errors| errors.to_string())
}

fn entry(kind: &str, options: &str) -> String {
    format!("[[operators]]\ntype = \"{kind}\"\n{options}\n")
}

#[test]
fn raw_columns_are_traced_through_operators() {
    let operators = entry("make", "columns = [\"a\", \"b\"]\ninto = \"ab\"")
        + &entry("encode", "columns = [\"ab\"]\non = \"like\"\ninto = \"x\"")
        + &entry("keep", "columns = [\"when\"]")
        + &entry("make", "columns = [\"unused\"]\ninto = \"y\"");
    let config = read(&operators, "x", "", &[]).unwrap();
    assert_eq!(config.columns_needed(false), ["a", "b"]);
    assert_eq!(config.columns_needed(true), ["like", "when", "a", "b"]);
    assert_eq!(config.columns_to_fit(), ["like", "when", "a", "b"]);
    assert_eq!(config.trace_applied(true).uses, [true, true, true, false]);
    // Stored and read again, it is the same; and steps that its options do not have are refused.
    let mut stored = serde_json::to_value(&config).unwrap();
    assert_eq!(Config::from_json(&stored.to_string(), "schema.json", &registry()).unwrap(), config);
    stored["operators"][0]["steps"][0]["reads"] = json!(["a"]);
    let error = Config::from_json(&stored.to_string(), "schema.json", &registry()).unwrap_err().to_string();
    assert_eq!(error, "schema.json: operators[1].steps: not those of its options");
}

#[test]
fn columns_in_place_keep_their_raw_ones() {
    let operators =
        entry("make", "columns = [\"x\", \"z\"]\ninto = \"x\"") + &entry("make", "columns = \"x\"\ninto = \"x\"");
    assert_eq!(read(&operators, "x", "", &[]).unwrap().columns_needed(false), ["x", "z"]);
}

#[test]
fn what_does_not_fit_together_is_named() {
    let label =
        "\"x\" is made of \"like\", the label of the task \"like\": a feature that reads it gives the answer away";
    let cases = [
        (entry("make", "columns = [\"like\", \"a\"]\ninto = \"x\""), "", label),
        (
            entry("fit", "columns = [\"like\"]\ninto = \"y\"") + &entry("make", "columns = \"y\"\ninto = \"x\""),
            "",
            label,
        ),
        (
            entry("make", "columns = \"y\"\ninto = \"x\"") + &entry("make", "columns = \"a\"\ninto = \"y\""),
            "",
            "t.toml:6: operators[1].columns: \"y\" is made by `operators[2]`, which comes later; move that one up",
        ),
        (
            entry("make", "columns = \"a\"\ninto = \"x\"") + &entry("make", "columns = \"b\"\ninto = \"x\""),
            "",
            "operators[2].into: there is a column \"x\" already, by `operators[1]`; name another",
        ),
        (
            entry("move", "columns = \"a\"\ninto = \"x\"") + &entry("make", "columns = \"a\"\ninto = \"y\""),
            "",
            "operators.make.columns: \"a\" is no longer there after `operators.move`",
        ),
        (
            entry("make", "columns = \"aa\"\ninto = \"x\""),
            "columns = [\"a\", \"like\"]",
            "operators.make.columns: `data.columns` has no column \"aa\"",
        ),
        (
            entry("make", "columns = \"a\"\ninto = \"x\""),
            "columns = [\"a\", \"x\", \"like\"]",
            "operators.make.into: there is a column \"x\" already, by `data.columns`; name another",
        ),
        (
            entry("fit", "columns = \"a\"\ninto = \"x\""),
            "valid_fraction = 0.5\nsplit = \"group:x\"",
            "data.split: \"x\" is made by `operators.fit`, which is fitted on the training rows",
        ),
        (entry("mak", "columns = \"a\"\ninto = \"x\""), "", "unknown type \"mak\"; did you mean \"make\"?"),
        (entry("make", "columns = \" a\"\ninto = \"x\""), "", "operators.make.columns: expected the names of"),
        ("[[operators]]\ncolumns = \"a\"\n".to_owned(), "", "operators[1].type: missing; set it to one of \"make\""),
        ("[operators]\ntype = \"make\"\n".to_owned(), "", "operators: expected a list of tables"),
        (
            entry("make", "name = \"fit\"\ncolumns = \"a\"\ninto = \"x\"")
                + &entry("fit", "columns = \"a\"\ninto = \"y\""),
            "",
            "another operator is called \"fit\"",
        ),
    ];
    for (operators, data, expected) in cases {
        let error = read(&operators, "x", data, &[]).map(|_| ()).unwrap_err();
        assert!(error.contains(expected), "{operators}\n{error}");
    }
}

#[test]
fn labels_may_be_made_of_labels_and_hidden_ones_reach_features() {
    let own = entry("make", "columns = [\"play\", \"length\"]\ninto = \"like\"");
    assert_eq!(read(&own, "length", "", &[]).unwrap().columns_needed(true), ["length", "play"]);
    let hidden = entry("encode", "columns = [\"a\"]\non = \"like\"\ninto = \"x\"");
    assert!(read(&hidden, "x", "", &[]).is_ok());
    // What it reads of every row is not hidden.
    let read_too = entry("encode", "columns = [\"like\"]\non = \"like\"\ninto = \"x\"");
    assert!(read(&read_too, "x", "", &[]).is_err());
}

#[test]
fn overrides_go_by_name_or_type() {
    let operators = entry("make", "columns = \"a\"\ninto = \"x\"") + &entry("keep", "name = \"few\"\ncolumns = \"a\"");
    let config = read(&operators, "x", "", &["operators.make.columns=b", "operators.few.columns=c"]).unwrap();
    assert_eq!(config.columns_needed(true), ["like", "c", "b"]);
    let unknown = read(&operators, "x", "", &["operators.keep.columns=b"]).unwrap_err();
    assert!(unknown.contains("no operator is called \"keep\""), "{unknown}");
    let two = operators.clone() + &entry("make", "columns = \"a\"\ninto = \"z\"");
    let error = read(&two, "x", "", &["operators.make.columns=b"]).unwrap_err();
    assert!(error.contains("2 operators are called \"make\"; give each a `name` of its own"), "{error}");
}
