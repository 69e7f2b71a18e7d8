//! Checks an expression before any metric is there: names, types, and that the result is a truth value. The library evaluates
//! without such a check; Telegraf refuses a file whose expression fails it.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};

use crate::message::{Fault, render};
use crate::signatures;
use crate::types::{Bindings, Type};

/// Checks that an expression fits together and yields a truth value; the error is ready to be shown.
pub(crate) fn returns_bool(expression: &IdedExpr, text: &str, places: &SourceInfo) -> Result<(), String> {
    let mut check = Check {
        text,
        places,
        variables: Vec::new(),
        faults: Vec::new(),
    };
    let result = check.type_of(expression);
    if !check.faults.is_empty() {
        check.faults.sort_by_key(|f| (f.line, f.column));
        return Err(render(text, &check.faults));
    }
    match result {
        Type::Bool => Ok(()),
        _ => Err("expression needs to return a boolean".to_owned()),
    }
}

struct Check<'a> {
    text: &'a str,
    places: &'a SourceInfo,
    /// What comprehensions bind, innermost last.
    variables: Vec<(String, Type)>,
    faults: Vec<Fault>,
}

impl Check<'_> {
    /// The type of a part; what is wrong with it is noted, and counts as any type from then on.
    fn type_of(&mut self, part: &IdedExpr) -> Type {
        match &part.expr {
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Type::Bool,
                LiteralValue::Bytes(_) => Type::Bytes,
                LiteralValue::Double(_) => Type::Double,
                LiteralValue::Int(_) => Type::Int,
                LiteralValue::Null => Type::Null,
                LiteralValue::String(_) => Type::Text,
                LiteralValue::UInt(_) => Type::Uint,
            },
            Expr::Ident(name) => self.variable(part.id, name),
            Expr::Select(select) => {
                let value = match self.type_of(&select.operand) {
                    Type::Map(_, value) => *value,
                    Type::Dyn => Type::Dyn,
                    other => self.fault(
                        part.id,
                        format!("type '{other}' does not support field selection"),
                    ),
                };
                if select.test { Type::Bool } else { value }
            }
            Expr::Call(call) => self.call(part.id, call),
            Expr::List(list) => {
                let items: Vec<Type> = list.elements.iter().map(|e| self.type_of(e)).collect();
                Type::List(Box::new(common(items)))
            }
            Expr::Map(map) => {
                let (mut keys, mut values) = (Vec::new(), Vec::new());
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        keys.push(self.type_of(&entry.key));
                        values.push(self.type_of(&entry.value));
                    }
                }
                Type::Map(Box::new(common(keys)), Box::new(common(values)))
            }
            Expr::Comprehension(c) => self.comprehension(c),
            Expr::Struct(message) => self.undeclared(part.id, &message.type_name),
            Expr::Unspecified => Type::Dyn,
        }
    }

    fn variable(&mut self, id: u64, name: &str) -> Type {
        if let Some((_, bound)) = self.variables.iter().rev().find(|(n, _)| n == name) {
            return bound.clone();
        }
        let map = |value| Type::Map(Box::new(Type::Text), Box::new(value));
        match name.strip_prefix('.').unwrap_or(name) {
            "name" => Type::Text,
            "tags" => map(Type::Text),
            "fields" => map(Type::Dyn),
            "time" => Type::Timestamp,
            "bool" | "bytes" | "double" | "duration" | "dyn" | "int" | "list" | "map" | "null_type"
            | "string" | "timestamp" | "type" | "uint" => Type::Kind,
            _ => self.undeclared(id, name),
        }
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> Type {
        // `math.abs(x)` reads like a call on a variable `math`.
        let qualified = call.target.as_deref().and_then(|target| match &target.expr {
            Expr::Ident(space) => {
                let name = format!("{space}.{}", call.func_name);
                signatures::of(&name).map(|forms| (name, forms))
            }
            _ => None,
        });
        let (name, forms, target) = match qualified {
            Some((name, forms)) => (name, Some(forms), None),
            None => (
                call.func_name.clone(),
                signatures::of(&call.func_name),
                call.target.as_deref(),
            ),
        };
        let arguments: Vec<Type> = target
            .into_iter()
            .chain(&call.args)
            .map(|a| self.type_of(a))
            .collect();
        let Some(forms) = forms else {
            return self.undeclared(id, &name);
        };

        let mut result: Option<Type> = None;
        for form in forms {
            let mut bindings = Bindings::default();
            let fits = form.member == target.is_some()
                && form.arguments.len() == arguments.len()
                && form
                    .arguments
                    .iter()
                    .zip(&arguments)
                    .all(|(wanted, given)| wanted.accepts(given, &mut bindings));
            if fits {
                let own = form.result.bound(&bindings);
                // Which form is meant shows when a metric is there.
                result = Some(match result {
                    Some(other) if other != own => Type::Dyn,
                    _ => own,
                });
            }
        }
        result.unwrap_or_else(|| {
            let shown: Vec<String> = arguments.iter().map(Type::to_string).collect();
            let applied = match target {
                Some(_) => format!("{}.({})", shown[0], shown[1..].join(", ")),
                None => format!("({})", shown.join(", ")),
            };
            self.fault(
                id,
                format!("found no matching overload for '{name}' applied to '{applied}'"),
            )
        })
    }

    fn comprehension(&mut self, c: &ComprehensionExpr) -> Type {
        let (item, value) = match self.type_of(&c.iter_range) {
            Type::List(item) => (Type::Int, *item),
            Type::Map(key, value) => (*key, *value),
            Type::Dyn => (Type::Dyn, Type::Dyn),
            other => {
                let wrong = self.fault(
                    c.iter_range.id,
                    format!("expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"),
                );
                (wrong.clone(), wrong)
            }
        };
        let is_list = matches!(self.peek(&c.iter_range), Type::List(_));
        let result = self.type_of(&c.accu_init);
        let before = self.variables.len();
        self.variables.push((c.accu_var.clone(), result));
        match &c.iter_var2 {
            Some(second) => {
                self.variables.push((c.iter_var.clone(), item));
                self.variables.push((second.clone(), value));
            }
            None => self
                .variables
                .push((c.iter_var.clone(), if is_list { value } else { item })),
        }
        let going_on = self.type_of(&c.loop_cond);
        self.expect_bool(c.loop_cond.id, &going_on);
        let step = self.type_of(&c.loop_step);
        // An empty list of any type becomes one of what is put in.
        self.variables[before].1 = step;
        self.variables.truncate(before + 1);
        let result = self.type_of(&c.result);
        self.variables.truncate(before);
        result
    }

    /// The type of a part whose faults are noted already.
    fn peek(&mut self, part: &IdedExpr) -> Type {
        let faults = self.faults.len();
        let found = self.type_of(part);
        self.faults.truncate(faults);
        found
    }

    fn expect_bool(&mut self, id: u64, found: &Type) {
        if !matches!(found, Type::Bool | Type::Dyn) {
            self.fault(id, format!("expected type 'bool' but found '{found}'"));
        }
    }

    fn undeclared(&mut self, id: u64, name: &str) -> Type {
        self.fault(id, format!("undeclared reference to '{name}' (in container '')"))
    }

    fn fault(&mut self, id: u64, message: String) -> Type {
        let start = self.places.offset_for(id).map_or(0, |(start, _)| start as usize);
        let before: Vec<char> = self.text.chars().take(start).collect();
        let line_start = before.iter().rposition(|c| *c == '\n').map_or(0, |i| i + 1);
        let line = 1 + before.iter().filter(|c| **c == '\n').count();
        let fault = Fault {
            line,
            column: 1 + before.len() - line_start,
            message,
        };
        // A macro checks what it was given more than once.
        if !self
            .faults
            .iter()
            .any(|f| (f.line, f.column, &f.message) == (fault.line, fault.column, &fault.message))
        {
            self.faults.push(fault);
        }
        Type::Dyn
    }
}

/// The type of all items of a literal.
fn common(items: Vec<Type>) -> Type {
    items
        .into_iter()
        .reduce(|a, b| a.join(&b).unwrap_or(Type::Dyn))
        .unwrap_or(Type::Dyn)
}
