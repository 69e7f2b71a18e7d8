//! Mosquitto: MQTT 3.1, 3.1.1 and 5.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::{Recipe, Server, accepts, is_a_server};
use crate::{Certs, free_port, programs};

/// What a broker shall do beyond listening. The default is a plain anonymous listener with mosquitto's own limits
/// (20 messages in flight, 1,000 queued) and nothing stored.
#[derive(Clone, Debug, Default)]
pub struct MosquittoOptions {
    /// Sessions, queues and retained messages survive an end, and a SIGKILL up to the last change.
    pub persistence: bool,
    /// A TLS listener beside the plain one.
    pub tls: bool,
    /// The TLS listener asks for a client certificate of the same authority.
    pub require_client_cert: bool,
    /// A websockets listener beside the plain one.
    pub websockets: bool,
    /// Names with their passwords; where there are some, nobody else is let in.
    pub users: Vec<(String, String)>,
    /// `max_inflight_messages`: how many QoS 1 and 2 messages a client may have unacknowledged (0 is no limit).
    pub max_inflight: Option<u32>,
    /// `max_queued_messages`: how many wait beyond those before they are dropped (0 is no limit).
    pub max_queued: Option<u32>,
    /// Lines for the configuration file, as they are.
    pub extra: String,
}

impl MosquittoOptions {
    /// Starts such a broker.
    pub fn start(self) -> Result<Mosquitto> {
        let program = programs::find("mosquitto", "the Debian packages `mosquitto mosquitto-clients`")?;
        let passwd = match self.users.is_empty() {
            true => None,
            false => Some(programs::find(
                "mosquitto_passwd",
                "the Debian package `mosquitto`",
            )?),
        };
        let tls_port = self.tls.then(free_port).transpose()?;
        let websockets_port = self.websockets.then(free_port).transpose()?;
        let prepare = move |dir: &Path, port: u16| {
            let file = dir.join("mosquitto.conf");
            // A restart finds its certificates and passwords as they were: clients hold copies of them.
            if !file.exists() {
                if let Some(passwd) = &passwd {
                    self.write_passwords(passwd, dir)?;
                }
                if self.tls {
                    Certs::generate(dir)?;
                }
            }
            std::fs::write(&file, self.config(dir, port, tls_port, websockets_port)?)?;
            Ok(vec!["-c".into(), file.into()])
        };
        // The listeners do not open at the same moment.
        let ready = move |port: u16| {
            [Some(port), tls_port, websockets_port]
                .into_iter()
                .flatten()
                .all(accepts)
        };
        let recipe = Recipe {
            name: "mosquitto",
            program,
            prepare: Box::new(prepare),
            ready: Box::new(ready),
        };
        Ok(Mosquitto {
            server: Server::start(recipe)?,
            tls_port,
            websockets_port,
        })
    }

    fn config(&self, dir: &Path, port: u16, tls: Option<u16>, websockets: Option<u16>) -> Result<String> {
        let dir = dir.display();
        // As root mosquitto would change to a user that cannot read the folder.
        let mut conf = String::from("user root\nlog_dest stderr\nconnection_messages true\n");
        // All but the lines for every packet.
        for kind in [
            "error",
            "warning",
            "notice",
            "information",
            "subscribe",
            "unsubscribe",
        ] {
            writeln!(conf, "log_type {kind}")?;
        }
        writeln!(conf, "allow_anonymous {}", self.users.is_empty())?;
        if !self.users.is_empty() {
            writeln!(conf, "password_file {dir}/passwords")?;
        }
        match self.persistence {
            true => writeln!(
                conf,
                "persistence true\npersistence_location {dir}/\nautosave_interval 1\nautosave_on_changes true"
            )?,
            false => writeln!(conf, "persistence false")?,
        }
        if let Some(n) = self.max_inflight {
            writeln!(conf, "max_inflight_messages {n}")?;
        }
        if let Some(n) = self.max_queued {
            writeln!(conf, "max_queued_messages {n}")?;
        }
        conf.push_str(&self.extra);
        writeln!(conf, "\nlistener {port} 127.0.0.1")?;
        if let Some(port) = tls {
            writeln!(
                conf,
                "listener {port} 127.0.0.1\ncafile {dir}/ca.pem\ncertfile {dir}/server.pem\nkeyfile {dir}/server.key\nrequire_certificate {}",
                self.require_client_cert
            )?;
        }
        if let Some(port) = websockets {
            writeln!(conf, "listener {port} 127.0.0.1\nprotocol websockets")?;
        }
        Ok(conf)
    }

