//! Raw rows from files.
