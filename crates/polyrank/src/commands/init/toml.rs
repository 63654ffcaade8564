//! Texts from the data, safe within TOML whatever they hold.

/// Characters of an example that a comment repeats.
const SHOWN: usize = 40;

/// A TOML string, in double quotes, on one line.
pub(super) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            // What cannot be seen, or turns the line around, should not hide in a configuration.
            c if is_hidden(c) => out.push_str(&format!("\\U{:08X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A list of TOML strings.
pub(super) fn strings<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    format!("[{}]", texts.into_iter().map(|t| string(t.as_ref())).collect::<Vec<_>>().join(", "))
}

/// A text as a comment or a message may repeat it: in back quotes, on one line, and not for pages.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::from("`");
    for c in text.chars().take(SHOWN) {
        if is_hidden(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if text.chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out.push('`');
    out
}

fn is_hidden(c: char) -> bool {
    let mut escaped = c.escape_debug();
    !matches!(c, '"' | '\'' | '\\') && escaped.next() == Some('\\') && escaped.next().is_some()
}

/// A whole number with commas between thousands.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_line() {
        assert_eq!(string("a\"b\\c\n\u{7f}\u{202e}é"), "\"a\\\"b\\\\c\\U0000000A\\U0000007F\\U0000202Eé\"");
        assert_eq!(shown("a\nb\u{85}'\""), "`a\\nb\\u{85}'\"`");
        assert_eq!(shown(&"x".repeat(41)), format!("`{}…`", "x".repeat(40)));
    }

    #[test]
    fn thousands() {
        assert_eq!([0, 999, 1000, 1234567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }
}
