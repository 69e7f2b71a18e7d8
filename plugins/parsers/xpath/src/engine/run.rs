//! A plan at work on a document: nodes are pulled through its operations one at a time.
//!
//! As in the library that Telegraf uses, an operation keeps its place between pulls, and filters move the one cursor that
//! all parts of the expression share. Both can be seen in results, so both are kept.

use std::borrow::Cow;
use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::patterns::Patterns;
use super::plan::{Axis, Id, Op, Plan};
use super::steps::Walk;
use crate::tree::{Cursor, Document, NodeId, NodeType};

/// Why an expression has no value: the sentence for the user.
pub(super) type Failure = String;

/// What an operation evaluates to.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// Nodes, to be pulled from this operation.
    Nodes(Id),
}

/// Where an operation stands.
#[derive(Debug)]
pub(super) struct State {
    /// Whether it is in the middle of an input node.
    pub(super) busy: bool,
    /// A step's own cursor.
    pub(super) at: Cursor,
    pub(super) first: bool,
    pub(super) level: usize,
    /// The number of the last node, as predicates count.
    pub(super) position: usize,
    /// The walk below a following or preceding node.
    pub(super) below: Option<Walk>,
    /// Nodes that had to be gathered before the first could be given.
    list: Vec<Cursor>,
    given: usize,
    pub(super) seen: HashSet<Option<Cursor>, FixedState>,
    /// A filter's counts, one for each level.
    counts: Vec<usize>,
}

impl Default for State {
    fn default() -> State {
        State {
            busy: false,
            at: Cursor::new(NodeId::DOCUMENT),
            first: false,
            level: 0,
            position: 0,
            below: None,
            list: Vec::new(),
            given: 0,
            seen: HashSet::with_hasher(FixedState::default()),
            counts: Vec::new(),
        }
    }
}

impl State {
    fn clear(&mut self) {
        self.busy = false;
        self.level = 0;
        self.position = 0;
        self.below = None;
        self.list.clear();
        self.given = 0;
        self.seen.clear();
        self.counts.clear();
    }
}

/// What is kept from one evaluation to the next.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    states: Vec<State>,
    patterns: Patterns,
}

