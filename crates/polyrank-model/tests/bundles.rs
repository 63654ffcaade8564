//! Bundles: what was saved comes back to the last bit, and nothing else comes back at all.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use polyrank_data::encode::Encoders;
use polyrank_data::synth::ByteRec;
use polyrank_engine::{Network, Tensor};
use polyrank_model::{Predictor, bundle, network_graph, registry};
use polyrank_schema::Config;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

const CONFIG: &str = r#"
[data]
train = ["rows.parquet"]

[[features]]
name = "uid"
kind = "categorical"
dim  = 4

[[features]]
name    = "item_id"
kind    = "categorical"
dim     = 4
encoder = { type = "hash", buckets = 50 }

[[features]]
name    = "duration_time"
kind    = "dense"
encoder = { type = "min_max" }

[[tasks]]
name = "finish"

[[tasks]]
name = "like"

[model]
batch_norm = true
multi_task = { type = "mmoe", experts = 2, expert_units = [8, 4] }
towers     = { units = [4] }
"#;

struct Saved {
    dir: TempDir,
    rows: RecordBatch,
    scores: Vec<u32>,
}

fn bits(predictor: &Predictor, rows: &RecordBatch) -> Vec<u32> {
    predictor.score(rows).unwrap().values.iter().map(|v| v.to_bits()).collect()
}

fn parts(seed: u64) -> (Config, Encoders, Network<f32>, RecordBatch) {
    parts_of(CONFIG, seed)
}

fn parts_of(config: &str, seed: u64) -> (Config, Encoders, Network<f32>, RecordBatch) {
    let config = polyrank_schema::parse(config, "test.toml", &registry(), &[]).unwrap();
    let rows = ByteRec::new(1).rows(0..200, false);
    let mut fitter = Encoders::fitter(&config, Path::new(".")).unwrap();
    fitter.observe(&rows).unwrap();
    let encoders = fitter.finish().unwrap();
    let graph = network_graph(&config, encoders.layout()).unwrap();
    let mut network = Network::<f32>::new(&graph, seed, None);
    // Statistics that are not what a new network has.
    for tensor in network.layers().into_iter().filter(|t| t.name.ends_with(".mean")) {
        let data = (0..tensor.data.len()).map(|i| i as f32 / 7.0).collect();
        network.set(&Tensor { data, ..tensor }).unwrap();
    }
    (config, encoders, network, rows)
}

/// A folder in memory where there is one: saving waits until the disk has it all.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

fn metrics() -> serde_json::Value {
    json!({ "finish": { "auc": 0.123_456_789_012_345_67, "logloss": null } })
}

impl Saved {
    fn new() -> Saved {
        Saved::of(CONFIG)
    }

    fn of(config: &str) -> Saved {
        let (config, encoders, network, rows) = parts_of(config, 1);
        let dir = folder();
        bundle::save(&dir.path().join("bundle"), &config, &encoders, &network, &metrics()).unwrap();
        let scores = bits(&Predictor::new(config, encoders, network), &rows);
        Saved { dir, rows, scores }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("bundle")
    }

