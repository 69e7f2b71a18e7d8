//! The queries of a table: a node in, a value or nodes out.

use wheatstone_plugin::prelude::*;

use crate::engine::{self, Expression};
use crate::shown::Native;
use crate::tree::{Cursor, Document, NodeId};

/// A query for one value.
pub(super) struct Query {
    text: String,
    /// Begins at the top of the payload.
    absolute: bool,
    expression: Result<Expression, String>,
}

impl Query {
    pub(super) fn new(text: &str) -> Query {
        Query {
            text: text.to_owned(),
            absolute: text.starts_with('/'),
            expression: Expression::compile(text),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text and what is wrong with it, where something is.
    pub(super) fn fault(&self) -> Option<(&str, &str)> {
        let fault = self.expression.as_ref().err()?;
        Some((&self.text, fault))
    }

    /// The value at a node; of several nodes the first counts. It is a text unless the query converts it, or `native` is
    /// set.
    pub(super) fn evaluate<'a>(
        &'a mut self,
        doc: &'a Document,
        at: Cursor,
        native: bool,
    ) -> Result<Native<'a>> {
        let expression = match &mut self.expression {
            Ok(expression) => expression,
            Err(error) => bail!("failed to compile query {:?}: {error}", self.text),
        };
        let at = if self.absolute {
            Cursor::new(NodeId::DOCUMENT)
        } else {
            at
        };
        let result = expression.evaluate(doc, at);
        let text = &self.text;
        Ok(
            match result.map_err(|error| anyhow!("query {text:?}: {error}"))? {
                engine::Result::Bool(value) => Native::Bool(value),
                engine::Result::Number(value) => Native::Float(value),
                engine::Result::Text(text) => Native::Str(text),
                engine::Result::Node(node) if native => doc.native(node),
                engine::Result::Node(node) => Native::Str(doc.string_value(node)),
                engine::Result::Nothing => Native::Null,
            },
        )
    }
}

/// A query for nodes.
pub(super) struct Selection {
    text: String,
    expression: Result<Expression, String>,
}

impl Selection {
    pub(super) fn new(text: &str) -> Selection {
        Selection {
            text: text.to_owned(),
            expression: Expression::compile(text),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// As [`Query::fault`].
    pub(super) fn fault(&self) -> Option<(&str, &str)> {
        let fault = self.expression.as_ref().err()?;
        Some((&self.text, fault))
    }

    /// Appends the nodes. `/` means the node it starts at.
    pub(super) fn select(&mut self, doc: &Document, at: Cursor, nodes: &mut Vec<Cursor>) -> Result<()> {
        match &mut self.expression {
            Ok(expression) => expression
                .select(doc, at, nodes)
                .map_err(|error| anyhow!("query {:?}: {error}", self.text)),
            Err(error) => bail!("{error}"),
        }
    }
}
