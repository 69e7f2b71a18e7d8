//! Steps: an input node goes in, the nodes on its axis that the test takes come out, one at a time.

use super::plan::{Axis, Id, Test};
use super::run::{Failure, Run};
use crate::tree::{Cursor, Document, NodeType};

/// A walk over all nodes below one.
#[derive(Debug)]
pub(super) struct Walk {
    at: Cursor,
    level: usize,
    or_self: bool,
    position: usize,
}

impl Walk {
    fn next(&mut self, doc: &Document, test: &Test) -> Option<Cursor> {
        if std::mem::take(&mut self.or_self) && test.holds(doc, self.at) {
            self.position += 1;
            return Some(self.at);
        }
        loop {
            if doc.to_child(&mut self.at) {
                self.level += 1;
            } else {
                loop {
                    if self.level == 0 {
                        return None;
                    }
                    if doc.to_next(&mut self.at) {
                        break;
                    }
                    doc.to_parent(&mut self.at);
                    self.level -= 1;
                }
            }
            if test.holds(doc, self.at) {
                self.position += 1;
                return Some(self.at);
            }
        }
    }
}

impl Run<'_> {
    pub(super) fn step(
        &mut self,
        id: Id,
        axis: Axis,
        input: Id,
        test: &Test,
    ) -> Result<Option<Cursor>, Failure> {
        let doc = self.doc;
        match axis {
            Axis::Own => {
                while let Some(node) = self.select(input)? {
                    if test.holds(doc, node) {
                        return Ok(Some(node));
                    }
                }
                return Ok(None);
            }
            Axis::Parent => {
                while let Some(mut node) = self.select(input)? {
                    if doc.to_parent(&mut node) && test.holds(doc, node) {
                        return Ok(Some(node));
                    }
                }
                return Ok(None);
            }
            Axis::FurtherDescendant { or_self } => return self.further(id, input, test, or_self),
            _ => {}
        }
        loop {
            if !self.states[id].busy {
                // Following and preceding start to count before they know whether there is more; all others likewise.
                if axis != Axis::Attribute && !matches!(axis, Axis::Ancestor { .. }) {
                    self.states[id].position = 0;
                }
                let Some(node) = self.select(input)? else {
                    return Ok(None);
                };
                let state = &mut self.states[id];
                if matches!(axis, Axis::Ancestor { .. }) {
                    state.position = 0;
                }
                state.busy = true;
                state.at = node;
                state.first = true;
                state.level = 0;
                state.below = None;
            }
            if let Some(node) = self.advance(id, axis, test) {
                return Ok(Some(node));
            }
            self.states[id].busy = false;
        }
    }

    /// The next node of a step from the input node it works on.
    fn advance(&mut self, id: Id, axis: Axis, test: &Test) -> Option<Cursor> {
        let doc = self.doc;
        let state = &mut self.states[id];
        match axis {
            Axis::Attribute => {
                while doc.to_next_attribute(&mut state.at) {
                    if test.holds(doc, state.at) {
                        return Some(state.at);
                    }
                }
                None
            }
            Axis::Child => {
                while match std::mem::take(&mut state.first) {
                    true => doc.to_child(&mut state.at),
                    false => doc.to_next(&mut state.at),
                } {
                    if test.holds(doc, state.at) {
                        state.position += 1;
                        return Some(state.at);
                    }
                }
                None
            }
            Axis::Descendant { or_self } => {
                let mut walk = Walk {
                    at: state.at,
                    level: state.level,
                    or_self: or_self && state.first,
                    position: state.position,
                };
                let found = walk.next(doc, test);
                state.first = false;
                (state.at, state.level, state.position) = (walk.at, walk.level, walk.position);
                found
            }
            Axis::Ancestor { or_self } => loop {
                let own = std::mem::take(&mut state.first) && or_self;
                if !own && !doc.to_parent(&mut state.at) {
                    return None;
                }
                if test.holds(doc, state.at) {
                    let at = state.at;
                    let identity = (doc.node_type(at) != NodeType::Root).then_some(at);
                    if state.seen.insert(identity) {
                        state.position += 1;
                        return Some(at);
                    }
                }
            },
            Axis::FollowingSibling | Axis::PrecedingSibling => {
                while match axis {
                    Axis::FollowingSibling => doc.to_next(&mut state.at),
                    _ => doc.to_previous(&mut state.at),
                } {
                    if test.holds(doc, state.at) {
                        state.position += 1;
                        return Some(state.at);
                    }
                }
                None
            }
            _ => self.advance_beside(id, axis, test),
        }
    }

    /// Following and preceding nodes on all levels: what is below the siblings of the node and of its ancestors.
    fn advance_beside(&mut self, id: Id, axis: Axis, test: &Test) -> Option<Cursor> {
        let doc = self.doc;
        let state = &mut self.states[id];
        loop {
            if state.below.is_none() {
                while !match axis {
                    Axis::Following => doc.to_next(&mut state.at),
                    _ => doc.to_previous(&mut state.at),
                } {
                    if !doc.to_parent(&mut state.at) {
                        return None;
                    }
                    if axis == Axis::Preceding {
                        state.position = 0;
                    }
                }
                self.cursor = state.at;
            }
            let walk = state.below.get_or_insert(Walk {
                at: state.at,
                level: 0,
                or_self: true,
                position: 0,
            });
            if let Some(node) = walk.next(doc, test) {
                match axis {
                    Axis::Following => state.position = walk.position,
                    _ => state.position += 1,
                }
                return Some(node);
            }
            state.below = None;
        }
    }

    fn further(&mut self, id: Id, input: Id, test: &Test, or_self: bool) -> Result<Option<Cursor>, Failure> {
        let doc = self.doc;
        loop {
            if self.states[id].level == 0 {
                let Some(node) = self.select(input)? else {
                    return Ok(None);
                };
                let state = &mut self.states[id];
                (state.at, state.position) = (node, 0);
                if or_self && test.holds(doc, node) {
                    state.position = 1;
                    return Ok(Some(node));
                }
                state.level += usize::from(doc.to_child(&mut state.at));
            } else {
                let state = &mut self.states[id];
                let mut more = doc.to_next(&mut state.at);
                while !more {
                    state.level -= 1;
                    if state.level == 0 {
                        break;
                    }
                    doc.to_parent(&mut state.at);
                    more = doc.to_next(&mut state.at);
                }
                if !more {
                    continue;
                }
            }
            let state = &mut self.states[id];
            loop {
                if test.holds(doc, state.at) {
                    state.position += 1;
                    return Ok(Some(state.at));
                }
                if !doc.to_child(&mut state.at) {
                    break;
                }
                state.level += 1;
            }
        }
    }
}