    fn files(&self) -> Vec<String> {
        let mut out = Vec::new();
        for folder in ["", "encoders/", "tables/"] {
            for entry in fs::read_dir(self.path().join(folder)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    out.push(format!("{folder}{}", entry.file_name().to_str().unwrap()));
                }
            }
        }
        out.sort();
        out
    }

    /// The message with which loading is refused; the file or folder to blame is part of it.
    fn refused(&self, parts: &[&str]) {
        let error = bundle::load(&self.path()).err().unwrap_or_else(|| panic!("must be refused: {parts:?}"));
        let message = error.to_string();
        assert!(error.is_input(), "{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "`{message}` lacks one of {parts:?}");
    }

    fn whole(&self) {
        let predictor = Predictor::load(&self.path()).unwrap();
        assert_eq!(bits(&predictor, &self.rows), self.scores);
    }

    /// Changes the manifest and signs it again, as whoever means harm can.
    fn resign(&self, change: impl FnOnce(&mut Manifest)) {
        let path = self.path().join("manifest.json");
        let mut signed: Signed = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut signed.manifest);
        signed.xxh3 = format!("{:016x}", xxh3_64(&serde_json::to_vec(&signed.manifest).unwrap()));
        fs::write(path, serde_json::to_string_pretty(&signed).unwrap() + "\n").unwrap();
    }

    /// Replaces a file and states its new length and checksum.
    fn replace(&self, name: &str, contents: &[u8]) {
        fs::write(self.path().join(name), contents).unwrap();
        self.resign(|manifest| {
            let entry = manifest.files.iter_mut().find(|f| f.name == name).unwrap();
            (entry.bytes, entry.xxh3) = (contents.len() as u64, format!("{:016x}", xxh3_64(contents)));
        });
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}: {text}");
        self.replace(name, text.replace(from, to).as_bytes());
    }
}

#[derive(Serialize, Deserialize)]
struct Signed {
    xxh3: String,
    manifest: Manifest,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format_version: u32,
    precision: String,
    isa: String,
    files: Vec<Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
    xxh3: String,
}

#[test]
fn what_was_saved_comes_back_to_the_last_bit() {
    let saved = Saved::new();
    saved.whole();
    let (config, _, network, _) = parts(1);
    let loaded = bundle::load(&saved.path()).unwrap();
    assert_eq!(loaded.config, config);
    assert_eq!(loaded.metrics, metrics());
    assert_eq!(loaded.network.layers(), network.layers());
    assert_eq!(loaded.network.tables().collect::<Vec<_>>(), network.tables().collect::<Vec<_>>());
    let again = saved.dir.path().join("again");
    bundle::save(&again, &loaded.config, &loaded.encoders, &loaded.network, &loaded.metrics).unwrap();
    for name in saved.files() {
        assert_eq!(fs::read(saved.path().join(&name)).unwrap(), fs::read(again.join(&name)).unwrap(), "{name}");
    }
}

#[test]
fn rows_in_bf16_come_back_from_half_the_bytes() {
    let config = format!("{CONFIG}\n[train]\ntable_precision = \"bf16\"\n");
    let (full, half) = (Saved::new(), Saved::of(&config));
    half.whole();
    let loaded = bundle::load(&half.path()).unwrap();
    let (_, _, network, _) = parts_of(&config, 1);
    assert_eq!(loaded.network.tables().collect::<Vec<_>>(), network.tables().collect::<Vec<_>>());
    for (i, table) in network.tables().enumerate() {
        let bytes = |saved: &Saved| fs::read(saved.path().join(format!("tables/{i:04}.safetensors"))).unwrap();
        let header = |bytes: &[u8]| 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        let (full, half) = (bytes(&full), bytes(&half));
        assert_eq!(full.len() - header(&full), 4 * table.data.len());
        assert_eq!(half.len() - header(&half), 2 * table.data.len());
        // Any reader of safetensors understands them.
        let file = safetensors::SafeTensors::deserialize(&half).unwrap();
        let view = file.tensor(&table.name).unwrap();
        assert_eq!((view.dtype(), view.shape()), (safetensors::Dtype::BF16, &*table.dims));
    }
}

