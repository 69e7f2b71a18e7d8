//! JSONata over what the server sent.

use bumpalo::Bump;
use jsonata_rs::JsonAta;
use wheatstone_plugin::prelude::*;

/// Bounds of one evaluation: depth, and milliseconds.
const DEPTH: usize = 500;
const MILLISECONDS: usize = 5_000;

/// Whether an expression can be read; an empty one is none.
pub(crate) fn check(expression: &str) -> Result<()> {
    if !expression.is_empty() {
        JsonAta::new(expression, &Bump::new()).map_err(|e| anyhow!("{e}"))?;
    }
    Ok(())
}

/// What an expression makes of a JSON text, as JSON.
pub(crate) fn apply(expression: &str, text: &str) -> Result<String> {
    // The library reads its input as an expression too: only what is JSON may reach it.
    let input: serde_json::Value = serde_json::from_str(text).map_err(|_| anyhow!("the data is no JSON"))?;
    // Telegraf's library makes one object of a list item by item where the expression is an object; JSONata itself would
    // look at the list as a whole.
    let object = expression.trim();
    let over_items = input.is_array() && object.starts_with('{') && object.ends_with('}');
    let expression = if over_items {
        format!("$merge($.{object})")
    } else {
        object.to_owned()
    };
    let arena = Bump::new();
    let compiled = JsonAta::new(&expression, &arena).map_err(|e| anyhow!("{e}"))?;
    let result = compiled.evaluate_timeboxed(Some(&input.to_string()), Some(DEPTH), Some(MILLISECONDS));
    // Errors quote values, and values are secrets.
    result
        .map(|value| value.serialize(false))
        .map_err(|e| anyhow!("the expression failed with {}", e.code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_reshaped() {
        for (expression, input, output) in [
            (
                "{user: secret}",
                r#"[{"user":"a","secret":"x"},{"user":"b","secret":"y $"}]"#,
                r#"{"a":"x","b":"y $"}"#,
            ),
            ("data", r#"{"data":{"a":"x"}}"#, r#"{"a":"x"}"#),
            (
                "items.{name: value}",
                r#"{"items":{"name":"a","value":"x"}}"#,
                r#"{"a":"x"}"#,
            ),
            (
                "$merge(data.{key: val})",
                r#"{"data":[{"key":"a","val":"x"},{"key":"b","val":"y"}]}"#,
                r#"{"a":"x","b":"y"}"#,
            ),
        ] {
            let found: serde_json::Value = serde_json::from_str(&apply(expression, input).unwrap()).unwrap();
            assert_eq!(
                found,
                serde_json::from_str::<serde_json::Value>(output).unwrap(),
                "{expression}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_an_error_without_the_data() {
        assert!(check("{user: ").is_err());
        assert!(check("").is_ok());
        assert!(apply("a", "$now()").is_err());
        let error = format!("{:?}", apply("$number(a)", r#"{"a":"hunter2"}"#).unwrap_err());
        assert!(!error.contains("hunter2"), "{error}");
    }
}
