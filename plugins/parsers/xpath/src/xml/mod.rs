//! XML: a payload's elements, attributes and texts become the nodes of a document.
//!
//! quick-xml finds the pieces. What Telegraf's reader refuses, and how its tree hangs together where a payload has several
//! roots, is kept here, sentence by sentence.

mod charset;
mod names;
mod text;

use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use wheatstone_plugin::prelude::*;

use crate::tree::{Attribute, Content, Document, Form, Kind, NodeId};
use names::Names;
use text::{attributes, check_characters, check_name, entity, unescape};

/// The format `xml`.
pub(crate) fn read(payload: &[u8], doc: &mut Document) -> Result<()> {
    let text = charset::decode(payload)?;
    doc.begin(Form::Xml);
    let mut builder = Builder {
        text: &text,
        doc,
        names: Names::default(),
        open: Vec::new(),
        previous: NodeId::DOCUMENT,
        level: 0,
        pending: None,
        elements: false,
    };
    builder.run()?;
    if !builder.elements {
        bail!("xmlquery: invalid XML document");
    }
    Ok(())
}

struct Builder<'a> {
    text: &'a str,
    doc: &'a mut Document,
    names: Names<'a>,
    /// The names of the elements that are open.
    open: Vec<&'a str>,
    /// The element or instruction that was made last; new nodes find their places from it.
    previous: NodeId,
    level: u32,
    /// Where in the document's buffer the text began that is being gathered.
    pending: Option<usize>,
    elements: bool,
}

