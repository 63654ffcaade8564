//! From SQL text to an expression: what the parser reads, cut down to what the language has.

use std::thread;

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, Expr, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, InTarget, ObjectNamePart, Spanned, UnaryOperator, Value,
};
use sqlparser::dialect::Dialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token};

use super::ast::{Arithmetic, Comparison, Literal, Node, Truth, Type};
use super::function::{FUNCTIONS, Function};
use super::{ExpressionError, printable};
use crate::error::{Quote, correction};
use crate::limits::{EXPRESSION_DEPTH, EXPRESSION_NESTING};

/// The parser is built without optimisation (it is large, and runs once an expression), and so takes up to 100 KiB of
/// stack for each level of nesting, more than the stacks of threads allow.
const STACK: usize = 16 << 20;

/// Standard SQL without any product's additions; names may have letters of any script.
#[derive(Debug)]
struct Standard;

impl Dialect for Standard {
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_'
    }
}

/// The expression that a text writes, and its columns.
pub(super) fn read(text: &str) -> Result<(Node, Vec<String>), ExpressionError> {
    let failed = |why: &str| Err(error(None, format!("cannot be read: {why}"), None));
    thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parse(text));
        match reader.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => failed("the parser gave up"),
            Err(problem) => failed(&problem.to_string()),
        }
    })
}

fn parse(text: &str) -> Result<(Node, Vec<String>), ExpressionError> {
    let parser = Parser::new(&Standard).with_recursion_limit(EXPRESSION_NESTING);
    let mut parser = parser.try_with_sql(text).map_err(|e| unreadable(&e))?;
    let expr = parser.parse_expr().map_err(|e| unreadable(&e))?;
    let next = parser.next_token();
    if next.token != Token::EOF {
        let message = format!("`{}` after the end of the expression", printable(&next.token.to_string()));
        return Err(error(place(next.span.start), message, Some("join conditions with AND or OR".to_owned())));
    }
    let mut reader = Reader { columns: Vec::new(), depth: 0 };
    let root = reader.node(&expr)?;
    Ok((root, reader.columns))
}

fn error(place: Option<(u64, u64)>, message: String, hint: Option<String>) -> ExpressionError {
    ExpressionError { place, message, hint }
}

fn place(start: Location) -> Option<(u64, u64)> {
    (start.line > 0).then_some((start.line, start.column))
}

/// The parser's own error, which tells the place in its last words.
fn unreadable(problem: &ParserError) -> ExpressionError {
    let (ParserError::TokenizerError(text) | ParserError::ParserError(text)) = problem else {
        return too_deep(None, EXPRESSION_NESTING);
    };
    let (message, place) = match text.rsplit_once(" at Line: ") {
        Some((message, rest)) => {
            let numbers = rest.split_once(", Column: ").map(|(line, column)| (line.parse(), column.trim().parse()));
            (message, if let Some((Ok(line), Ok(column))) = numbers { Some((line, column)) } else { None })
        }
        None => (text.as_str(), None),
    };
    let message = match message.strip_prefix("Expected: ").and_then(|m| m.split_once(", found: ")) {
        Some((expected, "EOF")) => format!("expected {expected}, found the end"),
        Some((expected, found)) => format!("expected {expected}, found `{}`", printable(found)),
        None => printable(message),
    };
    let hint = "texts go in 'single quotes'; a column named like a word of SQL goes in \"double quotes\"";
    error(place, message, Some(hint.to_owned()))
}

fn too_deep(place: Option<(u64, u64)>, most: usize) -> ExpressionError {
    let hint = Some("a list of values is shorter with IN".to_owned());
    error(place, format!("nested more than {most} deep"), hint)
}

struct Reader {
    columns: Vec<String>,
    depth: usize,
}

