//! A look at a Parquet footer before the Parquet library trusts it.
//!
//! The library walks the schema by recursion and makes room for as many children as a group claims to have, so a
//! crafted footer could exhaust the stack or the memory, and neither can be caught. This walks the schema's elements
//! alone (Thrift compact protocol: `FileMetaData.schema`, `SchemaElement.num_children`) and bounds both.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// The deepest schema that is read; a list of values takes three levels below its root.
const MAX_SCHEMA_DEPTH: usize = 64;

/// The deepest value within one schema element.
const MAX_VALUE_DEPTH: usize = 16;

/// What ends a Parquet file: the footer's length and the magic.
const TAIL: u64 = 8;

/// Reads and checks the schema of an open Parquet file, which it leaves wherever.
pub(super) fn check_schema(file: &mut File) -> Result<(), String> {
    let damaged = |error: std::io::Error| error.to_string();
    let size = file.seek(SeekFrom::End(0)).map_err(damaged)?;
    if size < 2 * TAIL {
        return Err("it is cut short".into());
    }
    let mut tail = [0; TAIL as usize];
    file.seek(SeekFrom::Start(size - TAIL)).map_err(damaged)?;
    file.read_exact(&mut tail).map_err(damaged)?;
    let [a, b, c, d, magic @ ..] = tail;
    if &magic != b"PAR1" {
        return Err(if &magic == b"PARE" { "its footer is encrypted" } else { "it is cut short" }.into());
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if length > size - TAIL {
        return Err("its footer is longer than the file".into());
    }
    let mut footer = Vec::new();
    file.seek(SeekFrom::Start(size - TAIL - length)).map_err(damaged)?;
    file.take(length).read_to_end(&mut footer).map_err(damaged)?;
    schema(Cursor { bytes: &footer }).ok_or_else(|| "its schema is damaged, or nested too deep".into())
}

/// `None` unless the footer's schema is a tree within bounds.
fn schema(mut footer: Cursor<'_>) -> Option<()> {
    let mut field = 0;
    while let Some(kind) = footer.field(&mut field)? {
        if field != 2 {
            footer.skip(kind, MAX_VALUE_DEPTH)?;
            continue;
        }
        if kind != LIST {
            return None;
        }
        let (elements, kind) = footer.list()?;
        if kind != STRUCT {
            return None;
        }
        // Children still to come, group by group from the root down to the current one.
        let mut open: Vec<usize> = Vec::new();
        for index in 0..elements {
            let children = footer.element()?;
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(parent) = open.last_mut() {
                *parent -= 1;
            }
            if children > elements - index - 1 || open.len() >= MAX_SCHEMA_DEPTH {
                return None;
            }
            if children > 0 {
                open.push(children);
            }
        }
        return Some(());
    }
    None
}

const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Thrift compact protocol, as much of it as skipping takes. `None` wherever the bytes end too early.
struct Cursor<'a> {
    bytes: &'a [u8],
}

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn drop(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The type of a struct's next field, whose number replaces `field`; an inner `None` at the struct's end.
    fn field(&mut self, field: &mut i64) -> Option<Option<u8>> {
        let header = self.byte()?;
        if header == 0 {
            return Some(None);
        }
        *field = match header >> 4 {
            0 => self.zigzag()?,
            delta => field.checked_add(i64::from(delta))?,
        };
        Some(Some(header & 0x0f))
    }

    /// Number and type of a list's items; each takes a byte or more.
    fn list(&mut self) -> Option<(usize, u8)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            short => usize::from(short),
        };
        (count <= self.bytes.len()).then_some((count, header & 0x0f))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            1 | 2 => Some(()),
            3 => self.drop(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.drop(8),
            8 => {
                let length = self.varint()?;
                self.drop(length)
            }
            LIST | 10 => {
                let (count, kind) = self.list()?;
                for _ in 0..count {
                    // A flag takes a byte as an item, none as a field.
                    if kind <= 2 { self.drop(1) } else { self.skip(kind, depth) }?;
                }
                Some(())
            }
            11 => {
                let count = self.varint()?;
                if count == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                for _ in 0..count {
                    for kind in [kinds >> 4, kinds & 0x0f] {
                        if kind <= 2 { self.drop(1) } else { self.skip(kind, depth) }?;
                    }
                }
                Some(())
            }
            STRUCT => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Reads a schema element and gives its number of children.
    fn element(&mut self) -> Option<usize> {
        let mut children = 0;
        let mut field = 0;
        while let Some(kind) = self.field(&mut field)? {
            if field == 5 && kind == 5 {
                children = usize::try_from(self.zigzag()?).ok()?;
            } else {
                self.skip(kind, MAX_VALUE_DEPTH)?;
            }
        }
        Some(children)
    }
}
