//! An agent with one processor of its own: the dew point from temperature and humidity.

use wheatstone_plugin::prelude::*;

/// Options of the processor; the doc comments are its documentation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct DewPointConfig {
    /// The field with the temperature in degrees Celsius.
    temperature: String,
    /// The field with the relative humidity in percent.
    humidity: String,
    /// The field to write the dew point to, in degrees Celsius.
    dest: String,
}

impl Default for DewPointConfig {
    fn default() -> Self {
        DewPointConfig {
            temperature: "temperature".into(),
            humidity: "humidity".into(),
            dest: "dew_point".into(),
        }
    }
}

struct DewPoint(DewPointConfig);

impl Plugin for DewPoint {
    type Config = DewPointConfig;

    fn new(config: DewPointConfig, _: &Context) -> Result<Self> {
        Ok(DewPoint(config))
    }
}

impl Processor for DewPoint {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        let number = |m: &Metric, field: &str| m.field(field).and_then(Value::as_f64);
        for m in metrics {
            if let (Some(t), Some(rh)) = (number(m, &self.0.temperature), number(m, &self.0.humidity))
                && rh > 0.0
            {
                m.set_field(self.0.dest.as_str(), dew_point(t, rh));
            }
        }
    }
}

/// The Magnus formula with the constants of Sonntag (1990).
fn dew_point(celsius: f64, percent: f64) -> f64 {
    let gamma = (percent / 100.0).ln() + 17.62 * celsius / (243.12 + celsius);
    243.12 * gamma / (17.62 - gamma)
}

register!(processor "dew_point" = DewPoint);

fn main() -> std::process::ExitCode {
    wheatstone::main()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_dew_point_where_both_fields_are() {
        let mut processor = DewPoint(DewPointConfig::default());
        let mut full = Metric::new("climate", 0);
        full.set_field("temperature", 20.0);
        full.set_field("humidity", 50.0);
        let mut bare = Metric::new("climate", 0);
        bare.set_field("temperature", 20.0);
        let mut metrics = vec![full, bare];
        processor.process(&mut metrics);
        let Some(Value::Float(dew)) = metrics[0].field("dew_point") else {
            panic!("no dew point")
        };
        assert!((dew - 9.27).abs() < 0.05, "{dew}");
        assert!(!metrics[1].has_field("dew_point"));
    }
}
