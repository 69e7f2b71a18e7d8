//! The functions of XPath about texts.

use std::borrow::Cow;
use std::sync::Arc;

use wheatstone_goregexp::Regexp;

use super::functions::argument;
use super::plan::{Function, Id};
use super::run::{Failure, Run, Value};

impl<'a> Run<'a> {
    /// An argument's text, by XPath's conversion.
    fn text_of(&mut self, id: Id) -> Result<Cow<'a, str>, Failure> {
        let value = self.fresh(id)?;
        self.text(value)
    }

    /// The text of a text or of the first of nodes; of a number or truth value there is none.
    fn plain_text(&mut self, id: Id) -> Result<Result<Option<Cow<'a, str>>, NoNode>, Failure> {
        Ok(match self.fresh(id)? {
            Value::Text(text) => Ok(Some(text)),
            Value::Nodes(from) => match self.select(from)? {
                Some(node) => Ok(Some(self.doc.string_value(node))),
                None => Err(NoNode),
            },
            Value::Bool(_) | Value::Number(_) => Ok(None),
        })
    }

    pub(super) fn call_text(
        &mut self,
        function: &'a Function,
        arguments: &'a [Id],
    ) -> Result<Value<'a>, Failure> {
        match function {
            Function::StartsWith | Function::EndsWith | Function::Contains => {
                let (text, word) = (argument(arguments, 0)?, argument(arguments, 1)?);
                self.search(function, text, word).map(Value::Bool)
            }
            Function::Matches(pattern) => self.matches(pattern.as_deref(), arguments),
            Function::Replace(pattern) => self.replace(pattern.as_ref(), arguments),
            Function::Substring => self.substring(arguments),
            Function::StringJoin => self.string_join(arguments),
            Function::String => Ok(Value::Text(match arguments.first() {
                Some(id) => self.text_of(*id)?,
                None => self.doc.string_value(self.cursor),
            })),
            _ => self.convert(function, arguments),
        }
    }

    fn convert(&mut self, function: &Function, arguments: &[Id]) -> Result<Value<'a>, Failure> {
        Ok(match function {
            Function::Translate => {
                let text = self.text_of(argument(arguments, 0)?)?;
                let from = self.text_of(argument(arguments, 1)?)?;
                let to = self.text_of(argument(arguments, 2)?)?;
                Value::Text(Cow::Owned(translate(&text, &from, &to)))
            }
            Function::LowerCase => {
                let text = self.text_of(argument(arguments, 0)?)?;
                let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
                Value::Text(Cow::Owned(text.chars().map(lower).collect()))
            }
            Function::NormalizeSpace => match self.plain_text(argument(arguments, 0)?)? {
                Ok(text) => Value::Text(normalize(text.unwrap_or_default())),
                Err(NoNode) => Value::Text(Cow::Borrowed("")),
            },
            Function::StringLength => Value::Number(match self.plain_text(argument(arguments, 0)?)? {
                Ok(Some(text)) => text.len() as f64,
                _ => 0.0,
            }),
            Function::SubstringBefore | Function::SubstringAfter => {
                let (Ok(text), Ok(word)) = (
                    self.plain_text(argument(arguments, 0)?)?,
                    self.plain_text(argument(arguments, 1)?)?,
                ) else {
                    return Ok(Value::Text(Cow::Borrowed("")));
                };
                let (text, word) = (text.unwrap_or_default(), word.unwrap_or_default());
                let parts = text.split_once(&*word).filter(|_| !word.is_empty());
                let found = parts.map_or("", |(before, after)| match function {
                    Function::SubstringAfter => after,
                    _ => before,
                });
                Value::Text(Cow::Owned(found.to_owned()))
            }
            Function::Concat => {
                let mut text = String::new();
                for id in arguments {
                    text += &self.text_of(*id)?;
                }
                Value::Text(Cow::Owned(text))
            }
            other => return Err(format!("{other:?} is no function of texts")),
        })
    }

    fn string_join(&mut self, arguments: &[Id]) -> Result<Value<'a>, Failure> {
        let separator = self.plain_text(argument(arguments, 1)?)?;
        let separator = separator.ok().flatten().unwrap_or_default();
        let mut parts = Vec::new();
        match self.fresh(argument(arguments, 0)?)? {
            Value::Text(text) => return Ok(Value::Text(text)),
            Value::Nodes(from) => {
                while let Some(node) = self.select(from)? {
                    parts.push(self.doc.string_value(node));
                }
            }
            Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(Value::Text(Cow::Owned(parts.join(&*separator))))
    }

    fn matches(&mut self, pattern: Option<&Regexp>, arguments: &[Id]) -> Result<Value<'a>, Failure> {
        let Ok(text) = self.plain_text(argument(arguments, 0)?)? else {
            return Ok(Value::Text(Cow::Borrowed("")));
        };
        let text = text.unwrap_or_default();
        Ok(Value::Bool(match pattern {
            Some(pattern) => pattern.is_match(&text),
            None => {
                let Value::Text(pattern) = self.fresh(argument(arguments, 1)?)? else {
                    return Err("matches() function second argument type must be string".to_owned());
                };
                let pattern = self.patterns.get(&pattern).map_err(|e| invalid("matches", &e))?;
                pattern.is_match(&text)
            }
        }))
    }

    fn replace(&mut self, pattern: Option<&Arc<Regexp>>, arguments: &[Id]) -> Result<Value<'a>, Failure> {
        let text = self.text_of(argument(arguments, 0)?)?;
        let pattern = match pattern {
            Some(pattern) => pattern.clone(),
            None => {
                let pattern = self.text_of(argument(arguments, 1)?)?;
                self.patterns.get(&pattern).map_err(|e| invalid("replace", &e))?
            }
        };
        let mut with = self.text_of(argument(arguments, 2)?)?.into_owned();
        // `$1` is the group even where letters follow it.
        for group in (1..=pattern.group_names().len()).rev() {
            with = with.replace(&format!("${group}"), &format!("${{{group}}}"));
        }
        let template = pattern.template(&with);
        Ok(Value::Text(Cow::Owned(
            pattern.replace_all(&text, &template).into_owned(),
        )))
    }

    fn search(&mut self, function: &Function, text: Id, word: Id) -> Result<bool, Failure> {
        let name = match function {
            Function::StartsWith => "starts-with",
            Function::EndsWith => "ends-with",
            _ => "contains",
        };
        let wrong = || format!("{name}() function argument type must be string");
        let text = match self.plain_text(text)? {
            Ok(text) => text.ok_or_else(wrong)?,
            Err(NoNode) => return Ok(false),
        };
        let Value::Text(word) = self.fresh(word)? else {
            return Err(wrong());
        };
        Ok(match function {
            Function::StartsWith => text.starts_with(&*word),
            Function::EndsWith => text.ends_with(&*word),
            _ => text.contains(&*word),
        })
    }

    /// Counts bytes, as Telegraf does. What would reach over the end, where Telegraf breaks down, ends there.
    fn substring(&mut self, arguments: &[Id]) -> Result<Value<'a>, Failure> {
        let nothing = Value::Text(Cow::Borrowed(""));
        let (Some(text), Some(start)) = (arguments.first(), arguments.get(1)) else {
            return Ok(nothing);
        };
        let Ok(text) = self.plain_text(*text)? else {
            return Ok(nothing);
        };
        let text = text.unwrap_or_default();
        let Value::Number(start) = self.fresh(*start)? else {
            return Err("substring() function first argument type must be number".to_owned());
        };
        let (start, size) = (start.round(), text.len() as f64);
        if start.is_nan() || start > size {
            return Ok(nothing);
        }
        let length = match arguments.get(2) {
            None => f64::INFINITY,
            Some(length) => match self.fresh(*length)? {
                Value::Number(length) => length.round(),
                _ => return Err("substring() function second argument type must be number".to_owned()),
            },
        };
        if length.is_nan() || length <= 0.0 {
            return Ok(nothing);
        }
        // A length is cut to that of the text before the start counts against it.
        let end = if length.is_infinite() {
            size
        } else {
            start - 1.0 + length.min(size)
        };
        let (from, to) = ((start - 1.0).max(0.0) as usize, end.clamp(0.0, size) as usize);
        let bytes = text.as_bytes().get(from..to.max(from)).unwrap_or_default();
        Ok(Value::Text(Cow::Owned(
            String::from_utf8_lossy(bytes).into_owned(),
        )))
    }
}

