//! The annotated pages: their commands run as written, one page after the other, and print what the pages quote.

use crate::blocks::{blocks, stands_in, trimmed};
use crate::support::Place;

/// The words of a command, as a shell reads them: 'what is quoted' is one word.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in command.split('\'').enumerate() {
        if i % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn the_commands_run_as_written_and_print_what_is_quoted() {
    let place = Place::new();
    let pages = ["docs/annotated-mmoe.md", "docs/annotated-ple.md"];
    let runs: Vec<Run> = pages.into_iter().map(|page| run(&place, page, |command| command)).collect();
    let (commands, quoted) = runs.iter().fold((0, 0), |sums, run| (sums.0 + run.commands, sums.1 + run.quoted));
    assert!(commands >= 6 && quoted >= 4, "{commands} commands, {quoted} quoted");
}

/// On fewer rows than the page has, in smaller batches, so the page's figures are not compared.
#[test]
fn four_networks_learn_tenrec_rows() {
    let place = Place::new();
    let done = run(&place, "docs/tenrec.md", |command| {
        let command = command.replace("--rows 4000000", "--rows 30000");
        command.replace("train tenrec.toml", "train tenrec.toml --set train.batch_size=32")
    });
    assert_eq!(done.commands, 9);
    assert!(crate::blocks::read("examples/tenrec.toml").ends_with(&place.read("tenrec.toml")));
    for model in ["shared_bottom", "mmoe", "cgc", "ple"] {
        let bundle = format!("{model}/bundle");
        let text = place.run(&["evaluate", &bundle, "tenrec-valid.parquet", "--truth", "--json"]).ok().out;
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let of = |key: &str, task: &str, metric: &str| json[key][task][metric].as_f64().unwrap();
        // Six thousand rows are enough to measure a click and a like; a share is too rare.
        for task in ["click", "like"] {
            assert!(of("tasks", task, "auc") > 0.6 && of("regret", task, "auc") > 0.0, "{model}: {text}");
            assert!(of("truth", task, "auc") > 0.78, "{text}");
        }
        assert!(of("regret", "watching_times", "rmse") > 0.0, "{model}: {text}");
    }
}

/// What a page held.
struct Run {
    commands: usize,
    /// Outputs and files that were compared.
    quoted: usize,
}

/// Saves a page's files and runs its commands in order, each as `edit` has it.
fn run(place: &Place, page: &str, edit: impl Fn(String) -> String) -> Run {
    let mut run = Run { commands: 0, quoted: 0 };
    for block in blocks(page) {
        let (at, lines) = (&block.place, block.lines.iter().map(String::as_str));
        let note = block.note.as_deref().unwrap_or_default();
        if let Some(file) = note.strip_prefix("save as ") {
            place.write(file, &(block.lines.join("\n") + "\n"));
        } else if let Some(file) = note.strip_prefix("in ") {
            let text = place.read(file);
            assert!(stands_in(&trimmed(lines), &trimmed(text.lines())), "{at}, but {file} is\n{text}");
            run.quoted += 1;
        } else if block.language == "console" {
            for command in block.lines.join("\n").split("$ ").skip(1) {
                let (command, output) = command.split_once('\n').unwrap_or((command, ""));
                let words = words(&edit(command.to_owned()));
                assert_eq!(words[0], "polyrank", "{at}");
                let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
                let outcome = place.run(&arguments).ok();
                run.commands += 1;
                let expected = trimmed(output.lines());
                if !expected.is_empty() {
                    let out = &outcome.out;
                    assert!(stands_in(&expected, &trimmed(out.lines())), "{at}: `{command}` prints\n{out}");
                    run.quoted += 1;
                }
            }
        } else {
            assert!(block.language != "sh" && block.language != "bash", "{at}: commands go into console blocks");
        }
    }
    run
}
