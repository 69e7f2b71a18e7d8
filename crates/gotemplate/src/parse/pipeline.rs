//! Pipelines, commands and operands: what stands in an action.

use super::{Parsed, Parser, literal};
use crate::ast::{Command, Expr, ExprKind, Pipe};
use crate::format::quote;
use crate::lex::Kind;

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let first = self.next_word();
        let pos = first.pos;
        self.back.push(first);
        let (decl, assign) = self.declarations(context)?;
        let mut commands = Vec::new();
        loop {
            let token = self.next_word();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back.push(token);
                    commands.push(self.command()?);
                }
                _ => return self.unexpected(&token, context),
            }
        }
        if commands.is_empty() {
            return self.wrong(format!("missing value for {context}"));
        }
        let constant = |command: &Command| {
            use ExprKind as E;
            matches!(
                command.first.kind,
                E::Bool(_) | E::Dot | E::Nil | E::Number(_) | E::Str { .. }
            )
        };
        if let Some(stage) = commands.iter().skip(1).position(constant) {
            return self.wrong(format!("non executable command in pipeline stage {}", stage + 2));
        }
        Ok(Pipe {
            pos,
            decl,
            assign,
            commands,
        })
    }

    fn declarations(&mut self, context: &str) -> Parsed<(Vec<String>, bool)> {
        let mut decl = Vec::new();
        while self.peek_word() == Kind::Variable {
            let variable = self.next_word();
            let behind = self.next();
            let (space, sign) = if behind.kind == Kind::Space {
                (Some(behind), self.next_word())
            } else {
                (None, behind)
            };
            match sign.kind {
                Kind::Assign | Kind::Declare => {
                    self.vars.push(variable.val.to_string());
                    decl.push(variable.val.into_owned());
                    return Ok((decl, sign.kind == Kind::Assign));
                }
                Kind::Char if sign.val == "," => {
                    self.vars.push(variable.val.to_string());
                    decl.push(variable.val.into_owned());
                    if context != "range" || decl.len() >= 2 {
                        return self.wrong(format!("too many declarations in {context}"));
                    }
                    if !matches!(
                        self.peek_word(),
                        Kind::Variable | Kind::RightDelim | Kind::RightParen
                    ) {
                        return self.wrong("range can only initialize variables");
                    }
                }
                _ => {
                    self.back.push(sign);
                    self.back.extend(space);
                    self.back.push(variable);
                    break;
                }
            }
        }
        Ok((decl, false))
    }

    fn command(&mut self) -> Parsed<Command> {
        let first = self.next_word();
        let pos = first.pos;
        self.back.push(first);
        let mut operands = Vec::new();
        loop {
            if self.peek_word() != Kind::Eof
                && let Some(operand) = self.operand()?
            {
                operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back.push(token),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        let mut operands = operands.into_iter();
        match operands.next() {
            Some(first) => Ok(Command {
                pos,
                first,
                args: operands.collect(),
            }),
            None => self.wrong("empty command"),
        }
    }

    fn operand(&mut self) -> Parsed<Option<Expr>> {
        let Some(node) = self.term()? else {
            return Ok(None);
        };
        if self.peek() != Kind::Field {
            return Ok(Some(node));
        }
        let mut fields = Vec::new();
        let mut pos = None;
        while self.peek() == Kind::Field {
            let token = self.next();
            pos.get_or_insert(token.pos);
            fields.push(token.val[1..].to_owned());
        }
        let pos = pos.unwrap_or(node.pos);
        let kind = match node.kind {
            ExprKind::Field(mut first) => {
                first.append(&mut fields);
                ExprKind::Field(first)
            }
            ExprKind::Variable { name, .. } => ExprKind::Variable { name, fields },
            ExprKind::Bool(_)
            | ExprKind::Str { .. }
            | ExprKind::Number(_)
            | ExprKind::Nil
            | ExprKind::Dot => {
                let text = quote(&node.to_string());
                return self.wrong(format!("unexpected . after term {text}"));
            }
            _ => ExprKind::Chain {
                of: Box::new(node),
                fields,
            },
        };
        Ok(Some(Expr { pos, kind }))
    }

    fn term(&mut self) -> Parsed<Option<Expr>> {
        let token = self.next_word();
        let kind = match token.kind {
            Kind::Identifier => {
                let function = (self.find)(&token.val).or_else(|what| self.wrong(what))?;
                ExprKind::Function(function)
            }
            Kind::Dot => ExprKind::Dot,
            Kind::Nil => ExprKind::Nil,
            Kind::Variable => {
                if !self.vars.iter().any(|v| *v == token.val) {
                    return self.wrong(format!("undefined variable {}", quote(&token.val)));
                }
                ExprKind::Variable {
                    name: token.val.into_owned(),
                    fields: Vec::new(),
                }
            }
            Kind::Field => ExprKind::Field(vec![token.val[1..].to_owned()]),
            Kind::Bool => ExprKind::Bool(token.val == "true"),
            Kind::CharConstant | Kind::Number | Kind::Complex => {
                let number = literal::number(&token.val, token.kind).or_else(|what| self.wrong(what))?;
                ExprKind::Number(number)
            }
            Kind::LeftParen => {
                let inside = |p: &mut Self| p.pipeline("parenthesized pipeline", Kind::RightParen);
                ExprKind::Pipe(self.deeper(inside)?)
            }
            Kind::String | Kind::RawString => {
                let text = literal::unquote(&token.val).or_else(|what| self.wrong(what))?;
                ExprKind::Str {
                    quoted: token.val.into_owned(),
                    text,
                }
            }
            _ => {
                self.back.push(token);
                return Ok(None);
            }
        };
        Ok(Some(Expr { pos: token.pos, kind }))
    }
}
