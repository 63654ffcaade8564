//! Every block of Rust in these documents names a file of the repository, and stands in it.

use crate::blocks::{Block, blocks, read, stands_in, trimmed};

const PAGES: [&str; 5] =
    ["docs/annotated-mmoe.md", "docs/annotated-ple.md", "docs/blocks.md", "docs/tenrec.md", "CONTRIBUTING.md"];

/// Programs that a page holds in full, between marks of the file that runs them.
const PROGRAMS: [(&str, &str); 3] = [
    ("docs/annotated-mmoe.md", "crates/polyrank-model/tests/docs/mmoe.rs"),
    ("docs/annotated-ple.md", "crates/polyrank-model/tests/docs/ple.rs"),
    ("CONTRIBUTING.md", "crates/polyrank-model/tests/docs/own_architecture.rs"),
];
const BEGIN: &str = "// On the page from here";
const END: &str = "// to here.";

fn lines(block: &Block) -> impl Iterator<Item = &str> {
    block.lines.iter().map(String::as_str)
}

#[test]
fn every_snippet_stands_in_the_file_that_it_names() {
    for page in PAGES {
        let rust: Vec<Block> = blocks(page).into_iter().filter(|block| block.language == "rust").collect();
        assert!(rust.len() >= 3, "{page} has {} snippets", rust.len());
        for block in rust {
            let place = &block.place;
            let path = block.note.as_deref().unwrap_or_else(|| panic!("{place}: the line above names no file"));
            let text = read(path);
            let quoted = trimmed(lines(&block));
            assert!(stands_in(&quoted, &trimmed(text.lines())), "{place} is not in {path}");
        }
    }
}

#[test]
fn a_page_holds_its_program_in_full() {
    for (page, path) in PROGRAMS {
        let all = blocks(page);
        let on_page = all.iter().filter(|block| block.note.as_deref() == Some(path)).flat_map(lines);
        let text = read(path);
        let mut program = Vec::new();
        for marked in text.split(BEGIN).skip(1) {
            let (marked, _) = marked.split_once(END).unwrap_or_else(|| panic!("{path}: a mark is not closed"));
            program.extend(marked.lines());
        }
        assert!(!program.is_empty(), "{path} has no marks");
        assert_eq!(trimmed(on_page), trimmed(program), "{page} and {path}");
    }
}

#[test]
fn what_was_changed_does_not_stand_there() {
    let text = ["a", "b", "c", "d"];
    for (quoted, stands) in [
        (&["b", "c"][..], true),
        (&["a", "…", "c"], true),
        (&["// …", "d"], true),
        (&["a", "c"], false),
        (&["c", "…", "a"], false),
        (&["b", "…", "b"], false),
        (&["e"], false),
        (&["…"], false),
        (&[], false),
    ] {
        assert_eq!(stands_in(quoted, &text), stands, "{quoted:?}");
    }
}
