//! A payload that is one value in, one metric with one field out.

pub(crate) mod number;

use base64::Engine as _;
use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::prelude::*;

/// Options of `data_format = "value"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ValueConfig {
    /// What the payload is: `integer`, `float`, `long` (a float too), `string`, `boolean`, `base64` (the payload in
    /// Base64), `auto_integer` or `auto_float` (a number where it is one, else a string). For all but strings the last
    /// word of the payload counts.
    pub data_type: String,
    /// Name of the field.
    pub value_field_name: String,
}

impl Default for ValueConfig {
    fn default() -> ValueConfig {
        ValueConfig {
            data_type: "integer".to_owned(),
            value_field_name: "value".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DataType {
    Int,
    Float,
    Str,
    Bool,
    Base64,
    AutoInt,
    AutoFloat,
}

impl DataType {
    fn from_name(name: &str) -> Option<DataType> {
        Some(match name {
            "" | "int" | "integer" => DataType::Int,
            "float" | "long" => DataType::Float,
            "str" | "string" => DataType::Str,
            "bool" | "boolean" => DataType::Bool,
            "base64" => DataType::Base64,
            "auto_integer" => DataType::AutoInt,
            "auto_float" => DataType::AutoFloat,
            _ => return None,
        })
    }
}

/// The parser of `data_format = "value"`.
pub struct ValueParser {
    data_type: DataType,
    name: Key,
    field: Key,
}

impl Plugin for ValueParser {
    type Config = ValueConfig;

    fn new(config: ValueConfig, cx: &Context) -> Result<ValueParser> {
        let Some(data_type) = DataType::from_name(&config.data_type) else {
            bail!("unknown datatype {:?}", config.data_type);
        };
        let field = match config.value_field_name.as_str() {
            "" => key!("value"),
            name => Key::new(name),
        };
        Ok(ValueParser {
            data_type,
            name: cx.metric_name().clone(),
            field,
        })
    }
}

register!(parser "value" = ValueParser);

impl Parser for ValueParser {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let text = String::from_utf8_lossy(payload);
        let text = text.trim_matches('\0').trim();
        let word = if self.data_type == DataType::Str {
            text
        } else {
            match text.split_whitespace().next_back() {
                Some(word) => word,
                None => return Ok(()),
            }
        };
        let value = self.read(word, payload)?;
        let mut metric = Metric::with_capacity(self.name.clone(), now, 1);
        metric.set_field(self.field.clone(), value);
        out.push(metric);
        Ok(())
    }
}

impl ValueParser {
    fn read(&self, word: &str, payload: &[u8]) -> Result<Value, Error> {
        Ok(match self.data_type {
            DataType::Int => Value::Int(number::parse_int(word, "Atoi")?),
            DataType::Float => Value::Float(number::parse_float(word)?),
            DataType::Bool => Value::Bool(number::parse_bool(word)?),
            DataType::Str => Value::from(word),
            DataType::Base64 => Value::from(base64::engine::general_purpose::STANDARD.encode(payload)),
            DataType::AutoInt => {
                number::parse_int(word, "Atoi").map_or_else(|_| Value::from(word), Value::Int)
            }
            DataType::AutoFloat => number::parse_float(word).map_or_else(|_| Value::from(word), Value::Float),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(data_type: &str, field: &str) -> Result<ValueParser, String> {
        crate::testing::build(ValueConfig {
            data_type: data_type.to_owned(),
            value_field_name: field.to_owned(),
        })
    }

    fn parse(data_type: &str, payload: &[u8]) -> Result<Option<Value>, String> {
        let mut out = Vec::new();
        build(data_type, "v")?
            .parse(payload, 7, &mut out)
            .map_err(|e| format!("{e:#}"))?;
        assert!(out.iter().all(|m| m.name() == "m" && m.time() == 7));
        Ok(out.first().and_then(|m| m.field("v")).cloned())
    }

    #[test]
    fn every_type() {
        for (data_type, payload, value) in [
            ("integer", "55", Value::Int(55)),
            ("", " 1 2 -3\n", Value::Int(-3)),
            ("float", "64", Value::Float(64.0)),
            ("long", "64", Value::Float(64.0)),
            ("string", " foo bar \n", Value::from("foo bar")),
            ("string", "", Value::from("")),
            ("boolean", "value: true", Value::Bool(true)),
            ("base64", "foo bar", Value::from("Zm9vIGJhcg==")),
            ("auto_integer", "55", Value::Int(55)),
            ("auto_integer", "21.5", Value::from("21.5")),
            ("auto_float", "64", Value::Float(64.0)),
            ("auto_float", "foo bar", Value::from("bar")),
            ("integer", "\0\0 5 \0", Value::Int(5)),
        ] {
            assert_eq!(
                parse(data_type, payload.as_bytes()),
                Ok(Some(value)),
                "{data_type} {payload:?}"
            );
        }
    }

    #[test]
    fn an_empty_payload_gives_nothing() {
        for data_type in ["integer", "float", "boolean", "base64", "auto_integer"] {
            assert_eq!(parse(data_type, b"\0 \n\0"), Ok(None));
        }
    }

    #[test]
    fn what_is_no_value_is_an_error() {
        assert_eq!(
            parse("integer", b"55.0"),
            Err(r#"strconv.Atoi: parsing "55.0": invalid syntax"#.to_owned())
        );
        let float = r#"strconv.ParseFloat: parsing "foobar": invalid syntax"#;
        assert_eq!(parse("float", b"foobar"), Err(float.to_owned()));
        assert_eq!(
            parse("boolean", b"213"),
            Err(r#"strconv.ParseBool: parsing "213": invalid syntax"#.to_owned())
        );
        assert_eq!(parse("hex", b"1"), Err("unknown datatype \"hex\"".to_owned()));
        assert!(parse("string", b"\xff").is_ok());
    }

    #[test]
    fn the_field_has_a_default_name() {
        let mut out = Vec::new();
        let mut parser = build("float", "").expect("valid options");
        parser.parse(b"1", 7, &mut out).expect("a float");
        assert!(out[0].has_field("value"));
    }
}
