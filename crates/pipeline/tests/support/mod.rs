//! Small plugins that fail in every way, and pipelines made of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use wheatstone_config::{Common, Config, FilterConfig, PluginConfig};
use wheatstone_pipeline::{Exit, Mode, build, run};
use wheatstone_plugin::conf::{Node, NodeKind, Table};
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind, Slack, Tracker};

/// How often each message of a source was told.
static SETTLED: LazyLock<Mutex<BTreeMap<String, BTreeMap<u64, u32>>>> = LazyLock::new(Mutex::default);
/// What each output took.
static WRITTEN: LazyLock<Mutex<BTreeMap<String, Vec<i64>>>> = LazyLock::new(Mutex::default);

/// The slack that each source saw after its batches.
static SLACK: LazyLock<Mutex<BTreeMap<String, Vec<Slack>>>> = LazyLock::new(Mutex::default);

pub fn slack(name: &str) -> Vec<Slack> {
    SLACK.lock().get(name).cloned().unwrap_or_default()
}
pub fn settled(name: &str) -> BTreeMap<u64, u32> {
    SETTLED.lock().get(name).cloned().unwrap_or_default()
}
pub fn written(name: &str) -> Vec<i64> {
    WRITTEN.lock().get(name).cloned().unwrap_or_default()
}

/// Options that the test plugins share.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct TestConfig {
    every: u64,
    fails: u64,
}

/// 40 messages of three metrics each; with `every` at most so many of them under way, and nobody waiting for the end.
struct Source(String, usize);
impl Plugin for Source {
    type Config = TestConfig;
    fn new(config: TestConfig, cx: &Context) -> Result<Self> {
        Ok(Source(cx.alias().to_owned(), config.every as usize))
    }
}
#[async_trait]
impl ServiceInput for Source {
    async fn run(&mut self, acc: &mut Accumulator) -> Result<()> {
        let tracker = if self.1 > 0 {
            Tracker::counting(self.1)
        } else {
            Tracker::new(1000)
        };
        acc.ready();
        for token in 0..40u64 {
            if tracker.room() == 0 {
                acc.flush().await;
                acc.hurry();
                tokio::select! {
                    () = tracker.wait_for_room() => {}
                    () = acc.stopping() => break,
                }
            }
            let ack = tracker.issue(token);
            for part in 0..3 {
                let mut m = Metric::new("test", (token * 3 + part) as i64);
                m.set_tag("n", token.to_string());
                m.set_field("v", part);
                m.set_ack(Some(ack.clone()));
                acc.add(m);
            }
            drop(ack);
            if token % 7 == 0 {
                acc.flush().await;
                let slack = acc.slack();
                SLACK.lock().entry(self.0.clone()).or_default().push(slack);
            }
        }
        acc.flush().await;
        acc.stopping().await;
        acc.drained();
        acc.closing().await;
        let mut all = Vec::new();
        tracker.take_settled(&mut all);
        let mut told = SETTLED.lock();
        let told = told.entry(self.0.clone()).or_default();
        for one in all {
            *told.entry(one.token).or_default() += 1;
        }
        Ok(())
    }
}
register!(service_input "test_source" = Source);

macro_rules! processor {
    ($type:ident, $name:literal, |$every:ident, $count:ident, $metrics:ident| $body:block) => {
        struct $type(u64, u64);
        impl Plugin for $type {
            type Config = TestConfig;
            fn new(config: TestConfig, _: &Context) -> Result<Self> {
                Ok($type(config.every.max(1), 0))
            }
        }
        impl Processor for $type {
            fn process(&mut self, $metrics: &mut Vec<Metric>) {
                let $every = self.0;
                let $count = &mut self.1;
                $body
            }
        }
        register!(processor $name = $type);
    };
}
processor!(Passes, "passes", |_every, _count, _metrics| {});
processor!(Drops, "drops", |every, count, metrics| {
    metrics.retain(|_| {
        *count += 1;
        !count.is_multiple_of(every)
    });
});
processor!(Clones, "clones", |every, count, metrics| {
    let copies: Vec<Metric> = metrics
        .iter()
        .filter(|_| {
            *count += 1;
            count.is_multiple_of(every)
        })
        .cloned()
        .collect();
    metrics.extend(copies);
});
processor!(Rejects, "rejects", |every, count, metrics| {
    metrics.retain(|m| {
        *count += 1;
        if count.is_multiple_of(every) {
            m.reject();
        }
        !count.is_multiple_of(every)
    });
});
processor!(Panics, "panics", |every, count, metrics| {
    let held: Vec<Metric> = std::mem::take(metrics);
    for m in held {
        *count += 1;
        assert!(!count.is_multiple_of(every), "as it should");
        metrics.push(m);
    }
});

/// Counts metrics.
struct Counts(i64);
impl Plugin for Counts {
    type Config = TestConfig;
    fn new(_: TestConfig, _: &Context) -> Result<Self> {
        Ok(Counts(0))
    }
}
impl Aggregator for Counts {
    fn add(&mut self, _: &Metric) {
        self.0 += 1;
    }
    fn push(&mut self, now: Timestamp, out: &mut Vec<Metric>) {
        let mut m = Metric::new("counts", now);
        m.set_field("n", self.0);
        out.push(m);
        self.0 = 0;
    }
}
register!(aggregator "counts" = Counts);