#[test]
fn a_file_cut_off_or_missing_is_named() {
    let saved = Saved::new();
    let files = saved.files();
    assert_eq!(files.len(), 9, "{files:?}");
    for name in files {
        let path = saved.path().join(&name);
        let whole = fs::read(&path).unwrap();
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            saved.refused(&[&name]);
        }
        fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        saved.refused(&[&name]);
        fs::remove_file(&path).unwrap();
        saved.refused(&[&name]);
        fs::write(&path, &whole).unwrap();
    }
    saved.whole();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_byte_in_any_file_is_named(at in 0.0..1.0f64, mask in 1..=255u8) {
        let saved = Saved::new();
        for name in saved.files() {
            let path = saved.path().join(&name);
            let whole = fs::read(&path).unwrap();
            let mut flipped = whole.clone();
            flipped[(at * whole.len() as f64) as usize] ^= mask;
            fs::write(&path, &flipped).unwrap();
            saved.refused(&[&name]);
            fs::write(&path, &whole).unwrap();
        }
        saved.whole();
    }

    /// Whoever flips a byte can sign again: then it may load, or not, but nothing panics.
    #[test]
    fn a_flipped_and_signed_byte_does_no_harm(at in 0.0..1.0f64, mask in 1..=255u8) {
        let saved = Saved::new();
        for name in saved.files().into_iter().filter(|name| name != "manifest.json") {
            let whole = fs::read(saved.path().join(&name)).unwrap();
            let mut flipped = whole.clone();
            flipped[(at * whole.len() as f64) as usize] ^= mask;
            saved.replace(&name, &flipped);
            if let Ok(loaded) = bundle::load(&saved.path()) {
                let predictor = Predictor::new(loaded.config, loaded.encoders, loaded.network);
                let _ = predictor.score(&saved.rows);
            }
            saved.replace(&name, &whole);
        }
        saved.whole();
    }
}

#[test]
fn what_does_not_belong_is_refused() {
    let saved = Saved::new();
    let bundle = saved.path();
    for extra in ["extra.bin", "tables/0009.safetensors", "encoders/more.json"] {
        fs::write(bundle.join(extra), "x").unwrap();
        saved.refused(&[extra, "does not belong"]);
        fs::remove_file(bundle.join(extra)).unwrap();
    }
    fs::create_dir_all(bundle.join("tables/deeper")).unwrap();
    saved.refused(&["deeper", "does not belong"]);
    fs::remove_dir(bundle.join("tables/deeper")).unwrap();
    saved.whole();
}

#[cfg(unix)]
#[test]
fn links_are_refused() {
    use std::os::unix::fs::symlink;
    let saved = Saved::new();
    let outside = saved.dir.path().join("outside");
    for name in ["weights.safetensors", "tables", "encoders", "manifest.json"] {
        let path = saved.path().join(name);
        fs::rename(&path, &outside).unwrap();
        symlink(&outside, &path).unwrap();
        saved.refused(&[name, "does not belong"]);
        fs::remove_file(&path).unwrap();
        fs::rename(&outside, &path).unwrap();
    }
    saved.whole();
}

#[test]
fn a_manifest_cannot_lead_elsewhere() {
    let saved = Saved::new();
    let secret = saved.dir.path().join("secret.json");
    fs::write(&secret, "{}").unwrap();
    let whole = fs::read(saved.path().join("manifest.json")).unwrap();
    for name in ["../secret.json", secret.to_str().unwrap(), "tables/../../secret.json", "", ".", "manifest.json"] {
        saved.resign(|manifest| manifest.files.push(Entry { name: name.to_owned(), bytes: 2, xxh3: "0".repeat(16) }));
        saved.refused(&[&saved.path().display().to_string()]);
        fs::write(saved.path().join("manifest.json"), &whole).unwrap();
    }
    saved.resign(|manifest| manifest.files.extend(manifest.files.clone().into_iter().take(1)));
    saved.refused(&["manifest.json", "twice"]);
    fs::write(saved.path().join("manifest.json"), &whole).unwrap();
    saved.whole();
}

#[test]
fn another_format_is_named() {
    let saved = Saved::new();
    saved.resign(|manifest| manifest.format_version = 2);
    saved.refused(&["manifest.json", "format version 2", "newer"]);
    saved.resign(|manifest| (manifest.format_version, manifest.precision) = (1, "int3".to_owned()));
    saved.refused(&["manifest.json", "int3"]);
    // Scores would change: the configuration says in what they were trained.
    saved.resign(|manifest| manifest.precision = "bf16".to_owned());
    saved.refused(&["schema.json", "fp32", "bf16"]);
    saved.resign(|manifest| manifest.precision = "fp32".to_owned());
    saved.whole();
}

