//! Numbers as people read them.

/// A count with its thousands apart: `1,234,567`.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A measured value, four digits after the point where that says something.
pub(super) fn value(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "not finite".to_string()
    } else if size != 0.0 && !(1e-3..1e6).contains(&size) {
        format!("{value:.3e}")
    } else if size >= 1000.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.4}")
    }
}

/// A value that may be undefined.
pub(super) fn defined(given: Option<f64>) -> String {
    given.map_or_else(|| "–".to_string(), value)
}

/// A value of the metric `name`; rows are a count.
pub(super) fn metric(name: &str, given: Option<f64>) -> String {
    match given {
        Some(rows) if name == "rows" && rows >= 0.0 => count(rows as u64),
        other => defined(other),
    }
}

/// A name of the code in words: `prediction_mean` is `prediction mean`, and abbreviations are in capitals.
pub(super) fn label(name: &str) -> String {
    match name {
        "auc" | "ece" | "rmse" | "mae" => name.to_uppercase(),
        _ => name.replace('_', " "),
    }
}
