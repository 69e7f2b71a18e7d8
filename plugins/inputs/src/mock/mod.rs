//! One metric per interval, made up: for demonstrations, for load, and to try a pipeline without a source.

use std::collections::BTreeMap;

use wheatstone_plugin::prelude::*;

/// Makes up metrics for tests and demonstrations.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MockConfig {
    /// The measurement's name.
    metric_name: String,
    /// Tags of every metric.
    tags: BTreeMap<String, String>,
    /// Fields that keep one value of any type.
    constant: Vec<Constant>,
    /// Fields with a random number from `min` to `max`.
    random: Vec<Random>,
    /// Fields that begin at `start` and grow by `step`.
    step: Vec<Step>,
    /// Fields that move like the price of a share: `price` at first, then up or down by at most `volatility` of it.
    stock: Vec<Stock>,
    /// Fields on a sine wave: `sin((n + phase) * period * π) * amplitude + base_line` at the n-th interval.
    sine_wave: Vec<SineWave>,
}

impl Default for MockConfig {
    fn default() -> MockConfig {
        MockConfig {
            metric_name: "mock".to_owned(),
            tags: BTreeMap::new(),
            constant: Vec::new(),
            random: Vec::new(),
            step: Vec::new(),
            stock: Vec::new(),
            sine_wave: Vec::new(),
        }
    }
}

/// A field that keeps its value.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Constant {
    /// The field's name.
    name: String,
    /// Its value: a number, a text or a truth value.
    value: Scalar,
}

/// A value as the configuration writes it. Telegraf leaves out what is none of these.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
}

/// A random field.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Random {
    /// The field's name.
    name: String,
    /// The smallest number.
    min: f64,
    /// The largest number.
    max: f64,
}

/// A growing field.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Step {
    /// The field's name.
    name: String,
    /// The first number.
    start: f64,
    /// What is added at each interval.
    step: f64,
    /// The old name of `start`.
    #[schemars(skip)]
    min: f64,
    /// The old name of `step`.
    #[schemars(skip)]
    max: f64,
    #[serde(skip)]
    latest: Option<f64>,
}

/// A field like a share's price.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Stock {
    /// The field's name.
    name: String,
    /// The first price. It never falls below 1.
    price: f64,
    /// The largest part of the price by which it moves at once.
    volatility: f64,
    #[serde(skip)]
    latest: f64,
}

/// A field on a sine wave.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct SineWave {
    /// The field's name.
    name: String,
    /// Half the height of the wave.
    amplitude: f64,
    /// How much of half a wave passes at each interval.
    period: f64,
    /// By how many intervals the wave is shifted.
    phase: f64,
    /// The middle of the wave.
    base_line: f64,
}

struct Mock {
    config: MockConfig,
    /// How often it was asked.
    counter: u64,
    random: SplitMix,
}

impl Plugin for Mock {
    type Config = MockConfig;

    fn new(mut config: MockConfig, _: &Context) -> Result<Self> {
        for step in &mut config.step {
            if step.start == 0.0 {
                step.start = step.min;
            }
            if step.step == 0.0 {
                step.step = step.max;
            }
        }
        Ok(Mock {
            config,
            counter: 0,
            random: SplitMix(wheatstone_plugin::time::now() as u64),
        })
    }
}

#[async_trait]
impl Input for Mock {
    async fn gather(&mut self, acc: &mut Accumulator) -> Result<()> {
        let metric = self.metric(wheatstone_plugin::time::now());
        acc.add(metric);
        Ok(())
    }
}

impl Mock {
    fn metric(&mut self, now: Timestamp) -> Metric {
        let config = &mut self.config;
        let mut m = Metric::new(config.metric_name.as_str(), now);
        for (key, value) in &config.tags {
            m.set_tag(key, value.as_str());
        }
        for field in &config.random {
            m.set_field(
                &field.name,
                field.min + self.random.next() * (field.max - field.min),
            );
        }
        for field in &mut config.stock {
            if field.latest == 0.0 {
                field.latest = field.price;
            } else {
                let noise = 2.0 * (self.random.next() - 0.5);
                field.latest = (field.latest + field.latest * field.volatility * noise).max(1.0);
            }
            m.set_field(&field.name, field.latest);
        }
        for field in &config.sine_wave {
            let angle = (self.counter as f64 + field.phase) * field.period * std::f64::consts::PI;
            m.set_field(&field.name, angle.sin() * field.amplitude + field.base_line);
        }
        for field in &mut config.step {
            let value = field.latest.map_or(field.start, |latest| latest + field.step);
            field.latest = Some(value);
            m.set_field(&field.name, value);
        }
        for field in &config.constant {
            let value = match &field.value {
                Scalar::Bool(v) => Value::from(*v),
                Scalar::Integer(v) => Value::from(*v),
                Scalar::Float(v) => Value::from(*v),
                Scalar::String(v) => Value::from(v.as_str()),
            };
            m.set_field(&field.name, value);
        }
        self.counter += 1;
        m
    }
}

