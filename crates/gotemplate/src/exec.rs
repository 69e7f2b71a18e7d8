//! A parsed template and data go in, text comes out: the trees are walked, pipelines give values, values are printed.

mod eval;

use std::fmt::Display;

use crate::Error;
use crate::ast::{Arm, Invocation, Node, Pipe};
use crate::format::{self, MAX_TEXT};
use crate::parse::Trees;
use crate::value::{UintType, Value};

/// The deepest nesting of blocks, pipelines and templates that call templates, all together.
const MAX_DEPTH: usize = 300;
/// How many nodes one execution walks at most: a range over a huge number must end.
const MAX_STEPS: usize = 50_000_000;

/// One execution.
pub(crate) struct Exec<'t, 'a> {
    name: &'t str,
    source: &'t str,
    trees: &'t Trees,
    /// Which of the trees is walked, for errors.
    tree: &'t str,
    vars: Vec<(&'t str, Value<'a>)>,
    /// What was looked at last, for errors.
    at: Option<(usize, &'t dyn Display)>,
    depth: usize,
    steps: usize,
    out: &'t mut Vec<u8>,
}

/// What the walk does next.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Done<T> = Result<T, Box<Error>>;

/// Executes the tree called as the template itself, appending to `out`.
pub(crate) fn execute<'t, 'a>(
    name: &'t str,
    source: &'t str,
    trees: &'t Trees,
    data: Value<'a>,
    out: &'t mut Vec<u8>,
) -> Result<(), Error>
where
    'a: 't,
{
    let mut exec = Exec {
        name,
        source,
        trees,
        tree: name,
        vars: vec![("$", data.clone())],
        at: None,
        depth: 0,
        steps: 0,
        out,
    };
    match trees.get(name) {
        Some(nodes) => exec.walk(&data, nodes).map(|_| ()).map_err(|e| *e),
        None => Ok(()),
    }
}

impl<'t, 'a> Exec<'t, 'a> {
    fn fail<T>(&self, what: impl Display) -> Done<T> {
        let (name, tree) = (self.name, self.tree);
        Err(Box::new(match self.at {
            None => Error::new(format!("template: {name}: {what}"), 1, 0),
            Some((pos, node)) => {
                let (line, column) = Error::place(self.source, pos);
                let tree = format::quote(tree);
                let text = format!("template: {name}:{line}:{column}: executing {tree} at <{node}>: {what}");
                Error::new(text, line, column)
            }
        }))
    }

    fn at(&mut self, pos: usize, node: &'t dyn Display) {
        self.at = Some((pos, node));
    }

    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Done<T>) -> Done<T> {
        if self.depth == MAX_DEPTH {
            return self.fail(format_args!("exceeded maximum template depth ({MAX_DEPTH})"));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    fn step(&mut self) -> Done<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return self.fail(format_args!("exceeded {MAX_STEPS} steps"));
        }
        if self.out.len() > MAX_TEXT * 4 {
            return self.fail(format_args!("exceeded {} bytes of output", MAX_TEXT * 4));
        }
        Ok(())
    }

    fn walk(&mut self, dot: &Value<'a>, nodes: &'t [Node]) -> Done<Flow> {
        self.deeper(|exec| {
            for node in nodes {
                let flow = exec.walk_node(dot, node)?;
                if flow != Flow::On {
                    return Ok(flow);
                }
            }
            Ok(Flow::On)
        })
    }

