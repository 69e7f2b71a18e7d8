//! Line protocol to InfluxDB 1.x: a batch goes, over HTTP, a unix socket or UDP, to one of several servers.

mod answer;
mod config;
mod http;
mod routes;
mod udp;

use wheatstone_net::TlsConfig;
use wheatstone_net::http::{Address, Options, random_order};
use wheatstone_plugin::KnownField;
use wheatstone_plugin::line_protocol;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::stats::{self, Stat};

pub use config::Config;

use http::HttpServer;
use routes::{Route, routes};
use udp::UdpServer;

/// The output.
pub struct InfluxDb {
    config: Config,
    /// Checked when the configuration is loaded, made into servers when the output connects.
    targets: Vec<Target>,
    options: Options,
    cx: Context,
    servers: Vec<Server>,
}

enum Target {
    Http(Box<Address>),
    Udp(udp::Target),
}

enum Server {
    Http(Box<HttpServer>),
    Udp(Box<UdpServer>),
}

impl Plugin for InfluxDb {
    type Config = Config;

    fn new(mut config: Config, cx: &Context) -> Result<InfluxDb> {
        let tls: TlsConfig = cx.config()?;
        config.complete(cx);
        let target = |url: &String| -> Result<Target> {
            match udp::Target::parse(url)? {
                Some(target) => Ok(Target::Udp(target)),
                None => Address::parse(url).map(|a| Target::Http(Box::new(a))),
            }
        };
        let targets = config.urls.iter().map(target).collect::<Result<_>>()?;
        let options = Options::new(config.timeout.0, &config.http_proxy, &config.local_address, &tls)?;
        http::headers(&config)?;
        Ok(InfluxDb {
            config,
            targets,
            options,
            cx: cx.clone(),
            servers: Vec::new(),
        })
    }
}

#[async_trait]
impl Output for InfluxDb {
    async fn connect(&mut self) -> Result<(), StartError> {
        self.servers.clear();
        for target in &self.targets {
            let server = match target {
                Target::Http(address) => {
                    let client = self.options.client(address).await?;
                    let mut server = HttpServer::new(&self.config, &self.cx, (**address).clone(), client)?;
                    if !self.config.skip_database_creation {
                        server.try_create_database(&self.config.database).await;
                    }
                    Server::Http(Box::new(server))
                }
                Target::Udp(target) => {
                    Server::Udp(Box::new(UdpServer::new(&self.config, &self.cx, target.clone())))
                }
            };
            self.servers.push(server);
        }
        Ok(())
    }

    async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError> {
        let mut routes = routes(&self.config, metrics);
        let mut end = End::default();
        for n in random_order(self.servers.len()) {
            match &mut self.servers[n] {
                Server::Http(server) => server.write(metrics, &mut routes, &mut end).await,
                Server::Udp(server) => server.write(metrics, &mut routes, &mut end).await,
            }
            if end.created || routes.iter().all(|r| !r.batch.is_open()) {
                break;
            }
        }
        end.result(routes)
    }

    async fn close(&mut self) -> Result<()> {
        self.servers.clear();
        Ok(())
    }

    /// Of the first server that answers. Where a tag names the database there may be many, which need not agree.
    async fn field_types(&mut self) -> Result<Vec<KnownField>> {
        let mut failed = None;
        for server in &self.servers {
            if let (Server::Http(server), "") = (server, self.config.database_tag.as_str()) {
                match server.field_types(&self.config.database).await {
                    Ok(known) => return Ok(known),
                    Err(e) => failed = Some(e),
                }
            }
        }
        failed.map_or(Ok(Vec::new()), Err)
    }
}

/// What the servers that were tried have said, apart from what became of single points.
#[derive(Default)]
struct End {
    /// A database was made: the batch will be stored at the next try.
    created: bool,
    /// Something went wrong that may pass.
    failed: bool,
    retry_after: Option<std::time::Duration>,
}

impl End {
    fn result(self, routes: Vec<Route>) -> Result<(), WriteError> {
        let (mut accepted, mut rejected, mut open) = (Vec::new(), Vec::new(), false);
        for mut route in routes {
            if route.lacks_database && !self.created && !self.failed {
                // No server has the database and none can make it: as in Telegraf, waiting would not help.
                let reason = format!("database {:?} not found and failed to recreate", route.database);
                route.batch.reject_open(&reason);
            }
            open |= route.batch.is_open();
            accepted.append(&mut route.batch.accepted);
            rejected.append(&mut route.batch.rejected);
        }
        let error = match rejected.first() {
            _ if self.created => anyhow!("database created; retry write"),
            _ if open => anyhow!("could not write any address"),
            Some(first) => {
                let all = accepted.len() + rejected.len();
                anyhow!(
                    "{} of {all} metrics were refused: {}",
                    rejected.len(),
                    first.reason
                )
            }
            None => return Ok(()),
        };
        Err(WriteError {
            retry_after: self.retry_after,
            ..WriteError::partial(error, accepted, rejected)
        })
    }
}

/// Bytes that went out, as `inputs.internal` shows them.
fn bytes_written(cx: &Context) -> Stat {
    let mut tags = vec![("output", cx.name())];
    if !cx.alias().is_empty() {
        tags.push(("alias", cx.alias()));
    }
    stats::register("write", "bytes_written", &tags)
}

fn line_options(config: &Config, max_line_bytes: usize) -> line_protocol::Options {
    line_protocol::Options {
        max_line_bytes,
        sort_fields: false,
        uint_support: config.influx_uint_support,
        omit_timestamp: config.influx_omit_timestamp,
    }
}

register!(output "influxdb" = InfluxDb);
