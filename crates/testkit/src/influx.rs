//! What lies in an InfluxDB 1 database, asked over HTTP.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value};

/// Asks one server. All times are nanoseconds since 1970.
#[derive(Clone, Debug)]
pub struct InfluxQuery {
    url: String,
    http: ureq::Agent,
}

impl InfluxQuery {
    /// `url` is the server's, such as `http://127.0.0.1:8086`.
    pub fn new(url: &str) -> InfluxQuery {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build();
        InfluxQuery {
            url: url.to_owned(),
            http: config.new_agent(),
        }
    }

    /// The whole answer to a query, of reading or changing kind.
    pub fn query(&self, database: &str, query: &str) -> Result<Value> {
        let mut answer = self
            .http
            .post(format!("{}/query", self.url))
            .query("db", database)
            .query("epoch", "ns")
            .query("q", query)
            .send_empty()
            .with_context(|| format!("query {query:?}"))?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        let answer: Value =
            serde_json::from_str(&text).with_context(|| format!("answer to {query:?}: {text:.200}"))?;
        let failed = answer.get("error").or_else(|| answer.pointer("/results/0/error"));
        if let Some(error) = failed {
            bail!("query {query:?}: {}", error.as_str().unwrap_or_default());
        }
        Ok(answer)
    }

    /// The rows of the answer to a `SELECT`, each as an object of columns; tags of `GROUP BY` are columns too.
    pub fn rows(&self, database: &str, query: &str) -> Result<Vec<Map<String, Value>>> {
        let answer = self.query(database, query)?;
        let mut rows = Vec::new();
        let series = answer.pointer("/results/0/series").and_then(Value::as_array);
        for one in series.into_iter().flatten() {
            let columns = one["columns"]
                .as_array()
                .ok_or_else(|| anyhow!("a series without columns"))?;
            let tags = one["tags"].as_object();
            for values in one["values"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_array)
            {
                let named = columns
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .zip(values.iter().cloned());
                let tags = tags.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone()));
                rows.push(named.chain(tags).collect());
            }
        }
        Ok(rows)
    }

    /// How many points of `measurement` have `field`. 0 where the database or measurement does not exist.
    pub fn count(&self, database: &str, measurement: &str, field: &str) -> Result<u64> {
        let query = format!(r#"SELECT count("{field}") FROM "{measurement}""#);
        match self.rows(database, &query) {
            Ok(rows) => Ok(rows
                .first()
                .and_then(|r| r.get("count"))
                .and_then(Value::as_u64)
                .unwrap_or(0)),
            Err(e) if e.to_string().contains("database not found") => Ok(0),
            Err(e) => Err(e),
        }
    }

    /// Every point of `measurement`, tags and fields in one object beside `time`.
    pub fn points(&self, database: &str, measurement: &str) -> Result<Vec<Map<String, Value>>> {
        self.rows(database, &format!(r#"SELECT * FROM "{measurement}""#))
    }

    /// The fields of `measurement` with their types: float, integer, string, boolean.
    pub fn field_types(&self, database: &str, measurement: &str) -> Result<Vec<(String, String)>> {
        let rows = self.rows(database, &format!(r#"SHOW FIELD KEYS FROM "{measurement}""#))?;
        let text = |row: &Map<String, Value>, key: &str| {
            row.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(rows
            .iter()
            .map(|r| (text(r, "fieldKey"), text(r, "fieldType")))
            .collect())
    }

    /// The tag keys of `measurement`.
    pub fn tag_keys(&self, database: &str, measurement: &str) -> Result<Vec<String>> {
        let rows = self.rows(database, &format!(r#"SHOW TAG KEYS FROM "{measurement}""#))?;
        Ok(rows
            .iter()
            .filter_map(|r| r.get("tagKey")?.as_str().map(str::to_owned))
            .collect())
    }
}
