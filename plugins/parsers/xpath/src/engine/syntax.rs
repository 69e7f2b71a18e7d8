//! Tokens in, the tree of an expression out, by XPath's grammar.
//!
//! Nodes lie in a row and name one another by place, so that an expression of any length can be built and dropped without
//! deep recursion. As in Telegraf, what follows a complete expression is not read.

use super::lexer::{Lexer, Token};
use crate::tree::NodeType;

/// A node's place in the tree.
pub(super) type At = usize;

/// Nesting of brackets and parentheses beyond this is refused.
const MAX_DEPTH: usize = 200;

/// One node of the tree.
#[derive(Debug)]
pub(super) enum Syntax<'a> {
    /// `/` at the beginning.
    Root,
    /// A step.
    Axis(Step<'a>),
    /// `input[condition]`
    Filter {
        input: At,
        condition: At,
    },
    /// A call.
    Function {
        name: &'a str,
        arguments: Vec<At>,
    },
    /// Everything between two operands.
    Operator {
        operator: &'a str,
        left: At,
        right: At,
    },
    Text(&'a str),
    Number(f64),
    /// `(input)`
    Group(At),
    /// `$name`, which nothing declares.
    Variable {
        prefix: &'a str,
        name: &'a str,
    },
}

/// `axis::test`, from what stands before it.
#[derive(Clone, Debug)]
pub(super) struct Step<'a> {
    pub(super) input: Option<At>,
    pub(super) axis: &'a str,
    /// What nodes it takes; all where it is `None`.
    pub(super) kind: Option<NodeType>,
    pub(super) name: &'a str,
    pub(super) prefix: &'a str,
}

/// The tree; its root is the last node.
pub(super) struct Tree<'a> {
    pub(super) nodes: Vec<Syntax<'a>>,
    pub(super) root: At,
}

/// Reads an expression. The error is worded as Telegraf's.
pub(super) fn parse(expression: &str) -> Result<Tree<'_>, String> {
    let mut parser = Parser {
        lexer: Lexer::new(expression)?,
        nodes: Vec::new(),
        depth: 0,
    };
    let root = parser.expression()?;
    Ok(Tree {
        nodes: parser.nodes,
        root,
    })
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    nodes: Vec<Syntax<'a>>,
    depth: usize,
}

/// The operators, those that bind least first.
const LEVELS: [&[&str]; 6] = [
    &["or"],
    &["and"],
    &["=", "!="],
    &["<", ">", "<=", ">="],
    &["+", "-"],
    &["*", "div", "mod"],
];

impl<'a> Parser<'a> {
    fn add(&mut self, node: Syntax<'a>) -> At {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn is(&self, token: Token) -> bool {
        self.lexer.token == token
    }

    fn expect(&mut self, token: Token) -> Result<(), String> {
        if !self.is(token) {
            return Err(format!("{} has an invalid token", self.lexer.expression));
        }
        self.lexer.next()
    }

