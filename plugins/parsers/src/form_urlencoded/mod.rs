//! The body of a web form in, one metric out: numbers become fields, named keys tags.

use wheatstone_plugin::prelude::*;

use crate::value::number::{parse_float, quote};

/// Options of `data_format = "form_urlencoded"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FormConfig {
    /// Keys whose values become tags. Of the others those become fields whose values are numbers.
    pub form_urlencoded_tag_keys: Vec<String>,
}

/// The parser of `data_format = "form_urlencoded"`.
pub struct Form {
    tags: Vec<Key>,
    name: Key,
    keys: KeyCache,
}

impl Plugin for Form {
    type Config = FormConfig;

    fn new(config: FormConfig, cx: &Context) -> Result<Form> {
        Ok(Form {
            tags: config.form_urlencoded_tag_keys.iter().map(Key::from).collect(),
            name: cx.metric_name().clone(),
            keys: KeyCache::default(),
        })
    }
}

register!(parser "form_urlencoded" = Form);

impl Parser for Form {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let text = String::from_utf8_lossy(payload);
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        let mut metric = Metric::new(self.name.clone(), now);
        // Of several values of a key the first one counts, also where it is no number.
        let mut seen: Vec<String> = Vec::new();
        for pair in text.split('&') {
            if pair.contains(';') {
                bail!("invalid semicolon separator in query");
            }
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (unescape(key)?, unescape(value)?);
            if key.is_empty() || seen.contains(&key) {
                continue;
            }
            if let Some(tag) = self.tags.iter().find(|tag| **tag == key.as_str()) {
                metric.set_tag(tag.clone(), value);
            } else if let Ok(number) = parse_float(&value) {
                metric.push_field(self.keys.get(&key), Value::Float(number));
            }
            seen.push(key);
        }
        out.push(metric);
        Ok(())
    }
}

/// Resolves `%20` and `+`.
fn unescape(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |at: usize| tail.get(at).and_then(|b| char::from(*b).to_digit(16));
                let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                    let wrong: String = std::iter::once('%')
                        .chain(String::from_utf8_lossy(tail).chars().take(2))
                        .collect();
                    bail!("invalid URL escape {}", quote(&wrong));
                };
                rest = &tail[2..];
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            byte => *byte,
        });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{build, feed, lines, parse};

    fn tagged(keys: &[&str]) -> FormConfig {
        FormConfig {
            form_urlencoded_tag_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        }
    }

    #[test]
    fn numbers_are_fields_and_named_keys_tags() {
        let payload = " tag1=a+b%21&f=1&g=2.5&s=text&f=9&=3&s=4&lone\n";
        assert_eq!(
            parse::<Form>(tagged(&["tag1", "tag2"]), payload),
            lines(&["m,tag1=a b! f=Float(1.0),g=Float(2.5)"])
        );
        assert_eq!(parse::<Form>(tagged(&[]), " \n"), lines(&[]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let message = |payload: &str| parse::<Form>(tagged(&[]), payload).err().unwrap_or_default();
        assert_eq!(message("a=%zz1"), "invalid URL escape \"%zz\"");
        assert_eq!(message("a=%1"), "invalid URL escape \"%1\"");
        assert_eq!(message("a=1;b=2"), "invalid semicolon separator in query");
    }

    proptest! {
        #[test]
        fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[a-f0-9%&=+;é]{0,40}") {
            let mut parser = build::<Form>(tagged(&["a"])).expect("valid options");
            let _ = feed(&mut parser, &bytes);
            let _ = feed(&mut parser, text.as_bytes());
        }
    }
}
