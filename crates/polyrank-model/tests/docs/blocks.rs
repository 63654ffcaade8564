//! Fenced blocks of the documents.

use std::path::PathBuf;

/// A fenced block.
pub(crate) struct Block {
    /// Where it is, for messages.
    pub(crate) place: String,
    /// What follows the fence: `rust`, `console`, …
    pub(crate) language: String,
    /// The text of an HTML comment on the line above.
    pub(crate) note: Option<String>,
    /// Its lines.
    pub(crate) lines: Vec<String>,
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The blocks of a document, in order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let text = read(page);
    let mut blocks = Vec::new();
    let (mut above, mut open) = ("", None);
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let note = above.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
                let (language, note) = (language.to_owned(), note.map(str::to_owned));
                open = Some(Block { place: format!("{page}:{}", number + 1), language, note, lines: Vec::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
        above = line;
    }
    assert!(open.is_none() && !blocks.is_empty(), "{page}: no blocks, or one without an end");
    blocks
}

/// Lines as they are compared: trimmed, empty ones left out.
pub(crate) fn trimmed<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    lines.into_iter().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// Whether `quoted` stands in `text`: its parts between lines `…` in this order, each without a gap.
pub(crate) fn stands_in(quoted: &[&str], text: &[&str]) -> bool {
    let is_gap = |line: &&str| matches!(*line, "…" | "// …" | "# …");
    let mut from = 0;
    for part in quoted.split(is_gap).filter(|part| !part.is_empty()) {
        match text[from..].windows(part.len()).position(|window| window == part) {
            Some(at) => from += at + part.len(),
            None => return false,
        }
    }
    !quoted.iter().all(is_gap)
}
