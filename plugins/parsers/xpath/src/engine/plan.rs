//! What the evaluator runs: operations in a row, each knowing where its inputs stand.

use std::sync::Arc;

use wheatstone_goregexp::Regexp;

use crate::tree::{Cursor, Document, NodeType};

/// An operation's place. Everything an operation needs stands before it, from its `start` on.
pub(super) type Id = usize;

/// Which nodes a step takes.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) kind: Option<NodeType>,
    /// Local name and prefix, both compared where one is set.
    pub(super) name: Option<(String, String)>,
}

impl Test {
    pub(super) fn holds(&self, doc: &Document, at: Cursor) -> bool {
        self.kind.is_none_or(|kind| kind == doc.node_type(at))
            && self
                .name
                .as_ref()
                .is_none_or(|(name, prefix)| name == doc.local_name(at) && prefix == doc.prefix(at))
    }
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Ancestor {
        or_self: bool,
    },
    Attribute,
    Child,
    Descendant {
        or_self: bool,
    },
    /// The same where its input are descendants already: what was found is not found again.
    FurtherDescendant {
        or_self: bool,
    },
    Following,
    FollowingSibling,
    Parent,
    Preceding,
    PrecedingSibling,
    Own,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
}

/// The functions with a value. `Position` and `Last` carry the test of the step that they count in.
#[derive(Clone, Debug)]
pub(super) enum Function {
    LowerCase,
    StartsWith,
    EndsWith,
    Contains,
    Matches(Option<Arc<Regexp>>),
    Substring,
    SubstringBefore,
    SubstringAfter,
    StringLength,
    NormalizeSpace,
    Replace(Option<Arc<Regexp>>),
    Translate,
    Not,
    Name,
    LocalName,
    NamespaceUri,
    True,
    False,
    Last(Option<Test>),
    Position(Option<Test>),
    Boolean,
    Number,
    String,
    Count,
    Sum,
    Ceiling,
    Floor,
    Round,
    Concat,
    StringJoin,
}

/// One operation.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// The node that the evaluation stands on.
    Context,
    /// The node that the evaluation began with.
    Root,
    Step {
        axis: Axis,
        input: Id,
        test: Test,
    },
    Filter {
        input: Id,
        predicate: Id,
    },
    /// Each node of `input` becomes the context of `child`.
    Merge {
        input: Id,
        child: Id,
    },
    Group(Id),
    Union(Id, Id),
    Reverse(Id),
    /// `last()` in a predicate on a group or a filter.
    Size(Id),
    Call(Function, Vec<Id>),
    Text(String),
    Number(f64),
    Compare(Comparison, Id, Id),
    Compute(Arithmetic, Id, Id),
    And(Id, Id),
    Or(Id, Id),
}

impl Op {
    /// Calls `change` with every operation that this one stands on.
    pub(super) fn for_each_input(&mut self, mut change: impl FnMut(&mut Id)) {
        match self {
            Op::Context | Op::Root | Op::Text(_) | Op::Number(_) => {}
            Op::Step { input, .. } | Op::Group(input) | Op::Reverse(input) | Op::Size(input) => change(input),
            Op::Filter {
                input: a,
                predicate: b,
            }
            | Op::Merge { input: a, child: b }
            | Op::Union(a, b)
            | Op::Compare(_, a, b)
            | Op::Compute(_, a, b)
            | Op::And(a, b)
            | Op::Or(a, b) => {
                change(a);
                change(b);
            }
            Op::Call(_, arguments) => arguments.iter_mut().for_each(change),
        }
    }
}

/// A compiled expression; the last operation is its result.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) ops: Vec<Op>,
    /// Where the operations that each one stands on begin.
    pub(super) starts: Vec<Id>,
}
