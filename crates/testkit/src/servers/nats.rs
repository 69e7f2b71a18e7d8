//! A NATS server with its MQTT gateway: a second broker, one that speaks 3.1.1 only.

use std::path::Path;

use anyhow::Result;

use super::{Recipe, Server, accepts, is_a_server};
use crate::programs;

/// A NATS server; [`port`](Server::port) is that of its MQTT gateway.
pub struct NatsMqtt {
    server: Server,
}
is_a_server!(NatsMqtt);

impl NatsMqtt {
    /// Starts it.
    pub fn start() -> Result<NatsMqtt> {
        let program = programs::find("nats-server", "the Debian package `nats-server`")?;
        let prepare = |dir: &Path, port: u16| {
            let file = dir.join("nats.conf");
            // MQTT sessions live in its JetStream, which needs a server name and a folder. Port -1 is any free one.
            let conf = format!(
                "host: 127.0.0.1\nport: -1\nserver_name: wheatstone\njetstream {{ store_dir: {:?} }}\nmqtt {{ host: 127.0.0.1, port: {port} }}\n",
                dir.join("store")
            );
            std::fs::write(&file, conf)?;
            Ok(vec!["-c".into(), file.into()])
        };
        let recipe = Recipe {
            name: "nats-server",
            program,
            prepare: Box::new(prepare),
            ready: Box::new(accepts),
        };
        Ok(NatsMqtt {
            server: Server::start(recipe)?,
        })
    }

    /// The address as options of plugins have it: `tcp://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::{Publisher, Qos};

    #[test]
    #[ignore = "needs nats-server"]
    fn it_takes_messages() -> Result<()> {
        let broker = NatsMqtt::start()?;
        let report = Publisher::new(broker.address())
            .qos(Qos::AtLeastOnce)
            .messages(100)
            .run()?;
        assert_eq!(report.acknowledged.len(), 100);
        Ok(())
    }
}
