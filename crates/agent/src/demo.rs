//! `wheatstone demo`: an embedded broker, simulated sensors of several kinds, and a real pipeline over them.

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use clap::Args;
use rumqttd::{Broker, Config as BrokerConfig, ConnectionSettings, RouterConfig, ServerSettings};
use wheatstone_pipeline::Mode;
use wheatstone_plugin::{Metric, Value, stats};

use crate::{load, logging, run};

/// Flags of the demo.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End after so many seconds; 0 runs until Ctrl-C
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    /// Messages a second, all sensors together
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// Only print the configuration
    #[arg(long)]
    print_config: bool,
}

/// Runs the demo.
pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    logging::init(false, false);
    let port = free_port()?;
    let config = config_text(port);
    print_config(&config)?;
    if args.print_config {
        return Ok(ExitCode::SUCCESS);
    }
    let mut link = start_broker(port)?;
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let Some(loaded) = load::from_text("demo.conf", &config, false)? else {
        return Ok(ExitCode::FAILURE);
    };

    let pause = Duration::from_secs(1) / args.rate.max(1);
    let sensors = {
        let (stop, sent) = (stop.clone(), sent.clone());
        std::thread::Builder::new()
            .name("sensors".into())
            .spawn(move || {
                // The agent subscribes meanwhile; nothing said before would be heard.
                std::thread::sleep(Duration::from_millis(500));
                let mut step = 0u64;
                while !stop.load(Ordering::Relaxed) {
                    let (topic, payload) = reading(step);
                    if link.publish(topic, payload).is_ok() {
                        sent.fetch_add(1, Ordering::Relaxed);
                    }
                    step += 1;
                    std::thread::sleep(pause);
                }
            })?
    };
    let begun = Instant::now();
    let seconds = args.seconds;
    let sensors_stop = stop.clone();
    let end = async move {
        if seconds == 0 {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        // The last readings have to arrive before the agent stops reading.
        sensors_stop.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let result = run::run_loaded(loaded, Mode::Run, end, None);
    stop.store(true, Ordering::Relaxed);
    let _ = sensors.join();
    result?;
    summary(begun.elapsed(), sent.load(Ordering::Relaxed))?;
    Ok(ExitCode::SUCCESS)
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot find a free port")?;
    Ok(listener.local_addr()?.port())
}

/// The pipeline of the demo: as a user would write it.
fn config_text(port: u16) -> String {
    format!(
        r#"[agent]
  flush_interval = "1s"
  omit_hostname = true

# Climate sensors send nested JSON; the topic says where they stand.
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{port}"]
  topics = ["sensors/+/+/climate"]
  topic_tag = ""
  data_format = "json"
  tag_keys = ["sensor_id"]
  json_string_fields = ["state"]
  json_time_key = "time"
  json_time_format = "unix_ms"
  name_override = "climate"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "sensors/+/+/climate"
    tags = "_/site/room/_"

# Power meters send a bare number.
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{port}"]
  topics = ["meters/+/power"]
  topic_tag = ""
  data_format = "value"
  data_type = "float"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "meters/+/power"
    measurement = "_/_/measurement"
    tags = "_/meter/_"

# Machines speak line protocol already.
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{port}"]
  topics = ["machines/#"]
  data_format = "influx"

[[processors.rename]]
  [[processors.rename.replace]]
    field = "temperature_value"
    dest = "temperature"

[[aggregators.basicstats]]
  namepass = ["power"]
  period = "5s"
  stats = ["mean", "max", "count"]
  name_suffix = "_5s"

[[outputs.file]]
  files = ["stdout"]
"#
    )
}

fn print_config(config: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "# The configuration that runs here; copy it and change it:\n"
    )?;
    for line in config.lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "\n# What it writes:\n")?;
    out.flush()?;
    Ok(())
}

