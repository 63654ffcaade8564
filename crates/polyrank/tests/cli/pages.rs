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
    let (mut commands, mut quoted) = (0, 0);
    for page in ["docs/annotated-mmoe.md", "docs/annotated-ple.md"] {
        for block in blocks(page) {
            let (at, lines) = (&block.place, block.lines.iter().map(String::as_str));
            let note = block.note.as_deref().unwrap_or_default();
            if let Some(file) = note.strip_prefix("save as ") {
                place.write(file, &(block.lines.join("\n") + "\n"));
            } else if let Some(file) = note.strip_prefix("in ") {
                let text = place.read(file);
                assert!(stands_in(&trimmed(lines), &trimmed(text.lines())), "{at}, but {file} is\n{text}");
                quoted += 1;
            } else if block.language == "console" {
                for command in block.lines.join("\n").split("$ ").skip(1) {
                    let (command, output) = command.split_once('\n').unwrap_or((command, ""));
                    let words = words(command);
                    assert_eq!(words[0], "polyrank", "{at}");
                    let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
                    let outcome = place.run(&arguments).ok();
                    commands += 1;
                    let expected = trimmed(output.lines());
                    if !expected.is_empty() {
                        let out = &outcome.out;
                        assert!(stands_in(&expected, &trimmed(out.lines())), "{at}: `{command}` prints\n{out}");
                        quoted += 1;
                    }
                }
            } else {
                assert!(block.language != "sh" && block.language != "bash", "{at}: commands go into console blocks");
            }
        }
    }
    assert!(commands >= 6 && quoted >= 4, "{commands} commands, {quoted} quoted");
}
