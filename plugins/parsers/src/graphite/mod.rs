//! Graphite's lines of name, value and time in, a metric out of each: templates take the names apart.

pub(crate) mod template;

use wheatstone_plugin::prelude::*;

use crate::value::number::{parse_float, quote};
use template::Templates;

/// Options of `data_format = "graphite"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GraphiteConfig {
    /// What joins the parts of a name that a template puts together.
    pub separator: String,
    /// Templates that say what the parts of a name are: `[separator] [filter] <template> [tag1=value1,tag2=value2]`.
    /// The README tells more.
    pub templates: Vec<String>,
}

impl Default for GraphiteConfig {
    fn default() -> GraphiteConfig {
        GraphiteConfig {
            separator: ".".to_owned(),
            templates: Vec::new(),
        }
    }
}

/// The parser of `data_format = "graphite"`.
pub struct Graphite {
    separator: String,
    templates: Templates,
    keys: KeyCache,
}

impl Plugin for Graphite {
    type Config = GraphiteConfig;

    fn new(config: GraphiteConfig, _: &Context) -> Result<Graphite> {
        let templates = Templates::new(&config.templates)
            .map_err(|error| anyhow!("creating template engine failed: {error} "))?;
        let separator = match config.separator.as_str() {
            "" => ".".to_owned(),
            _ => config.separator,
        };
        Ok(Graphite {
            separator,
            templates,
            keys: KeyCache::default(),
        })
    }
}

register!(parser "graphite" = Graphite);

/// Times that 32 bits hold, from 1901-12-13 to 2038-01-19, in seconds.
const TIMES: std::ops::RangeInclusive<i64> = -2_147_558_400..=2_147_472_000;
const SECOND: i64 = 1_000_000_000;

/// So many lines that cannot be read are told of one payload; the others are counted.
const TOLD: usize = 10;

impl Parser for Graphite {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let before = out.len();
        let (mut errors, mut more) = (Vec::new(), 0);
        for line in String::from_utf8_lossy(payload).split('\n').map(str::trim) {
            if line.is_empty() {
                continue;
            }
            match self.metric(line, now) {
                Ok(metric) => out.push(metric),
                Err(error) if errors.len() < TOLD => errors.push(format!("{error:#}")),
                Err(_) => more += 1,
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        out.truncate(before);
        if more > 0 {
            errors.push(format!("and {more} more lines"));
        }
        bail!(errors.join("\n"));
    }
}

impl Graphite {
    fn metric(&mut self, line: &str, now: Timestamp) -> Result<Metric> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (first, value, time) = match words[..] {
            [name, value] => (name, value, None),
            [name, value, time] => (name, value, Some(time)),
            _ => bail!("received {} which doesn't have required fields", quote(line)),
        };
        let mut parts = first.split(';');
        let name = parts.next().unwrap_or_default();
        let applied = self.templates.find(name).apply(name, &self.separator)?;
        let wrong = |what: &str| format!("field {} {what}", quote(first));
        let value = parse_float(value).with_context(|| wrong("value"))?;
        let time = match time {
            None => now,
            Some(time) => unix(parse_float(time).with_context(|| wrong("time"))?, now)?,
        };
        let measurement = match applied.measurement.as_str() {
            "" => name,
            measurement => measurement,
        };
        let mut metric = Metric::new(self.keys.get(measurement), time);
        for (key, value) in applied.tags {
            metric.set_tag(self.keys.get(&key), value);
        }
        for tag in parts {
            // Graphite's own rules for the tags of a series.
            if let Some((key, value)) = tag.split_once('=')
                && !key.is_empty()
                && !value.is_empty()
                && !value.contains('=')
                && !key.contains(['!', '^'])
                && !value.starts_with('~')
            {
                metric.set_tag(self.keys.get(key), value);
            }
        }
        let field = match applied.field.as_str() {
            "" => key!("value"),
            field => self.keys.get(field),
        };
        metric.push_field(field, Value::Float(value));
        Ok(metric)
    }
}

/// The time that seconds mean; -1 means now.
fn unix(seconds: f64, now: Timestamp) -> Result<Timestamp> {
    if seconds == -1.0 {
        return Ok(now);
    }
    let (whole, fraction) = (seconds.trunc(), seconds - seconds.floor());
    let nanos = (fraction * 1e9) as i64;
    // What is no number becomes 0 in a cast, which would be a valid time.
    let whole = if whole.is_nan() { i64::MIN } else { whole as i64 };
    let last = *TIMES.end();
    if !TIMES.contains(&whole) || (whole == last && nanos > 0) {
        bail!("timestamp out of range");
    }
    Ok(whole * SECOND + nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{build, feed, lines, parse};

    fn with(templates: &[&str]) -> GraphiteConfig {
        GraphiteConfig {
            templates: templates.iter().map(|t| (*t).to_owned()).collect(),
            ..GraphiteConfig::default()
        }
    }

    #[test]
    fn lines_become_metrics() {
        let payload = "\nservers.a.cpu.load 11 1435077219\n  cpu 1.5\r\nx.y 2 -1\nz 3 1.25\n\n";
        assert_eq!(
            parse::<Graphite>(with(&["servers.* .host.measurement.field"]), payload),
            lines(&[
                "cpu,host=a load=Float(11.0) 1435077219000000000",
                "cpu value=Float(1.5)",
                "x.y value=Float(2.0)",
                "z value=Float(3.0) 1250000000"
            ])
        );
    }

    #[test]
    fn names_can_bear_tags() {
        assert_eq!(
            parse::<Graphite>(with(&[]), "cpu;host=a;x=;=y;a!=b;c=~d;e=f=g;zone=eu 1"),
            lines(&["cpu,host=a,zone=eu value=Float(1.0)"])
        );
    }

    #[test]
    fn all_errors_are_told() {
        let message = |payload: &str| parse::<Graphite>(with(&[]), payload).err().unwrap_or_default();
        assert_eq!(
            message("1\ncpu 5z 1\nok 1\ncpu 5 1z"),
            "received \"1\" which doesn't have required fields\n\
             field \"cpu\" value: strconv.ParseFloat: parsing \"5z\": invalid syntax\n\
             field \"cpu\" time: strconv.ParseFloat: parsing \"1z\": invalid syntax"
        );
        for time in ["2147472001", "2147472000.5", "-2147558401", "nan", "inf"] {
            assert_eq!(
                message(&format!("a 1 {time}")),
                "timestamp out of range",
                "{time}"
            );
        }
        assert!(parse::<Graphite>(with(&[]), "a 1 2147472000").is_ok());
        assert_eq!(
            build::<Graphite>(with(&["a.b"])).err(),
            Some(
                "creating template engine failed: no measurement specified for template. \"a.b\" ".to_owned()
            )
        );
    }

    proptest! {
        #[test]
        fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[a.;=0-9 é-]{0,40}") {
            let mut parser = build::<Graphite>(with(&["a.* measurement.x*", "measurement.field*"])).expect("valid");
            let _ = feed(&mut parser, &bytes);
            let _ = feed(&mut parser, text.as_bytes());
        }
    }
}