/// Starts the broker in a thread of its own and gives a way to publish.
fn start_broker(port: u16) -> anyhow::Result<rumqttd::local::LinkTx> {
    let server = ServerSettings {
        name: "demo".into(),
        listen: SocketAddr::from(([127, 0, 0, 1], port)),
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: 5_000,
            max_payload_size: 1 << 20,
            max_inflight_count: 200,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    };
    let config = BrokerConfig {
        id: 0,
        router: RouterConfig {
            max_connections: 20,
            max_outgoing_packet_count: 200,
            max_segment_size: 1 << 20,
            max_segment_count: 10,
            ..RouterConfig::default()
        },
        v4: Some(HashMap::from([("demo".to_owned(), server)])),
        ..BrokerConfig::default()
    };
    let mut broker = Broker::new(config);
    let (mut link, _unused) = broker
        .link("sensors")
        .map_err(|e| anyhow!("the broker refused its own sensors: {e}"))?;
    std::thread::Builder::new().name("broker".into()).spawn(move || {
        // It runs until the process ends.
        if let Err(e) = broker.start() {
            logging::early(&format!("the demo's broker stopped: {e}"));
        }
    })?;
    let deadline = Instant::now() + Duration::from_secs(5);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            return Err(anyhow!("the demo's broker did not open its port"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    // A retained greeting shows that the link works.
    link.publish("machines/hello", "hello,from=demo ready=true")
        .map_err(|e| anyhow!("{e}"))?;
    Ok(link)
}

/// The `step`th reading: three kinds of sensors in turn, slow waves with a little noise.
fn reading(step: u64) -> (String, String) {
    let t = step as f64 / 10.0;
    let noise = ((step.wrapping_mul(2_654_435_761) >> 7) % 100) as f64 / 100.0;
    let rooms = [("north", "boiler"), ("north", "office"), ("south", "hall")];
    let (site, room) = rooms[(step / 3 % 3) as usize];
    match step % 3 {
        0 => {
            let now = wheatstone_plugin::time::now() / 1_000_000;
            let temperature = 21.0 + 3.0 * (t / 7.0).sin() + noise;
            let humidity = 45.0 + 10.0 * (t / 11.0).cos();
            (
                format!("sensors/{site}/{room}/climate"),
                format!(
                    r#"{{"sensor_id":"{room}-1","temperature":{{"value":{temperature:.2}}},"humidity":{humidity:.1},"state":"ok","time":{now}}}"#
                ),
            )
        }
        1 => (
            format!("meters/m{}/power", step % 2 + 1),
            format!("{:.1}", 800.0 + 300.0 * (t / 5.0).sin() + 20.0 * noise),
        ),
        _ => (
            "machines/press".to_owned(),
            format!(
                "press,line=a rpm={}i,load={:.3}",
                1200 + step % 40,
                0.5 + 0.3 * (t / 3.0).sin()
            ),
        ),
    }
}

fn summary(took: Duration, sent: u64) -> anyhow::Result<()> {
    let numbers = stats::metrics(0);
    let sum = |measurement: &str, field: &str| -> i64 {
        let of = |m: &&Metric| m.name() == measurement;
        numbers
            .iter()
            .filter(of)
            .filter_map(|m| match m.field(field) {
                Some(Value::Int(n)) => Some(*n),
                _ => None,
            })
            .sum()
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n# {:.1} s:", took.as_secs_f64())?;
    writeln!(out, "#   {sent:>6} messages published by the sensors")?;
    writeln!(
        out,
        "#   {:>6} messages received",
        sum("internal_mqtt_consumer", "messages_received")
    )?;
    writeln!(
        out,
        "#   {:>6} metrics parsed from them",
        sum("internal_agent", "metrics_gathered")
    )?;
    writeln!(
        out,
        "#   {:>6} metrics made by the aggregator",
        sum("internal_aggregate", "metrics_pushed")
    )?;
    writeln!(
        out,
        "#   {:>6} metrics written to stdout",
        sum("internal_agent", "metrics_written")
    )?;
    writeln!(
        out,
        "#   {:>6} metrics dropped",
        sum("internal_agent", "metrics_dropped")
    )?;
    Ok(())
}
