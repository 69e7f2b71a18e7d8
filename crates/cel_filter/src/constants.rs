//! Constants of an expression are looked at once: the patterns of `matches` are compiled, times and durations tried.

use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};
use cel::common::types::{CelBool, CelInt, CelString, INT_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{Context, DeclarationError, Env, ExecutionError, Value};
use parking_lot::RwLock;
use regex::Regex;

/// Takes a pattern's number instead of its text; no expression can call it by this name.
const MATCHES_COMPILED: &str = "@matches_compiled";

/// Each distinct pattern of the configurations, once; the number in an expression is an index.
static PATTERNS: RwLock<Vec<Arc<Regex>>> = RwLock::new(Vec::new());

pub(crate) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload(
        MATCHES_COMPILED,
        MATCHES_COMPILED,
        vec![STRING_TYPE, INT_TYPE],
        |args| {
            let (Some(text), Some(number)) = (
                args[0].downcast_ref::<CelString>(),
                args[1].downcast_ref::<CelInt>(),
            ) else {
                return Err(ExecutionError::no_such_overload("matches", Vec::new()));
            };
            let pattern = usize::try_from(*number.inner())
                .ok()
                .and_then(|i| PATTERNS.read().get(i).cloned());
            match pattern {
                Some(pattern) => Ok(CowVal::owned(CelBool::from(pattern.is_match(text.inner())))),
                None => Err(ExecutionError::function_error("matches", "unknown pattern")),
            }
        },
    )
}

/// Replaces `x.matches('…')` and `matches(x, '…')` throughout, and refuses texts that are no pattern, duration or timestamp.
pub(crate) fn compile_constants(expression: &mut IdedExpr) -> Result<(), String> {
    if let Expr::Call(call) = &expression.expr
        && let [
            IdedExpr {
                expr: Expr::Literal(LiteralValue::String(_)),
                ..
            },
        ] = call.args.as_slice()
        && let Some(kind) = match call.func_name.as_str() {
            "duration" => Some("Duration"),
            "timestamp" => Some("Timestamp"),
            _ => None,
        }
        && Value::resolve_val(expression, &Context::default()).is_err()
    {
        return Err(format!(
            "type conversion error from 'string' to 'google.protobuf.{kind}'"
        ));
    }
    match &mut expression.expr {
        Expr::Call(call) => {
            for part in call.target.iter_mut().map(|t| &mut **t).chain(&mut call.args) {
                compile_constants(part)?;
            }
            let is_call =
                call.func_name == "matches" && call.args.len() + usize::from(call.target.is_some()) == 2;
            if is_call
                && let Some(last) = call.args.last_mut()
                && let Expr::Literal(LiteralValue::String(pattern)) = &last.expr
            {
                last.expr = Expr::Literal(LiteralValue::Int(number_of(pattern.inner())?.into()));
                call.func_name = MATCHES_COMPILED.to_owned();
                if let Some(target) = call.target.take() {
                    call.args.insert(0, *target);
                }
            }
            Ok(())
        }
        Expr::Comprehension(c) => [
            &mut c.iter_range,
            &mut c.accu_init,
            &mut c.loop_cond,
            &mut c.loop_step,
            &mut c.result,
        ]
        .into_iter()
        .try_for_each(compile_constants),
        Expr::List(list) => list.elements.iter_mut().try_for_each(compile_constants),
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .try_for_each(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(e) => {
                    compile_constants(&mut e.key).and_then(|()| compile_constants(&mut e.value))
                }
                EntryExpr::StructField(f) => compile_constants(&mut f.value),
            }),
        Expr::Select(select) => compile_constants(&mut select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => Ok(()),
    }
}

fn number_of(pattern: &str) -> Result<i64, String> {
    let compiled = Regex::new(pattern).map_err(|e| format!("error parsing regexp: {e}"))?;
    let mut patterns = PATTERNS.write();
    let known = patterns.iter().position(|p| p.as_str() == pattern);
    let number = known.unwrap_or_else(|| {
        patterns.push(Arc::new(compiled));
        patterns.len() - 1
    });
    i64::try_from(number).map_err(|_| "too many patterns".to_owned())
}
