//! Protocol buffers' text format: a message as a tree of fields, without knowing which fields it may have.
//!
//! <https://protobuf.dev/reference/protobuf/textformat-spec/>

use super::super::SchemaError;
use crate::error::printable;

/// Messages within messages.
const DEPTH: usize = 32;
/// Fields of all messages together.
const FIELDS: usize = 1_000_000;

/// One field of a message.
#[derive(Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) value: Value,
}

/// What a field holds.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    /// A text or bytes, without the quotes and escapes.
    Bytes(Vec<u8>),
    /// A number, a name, true or false, as it was written; `-` and what it belongs to are one word.
    Word(String),
    Message(Vec<Field>),
}

/// Reads a message that is not within another.
pub(super) fn read(text: &str) -> Result<Vec<Field>, SchemaError> {
    let mut reader = Reader { text: text.as_bytes(), at: 0, line: 1, fields: 0 };
    reader.message(None, 0)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
    fields: usize,
}

impl Reader<'_> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T, SchemaError> {
        Err(SchemaError::at(self.line, message))
    }

    /// The next byte that is no space and no comment.
    fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                b'#' => {
                    let rest = &self.text[self.at..];
                    self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                    continue;
                }
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c => {}
                _ => return Some(byte),
            }
            self.at += 1;
        }
        None
    }

    fn take(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    fn found(&mut self) -> String {
        match self.peek() {
            None => "the end of the file".to_owned(),
            Some(byte) if byte.is_ascii_graphic() => format!("`{}`", byte as char),
            Some(byte) => format!("the byte {byte:#04x}"),
        }
    }

    /// The fields up to `end`, which is the end of the file if there is none.
    fn message(&mut self, end: Option<u8>, depth: usize) -> Result<Vec<Field>, SchemaError> {
        if depth > DEPTH {
            return self.fail(format!("more than {DEPTH} messages within each other"));
        }
        let mut fields = Vec::new();
        loop {
            match (self.peek(), end) {
                (None, None) => return Ok(fields),
                (None, Some(end)) => {
                    return self.fail(format!("the file ends within a message: `{}` is missing", end as char));
                }
                (Some(byte), Some(end)) if byte == end => {
                    self.at += 1;
                    return Ok(fields);
                }
                _ => self.field(&mut fields, depth)?,
            }
            let _ = self.take(b',') || self.take(b';');
        }
    }

    fn field(&mut self, fields: &mut Vec<Field>, depth: usize) -> Result<(), SchemaError> {
        let name = self.name()?;
        let colon = self.take(b':');
        if self.take(b'[') {
            // A list is its items under one name.
            while !self.take(b']') {
                self.value(&name, true, fields, depth)?;
                if !self.take(b',') && self.peek() != Some(b']') {
                    let found = self.found();
                    return self.fail(format!("expected `,` or `]` in the list of `{name}`, found {found}"));
                }
            }
            return Ok(());
        }
        self.value(&name, colon, fields, depth)
    }

    /// A field's name; that of an extension or of an expanded `Any` stands in brackets.
    fn name(&mut self) -> Result<String, SchemaError> {
        let bracketed = self.take(b'[');
        let within = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || (bracketed && matches!(b, b'.' | b'/' | b'-'));
        let name = self.word(within);
        if name.is_empty() || (bracketed && !self.take(b']')) {
            let found = self.found();
            return self.fail(format!("expected the name of a field, found {found}; is this protobuf text?"));
        }
        Ok(name)
    }

    fn word(&mut self, within: impl Fn(u8) -> bool) -> String {
        self.peek();
        let start = self.at;
        while self.text.get(self.at).is_some_and(|b| within(*b)) {
            self.at += 1;
        }
        self.text[start..self.at].iter().map(|b| *b as char).collect()
    }

    fn value(&mut self, name: &str, colon: bool, fields: &mut Vec<Field>, depth: usize) -> Result<(), SchemaError> {
        self.fields += 1;
        if self.fields > FIELDS {
            return self.fail(format!("more than {FIELDS} fields"));
        }
        let next = self.peek();
        let line = self.line;
        let value = match next {
            Some(open @ (b'{' | b'<')) => {
                self.at += 1;
                Value::Message(self.message(Some(if open == b'{' { b'}' } else { b'>' }), depth + 1)?)
            }
            _ if !colon => {
                let found = self.found();
                return self.fail(format!("expected `:` or `{{` after `{}`, found {found}", printable(name)));
            }
            Some(quote @ (b'"' | b'\'')) => Value::Bytes(self.texts(quote)?),
            _ => {
                let sign = if self.take(b'-') { "-" } else { "" };
                let word = self.word(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'+' | b'-'));
                if word.is_empty() {
                    let found = self.found();
                    return self.fail(format!("expected a value of `{}`, found {found}", printable(name)));
                }
                Value::Word(format!("{sign}{word}"))
            }
        };
        fields.push(Field { name: name.to_owned(), line, value });
        Ok(())
    }

    /// A text in quotes, and those that follow it: they are one.
    fn texts(&mut self, quote: u8) -> Result<Vec<u8>, SchemaError> {
        let mut bytes = Vec::new();
        let mut next = Some(quote);
        while let Some(quote @ (b'"' | b'\'')) = next {
            self.at += 1;
            self.text_until(quote, &mut bytes)?;
            next = self.peek();
        }
        Ok(bytes)
    }

    fn text_until(&mut self, quote: u8, bytes: &mut Vec<u8>) -> Result<(), SchemaError> {
        loop {
            let Some(&byte) = self.text.get(self.at) else { return self.fail("the file ends within a text") };
            self.at += 1;
            match byte {
                b'\n' => return self.fail("a line ends within a text; write \\n for a line end"),
                b'\\' => self.escape(bytes)?,
                byte if byte == quote => return Ok(()),
                byte => bytes.push(byte),
            }
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), SchemaError> {
        let letter = self.text.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        match letter {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'v' => bytes.push(11),
            b'\\' | b'\'' | b'"' | b'?' => bytes.push(letter),
            b'0'..=b'7' => {
                self.at -= 1;
                let code = self.digits(8, 1, 3)?;
                match u8::try_from(code) {
                    Ok(byte) => bytes.push(byte),
                    Err(_) => return self.fail("an octal escape above \\377 is no byte"),
                }
            }
            b'x' | b'X' => bytes.push(self.digits(16, 1, 2)? as u8),
            b'u' | b'U' => {
                let length = if letter == b'u' { 4 } else { 8 };
                match char::from_u32(self.digits(16, length, length)?) {
                    Some(c) => bytes.extend(c.to_string().as_bytes()),
                    None => return self.fail("an escape that is no character"),
                }
            }
            _ => return self.fail("an unknown escape in a text; write \\\\ for a backslash"),
        }
        Ok(())
    }

    fn digits(&mut self, radix: u32, least: usize, most: usize) -> Result<u32, SchemaError> {
        let (mut code, mut count) = (0, 0);
        while count < most
            && let Some(digit) = self.text.get(self.at).and_then(|b| (*b as char).to_digit(radix))
        {
            code = code * radix + digit;
            (self.at, count) = (self.at + 1, count + 1);
        }
        if count < least { self.fail("an escape with too few digits") } else { Ok(code) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: Value) -> Field {
        Field { name: name.to_owned(), line: 1, value }
    }

    fn word(text: &str) -> Value {
        Value::Word(text.to_owned())
    }

    #[test]
    fn every_way_to_write_a_field() {
        let read = |text: &str| read(text).unwrap();
        let ones = || vec![field("a", word("1"))];
        for text in ["a:1", "a : 1;", "a:1,", "\ta:1 # c"] {
            assert_eq!(read(text), ones(), "{text}");
        }
        for text in ["m{a:1}", "m:{a:1}", "m <a:1>", "m: < a: 1 >;"] {
            assert_eq!(read(text), [field("m", Value::Message(ones()))], "{text}");
        }
        assert_eq!(read("a: [1, - 2]"), [field("a", word("1")), field("a", word("-2"))]);
        assert_eq!(read("m [{a:1}, {}]").len(), 2);
        assert_eq!(read("a: []"), []);
        assert_eq!(read("[type.googleapis.com/x.Y]{}"), [field("type.googleapis.com/x.Y", Value::Message(vec![]))]);
        assert_eq!(read("a: 'x\\'\\101\\x41\\u00e9\\n' \"é\\\"\""), [field("a", Value::Bytes("x'AAé\né\"".into()))]);
        assert_eq!(read("a: '\\377\\0'"), [field("a", Value::Bytes(vec![255, 0]))]);
        assert_eq!(read("a: 1\n\nb: 2")[1].line, 3);
    }

    #[test]
    fn what_is_no_text_format() {
        for (text, message) in [
            ("m {\na: 1", "line 2: the file ends within a message: `}` is missing"),
            ("a 1", "line 1: expected `:` or `{` after `a`, found `1`"),
            ("a:", "line 1: expected a value of `a`, found the end of the file"),
            ("a: 'b", "line 1: the file ends within a text"),
            ("a: 'b\n'", "line 1: a line ends within a text; write \\n for a line end"),
            ("a: '\\q'", "line 1: an unknown escape in a text; write \\\\ for a backslash"),
            ("a: '\\400'", "line 1: an octal escape above \\377 is no byte"),
            ("a: '\\ud800'", "line 1: an escape that is no character"),
            ("a: '\\x'", "line 1: an escape with too few digits"),
            ("a: [1 2]", "line 1: expected `,` or `]` in the list of `a`, found `2`"),
            ("{}", "line 1: expected the name of a field, found `{`; is this protobuf text?"),
            ("\u{1}", "line 1: expected the name of a field, found the byte 0x01; is this protobuf text?"),
            ("m { a: 1 >", "line 1: expected the name of a field, found `>`; is this protobuf text?"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message, "{text}");
        }
        let deep = "m{".repeat(100_000);
        assert!(read(&deep).unwrap_err().to_string().contains("more than 32 messages within each other"));
        let many = "a:1 ".repeat(FIELDS + 1);
        assert!(read(&many).unwrap_err().to_string().contains("more than 1000000 fields"));
    }
}
