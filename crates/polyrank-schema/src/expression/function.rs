//! The functions that an expression can call.

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "`FUNCTIONS` says what each does")]
pub enum Function {
    Abs,
    Ln,
    Log1p,
    Exp,
    Sqrt,
    Floor,
    Ceil,
    Round,
    Least,
    Greatest,
    Coalesce,
    NullIf,
    If,
    Length,
    Lower,
    Upper,
    Trim,
    Substring,
}

/// What a function is called, takes and gives.
#[derive(Debug, Clone, Copy)]
pub struct FunctionSpec {
    /// Its name, in any case.
    pub name: &'static str,
    /// The function.
    pub function: Function,
    /// Fewest and most values that it takes.
    pub values: (usize, usize),
    /// One line for the reference.
    pub doc: &'static str,
}

/// Most values of the functions that take any number.
const MANY: usize = 1000;

/// Every function. Unless said otherwise, null gives null, and so does a result that is no finite number.
pub const FUNCTIONS: &[FunctionSpec] = &[
    spec("abs", Function::Abs, (1, 1), "the number without its sign"),
    spec("ln", Function::Ln, (1, 1), "natural logarithm"),
    spec("log1p", Function::Log1p, (1, 1), "ln(1 + x)"),
    spec("exp", Function::Exp, (1, 1), "e to the power of x"),
    spec("sqrt", Function::Sqrt, (1, 1), "square root"),
    spec("floor", Function::Floor, (1, 1), "the largest whole number that is not above x"),
    spec("ceil", Function::Ceil, (1, 1), "the smallest whole number that is not below x"),
    spec("round", Function::Round, (1, 1), "the nearest whole number, halves away from 0"),
    spec("least", Function::Least, (1, MANY), "the smallest value that is not null"),
    spec("greatest", Function::Greatest, (1, MANY), "the largest value that is not null"),
    spec("coalesce", Function::Coalesce, (1, MANY), "the first value that is not null"),
    spec("nullif", Function::NullIf, (2, 2), "null if both are equal, else the first"),
    spec("if", Function::If, (3, 3), "the second if the first holds, else the third"),
    spec("length", Function::Length, (1, 1), "characters of a text"),
    spec("lower", Function::Lower, (1, 1), "the text in lower case"),
    spec("upper", Function::Upper, (1, 1), "the text in upper case"),
    spec("trim", Function::Trim, (1, 1), "the text without the spaces around it"),
    spec("substring", Function::Substring, (2, 3), "the text from a character (from 1) on, that many characters"),
];

const fn spec(name: &'static str, function: Function, values: (usize, usize), doc: &'static str) -> FunctionSpec {
    FunctionSpec { name, function, values, doc }
}

impl Function {
    /// Its entry in [`FUNCTIONS`].
    pub fn spec(self) -> &'static FunctionSpec {
        // The table names every function (tested), so the first entry never stands in for another.
        FUNCTIONS.iter().find(|spec| spec.function == self).unwrap_or(&FUNCTIONS[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_in_the_table() {
        for spec in FUNCTIONS {
            assert_eq!(spec.function.spec().name, spec.name);
        }
        assert_eq!(Function::Substring.spec().name, "substring");
        assert_eq!(FUNCTIONS.len(), Function::Substring as usize + 1);
    }
}
