//! What is wrong with an expression, or with a metric for it, in cel-go's words and form.

use std::fmt::Write as _;

use cel::{ExecutionError, ParseErrors};

/// One error at a place of the expression; line and column count from 1, the column in characters.
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
}

/// All errors, each with its line of the expression and a mark under the place.
pub(crate) fn render(text: &str, faults: &[Fault]) -> String {
    let mut out = String::new();
    for fault in faults {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = write!(
            out,
            "ERROR: <input>:{}:{}: {}",
            fault.line, fault.column, fault.message
        );
        if let Some(line) = text.split('\n').nth(fault.line - 1) {
            let dots = ".".repeat(fault.column - 1);
            let _ = write!(out, "\n | {}\n | {dots}^", line.replace('\t', " "));
        }
    }
    out
}

pub(crate) fn of_syntax(text: &str, errors: &ParseErrors) -> String {
    let one_based = |n: isize| usize::try_from(n).unwrap_or(1).max(1);
    let faults: Vec<Fault> = errors
        .errors
        .iter()
        .map(|e| Fault {
            line: one_based(e.pos.0),
            column: one_based(e.pos.1),
            message: e.msg.clone(),
        })
        .collect();
    render(text, &faults)
}

pub(crate) fn of_evaluation(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::NoSuchOverload(_)
        | ExecutionError::UnsupportedBinaryOperator(..)
        | ExecutionError::ValuesNotComparable(..)
        | ExecutionError::UnexpectedType { .. } => "no such overload".to_owned(),
        ExecutionError::DivisionByZero(_) => "division by zero".to_owned(),
        ExecutionError::RemainderByZero(_) => "modulus by zero".to_owned(),
        ExecutionError::Overflow(..) => "integer overflow".to_owned(),
        ExecutionError::FunctionError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}
