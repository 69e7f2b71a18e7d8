//! Tokens go in, the trees of a template and of those it defines come out, with every function found and every variable known.

mod literal;
mod pipeline;

pub(crate) use literal::{float, integer};

use std::collections::HashMap;

use crate::ast::{Arm, Invocation, Node};
use crate::call::Function;
use crate::lex::{Kind, Lexer, Token};

/// The deepest nesting of parentheses and blocks.
const MAX_DEPTH: usize = 100;

/// What is wrong, and where.
pub(crate) struct Wrong {
    pub(crate) pos: usize,
    pub(crate) what: String,
}

type Parsed<T> = Result<T, Wrong>;

pub(crate) type Trees = HashMap<String, Vec<Node>>;

pub(crate) struct Parser<'t> {
    lexer: Lexer<'t>,
    /// Tokens that were put back, the next one last.
    back: Vec<Token<'t>>,
    /// Where the newest token stands.
    pos: usize,
    vars: Vec<String>,
    ranges: usize,
    depth: usize,
    trees: Trees,
    find: fn(&str) -> Result<&'static Function, String>,
}

/// How a list of nodes ended.
enum End {
    End,
    Else,
}

/// Reads a whole template. `find` knows the functions.
pub(crate) fn parse(
    name: &str,
    text: &str,
    find: fn(&str) -> Result<&'static Function, String>,
) -> Parsed<Trees> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        back: Vec::new(),
        pos: 0,
        vars: vec!["$".into()],
        ranges: 0,
        depth: 0,
        trees: Trees::new(),
        find,
    };
    let root = parser.root()?;
    parser.add(name.to_owned(), root)?;
    Ok(parser.trees)
}

/// Whether nothing but space and definitions stands there.
fn is_empty(nodes: &[Node]) -> bool {
    nodes
        .iter()
        .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}

