//! `google.protobuf.Struct` on the wire: the bytes in which a schema keeps what its format has no field for.
//!
//! <https://protobuf.dev/programming-guides/encoding/>; a `Struct` is a map from names to values, a value a null, number,
//! text, flag, `Struct` or list.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

/// Values within values.
pub(super) const DEPTH: usize = 32;

/// Of a field of varying length.
const LENGTH: u64 = 2;
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const FIXED32: u64 = 5;

/// The largest whole number up to which every one is a number of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The values of a `Struct`.
pub(super) fn decode(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    read_struct(bytes, 0)
}

/// The bytes of a `Struct`.
pub(super) fn encode(values: &BTreeMap<String, Value>) -> Vec<u8> {
    let mut out = Vec::new();
    values.iter().for_each(|(key, value)| put_entry(&mut out, key, value));
    out
}

/// A number of a `Struct`, all of which are doubles: a whole one becomes a whole one.
pub(super) fn number(value: f64) -> Result<Value, String> {
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return Ok(Value::from(value as i64));
    }
    Number::from_f64(value).map(Value::Number).ok_or_else(|| "a property that is no finite number".to_owned())
}

fn read_struct(bytes: &[u8], depth: usize) -> Result<Map<String, Value>, String> {
    let mut values = Map::new();
    for_each_field(bytes, |field, content| {
        let (1, Content::Bytes(entry)) = (field, content) else { return Ok(()) };
        let (mut key, mut value) = (String::new(), Value::Null);
        for_each_field(entry, |field, content| {
            match (field, content) {
                (1, Content::Bytes(text)) => key = read_text(text)?,
                (2, Content::Bytes(bytes)) => value = read_value(bytes, depth + 1)?,
                _ => {}
            }
            Ok(())
        })?;
        values.insert(key, value);
        Ok(())
    })?;
    Ok(values)
}

fn read_value(bytes: &[u8], depth: usize) -> Result<Value, String> {
    if depth > DEPTH {
        return Err(format!("properties with more than {DEPTH} values within each other"));
    }
    let mut value = Value::Null;
    for_each_field(bytes, |field, content| {
        value = match (field, content) {
            (2, Content::Fixed64(bits)) => number(f64::from_bits(bits))?,
            (3, Content::Bytes(text)) => Value::String(read_text(text)?),
            (4, Content::Varint(flag)) => Value::Bool(flag != 0),
            (5, Content::Bytes(inner)) => Value::Object(read_struct(inner, depth)?),
            (6, Content::Bytes(inner)) => {
                let mut items = Vec::new();
                for_each_field(inner, |field, content| {
                    if let (1, Content::Bytes(item)) = (field, content) {
                        items.push(read_value(item, depth + 1)?);
                    }
                    Ok(())
                })?;
                Value::Array(items)
            }
            _ => Value::Null,
        };
        Ok(())
    })?;
    Ok(value)
}

fn read_text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "a property that is not UTF-8 text".to_owned())
}

enum Content<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// What no field of a `Struct` has.
    Other,
}

/// The fields of a message one by one.
fn for_each_field(
    mut bytes: &[u8],
    mut read: impl FnMut(u64, Content<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let torn = || "properties that end early: the bytes are damaged".to_owned();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes).ok_or_else(torn)?;
        let content = match tag & 7 {
            VARINT => Content::Varint(varint(&mut bytes).ok_or_else(torn)?),
            FIXED64 => {
                let (bits, rest) = bytes.split_first_chunk::<8>().ok_or_else(torn)?;
                bytes = rest;
                Content::Fixed64(u64::from_le_bytes(*bits))
            }
            LENGTH => {
                let length = varint(&mut bytes).and_then(|length| usize::try_from(length).ok()).ok_or_else(torn)?;
                let (content, rest) = bytes.split_at_checked(length).ok_or_else(torn)?;
                bytes = rest;
                Content::Bytes(content)
            }
            FIXED32 => {
                bytes = bytes.get(4..).ok_or_else(torn)?;
                Content::Other
            }
            _ => return Err("properties that are no google.protobuf.Struct".to_owned()),
        };
        read(tag >> 3, content)?;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | LENGTH);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_entry(out: &mut Vec<u8>, key: &str, value: &Value) {
    let mut entry = Vec::new();
    put_bytes(&mut entry, 1, key.as_bytes());
    put_bytes(&mut entry, 2, &value_bytes(value));
    put_bytes(out, 1, &entry);
}

fn value_bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Value::Null => out.extend([1 << 3, 0]),
        Value::Bool(flag) => out.extend([4 << 3, u8::from(*flag)]),
        Value::Number(number) => {
            put_varint(&mut out, 2 << 3 | FIXED64);
            out.extend(number.as_f64().unwrap_or(0.0).to_le_bytes());
        }
        Value::String(text) => put_bytes(&mut out, 3, text.as_bytes()),
        Value::Object(values) => {
            let mut inner = Vec::new();
            values.iter().for_each(|(key, value)| put_entry(&mut inner, key, value));
            put_bytes(&mut out, 5, &inner);
        }
        Value::Array(items) => {
            let mut inner = Vec::new();
            items.iter().for_each(|item| put_bytes(&mut inner, 1, &value_bytes(item)));
            put_bytes(&mut out, 6, &inner);
        }
    }
    out
}
