//! Expressions: what the language has, what it refuses and where it says so, and that no text makes the parser fail.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use polyrank_schema::Expression;
use polyrank_schema::expression::{FUNCTIONS, Literal, Node};
use proptest::prelude::*;

fn error(text: &str) -> String {
    Expression::parse(text).unwrap_err().to_string()
}

#[test]
fn columns_are_listed_once_in_order_and_keep_their_case() {
    let parsed = Expression::parse("B == 1 AND \"odd name\" > b OR B IN (2, c) AND like = 1 AND 用户 = 'x'").unwrap();
    assert_eq!(parsed.columns(), ["B", "odd name", "b", "c", "like", "用户"]);
    assert_eq!(parsed.to_string(), parsed.text());
}

#[test]
fn every_function_can_be_called_in_any_case() {
    for spec in FUNCTIONS {
        let values = vec!["x"; spec.values.0].join(", ");
        for name in [spec.name.to_owned(), spec.name.to_uppercase()] {
            let parsed = Expression::parse(&format!("{name}({values})")).unwrap();
            assert!(matches!(parsed.root(), Node::Call(function, _) if *function == spec.function), "{name}");
        }
        let more = vec!["x"; spec.values.1 + 1].join(",");
        if more.len() < 1000 {
            assert!(Expression::parse(&format!("{}({more})", spec.name)).is_err(), "{}", spec.name);
        }
    }
}

#[test]
fn constants_are_exact() {
    let root = |text: &str| Expression::parse(text).unwrap().root().clone();
    assert_eq!(root("18446744073709551615"), Node::Literal(Literal::Integer(u64::MAX.into())));
    assert_eq!(root("-9223372036854775808"), Node::Literal(Literal::Integer(i64::MIN.into())));
    assert_eq!(root("1e3"), Node::Literal(Literal::Float(1000.0)));
    assert_eq!(root("'it''s'"), Node::Literal(Literal::Text("it's".to_owned())));
    assert!(error("18446744073709551616").contains("64 bits"));
    assert!(error("1e999").contains("finite"));
}

#[test]
fn errors_say_where_and_what_to_do() {
    for (text, expected) in [
        ("", "expected an expression, found the end"),
        ("click ==", "expected an expression, found the end; texts go in 'single quotes'"),
        ("a = 1 b = 2", "character 7: `b` after the end of the expression; join conditions with AND or OR"),
        ("a = 'x", "character 5: Unterminated string literal"),
        ("logg(x)", "character 1: unknown function `logg`; did you mean `log1p`?"),
        ("x = ln(1, 2)", "`ln` takes one value, found 2"),
        (
            "user.id = 1",
            "character 1: `user.id` has several parts; a column with a dot in its name is written \"user.id\"",
        ),
        ("x LIKE 'a%'", "is no part of the language"),
        ("x IN (SELECT 1)", "is no part of the language"),
        ("(SELECT 1)", "is no part of the language"),
        ("count(*)", "is no part of the language"),
        ("sum(x) OVER ()", "is no part of the language"),
        ("abs(DISTINCT x)", "is no part of the language"),
        ("x & 1", "the operator `&` is no part of the language"),
        ("CAST(x AS DATE)", "no type to cast to: DATE; known: INTEGER, FLOAT, TEXT, BOOLEAN"),
        ("1;", "after the end of the expression"),
    ] {
        let found = error(text);
        assert!(found.contains(expected), "{text}: {found}");
    }
    assert!(error("a =\n  1 1").starts_with("line 2, character 5: "), "{}", error("a =\n  1 1"));
}

#[test]
fn length_and_depth_are_bounded() {
    assert!(error(&" ".repeat(5000)).contains("longer than 4096 characters"));
    let nested = |n: usize| format!("{}x{}", "abs(".repeat(n), ")".repeat(n));
    assert!(Expression::parse(&nested(20)).is_ok());
    assert!(error(&nested(500)).contains("nested more than 32 deep"));
    for (open, close) in
        [("(", ")"), ("NOT ", ""), ("- ", ""), ("CASE WHEN ", ""), ("CAST(", " AS INT)"), ("a IN (", ")")]
    {
        for n in [31, 33, 4000 / (open.len() + close.len())] {
            // An error or not, but no overflow of the stack.
            let _ = Expression::parse(&format!("{}x{}", open.repeat(n), close.repeat(n)));
        }
    }
    assert!(error(&format!("x{}", " + x".repeat(1000))).contains("nested more than 200 deep"));
    let many = format!("x = 0{}", " OR x = 1".repeat(400));
    assert!(matches!(Expression::parse(&many).unwrap().root(), Node::Or(parts) if parts.len() == 401));
}

#[test]
fn stored_as_its_text() {
    let parsed = Expression::parse("a  == 1").unwrap();
    let json = serde_json::to_string(&parsed).unwrap();
    assert_eq!(json, "\"a  == 1\"");
    assert_eq!(serde_json::from_str::<Expression>(&json).unwrap(), parsed);
    assert!(serde_json::from_str::<Expression>("\"a ==\"").unwrap_err().to_string().contains("expected an expression"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_an_expression_or_an_error(text in "\\PC{0,80}") {
        let _ = Expression::parse(&text);
    }

    #[test]
    fn any_tokens_are_an_expression_or_an_error(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "a", "\"b\"", "'t'", "1", "2.5", "(", ")", ",", "+", "-", "*", "/", "%", "||", "=", "==", "<>", "<", "AND", "OR",
            "NOT", "IN", "BETWEEN", "IS", "NULL", "TRUE", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST(", "AS INT", "abs(",
            "if(", "SELECT", "INTERVAL", "ARRAY", "[", "]", "::", "OVER", ".", "*", ";", "--", "/*", "$1", "?", "LIKE", "ANY",
        ]), 0..30)
    ) {
        if let Ok(parsed) = Expression::parse(&tokens.join(" ")) {
            // Words of SQL are columns where the grammar leaves them free to be.
            let named = |column: &str| tokens.iter().any(|token| token.trim_matches('"') == column);
            prop_assert!(parsed.columns().iter().all(|column| named(column)), "{:?}", parsed.columns());
        }
    }
}
