//! `schema.pbtxt`: a schema in the text format of TensorFlow Metadata, as Merlin writes and reads it.
//!
//! A message `Schema` of <https://github.com/tensorflow/metadata> (`schema.proto`) holds one `feature` a column. Merlin puts
//! what the message has no field for into `annotation.extra_metadata`, a `google.protobuf.Struct`.

mod export;
mod import;
mod text;
mod wire;

#[cfg(test)]
mod tests;

use super::{Schema, SchemaError};
use crate::limits::FILE_BYTES;

/// The type of what `extra_metadata` holds.
const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";

impl Schema {
    /// Reads a `schema.pbtxt`; `origin` is what messages call it, as the file's name.
    ///
    /// What is kept of a feature: its name, type, tags, `int_domain`, `float_domain`, `bool_domain`, `value_count` or
    /// `shape`, and its properties. A bound of 0 that is not written is 0, for Merlin writes none. Other fields are passed
    /// over.
    ///
    /// # Errors
    ///
    /// Text that is no protobuf text, and the first feature that is no column, each with its line.
    pub fn from_pbtxt(text: &str, origin: &str) -> Result<Schema, SchemaError> {
        let named = |error: SchemaError| SchemaError { origin: origin.to_owned(), ..error };
        if text.len() > FILE_BYTES {
            let message = format!("a schema of {} bytes; at most {FILE_BYTES} are read", text.len());
            return Err(named(SchemaError::of("", message)));
        }
        let fields = text::read(text).map_err(named)?;
        let lines = import::lines(&fields);
        let columns = import::columns(&fields).map_err(named)?;
        Schema::new(columns).map_err(|error| named(SchemaError { line: lines.get(&error.column).copied(), ..error }))
    }

    /// The schema as a `schema.pbtxt`, which [`Schema::from_pbtxt`], Merlin and TensorFlow Metadata read.
    pub fn to_pbtxt(&self) -> String {
        export::text(self)
    }
}
