//! JSON payloads in, one metric per object out: numbers become fields under their joined names, named strings become tags.

mod assemble;
pub(crate) mod check;
mod columns;
mod flatten;
mod number;
mod scan;

use std::borrow::Cow;

use wheatstone_gotime::{TimeFormat, Zone};
use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::prelude::*;

use assemble::Assembler;
use columns::Rules;
use flatten::{Flattener, Stop};
use scan::{Malformed, Scanner};

/// Options of `data_format = "json"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JsonConfig {
    /// Name of the metrics; without it they bear the name of the input.
    pub metric_name: String,
    /// Keys whose values become tags, glob patterns allowed. Nested keys are joined with `_`: `sensor_id` for
    /// `{"sensor":{"id":"s1"}}`.
    pub tag_keys: Vec<String>,
    /// Key whose text becomes the name of the metric.
    pub json_name_key: String,
    /// Keys whose texts and truth values are kept as fields, glob patterns allowed; those of other keys are dropped.
    pub json_string_fields: Vec<String>,
    /// A path in GJSON syntax to the part of the payload to read: an object or an array of objects.
    pub json_query: String,
    /// Key that holds the time; it needs `json_time_format`.
    pub json_time_key: String,
    /// How that time is written: `unix`, `unix_ms`, `unix_us`, `unix_ns`, the name of a Go layout such as `RFC3339`, or a
    /// Go layout such as `2006-01-02T15:04:05Z07:00`.
    pub json_time_format: String,
    /// Time zone of times that name none, such as `Europe/Berlin` or `Local`; UTC without it.
    pub json_timezone: String,
    /// Whether one object of an array that has no valid time refuses the whole payload. With false it is skipped.
    pub json_strict: bool,
}

impl Default for JsonConfig {
    fn default() -> JsonConfig {
        JsonConfig {
            metric_name: String::new(),
            tag_keys: Vec::new(),
            json_name_key: String::new(),
            json_string_fields: Vec::new(),
            json_query: String::new(),
            json_time_key: String::new(),
            json_time_format: String::new(),
            json_timezone: String::new(),
            json_strict: true,
        }
    }
}

/// The parser of `data_format = "json"`.
///
/// It walks a payload once, building nothing but the metric. What that walk cannot do exactly, a name that comes twice,
/// makes it start the object again with [`assemble::Gathered`].
pub struct Json {
    assembler: Assembler,
    flattener: Flattener,
    query: String,
    strict: bool,
}

/// Why a payload gives no metrics.
#[derive(Debug)]
enum Refusal {
    /// The check says the reason.
    Malformed,
    /// The payload is JSON, but not what the options ask for.
    Unfit(Error),
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Refusal {
        Refusal::Malformed
    }
}

const WRONG_TYPE: &str = "must be an object or an array of objects";

impl Plugin for Json {
    type Config = JsonConfig;

    fn new(config: JsonConfig, cx: &Context) -> Result<Json> {
        let glob = |entries: &[String], what: &str| {
            Glob::new(entries, "").map_err(|e| anyhow!("compiling {what} filter failed: {e}"))
        };
        let rules = Rules {
            string_fields: glob(&config.json_string_fields, "string-fields")?,
            tags: glob(&config.tag_keys, "tag-key")?,
            time: config.json_time_key,
            name: config.json_name_key,
        };
        let zone = Zone::load(&config.json_timezone).context("invalid timezone")?;
        // A missing format is an error of every payload, as in Telegraf, not one of the configuration.
        let format = (!config.json_time_format.is_empty())
            .then(|| TimeFormat::with_zone(&config.json_time_format, zone));
        let name = match config.metric_name.as_str() {
            "" => cx.metric_name().clone(),
            name => Key::new(name),
        };
        Ok(Json {
            assembler: Assembler::new(rules, format, name),
            flattener: Flattener::default(),
            query: config.json_query,
            strict: config.json_strict,
        })
    }
}

register!(parser "json" = Json);

impl Parser for Json {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let before = out.len();
        let whole = payload;
        let selected;
        let payload = if self.query.is_empty() {
            payload
        } else {
            match select(payload, &self.query)? {
                Some(part) => {
                    selected = part;
                    selected.as_bytes()
                }
                None => return Ok(()),
            }
        };
        let payload = trim_space(payload);
        let payload = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
        if payload.is_empty() {
            return Ok(());
        }
        self.flattener.next_payload(payload.len());
        let mut parsed = self.parse_text(payload, now, out);
        // The scanner looks at texts as it comes to them, so that a payload is not walked twice.
        if matches!(parsed, Err(Refusal::Malformed)) && std::str::from_utf8(payload).is_err() {
            out.truncate(before);
            parsed = self.parse_text(repair(payload).as_bytes(), now, out);
        }
        parsed.map_err(|refusal| {
            out.truncate(before);
            // Bad syntax anywhere comes before everything else.
            match (check::locate(payload), refusal) {
                (Err(mut error), _) if self.query.is_empty() => {
                    error.offset += payload.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
                    error.into()
                }
                // The place in what the query selected is no place in the payload.
                (Err(error), _) => anyhow!(error.message),
                (Ok(()), Refusal::Unfit(error)) => error,
                (Ok(()), Refusal::Malformed) => anyhow!("invalid JSON"),
            }
        })
    }
}