/// An argument that selects nothing.
struct NoNode;

fn invalid(function: &str, error: &str) -> String {
    format!("{function}() function second argument is not a valid regexp pattern, err: {error}")
}

/// As in Telegraf, what replaces the character at byte `n` is the byte at `n`.
fn translate(text: &str, from: &str, to: &str) -> String {
    let pairs: Vec<(char, Option<char>)> = from
        .char_indices()
        .map(|(at, c)| (c, to.as_bytes().get(at).map(|b| char::from(*b))))
        .collect();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match pairs.iter().find(|(from, _)| *from == c) {
            Some((_, to)) => out.extend(*to),
            None => out.push(c),
        }
    }
    out
}

fn normalize(text: Cow<'_, str>) -> Cow<'_, str> {
    let trimmed = text.trim();
    let mut out = String::with_capacity(trimmed.len());
    let mut chars = trimmed.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_whitespace() {
            out.push(c);
        } else if !chars.peek().is_some_and(|next| next.is_whitespace()) {
            out.push(' ');
        }
    }
    if out == text { text } else { Cow::Owned(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_replaced_by_bytes_at_their_places() {
        assert_eq!(translate("bar", "abc", "AB"), "BAr");
        assert_eq!(translate("bär", "är", "xyz"), "bxz");
        assert_eq!(normalize("  a \n b ".into()), "a b");
    }
}
