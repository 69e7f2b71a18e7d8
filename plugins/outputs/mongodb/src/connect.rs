//! From the options to a connected client: connection string, login, TLS.

use std::path::PathBuf;
use std::time::Duration;

use mongodb::Client;
use mongodb::error::ErrorKind;
use mongodb::options::{
    Acknowledgment, AuthMechanism, ClientOptions, ConnectionString, Credential, ServerApi, ServerApiVersion,
    Tls, TlsOptions,
};
use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::prelude::{Context, Log, Result, Secret, anyhow, bail, warn};

use crate::MongodbConfig;

/// What the driver waits for a server where nothing else is said.
const USUAL_TIMEOUT: Duration = Duration::from_secs(30);
/// How much longer than the search for a server one operation may take. The driver itself would wait without end for a server
/// that has stopped to answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Connection {
    dsn: String,
    timeout: Option<Duration>,
    login: Login,
    tls: Option<bool>,
    tls_ca: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_key_pwd: Secret,
    insecure: bool,
}

enum Login {
    None,
    Password {
        mechanism: AuthMechanism,
        source: Option<String>,
        username: Secret,
        password: Secret,
    },
    Certificate,
}

impl Connection {
    /// Checks the options. Asks no network.
    pub fn new(config: &MongodbConfig, log: &Log) -> Result<Connection> {
        if !config.dsn.starts_with("mongodb://") && !config.dsn.starts_with("mongodb+srv://") {
            bail!(
                "invalid connection string. expected mongodb://host:port/?{{options}} or mongodb+srv://host:port/?{{options}}"
            );
        }
        let dsn = with_slash(&config.dsn);
        let parsed =
            ConnectionString::parse(&dsn).map_err(|e| anyhow!("invalid connection string: {}", e.kind))?;
        let file = |option: &str, name: &str| -> Result<Option<PathBuf>> {
            if name.is_empty() {
                return Ok(None);
            }
            match std::fs::metadata(name) {
                Ok(_) => Ok(Some(PathBuf::from(name))),
                Err(e) => bail!("option {option:?}: could not read {name:?}: {e}"),
            }
        };
        let (tls_ca, tls_key) = (file("tls_ca", &config.tls_ca)?, file("tls_key", &config.tls_key)?);
        let wanted = tls_ca.is_some() || tls_key.is_some() || config.insecure_skip_verify;
        let tls = config.tls_enable.or(wanted.then_some(true));

        let password = |mechanism, source: Option<&str>| -> Result<Login> {
            for (what, secret) in [("username", &config.username), ("password", &config.password)] {
                if secret.is_empty() {
                    bail!(
                        "authentication for {} must specify a {what}",
                        config.authentication
                    );
                }
            }
            Ok(Login::Password {
                mechanism,
                source: source.map(str::to_owned),
                username: config.username.clone(),
                password: config.password.clone(),
            })
        };
        let login = match config.authentication.as_str() {
            "" | "NONE" => Login::None,
            "SCRAM" => password(AuthMechanism::ScramSha256, None)?,
            "PLAIN" => {
                if tls.is_none() && !matches!(parsed.tls, Some(Tls::Enabled(_))) {
                    warn!(
                        log,
                        "PLAIN authentication sends the password as it is: it should be used with TLS"
                    );
                }
                password(AuthMechanism::Plain, Some("$external"))?
            }
            "X509" if tls_key.is_none() => bail!("authentication for X509 must specify a tls_key"),
            "X509" => Login::Certificate,
            other => bail!("unsupported authentication type {other:?}"),
        };
        Ok(Connection {
            dsn,
            timeout: (!config.timeout.is_zero()).then_some(config.timeout.0),
            login,
            tls,
            tls_ca,
            tls_key,
            tls_key_pwd: config.tls_key_pwd.clone(),
            insecure: config.insecure_skip_verify,
        })
    }

    /// How long one operation may take.
    pub fn limit(&self) -> Duration {
        self.timeout.unwrap_or(USUAL_TIMEOUT) + PATIENCE
    }

    /// A client; it connects when it is used.
    pub async fn open(&self, cx: &Context) -> Result<Client> {
        let mut options = ClientOptions::parse(&self.dsn).await?;
        options.server_api = Some(ServerApi::builder().version(ServerApiVersion::V1).build());
        if let Some(timeout) = self.timeout {
            options.server_selection_timeout = Some(timeout);
        }
        journaled(&mut options);
        match self.tls {
            Some(false) => options.tls = Some(Tls::Disabled),
            Some(true) => {
                // What the connection string says stays where no option says otherwise.
                let mut tls = match options.tls.take() {
                    Some(Tls::Enabled(tls)) => tls,
                    _ => TlsOptions::default(),
                };
                if self.insecure {
                    tls.allow_invalid_certificates = Some(true);
                }
                if let Some(ca) = &self.tls_ca {
                    tls.ca_file_path = Some(ca.clone());
                }
                if let Some(key) = &self.tls_key {
                    tls.cert_key_file_path = Some(key.clone());
                    if !self.tls_key_pwd.is_empty() {
                        let password = cx.reveal(&self.tls_key_pwd).await?;
                        tls.tls_certificate_key_file_password = Some(password.into_bytes());
                    }
                }
                options.tls = Some(Tls::Enabled(tls));
            }
            None => {}
        }
        match &self.login {
            Login::None => {}
            // As in Telegraf, a login in the connection string comes first.
            _ if options.credential.is_some() => {}
            Login::Password {
                mechanism,
                source,
                username,
                password,
            } => {
                let mut credential = Credential::default();
                credential.mechanism = Some(mechanism.clone());
                credential.source.clone_from(source);
                credential.username = Some(cx.reveal(username).await?);
                credential.password = Some(cx.reveal(password).await?);
                options.credential = Some(credential);
            }
            Login::Certificate => {
                let mut credential = Credential::default();
                credential.mechanism = Some(AuthMechanism::MongoDbX509);
                credential.source = Some("$external".to_owned());
                options.credential = Some(credential);
            }
        }
        Client::with_options(options).map_err(|e| anyhow!("connecting to server failed: {}", e.kind))
    }
}

