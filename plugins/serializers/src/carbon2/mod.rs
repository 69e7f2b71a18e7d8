//! Metrics in, lines of Carbon 2.0 out: one for each field that is no text.

use wheatstone_plugin::prelude::*;

use crate::number::{push_plain, seconds};

/// Options of `data_format = "carbon2"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Carbon2Config {
    /// Where a field's name goes: `field_separate` into the intrinsic tag `field`, `metric_includes_field` behind the
    /// metric's name.
    pub carbon2_format: String,
    /// What stands for characters in the metric's name that Carbon cannot take; one character.
    pub carbon2_sanitize_replace_char: String,
}

impl Default for Carbon2Config {
    fn default() -> Carbon2Config {
        Carbon2Config {
            carbon2_format: "field_separate".to_owned(),
            carbon2_sanitize_replace_char: ":".to_owned(),
        }
    }
}

/// The serializer of `data_format = "carbon2"`.
pub struct Carbon2 {
    /// Between the metric's name and the field's.
    between: &'static str,
    replacement: u8,
}

impl Plugin for Carbon2 {
    type Config = Carbon2Config;

    fn new(config: Carbon2Config, _: &Context) -> Result<Carbon2> {
        let replacement = match config.carbon2_sanitize_replace_char.as_bytes() {
            [] => b':',
            [one] => *one,
            _ => bail!("sanitize replace char has to be a singular character"),
        };
        let between = match config.carbon2_format.as_str() {
            "" | "field_separate" => " field=",
            "metric_includes_field" => "_",
            other => bail!("unknown carbon2 format: {other}"),
        };
        Ok(Carbon2 { between, replacement })
    }
}

register!(serializer "carbon2" = Carbon2);

impl Serializer for Carbon2 {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        for (field, value) in metric.fields() {
            if matches!(value, Value::Str(_)) {
                continue;
            }
            out.extend_from_slice(b"metric=");
            out.extend(metric.name().bytes().map(|b| match b {
                b' ' => b'_',
                b if b"!@#$%^&*()+`'\"[]{};<>,?/\\|=".contains(&b) => self.replacement,
                b => b,
            }));
            out.extend_from_slice(self.between.as_bytes());
            push_word(field, out);
            out.push(b' ');
            for (key, value) in metric.tags() {
                push_word(key, out);
                out.push(b'=');
                push_word(if value.is_empty() { "null" } else { value }, out);
                out.push(b' ');
            }
            out.push(b' ');
            match value {
                Value::Bool(v) => out.push(b'0' + u8::from(*v)),
                value => push_plain(value, out),
            }
            out.push(b' ');
            wheatstone_line_protocol::push_int(seconds(metric.time()), out);
            out.push(b'\n');
        }
        Ok(())
    }
}

/// Blanks end a word.
fn push_word(text: &str, out: &mut Vec<u8>) {
    out.extend(text.bytes().map(|b| if b == b' ' { b'_' } else { b }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{batch, build, metric, one, text};

    fn sample() -> Metric {
        let fields = [
            ("idle time", Value::Float(91.5)),
            ("note", Value::from("text")),
            ("on", Value::Bool(true)),
            ("big", Value::Float(1e21)),
        ];
        metric("my cpu/x=1", &[("host", "a b"), ("none", "")], &fields, -1)
    }

    #[test]
    fn both_formats() {
        let tail = |value: &str| format!("host=a_b none=null  {value} -1\n");
        let [idle, on, big] = ["91.5", "1", "1000000000000000000000"].map(tail);
        let separate = format!(
            "metric=my_cpu:x:1 field=idle_time {idle}metric=my_cpu:x:1 field=on {on}metric=my_cpu:x:1 field=big {big}"
        );
        assert_eq!(one::<Carbon2>(Carbon2Config::default(), &sample()), Ok(separate));
        let included = Carbon2Config {
            carbon2_format: "metric_includes_field".to_owned(),
            carbon2_sanitize_replace_char: "_".to_owned(),
        };
        let joined =
            format!("metric=my_cpu_x_1_idle_time {idle}metric=my_cpu_x_1_on {on}metric=my_cpu_x_1_big {big}");
        assert_eq!(batch::<Carbon2>(included, &[&sample()]), Ok(joined));
        let texts = metric("m", &[], &[("a", Value::from("b"))], 0);
        assert_eq!(one::<Carbon2>(Carbon2Config::default(), &texts), text(""));
    }

    #[test]
    fn options_are_checked() {
        let format = Carbon2Config {
            carbon2_format: "x".to_owned(),
            ..Carbon2Config::default()
        };
        assert_eq!(
            build::<Carbon2>(format).err(),
            Some("unknown carbon2 format: x".to_owned())
        );
        let replacement = Carbon2Config {
            carbon2_sanitize_replace_char: "é".to_owned(),
            ..Carbon2Config::default()
        };
        assert!(build::<Carbon2>(replacement).is_err_and(|e| e.contains("singular character")));
    }
}
