//! The value of an expression for one row.

use std::borrow::Cow;
use std::cmp::Ordering;

use polyrank_schema::expression::{Arithmetic, Comparison, Literal, Node, Truth};

use super::cell::{Cell, Number, cast, compare, finite, number, text, truth};
use super::column::Reader;
use super::function::call;

/// Bytes of a text that `||` makes: a short expression must not fill memory.
const LONGEST: usize = 1 << 16;

/// Nodes nest at most as deep as the parser lets them, so recursion is safe.
pub(super) fn evaluate<'a>(node: &'a Node, reader: &'a Reader, row: usize) -> Result<Cell<'a>, String> {
    let value = |node: &'a Node| evaluate(node, reader, row);
    let boolean = |known: Option<bool>| known.map_or(Cell::Null, Cell::Boolean);
    Ok(match node {
        Node::Column(column) => reader.cell(*column, row),
        Node::Literal(literal) => constant(literal),
        Node::Negate(inner) => match number(&value(inner)?)? {
            None => Cell::Null,
            Some(Number::Integer(v)) => Cell::Integer(v.checked_neg().ok_or_else(overflow)?),
            Some(Number::Float(v)) => finite(-v),
        },
        Node::Not(inner) => boolean(truth(&value(inner)?)?.map(|v| !v)),
        Node::And(parts) => boolean(all(parts.iter().map(|part| truth(&value(part)?)))?),
        Node::Or(parts) => {
            let none = all(parts.iter().map(|part| Ok(truth(&value(part)?)?.map(|v| !v))))?;
            boolean(none.map(|v| !v))
        }
        Node::Arithmetic(op, left, right) => match number(&value(left)?)?.zip(number(&value(right)?)?) {
            Some((left, right)) => arithmetic(*op, left, right)?,
            None => Cell::Null,
        },
        Node::Compare(comparison, left, right) => {
            let found = compare(&value(left)?, &value(right)?)?;
            boolean(found.map(|found| agrees(*comparison, found)))
        }
        Node::Concat(left, right) => match text(&value(left)?).zip(text(&value(right)?)) {
            Some((left, right)) if left.len() + right.len() > LONGEST => {
                return Err(format!("a joined text is longer than {LONGEST} bytes; shorten its parts with SUBSTRING"));
            }
            Some((left, right)) => Cell::Text(left + right),
            None => Cell::Null,
        },
        Node::In { value: wanted, list, negated } => {
            let wanted = value(wanted)?;
            let differs = list.iter().map(|item| Ok(compare(&wanted, &value(item)?)?.map(|found| found.is_ne())));
            boolean(all(differs)?.map(|differs| differs == *negated))
        }
        Node::Between { value: wanted, low, high, negated } => {
            let wanted = value(wanted)?;
            let above = compare(&wanted, &value(low)?)?.map(Ordering::is_ge);
            let below = compare(&wanted, &value(high)?)?.map(Ordering::is_le);
            boolean(all([Ok(above), Ok(below)].into_iter())?.map(|within| within != *negated))
        }
        Node::Is { value: inner, truth: wanted, negated } => {
            let inner = value(inner)?;
            let is = match wanted {
                Truth::Null => inner == Cell::Null,
                Truth::True => truth(&inner)? == Some(true),
                Truth::False => truth(&inner)? == Some(false),
            };
            Cell::Boolean(is != *negated)
        }
        Node::Case { operand, branches, otherwise } => {
            let operand = operand.as_ref().map(|operand| value(operand)).transpose()?;
            for (condition, result) in branches {
                let condition = value(condition)?;
                let taken = match &operand {
                    Some(operand) => compare(operand, &condition)?.map(Ordering::is_eq),
                    None => truth(&condition)?,
                };
                if taken == Some(true) {
                    return value(result);
                }
            }
            match otherwise {
                Some(otherwise) => value(otherwise)?,
                None => Cell::Null,
            }
        }
        Node::Cast { value: inner, to, lenient } => match cast(value(inner)?, *to) {
            Err(_) if *lenient => Cell::Null,
            cell => cell?,
        },
        Node::Call(function, values) => call(*function, values.len(), |i| value(&values[i]))?,
    })
}

fn constant(literal: &Literal) -> Cell<'_> {
    match literal {
        Literal::Null => Cell::Null,
        Literal::Boolean(v) => Cell::Boolean(*v),
        Literal::Integer(v) => Cell::Integer(*v),
        Literal::Float(v) => Cell::Float(*v),
        Literal::Text(text) => Cell::Text(Cow::Borrowed(text)),
    }
}

/// Three-valued AND; parts after the first false one are not looked at.
fn all(parts: impl Iterator<Item = Result<Option<bool>, String>>) -> Result<Option<bool>, String> {
    let mut known = Some(true);
    for part in parts {
        match part? {
            Some(true) => {}
            Some(false) => return Ok(Some(false)),
            None => known = None,
        }
    }
    Ok(known)
}

fn agrees(comparison: Comparison, found: Ordering) -> bool {
    match comparison {
        Comparison::Equal => found.is_eq(),
        Comparison::NotEqual => found.is_ne(),
        Comparison::Less => found.is_lt(),
        Comparison::LessOrEqual => found.is_le(),
        Comparison::Greater => found.is_gt(),
        Comparison::GreaterOrEqual => found.is_ge(),
    }
}

fn arithmetic<'a>(op: Arithmetic, left: Number, right: Number) -> Result<Cell<'a>, String> {
    let (Number::Integer(a), Number::Integer(b)) = (left, right) else {
        let (a, b) = (left.float(), right.float());
        return Ok(finite(match op {
            Arithmetic::Add => a + b,
            Arithmetic::Subtract => a - b,
            Arithmetic::Multiply => a * b,
            Arithmetic::Divide => a / b,
            Arithmetic::Remainder => a % b,
        }));
    };
    let whole = match op {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide => return Ok(finite(a as f64 / b as f64)),
        Arithmetic::Remainder if b == 0 => return Ok(Cell::Null),
        // The one overflow is by −1, which leaves no remainder.
        Arithmetic::Remainder => Some(a.checked_rem(b).unwrap_or(0)),
    };
    whole.map(Cell::Integer).ok_or_else(overflow)
}

fn overflow() -> String {
    "a whole number grows beyond 128 bits; CAST(… AS FLOAT) before the multiplication".to_owned()
}