/// Has writes confirmed once they are in the server's journal, unless the connection string says something of that. A server
/// that confirms them before, as MongoDB does by itself where it stands alone, loses up to 100 ms of them when it is killed.
fn journaled(options: &mut ClientOptions) {
    let concern = options.write_concern.get_or_insert_default();
    if concern.journal.is_none() && concern.w != Some(Acknowledgment::Nodes(0)) {
        concern.journal = Some(true);
    }
}

/// Puts the slash that must stand before the options where it is missing.
fn with_slash(dsn: &str) -> String {
    let hosts = dsn.find("://").map_or(0, |i| i + 3);
    match dsn[hosts..].find(['/', '?']).map(|i| i + hosts) {
        Some(i) if dsn.as_bytes()[i] == b'?' => format!("{}/{}", &dsn[..i], &dsn[i..]),
        Some(_) => dsn.to_owned(),
        None => format!("{dsn}/"),
    }
}

/// Whether an error may pass by itself: nobody listens yet, or the name does not resolve.
pub fn is_passing(error: &Error) -> bool {
    if error.is::<tokio::time::error::Elapsed>() {
        return true;
    }
    let Some(error) = error.downcast_ref::<mongodb::error::Error>() else {
        return false;
    };
    matches!(
        *error.kind,
        ErrorKind::ServerSelection { .. }
            | ErrorKind::Io(_)
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(change: impl FnOnce(&mut MongodbConfig)) -> Result<Connection> {
        let mut config = MongodbConfig::default();
        change(&mut config);
        Connection::new(&config, &Log::new("outputs.mongodb", None, None))
    }
    fn error(change: impl FnOnce(&mut MongodbConfig)) -> String {
        new(change).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn connection_strings_are_checked_and_mended() {
        assert!(new(|_| {}).is_ok());
        assert!(error(|c| c.dsn = "localhost:27017".into()).starts_with("invalid connection string"));
        assert!(
            error(|c| c.dsn = "mongodb://a/?maxPoolSize=x".into()).starts_with("invalid connection string")
        );
        assert_eq!(with_slash("mongodb://a:1"), "mongodb://a:1/");
        assert_eq!(with_slash("mongodb://a:1?w=1"), "mongodb://a:1/?w=1");
        assert_eq!(with_slash("mongodb://a:1/db?w=1"), "mongodb://a:1/db?w=1");
    }

    #[tokio::test]
    async fn writes_are_journaled_unless_the_connection_string_says_otherwise() {
        for (query, want) in [
            ("", Some(true)),
            ("?w=majority", Some(true)),
            ("?journal=false", Some(false)),
            ("?w=0", None),
        ] {
            let dsn = format!("mongodb://127.0.0.1:1/{query}");
            let mut options = ClientOptions::parse(&dsn).await.expect("it is valid");
            journaled(&mut options);
            let concern = options.write_concern.expect("it is set");
            assert_eq!(concern.journal, want, "{dsn}");
        }
    }

    #[test]
    fn logins_need_what_they_need() {
        assert_eq!(
            error(|c| c.authentication = "SCRAM".into()),
            "authentication for SCRAM must specify a username"
        );
        assert_eq!(
            error(|c| {
                c.authentication = "PLAIN".into();
                c.username = Secret::new("u");
            }),
            "authentication for PLAIN must specify a password"
        );
        assert_eq!(
            error(|c| c.authentication = "X509".into()),
            "authentication for X509 must specify a tls_key"
        );
        assert_eq!(
            error(|c| c.authentication = "MAGIC".into()),
            "unsupported authentication type \"MAGIC\""
        );
        assert!(error(|c| c.tls_ca = "/no/such/ca.pem".into()).contains("/no/such/ca.pem"));
    }

    #[test]
    fn the_limit_follows_the_timeout() -> Result<()> {
        assert_eq!(new(|_| {})?.limit(), Duration::from_secs(60));
        let short = new(|c| c.timeout = wheatstone_plugin::conf::Duration::from_secs(5))?;
        assert_eq!(short.limit(), Duration::from_secs(35));
        Ok(())
    }
}
