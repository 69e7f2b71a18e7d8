//! Pipelines and what they are made of: a node goes in, its value comes out.

use super::{Done, Exec};
use crate::ast::{Command, Expr, ExprKind, Number, Pipe};
use crate::call::{Fault, Function, Param, Signature};
use crate::format::MAX_TEXT;
use crate::members;
use crate::value::{IntType, Member, Value};

/// The longest list that a function may give.
const MAX_ITEMS: usize = 1 << 20;

impl<'t, 'a> Exec<'t, 'a> {
    pub(super) fn pipeline(&mut self, dot: &Value<'a>, pipe: &'t Pipe) -> Done<Value<'a>> {
        self.at(pipe.pos, pipe);
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.deeper(|exec| exec.command(dot, command, value))?);
        }
        let value = value.unwrap_or_default();
        for name in &pipe.decl {
            if pipe.assign {
                if let Some(var) = self.vars.iter_mut().rev().find(|(n, _)| n == name) {
                    var.1 = value.clone();
                } else {
                    return self.fail(format_args!("undefined variable: {name}"));
                }
            } else {
                self.vars.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// `piped` is what the command before in the pipeline gave.
    fn command(
        &mut self,
        dot: &Value<'a>,
        command: &'t Command,
        piped: Option<Value<'a>>,
    ) -> Done<Value<'a>> {
        self.step()?;
        let first = &command.first;
        match &first.kind {
            ExprKind::Field(fields) => {
                self.at(first.pos, first);
                return self.chain(dot, dot.clone(), first, fields, &command.args, piped);
            }
            ExprKind::Chain { of, fields } => {
                self.at(first.pos, first);
                let from = self.chained(dot, of, first)?;
                return self.chain(dot, from, first, fields, &command.args, piped);
            }
            ExprKind::Function(function) => {
                self.at(first.pos, first);
                return self.function(dot, function, (command.pos, command), &command.args, piped);
            }
            ExprKind::Variable { name, fields } => {
                self.at(first.pos, first);
                let value = self.variable(name)?;
                if !fields.is_empty() {
                    return self.chain(dot, value, first, fields, &command.args, piped);
                }
                self.no_arguments(command, &piped)?;
                return Ok(value);
            }
            ExprKind::Pipe(pipe) => {
                self.no_arguments(command, &piped)?;
                return self.pipeline(dot, pipe);
            }
            _ => {}
        }
        self.at(first.pos, first);
        self.no_arguments(command, &piped)?;
        match &first.kind {
            ExprKind::Bool(b) => Ok(Value::Bool(*b)),
            ExprKind::Dot => Ok(dot.clone()),
            ExprKind::Number(number) => self.constant(number),
            ExprKind::Str { text, .. } => Ok(Value::str(text)),
            _ => self.fail("nil is not a command"),
        }
    }

    fn no_arguments(&self, command: &Command, piped: &Option<Value<'a>>) -> Done<()> {
        if command.args.is_empty() && piped.is_none() {
            return Ok(());
        }
        match &command.first.kind {
            ExprKind::Pipe(pipe) => self.fail(format_args!("can't give argument to non-function {pipe}")),
            _ => self.fail(format_args!(
                "can't give argument to non-function {}",
                command.first
            )),
        }
    }

    /// A number where nothing says of what type it is to be.
    fn constant(&self, number: &Number) -> Done<Value<'a>> {
        let text = &number.text;
        let hex = text.len() > 2
            && (text.starts_with("0x") || text.starts_with("0X"))
            && !text.contains(['p', 'P']);
        if let Some(x) = number.float
            && !hex
            && !text.starts_with('\'')
            && text.contains(['.', 'e', 'E', 'p', 'P'])
        {
            return Ok(Value::Float(x));
        }
        match number.int {
            Some(n) => Ok(Value::int(n)),
            None => self.fail(format_args!("{text} overflows int")),
        }
    }

    fn variable(&self, name: &str) -> Done<Value<'a>> {
        match self.vars.iter().rev().find(|(n, _)| *n == name) {
            Some((_, value)) => Ok(value.clone()),
            None => self.fail(format_args!("undefined variable: {name}")),
        }
    }

    /// What stands before the fields of a chain.
    fn chained(&mut self, dot: &Value<'a>, of: &'t Expr, chain: &Expr) -> Done<Value<'a>> {
        if matches!(of.kind, ExprKind::Nil) {
            return self.fail(format_args!("indirection through explicit nil in {chain}"));
        }
        self.deeper(|exec| exec.argument(dot, Param::Any, of))
    }

    /// `.A.B.C`, the last with arguments.
    fn chain(
        &mut self,
        dot: &Value<'a>,
        from: Value<'a>,
        node: &'t Expr,
        fields: &'t [String],
        args: &'t [Expr],
        piped: Option<Value<'a>>,
    ) -> Done<Value<'a>> {
        let Some((last, before)) = fields.split_last() else {
            return Ok(from);
        };
        let mut value = from;
        for field in before {
            value = self.field(dot, &value, field, node, &[], None)?;
        }
        self.field(dot, &value, last, node, args, piped)
    }

    fn field(
        &mut self,
        dot: &Value<'a>,
        of: &Value<'a>,
        name: &'t str,
        node: &'t Expr,
        args: &'t [Expr],
        piped: Option<Value<'a>>,
    ) -> Done<Value<'a>> {
        if matches!(of, Value::Nil) {
            return Ok(Value::Nil);
        }
        let has_arguments = !args.is_empty() || piped.is_some();
        match members::member(of, name) {
            Some(Member::Method(signature)) => {
                let args = self.arguments(dot, name, &signature, args, piped)?;
                let result = members::get(of, name, &args);
                self.called(result, name, node.pos, node)
            }
            Some(Member::Field) if has_arguments => self.fail(format_args!(
                "{name} has arguments but cannot be invoked as function"
            )),
            Some(Member::Field) => members::get(of, name, &[]).or_else(|Fault(what)| self.fail(what)),
            Some(Member::Uncallable(why)) => {
                self.fail(format_args!("invalid function signature for {name}: {why}"))
            }
            None => match of {
                Value::Map(_) if has_arguments => {
                    self.fail(format_args!("{name} is not a method but has arguments"))
                }
                Value::Map(map) => Ok(map.get(name).unwrap_or_default()),
                _ => {
                    let of = of.type_name();
                    self.fail(format_args!("can't evaluate field {name} in type {of}"))
                }
            },
        }
    }

    /// Checks what a function gave: an error gets its place, and what is too large is one.
    fn called(
        &mut self,
        result: Result<Value<'a>, Fault>,
        name: &str,
        pos: usize,
        node: &'t dyn std::fmt::Display,
    ) -> Done<Value<'a>> {
        let result = result.and_then(|value| match &value {
            Value::Str(s) if s.len() > MAX_TEXT => Err(Fault(format!("exceeded {MAX_TEXT} bytes"))),
            Value::List(l) if l.items().len() > MAX_ITEMS => {
                Err(Fault(format!("exceeded {MAX_ITEMS} elements")))
            }
            _ => Ok(value),
        });
        result.or_else(|Fault(what)| {
            self.at(pos, node);
            self.fail(format_args!("error calling {name}: {what}"))
        })
    }

    fn function(
        &mut self,
        dot: &Value<'a>,
        function: &'static Function,
        (pos, node): (usize, &'t dyn std::fmt::Display),
        args: &'t [Expr],
        piped: Option<Value<'a>>,
    ) -> Done<Value<'a>> {
        let name = function.name;
        if matches!(name, "and" | "or") {
            return self.short_circuit(dot, name, args, piped);
        }
        let args = self.arguments(dot, name, &function.signature, args, piped)?;
        self.called((function.run)(&args), name, pos, node)
    }

    /// `and` and `or` look at no more arguments than they need.
    fn short_circuit(
        &mut self,
        dot: &Value<'a>,
        name: &str,
        args: &'t [Expr],
        piped: Option<Value<'a>>,
    ) -> Done<Value<'a>> {
        if args.is_empty() && piped.is_none() {
            return self.fail(format_args!(
                "wrong number of args for {name}: want at least 1 got 0"
            ));
        }
        let mut value = Value::Nil;
        for arg in args {
            value = self.deeper(|exec| exec.argument(dot, Param::Any, arg))?;
            if value.truth() == (name == "or") {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }

    fn arguments(
        &mut self,
        dot: &Value<'a>,
        name: &str,
        signature: &Signature,
        args: &'t [Expr],
        piped: Option<Value<'a>>,
    ) -> Done<Vec<Value<'a>>> {
        let (count, wanted) = (args.len() + usize::from(piped.is_some()), signature.fixed.len());
        if signature.variadic.is_some() && count < wanted {
            let got = args.len();
            return self.fail(format_args!(
                "wrong number of args for {name}: want at least {wanted} got {got}"
            ));
        }
        if signature.variadic.is_none() && count != wanted {
            return self.fail(format_args!(
                "wrong number of args for {name}: want {wanted} got {count}"
            ));
        }
        let mut values = Vec::with_capacity(count);
        for (i, arg) in args.iter().enumerate() {
            values.push(self.deeper(|exec| exec.argument(dot, signature.param(i), arg))?);
        }
        if let Some(piped) = piped {
            let param = signature.param(args.len());
            values.push(self.checked(param, piped)?);
        }
        Ok(values)
    }

    fn checked(&self, param: Param, value: Value<'a>) -> Done<Value<'a>> {
        param.check(value).or_else(|Fault(what)| self.fail(what))
    }

    fn argument(&mut self, dot: &Value<'a>, param: Param, node: &'t Expr) -> Done<Value<'a>> {
        self.step()?;
        self.at(node.pos, node);
        let value = match &node.kind {
            ExprKind::Dot => dot.clone(),
            ExprKind::Nil if param.can_be_nil() => Value::Nil,
            ExprKind::Nil => return self.fail(format_args!("cannot assign nil to {}", param.go_name())),
            ExprKind::Field(fields) => self.chain(dot, dot.clone(), node, fields, &[], None)?,
            ExprKind::Variable { name, fields } => {
                let value = self.variable(name)?;
                self.chain(dot, value, node, fields, &[], None)?
            }
            ExprKind::Pipe(pipe) => self.pipeline(dot, pipe)?,
            ExprKind::Function(function) => self.function(dot, function, (node.pos, node), &[], None)?,
            ExprKind::Chain { of, fields } => {
                let from = self.chained(dot, of, node)?;
                self.chain(dot, from, node, fields, &[], None)?
            }
            _ => return self.typed_constant(param, node),
        };
        self.checked(param, value)
    }

    /// A constant where the type it is to have is known.
    fn typed_constant(&mut self, param: Param, node: &'t Expr) -> Done<Value<'a>> {
        let expected = match (param, &node.kind) {
            (Param::Any | Param::Bool, ExprKind::Bool(b)) => return Ok(Value::Bool(*b)),
            (Param::Any | Param::Str, ExprKind::Str { text, .. }) => return Ok(Value::str(text)),
            (Param::Any, ExprKind::Number(number)) => return self.constant(number),
            (Param::Int, ExprKind::Number(Number { int: Some(n), .. })) => return Ok(Value::int(*n)),
            (Param::Duration, ExprKind::Number(Number { int: Some(n), .. })) => {
                return Ok(Value::Int(*n, IntType::Duration));
            }
            (Param::Float, ExprKind::Number(Number { float: Some(x), .. })) => return Ok(Value::Float(*x)),
            (Param::Bool, _) => "bool",
            (Param::Str, _) => "string",
            (Param::Int | Param::Duration, _) => "integer",
            (Param::Float, _) => "float",
            _ => {
                let name = param.go_name();
                return self.fail(format_args!("can't handle {node} for arg of type {name}"));
            }
        };
        self.fail(format_args!("expected {expected}; found {node}"))
    }
}
