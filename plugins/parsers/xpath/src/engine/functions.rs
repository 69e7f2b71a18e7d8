//! The functions of XPath about nodes, numbers and truth: arguments are evaluated from the beginning, a value comes out.

use std::borrow::Cow;

use super::plan::{Function, Id, Test};
use super::run::{Failure, Run, Value};
use super::values::parse_float;

/// The argument at a place; the compiler has counted them.
pub(super) fn argument(arguments: &[Id], at: usize) -> Result<Id, Failure> {
    arguments
        .get(at)
        .copied()
        .ok_or_else(|| "a function lacks an argument".to_owned())
}

impl<'a> Run<'a> {
    /// Evaluates an argument as if for the first time.
    pub(super) fn fresh(&mut self, id: Id) -> Result<Value<'a>, Failure> {
        self.clear(id);
        self.evaluate(id)
    }

    /// Calls a function. Each kind has a function of its own, since calls nest and a large frame would cost stack.
    pub(super) fn call(&mut self, function: &'a Function, arguments: &'a [Id]) -> Result<Value<'a>, Failure> {
        match function {
            Function::True => Ok(Value::Bool(true)),
            Function::False => Ok(Value::Bool(false)),
            Function::Position(test) => Ok(Value::Number(self.place(test.as_ref()))),
            Function::Last(test) => Ok(Value::Number(self.siblings(test.as_ref()))),
            Function::Count => self.count(argument(arguments, 0)?),
            Function::Sum => self.sum(argument(arguments, 0)?).map(Value::Number),
            Function::Number | Function::Ceiling | Function::Floor | Function::Round => {
                self.numeric(function, argument(arguments, 0)?)
            }
            Function::Not | Function::Boolean => {
                self.truth(function, argument(arguments, 0)?).map(Value::Bool)
            }
            Function::Name | Function::LocalName | Function::NamespaceUri => {
                self.name(function, arguments.first().copied())
            }
            _ => self.call_text(function, arguments),
        }
    }

    fn place(&self, test: Option<&Test>) -> f64 {
        let (mut at, mut count) = (self.cursor, 1);
        while self.doc.to_previous(&mut at) {
            count += u32::from(test.is_none_or(|test| test.holds(self.doc, at)));
        }
        f64::from(count)
    }

    fn siblings(&self, test: Option<&Test>) -> f64 {
        let (mut at, mut count) = (self.cursor, 0);
        self.doc.to_first(&mut at);
        loop {
            count += u32::from(test.is_none_or(|test| test.holds(self.doc, at)));
            if !self.doc.to_next(&mut at) {
                return f64::from(count);
            }
        }
    }

    fn count(&mut self, id: Id) -> Result<Value<'a>, Failure> {
        let mut count = 0;
        if let Value::Nodes(from) = self.fresh(id)? {
            while self.select(from)?.is_some() {
                count += 1;
            }
        }
        Ok(Value::Number(f64::from(count)))
    }

    fn numeric(&mut self, function: &Function, id: Id) -> Result<Value<'a>, Failure> {
        let value = self.fresh(id)?;
        let number = self.number(value)?;
        Ok(Value::Number(match function {
            Function::Ceiling => number.ceil(),
            Function::Floor => number.floor(),
            Function::Round => round(number),
            _ => number,
        }))
    }

    fn truth(&mut self, function: &Function, id: Id) -> Result<bool, Failure> {
        let value = self.fresh(id)?;
        match (function, value) {
            (Function::Boolean, value) => self.boolean(value),
            (_, Value::Bool(value)) => Ok(!value),
            (_, Value::Nodes(from)) => Ok(self.select(from)?.is_none()),
            (_, Value::Number(_) | Value::Text(_)) => Ok(false),
        }
    }

    /// A name of the argument's first node, or of the node that the expression stands on.
    fn name(&mut self, function: &Function, argument: Option<Id>) -> Result<Value<'a>, Failure> {
        let doc = self.doc;
        let node = match argument {
            None => Some(self.cursor),
            Some(id) => {
                self.clear(id);
                self.select(id)?
            }
        };
        let Some(node) = node else {
            return Ok(Value::Text(Cow::Borrowed("")));
        };
        Ok(Value::Text(match (function, doc.prefix(node)) {
            (Function::NamespaceUri, _) => Cow::Borrowed(doc.namespace(node)),
            (Function::Name, prefix) if !prefix.is_empty() => {
                Cow::Owned(format!("{prefix}:{}", doc.local_name(node)))
            }
            _ => Cow::Borrowed(doc.local_name(node)),
        }))
    }

    fn sum(&mut self, id: Id) -> Result<f64, Failure> {
        Ok(match self.fresh(id)? {
            Value::Nodes(from) => {
                let mut sum = 0.0;
                while let Some(node) = self.select(from)? {
                    sum += parse_float(&self.doc.string_value(node)).unwrap_or(0.0);
                }
                sum
            }
            Value::Number(number) => number,
            Value::Text(text) => {
                parse_float(&text).ok_or("sum() function argument type must be a node-set or number")?
            }
            Value::Bool(_) => 0.0,
        })
    }
}

/// Halves go up; zero keeps its sign.
fn round(number: f64) -> f64 {
    if !number.is_finite() {
        return number;
    }
    if (-0.5..0.5).contains(&number) {
        return number * 0.0;
    }
    let floor = number.floor();
    if number - floor >= 0.5 { floor + 1.0 } else { floor }
}

#[cfg(test)]
mod tests {
    use super::round;

    #[test]
    fn halves_go_up() {
        assert_eq!(round(2.5), 3.0);
        assert_eq!(round(-2.5), -2.0);
        assert!(round(-0.2).is_sign_negative());
        assert!(round(f64::NAN).is_nan());
    }
}