/// One evaluation.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) doc: &'a Document,
    pub(super) states: &'a mut Vec<State>,
    pub(super) patterns: &'a mut Patterns,
    /// What `/` means.
    root: NodeId,
    /// The node that the expression stands on.
    pub(super) cursor: Cursor,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        doc: &'a Document,
        at: Cursor,
        workspace: &'a mut Workspace,
    ) -> Run<'a> {
        let Workspace { states, patterns } = workspace;
        states.resize_with(plan.ops.len(), State::default);
        states.iter_mut().for_each(State::clear);
        Run {
            plan,
            doc,
            states,
            patterns,
            root: at.node,
            cursor: at,
        }
    }

    /// Forgets where an operation and all it stands on are.
    pub(super) fn clear(&mut self, id: Id) {
        let start = self.plan.starts[id];
        self.states[start..=id].iter_mut().for_each(State::clear);
    }

    /// Evaluates an operation: a value, or nodes, from the beginning.
    pub(super) fn evaluate(&mut self, id: Id) -> Result<Value<'a>, Failure> {
        let plan = self.plan;
        match &plan.ops[id] {
            Op::Context | Op::Root => self.states[id].busy = false,
            Op::Step { axis, input, .. } => {
                self.evaluate(*input)?;
                match axis {
                    Axis::Ancestor { .. } => {
                        self.states[id].busy = false;
                        self.states[id].seen.clear();
                    }
                    Axis::Attribute | Axis::Child | Axis::Descendant { .. } => self.states[id].busy = false,
                    // The others go on where they stood.
                    _ => {}
                }
            }
            Op::Filter { input, .. } => {
                self.evaluate(*input)?;
                self.states[id].counts.clear();
            }
            Op::Merge { input, .. } | Op::Reverse(input) => {
                self.evaluate(*input)?;
                self.states[id].busy = false;
            }
            Op::Union(left, right) => {
                self.states[id].busy = false;
                self.evaluate(*left)?;
                self.evaluate(*right)?;
            }
            Op::Group(input) => return self.evaluate(*input),
            Op::Size(input) => return self.size(id, *input),
            Op::Text(text) => return Ok(Value::Text(Cow::Borrowed(text))),
            Op::Number(number) => return Ok(Value::Number(*number)),
            Op::Call(function, arguments) => return self.call(function, arguments),
            Op::Compare(how, left, right) => return self.compare(*how, *left, *right).map(Value::Bool),
            Op::Compute(how, left, right) => return self.compute(*how, *left, *right).map(Value::Number),
            Op::And(left, right) => return self.combine(*left, *right, false).map(Value::Bool),
            Op::Or(left, right) => return self.combine(*left, *right, true).map(Value::Bool),
        }
        Ok(Value::Nodes(id))
    }

    /// How many nodes there are; counted once.
    fn size(&mut self, id: Id, input: Id) -> Result<Value<'a>, Failure> {
        while !self.states[id].busy {
            match self.select(input)? {
                Some(_) => self.states[id].given += 1,
                None => self.states[id].busy = true,
            }
        }
        Ok(Value::Number(self.states[id].given as f64))
    }

    /// `or` where true, else `and`; the right side is not looked at where the left one decides.
    fn combine(&mut self, left: Id, right: Id, or: bool) -> Result<bool, Failure> {
        let before = self.cursor;
        let left = self.evaluate(left)?;
        if self.boolean(left)? == or {
            return Ok(or);
        }
        self.cursor = before;
        let right = self.evaluate(right)?;
        self.boolean(right)
    }

    /// Pulls the next node out of an operation.
    pub(super) fn select(&mut self, id: Id) -> Result<Option<Cursor>, Failure> {
        let plan = self.plan;
        match &plan.ops[id] {
            Op::Context | Op::Root => {
                if std::mem::replace(&mut self.states[id].busy, true) {
                    return Ok(None);
                }
                let mut at = self.cursor;
                if matches!(plan.ops[id], Op::Root) {
                    at.node = self.root;
                }
                Ok(Some(at))
            }
            Op::Step { axis, input, test } => self.step(id, *axis, *input, test),
            Op::Filter { input, predicate } => self.filter(id, *input, *predicate),
            Op::Merge { input, child } => self.merge(id, *input, *child),
            Op::Group(input) => {
                let node = self.select(*input)?;
                self.states[id].position += usize::from(node.is_some());
                Ok(node)
            }
            Op::Union(left, right) => self.union(id, *left, *right),
            Op::Or(left, right) => self.either(id, *left, *right, true),
            Op::And(left, right) => self.either(id, *left, *right, false),
            Op::Reverse(input) => self.reverse(id, *input),
            Op::Text(_) | Op::Number(_) | Op::Call(..) | Op::Compare(..) | Op::Compute(..) | Op::Size(_) => {
                Ok(None)
            }
        }
    }

    /// The nodes of `or`: all of the left side, then all of the right. Of `and`, as Telegraf has it: the last one.
    fn either(&mut self, id: Id, left: Id, right: Id, or: bool) -> Result<Option<Cursor>, Failure> {
        if !self.states[id].busy {
            let before = self.cursor;
            self.gather(id, left)?;
            self.cursor = before;
            self.gather(id, right)?;
            self.begin_list(id);
            let state = &mut self.states[id];
            if !or {
                state.given = state.list.len().saturating_sub(1);
            }
        }
        Ok(self.next_listed(id))
    }

    fn reverse(&mut self, id: Id, input: Id) -> Result<Option<Cursor>, Failure> {
        if !self.states[id].busy {
            self.states[id].list.clear();
            self.gather(id, input)?;
            self.states[id].list.reverse();
            self.begin_list(id);
        }
        Ok(self.next_listed(id))
    }

    fn gather(&mut self, id: Id, from: Id) -> Result<(), Failure> {
        while let Some(node) = self.select(from)? {
            self.states[id].list.push(node);
        }
        Ok(())
    }

    fn begin_list(&mut self, id: Id) {
        self.states[id].busy = true;
        self.states[id].given = 0;
    }

    fn next_listed(&mut self, id: Id) -> Option<Cursor> {
        let state = &mut self.states[id];
        let node = state.list.get(state.given).copied();
        state.given += usize::from(node.is_some());
        node
    }

    /// A node's identity; all roots are one.
    fn identity(&self, at: Cursor) -> Option<Cursor> {
        (self.doc.node_type(at) != NodeType::Root).then_some(at)
    }

    fn union(&mut self, id: Id, left: Id, right: Id) -> Result<Option<Cursor>, Failure> {
        if !self.states[id].busy {
            let before = self.cursor;
            self.states[id].list.clear();
            self.states[id].seen.clear();
            for (side, first) in [(left, true), (right, false)] {
                if !first {
                    self.cursor = before;
                }
                while let Some(node) = self.select(side)? {
                    let identity = self.identity(node);
                    if self.states[id].seen.insert(identity) {
                        self.states[id].list.push(node);
                    }
                }
            }
            self.begin_list(id);
        }
        Ok(self.next_listed(id))
    }

    fn merge(&mut self, id: Id, input: Id, child: Id) -> Result<Option<Cursor>, Failure> {
        loop {
            if !self.states[id].busy {
                let Some(root) = self.select(input)? else {
                    return Ok(None);
                };
                self.evaluate(child)?;
                self.cursor = root;
                self.states[id].list.clear();
                self.gather(id, child)?;
                self.begin_list(id);
            }
            if let Some(node) = self.next_listed(id) {
                return Ok(Some(node));
            }
            self.states[id].busy = false;
        }
    }

    fn filter(&mut self, id: Id, input: Id, predicate: Id) -> Result<Option<Cursor>, Failure> {
        while let Some(node) = self.select(input)? {
            self.cursor = node;
            let holds = match self.evaluate(predicate)? {
                Value::Bool(holds) => holds,
                Value::Text(text) => !text.is_empty(),
                Value::Number(number) => number.trunc() == self.position(input) as f64,
                Value::Nodes(_) => self.select(predicate)?.is_some(),
            };
            if holds {
                let level = self.depth(input);
                let state = &mut self.states[id];
                if state.counts.len() <= level {
                    state.counts.resize(level + 1, 0);
                }
                state.counts[level] += 1;
                state.position = state.counts[level];
                return Ok(Some(node));
            }
        }
        Ok(None)
    }

    /// The number of the node that an operation gave last.
    fn position(&self, id: Id) -> usize {
        match &self.plan.ops[id] {
            Op::Step {
                axis: Axis::Attribute | Axis::Parent | Axis::Own,
                ..
            } => 1,
            Op::Step { .. } | Op::Filter { .. } | Op::Group(_) => self.states[id].position,
            _ => 1,
        }
    }

    fn depth(&self, id: Id) -> usize {
        match &self.plan.ops[id] {
            Op::Step {
                axis: Axis::Descendant { .. },
                ..
            } => self.states[id].level,
            _ => 0,
        }
    }
}
