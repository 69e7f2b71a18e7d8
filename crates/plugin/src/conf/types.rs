//! Option types with forms of their own: durations, sizes, secrets.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A length of time, as Telegraf writes it: `"10s"`, `"1h30m"`, `"1.5d"`, or a bare number of seconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub std::time::Duration);

impl Duration {
    /// Nothing.
    pub const ZERO: Duration = Duration(std::time::Duration::ZERO);
    /// Whole seconds.
    pub const fn from_secs(s: u64) -> Duration {
        Duration(std::time::Duration::from_secs(s))
    }
    /// Milliseconds.
    pub const fn from_millis(ms: u64) -> Duration {
        Duration(std::time::Duration::from_millis(ms))
    }
    /// Nanoseconds, as metrics count them.
    pub fn nanos(self) -> i64 {
        i64::try_from(self.0.as_nanos()).unwrap_or(i64::MAX)
    }
    /// Reads Telegraf's forms; an empty text is zero.
    pub fn parse(text: &str) -> Result<Duration, String> {
        let wrong = || {
            format!(
                "invalid duration {text:?}: use a number with a unit, such as \"10s\", \"500ms\" or \"1h30m\""
            )
        };
        let s = text.trim();
        if s.is_empty() {
            return Ok(Duration::ZERO);
        }
        if let Ok(seconds) = s.parse::<f64>() {
            return std::time::Duration::try_from_secs_f64(seconds)
                .map(Duration)
                .map_err(|_| wrong());
        }
        let mut rest = s.strip_prefix('+').unwrap_or(s);
        let mut nanos = 0f64;
        let mut exact = 0u128;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let unit_len = tail
                .find(|c: char| c.is_ascii_digit() || c == '.')
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_len);
            let scale: u64 = match unit {
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60_000_000_000,
                "h" => 3_600_000_000_000,
                "d" => 86_400_000_000_000,
                _ => return Err(wrong()),
            };
            match number.parse::<u64>() {
                Ok(n) => exact += u128::from(n) * u128::from(scale),
                Err(_) => nanos += number.parse::<f64>().map_err(|_| wrong())? * scale as f64,
            }
            rest = tail;
        }
        let total = exact + nanos.round() as u128;
        u64::try_from(total)
            .map(|n| Duration(std::time::Duration::from_nanos(n)))
            .map_err(|_| wrong())
    }
}

impl std::ops::Deref for Duration {
    type Target = std::time::Duration;
    fn deref(&self) -> &std::time::Duration {
        &self.0
    }
}
impl From<std::time::Duration> for Duration {
    fn from(d: std::time::Duration) -> Duration {
        Duration(d)
    }
}
impl fmt::Display for Duration {
    /// As Go prints it: `10s`, `1m30s`, `500ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0.as_nanos();
        if ns == 0 {
            return f.write_str("0s");
        }
        if ns < 1_000 {
            return write!(f, "{ns}ns");
        }
        if ns < 1_000_000 {
            return write!(f, "{}µs", ns as f64 / 1e3);
        }
        if ns < 1_000_000_000 {
            return write!(f, "{}ms", ns as f64 / 1e6);
        }
        let (secs, frac) = (self.0.as_secs(), self.0.subsec_nanos());
        let (h, m, s) = (secs / 3600, secs / 60 % 60, secs % 60);
        if h > 0 {
            write!(f, "{h}h")?;
        }
        if h > 0 || m > 0 {
            write!(f, "{m}m")?;
        }
        if frac == 0 {
            write!(f, "{s}s")
        } else {
            write!(f, "{}s", s as f64 + f64::from(frac) / 1e9)
        }
    }
}
impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        // Sample files are easier to read without Go's trailing zero units.
        let mut text = self.to_string();
        if text.ends_with("m0s") {
            text.truncate(text.len() - 2);
        }
        if text.ends_with("h0m") {
            text.truncate(text.len() - 2);
        }
        s.serialize_str(&text)
    }
}
impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"], "format": "duration" })
    }
}
impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Duration;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"10s\"")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Duration, E> {
                Duration::parse(v).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Duration, E> {
                u64::try_from(v)
                    .map(Duration::from_secs)
                    .map_err(|_| E::custom("a duration is not negative"))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Duration, E> {
                Ok(Duration::from_secs(v))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Duration, E> {
                std::time::Duration::try_from_secs_f64(v)
                    .map(Duration)
                    .map_err(E::custom)
            }
        }
        d.deserialize_any(V)
    }
}

