//! One plugin, run from a configuration text: metrics go in and come out as lines of line protocol.
//!
//! The plugin must be linked into the test: a crate's own tests have its plugins, others say `use the_crate as _;`. Only
//! the plugin itself runs; name changes, filters and tags of the common keys are the pipeline's and are left aside.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use parking_lot::Mutex;
use tokio::sync::watch;
use wheatstone_config::{LoadOptions, PluginConfig, Source, is_loader_key, load};
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::line_protocol::{Decoder, Encoder, Engine, Options};
use wheatstone_plugin::{
    Accumulator, AgentInfo, Aggregator, Build, Context, Input, Kind, Lifecycle, Log, Metric, Output, Parser,
    Phase, Processor, Serializer, ServiceInput, Sink, Timestamp, async_trait, find,
};

/// Reads metrics from line protocol; a line without a time gets 0. Blank lines are passed over.
pub fn from_lines(lines: &str) -> Result<Vec<Metric>> {
    let mut metrics = Vec::new();
    Decoder::new(Engine::Internal, 1).decode(lines.as_bytes(), 0, &mut metrics)?;
    Ok(metrics)
}

/// Writes metrics as line protocol, one line each, in their order; fields sorted, unsigned integers as such.
pub fn to_lines(metrics: &[Metric]) -> Result<Vec<String>> {
    let mut encoder = Encoder::new(Options {
        sort_fields: true,
        uint_support: true,
        ..Options::default()
    });
    let mut lines = Vec::with_capacity(metrics.len());
    for metric in metrics {
        let mut line = Vec::new();
        encoder.encode(metric, &mut line)?;
        lines.push(String::from_utf8(line)?.trim_end().to_owned());
    }
    Ok(lines)
}

/// A plugin's place in an agent that has nothing else, with what stands in its table.
pub fn context(kind: Kind, name: &str, table: Table) -> Context {
    let log = Log::new(format!("{}.{name}", kind.plural()), None, None);
    Context::new(kind, name, "", table, log, Arc::new(AgentInfo::default()))
}

/// The only plugin of a configuration text, such as `[[processors.rename]]` with its options.
fn only(config: &str) -> Result<PluginConfig> {
    let source = Source {
        name: "test.conf".to_owned(),
        text: config.to_owned(),
    };
    let loaded = load(vec![source], &LoadOptions::default())
        .map_err(|problems| anyhow!(problems.iter().map(|p| p.render()).collect::<Vec<_>>().join("\n")))?;
    let mut plugins = loaded.config.plugins;
    ensure!(
        plugins.len() == 1,
        "{} plugins in the text, not one",
        plugins.len()
    );
    plugins.pop().context("no plugin")
}

/// Builds the plugin of a text with what makes it; an option that neither it nor its format takes is an error.
fn built<T>(config: &str, make: impl FnOnce(&Build, &Context) -> Option<Result<T>>) -> Result<T> {
    let plugin = only(config)?;
    let (kind, name) = (plugin.kind, plugin.name.as_str());
    let registered = find(kind, name).with_context(|| format!("{}.{name} is not linked", kind.plural()))?;
    let log = Log::new(format!("{}.{name}", kind.plural()), None, None);
    let cx = Context::new(
        kind,
        name,
        &plugin.common.alias,
        plugin.table.clone(),
        log,
        Arc::new(AgentInfo::default()),
    );
    let made = make(&registered.build, &cx)
        .with_context(|| format!("{}.{name} is of another kind", kind.plural()))?;
    let left: Vec<String> = cx
        .unused()
        .iter()
        .filter(|u| !is_loader_key(&u.path))
        .map(|u| u.path.join("."))
        .collect();
    match made {
        _ if !left.is_empty() => bail!("unknown options: {}", left.join(", ")),
        made => made,
    }
}

