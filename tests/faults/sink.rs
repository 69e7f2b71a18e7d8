//! A database behind a proxy that can break its connections.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use wheatstone_testkit::{Fault, FaultProxy, Influxd, SecantusMongo, Server};

use crate::plan::Sink;

const DATABASE: &str = "telegraf";
const MEASUREMENT: &str = "sensors";

enum Kind {
    Influx(Influxd),
    Mongo(SecantusMongo),
}

/// One output's database.
pub struct Database {
    kind: Kind,
    plan: Sink,
    /// Between the agent and it.
    pub proxy: FaultProxy,
    /// It was killed and not started again.
    pub is_down: bool,
}

impl Database {
    pub fn start(plan: Sink) -> Result<Database> {
        let kind = match plan.mongo {
            true => Kind::Mongo(SecantusMongo::start()?),
            false => Kind::Influx(Influxd::start()?),
        };
        let address = match &kind {
            Kind::Influx(db) => db.address(),
            Kind::Mongo(db) => db.address(),
        };
        let proxy = FaultProxy::start(address)?;
        if plan.dead {
            proxy.set(Fault::Refuse);
        }
        Ok(Database {
            kind,
            plan,
            proxy,
            is_down: false,
        })
    }

    /// The output's table. `timeout` is the option that a reload changes.
    pub fn config(&self, timeout: Duration) -> String {
        let (port, timeout) = (self.proxy.port(), timeout.as_secs());
        let strategy = if self.plan.disk { "disk" } else { "memory" };
        let own = match self.kind {
            Kind::Influx(_) => format!(
                "[[outputs.influxdb]]\n  alias = \"{port}\"\n  urls = [\"http://127.0.0.1:{port}\"]\n  database = \"{DATABASE}\"\n"
            ),
            Kind::Mongo(_) => format!(
                "[[outputs.mongodb]]\n  alias = \"{port}\"\n  dsn = \"mongodb://127.0.0.1:{port}/?directConnection=true\"\n  database = \"{DATABASE}\"\n  granularity = \"seconds\"\n"
            ),
        };
        own + &format!(
            "  startup_error_behavior = \"retry\"\n  timeout = \"{timeout}s\"\n  buffer_strategy = \"{strategy}\"\n  buffer_full = \"block\"\n"
        )
    }

    pub fn server(&mut self) -> &mut Server {
        match &mut self.kind {
            Kind::Influx(db) => db,
            Kind::Mongo(db) => db,
        }
    }

    /// How many points there are. 0 while it does not answer.
    pub fn count(&self) -> u64 {
        match &self.kind {
            Kind::Influx(db) => db.ask().count(DATABASE, MEASUREMENT, "n").unwrap_or(0),
            Kind::Mongo(db) => ask_mongo(db, async |c| Ok(c.estimated_document_count().await?)).unwrap_or(0),
        }
    }

    /// The number in every point, as often as it is there.
    pub fn numbers(&self) -> Result<Vec<u64>> {
        match &self.kind {
            Kind::Influx(db) => {
                let rows = db
                    .ask()
                    .rows(DATABASE, &format!("SELECT \"n\" FROM \"{MEASUREMENT}\""))?;
                rows.iter()
                    .map(|row| {
                        let n = row
                            .get("n")
                            .and_then(serde_json::Value::as_f64)
                            .context("a point without n")?;
                        Ok(n as u64)
                    })
                    .collect()
            }
            Kind::Mongo(db) => ask_mongo(db, async |collection| {
                let all = collection.find(doc! {}).projection(doc! { "n": 1 }).await?;
                let all: Vec<Document> = all.try_collect().await?;
                all.iter().map(|d| Ok(d.get_f64("n")? as u64)).collect()
            }),
        }
    }
}

fn ask_mongo<T>(
    db: &SecantusMongo,
    ask: impl AsyncFnOnce(mongodb::Collection<Document>) -> Result<T>,
) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let limit = Duration::from_secs(60);
        tokio::time::timeout(limit, async {
            let client = mongodb::Client::with_uri_str(db.url()).await?;
            ask(client.database(DATABASE).collection(MEASUREMENT)).await
        })
        .await
        .context("the database does not answer")?
    })
}
