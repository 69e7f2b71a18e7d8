//! Calls in the tree of an expression: names and arguments go in, checked functions come out.

use std::sync::Arc;

use wheatstone_goregexp::Regexp;

use super::build::{Builder, Marks, Under};
use super::patterns::compile;
use super::plan::{Axis, Function, Id, Op, Test};
use super::syntax::At;

impl Builder<'_, '_> {
    pub(super) fn function(&mut self, name: &str, arguments: &[At]) -> Result<(Id, Marks), String> {
        let (least, most) =
            signature(name).ok_or_else(|| format!("not yet support this function {name}()"))?;
        let given = arguments.len();
        if given < least || given > most {
            return Err(wrong_number(name, least, most));
        }
        // What stands behind the last argument that the function knows is not looked at.
        let known = match name {
            "substring" if given > 3 => 2,
            _ => given.min(read(name)),
        };
        let mut marks = Marks::default();
        let mut ids = Vec::with_capacity(known);
        for argument in &arguments[..known] {
            let (id, of) = self.node(*argument, Under::default())?;
            marks = of;
            ids.push(id);
        }
        let function = match name {
            "lower-case" => Function::LowerCase,
            "starts-with" => Function::StartsWith,
            "ends-with" => Function::EndsWith,
            "contains" => Function::Contains,
            "matches" => Function::Matches(
                self.pattern(ids[1])
                    .map_err(|e| format!("matches() got error. {e}"))?,
            ),
            "substring" => Function::Substring,
            "substring-before" => Function::SubstringBefore,
            "substring-after" => Function::SubstringAfter,
            "string-length" => Function::StringLength,
            "normalize-space" => {
                if ids.is_empty() {
                    let input = self.add(Op::Context);
                    ids.push(self.add(Op::Step {
                        axis: Axis::Own,
                        input,
                        test: Test {
                            kind: None,
                            name: None,
                        },
                    }));
                    self.nearest = ids.first().copied();
                }
                Function::NormalizeSpace
            }
            "replace" => Function::Replace(self.pattern(ids[1]).unwrap_or_default()),
            "translate" => Function::Translate,
            "not" => Function::Not,
            "name" => Function::Name,
            "local-name" => Function::LocalName,
            "namespace-uri" => Function::NamespaceUri,
            "true" => Function::True,
            "false" => Function::False,
            "last" => {
                marks.last = true;
                Function::Last(self.counted())
            }
            "position" => {
                marks.position = true;
                Function::Position(self.counted())
            }
            "boolean" => Function::Boolean,
            "number" => Function::Number,
            "string" => Function::String,
            "count" => Function::Count,
            "sum" => Function::Sum,
            "ceiling" => Function::Ceiling,
            "floor" => Function::Floor,
            "round" => Function::Round,
            "concat" => Function::Concat,
            "string-join" => Function::StringJoin,
            _ => return Ok((self.add(Op::Reverse(ids[0])), marks)),
        };
        Ok((self.add(Op::Call(function, ids)), marks))
    }

    /// A pattern that is written out is compiled here, once.
    fn pattern(&self, id: Id) -> Result<Option<Arc<Regexp>>, String> {
        match &self.ops[id] {
            Op::Text(pattern) => compile(pattern).map(Some),
            _ => Ok(None),
        }
    }

    /// The test of the step in which `position()` and `last()` count.
    fn counted(&self) -> Option<Test> {
        match &self.ops[self.nearest?] {
            Op::Step {
                axis: Axis::FurtherDescendant { .. },
                ..
            } => None,
            Op::Step { test, .. } => Some(test.clone()),
            _ => None,
        }
    }
}

/// How many arguments a function takes: at least, at most.
fn signature(name: &str) -> Option<(usize, usize)> {
    const ANY: usize = usize::MAX;
    Some(match name {
        "lower-case" | "string-length" | "not" | "count" | "sum" | "ceiling" | "floor" | "round"
        | "reverse" => (1, ANY),
        "starts-with" | "ends-with" | "contains" | "substring" | "concat" => (2, ANY),
        "matches" | "substring-before" | "substring-after" | "string-join" => (2, 2),
        "replace" | "translate" => (3, 3),
        "name" | "local-name" | "namespace-uri" | "boolean" | "number" | "string" => (0, 1),
        "normalize-space" | "true" | "false" | "last" | "position" => (0, ANY),
        _ => return None,
    })
}

/// How many arguments a function looks at.
fn read(name: &str) -> usize {
    match name {
        "true" | "false" | "last" | "position" => 0,
        "starts-with" | "ends-with" | "contains" | "matches" | "substring-before" | "substring-after"
        | "string-join" => 2,
        "substring" | "replace" | "translate" => 3,
        "concat" => usize::MAX,
        _ => 1,
    }
}

fn wrong_number(name: &str, least: usize, most: usize) -> String {
    const WORDS: [&str; 4] = ["no", "one", "two", "three"];
    let word = |n: usize| WORDS.get(n).copied().unwrap_or("more");
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    match name {
        "concat" => "xpath: concat() must have at least two arguments".to_owned(),
        "string-join" => {
            "xpath: string-join(node-sets, separator) function requires node-set and argument".to_owned()
        }
        "count" | "sum" | "reverse" => {
            format!("xpath: {name}(node-sets) function must with have parameters node-sets")
        }
        "ceiling" | "floor" | "round" => {
            "xpath: ceiling(node-sets) function must with have parameters node-sets".to_owned()
        }
        "substring" => "xpath: substring function must have at least two parameter".to_owned(),
        "substring-after" => "xpath: substring-before function must have two parameters".to_owned(),
        _ if least == most => format!(
            "xpath: {name} function must have {} parameter{}",
            word(least),
            plural(least)
        ),
        _ if least == 0 => format!(
            "xpath: {name} function must have at most {} parameter{}",
            word(most),
            plural(most)
        ),
        _ => format!(
            "xpath: {name} function must have at least {} parameter{}",
            word(least),
            plural(least)
        ),
    }
}