impl Json {
    #[inline]
    fn parse_text(&mut self, text: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<(), Refusal> {
        let mut scanner = Scanner::new(text);
        match scanner.peek()? {
            b'{' => self.parse_object(&mut scanner, now, true, out)?,
            b'[' => self.parse_array(&mut scanner, now, out)?,
            b'n' => {
                scanner.literal()?;
            }
            _ => return Err(Refusal::Unfit(anyhow!(WRONG_TYPE))),
        }
        if scanner.is_done() {
            Ok(())
        } else {
            Err(Refusal::Malformed)
        }
    }

    fn parse_array(
        &mut self,
        scanner: &mut Scanner<'_>,
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> Result<(), Refusal> {
        scanner.bump();
        if scanner.peek()? == b']' {
            scanner.bump();
            return Ok(());
        }
        loop {
            if scanner.peek()? != b'{' {
                return Err(Refusal::Unfit(anyhow!(WRONG_TYPE)));
            }
            self.parse_object(scanner, now, self.strict, out)?;
            match scanner.peek()? {
                b',' => scanner.bump(),
                b']' => {
                    scanner.bump();
                    return Ok(());
                }
                _ => return Err(Refusal::Malformed),
            }
        }
    }

    /// Reads one object. Without `strict` one that does not fit the options is left out.
    fn parse_object(
        &mut self,
        scanner: &mut Scanner<'_>,
        now: Timestamp,
        strict: bool,
        out: &mut Vec<Metric>,
    ) -> Result<(), Refusal> {
        let start = scanner.clone();
        let mut object = self.assembler.begin(now);
        let flat = self.flattener.flatten(scanner, &mut object);
        let metric = match flat {
            Ok(()) => object.finish(),
            Err(Stop::Malformed) => return Err(Refusal::Malformed),
            Err(Stop::TooLong) => return Err(too_long()),
            Err(Stop::Twice) => {
                *scanner = start;
                self.gather_object(scanner, now)?
            }
        };
        match metric {
            Ok(metric) => out.push(metric),
            Err(error) if strict => return Err(Refusal::Unfit(error)),
            Err(_) => {}
        }
        Ok(())
    }

    /// Reads an object in which a name comes twice.
    #[cold]
    fn gather_object(
        &mut self,
        scanner: &mut Scanner<'_>,
        now: Timestamp,
    ) -> Result<Result<Metric>, Refusal> {
        let mut gathered = assemble::Gathered::default();
        match self.flattener.flatten(scanner, &mut gathered) {
            Ok(()) => Ok(gathered.assemble(&mut self.assembler, now)),
            Err(Stop::TooLong) => Err(too_long()),
            Err(_) => Err(Refusal::Malformed),
        }
    }
}

fn too_long() -> Refusal {
    Refusal::Unfit(anyhow!(
        "the names of nested values are too long: each begins with those around it"
    ))
}

/// The part of the payload that a GJSON path leads to; nothing where it leads nowhere or to null.
fn select(payload: &[u8], query: &str) -> Result<Option<String>> {
    let text = match std::str::from_utf8(payload) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(repair(payload)),
    };
    let found = gjson::get(&text, query);
    let kind = match found.kind() {
        gjson::Kind::Object | gjson::Kind::Array => return Ok(Some(found.json().to_owned())),
        gjson::Kind::Null => return Ok(None),
        gjson::Kind::True => "True",
        gjson::Kind::False => "False",
        gjson::Kind::Number => "Number",
        gjson::Kind::String => "String",
    };
    bail!("query path must lead to a JSON object, array of objects or null, but lead to: {kind}");
}

/// Every byte that is no UTF-8 becomes a U+FFFD of its own, as in Go.
fn repair(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}

/// Takes white space off both ends, Unicode's too.
fn trim_space(bytes: &[u8]) -> &[u8] {
    let blank = |b: &u8| b.is_ascii_whitespace() || *b == 0x0b;
    let Some(start) = bytes.iter().position(|b| !blank(b)) else {
        return &[];
    };
    let end = bytes.iter().rposition(|b| !blank(b)).map_or(0, |at| at + 1);
    let bytes = &bytes[start..end];
    // Only what begins or ends beyond ASCII can have more to trim.
    if bytes[0].is_ascii() && bytes[bytes.len() - 1].is_ascii() {
        return bytes;
    }
    let wide = |part: Option<&[u8]>| {
        let text = part.and_then(|part| std::str::from_utf8(part).ok());
        text.is_some_and(|text| !text.is_empty() && text.chars().all(char::is_whitespace))
    };
    for len in [2, 3] {
        if wide(bytes.get(..len)) {
            return trim_space(&bytes[len..]);
        }
        if let Some(at) = bytes.len().checked_sub(len)
            && wide(bytes.get(at..))
        {
            return trim_space(&bytes[..at]);
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
