//! The tree of an expression in, its plan out.
//!
//! What `position()` and `last()` count, and whether a predicate counts within each parent or over all that was found, is
//! decided here by the same marks as in the library that Telegraf uses, since its users rely on the results.

use super::plan::{Arithmetic, Axis, Comparison, Function, Id, Op, Plan, Test};
use super::syntax::{At, Step, Syntax, Tree};

/// Nesting beyond this is refused: the evaluator descends as deep.
const MAX_DEPTH: usize = 512;
/// So is a plan with more operations. Only `last()` on groups within groups gets there.
const MAX_OPS: usize = 20_000;

/// What a part of an expression has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    /// A predicate by position.
    pub(super) counts: bool,
    /// `position()`
    pub(super) position: bool,
    /// `last()`
    pub(super) last: bool,
}

/// From where a part is built.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Under {
    descendant: bool,
    filter: bool,
}

/// Makes the plan of an expression.
pub(super) fn build(tree: &Tree<'_>) -> Result<Plan, String> {
    let mut builder = Builder {
        tree,
        ops: Vec::new(),
        depth: 0,
        nearest: None,
    };
    let (root, _) = builder.node(tree.root, Under::default())?;
    let mut plan = Plan {
        ops: Vec::new(),
        starts: Vec::new(),
    };
    unfold(&builder.ops, root, &mut plan)?;
    Ok(plan)
}

/// Copies an operation behind all that it stands on, so that each stands on its own.
fn unfold(ops: &[Op], id: Id, plan: &mut Plan) -> Result<Id, String> {
    let start = plan.ops.len();
    if start > MAX_OPS {
        return Err(TOO_COMPLEX.to_owned());
    }
    let mut op = ops[id].clone();
    let mut failed = None;
    op.for_each_input(|input| match unfold(ops, *input, plan) {
        Ok(place) => *input = place,
        Err(error) => failed = Some(error),
    });
    if let Some(error) = failed {
        return Err(error);
    }
    plan.ops.push(op);
    plan.starts.push(start);
    Ok(plan.ops.len() - 1)
}

const TOO_COMPLEX: &str = "the xpath expressions is too complex";

pub(super) struct Builder<'a, 't> {
    tree: &'a Tree<'t>,
    pub(super) ops: Vec<Op>,
    depth: usize,
    /// The step, filter or group that was built last: what `position()` and `last()` refer to.
    pub(super) nearest: Option<Id>,
}

impl Builder<'_, '_> {
    pub(super) fn add(&mut self, op: Op) -> Id {
        self.ops.push(op);
        self.ops.len() - 1
    }

