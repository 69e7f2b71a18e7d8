//! An agent with one input of its own: the load averages of a Linux machine.

use wheatstone_plugin::prelude::*;

/// Options of the input; the doc comments are its documentation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct LoadAverageConfig {
    /// The file that the kernel shows the averages in.
    path: String,
}

impl Default for LoadAverageConfig {
    fn default() -> Self {
        LoadAverageConfig {
            path: "/proc/loadavg".into(),
        }
    }
}

struct LoadAverage(LoadAverageConfig);

impl Plugin for LoadAverage {
    type Config = LoadAverageConfig;

    fn new(config: LoadAverageConfig, _: &Context) -> Result<Self> {
        if config.path.is_empty() {
            bail!("path must not be empty");
        }
        Ok(LoadAverage(config))
    }
}

#[async_trait]
impl Input for LoadAverage {
    async fn gather(&mut self, acc: &mut Accumulator) -> Result<()> {
        let path = &self.0.path;
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
        acc.add(parse(&text, wheatstone_plugin::time::now())?);
        Ok(())
    }
}

/// The three averages: "0.42 0.30 0.25 1/345 6789".
fn parse(text: &str, now: Timestamp) -> Result<Metric> {
    let mut metric = Metric::new("load_average", now);
    for (field, word) in ["load1", "load5", "load15"]
        .into_iter()
        .zip(text.split_whitespace())
    {
        metric.set_field(
            field,
            word.parse::<f64>()
                .with_context(|| format!("{word:?} is not a number"))?,
        );
    }
    if metric.field_count() < 3 {
        bail!("expected three numbers, found {text:?}");
    }
    Ok(metric)
}

register!(input "load_average" = LoadAverage);

fn main() -> std::process::ExitCode {
    wheatstone::main()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_three_averages() {
        let metric = parse("0.42 0.30 0.25 1/345 6789\n", 7).unwrap();
        assert_eq!(metric.field("load1"), Some(&Value::Float(0.42)));
        assert_eq!(metric.field("load15"), Some(&Value::Float(0.25)));
        assert!(parse("0.42", 7).is_err());
    }
}
