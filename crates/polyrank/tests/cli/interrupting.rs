//! Ctrl-C and SIGTERM stop after a step, with a bundle of what was learned.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::support::Place;

#[test]
fn a_signal_leaves_a_bundle_and_resuming_goes_on() {
    let place = Place::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_polyrank"))
        .args(["train", "config.toml", "--out", "run", "--set", "train.epochs=1000000"])
        .current_dir(place.dir.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("epoch 2:") {
        line.clear();
        assert!(messages.read_line(&mut line).unwrap() > 0, "ended by itself");
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    messages.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{rest}");
    assert!(rest.contains("stopping after this step") && rest.contains("--resume"), "{rest}");
    place.run(&["evaluate", "run/bundle", "valid.csv"]).ok();
    let done = place.read("run/log.jsonl").lines().count();
    assert!(done >= 2);
    let epochs = format!("train.epochs={}", done + 1);
    let resumed = place.run(&["train", "config.toml", "--out", "run", "--set", &epochs, "--resume"]).ok();
    assert!(resumed.err.contains(&format!("resumed after epoch {done}")), "{}", resumed.err);
    assert_eq!(place.read("run/log.jsonl").lines().count(), done + 1);
}