impl<'t> Parser<'t> {
    fn next(&mut self) -> Token<'t> {
        let token = match self.back.pop() {
            Some(token) => token,
            None => self.lexer.next(),
        };
        self.pos = token.pos;
        token
    }
    fn next_word(&mut self) -> Token<'t> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }
    fn peek(&mut self) -> Kind {
        let token = self.next();
        let kind = token.kind;
        self.back.push(token);
        kind
    }
    fn peek_word(&mut self) -> Kind {
        let token = self.next_word();
        let kind = token.kind;
        self.back.push(token);
        kind
    }

    fn wrong<T>(&self, what: impl Into<String>) -> Parsed<T> {
        Err(Wrong {
            pos: self.pos,
            what: what.into(),
        })
    }
    fn unexpected<T>(&self, token: &Token<'_>, context: &str) -> Parsed<T> {
        if token.kind == Kind::Error {
            return self.wrong(token.to_string());
        }
        self.wrong(format!("unexpected {token} in {context}"))
    }
    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<()> {
        let token = self.next_word();
        if token.kind == kind {
            return Ok(());
        }
        self.unexpected(&token, context)
    }
    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return self.wrong("max expression depth exceeded");
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    fn add(&mut self, name: String, nodes: Vec<Node>) -> Parsed<()> {
        if self.trees.get(&name).is_none_or(|known| is_empty(known)) {
            self.trees.insert(name, nodes);
        } else if !is_empty(&nodes) {
            let name = crate::format::quote(&name);
            return self.wrong(format!("template: multiple definition of template {name}"));
        }
        Ok(())
    }

    fn root(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            let token = self.next();
            match token.kind {
                Kind::Eof => return Ok(nodes),
                Kind::LeftDelim => {
                    let word = self.next_word();
                    if word.kind == Kind::Define {
                        self.definition()?;
                        continue;
                    }
                    self.back.push(word);
                    self.back.push(token);
                }
                _ => self.back.push(token),
            }
            match self.text_or_action()? {
                Ok(node) => nodes.push(node),
                Err(End::End) => return self.wrong("unexpected {{end}}"),
                Err(End::Else) => return self.wrong("unexpected {{else}}"),
            }
        }
    }

    /// Something with variables and ranges of its own.
    fn apart(&mut self, context: &str) -> Parsed<Vec<Node>> {
        let vars = std::mem::replace(&mut self.vars, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (nodes, end) = self.deeper(Self::list)?;
        if matches!(end, End::Else) {
            return self.wrong(format!("unexpected {{{{else}}}} in {context}"));
        }
        (self.vars, self.ranges) = (vars, ranges);
        Ok(nodes)
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let name = self.template_name(CONTEXT)?.1;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let nodes = self.apart(CONTEXT)?;
        self.add(name, nodes)
    }

    /// Nodes up to an `end` or `else`, which is read too.
    fn list(&mut self) -> Parsed<(Vec<Node>, End)> {
        let mut nodes = Vec::new();
        while self.peek_word() != Kind::Eof {
            match self.text_or_action()? {
                Ok(node) => nodes.push(node),
                Err(end) => return Ok((nodes, end)),
            }
        }
        self.wrong("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Result<Node, End>> {
        let token = self.next_word();
        match token.kind {
            Kind::Text => Ok(Ok(Node::Text(token.val.into_owned()))),
            Kind::LeftDelim => self.action(),
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Result<Node, End>> {
        let token = self.next_word();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.jump("break", Node::Break)?,
            Kind::Continue => self.jump("continue", Node::Continue)?,
            Kind::Else => {
                if !matches!(self.peek_word(), Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Err(End::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Err(End::End));
            }
            Kind::If => self.choice(Kind::If, "if")?,
            Kind::With => self.choice(Kind::With, "with")?,
            Kind::Range => self.range()?,
            Kind::Template => self.template()?,
            _ => {
                self.back.push(token);
                Node::Action(self.pipeline("command", Kind::RightDelim)?)
            }
        };
        Ok(Ok(node))
    }

    fn jump(&mut self, word: &str, node: Node) -> Parsed<Node> {
        self.expect(Kind::RightDelim, &format!("{{{{{word}}}}}"))?;
        if self.ranges == 0 {
            return self.wrong(format!("{{{{{word}}}}} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    fn choice(&mut self, keyword: Kind, context: &str) -> Parsed<Node> {
        let vars = self.vars.len();
        let mut arms = Vec::new();
        let mut otherwise = None;
        loop {
            let pipe = self.pipeline(context, Kind::RightDelim)?;
            let (body, end) = self.deeper(Self::list)?;
            arms.push(Arm {
                pipe,
                body,
                with: keyword == Kind::With,
            });
            if matches!(end, End::End) {
                break;
            }
            if self.peek() == keyword {
                self.next();
                continue;
            }
            // Only the word of the chain itself goes on with it: `else with` inside `if` is refused, as in Go.
            if let Kind::If | Kind::With = self.peek() {
                let token = self.next();
                return self.unexpected(&token, "input");
            }
            let (body, end) = self.deeper(Self::list)?;
            if matches!(end, End::Else) {
                return self.wrong("expected end; found {{else}}");
            }
            otherwise = Some(body);
            break;
        }
        self.vars.truncate(vars);
        Ok(Node::Choice { arms, otherwise })
    }

    fn range(&mut self) -> Parsed<Node> {
        let vars = self.vars.len();
        let pipe = self.pipeline("range", Kind::RightDelim)?;
        self.ranges += 1;
        let (body, end) = self.deeper(Self::list)?;
        self.ranges -= 1;
        let mut otherwise = None;
        if matches!(end, End::Else) {
            let (nodes, end) = self.deeper(Self::list)?;
            if matches!(end, End::Else) {
                return self.wrong("expected end; found {{else}}");
            }
            otherwise = Some(nodes);
        }
        self.vars.truncate(vars);
        Ok(Node::Range {
            pipe,
            body,
            otherwise,
        })
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let (pos, name) = self.template_name(CONTEXT)?;
        let pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
        let nodes = self.apart(CONTEXT)?;
        self.add(name.clone(), nodes)?;
        Ok(Node::Template(Invocation { pos, name, pipe }))
    }

    fn template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let (pos, name) = self.template_name(CONTEXT)?;
        let token = self.next_word();
        let pipe = if token.kind == Kind::RightDelim {
            None
        } else {
            self.back.push(token);
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Template(Invocation { pos, name, pipe }))
    }

    fn template_name(&mut self, context: &str) -> Parsed<(usize, String)> {
        let token = self.next_word();
        match token.kind {
            Kind::String | Kind::RawString => {
                let text = literal::unquote(&token.val).or_else(|what| self.wrong(what))?;
                Ok((token.pos, text))
            }
            _ => self.unexpected(&token, context),
        }
    }
}
