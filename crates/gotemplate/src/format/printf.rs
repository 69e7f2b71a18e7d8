//! Formats: text with verbs in it goes in together with values, and every mistake is printed where it was made.

use super::text::Flags;
use super::{MAX_TEXT, Printer};
use crate::value::{IntType, Value};

/// The largest width and precision, as in Go.
const MAX_NUMBER: usize = 1_000_000;

struct Format<'f, 'v, 'a> {
    rest: &'f str,
    args: &'v [Value<'a>],
    /// The next argument.
    next: usize,
    /// Whether an argument was chosen by its number.
    reordered: bool,
    /// Whether the number made sense.
    good_index: bool,
}

/// `fmt.Sprintf`.
pub(crate) fn sprintf(format: &str, args: &[Value<'_>]) -> String {
    let mut printer = Printer::new();
    let mut format = Format {
        rest: format,
        args,
        next: 0,
        reordered: false,
        good_index: true,
    };
    while let Some(at) = format.rest.find('%') {
        printer.out.push_str(&format.rest[..at]);
        format.rest = &format.rest[at + 1..];
        format.directive(&mut printer);
        if printer.out.len() > MAX_TEXT {
            return printer.out;
        }
    }
    printer.out.push_str(format.rest);
    if !format.reordered && format.next < args.len() {
        printer.flags = Flags::default();
        printer.out.push_str("%!(EXTRA ");
        for (i, value) in args[format.next..].iter().enumerate() {
            if i > 0 {
                printer.out.push_str(", ");
            }
            if matches!(value, Value::Nil) {
                printer.out.push_str("<nil>");
            } else {
                printer.out.push_str(&value.type_name());
                printer.out.push('=');
                printer.argument(value, 'v');
            }
        }
        printer.out.push(')');
    }
    printer.out
}

impl Format<'_, '_, '_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }
    fn skip(&mut self) {
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
    }

    /// Digits; nothing where there are none or the number is too large.
    fn number(&mut self) -> Option<usize> {
        let len = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(len);
        self.rest = rest;
        if digits.is_empty() {
            return None;
        }
        let number = digits.parse().ok().filter(|n| *n <= MAX_NUMBER);
        if number.is_none() {
            // As in Go, nothing behind it is read any more.
            self.rest = "";
        }
        number
    }

    /// `[3]`: the number of the argument to come. Gives whether there was one.
    fn index(&mut self) -> bool {
        if self.peek() != Some('[') {
            return false;
        }
        self.reordered = true;
        let Some(end) = self.rest.find(']') else {
            self.good_index = false;
            self.skip();
            return false;
        };
        let chosen = self.rest[1..end].parse::<usize>();
        self.rest = &self.rest[end + 1..];
        match chosen {
            Ok(n) if n >= 1 && n <= self.args.len() => {
                self.next = n - 1;
                true
            }
            _ => {
                self.good_index = false;
                false
            }
        }
    }

    /// `*`: a number out of the arguments.
    fn star(&mut self) -> Option<i64> {
        let value = self.args.get(self.next)?;
        self.next += 1;
        match value {
            Value::Int(n, IntType::Int | IntType::Int64 | IntType::Rune)
                if n.unsigned_abs() <= MAX_NUMBER as u64 =>
            {
                Some(*n)
            }
            Value::Uint(n, _) if *n <= MAX_NUMBER as u64 => i64::try_from(*n).ok(),
            _ => None,
        }
    }

    fn directive(&mut self, printer: &mut Printer) {
        let mut flags = Flags::default();
        self.good_index = true;
        loop {
            match self.peek() {
                Some('#') => flags.sharp = true,
                Some('0') => flags.zero = true,
                Some('+') => flags.plus = true,
                Some('-') => flags.minus = true,
                Some(' ') => flags.space = true,
                _ => break,
            }
            self.skip();
        }
        let mut after_index = self.index();
        if self.peek() == Some('*') {
            self.skip();
            match self.star() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => printer.out.push_str("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            flags.width = self.number();
            // A number behind an index, as in `%[3]2d`, is a mistake.
            self.good_index &= !(after_index && flags.width.is_some());
        }
        if self.peek() == Some('.') {
            self.skip();
            self.good_index &= !after_index;
            after_index = self.index();
            if self.peek() == Some('*') {
                self.skip();
                match self.star().and_then(|n| usize::try_from(n).ok()) {
                    Some(precision) => flags.precision = Some(precision),
                    None => printer.out.push_str("%!(BADPREC)"),
                }
                after_index = false;
            } else {
                flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        let Some(verb) = self.peek() else {
            printer.out.push_str("%!(NOVERB)");
            return;
        };
        self.skip();
        match verb {
            '%' => printer.out.push('%'),
            _ if !self.good_index => {
                printer.out.push_str("%!");
                printer.out.push(verb);
                printer.out.push_str("(BADINDEX)");
            }
            _ => {
                let Some(value) = self.args.get(self.next) else {
                    printer.out.push_str("%!");
                    printer.out.push(verb);
                    printer.out.push_str("(MISSING)");
                    return;
                };
                self.next += 1;
                if verb == 'v' {
                    flags.sharp_v = std::mem::take(&mut flags.sharp);
                    flags.plus_v = std::mem::take(&mut flags.plus);
                }
                printer.flags = flags;
                printer.argument(value, verb);
            }
        }
    }
}
