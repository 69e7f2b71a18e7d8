//! Line protocol to InfluxDB 2.x: a batch is dealt out to its buckets and goes, over HTTP or a unix socket, to one of
//! several servers.

mod answer;
mod batches;
mod book;
mod config;
mod limit;
mod server;
mod write;

use std::time::Instant;

use wheatstone_net::TlsConfig;
use wheatstone_net::http::{Address, Options, random_order};
use wheatstone_plugin::KnownField;
use wheatstone_plugin::line_protocol::{self, Encoder};
use wheatstone_plugin::prelude::*;

pub use config::Config;

use batches::batches;
use book::Book;
use server::Server;
use write::Workshop;

/// The output.
pub struct InfluxDbV2 {
    config: Config,
    addresses: Vec<Address>,
    options: Options,
    cx: Context,
    servers: Vec<Server>,
    workshop: Workshop,
}

impl Plugin for InfluxDbV2 {
    type Config = Config;

    fn new(mut config: Config, cx: &Context) -> Result<InfluxDbV2> {
        let tls: TlsConfig = cx.config()?;
        config.complete(cx)?;
        let addresses = config
            .urls
            .iter()
            .map(|url| Address::parse(url))
            .collect::<Result<_>>()?;
        let mut options = Options::new(config.timeout.0, &config.http_proxy, &config.local_address, &tls)?;
        options.ping_timeout = config.ping_timeout.0;
        options.read_idle_timeout = config.read_idle_timeout.0;
        server::header_names(&config)?;
        let lines = line_protocol::Options {
            uint_support: config.influx_uint_support,
            omit_timestamp: config.influx_omit_timestamp,
            ..line_protocol::Options::default()
        };
        let workshop = Workshop::new(Encoder::new(lines), config.content_encoding == "gzip");
        Ok(InfluxDbV2 {
            config,
            addresses,
            options,
            cx: cx.clone(),
            servers: Vec::new(),
            workshop,
        })
    }
}

#[async_trait]
impl Output for InfluxDbV2 {
    async fn connect(&mut self) -> Result<(), StartError> {
        self.servers.clear();
        for address in &self.addresses {
            let client = self.options.client(address).await?;
            self.servers
                .push(Server::new(&self.config, &self.cx, address.clone(), client)?);
        }
        Ok(())
    }

    async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError> {
        let mut book = Book::new(batches(&self.config, metrics));
        let mut waits = None;
        for n in random_order(self.servers.len()) {
            let server = &mut self.servers[n];
            let error = match server.wait(Instant::now()) {
                Some(wait) => {
                    waits = Some(waits.map_or(wait, |least| wait.min(least)));
                    anyhow!("retry time has not elapsed")
                }
                None => match self.workshop.write(server, metrics, &mut book).await {
                    Ok(()) if book.split => anyhow!(book::SPLIT),
                    Ok(()) => break,
                    Err(error) => error,
                },
            };
            error!(self.cx.log(), "When writing to [{}]: {error:#}", server.shown());
            if !book.may_go_elsewhere() {
                break;
            }
        }
        let throttled = book.retry_after.or(waits);
        book.result(throttled)
    }

    async fn close(&mut self) -> Result<()> {
        self.servers.clear();
        Ok(())
    }

    /// Of the first server that answers. Where a tag names the bucket there may be many, which need not agree.
    async fn field_types(&mut self) -> Result<Vec<KnownField>> {
        let mut failed = None;
        for server in &self.servers {
            if self.config.bucket_tag.is_empty() {
                match server.field_types(&self.config.bucket).await {
                    Ok(known) => return Ok(known),
                    Err(e) => failed = Some(e),
                }
            }
        }
        failed.map_or(Ok(Vec::new()), Err)
    }
}

register!(output "influxdb_v2" = InfluxDbV2);