/// A number of bytes: `"10MB"` (thousands), `"10MiB"` (1024s), or a bare number.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// Reads Telegraf's forms.
    pub fn parse(text: &str) -> Result<Size, String> {
        let wrong = || {
            format!(
                "invalid size {text:?}: use a number of bytes, or one with a unit such as \"10MB\" or \"10MiB\""
            )
        };
        let s = text.trim();
        let digits = s
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(s.len());
        let (number, unit) = (&s[..digits], s[digits..].trim());
        let scale: u64 = match unit {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" | "kiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return Err(wrong()),
        };
        match number.parse::<u64>() {
            Ok(n) => n.checked_mul(scale).map(Size).ok_or_else(wrong),
            Err(_) => number
                .parse::<f64>()
                .map(|n| Size((n * scale as f64) as u64))
                .map_err(|_| wrong()),
        }
    }
}
impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} B", self.0)
    }
}
impl Serialize for Size {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let n = self.0;
        for (unit, scale) in [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if n >= scale && n.is_multiple_of(scale) {
                return s.serialize_str(&format!("{}{unit}", n / scale));
            }
        }
        if n == 0 {
            s.serialize_u64(0)
        } else {
            s.serialize_str(&format!("{n}B"))
        }
    }
}
impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "format": "size" })
    }
}
impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Size, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as \"10MiB\"")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Size, E> {
                Size::parse(v).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Size, E> {
                u64::try_from(v)
                    .map(Size)
                    .map_err(|_| E::custom("a size is not negative"))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Size, E> {
                Ok(Size(v))
            }
        }
        d.deserialize_any(V)
    }
}

/// A text that must not be shown: a password, a token. It may name entries of secret stores, `@{store:key}`; what it
/// stands for is asked of [`Context::reveal`](crate::Context::reveal) each time it is needed, since stores may renew it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The text as configured, references unresolved. Never log it.
    pub fn template(&self) -> &str {
        &self.0
    }
    /// The references to secret stores in it, as (store, key).
    pub fn references(&self) -> impl Iterator<Item = (&str, &str)> {
        references(&self.0)
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "Secret(unset)"
        } else {
            "Secret(***)"
        })
    }
}
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str("")
    }
}
/// What is said of a secret that is no text.
const NO_TEXT: &str = "expected a string in quotes";

impl Secret {
    /// The name under which a secret asks to be read: the table's reader notes the references in it.
    pub(super) const NAME: &'static str = "$wheatstone::Secret";
}
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Secret, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Secret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Secret, E> {
                Ok(Secret::new(v))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> Result<Secret, D::Error> {
                // What serde itself says of a value of another type would show it.
                d.deserialize_any(V)
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::custom(NO_TEXT))
            }
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
                Err(E::custom(NO_TEXT))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
                Err(E::custom(NO_TEXT))
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Secret, E> {
                Err(E::custom(NO_TEXT))
            }
        }
        d.deserialize_newtype_struct(Secret::NAME, V)
    }
}
impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "secret" })
    }
}

/// The references in a secret's text, as (store, key).
pub fn references(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, store, key, after) = split_reference(rest)?;
        rest = after;
        Some((store, key))
    })
}

/// Splits at the first `@{store:key}`: what stands before it, the store, the key, what stands behind it.
pub(crate) fn split_reference(text: &str) -> Option<(&str, &str, &str, &str)> {
    let mut from = 0;
    while let Some(at) = text[from..].find("@{").map(|i| i + from) {
        if let Some(end) = text[at..].find('}').map(|i| i + at)
            && let Some((store, key)) = text[at + 2..end].split_once(':')
        {
            let word = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if word(store) && word(key) {
                return Some((&text[..at], store, key, &text[end + 1..]));
            }
        }
        from = at + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_every_form() {
        for (text, ns) in [
            ("10s", 10_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1d12h", 129_600_000_000_000),
            ("1.5d", 129_600_000_000_000),
            ("500ms", 500_000_000),
            ("5us", 5_000),
            ("7µs", 7_000),
            ("", 0),
            ("10", 10_000_000_000),
            ("0.5", 500_000_000),
        ] {
            assert_eq!(Duration::parse(text).map(|d| d.nanos()), Ok(ns), "{text}");
        }
        for text in ["ten", "10x", "s", "-1s", "1s-"] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_print_as_in_go() {
        for (text, printed) in [
            ("10s", "10s"),
            ("90s", "1m30s"),
            ("1h", "1h0m0s"),
            ("1500ms", "1.5s"),
            ("0s", "0s"),
        ] {
            assert_eq!(Duration::parse(text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn sizes_in_every_form() {
        for (text, n) in [
            ("10", 10),
            ("1KB", 1000),
            ("2MiB", 2 << 20),
            ("1.5KiB", 1536),
            ("64 KiB", 65536),
        ] {
            assert_eq!(Size::parse(text), Ok(Size(n)), "{text}");
        }
        assert!(Size::parse("10 bananas").is_err());
    }

    #[test]
    fn references_are_found_in_a_text() {
        assert_eq!(split_reference("a@{s:k}b"), Some(("a", "s", "k", "b")));
        assert_eq!(
            split_reference("@{nope} @{s:k}"),
            Some(("@{nope} ", "s", "k", ""))
        );
        assert_eq!(split_reference("plain"), None);
        let secret = Secret::new("@{a:b}-@{c:d e}@{f:g}");
        assert_eq!(secret.references().collect::<Vec<_>>(), [("a", "b"), ("f", "g")]);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&secret).unwrap().contains("hunter2"));
    }
}