    fn write_passwords(&self, passwd: &Path, dir: &Path) -> Result<()> {
        let file = dir.join("passwords");
        std::fs::write(&file, "")?;
        for (user, password) in &self.users {
            let made = Command::new(passwd)
                .arg("-b")
                .arg(&file)
                .args([user, password])
                .output()?;
            if !made.status.success() {
                bail!(
                    "mosquitto_passwd: {}",
                    String::from_utf8_lossy(&made.stderr).trim()
                );
            }
        }
        Ok(())
    }
}

/// A Mosquitto broker.
pub struct Mosquitto {
    server: Server,
    tls_port: Option<u16>,
    websockets_port: Option<u16>,
}
is_a_server!(Mosquitto);

impl Mosquitto {
    /// A plain anonymous broker with mosquitto's own limits.
    pub fn start() -> Result<Mosquitto> {
        MosquittoOptions::default().start()
    }

    /// The address as options of plugins have it: `tcp://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port())
    }

    /// `ssl://localhost:port`, where TLS was asked for.
    pub fn tls_url(&self) -> Option<String> {
        self.tls_port.map(|port| format!("ssl://localhost:{port}"))
    }

    /// `ws://127.0.0.1:port`, where websockets were asked for.
    pub fn websockets_url(&self) -> Option<String> {
        self.websockets_port.map(|port| format!("ws://127.0.0.1:{port}"))
    }

    /// The certificates, where TLS was asked for.
    pub fn certs(&self) -> Option<Certs> {
        self.tls_port.map(|_| Certs::in_folder(self.dir()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::{Publisher, Qos};
    use std::time::Duration;

    #[test]
    fn options_become_lines() -> Result<()> {
        let options = MosquittoOptions {
            max_inflight: Some(0),
            tls: true,
            ..MosquittoOptions::default()
        };
        let conf = options.config(Path::new("/t"), 1, Some(2), None)?;
        assert!(
            conf.contains("\nlistener 1 127.0.0.1\nlistener 2 127.0.0.1\ncafile /t/ca.pem\n"),
            "{conf}"
        );
        assert!(
            conf.contains("max_inflight_messages 0\n") && !conf.contains("max_queued"),
            "{conf}"
        );
        Ok(())
    }

    #[test]
    #[ignore = "needs mosquitto"]
    fn it_asks_for_passwords_and_speaks_tls() -> Result<()> {
        let options = MosquittoOptions {
            users: vec![("me".into(), "secret".into())],
            tls: true,
            websockets: true,
            ..MosquittoOptions::default()
        };
        let broker = options.start()?;
        let refused = Publisher::new(broker.address()).messages(1).run();
        assert!(refused.is_err(), "{refused:?}");
        let taken = Publisher::new(broker.address())
            .login("me", "secret")
            .qos(Qos::AtLeastOnce)
            .messages(10)
            .run()?;
        assert_eq!(taken.acknowledged.len(), 10);
        let subscribed = Command::new(programs::find("mosquitto_pub", "mosquitto-clients")?)
            .args([
                "-h",
                "localhost",
                "-p",
                &broker.tls_port.unwrap_or_default().to_string(),
                "--cafile",
            ])
            .arg(broker.certs().map(|c| c.ca).unwrap_or_default())
            .args(["-u", "me", "-P", "secret", "-t", "x", "-m", "y", "-q", "1"])
            .output()?;
        assert!(subscribed.status.success(), "{subscribed:?}");
        Ok(())
    }

    #[test]
    #[ignore = "needs mosquitto"]
    fn it_comes_back_on_the_same_port() -> Result<()> {
        let mut broker = MosquittoOptions {
            persistence: true,
            ..MosquittoOptions::default()
        }
        .start()?;
        let port = broker.port();
        broker.kill9()?;
        assert!(!accepts(port));
        broker.restart()?;
        assert!(accepts(port));
        broker.stop()?;
        broker.cont()?;
        // Its first run said so too, and the lines of the second are read by a thread of their own.
        crate::wait_for("the second start", Duration::from_secs(5), || {
            let log = broker.log();
            (log.iter().filter(|l| l.contains("starting")).count() >= 2).then_some(())
        })?;
        Ok(())
    }
}
