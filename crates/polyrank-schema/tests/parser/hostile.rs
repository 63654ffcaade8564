//! Nothing that a file, a `--set` or a stored configuration can say makes the parser panic.

use crate::common::{self, BASE, EXAMPLE, REGISTRY};
use polyrank_schema::{Config, SetOverride, parse};
use proptest::prelude::*;

/// Pieces that mutations put in: keys, values and syntax of every kind.
const PIECES: &[&str] = &[
    "names = ['a','b']",
    "table = 'uid'",
    "kind = 'vector'",
    "kind = 'dense'",
    "encoder = 'hash'",
    "dim = -1",
    "size = 1e9",
    "[[features]]",
    "[[tasks]]",
    "[model]",
    "[train]",
    "[data]",
    "= ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\n",
    ",",
    ".",
    "preset = 'deepctr'",
    "preset = 'x'",
    "1e999",
    "nan",
    "-inf",
    "0x7fffffffffffffffffffffffffffffff",
    "1979-05-27",
    "true",
    "list = true",
    "list = {}",
    "names = []",
    "positive = []",
    "positive = [nan]",
    "loss = 'huber'",
    "ü",
    "\u{0}",
    "split = 'group:'",
    "valid_fraction = 0.5",
    "early_stopping = {}",
    "best_metric = '.'",
    "multi_task = {}",
    "model = 3",
    "features = 3",
    "tasks = [1]",
    "a.b.c = 1",
    "name = ''",
    "column = ''",
    "best_metric = ''",
    "table = ''",
    "columns = ['']",
    "columns = []",
    "train = ''",
    "name = ' x'",
    "positive = ' '",
    "#",
];

const SETS: &[&str] = &[
    "features.dim=16",
    "features.uid.dim=3",
    "features.encoder={type='hash',buckets=3}",
    "features.encoder.min_count=2",
    "features=[]",
    "tasks.weight=2",
    "tasks.like.weight=0",
    "model.multi_task=single",
    "model.multi_task.experts=4",
    "data=3",
    "train.optimizer.learning_rate=1",
    "features.uid={}",
    "tasks.name=x",
    "features.x.y.z=1",
];

fn mutated(text: &str, edits: &[(usize, usize, usize)]) -> String {
    let mut text = text.to_owned();
    for (at, drop, piece) in edits {
        let mut start = at % (text.len() + 1);
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = (start + drop).min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        text.replace_range(start..end, PIECES[piece % PIECES.len()]);
    }
    text
}

/// Parses; what parses must hold to all that a stored configuration is checked for.
fn try_parse(text: &str, sets: &[SetOverride]) {
    match parse(text, "c.toml", &REGISTRY, sets) {
        Ok(config) => {
            config.check(&REGISTRY).unwrap_or_else(|e| panic!("parsed, yet not valid: {e}\n{text}"));
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(Config::from_json(&json, "c.json", &REGISTRY).unwrap(), config);
        }
        Err(errors) => {
            assert!(!errors.problems.is_empty());
            assert_eq!(errors.to_string().lines().count(), errors.problems.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        try_parse(&String::from_utf8_lossy(&bytes), &[]);
    }

    #[test]
    fn random_mutations(
        base in any::<bool>(),
        edits in prop::collection::vec((any::<usize>(), 0usize..12, any::<usize>()), 0..6),
        sets in prop::collection::vec(0..SETS.len(), 0..3),
    ) {
        let sets: Vec<SetOverride> = sets.iter().map(|i| SetOverride::parse(SETS[*i]).unwrap()).collect();
        try_parse(&mutated(if base { BASE } else { EXAMPLE }, &edits), &sets);
    }

    #[test]
    fn random_lines(lines in prop::collection::vec(0..PIECES.len(), 0..12), at in any::<usize>()) {
        let mut all: Vec<&str> = EXAMPLE.lines().collect();
        for (i, piece) in lines.iter().enumerate() {
            all.insert((at / (i + 1)) % all.len(), PIECES[*piece]);
        }
        try_parse(&all.join("\n"), &[]);
    }

    #[test]
    fn random_overrides(text in "\\PC{0,40}", value in "\\PC{0,20}") {
        let texts =
            [text.clone(), format!("features.{text}={value}"), format!("train.seed={value}"), format!("{text}=1")];
        for text in texts {
            if let Ok(set) = SetOverride::parse(&text) {
                try_parse(BASE, &[set]);
            }
        }
    }

    #[test]
    fn random_stored_configurations(edits in prop::collection::vec((any::<usize>(), any::<usize>()), 1..5)) {
        const VALUES: &[&str] = &["null", "-1", "1e300", "\"\"", "[]", "{}", "0", "\"uid\"", "true", "1.5"];
        let config = common::parse(EXAMPLE, &[]);
        let mut json = serde_json::to_value(&config).unwrap();
        for (at, value) in edits {
            let paths = leaves(&json, String::new());
            let value = serde_json::from_str(VALUES[value % VALUES.len()]).unwrap();
            *json.pointer_mut(&paths[at % paths.len()]).unwrap() = value;
        }
        let _ = Config::from_json(&json.to_string(), "c.json", &REGISTRY);
    }
}

fn leaves(json: &serde_json::Value, at: String) -> Vec<String> {
    let mut all = vec![at.clone()];
    match json {
        serde_json::Value::Object(map) => {
            all.extend(map.iter().flat_map(|(key, value)| leaves(value, format!("{at}/{key}"))));
        }
        serde_json::Value::Array(items) => {
            all.extend(items.iter().enumerate().flat_map(|(i, value)| leaves(value, format!("{at}/{i}"))));
        }
        _ => {}
    }
    all
}

#[test]
fn depth_is_bounded() {
    let deep = [
        format!("{} = 1", vec!["a"; 200_000].join(".")),
        format!("[{}]", vec!["a"; 200_000].join(".")),
        format!("[[{}]]", vec!["a"; 200_000].join(".")),
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}{}", "[".repeat(200_000), "]".repeat(200_000)),
        format!("a = {}", "{a=".repeat(200_000)),
        format!("[data]\n{0} = 1\n{0}.a = 1", vec!["a"; 79].join(".")),
    ];
    for text in deep {
        try_parse(&text, &[]);
        assert!(SetOverride::parse(&text).is_err() || text.starts_with("a = ") || text.len() < 400);
        assert!(Config::from_json(&text, "c.json", &REGISTRY).is_err());
    }
    assert!(Config::from_json(&"[".repeat(200_000), "c.json", &REGISTRY).is_err());
}

#[test]
fn many_entries_take_bounded_time() {
    let started = std::time::Instant::now();
    let names: Vec<String> = (0..200_000).map(|i| format!("'n{i}'")).collect();
    let tasks: String = (0..100_000).map(|i| format!("[[tasks]]\nname='t{i}'\n")).collect();
    let features: String = (0..100_000).map(|i| format!("[[features]]\nname='f{i}'\ntable='g{i}'\n")).collect();
    let keys: String = (0..200_000).map(|i| format!("k{i} = 1\n")).collect();
    for text in [format!("[[features]]\nnames=[{}]\n", names.join(",")), tasks, features, keys] {
        try_parse(&text, &[]);
    }
    assert!(started.elapsed().as_secs() < 60, "took {:?}", started.elapsed());
    let large = format!("# {}", "x".repeat(17 << 20));
    assert!(parse(&large, "c.toml", &REGISTRY, &[]).unwrap_err().to_string().contains("at most 16777216 are read"));
}
