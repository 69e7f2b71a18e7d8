//! Values go in, text as Go's package `fmt` prints it comes out: [`sprint`], [`sprintln`] and [`sprintf`].

mod number;
mod printf;
mod text;
mod value;

pub(crate) use printf::sprintf;
pub(crate) use text::{is_print, quote};

use crate::value::Value;
use text::Flags;

/// How deep lists and maps are printed; what lies deeper is an ellipsis.
const MAX_DEPTH: usize = 100;
/// The largest width, precision and text: an alignment must not fill the memory.
pub(crate) const MAX_TEXT: usize = 16 << 20;

/// One print: what was written and how the current value is to look.
struct Printer {
    out: String,
    flags: Flags,
    /// While an error is written, a value's own text is not asked for.
    erroring: bool,
}

impl Printer {
    fn new() -> Printer {
        Printer {
            out: String::new(),
            flags: Flags::default(),
            erroring: false,
        }
    }
}

/// Appends one value as `%v` prints it.
pub(crate) fn append(out: &mut String, value: &Value<'_>) {
    // The common values take no detour.
    match value {
        Value::Str(s) => out.push_str(s),
        Value::Nil => out.push_str("<no value>"),
        value => {
            let mut printer = Printer::new();
            std::mem::swap(&mut printer.out, out);
            printer.argument(value, 'v');
            std::mem::swap(&mut printer.out, out);
        }
    }
}

/// `fmt.Sprint`: a space between two values of which neither is a text.
pub(crate) fn sprint(values: &[Value<'_>]) -> String {
    let mut printer = Printer::new();
    let mut before_is_text = true;
    for (i, value) in values.iter().enumerate() {
        let is_text = matches!(value, Value::Str(_));
        if i > 0 && !is_text && !before_is_text {
            printer.out.push(' ');
        }
        printer.argument(value, 'v');
        before_is_text = is_text;
    }
    printer.out
}

/// `fmt.Sprintln`.
pub(crate) fn sprintln(values: &[Value<'_>]) -> String {
    let mut printer = Printer::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            printer.out.push(' ');
        }
        printer.argument(value, 'v');
    }
    printer.out.push('\n');
    printer.out
}

/// `fmt.Sprintf("%v", value)`.
pub(crate) fn display(value: &Value<'_>) -> String {
    let mut printer = Printer::new();
    printer.argument(value, 'v');
    printer.out
}
