//! Conversions between the four types of XPath, comparisons and arithmetic.

use std::borrow::Cow;

use super::plan::{Arithmetic, Comparison, Id};
use super::run::{Failure, Run, Value};

impl<'a> Run<'a> {
    pub(super) fn number(&mut self, value: Value<'a>) -> Result<f64, Failure> {
        Ok(match value {
            Value::Number(number) => number,
            Value::Text(text) => to_number(&text),
            Value::Bool(value) => f64::from(u8::from(value)),
            Value::Nodes(from) => match self.select(from)? {
                Some(node) => to_number(&self.doc.string_value(node)),
                None => f64::NAN,
            },
        })
    }

    pub(super) fn text(&mut self, value: Value<'a>) -> Result<Cow<'a, str>, Failure> {
        Ok(match value {
            Value::Text(text) => text,
            Value::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            Value::Number(number) => Cow::Owned(number_text(number)),
            Value::Nodes(from) => match self.select(from)? {
                Some(node) => self.doc.string_value(node),
                None => Cow::Borrowed(""),
            },
        })
    }

    pub(super) fn boolean(&mut self, value: Value<'a>) -> Result<bool, Failure> {
        Ok(match value {
            Value::Bool(value) => value,
            // Not a number is true, as in Telegraf.
            Value::Number(number) => number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Nodes(from) => self.select(from)?.is_some(),
        })
    }

    /// Both sides stand on the same node.
    pub(super) fn compute(&mut self, how: Arithmetic, left: Id, right: Id) -> Result<f64, Failure> {
        let before = self.cursor;
        let left = self.evaluate(left)?;
        let left = self.number(left)?;
        self.cursor = before;
        let right = self.evaluate(right)?;
        let right = self.number(right)?;
        self.cursor = before;
        Ok(match how {
            Arithmetic::Plus => left + right,
            Arithmetic::Minus => left - right,
            Arithmetic::Times => left * right,
            Arithmetic::Divide => left / right,
            Arithmetic::Modulo => left % right,
        })
    }

    /// Compares two values; of nodes any may do.
    pub(super) fn compare(&mut self, how: Comparison, left: Id, right: Id) -> Result<bool, Failure> {
        let left = self.evaluate(left)?;
        let right = self.evaluate(right)?;
        self.compare_values(how, left, right)
    }

    fn compare_values(
        &mut self,
        how: Comparison,
        left: Value<'a>,
        right: Value<'a>,
    ) -> Result<bool, Failure> {
        match (left, right) {
            // Never true, whatever is compared: as in Telegraf.
            (Value::Bool(_), Value::Bool(_)) => Ok(false),
            (Value::Bool(_), _) | (_, Value::Bool(_)) => {
                Err("a boolean cannot be compared with a value of another type".to_owned())
            }
            (Value::Number(a), Value::Number(b)) => Ok(numbers(how, a, b)),
            (Value::Number(a), Value::Text(b)) => Ok(numbers(how, a, to_number(&b))),
            (Value::Text(a), Value::Number(b)) => Ok(numbers(how, to_number(&a), b)),
            (Value::Text(a), Value::Text(b)) => Ok(texts(how, &a, &b)),
            (Value::Number(a), Value::Nodes(from)) => self.any(from, |b| numbers(how, a, to_number(b))),
            (Value::Nodes(from), Value::Number(b)) => self.any(from, |a| numbers(how, to_number(a), b)),
            (Value::Text(a), Value::Nodes(from)) => self.any(from, |b| texts(how, &a, b)),
            (Value::Nodes(from), Value::Text(b)) => self.any(from, |a| texts(how, a, &b)),
            (Value::Nodes(left), Value::Nodes(right)) => self.compare_nodes(how, left, right),
        }
    }

    fn any(&mut self, from: Id, holds: impl Fn(&str) -> bool) -> Result<bool, Failure> {
        while let Some(node) = self.select(from)? {
            if holds(&self.doc.string_value(node)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn compare_nodes(&mut self, how: Comparison, left: Id, right: Id) -> Result<bool, Failure> {
        while let Some(a) = self.select(left)? {
            let a = self.doc.string_value(a);
            let mut b = self.select(right)?;
            if b.is_none() {
                return Ok(false);
            }
            while let Some(node) = b {
                if texts(how, &a, &self.doc.string_value(node)) {
                    return Ok(true);
                }
                b = self.select(right)?;
            }
            self.evaluate(right)?;
        }
        Ok(false)
    }
}

fn numbers(how: Comparison, a: f64, b: f64) -> bool {
    match how {
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
        Comparison::Less => a < b,
        Comparison::LessEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterEqual => a >= b,
    }
}

fn texts(how: Comparison, a: &str, b: &str) -> bool {
    match how {
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
        how => numbers(how, to_number(a), to_number(b)),
    }
}

/// The number in a text, or not-a-number.
pub(super) fn to_number(text: &str) -> f64 {
    parse_float(text.trim()).unwrap_or(f64::NAN)
}

/// A float as Go reads it: what is too large is none. Hexadecimal floats are not read.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let too_large = number.is_infinite() && text.bytes().any(|b| b.is_ascii_digit());
    (!too_large).then_some(number)
}

/// A number as XPath writes it: never with an exponent.
fn number_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if number == 0.0 {
        "0".to_owned()
    } else {
        number.to_string()
    }
}
