//! A value under a verb, whatever it is, and Go's complaint where the verb does not fit it.

use super::{MAX_DEPTH, MAX_TEXT, Printer};
use crate::members;
use crate::value::{IntType, Value};

impl Printer {
    /// A value on its own: nil is `<nil>` here.
    pub(super) fn argument(&mut self, value: &Value<'_>, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad("<nil>"),
            (Value::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') => {
                self.text(&value.type_name(), 's');
            }
            _ => self.value(value, verb, 0),
        }
    }

    fn value(&mut self, value: &Value<'_>, verb: char, depth: usize) {
        if depth > MAX_DEPTH || self.out.len() > MAX_TEXT {
            self.out.push_str("...");
            return;
        }
        if !self.erroring && self.own_text(value, verb) {
            return;
        }
        let fits = match value {
            Value::Nil if self.flags.sharp_v => {
                self.out.push_str("interface {}(nil)");
                true
            }
            Value::Nil => {
                self.out.push_str("<nil>");
                true
            }
            Value::Bool(b) => {
                let fits = matches!(verb, 't' | 'v');
                if fits {
                    self.pad(if *b { "true" } else { "false" });
                }
                fits
            }
            Value::Int(n, _) => self.integer(*n < 0, n.unsigned_abs(), true, verb),
            Value::Uint(n, _) => self.integer(false, *n, false, verb),
            Value::Float(x) => self.float(*x, verb),
            Value::Str(s) => self.text(s, verb),
            Value::List(list) => {
                let items = list.items();
                let go_syntax = self.flags.sharp_v;
                let (open, between, close) = if go_syntax {
                    ("{", ", ", "}")
                } else {
                    ("[", " ", "]")
                };
                if go_syntax {
                    self.out.push_str(&value.type_name());
                }
                self.out.push_str(open);
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.out.push_str(between);
                    }
                    self.value(item, verb, depth + 1);
                }
                self.out.push_str(close);
                true
            }
            Value::Map(map) => {
                let go_syntax = self.flags.sharp_v;
                let (open, between, close) = if go_syntax {
                    ("{", ", ", "}")
                } else {
                    ("map[", " ", "]")
                };
                if go_syntax {
                    self.out.push_str(&value.type_name());
                }
                self.out.push_str(open);
                for (i, (key, item)) in map.entries().iter().enumerate() {
                    if i > 0 {
                        self.out.push_str(between);
                    }
                    if !self.text(key, verb) {
                        self.bad_verb(&Value::str(key), verb);
                    }
                    self.out.push(':');
                    self.value(item, verb, depth + 1);
                }
                self.out.push_str(close);
                true
            }
            Value::Time(time) => {
                self.out.push_str(&members::time_text(time));
                true
            }
            Value::Object(object) => {
                self.out.push_str(&object.text());
                true
            }
        };
        if !fits {
            self.bad_verb(value, verb);
        }
    }

    /// What has a method `String` is printed by it, where the verb is one for texts.
    fn own_text(&mut self, value: &Value<'_>, verb: char) -> bool {
        if self.flags.sharp_v || !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return false;
        }
        let text = match value {
            Value::Int(n, IntType::Duration) => wheatstone_gotime::format_duration(*n),
            Value::Int(n, IntType::Month) => members::month_text(*n),
            Value::Int(n, IntType::Weekday) => members::weekday_text(*n),
            Value::Time(time) => members::time_text(time),
            Value::Object(object) => object.text(),
            _ => return false,
        };
        self.text(&text, verb)
    }

    /// `%!d(string=x)`.
    pub(super) fn bad_verb(&mut self, value: &Value<'_>, verb: char) {
        self.erroring = true;
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push('(');
        if matches!(value, Value::Nil) {
            self.out.push_str("<nil>");
        } else {
            self.out.push_str(&value.type_name());
            self.out.push('=');
            self.value(value, 'v', 0);
        }
        self.out.push(')');
        self.erroring = false;
    }
}
