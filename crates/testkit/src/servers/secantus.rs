//! SecantusDB: a server with MongoDB's wire protocol, in place of mongod.

use std::path::Path;

use anyhow::Result;

use super::{Recipe, Server, accepts, is_a_server};
use crate::{Certs, programs};

/// A MongoDB-compatible server. Its time-series collections are plain ones.
pub struct SecantusMongo {
    server: Server,
    certs: bool,
}
is_a_server!(SecantusMongo);

impl SecantusMongo {
    /// Starts it, open to everyone and without TLS.
    pub fn start() -> Result<SecantusMongo> {
        SecantusMongo::with(&[], false)
    }

    /// Starts it with TLS, and with `arguments` of its own (such as `--enable-test-commands`, for `configureFailPoint`).
    pub fn with(arguments: &[&str], tls: bool) -> Result<SecantusMongo> {
        let program = programs::find("secantusd-py", "the Python package `secantusdb`")?;
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        let prepare = move |dir: &Path, port: u16| {
            let mut args: Vec<std::ffi::OsString> =
                vec!["--host".into(), "127.0.0.1".into(), "--port".into()];
            args.extend([
                port.to_string().into(),
                "--storage-path".into(),
                dir.join("data").into(),
            ]);
            if tls {
                let files = Certs::in_folder(dir);
                if !files.ca.exists() {
                    Certs::generate(dir)?;
                }
                args.extend(["--tls-cert-file".into(), files.server_cert.into()]);
                args.extend(["--tls-key-file".into(), files.server_key.into()]);
            }
            args.extend(arguments.iter().map(Into::into));
            Ok(args)
        };
        let recipe = Recipe {
            name: "secantusd-py",
            program,
            prepare: Box::new(prepare),
            ready: Box::new(accepts),
        };
        Ok(SecantusMongo {
            server: Server::start(recipe)?,
            certs: tls,
        })
    }

    /// `mongodb://127.0.0.1:port`, with `?directConnection=true`.
    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port())
    }

    /// The certificates, where TLS was asked for.
    pub fn certs(&self) -> Option<Certs> {
        self.certs.then(|| Certs::in_folder(self.dir()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs secantusdb"]
    fn it_starts_plain_and_with_tls() -> Result<()> {
        let plain = SecantusMongo::start()?;
        assert!(accepts(plain.port()) && plain.certs().is_none());
        drop(plain);
        let tls = SecantusMongo::with(&["--enable-test-commands"], true)?;
        assert!(tls.certs().is_some_and(|c| c.ca.exists()));
        Ok(())
    }
}
