//! `metricpass`: a CEL expression is compiled once and asked for each metric whether that metric passes.
//!
//! The expression sees `name`, `tags`, `fields`, `time` and the function `now()`, and CEL's extensions for strings, mathematics
//! and encodings: what Telegraf's filters offer. Messages are those of cel-go, which Telegraf uses.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod check;
mod constants;
mod message;
mod signatures;
mod types;
mod variables;

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelTimestamp};
use cel::common::value::CowVal;
use cel::{Context, DeclarationError, Env, IdedExpr, Value, extensions};
use wheatstone_metric::Metric;

use crate::variables::Variables;

/// A compiled expression.
pub struct MetricPass {
    text: String,
    expression: IdedExpr,
}

impl MetricPass {
    /// Compiles an expression. The error is a text for the user, over several lines with a mark under the place: the
    /// syntax is wrong, a name is unknown, types do not fit together, or the result is no truth value.
    pub fn compile(text: &str) -> Result<MetricPass, String> {
        let env = environment()?;
        let (mut expression, places) = env
            .parser()
            .parse_with_source_info(text)
            .map_err(|e| message::of_syntax(text, &e))?;
        check::returns_bool(&expression, text, &places)?;
        constants::compile_constants(&mut expression)?;
        Ok(MetricPass {
            text: text.to_owned(),
            expression,
        })
    }

    /// Whether a metric passes. An error (`no such key: cpu`) says why that cannot be told; Telegraf lets such a metric pass.
    pub fn passes(&self, metric: &Metric) -> Result<bool, String> {
        let env = environment()?;
        let variables = Variables::new(metric);
        let mut context = Context::with_env(env);
        context.set_variable_resolver(&variables);
        let value = Value::resolve_val(&self.expression, &context).map_err(|e| message::of_evaluation(&e))?;
        match value.downcast_ref::<CelBool>() {
            Some(passes) => Ok(*passes.inner()),
            None => Err(format!("invalid result type {}", value.get_type().name())),
        }
    }
}

impl fmt::Debug for MetricPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MetricPass").field(&self.text).finish()
    }
}

/// CEL's standard functions, the extensions, and our own; built when the first expression needs it.
fn environment() -> Result<Arc<Env>, String> {
    static ENVIRONMENT: LazyLock<Result<Arc<Env>, String>> = LazyLock::new(|| {
        build_environment()
            .map(Arc::new)
            .map_err(|e| format!("creating environment failed: {e}"))
    });
    ENVIRONMENT.clone()
}

fn build_environment() -> Result<Env, DeclarationError> {
    let mut env = Env::stdlib().with_optional_support(false);
    env.add_extension(extensions::strings)?;
    env.add_extension(extensions::math)?;
    env.add_extension(extensions::encoders)?;
    env.add_overload("now", "now", Vec::new(), |_| {
        Ok(CowVal::owned(CelTimestamp::from(
            chrono::Utc::now().fixed_offset(),
        )))
    })?;
    constants::declare(&mut env)?;
    Ok(env)
}

#[cfg(test)]
mod tests;
