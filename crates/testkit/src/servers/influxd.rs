//! InfluxDB 1.

use std::path::Path;

use anyhow::Result;

use super::{Recipe, Server, answers_get, is_a_server};
use crate::{InfluxQuery, programs};

/// An InfluxDB 1 server.
pub struct Influxd {
    server: Server,
}
is_a_server!(Influxd);

impl Influxd {
    /// Starts it.
    pub fn start() -> Result<Influxd> {
        let program = programs::find("influxd", "the Debian package `influxdb`")?;
        let prepare = |dir: &Path, port: u16| {
            let file = dir.join("influxd.conf");
            // bind-address is the backup service's, on any free port.
            let conf = format!(
                r#"reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = {meta:?}
[data]
  dir = {data:?}
  wal-dir = {wal:?}
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
"#,
                meta = dir.join("meta"),
                data = dir.join("data"),
                wal = dir.join("wal")
            );
            std::fs::write(&file, conf)?;
            Ok(vec!["run".into(), "-config".into(), file.into()])
        };
        let ready = |port: u16| answers_get(port, "/ping");
        let recipe = Recipe {
            name: "influxd",
            program,
            prepare: Box::new(prepare),
            ready: Box::new(ready),
        };
        Ok(Influxd {
            server: Server::start(recipe)?,
        })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Asks it.
    pub fn ask(&self) -> InfluxQuery {
        InfluxQuery::new(&self.url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    #[ignore = "needs influxd"]
    fn points_written_are_counted_and_survive_a_kill() -> Result<()> {
        let mut db = Influxd::start()?;
        let ask = db.ask();
        assert_eq!(ask.count("d", "m", "v")?, 0, "no such database yet");
        ask.query("", "CREATE DATABASE d")?;
        let lines = "m,site=a v=1i,s=\"x\" 1731931200123457789\nm,site=b v=2i 1731931200123457790\n";
        let written = ureq::post(format!("{}/write?db=d", db.url())).send(lines)?;
        assert_eq!(written.status(), 204);

        db.kill9()?;
        db.restart()?;
        assert_eq!(ask.count("d", "m", "v")?, 2);
        let points = ask.points("d", "m")?;
        assert_eq!(points[0]["time"], json!(1_731_931_200_123_457_789_i64));
        assert_eq!((&points[0]["site"], &points[0]["v"]), (&json!("a"), &json!(1)));
        assert_eq!(
            ask.field_types("d", "m")?,
            [("s".into(), "string".into()), ("v".into(), "integer".into())]
        );
        assert_eq!(ask.tag_keys("d", "m")?, ["site"]);
        assert!(ask.query("d", "SELECT").is_err());
        Ok(())
    }
}