    fn walk_node(&mut self, dot: &Value<'a>, node: &'t Node) -> Done<Flow> {
        self.step()?;
        match node {
            Node::Text(text) => self.out.extend_from_slice(text.as_bytes()),
            Node::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.decl.is_empty() {
                    self.print(&value);
                }
            }
            Node::Choice { arms, otherwise } => {
                let mark = self.vars.len();
                let flow = self.choose(dot, arms, otherwise.as_deref());
                self.vars.truncate(mark);
                return flow;
            }
            Node::Range {
                pipe,
                body,
                otherwise,
            } => {
                let mark = self.vars.len();
                let flow = self.range(dot, pipe, body, otherwise.as_deref());
                self.vars.truncate(mark);
                return flow;
            }
            Node::Template(invocation) => self.invoke(dot, invocation)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn print(&mut self, value: &Value<'a>) {
        if let Value::Str(text) = value {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            let mut text = String::new();
            format::append(&mut text, value);
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    fn choose(&mut self, dot: &Value<'a>, arms: &'t [Arm], otherwise: Option<&'t [Node]>) -> Done<Flow> {
        for arm in arms {
            let value = self.pipeline(dot, &arm.pipe)?;
            if value.truth() {
                return self.walk(if arm.with { &value } else { dot }, &arm.body);
            }
        }
        otherwise.map_or(Ok(Flow::On), |nodes| self.walk(dot, nodes))
    }

    fn range(
        &mut self,
        dot: &Value<'a>,
        pipe: &'t Pipe,
        body: &'t [Node],
        otherwise: Option<&'t [Node]>,
    ) -> Done<Flow> {
        let over = self.pipeline(dot, pipe)?;
        // Behind the variables of the pipeline itself, which the iterations set.
        let mark = self.vars.len();
        let mut any = false;
        let mut each = |exec: &mut Self, key: Value<'a>, value: Value<'a>| -> Done<Flow> {
            any = true;
            exec.bind(pipe, key, &value)?;
            let flow = exec.walk(&value, body);
            exec.vars.truncate(mark);
            flow
        };
        match &over {
            Value::Int(..) | Value::Uint(..) => {
                if pipe.decl.len() > 1 {
                    let shown = format::display(&over);
                    return self.fail(format_args!(
                        "can't use {shown} to iterate over more than one variable"
                    ));
                }
                let end = match over {
                    Value::Int(n, _) => i128::from(n),
                    Value::Uint(n, _) => i128::from(n),
                    _ => 0,
                };
                let mut i: i128 = 0;
                while i < end {
                    let value = match over {
                        Value::Uint(_, kind) => Value::Uint(i as u64, kind),
                        Value::Int(_, kind) => Value::Int(i as i64, kind),
                        _ => Value::Uint(i as u64, UintType::Uint64),
                    };
                    if each(self, Value::Nil, value)? == Flow::Break {
                        return Ok(Flow::On);
                    }
                    i += 1;
                }
            }
            Value::List(list) => {
                for (i, item) in list.items().iter().enumerate() {
                    if each(self, Value::int(i as i64), item.clone())? == Flow::Break {
                        return Ok(Flow::On);
                    }
                }
            }
            Value::Map(map) => {
                for (key, value) in map.entries() {
                    if each(self, Value::Str(key), value)? == Flow::Break {
                        return Ok(Flow::On);
                    }
                }
            }
            Value::Nil => {}
            other => {
                let shown = format::display(other);
                return self.fail(format_args!("range can't iterate over {shown}"));
            }
        }
        if any {
            return Ok(Flow::On);
        }
        otherwise.map_or(Ok(Flow::On), |nodes| self.walk(dot, nodes))
    }

    /// Gives the variables of a range their values for one iteration: with two, the key comes first.
    fn bind(&mut self, pipe: &'t Pipe, key: Value<'a>, value: &Value<'a>) -> Done<()> {
        match pipe.decl.len() {
            0 => {}
            1 => self.set_in_range(pipe, 0, value.clone()),
            _ => {
                self.set_in_range(pipe, 0, key);
                self.set_in_range(pipe, 1, value.clone());
            }
        }
        self.step()
    }

    fn set_in_range(&mut self, pipe: &'t Pipe, which: usize, value: Value<'a>) {
        let place = if pipe.assign {
            let name = &pipe.decl[which];
            self.vars.iter().rposition(|(n, _)| n == name)
        } else {
            // The pipeline has put its own variables on top, in their order.
            self.vars
                .len()
                .checked_sub(pipe.decl.len())
                .map(|first| first + which)
        };
        if let Some(var) = place.and_then(|place| self.vars.get_mut(place)) {
            var.1 = value;
        }
    }

    fn invoke(&mut self, dot: &Value<'a>, invocation: &'t Invocation) -> Done<()> {
        self.at(invocation.pos, invocation);
        let Some((name, nodes)) = self.trees.get_key_value(&invocation.name) else {
            let name = format::quote(&invocation.name);
            return self.fail(format_args!("template {name} not defined"));
        };
        let data = match &invocation.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        // A template sees none of its caller's variables.
        let vars = std::mem::replace(&mut self.vars, vec![("$", data.clone())]);
        let tree = std::mem::replace(&mut self.tree, name);
        self.walk(&data, nodes)?;
        self.vars = vars;
        self.tree = tree;
        Ok(())
    }
}