    fn expression(&mut self) -> Result<At, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the xpath query is too complex(depth > 200)".to_owned());
        }
        let node = self.operation(0)?;
        self.depth -= 1;
        Ok(node)
    }

    fn operation(&mut self, level: usize) -> Result<At, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.operation(level + 1)?;
        while let Some(operator) = self.operator().filter(|found| operators.contains(found)) {
            self.lexer.next()?;
            let right = self.operation(level + 1)?;
            left = self.add(Syntax::Operator {
                operator,
                left,
                right,
            });
        }
        Ok(left)
    }

    fn operator(&self) -> Option<&'a str> {
        Some(match self.lexer.token {
            Token::Equal => "=",
            Token::NotEqual => "!=",
            Token::Less => "<",
            Token::Greater => ">",
            Token::LessEqual => "<=",
            Token::GreaterEqual => ">=",
            Token::Plus => "+",
            Token::Minus => "-",
            Token::Star => "*",
            Token::Name if self.lexer.prefix.is_empty() => self.lexer.name,
            _ => return None,
        })
    }

    fn unary(&mut self) -> Result<At, String> {
        let mut negative = false;
        while self.is(Token::Minus) {
            self.lexer.next()?;
            negative = !negative;
        }
        let operand = self.union()?;
        if !negative {
            return Ok(operand);
        }
        let right = self.add(Syntax::Number(-1.0));
        Ok(self.add(Syntax::Operator {
            operator: "*",
            left: operand,
            right,
        }))
    }

    fn union(&mut self) -> Result<At, String> {
        let mut left = self.path()?;
        while self.is(Token::Union) {
            self.lexer.next()?;
            let right = self.path()?;
            left = self.join(left, right);
        }
        Ok(left)
    }

    fn join(&mut self, left: At, right: At) -> At {
        self.add(Syntax::Operator {
            operator: "|",
            left,
            right,
        })
    }

    fn path(&mut self) -> Result<At, String> {
        let primary = match self.lexer.token {
            Token::Text | Token::Number | Token::Dollar | Token::LeftParen => true,
            Token::Name => self.lexer.before_paren && !self.is_node_type(),
            _ => false,
        };
        if !primary {
            return self.location();
        }
        let mut input = self.primary()?;
        // One predicate only.
        if self.is(Token::LeftBracket) {
            input = self.predicate(input)?;
        }
        match self.lexer.token {
            Token::Slash => {
                self.lexer.next()?;
                self.relative(Some(input))
            }
            Token::SlashSlash => {
                self.lexer.next()?;
                let all = self.any_depth(Some(input));
                self.relative(Some(all))
            }
            _ => Ok(input),
        }
    }

    fn predicate(&mut self, input: At) -> Result<At, String> {
        self.expect(Token::LeftBracket)?;
        let condition = self.expression()?;
        self.expect(Token::RightBracket)?;
        Ok(self.add(Syntax::Filter { input, condition }))
    }

    fn any_depth(&mut self, input: Option<At>) -> At {
        self.step(input, "descendant-or-self")
    }

    /// A step to nodes of every kind.
    fn step(&mut self, input: Option<At>, axis: &'static str) -> At {
        self.add(Syntax::Axis(Step {
            input,
            axis,
            kind: None,
            name: "",
            prefix: "",
        }))
    }

    fn location(&mut self) -> Result<At, String> {
        match self.lexer.token {
            Token::Slash => {
                self.lexer.next()?;
                let root = self.add(Syntax::Root);
                match self.lexer.token {
                    Token::Dot | Token::DotDot | Token::At | Token::Axis | Token::Star | Token::Name => {
                        self.relative(Some(root))
                    }
                    _ => Ok(root),
                }
            }
            Token::SlashSlash => {
                self.lexer.next()?;
                let root = self.add(Syntax::Root);
                let all = self.any_depth(Some(root));
                self.relative(Some(all))
            }
            _ => self.relative(None),
        }
    }

    fn relative(&mut self, input: Option<At>) -> Result<At, String> {
        let mut node = self.one_step(input)?;
        loop {
            let input = match self.lexer.token {
                Token::SlashSlash => {
                    self.lexer.next()?;
                    self.any_depth(Some(node))
                }
                Token::Slash => {
                    self.lexer.next()?;
                    node
                }
                _ => return Ok(node),
            };
            node = self.one_step(Some(input))?;
        }
    }

    fn one_step(&mut self, input: Option<At>) -> Result<At, String> {
        let mut node = match self.lexer.token {
            Token::Dot | Token::DotDot => {
                let up = self.is(Token::DotDot);
                self.lexer.next()?;
                self.step(input, if up { "parent" } else { "self" })
            }
            Token::LeftParen => return self.sequence(input),
            token => {
                let axis = match token {
                    Token::At => "attribute",
                    Token::Axis => self.lexer.name,
                    _ => "child",
                };
                if axis != "child" || token == Token::Axis {
                    self.lexer.next()?;
                }
                self.node_test(input, axis)?
            }
        };
        while self.is(Token::LeftBracket) {
            node = self.predicate(node)?;
        }
        Ok(node)
    }

    /// `(a, b)` as a step.
    fn sequence(&mut self, input: Option<At>) -> Result<At, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the xpath query is too complex(depth > 200)".to_owned());
        }
        self.expect(Token::LeftParen)?;
        let mut left = self.one_step(input)?;
        while self.is(Token::Comma) {
            self.lexer.next()?;
            let right = self.one_step(input)?;
            left = self.join(left, right);
        }
        self.expect(Token::RightParen)?;
        self.depth -= 1;
        Ok(left)
    }

    fn is_node_type(&self) -> bool {
        self.lexer.prefix.is_empty()
            && matches!(
                self.lexer.name,
                "node" | "text" | "processing-instruction" | "comment"
            )
    }

    fn node_test(&mut self, input: Option<At>, axis: &'a str) -> Result<At, String> {
        let mut step = Step {
            input,
            axis,
            kind: Some(match axis {
                "attribute" => NodeType::Attribute,
                _ => NodeType::Element,
            }),
            name: "",
            prefix: "",
        };
        match self.lexer.token {
            Token::Star => self.lexer.next()?,
            Token::Name if self.lexer.before_paren && self.is_node_type() => {
                match self.lexer.name {
                    "comment" => step.kind = Some(NodeType::Comment),
                    "text" => step.kind = Some(NodeType::Text),
                    "node" => step.kind = None,
                    // Instructions are elements here.
                    _ => {}
                }
                let instruction = self.lexer.name == "processing-instruction";
                self.lexer.next()?;
                self.expect(Token::LeftParen)?;
                if instruction && !self.is(Token::RightParen) {
                    step.name = self.lexer.text;
                    self.expect(Token::Text)?;
                }
                self.expect(Token::RightParen)?;
            }
            Token::Name => {
                (step.prefix, step.name) = (self.lexer.prefix, self.lexer.name);
                self.lexer.next()?;
                // The name of the last token that had one, as in Telegraf: `p:*` matches nothing.
                if self.lexer.name == "*" {
                    step.name = "";
                }
            }
            _ => return Err("expression must evaluate to a node-set".to_owned()),
        }
        Ok(self.add(Syntax::Axis(step)))
    }

    fn primary(&mut self) -> Result<At, String> {
        match self.lexer.token {
            Token::Text => {
                let text = Syntax::Text(self.lexer.text);
                self.lexer.next()?;
                Ok(self.add(text))
            }
            Token::Number => {
                let number = Syntax::Number(self.lexer.number);
                self.lexer.next()?;
                Ok(self.add(number))
            }
            Token::Dollar => {
                self.lexer.next()?;
                let (prefix, name) = (self.lexer.prefix, self.lexer.name);
                self.expect(Token::Name)?;
                Ok(self.add(Syntax::Variable { prefix, name }))
            }
            Token::LeftParen => {
                self.lexer.next()?;
                let inner = self.expression()?;
                self.expect(Token::RightParen)?;
                Ok(match self.nodes[inner] {
                    Syntax::Text(_) | Syntax::Number(_) => inner,
                    _ => self.add(Syntax::Group(inner)),
                })
            }
            _ => self.call(),
        }
    }

    fn call(&mut self) -> Result<At, String> {
        let name = self.lexer.name;
        let mut arguments = Vec::new();
        self.expect(Token::Name)?;
        self.expect(Token::LeftParen)?;
        if !self.is(Token::RightParen) {
            arguments.push(self.expression()?);
            while !self.is(Token::RightParen) {
                self.expect(Token::Comma)?;
                arguments.push(self.expression()?);
            }
        }
        self.expect(Token::RightParen)?;
        Ok(self.add(Syntax::Function { name, arguments }))
    }
}