impl Reader {
    fn node(&mut self, expr: &Expr) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH {
            return Err(too_deep(start(expr), EXPRESSION_DEPTH));
        }
        let node = self.convert(expr);
        self.depth -= 1;
        node
    }

    fn boxed(&mut self, expr: &Expr) -> Result<Box<Node>, ExpressionError> {
        self.node(expr).map(Box::new)
    }

    fn nodes<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Result<Vec<Node>, ExpressionError> {
        exprs.into_iter().map(|expr| self.node(expr)).collect()
    }

    fn convert(&mut self, expr: &Expr) -> Result<Node, ExpressionError> {
        Ok(match expr {
            Expr::Identifier(name) => self.column(&name.value),
            Expr::CompoundIdentifier(parts) => {
                let name = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
                let hint = format!("a column with a dot in its name is written \"{}\"", printable(&name));
                return Err(error(start(expr), format!("`{}` has several parts", printable(&name)), Some(hint)));
            }
            Expr::Nested(inner) => return self.node(inner),
            Expr::Value(value) => Node::Literal(literal(&value.value).map_err(|m| error(start(expr), m, None))?),
            Expr::UnaryOp { op, expr: inner } => match op {
                UnaryOperator::Minus => match self.node(inner)? {
                    Node::Literal(Literal::Integer(v)) => Node::Literal(Literal::Integer(-v)),
                    Node::Literal(Literal::Float(v)) => Node::Literal(Literal::Float(-v)),
                    other => Node::Negate(Box::new(other)),
                },
                UnaryOperator::Plus => return self.node(inner),
                UnaryOperator::Not => Node::Not(self.boxed(inner)?),
                other => return Err(unknown(expr, &format!("the operator `{other}`"))),
            },
            Expr::BinaryOp { left, op, right } => self.binary(expr, left, op, right)?,
            Expr::In { expr: value, target: InTarget::List(list), negated, global: false } if !list.is_empty() => {
                Node::In { value: self.boxed(value)?, list: self.nodes(list)?, negated: *negated }
            }
            Expr::Between { expr: value, negated, low, high } => Node::Between {
                value: self.boxed(value)?,
                low: self.boxed(low)?,
                high: self.boxed(high)?,
                negated: *negated,
            },
            Expr::IsNull(value) => self.is(value, Truth::Null, false)?,
            Expr::IsNotNull(value) => self.is(value, Truth::Null, true)?,
            Expr::IsUnknown(value) => self.is(value, Truth::Null, false)?,
            Expr::IsNotUnknown(value) => self.is(value, Truth::Null, true)?,
            Expr::IsTrue(value) => self.is(value, Truth::True, false)?,
            Expr::IsNotTrue(value) => self.is(value, Truth::True, true)?,
            Expr::IsFalse(value) => self.is(value, Truth::False, false)?,
            Expr::IsNotFalse(value) => self.is(value, Truth::False, true)?,
            Expr::Case { operand, conditions, else_result, .. } => {
                let operand = operand.as_ref().map(|operand| self.boxed(operand)).transpose()?;
                let branches = conditions
                    .iter()
                    .map(|when| Ok((self.node(&when.condition)?, self.node(&when.result)?)))
                    .collect::<Result<_, ExpressionError>>()?;
                let otherwise = else_result.as_ref().map(|otherwise| self.boxed(otherwise)).transpose()?;
                Node::Case { operand, branches, otherwise }
            }
            Expr::Cast { kind, expr: value, data_type, format: None, .. } => {
                let lenient = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
                let Some(to) = cast_type(data_type) else {
                    let hint = Some("known: INTEGER, FLOAT, TEXT, BOOLEAN".to_owned());
                    let named = printable(&data_type.to_string());
                    return Err(error(start(expr), format!("no type to cast to: {named}"), hint));
                };
                Node::Cast { value: self.boxed(value)?, to, lenient }
            }
            Expr::Floor { expr: value, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.call(expr, Function::Floor, vec![value.as_ref()])?
            }
            Expr::Ceil { expr: value, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.call(expr, Function::Ceil, vec![value.as_ref()])?
            }
            Expr::Trim { trim_where: None, trim_what: None, expr: value, trim_characters: None } => {
                self.call(expr, Function::Trim, vec![value.as_ref()])?
            }
            Expr::Substring { expr: value, substring_from, substring_for, .. } => {
                let bounds = [substring_from, substring_for].into_iter().flatten().map(Box::as_ref);
                let arguments = std::iter::once(value.as_ref()).chain(bounds).collect();
                self.call(expr, Function::Substring, arguments)?
            }
            Expr::Function(function) => return self.function(expr, function),
            other => return Err(unknown(other, &format!("`{}`", printable(&other.to_string())))),
        })
    }

    fn column(&mut self, name: &str) -> Node {
        let found = self.columns.iter().position(|column| column == name);
        Node::Column(found.unwrap_or_else(|| {
            self.columns.push(name.to_owned());
            self.columns.len() - 1
        }))
    }

    fn is(&mut self, value: &Expr, truth: Truth, negated: bool) -> Result<Node, ExpressionError> {
        Ok(Node::Is { value: self.boxed(value)?, truth, negated })
    }

    fn binary(&mut self, expr: &Expr, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Node, ExpressionError> {
        let arithmetic = match op {
            BinaryOperator::Plus => Some(Arithmetic::Add),
            BinaryOperator::Minus => Some(Arithmetic::Subtract),
            BinaryOperator::Multiply => Some(Arithmetic::Multiply),
            BinaryOperator::Divide => Some(Arithmetic::Divide),
            BinaryOperator::Modulo => Some(Arithmetic::Remainder),
            _ => None,
        };
        let comparison = match op {
            BinaryOperator::Eq => Some(Comparison::Equal),
            BinaryOperator::NotEq => Some(Comparison::NotEqual),
            BinaryOperator::Lt => Some(Comparison::Less),
            BinaryOperator::LtEq => Some(Comparison::LessOrEqual),
            BinaryOperator::Gt => Some(Comparison::Greater),
            BinaryOperator::GtEq => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        Ok(match (arithmetic, comparison, op) {
            (Some(arithmetic), ..) => Node::Arithmetic(arithmetic, self.boxed(left)?, self.boxed(right)?),
            (_, Some(comparison), _) => Node::Compare(comparison, self.boxed(left)?, self.boxed(right)?),
            (.., BinaryOperator::StringConcat) => Node::Concat(self.boxed(left)?, self.boxed(right)?),
            (.., BinaryOperator::And) => Node::And(self.chain(expr, op)?),
            (.., BinaryOperator::Or) => Node::Or(self.chain(expr, op)?),
            _ => return Err(unknown(expr, &format!("the operator `{op}`"))),
        })
    }

    /// The parts of `a AND b AND c`, which the parser nests to the left as deep as they are many.
    fn chain(&mut self, expr: &Expr, op: &BinaryOperator) -> Result<Vec<Node>, ExpressionError> {
        let (mut parts, mut rest) = (Vec::new(), expr);
        while let Expr::BinaryOp { left, op: inner, right } = rest
            && inner == op
        {
            parts.push(right.as_ref());
            rest = left;
        }
        parts.push(rest);
        self.nodes(parts.into_iter().rev())
    }

    fn function(&mut self, expr: &Expr, called: &sqlparser::ast::Function) -> Result<Node, ExpressionError> {
        let name = match called.name.0.as_slice() {
            [ObjectNamePart::Identifier(Ident { value, .. })] => value,
            _ => return Err(unknown(expr, &format!("the function `{}`", printable(&called.name.to_string())))),
        };
        let list = match &called.args {
            // Such as `current_date`: a column's name like any other.
            FunctionArguments::None => return Ok(self.column(name)),
            FunctionArguments::List(list) if list.duplicate_treatment.is_none() && list.clauses.is_empty() => list,
            _ => return Err(unknown(expr, &format!("`{}`", printable(&expr.to_string())))),
        };
        let plain = called.over.is_none()
            && called.filter.is_none()
            && called.null_treatment.is_none()
            && called.within_group.is_empty()
            && matches!(called.parameters, FunctionArguments::None);
        let arguments: Option<Vec<&Expr>> = list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value),
                _ => None,
            })
            .collect();
        let Some(arguments) = arguments.filter(|_| plain) else {
            return Err(unknown(expr, &format!("`{}`", printable(&expr.to_string()))));
        };
        let Some(spec) = FUNCTIONS.iter().find(|spec| spec.name.eq_ignore_ascii_case(name)) else {
            let names: Vec<&str> = FUNCTIONS.iter().map(|spec| spec.name).collect();
            let hint = correction(name, &names, Quote::Key).unwrap_or_else(|| format!("known: {}", names.join(", ")));
            return Err(error(start(expr), format!("unknown function `{}`", printable(name)), Some(hint)));
        };
        self.call(expr, spec.function, arguments)
    }

    fn call(&mut self, expr: &Expr, function: Function, values: Vec<&Expr>) -> Result<Node, ExpressionError> {
        let spec = function.spec();
        let (fewest, most) = spec.values;
        if !(fewest..=most).contains(&values.len()) {
            let takes = match (fewest, most) {
                (1, 1) => "one value".to_owned(),
                (a, b) if a == b => format!("{a} values"),
                (a, b) => format!("{a} to {b} values"),
            };
            let message = format!("`{}` takes {takes}, found {}", spec.name, values.len());
            return Err(error(start(expr), message, None));
        }
        Ok(Node::Call(function, self.nodes(values)?))
    }
}