impl<'a> Builder<'a> {
    fn run(&mut self) -> Result<()> {
        let mut reader = Reader::from_str(self.text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.check_comments = true;
        loop {
            let from = reader.buffer_position();
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    self.end_text().map_err(|e| self.at(from, &e))?;
                    return Err(self.explain(error, reader.error_position(), reader.buffer_position()));
                }
            };
            let to = reader.buffer_position();
            let piece = self.piece(from, to);
            if !matches!(event, Event::Text(_) | Event::GeneralRef(_)) {
                self.end_text().map_err(|e| self.at(from, &e))?;
            }
            let done = match event {
                Event::Text(_) => self.gather(piece),
                Event::GeneralRef(name) => {
                    self.begin_text();
                    entity(&name, self.doc.buffer())
                }
                Event::CData(_) => self.cdata(piece),
                Event::Start(_) => self.start(between(piece, "<", ">"), false),
                Event::Empty(_) => self.start(between(piece, "<", "/>"), true),
                Event::End(_) => self.end(between(piece, "</", ">")),
                Event::Comment(_) => {
                    let text = self.doc.keep(between(piece, "<!--", "-->"));
                    self.add(Kind::Comment, Content::Text(text));
                    Ok(())
                }
                Event::DocType(_) => {
                    let text = self.doc.keep(between(piece, "<!", ">"));
                    self.add(Kind::Directive, Content::Text(text));
                    Ok(())
                }
                Event::Decl(_) | Event::PI(_) => self.instruction(between(piece, "<?", "?>"))?,
                Event::Eof if self.open.is_empty() => return Ok(()),
                Event::Eof => Err("unexpected EOF".to_owned()),
            };
            done.map_err(|what| self.at(to, &what))?;
        }
    }

    fn piece(&self, from: u64, to: u64) -> &'a str {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        self.text.get(place(from)..place(to)).unwrap_or_default()
    }

    /// An error with the line of a place.
    fn at(&self, place: u64, what: &str) -> wheatstone_plugin::anyhow::Error {
        let before = self.piece(0, place.min(self.text.len() as u64));
        let line = 1 + before.bytes().filter(|b| *b == b'\n').count();
        anyhow!("XML syntax error on line {line}: {what}")
    }

    /// What quick-xml found, in the words that Telegraf has for it.
    fn explain(&self, error: Error, place: u64, end: u64) -> wheatstone_plugin::anyhow::Error {
        let all = self.text.len() as u64;
        match error {
            Error::Syntax(SyntaxError::UnclosedCData | SyntaxError::InvalidBangMarkup) => {
                let rest = self.piece(place, all);
                if rest.starts_with("<![CDATA[") {
                    self.at(all, "unexpected EOF in CDATA section")
                } else if rest.starts_with("<![") && !"<![CDATA[".starts_with(rest) {
                    self.at(end, "invalid <![ sequence")
                } else {
                    self.at(all, "unexpected EOF")
                }
            }
            Error::Syntax(_) => self.at(all, "unexpected EOF"),
            Error::IllFormed(IllFormedError::DoubleHyphenInComment) => {
                self.at(end, "invalid sequence \"--\" not allowed in comments")
            }
            Error::IllFormed(IllFormedError::UnclosedReference) => {
                let rest = self.piece(place, all);
                let rest = rest.get(rest.find('&').unwrap_or(0)..).unwrap_or_default();
                self.at(place, &text::unclosed(rest))
            }
            Error::IllFormed(IllFormedError::MissingDoctypeName) => self.at(end, "empty directive"),
            other => self.at(end, &other.to_string()),
        }
    }

    /// Hangs a node where the level says.
    fn place(&mut self, level: u32, id: NodeId) {
        self.doc.set_level(id, level);
        let at = self.doc.level(self.previous);
        if level > at {
            return self.doc.append(self.previous, id);
        }
        for _ in level..at {
            self.previous = self.doc.parent(self.previous).unwrap_or(NodeId::DOCUMENT);
        }
        self.doc.append_beside(self.previous, id);
    }

    fn add(&mut self, kind: Kind, content: Content) {
        let name = match content {
            Content::Text(span) => span,
            _ => Default::default(),
        };
        let id = self.doc.add(kind, name, content);
        self.place(self.level, id);
    }

    fn begin_text(&mut self) {
        let from = self.doc.buffer().len();
        self.pending.get_or_insert(from);
    }

    fn gather(&mut self, raw: &str) -> Result<(), String> {
        self.begin_text();
        if raw.contains("]]>") {
            return Err("unescaped ]]> not in CDATA section".to_owned());
        }
        unescape(raw, self.doc.buffer())
    }

    fn end_text(&mut self) -> Result<(), String> {
        let Some(from) = self.pending.take() else {
            return Ok(());
        };
        let span = self.doc.span_from(from);
        check_characters(self.doc.text(span))?;
        self.add(Kind::Text, Content::Text(span));
        Ok(())
    }

    fn cdata(&mut self, piece: &str) -> Result<(), String> {
        let raw = between(piece, "<![CDATA[", "]]>");
        check_characters(raw)?;
        let from = self.doc.buffer().len();
        text::newlines(raw, self.doc.buffer());
        let span = self.doc.span_from(from);
        self.add(Kind::CData, Content::Text(span));
        Ok(())
    }

    fn instruction(&mut self, piece: &'a str) -> Result<Result<(), String>> {
        let end = piece
            .find(|c: char| c.is_ascii_whitespace())
            .unwrap_or(piece.len());
        let (target, content) = piece.split_at(end);
        let content = content.trim_start_matches([' ', '\t', '\r', '\n']);
        if check_name(target).is_err() {
            return Ok(Err("expected target name after <?".to_owned()));
        }
        let declaration = target == "xml";
        if declaration {
            let version = charset::pseudo_attribute(content, "version");
            if !matches!(version, "" | "1.0") {
                bail!("xml: unsupported version {version:?}; only version 1.0 is supported");
            }
        }
        let name = self.doc.keep(target);
        let kind = if declaration {
            Kind::Declaration
        } else {
            Kind::Instruction
        };
        let id = self.doc.add(kind, name, Content::Nothing);
        let mut attributes: Vec<Attribute> = Vec::new();
        for pair in content.split(' ') {
            let Some((key, value)) = pair.trim().split_once('=').filter(|(key, _)| !key.is_empty()) else {
                continue;
            };
            let (prefix, key) = key.split_once(':').unwrap_or(("", key));
            let known = |a: &Attribute| self.doc.text(a.name) == key && self.doc.text(a.prefix) == prefix;
            if !attributes.iter().any(known) {
                attributes.push(Attribute {
                    name: self.doc.keep(key),
                    prefix: self.doc.keep(prefix),
                    uri: Default::default(),
                    value: self.doc.keep(value.trim_matches(['"', '\''])),
                });
            }
        }
        self.doc.set_attributes(id, attributes);
        let level = match self.previous {
            NodeId::DOCUMENT => self.level + 1,
            _ => self.level,
        };
        self.place(level, id);
        self.previous = id;
        self.level = level;
        Ok(Ok(()))
    }

    fn start(&mut self, tag: &'a str, empty: bool) -> Result<(), String> {
        let end = tag.find([' ', '\t', '\r', '\n', '/']).unwrap_or(tag.len());
        let (name, rest) = tag.split_at(end);
        check_name(name)?;
        if self.level == 0 {
            self.declare();
        }
        let mut found = Vec::new();
        attributes(rest, self.doc, &mut found)?;
        self.names.enter(self.open.len(), self.level, &found);
        let name = self.names.element(name)?;
        let attributes: Vec<Attribute> = found
            .iter()
            .map(|(key, value)| {
                let key = self.names.attribute(key);
                Attribute {
                    name: self.doc.keep(key.local),
                    prefix: self.doc.keep(&key.prefix),
                    uri: self.doc.keep(&key.uri),
                    value: self.doc.keep(value),
                }
            })
            .collect();
        let local = self.doc.keep(name.local);
        let id = self.doc.add(Kind::Element, local, Content::Nothing);
        let (prefix, uri) = (self.doc.keep(&name.prefix), self.doc.keep(&name.uri));
        self.doc.set_namespace(id, prefix, uri);
        self.doc.set_attributes(id, attributes);
        self.place(self.level, id);
        self.elements = true;
        self.previous = id;
        if empty {
            self.names.leave(self.open.len());
        } else {
            self.open.push(&tag[..end]);
            self.level += 1;
        }
        Ok(())
    }

    /// A document without a declaration gets one.
    fn declare(&mut self) {
        let name = self.doc.keep("xml");
        let id = self.doc.add(Kind::Declaration, name, Content::Nothing);
        let version = Attribute {
            name: self.doc.keep("version"),
            prefix: Default::default(),
            uri: Default::default(),
            value: self.doc.keep("1.0"),
        };
        self.doc.set_attributes(id, [version]);
        self.doc.set_level(id, 1);
        self.doc.append(self.previous, id);
        self.level = 1;
        self.previous = id;
    }

    fn end(&mut self, tag: &str) -> Result<(), String> {
        let name = tag.trim_end_matches([' ', '\t', '\r', '\n']);
        let local = |name: &'_ str| name.rsplit(':').next().unwrap_or_default().to_owned();
        let prefix = |name: &'_ str| name.split_once(':').map_or(String::new(), |(p, _)| p.to_owned());
        if let Some((name, _)) = name.split_once([' ', '\t', '\r', '\n']) {
            return Err(format!("invalid characters between </{} and >", local(name)));
        }
        if check_name(name).is_err() {
            return Err("expected element name after </".to_owned());
        }
        let Some(open) = self.open.pop() else {
            return Err(format!("unexpected end element </{}>", local(name)));
        };
        if local(open) != local(name) {
            return Err(format!("element <{}> closed by </{}>", local(open), local(name)));
        }
        if open != name {
            let space = prefix(name);
            let space = if space.is_empty() { "\"\"" } else { &space };
            return Err(format!(
                "element <{}> in space {} closed by </{}> in space {space}",
                local(open),
                prefix(open),
                local(name)
            ));
        }
        self.names.leave(self.open.len());
        self.level -= 1;
        Ok(())
    }
}

/// What stands between the marks of a piece.
fn between<'a>(piece: &'a str, open: &str, close: &str) -> &'a str {
    let inner = piece.strip_prefix(open).unwrap_or(piece);
    inner.strip_suffix(close).unwrap_or(inner)
}

#[cfg(test)]
mod tests;
