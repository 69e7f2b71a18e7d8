//! Single common keys, read as Telegraf reads them: some errors are errors there, others are passed over in silence.

use wheatstone_plugin::conf::{Duration, Node, NodeKind, Size};

use super::{Dealer, list_help, unexpected_format};
use crate::goerr::read_duration;

impl Dealer<'_, '_> {
    pub(super) fn string(&mut self, key: &str) -> String {
        match self.table.take(key).map(|e| e.value) {
            None => String::new(),
            Some(Node {
                kind: NodeKind::String(s),
                ..
            }) => s,
            Some(node) => {
                self.ignored(key, &node, "a text in quotes");
                String::new()
            }
        }
    }

    pub(super) fn duration(&mut self, key: &str) -> Option<Duration> {
        let node = self.table.take(key)?.value;
        match read_duration(&node) {
            Ok((duration, true)) if key == "collection_offset" => {
                let message = format!("negative collection_offset \"-{duration}\" is not allowed");
                self.error(node.span, message);
                None
            }
            Ok((_, true)) => {
                self.error(node.span, format!("negative {key} is not allowed"));
                None
            }
            Ok((duration, false)) => {
                if matches!(node.kind, NodeKind::Integer(_) | NodeKind::Float(_)) {
                    let message = format!(
                        "{key} of plugin {}.{} is a bare number and taken as seconds; Telegraf reads only texts here, \
                         such as \"10s\", and passes over it",
                        self.kind.plural(),
                        self.name
                    );
                    self.report.warn(node.span, message);
                }
                Some(duration)
            }
            Err(why) => {
                let help = "write numbers with units, such as \"10s\", \"500ms\" or \"1h30m\"".into();
                self.typed_help(node.span, format!("error parsing duration: {why}"), help);
                None
            }
        }
    }

    pub(super) fn count(&mut self, key: &str) -> Option<usize> {
        let node = self.table.take(key)?.value;
        match &node.kind {
            NodeKind::Integer(0) => None,
            NodeKind::Integer(n) if *n > 0 => usize::try_from(*n).ok(),
            NodeKind::String(s) if node.from_env && s.trim().parse::<usize>().is_ok() => {
                s.trim().parse().ok()
            }
            _ => {
                self.ignored(key, &node, "a whole number without quotes");
                None
            }
        }
    }

    pub(super) fn size(&mut self, key: &str) -> Option<Size> {
        let node = self.table.take(key)?.value;
        let size = match &node.kind {
            NodeKind::Integer(n) => u64::try_from(*n)
                .map(Size)
                .map_err(|_| "a size is not negative".to_owned()),
            NodeKind::String(s) => Size::parse(s),
            _ => Err(format!(
                "expected a size such as \"10MiB\", found {}",
                node.type_name()
            )),
        };
        size.map_err(|why| self.typed_error(node.span, format!("error parsing {key}: {why}")))
            .ok()
    }

    pub(super) fn boolean(&mut self, key: &str) -> bool {
        let Some(node) = self.table.take(key).map(|e| e.value) else {
            return false;
        };
        let text = match &node.kind {
            NodeKind::Boolean(b) => return *b,
            // As Go reads truth values out of texts.
            NodeKind::String(s) => match s.as_str() {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => return true,
                "0" | "f" | "F" | "FALSE" | "false" | "False" => return false,
                other => other.to_owned(),
            },
            NodeKind::Integer(n) => n.to_string(),
            NodeKind::Float(n) => n.to_string(),
            _ => node.type_name().to_owned(),
        };
        self.typed_help(
            node.span,
            format!("unknown boolean value type {text:?}, expecting boolean"),
            "write true or false, without quotes".into(),
        );
        false
    }

    pub(super) fn order(&mut self) -> i64 {
        let Some(node) = self.table.take("order").map(|e| e.value) else {
            return 0;
        };
        match &node.kind {
            NodeKind::Integer(n) => *n,
            NodeKind::String(s) if node.from_env && s.trim().parse::<i64>().is_ok() => {
                s.trim().parse().unwrap_or(0)
            }
            _ => {
                let help = match node.as_str().map(str::trim) {
                    Some(text) if text.parse::<i64>().is_ok() => {
                        format!("numbers stand without quotes: order = {text}")
                    }
                    _ => "write a whole number, without quotes".into(),
                };
                self.typed_help(node.span, unexpected_format("order", "int"), help);
                0
            }
        }
    }

    pub(super) fn strings(&mut self, key: &str) -> Vec<String> {
        let Some(node) = self.table.take(key).map(|e| e.value) else {
            return Vec::new();
        };
        let span = node.span;
        let NodeKind::Array(items) = node.kind else {
            let help = list_help(key, &node.kind);
            self.typed_help(span, unexpected_format(key, "string array/slice format"), help);
            return Vec::new();
        };
        let list = self.texts(key, items);
        self.checked_patterns(key, span, list)
    }

    pub(super) fn texts(&mut self, key: &str, items: Vec<Node>) -> Vec<String> {
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            match item.kind {
                NodeKind::String(s) => list.push(s),
                _ => self.ignored(key, &item, "a list of texts in quotes"),
            }
        }
        list
    }
}