fn start(expr: &Expr) -> Option<(u64, u64)> {
    place(expr.span().start)
}

fn unknown(expr: &Expr, what: &str) -> ExpressionError {
    let hint = "an expression has columns, numbers, 'texts', true, false, null, + - * / % ||, comparisons, AND, OR, NOT, \
                IN (…), BETWEEN, IS, CASE, CAST and functions";
    error(start(expr), format!("{what} is no part of the language"), Some(hint.to_owned()))
}

fn literal(value: &Value) -> Result<Literal, String> {
    Ok(match value {
        Value::Null => Literal::Null,
        Value::Boolean(v) => Literal::Boolean(*v),
        Value::SingleQuotedString(text) => Literal::Text(text.clone()),
        Value::Number(digits, _) if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse::<u64>() {
            Ok(v) => Literal::Integer(v.into()),
            Err(_) => return Err(format!("`{}` is beyond whole numbers of 64 bits", printable(digits))),
        },
        Value::Number(digits, _) => match digits.parse::<f64>() {
            Ok(v) if v.is_finite() => Literal::Float(v),
            _ => return Err(format!("`{}` is no finite number", printable(digits))),
        },
        other => return Err(format!("`{}` is no constant of the language", printable(&other.to_string()))),
    })
}

fn cast_type(named: &DataType) -> Option<Type> {
    Some(match named {
        DataType::Int(None) | DataType::Integer(None) | DataType::BigInt(None) => Type::Integer,
        DataType::Float(_) | DataType::Real | DataType::Double(_) | DataType::DoublePrecision => Type::Float,
        DataType::Text | DataType::Varchar(None) | DataType::String(None) => Type::Text,
        DataType::Boolean | DataType::Bool => Type::Boolean,
        _ => return None,
    })
}
