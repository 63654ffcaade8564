//! A table with one row a key.

use arrow_array::{Array, ArrayRef, UInt32Array, new_empty_array};
use arrow_schema::DataType;

use super::columns::take;
use super::keys::{Keys, RowKeys};

/// Columns known by key.
#[derive(Debug)]
pub(crate) struct Table {
    keys: Keys,
    /// One row a key.
    columns: Vec<ArrayRef>,
}

impl Table {
    /// From keys as they came and their columns; rows are brought into the order of the keys.
    pub(crate) fn new(keys: &Keys, columns: &[ArrayRef]) -> Result<Table, String> {
        let order = keys.sorted();
        let rows = UInt32Array::from_iter_values(order.iter().map(|i| *i as u32));
        let columns = columns.iter().map(|column| take(column, &rows)).collect::<Result<_, _>>()?;
        Ok(Table::ordered(keys.reordered(&order)?, columns))
    }

    /// From keys in their order.
    pub(super) fn ordered(keys: Keys, columns: Vec<ArrayRef>) -> Table {
        Table { keys, columns }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// The same table, if its columns have these types.
    pub(crate) fn of_types(mut self, types: &[DataType]) -> Result<Table, String> {
        for (column, kind) in self.columns.iter_mut().zip(types) {
            // A table without rows says nothing of the types.
            if column.is_empty() {
                *column = new_empty_array(kind);
            }
            if column.data_type() != kind {
                return Err(format!("has a column of type {} where {kind} belongs", column.data_type()));
            }
        }
        Ok(self)
    }

    /// The row of each key; null for one that is not there.
    pub(crate) fn find(&self, keys: &RowKeys) -> UInt32Array {
        (0..keys.len()).map(|row| self.keys.find(keys.key(row)).map(|i| i as u32)).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{Int64Array, StringArray};

    use super::*;

    fn table() -> (Table, Vec<String>, Vec<String>) {
        let on = vec!["user".to_owned()];
        let user: ArrayRef = Arc::new(StringArray::from(vec![Some("9"), Some("b"), None, Some("10"), Some("-1")]));
        let rows = RowKeys::new([("user", &user)]).unwrap();
        let mut keys = Keys::default();
        (0..5).for_each(|row| assert_eq!(keys.insert(rows.key(row)).unwrap(), row));
        let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), Some(3), None, Some(5)]));
        (Table::new(&keys, &[values]).unwrap(), on, vec!["age".to_owned()])
    }

    fn found(table: &Table, user: ArrayRef) -> Vec<Option<i64>> {
        let rows = table.find(&RowKeys::new([("user", &user)]).unwrap());
        take(&table.columns()[0], &rows).unwrap().as_primitive::<Int64Type>().iter().collect()
    }

    #[test]
    fn rows_are_found_by_canonical_value() {
        let (table, on, names) = table();
        let users: ArrayRef = Arc::new(Int64Array::from(vec![Some(9), Some(10), Some(-1), None, Some(11)]));
        let want = vec![Some(1), None, Some(5), Some(3), None];
        assert_eq!(found(&table, users.clone()), want);
        let saved = table.batch(&on, &names).unwrap();
        let again = Table::restore(&[saved.slice(0, 2), saved.slice(2, 3)], &on, &names).unwrap();
        assert_eq!((again.keys().len(), found(&again, users)), (5, want));
    }

    #[test]
    fn a_saved_table_that_was_tampered_with_is_refused() {
        let (table, on, names) = table();
        let saved = table.batch(&on, &names).unwrap();
        for batches in [vec![saved.slice(2, 3), saved.slice(0, 2)], vec![saved.clone(), saved.slice(4, 1)]] {
            let error = Table::restore(&batches, &on, &names).unwrap_err();
            assert!(error.to_string().contains("order"), "{error}");
        }
        assert!(Table::restore(&[saved], &on, &["sex".to_owned()]).is_err());
    }
}