    pub(super) fn node(&mut self, at: At, under: Under) -> Result<(Id, Marks), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(TOO_COMPLEX.to_owned());
        }
        let tree = self.tree;
        let built = match &tree.nodes[at] {
            Syntax::Text(text) => (self.add(Op::Text((*text).to_owned())), Marks::default()),
            Syntax::Number(number) => (self.add(Op::Number(*number)), Marks::default()),
            Syntax::Root => (self.add(Op::Root), Marks::default()),
            Syntax::Axis(step) => {
                let built = self.step(step, under)?;
                self.nearest = Some(built.0);
                built
            }
            Syntax::Filter { input, condition } => {
                let built = self.filter(*input, *condition, under)?;
                self.nearest = Some(built.0);
                built
            }
            Syntax::Function { name, arguments } => self.function(name, arguments)?,
            Syntax::Operator {
                operator,
                left,
                right,
            } => self.operator(operator, *left, *right)?,
            Syntax::Group(input) => {
                let (input, marks) = self.node(*input, Under::default())?;
                let group = self.add(Op::Group(input));
                self.nearest = Some(group);
                (group, marks)
            }
            Syntax::Variable { prefix, name } => {
                let colon = if prefix.is_empty() { "" } else { ":" };
                return Err(format!(
                    "undeclared variable in XPath expression: ${prefix}{colon}{name}"
                ));
            }
        };
        self.depth -= 1;
        Ok(built)
    }

    fn step(&mut self, step: &Step<'_>, under: Under) -> Result<(Id, Marks), String> {
        let tree = self.tree;
        let test = Test {
            kind: step.kind,
            name: (!step.name.is_empty() || !step.prefix.is_empty())
                .then(|| (step.name.to_owned(), step.prefix.to_owned())),
        };
        self.nearest = None;
        let descends = matches!(step.axis, "descendant" | "descendant-or-self");
        let (input, marks) = match step.input {
            None => (self.add(Op::Context), Marks::default()),
            Some(at) => {
                // `//name` is one walk, unless a predicate counts the children of each parent.
                if !under.filter
                    && step.axis == "child"
                    && let Syntax::Axis(before) = &tree.nodes[at]
                    && before.axis == "descendant-or-self"
                {
                    let (input, marks) = match before.input {
                        None => (self.add(Op::Context), Marks::default()),
                        Some(at) => self.node(
                            at,
                            Under {
                                descendant: true,
                                ..Under::default()
                            },
                        )?,
                    };
                    let axis = Axis::Descendant { or_self: false };
                    return Ok((self.add(Op::Step { axis, input, test }), marks));
                }
                self.node(
                    at,
                    Under {
                        descendant: !under.filter && descends,
                        filter: false,
                    },
                )?
            }
        };
        let or_self = step.axis.ends_with("-or-self");
        let axis = match step.axis {
            "ancestor" | "ancestor-or-self" => Axis::Ancestor { or_self },
            "attribute" => Axis::Attribute,
            "child" => Axis::Child,
            "descendant" | "descendant-or-self" if under.descendant => Axis::FurtherDescendant { or_self },
            "descendant" | "descendant-or-self" => Axis::Descendant { or_self },
            "following" => Axis::Following,
            "following-sibling" => Axis::FollowingSibling,
            "parent" => Axis::Parent,
            "preceding" => Axis::Preceding,
            "preceding-sibling" => Axis::PrecedingSibling,
            "self" => Axis::Own,
            "namespace" => return Err("the axis namespace is not supported".to_owned()),
            other => return Err(format!("unknown axe type: {other}")),
        };
        Ok((self.add(Op::Step { axis, input, test }), marks))
    }

    fn filter(&mut self, input_at: At, condition: At, under: Under) -> Result<(Id, Marks), String> {
        let outermost = !under.filter;
        let (input, mut marks) = self.node(
            input_at,
            Under {
                filter: true,
                ..under
            },
        )?;
        let nearest = self.nearest;
        let (mut predicate, mut inside) = self.node(condition, under)?;
        if self.may_be_number(predicate) || inside.position || inside.last {
            inside.position = true;
        }
        if !matches!(self.tree.nodes[input_at], Syntax::Filter { .. }) {
            marks.counts = false;
        }
        marks.counts |= inside.position;
        // `last()` on what has no siblings to count: the size of the whole.
        if inside.last
            && matches!(
                self.ops[predicate],
                Op::Call(Function::Last(_) | Function::Position(_), _)
            )
            && let Some(of) = nearest
            && matches!(self.ops[of], Op::Filter { .. } | Op::Group(_))
        {
            predicate = self.add(Op::Size(of));
        }
        let mut before = None;
        if outermost && nearest.is_some() {
            if marks.counts && self.merges(input) {
                before = nearest.and_then(|nearest| self.cut(nearest));
            }
            self.nearest = None;
        }
        let filter = self.add(Op::Filter { input, predicate });
        match before {
            Some(input) => Ok((self.add(Op::Merge { input, child: filter }), marks)),
            None => Ok((filter, marks)),
        }
    }

    /// Takes the input of a step away, so that it starts at the context; returns it where it was more than that.
    fn cut(&mut self, id: Id) -> Option<Id> {
        let context = self.add(Op::Context);
        let input = match &mut self.ops[id] {
            Op::Step { input, .. } | Op::Group(input) => input,
            _ => return None,
        };
        let before = std::mem::replace(input, context);
        if matches!(self.ops[before], Op::Context) {
            return None;
        }
        Some(before)
    }

    /// Whether a predicate by position counts anew for each parent. It does not on a group.
    fn merges(&self, id: Id) -> bool {
        match &self.ops[id] {
            Op::Group(_) => false,
            Op::Filter { input, .. } => self.merges(*input),
            _ => true,
        }
    }

    fn may_be_number(&self, id: Id) -> bool {
        match &self.ops[id] {
            Op::Call(..) | Op::Reverse(_) | Op::Number(_) | Op::Compute(..) | Op::Size(_) => true,
            Op::Group(input) => self.may_be_number(*input),
            _ => false,
        }
    }

    fn operator(&mut self, operator: &str, left: At, right: At) -> Result<(Id, Marks), String> {
        let (left, a) = self.node(left, Under::default())?;
        let (right, b) = self.node(right, Under::default())?;
        let marks = Marks {
            counts: a.counts || b.counts,
            position: a.position || b.position,
            last: a.last || b.last,
        };
        let op = match operator {
            "+" => Op::Compute(Arithmetic::Plus, left, right),
            "-" => Op::Compute(Arithmetic::Minus, left, right),
            "*" => Op::Compute(Arithmetic::Times, left, right),
            "div" => Op::Compute(Arithmetic::Divide, left, right),
            "mod" => Op::Compute(Arithmetic::Modulo, left, right),
            "=" => Op::Compare(Comparison::Equal, left, right),
            "!=" => Op::Compare(Comparison::NotEqual, left, right),
            "<" => Op::Compare(Comparison::Less, left, right),
            "<=" => Op::Compare(Comparison::LessEqual, left, right),
            ">" => Op::Compare(Comparison::Greater, left, right),
            ">=" => Op::Compare(Comparison::GreaterEqual, left, right),
            "and" => Op::And(left, right),
            "or" => Op::Or(left, right),
            _ => Op::Union(left, right),
        };
        Ok((self.add(op), marks))
    }
}