/// An output that takes everything, or fails in the way it is named after.
struct Sink {
    how: &'static str,
    name: String,
    config: TestConfig,
    calls: u64,
}
impl Sink {
    fn take<'a>(&self, metrics: impl IntoIterator<Item = &'a &'a Metric>) {
        let times = metrics
            .into_iter()
            .filter(|m| m.name() == "test")
            .map(|m| m.time());
        WRITTEN.lock().entry(self.name.clone()).or_default().extend(times);
    }
    async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError> {
        self.calls += 1;
        let every = self.config.every.max(1) as usize;
        let failing = self.calls <= self.config.fails;
        match self.how {
            "hangs" => {
                tokio::time::sleep(Duration::from_secs(45)).await;
                Err(WriteError::retry(anyhow!("nobody answers")))
            }
            "flaky" if failing => Err(WriteError::retry(anyhow!("not now"))),
            "panics" if failing => panic!("as it should"),
            "partial" if failing => {
                let accepted: Vec<usize> = (0..metrics.len()).filter(|i| i % 3 == 0).collect();
                self.take(metrics.iter().step_by(3));
                Err(WriteError::partial(anyhow!("a part"), accepted, Vec::new()))
            }
            "rejects" => {
                let bad = |i: usize| (metrics[i].time() as usize).is_multiple_of(every);
                let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
                for i in 0..metrics.len() {
                    if bad(i) {
                        rejected.push(Rejection {
                            index: i,
                            reason: "bad".into(),
                        });
                    } else {
                        accepted.push(i);
                    }
                }
                self.take(
                    metrics
                        .iter()
                        .enumerate()
                        .filter(|(i, _)| !bad(*i))
                        .map(|(_, m)| m),
                );
                Err(WriteError::partial(anyhow!("some are bad"), accepted, rejected))
            }
            _ => {
                self.take(metrics);
                Ok(())
            }
        }
    }
}
macro_rules! output {
    ($($type:ident $name:literal),*) => {$(
        struct $type(Sink);
        impl Plugin for $type {
            type Config = TestConfig;
            fn new(config: TestConfig, cx: &Context) -> Result<Self> {
                Ok($type(Sink { how: $name, name: cx.alias().to_owned(), config, calls: 0 }))
            }
        }
        #[async_trait]
        impl Output for $type {
            async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError> {
                self.0.write(metrics).await
            }
        }
        register!(output $name = $type);
    )*};
}
output!(OkOutput "ok", HangsOutput "hangs", FlakyOutput "flaky", PanicsOutput "panics", PartialOutput "partial", RejectsOutput "rejects");

/// A pipeline in the making: one source, the rest to be added.
pub struct Parts {
    name: String,
    config: Config,
    outputs: usize,
    filter: FilterConfig,
}

impl Parts {
    pub fn new(name: &str) -> Parts {
        let mut config = Config::default();
        config.agent.flush_interval = Duration::from_secs(1).into();
        let mut parts = Parts {
            name: name.to_owned(),
            config,
            outputs: 0,
            filter: FilterConfig::default(),
        };
        parts.add(
            Kind::Input,
            "test_source",
            name.to_owned(),
            &[],
            Common::default(),
        );
        parts
    }
    /// The source's metrics get the time of their gathering.
    pub fn stamped(mut self) -> Parts {
        self.config.plugins[0].common.time_source = "collection_end".to_owned();
        self
    }
    /// The source has at most `limit` messages under way.
    pub fn limited(mut self, limit: i64) -> Parts {
        self.config.plugins[0]
            .table
            .set("every", Node::bare(NodeKind::Integer(limit)));
        self
    }
    fn add(&mut self, kind: Kind, name: &str, alias: String, options: &[(&str, u32)], common: Common) {
        let mut table = Table::default();
        for (key, value) in options {
            table.set(key, Node::bare(NodeKind::Integer(i64::from(*value))));
        }
        let id = format!("{}-{alias}", self.config.plugins.len());
        self.config.plugins.push(PluginConfig {
            kind,
            name: name.to_owned(),
            common: Common { alias, ..common },
            table,
            span: Default::default(),
            header: Default::default(),
            second_id: format!("second-{id}"),
            id,
        });
    }
    pub fn processor(mut self, name: &str, options: &[(&str, u32)]) -> Parts {
        self.add(Kind::Processor, name, String::new(), options, Common::default());
        self
    }
    pub fn aggregator(mut self, drop_original: bool) -> Parts {
        let common = Common {
            drop_original,
            period: Some(Duration::from_secs(1).into()),
            ..Default::default()
        };
        self.add(Kind::Aggregator, "counts", String::new(), &[], common);
        self
    }
    pub fn output(mut self, name: &str, options: &[(&str, u32)]) -> Parts {
        let alias = format!("{}/{}", self.name, self.outputs);
        self.outputs += 1;
        self.add(Kind::Output, name, alias, options, Common::default());
        self
    }
    pub fn limit(mut self, limit: usize) -> Parts {
        self.config.agent.metric_buffer_limit = limit;
        self
    }
    pub fn batch(mut self, batch: usize) -> Parts {
        self.config.agent.metric_batch_size = batch;
        self
    }
    pub fn outputs_drop_tag(mut self, tag: &str, value: &str) -> Parts {
        self.filter.tagdrop.insert(tag.to_owned(), vec![value.to_owned()]);
        self
    }
}

/// How a run ended.
pub struct Seen {
    pub exit: anyhow::Result<Exit>,
}

/// Runs a pipeline for so long, in a time of its own that passes at once.
pub fn run_for(mut parts: Parts, time: Duration) -> Seen {
    for plugin in parts.config.plugins.iter_mut().filter(|p| p.kind == Kind::Output) {
        plugin.common.filter = parts.filter.clone();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let exit = runtime.block_on(async {
        let topology = build(&parts.config, &Arc::new(AgentInfo::default()), None)
            .map_err(|problems| anyhow!("{problems:?}"))?;
        let (_flush, flush_seen) = tokio::sync::watch::channel(0);
        run(topology, Mode::Run, tokio::time::sleep(time), flush_seen).await
    });
    Seen { exit }
}
