//! A parsed template, and how each part of it looks in an error.

use std::fmt::{Display, Formatter, Result};

use crate::call::Function;

pub(crate) enum Node {
    Text(String),
    Action(Pipe),
    /// `if` and `with` with all their `else if` and `else with`.
    Choice {
        arms: Vec<Arm>,
        otherwise: Option<Vec<Node>>,
    },
    Range {
        pipe: Pipe,
        body: Vec<Node>,
        otherwise: Option<Vec<Node>>,
    },
    Template(Invocation),
    Break,
    Continue,
}

pub(crate) struct Arm {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    /// Whether the value becomes the dot.
    pub(crate) with: bool,
}

pub(crate) struct Invocation {
    pub(crate) pos: usize,
    pub(crate) name: String,
    pub(crate) pipe: Option<Pipe>,
}

pub(crate) struct Pipe {
    pub(crate) pos: usize,
    /// Variables with their dollar.
    pub(crate) decl: Vec<String>,
    pub(crate) assign: bool,
    pub(crate) commands: Vec<Command>,
}

pub(crate) struct Command {
    pub(crate) pos: usize,
    /// The first is what is called, where it can be; there is at least one.
    pub(crate) first: Expr,
    pub(crate) args: Vec<Expr>,
}

pub(crate) struct Expr {
    pub(crate) pos: usize,
    pub(crate) kind: ExprKind,
}

pub(crate) enum ExprKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    Str { quoted: String, text: String },
    Field(Vec<String>),
    Variable { name: String, fields: Vec<String> },
    Function(&'static Function),
    Pipe(Pipe),
    Chain { of: Box<Expr>, fields: Vec<String> },
}

/// A constant is what the place where it stands makes of it.
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
}

fn dotted(f: &mut Formatter<'_>, fields: &[String]) -> Result {
    fields.iter().try_for_each(|field| write!(f, ".{field}"))
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.kind {
            ExprKind::Dot => f.write_str("."),
            ExprKind::Nil => f.write_str("nil"),
            ExprKind::Bool(b) => write!(f, "{b}"),
            ExprKind::Number(n) => f.write_str(&n.text),
            ExprKind::Str { quoted, .. } => f.write_str(quoted),
            ExprKind::Field(fields) => dotted(f, fields),
            ExprKind::Variable { name, fields } => {
                f.write_str(name)?;
                dotted(f, fields)
            }
            ExprKind::Function(function) => f.write_str(function.name),
            ExprKind::Pipe(pipe) => write!(f, "({pipe})"),
            ExprKind::Chain { of, fields } => {
                write!(f, "{of}")?;
                dotted(f, fields)
            }
        }
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.first)?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if !self.decl.is_empty() {
            let sign = if self.assign { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.decl.join(", "))?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{command}")?;
        }
        Ok(())
    }
}

impl Display for Invocation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{{{{template {}", crate::format::quote(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}
