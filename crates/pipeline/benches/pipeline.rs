//! What a metric costs between an input and its outputs, beside the plugins' own work: the core's share, the chain of
//! processors, filters, the fan-out. `cargo bench -p wheatstone-pipeline`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use tokio::sync::Notify;
use wheatstone_config::{Common, Config, FilterConfig, PluginConfig};
use wheatstone_pipeline::{Mode, build, run};
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind, Tracker};

/// Metrics of a run; so many that its start and end, about 100 µs, do not count.
const METRICS: usize = 200_000;
/// Metrics that the input hands over at once.
const GULP: usize = 500;

/// What the outputs have still to take; the last one tells.
static LEFT: AtomicUsize = AtomicUsize::new(0);
static DONE: Notify = Notify::const_new();

fn main() {
    divan::main();
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct NoConfig {}

/// Sensors' metrics, as a parser makes them, each gulp with an acknowledgement.
struct Source;
impl Plugin for Source {
    type Config = NoConfig;
    fn new(_: NoConfig, _: &Context) -> Result<Self> {
        Ok(Source)
    }
}
#[async_trait]
impl ServiceInput for Source {
    async fn run(&mut self, acc: &mut Accumulator) -> Result<()> {
        let tracker = Tracker::new(usize::MAX / 2);
        let (name, sensor, topic, value) = (key!("weather"), key!("sensor_id"), key!("topic"), key!("value"));
        acc.ready();
        for gulp in 0..METRICS / GULP {
            let ack = tracker.issue(gulp as u64);
            for i in 0..GULP {
                let mut metric = Metric::with_capacity(name.clone(), (gulp * GULP + i) as i64, 3);
                metric.set_tag(sensor.clone(), "s1");
                metric.set_tag(topic.clone(), "sensors/site1/line1/s1");
                metric.set_field(value.clone(), 21.5);
                metric.set_ack(Some(ack.clone()));
                acc.add(metric);
            }
            acc.flush().await;
        }
        acc.stopping().await;
        acc.drained();
        acc.closing().await;
        Ok(())
    }
}
register!(service_input "bench_source" = Source);

/// Looks at every metric and changes none.
struct Looks;
impl Plugin for Looks {
    type Config = NoConfig;
    fn new(_: NoConfig, _: &Context) -> Result<Self> {
        Ok(Looks)
    }
}
impl Processor for Looks {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        metrics.retain(|m| m.time() >= 0);
    }
}
register!(processor "bench_looks" = Looks);

struct Counts;
impl Plugin for Counts {
    type Config = NoConfig;
    fn new(_: NoConfig, _: &Context) -> Result<Self> {
        Ok(Counts)
    }
}
#[async_trait]
impl Output for Counts {
    async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError> {
        if LEFT.fetch_sub(metrics.len(), Ordering::Relaxed) == metrics.len() {
            DONE.notify_one();
        }
        Ok(())
    }
}
register!(output "bench_counts" = Counts);

/// A configuration of the source, so many processors, and so many outputs.
struct Parts(Config);

impl Parts {
    fn new(processors: usize, outputs: usize) -> Parts {
        let mut parts = Parts(Config::default());
        parts.0.agent.metric_batch_size = 5000;
        parts.0.agent.metric_buffer_limit = 1_000_000;
        parts.add(Kind::Input, "bench_source", 1);
        parts.add(Kind::Processor, "bench_looks", processors);
        parts.add(Kind::Output, "bench_counts", outputs);
        parts
    }

    fn add(&mut self, kind: Kind, name: &str, times: usize) {
        for _ in 0..times {
            let id = self.0.plugins.len().to_string();
            self.0.plugins.push(PluginConfig {
                kind,
                name: name.to_owned(),
                common: Common::default(),
                table: Table::default(),
                span: Default::default(),
                header: Default::default(),
                second_id: format!("second-{id}"),
                id,
            });
        }
    }

    fn filtered(mut self, kind: Kind, filter: &FilterConfig) -> Parts {
        for plugin in self.0.plugins.iter_mut().filter(|p| p.kind == kind) {
            plugin.common.filter = filter.clone();
        }
        self
    }

    /// Runs until every output has every metric; on one thread, so that the time is the cost.
    fn measure(&self, bencher: Bencher) {
        let outputs = self.0.plugins.iter().filter(|p| p.kind == Kind::Output).count();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        bencher.counter(ItemsCount::new(METRICS)).bench_local(|| {
            LEFT.store(METRICS * outputs, Ordering::Relaxed);
            runtime.block_on(async {
                let topology = build(&self.0, &Arc::new(AgentInfo::default()), None).expect("it is valid");
                let (flush, flush_seen) = tokio::sync::watch::channel(0);
                // What is left of the last batch need not wait for an interval.
                let end = async move {
                    while tokio::time::timeout(Duration::from_millis(1), DONE.notified())
                        .await
                        .is_err()
                    {
                        flush.send_modify(|n| *n += 1);
                    }
                };
                let exit = run(topology, Mode::Run, end, flush_seen).await.expect("it runs");
                assert_eq!(exit.unsent, 0);
            });
        });
    }
}

/// Processors that look at every metric.
#[divan::bench(args = [0, 1, 4, 16], sample_count = 10)]
fn chain(bencher: Bencher, processors: usize) {
    Parts::new(processors, 1).measure(bencher);
}

/// Outputs that take the metrics as they are.
#[divan::bench(args = [1, 2, 4, 10], sample_count = 10)]
fn fan_out(bencher: Bencher, outputs: usize) {
    Parts::new(0, outputs).measure(bencher);
}

/// Outputs that each get a copy of their own, because a filter takes a tag away.
#[divan::bench(args = [1, 2, 4, 10], sample_count = 10)]
fn fan_out_of_copies(bencher: Bencher, outputs: usize) {
    let filter = FilterConfig {
        tagexclude: vec!["topic".into()],
        ..FilterConfig::default()
    };
    Parts::new(0, outputs)
        .filtered(Kind::Output, &filter)
        .measure(bencher);
}

/// A filter of the input by name and tag.
#[divan::bench(sample_count = 10)]
fn filter(bencher: Bencher) {
    let filter = FilterConfig {
        namepass: vec!["weather*".into()],
        tagdrop: [("sensor_id".to_owned(), vec!["t*".to_owned()])].into(),
        ..FilterConfig::default()
    };
    Parts::new(0, 1).filtered(Kind::Input, &filter).measure(bencher);
}
