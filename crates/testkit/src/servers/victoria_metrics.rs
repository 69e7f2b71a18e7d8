//! VictoriaMetrics: takes InfluxDB 2's write API. It ignores token, organisation and bucket, and stores texts as 0.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Recipe, Server, answers_get, is_a_server};
use crate::programs;

/// A VictoriaMetrics server.
pub struct VictoriaMetrics {
    server: Server,
}
is_a_server!(VictoriaMetrics);

impl VictoriaMetrics {
    /// Starts it.
    pub fn start() -> Result<VictoriaMetrics> {
        let program = programs::find("victoria-metrics", "the Debian package `victoria-metrics`")?;
        let prepare = |dir: &Path, port: u16| {
            let data = dir.join("data");
            Ok(vec![
                format!("-httpListenAddr=127.0.0.1:{port}").into(),
                format!("-storageDataPath={}", data.display()).into(),
                "-retentionPeriod=100y".into(),
            ])
        };
        let ready = |port: u16| answers_get(port, "/health");
        let recipe = Recipe {
            name: "victoria-metrics",
            program,
            prepare: Box::new(prepare),
            ready: Box::new(ready),
        };
        Ok(VictoriaMetrics {
            server: Server::start(recipe)?,
        })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The series that match a selector such as `{__name__="cpu_usage"}`, each an object with `metric`, `values` and
    /// `timestamps` in milliseconds. What was just written is made visible first.
    pub fn export(&self, selector: &str) -> Result<Vec<Value>> {
        let get = |path: &str, selector: &str| -> Result<String> {
            let request = ureq::get(format!("{}{path}", self.url())).query("match[]", selector);
            let mut answer = request
                .config()
                .timeout_global(Some(Duration::from_secs(30)))
                .build()
                .call()?;
            Ok(answer.body_mut().with_config().limit(1 << 30).read_to_string()?)
        };
        get("/internal/force_flush", "")?;
        let text = get("/api/v1/export", selector)?;
        text.lines()
            .map(|l| serde_json::from_str(l).with_context(|| format!("export line {l:.200}")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    #[ignore = "needs victoria-metrics"]
    fn a_point_written_by_the_v2_api_is_exported() -> Result<()> {
        let db = VictoriaMetrics::start()?;
        let written = ureq::post(format!("{}/api/v2/write?org=o&bucket=b&precision=ns", db.url()))
            .send("m,site=a v=1.5 1731931200123457789\n")?;
        assert_eq!(written.status(), 204);
        let series = db.export(r#"{__name__="m_v"}"#)?;
        assert_eq!(series.len(), 1, "{series:?}");
        assert_eq!(
            (&series[0]["values"], &series[0]["timestamps"]),
            (&json!([1.5]), &json!([1_731_931_200_123_i64]))
        );
        assert_eq!(series[0]["metric"]["site"], json!("a"));
        Ok(())
    }
}