/// The generator SplitMix64: good enough for made-up numbers, and no secrets depend on it.
struct SplitMix(u64);

impl SplitMix {
    /// A number from 0 up to, but without, 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}

register!(input "mock" = Mock);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, gather, list, table, text};
    use wheatstone_plugin::conf::{Node, NodeKind};

    fn number(n: f64) -> Node {
        Node::bare(NodeKind::Float(n))
    }
    fn fields(kind: &str, entries: &[(&str, Node)]) -> Mock {
        let field = Node::bare(NodeKind::Table(table(entries)));
        build("mock", table(&[(kind, list(vec![field]))])).unwrap()
    }
    async fn run(mut mock: Mock, times: usize) -> Vec<f64> {
        let mut out = Vec::new();
        for _ in 0..times {
            let (metrics, _) = gather(&mut mock).await;
            out.push(metrics[0].field("f").and_then(Value::as_f64).unwrap());
        }
        out
    }

    #[tokio::test]
    async fn a_step_begins_at_start() {
        let mock = fields(
            "step",
            &[("name", text("f")), ("start", number(2.0)), ("step", number(0.5))],
        );
        assert_eq!(run(mock, 3).await, [2.0, 2.5, 3.0]);
        let old = fields(
            "step",
            &[("name", text("f")), ("min", number(1.0)), ("max", number(3.0))],
        );
        assert_eq!(run(old, 3).await, [1.0, 4.0, 7.0]);
    }

    #[tokio::test]
    async fn a_sine_wave_follows_its_formula() {
        let mock = fields(
            "sine_wave",
            &[
                ("name", text("f")),
                ("amplitude", number(10.0)),
                ("period", number(0.5)),
                ("phase", number(1.0)),
                ("base_line", number(100.0)),
            ],
        );
        let wave = run(mock, 4).await;
        for (got, want) in wave.iter().zip([110.0, 100.0, 90.0, 100.0]) {
            assert!((got - want).abs() < 1e-9, "{wave:?}");
        }
    }

    #[tokio::test]
    async fn random_numbers_stay_in_their_range_and_differ() {
        let mock = fields(
            "random",
            &[("name", text("f")), ("min", number(1.0)), ("max", number(6.0))],
        );
        let drawn = run(mock, 200).await;
        assert!(drawn.iter().all(|n| (1.0..=6.0).contains(n)));
        assert!(drawn.iter().any(|n| *n < 2.0) && drawn.iter().any(|n| *n > 5.0));
    }

    #[tokio::test]
    async fn a_price_moves_within_its_volatility_and_never_below_one() {
        let entries = [
            ("name", text("f")),
            ("price", number(50.0)),
            ("volatility", number(0.2)),
        ];
        let prices = run(fields("stock", &entries), 50).await;
        assert_eq!(prices[0], 50.0);
        assert!(
            prices
                .windows(2)
                .all(|w| (w[1] - w[0]).abs() <= w[0] * 0.2 + 1e-9)
        );
        let entries = [
            ("name", text("f")),
            ("price", number(1.5)),
            ("volatility", number(5.0)),
        ];
        assert!(
            run(fields("stock", &entries), 50).await[1..]
                .iter()
                .all(|p| *p >= 1.0)
        );
    }

    #[tokio::test]
    async fn constants_keep_their_type_and_tags_are_set() {
        let constant = |value| {
            Node::bare(NodeKind::Table(table(&[
                ("name", text("f")),
                ("value", Node::bare(value)),
            ])))
        };
        for (value, want) in [
            (NodeKind::Integer(7), Value::Int(7)),
            (NodeKind::Float(1.5), Value::Float(1.5)),
            (NodeKind::Boolean(true), Value::Bool(true)),
            (NodeKind::String("on".into()), Value::from("on")),
        ] {
            let tags = Node::bare(NodeKind::Table(table(&[("site", text("north"))])));
            let config = table(&[
                ("metric_name", text("load")),
                ("tags", tags),
                ("constant", list(vec![constant(value)])),
            ]);
            let mut mock: Mock = build("mock", config).unwrap();
            let (metrics, _) = gather(&mut mock).await;
            assert_eq!(metrics[0].name(), "load");
            assert_eq!(metrics[0].tag("site"), Some("north"));
            assert_eq!(metrics[0].field("f"), Some(&want));
        }
    }
}
