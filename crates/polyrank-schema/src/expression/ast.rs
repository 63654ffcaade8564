//! What an expression can be made of.

use super::function::Function;

/// A part of an expression, evaluated row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A column, by its place in [`Expression::columns`](super::Expression::columns).
    Column(usize),
    /// A constant.
    Literal(Literal),
    /// The negative of a number.
    Negate(Box<Node>),
    /// Three-valued NOT: unknown of unknown.
    Not(Box<Node>),
    /// Three-valued AND of at least two parts: false if one is, else unknown if one is.
    And(Vec<Node>),
    /// Three-valued OR of at least two parts: true if one is, else unknown if one is.
    Or(Vec<Node>),
    /// Of two numbers.
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    /// Of two values; unknown if one is null.
    Compare(Comparison, Box<Node>, Box<Node>),
    /// One text after the other.
    Concat(Box<Node>, Box<Node>),
    /// Whether the value equals one of the list.
    In {
        /// The value.
        value: Box<Node>,
        /// The list, not empty.
        list: Vec<Node>,
        /// `NOT IN`.
        negated: bool,
    },
    /// Whether the value is at least `low` and at most `high`.
    Between {
        /// The value.
        value: Box<Node>,
        /// The least.
        low: Box<Node>,
        /// The most.
        high: Box<Node>,
        /// `NOT BETWEEN`.
        negated: bool,
    },
    /// Whether the value is null, true or false; never unknown.
    Is {
        /// The value.
        value: Box<Node>,
        /// What it is compared with.
        truth: Truth,
        /// `IS NOT`.
        negated: bool,
    },
    /// The first branch whose condition holds (or equals the operand), else `otherwise`, else null.
    Case {
        /// What conditions are compared with, if anything.
        operand: Option<Box<Node>>,
        /// Conditions and results, at least one.
        branches: Vec<(Node, Node)>,
        /// The result where no condition holds.
        otherwise: Option<Box<Node>>,
    },
    /// A value as another type.
    Cast {
        /// The value.
        value: Box<Node>,
        /// The type.
        to: Type,
        /// `TRY_CAST`: null instead of an error where the value is none of that type.
        lenient: bool,
    },
    /// A function of as many values as its [`spec`](Function::spec) allows.
    Call(Function, Vec<Node>),
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// No value.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number of up to 64 bits, signed or not.
    Integer(i128),
    /// Any other finite number.
    Float(f64),
    /// A text.
    Text(String),
}

/// An operation on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// The sum; of whole numbers a whole number.
    Add,
    /// The difference; of whole numbers a whole number.
    Subtract,
    /// The product; of whole numbers a whole number.
    Multiply,
    /// The quotient, always a float; null if the divisor is 0.
    Divide,
    /// The remainder with the dividend's sign; null if the divisor is 0.
    Remainder,
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say what they are")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What `IS` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// No value, or unknown.
    Null,
    /// True.
    True,
    /// False.
    False,
}

/// A type to cast to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A whole number: floats lose their fraction.
    Integer,
    /// A number.
    Float,
    /// A text: a whole number in decimal, a float that is one likewise.
    Text,
    /// True or false: a number is true unless it is 0.
    Boolean,
}
