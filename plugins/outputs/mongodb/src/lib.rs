//! Batches in, documents in MongoDB collections out.

mod collections;
mod connect;
mod document;
mod id;
mod insert;
mod verdict;

use mongodb::{Client, Database};
use wheatstone_plugin::prelude::*;

use collections::{Collections, NameTemplate};
use connect::{Connection, is_passing};
use document::{Form, Layout};
use insert::Batch;

/// Writes metrics as documents to MongoDB.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MongodbConfig {
    /// The connection string, `mongodb://host:port/?options` or `mongodb+srv://host/?options`. Writes are confirmed once they are
    /// in the server's journal, unless it says `journal=false` or `w=0`.
    dsn: String,
    /// How long to wait for a server that can be written to; 0 leaves it to the connection string, where the usual time is 30 s.
    timeout: Duration,
    /// How to log in: `"NONE"`, `"SCRAM"` (SCRAM-SHA-256), `"PLAIN"` (LDAP; sends the password as it is, so use TLS), or
    /// `"X509"` (with the client certificate of `tls_key`).
    authentication: String,
    /// The user, for SCRAM and PLAIN.
    username: Secret,
    /// The user's password.
    password: Secret,
    /// A file of certificates that the server's must be signed by. Setting it, `tls_key` or `insecure_skip_verify` turns
    /// TLS on.
    tls_ca: String,
    /// A file with both the client's certificate and its key, in PEM.
    tls_key: String,
    /// The password of the key, where it is encrypted.
    tls_key_pwd: Secret,
    /// Whether to accept any certificate of the server.
    insecure_skip_verify: bool,
    /// Turns TLS on (with the usual certificate authorities) or off. (not in Telegraf)
    tls_enable: Option<bool>,
    /// The database.
    database: String,
    /// How far apart the metrics of a series usually are, for time-series collections: `"seconds"` (also where it is empty),
    /// `"minutes"` or `"hours"`.
    granularity: String,
    /// Documents go away so long after their time; never where it is 0. Set for collections that are made, not for those that
    /// are there.
    ttl: Duration,
    /// Accepted as in Telegraf; batches are always written as such.
    write_batch: bool,
    /// Tags to store as `metadata`, with `*` and `?`; it takes the place of `tags` as what tells time series apart.
    metadata_keys: Vec<String>,
    /// What becomes of `tags` where `metadata_keys` is set: `"keep"` all tags, `"move"` those that match to `metadata`, or
    /// `"clear"` to leave `tags` out.
    metadata_tag_strategy: String,
    /// The collection's name; the measurement's name where it is empty. `{name}` stands for the measurement,
    /// `{tag:site}` for the tag `site`. (not in Telegraf)
    collection: String,
    /// The document's own form: its keys and where each value comes from. `"name"`, `"tags"` and `"fields"` (sub-documents),
    /// `"tag:KEY"`, `"field:KEY"`, `"time"` (a date), `"time:s"`, `"time:ms"`, `"time:us"`, `"time:ns"` (numbers), or
    /// `"=text"`. (not in Telegraf)
    document: Form,
    /// Whether a metric that comes twice is stored once: `_id` is then made from the whole metric. For ordinary collections.
    /// (not in Telegraf)
    idempotent: bool,
    /// Accepted from Telegraf's common TLS options, without effect there and here.
    #[schemars(skip)]
    tls_cert: String,
    #[schemars(skip)]
    tls_server_name: String,
    #[schemars(skip)]
    tls_min_version: String,
    #[schemars(skip)]
    tls_cipher_suites: Vec<String>,
    #[schemars(skip)]
    tls_renegotiation_method: String,
}

impl Default for MongodbConfig {
    fn default() -> MongodbConfig {
        MongodbConfig {
            dsn: "mongodb://localhost:27017".to_owned(),
            timeout: Duration::ZERO,
            authentication: "NONE".to_owned(),
            username: Secret::default(),
            password: Secret::default(),
            tls_ca: String::new(),
            tls_key: String::new(),
            tls_key_pwd: Secret::default(),
            insecure_skip_verify: false,
            tls_enable: None,
            database: "telegraf".to_owned(),
            granularity: String::new(),
            ttl: Duration::ZERO,
            write_batch: false,
            metadata_keys: Vec::new(),
            metadata_tag_strategy: "keep".to_owned(),
            collection: String::new(),
            document: Form::default(),
            idempotent: false,
            tls_cert: String::new(),
            tls_server_name: String::new(),
            tls_min_version: String::new(),
            tls_cipher_suites: Vec::new(),
            tls_renegotiation_method: String::new(),
        }
    }
}

struct Mongodb {
    database: String,
    connection: Connection,
    name: NameTemplate,
    layout: Layout,
    collections: Collections,
    client: Option<(Client, Database)>,
    cx: Context,
}

impl Plugin for Mongodb {
    type Config = MongodbConfig;

    fn new(config: MongodbConfig, cx: &Context) -> Result<Self> {
        let layout = Layout::new(&config)?;
        let collections = Collections::new(&config, &layout)?;
        let ignored = [
            ("tls_cert", config.tls_cert.is_empty()),
            ("tls_server_name", config.tls_server_name.is_empty()),
            ("tls_min_version", config.tls_min_version.is_empty()),
            ("tls_cipher_suites", config.tls_cipher_suites.is_empty()),
            (
                "tls_renegotiation_method",
                config.tls_renegotiation_method.is_empty(),
            ),
        ];
        for (option, _) in ignored.iter().filter(|(_, unset)| !unset) {
            warn!(cx.log(), "option {option:?} has no effect on this output");
        }
        Ok(Mongodb {
            database: if config.database.is_empty() {
                "telegraf".to_owned()
            } else {
                config.database.clone()
            },
            name: NameTemplate::parse(&config.collection)?,
            connection: Connection::new(&config, cx.log())?,
            layout,
            collections,
            client: None,
            cx: cx.clone(),
        })
    }
}

#[async_trait]
impl Output for Mongodb {
    async fn connect(&mut self) -> Result<(), StartError> {
        self.close().await?;
        let client = match self.connection.open(&self.cx).await {
            Ok(client) => client,
            Err(error) => {
                return Err(StartError {
                    retry: is_passing(&error),
                    error,
                });
            }
        };
        let database = client.database(&self.database);
        if let Err(e) = self.collections.list(&database, self.connection.limit()).await {
            client.shutdown().immediate(true).await;
            let said = e.downcast_ref().map_or_else(|| e.to_string(), verdict::words);
            let error = anyhow!("listing collections failed: {said}");
            return Err(StartError {
                retry: is_passing(&e),
                error,
            });
        }
        self.client = Some((client, database));
        Ok(())
    }

    async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError> {
        let Some((_, database)) = &self.client else {
            return Err(WriteError::retry(anyhow!("not connected")));
        };
        let mut batch = Batch::new(metrics, &self.layout, &self.name);
        let result = batch
            .write(database, &mut self.collections, self.connection.limit())
            .await;
        batch.finish(result, metrics.len())
    }

    async fn close(&mut self) -> Result<()> {
        if let Some((client, _)) = self.client.take() {
            client.shutdown().await;
        }
        Ok(())
    }
}

register!(output "mongodb" = Mongodb);
