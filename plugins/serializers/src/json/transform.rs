//! JSON in, the JSON that a JSONata expression makes of it out.

use wheatstone_plugin::prelude::*;

#[cfg(feature = "jsonata")]
use super::write;

/// A JSONata expression that was checked.
pub(super) struct Transformation {
    source: String,
}

#[cfg(feature = "jsonata")]
impl Transformation {
    /// Checks an expression.
    pub(super) fn new(source: &str) -> Result<Transformation> {
        jsonata_core::Expression::compile(source).map_err(|e| anyhow!("json_transformation: {e}"))?;
        Ok(Transformation {
            source: source.to_owned(),
        })
    }

    /// Appends what the expression makes of `json`.
    pub(super) fn apply(&self, json: &[u8], out: &mut Vec<u8>) -> Result<()> {
        // A compiled expression stays on its thread, a serializer does not, so it is compiled here, once a batch.
        let expression = jsonata_core::Expression::compile(&self.source).map_err(|e| anyhow!("{e}"))?;
        let input = jsonata_core::value::JValue::from_json_str(std::str::from_utf8(json)?)
            .map_err(|e| anyhow!("{e}"))?;
        let made = expression.evaluate(&input).map_err(|e| anyhow!("{e}"))?;
        if made.is_undefined() {
            bail!("no results found");
        }
        let before = out.len();
        let written = made_of(&made, &Exact::new(json), 0, out);
        if written.is_err() {
            out.truncate(before);
        }
        written
    }
}

/// How deep what an expression makes may nest: it may call itself.
#[cfg(feature = "jsonata")]
const DEEPEST: usize = 128;

/// Appends what an expression made. Functions are empty texts, and numbers that are none are null.
#[cfg(feature = "jsonata")]
fn made_of(
    made: &jsonata_core::value::JValue,
    exact: &Exact<'_>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    use jsonata_core::value::JValue;
    if depth > DEEPEST {
        bail!("the result nests more than {DEEPEST} deep");
    }
    match made {
        JValue::Bool(v) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
        JValue::Number(v) => match exact.text(*v) {
            Some(digits) => out.extend_from_slice(digits),
            None if v.is_finite() => write::float(*v, out),
            None => out.extend_from_slice(b"null"),
        },
        JValue::String(text) => write::string(text, out),
        JValue::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                made_of(item, exact, depth + 1, out)?;
            }
            out.push(b']');
        }
        JValue::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| key.as_str());
            let mut written = Ok(());
            write::object(members, out, |member, out| {
                if written.is_ok() {
                    written = made_of(member, exact, depth + 1, out);
                }
            });
            written?;
        }
        JValue::Lambda(_) | JValue::Builtin { .. } | JValue::Regex { .. } => out.extend_from_slice(b"\"\""),
        _ => out.extend_from_slice(b"null"),
    }
    Ok(())
}

/// The integers of a document that floats cannot hold, by the floats that they become in an expression: what goes through it
/// unchanged keeps all its digits.
#[cfg(feature = "jsonata")]
struct Exact<'a>(std::collections::HashMap<u64, Option<&'a [u8]>>);

#[cfg(feature = "jsonata")]
impl<'a> Exact<'a> {
    /// 2 to the 53rd has so many digits; shorter integers are exact.
    const LONG: usize = 16;

    fn new(json: &'a [u8]) -> Exact<'a> {
        let mut found = std::collections::HashMap::new();
        let mut rest = json;
        while let Some(&first) = rest.first() {
            let length = match first {
                b'"' => text_length(rest),
                b'-' | b'0'..=b'9' => {
                    let is_part = |b: &u8| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                    let length = rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
                    let number = &rest[..length];
                    let digits = number.strip_prefix(b"-").unwrap_or(number);
                    if digits.len() >= Self::LONG
                        && digits.iter().all(u8::is_ascii_digit)
                        && let Some(float) = std::str::from_utf8(number)
                            .ok()
                            .and_then(|n| n.parse::<f64>().ok())
                    {
                        found
                            .entry(float.to_bits())
                            .and_modify(|known: &mut Option<&[u8]>| {
                                // Of two that become one float neither can be told.
                                *known = known.filter(|k| *k == number);
                            })
                            .or_insert(Some(number));
                    }
                    length
                }
                _ => 1,
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        Exact(found)
    }

    fn text(&self, number: f64) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&number.to_bits()).copied().flatten()
    }
}

/// How long a text is with its quotes.
#[cfg(feature = "jsonata")]
fn text_length(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = json.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    json.len()
}

#[cfg(not(feature = "jsonata"))]
impl Transformation {
    pub(super) fn new(_: &str) -> Result<Transformation> {
        bail!(
            "json_transformation needs the cargo feature \"jsonata\", which this program was built without"
        );
    }

    pub(super) fn apply(&self, _: &[u8], _: &mut Vec<u8>) -> Result<()> {
        bail!(
            "json_transformation {:?} cannot be applied: built without the cargo feature \"jsonata\"",
            self.source
        );
    }
}

#[cfg(test)]
#[cfg(feature = "jsonata")]
mod tests {
    use super::*;

    fn made(expression: &str, json: &str) -> Result<String, String> {
        let mut out = b">".to_vec();
        let transformation = Transformation::new(expression).unwrap();
        match transformation.apply(json.as_bytes(), &mut out) {
            Ok(()) => Ok(String::from_utf8(out).unwrap()),
            Err(error) => {
                assert_eq!(out, b">");
                Err(error.to_string())
            }
        }
    }

    #[test]
    fn large_integers_keep_their_digits() {
        let json = r#"{"i":9223372036854775807,"u":18446744073709551615,"s":"9007199254740993","n":-0.0}"#;
        assert_eq!(
            made(r#"{"a": [i, u, s], "b": i - u, "n": n}"#, json).unwrap(),
            r#">{"a":[9223372036854775807,18446744073709551615,"9007199254740993"],"b":-9223372036854776000,"n":-0}"#
        );
        // These two are one float.
        let twins = r#"{"a":9007199254740993,"b":9007199254740992}"#;
        assert_eq!(made("a", twins).unwrap(), ">9007199254740992");
        assert_eq!(
            made("a", r#"{"a":9007199254740993,"b":"\\\"1\""}"#).unwrap(),
            ">9007199254740993"
        );
    }

    #[test]
    fn members_are_sorted_and_functions_are_empty() {
        assert_eq!(
            made(r#"{"z": $sum, "a": null, "m": [true, "<"]}"#, "{}").unwrap(),
            r#">{"a":null,"m":[true,"\u003c"],"z":""}"#
        );
    }

    #[test]
    fn a_result_without_end_is_an_error() {
        let error = made(
            "($f := function($n){$n = 0 ? 0 : {\"x\": $f($n - 1)}}; $f(200))",
            "{}",
        )
        .unwrap_err();
        assert!(error.contains("deep"), "{error}");
        assert!(made("none", "{}").unwrap_err().contains("no results found"));
    }
}
