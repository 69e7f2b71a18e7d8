//! XPath: an expression's text is compiled once, and evaluated on documents.
//!
//! The language is that of Telegraf's library, antchfx/xpath 1.3: XPath 1.0 with some functions of 2.0. Where that library
//! departs from the recommendation its results are kept, see docs/decisions/xpath.md; where it breaks down, an error is
//! given instead.

mod build;
mod calls;
mod functions;
mod lexer;
mod patterns;
mod plan;
mod run;
mod steps;
mod syntax;
mod texts;
mod values;

use std::borrow::Cow;

use crate::tree::{Cursor, Document};
use plan::Plan;
use run::{Run, Value, Workspace};

/// A compiled expression. Evaluating needs it alone: it keeps its working space.
#[derive(Debug)]
pub(crate) struct Expression {
    plan: Plan,
    workspace: Workspace,
}

/// What an expression evaluates to.
#[derive(Debug, PartialEq)]
pub(crate) enum Result<'a> {
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// The first of the nodes.
    Node(Cursor),
    /// Nodes, but there are none.
    Nothing,
}

impl Expression {
    /// Compiles an expression. The error is worded as Telegraf's.
    pub(crate) fn compile(expression: &str) -> std::result::Result<Expression, String> {
        if expression.is_empty() {
            return Err("expr expression is nil".to_owned());
        }
        let tree = syntax::parse(expression)?;
        Ok(Expression {
            plan: build::build(&tree)?,
            workspace: Workspace::default(),
        })
    }

    /// The value at a node. `/` within the expression means that node too.
    pub(crate) fn evaluate<'a>(
        &'a mut self,
        doc: &'a Document,
        at: Cursor,
    ) -> std::result::Result<Result<'a>, String> {
        let last = self.plan.ops.len() - 1;
        let mut run = Run::new(&self.plan, doc, at, &mut self.workspace);
        Ok(match run.evaluate(last)? {
            Value::Bool(value) => Result::Bool(value),
            Value::Number(number) => Result::Number(number),
            Value::Text(text) => Result::Text(text),
            Value::Nodes(_) => {
                run.clear(last);
                match run.select(last)? {
                    Some(node) => Result::Node(node),
                    None => Result::Nothing,
                }
            }
        })
    }

    /// All nodes that the expression selects; a plain value selects none.
    pub(crate) fn select(
        &mut self,
        doc: &Document,
        at: Cursor,
        nodes: &mut Vec<Cursor>,
    ) -> std::result::Result<(), String> {
        let last = self.plan.ops.len() - 1;
        let mut run = Run::new(&self.plan, doc, at, &mut self.workspace);
        while let Some(node) = run.select(last)? {
            nodes.push(node);
            run.cursor = node;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