macro_rules! builder {
    ($(#[$doc:meta])* $name:ident, $kind:ident) => {
        $(#[$doc])*
        pub fn $name(config: &str) -> Result<Box<dyn $kind>> {
            built(config, |build, cx| match build {
                Build::$kind(build) => Some(build(cx)),
                _ => None,
            })
        }
    };
}
builder!(
    /// A polled input.
    input, Input);
builder!(
    /// An input that runs by itself.
    service_input, ServiceInput);
builder!(
    /// A processor.
    processor, Processor);
builder!(
    /// An aggregator.
    aggregator, Aggregator);
builder!(
    /// An output.
    output, Output);

/// A parser with its options, such as `json` with `tag_keys = ["id"]`.
pub fn parser(format: &str, options: &str) -> Result<Box<dyn Parser>> {
    let cx = format_context(Kind::Parser, format, options)?;
    taken(&cx, cx.parser(format))
}

/// A serializer with its options.
pub fn serializer(format: &str, options: &str) -> Result<Box<dyn Serializer>> {
    let cx = format_context(Kind::Serializer, format, options)?;
    taken(&cx, cx.serializer(format))
}

/// A format's options stand in the table of a plugin: here of one that has no options of its own.
fn format_context(kind: Kind, format: &str, options: &str) -> Result<Context> {
    let (host, name) = if kind == Kind::Parser {
        ("inputs", "test")
    } else {
        ("outputs", "test")
    };
    let source = Source {
        name: "test.conf".to_owned(),
        text: format!("[[{host}.{name}]]\n  data_format = \"{format}\"\n{options}\n"),
    };
    let loading = LoadOptions {
        plugins: |_| vec!["test"],
        ..LoadOptions::default()
    };
    let loaded = load(vec![source], &loading)
        .map_err(|problems| anyhow!(problems.iter().map(|p| p.render()).collect::<Vec<_>>().join("\n")))?;
    let plugin = loaded.config.plugins.into_iter().next().context("no plugin")?;
    Ok(context(plugin.kind, name, plugin.table))
}

fn taken<T>(cx: &Context, made: Result<T>) -> Result<T> {
    let left: Vec<String> = cx
        .unused()
        .iter()
        .filter(|u| !is_loader_key(&u.path) && u.path != ["data_format"])
        .map(|u| u.path.join("."))
        .collect();
    ensure!(left.is_empty(), "unknown options: {}", left.join(", "));
    made
}

/// Parses one payload; a metric without a time gets `now`.
pub fn parse(format: &str, options: &str, payload: &[u8], now: Timestamp) -> Result<Vec<String>> {
    let mut metrics = Vec::new();
    parser(format, options)?.parse(payload, now, &mut metrics)?;
    to_lines(&metrics)
}

/// Serializes metrics as a batch.
pub fn serialize(format: &str, options: &str, lines: &str) -> Result<Vec<u8>> {
    let metrics = from_lines(lines)?;
    let mut out = Vec::new();
    serializer(format, options)?.serialize_batch(&metrics.iter().collect::<Vec<_>>(), &mut out)?;
    Ok(out)
}

/// Puts metrics through a processor, as one batch.
pub fn process(config: &str, lines: &str) -> Result<Vec<String>> {
    let mut metrics = from_lines(lines)?;
    processor(config)?.process(&mut metrics);
    to_lines(&metrics)
}

/// Gives metrics to an aggregator for one period that is pushed at `now`.
pub fn aggregate(config: &str, lines: &str, now: Timestamp) -> Result<Vec<String>> {
    let mut aggregator = aggregator(config)?;
    for metric in from_lines(lines)? {
        aggregator.add(&metric);
    }
    let mut out = Vec::new();
    aggregator.push(now, &mut out);
    to_lines(&out)
}

/// Starts a polled input, gathers once, and stops it.
pub async fn gather(config: &str) -> Result<Vec<String>> {
    let mut input = input(config)?;
    let sink = Arc::new(Collected::default());
    let (mut acc, _phase) = accumulator(sink.clone());
    input.start().await.map_err(|e| e.error)?;
    let gathered = input.gather(&mut acc).await;
    acc.flush().await;
    input.stop().await;
    gathered?;
    to_lines(&sink.take())
}

/// Writes metrics with an output, as one batch: connect, write, close.
pub async fn write(config: &str, lines: &str) -> Result<()> {
    let metrics = from_lines(lines)?;
    let mut output = output(config)?;
    output.connect().await.map_err(|e| e.error)?;
    let written = output.write(&metrics.iter().collect::<Vec<_>>()).await;
    output.close().await?;
    written.map_err(|e| e.error)
}

/// Keeps what an input sends.
#[derive(Default)]
pub struct Collected(Mutex<Vec<Metric>>);

impl Collected {
    /// What came since the last call. Dropping it settles it.
    pub fn take(&self) -> Vec<Metric> {
        std::mem::take(&mut *self.0.lock())
    }
}

#[async_trait]
impl Sink for Collected {
    async fn send(&self, metrics: Vec<Metric>) {
        self.0.lock().extend(metrics);
    }
    fn hurry(&self) {}
}

/// What an input is run with, and the hand that ends it: send [`Phase::Stopping`], then [`Phase::Closing`].
pub fn accumulator(sink: Arc<Collected>) -> (Accumulator, watch::Sender<Phase>) {
    let (phase, phases) = watch::channel(Phase::Running);
    let life = Lifecycle {
        phase: phases,
        ready: watch::channel(false).0,
        drained: watch::channel(false).0,
    };
    (Accumulator::new(sink, Log::new("test", None, None), life), phase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wheatstone_plugin::prelude::{Deserialize, JsonSchema, Plugin, Serialize, Value, register};
    use wheatstone_plugin::schemars;

    #[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct TimesConfig {
        /// The factor.
        by: i64,
    }
    struct Times(i64);
    impl Plugin for Times {
        type Config = TimesConfig;
        fn new(config: TimesConfig, _: &Context) -> Result<Times> {
            ensure!(config.by != 0, "by must not be 0");
            Ok(Times(config.by))
        }
    }
    impl Processor for Times {
        fn process(&mut self, metrics: &mut Vec<Metric>) {
            for metric in metrics {
                metric.for_each_field_mut(|_, value| {
                    if let Value::Int(n) = value {
                        *n = n.saturating_mul(self.0);
                    }
                });
            }
        }
    }
    register!(processor "testkit_times" = Times);

    #[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct OneConfig {}
    struct One;
    impl Plugin for One {
        type Config = OneConfig;
        fn new(_: OneConfig, _: &Context) -> Result<One> {
            Ok(One)
        }
    }
    #[async_trait]
    impl Input for One {
        async fn gather(&mut self, acc: &mut Accumulator) -> Result<()> {
            for metric in from_lines("one v=1u 7")? {
                acc.add(metric);
            }
            Ok(())
        }
    }
    register!(input "testkit_one" = One);

    #[test]
    fn a_processor_runs_from_a_text() -> Result<()> {
        let out = process(
            "[[processors.testkit_times]]\n  by = 3\n",
            "m,t=a i=2i,f=1.5 10\nm i=-1i 11\n",
        )?;
        assert_eq!(out, ["m,t=a f=1.5,i=6i 10", "m i=-3i 11"]);
        Ok(())
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |config: &str| {
            process(config, "")
                .err()
                .map(|e| format!("{e:#}"))
                .unwrap_or_default()
        };
        assert_eq!(
            error("[[processors.testkit_times]]\n  by = 0\n"),
            "by must not be 0"
        );
        assert_eq!(
            error("[[processors.testkit_times]]\n  by = 1\n  bye = 1\n"),
            "unknown options: bye"
        );
        assert_eq!(
            error("[[inputs.testkit_one]]\n"),
            "inputs.testkit_one is of another kind"
        );
        assert!(!error("[[processors.nobody_has_it]]\n").is_empty());
        assert!(parse("nobody_has_it", "", b"", 0).is_err());
    }

    #[tokio::test]
    async fn an_input_is_gathered() -> Result<()> {
        assert_eq!(gather("[[inputs.testkit_one]]\n").await?, ["one v=1u 7"]);
        Ok(())
    }
}
