//! Go's text templates with the functions of sprig, as Telegraf's options write them: a template and data go in, text comes out.
//!
//! ```
//! use wheatstone_gotemplate::Template;
//! use wheatstone_metric::Metric;
//!
//! let mut metric = Metric::new("pump", 1_700_000_000_000_000_000);
//! metric.set_tag("site", "north");
//! metric.set_field("pressure", 2.5);
//!
//! let template = Template::parse("topic", r#"{{ .Tag "site" | upper }}/{{ .Name }}: {{ .Field "pressure" }}"#)?;
//! assert_eq!(template.execute(&metric)?, "NORTH/pump: 2.5");
//! # Ok::<(), wheatstone_gotemplate::Error>(())
//! ```
//!
//! A template is parsed once; functions and variables are known then, so what is left to go wrong later lies in the data.
//! However it is written, an execution ends: depth, steps, texts and lists are bounded, and nothing panics.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod ast;
mod builtin;
mod call;
mod compare;
mod error;
mod exec;
mod format;
mod lex;
mod members;
mod metric;
mod parse;
mod sprig;
mod value;

pub use call::{Fault, Param, Signature};
pub use error::Error;
pub use metric::field_value;
pub use value::{Elem, IntType, List, Map, Member, Object, Time, UintType, Value};

use call::Function;

/// A parsed template.
pub struct Template {
    name: String,
    source: String,
    trees: parse::Trees,
}

impl Template {
    /// Parses a template. Its name stands in errors only.
    ///
    /// # Errors
    /// The text is no template, or calls a function that there is not.
    pub fn parse(name: &str, source: &str) -> Result<Template, Error> {
        let trees = parse::parse(name, source, find).map_err(|wrong| {
            let (line, column) = Error::place(source, wrong.pos);
            let what = wrong.what;
            Error::new(
                format!("template: {name}:{line}: {what} (at column {column})"),
                line,
                column,
            )
        })?;
        Ok(Template {
            name: name.to_owned(),
            source: source.to_owned(),
            trees,
        })
    }

    /// Executes it with some data: a metric, a list of metrics, a map of values.
    ///
    /// # Errors
    /// The data does not fit the template, or a function says that something is wrong.
    pub fn execute<'a>(&self, data: impl Into<Value<'a>>) -> Result<String, Error> {
        let mut out = Vec::new();
        self.execute_to(&mut out, data)?;
        // All that is written is text.
        Ok(String::from_utf8(out).unwrap_or_default())
    }

    /// Executes it and appends what it gives. After an error `out` is as it was.
    ///
    /// # Errors
    /// As [`Template::execute`].
    pub fn execute_to<'a>(&self, out: &mut Vec<u8>, data: impl Into<Value<'a>>) -> Result<(), Error> {
        let before = out.len();
        let result = exec::execute(&self.name, &self.source, &self.trees, data.into(), out);
        if result.is_err() {
            out.truncate(before);
        }
        result
    }

    /// The text it was made from.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template")
            .field("name", &self.name)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// A batch: the metrics as a list.
impl<'a> FromIterator<&'a wheatstone_metric::Metric> for Value<'a> {
    fn from_iter<I: IntoIterator<Item = &'a wheatstone_metric::Metric>>(metrics: I) -> Value<'a> {
        let items = metrics.into_iter().map(Value::from).collect();
        Value::List(List::new(items, Elem::Named("telegraf.TemplateMetric")))
    }
}

/// Finds a function. Where both have one of a name, sprig's counts.
fn find(name: &str) -> Result<&'static Function, String> {
    use std::collections::HashMap;
    use std::sync::OnceLock;
    static KNOWN: OnceLock<HashMap<&str, &Function>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let builtin = builtin::FUNCTIONS.iter();
        let all = builtin.chain(sprig::FUNCTIONS.iter().copied().flatten());
        all.map(|function| (function.name, function)).collect()
    });
    known.get(name).copied().ok_or_else(|| {
        let quoted = format::quote(name);
        if sprig::ABSENT.contains(&name) {
            format!("function {quoted} of sprig is not available")
        } else {
            format!("function {quoted} not defined")
        }
    })
}

#[cfg(test)]
mod tests;
