//! Redis, in memory only.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::Result;

use super::{Recipe, Server, connect, is_a_server};
use crate::programs;

/// A Redis server.
pub struct Redis {
    server: Server,
}
is_a_server!(Redis);

impl Redis {
    /// Starts it.
    pub fn start() -> Result<Redis> {
        let program = programs::find("redis-server", "the Debian package `redis-server`")?;
        let prepare = |dir: &Path, port: u16| {
            let words = [
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--port",
            ];
            let mut args: Vec<std::ffi::OsString> = words.iter().map(Into::into).collect();
            args.extend([port.to_string().into(), "--dir".into(), dir.into()]);
            Ok(args)
        };
        let recipe = Recipe {
            name: "redis-server",
            program,
            prepare: Box::new(prepare),
            ready: Box::new(pong),
        };
        Ok(Redis {
            server: Server::start(recipe)?,
        })
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }
}

fn pong(port: u16) -> bool {
    let ask = || -> Option<bool> {
        let mut stream = connect(port)?;
        stream.write_all(b"PING\r\n").ok()?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).ok()?;
        Some(&answer == b"+PONG")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs redis-server"]
    fn it_answers() -> Result<()> {
        let redis = Redis::start()?;
        assert!(pong(redis.port()));
        Ok(())
    }
}