#[test]
fn a_bundle_allocates_no_more_than_its_files_hold() {
    let saved = Saved::new();
    // Both say that the table has 2^31 rows; no table of that size is there.
    saved.edit("schema.json", "\"buckets\": 50", "\"buckets\": 2147483648");
    saved.edit("encoders/0001-item_id.json", "\"buckets\": 50", "\"buckets\": 2147483648");
    saved.refused(&["files hold", "bytes"]);
    let saved = Saved::new();
    saved.edit("schema.json", "\"dim\": 4", "\"dim\": 4096");
    saved.refused(&["files hold", "bytes"]);
    // A length that is only stated.
    let saved = Saved::new();
    saved.resign(|manifest| manifest.files.iter_mut().for_each(|f| f.bytes = 1 << 60));
    saved.refused(&["bytes long"]);
}

#[test]
fn contents_that_contradict_each_other_are_refused() {
    for (name, from, to) in [
        ("schema.json", "\"finish\"", "\"finis\\u0000h\""),
        ("schema.json", "\"experts\": 2", "\"experts\": -2"),
        ("schema.json", "\"mmoe\"", "\"mmo\""),
        ("encoders/0001-item_id.json", "\"buckets\": 50", "\"buckets\": 49"),
        ("encoders/0000-uid.json", "\"rows_missing\": 0", "\"rows_missing\": 201"),
        ("metrics.json", "{", "["),
    ] {
        let saved = Saved::new();
        saved.edit(name, from, to);
        saved.refused(&[name]);
    }
    let saved = Saved::new();
    saved.replace("schema.json", "[".repeat(1 << 20).as_bytes());
    saved.refused(&["schema.json"]);
    let saved = Saved::new();
    let table = fs::read(saved.path().join("tables/0000.safetensors")).unwrap();
    saved.replace("tables/0001.safetensors", &table);
    saved.refused(&["is missing"]);
    let saved = Saved::new();
    let mut weights = fs::read(saved.path().join("weights.safetensors")).unwrap();
    let end = weights.len();
    weights[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    saved.replace("weights.safetensors", &weights);
    saved.refused(&["weights.safetensors", "NaN"]);
}

#[test]
fn what_is_no_bundle_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [dir.path(), &file, Path::new("/nowhere/at/all")] {
        let message = bundle::load(path).unwrap_err().to_string();
        assert!(message.contains(path.to_str().unwrap()) && message.contains("no bundle"), "{message}");
    }
}

#[test]
fn a_save_that_fails_leaves_the_old_bundle_and_nothing_else() {
    let saved = Saved::new();
    let (config, encoders, mut network, _) = parts(2);
    let names = || {
        let mut names: Vec<_> = fs::read_dir(saved.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    // A weight that no bundle may hold: found when half of the bundle is written.
    let table = network.tables().last().unwrap();
    network.set(&Tensor { data: vec![f32::INFINITY; table.data.len()], ..table }).unwrap();
    let error = bundle::save(&saved.path(), &config, &encoders, &network, &metrics()).unwrap_err();
    assert!(error.to_string().contains("holds inf"), "{error}");
    assert_eq!(names(), ["bundle"]);
    saved.whole();
    // The new bundle's temporary place is taken.
    let (config, encoders, network, _) = parts(2);
    let taken = saved.dir.path().join(format!(".bundle.new-{}", std::process::id()));
    fs::write(&taken, "").unwrap();
    assert!(bundle::save(&saved.path(), &config, &encoders, &network, &metrics()).is_err());
    saved.whole();
    fs::remove_file(taken).unwrap();
    bundle::save(&saved.path(), &config, &encoders, &network, &metrics()).unwrap();
    assert_eq!(names(), ["bundle"]);
    assert_ne!(bits(&Predictor::load(&saved.path()).unwrap(), &saved.rows), saved.scores);
}
