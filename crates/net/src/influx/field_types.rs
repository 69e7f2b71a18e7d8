//! The types that fields have in a database, asked by InfluxQL: InfluxDB 1 answers it, and 2 for buckets that it maps to databases.

use serde_json::Value;
use wheatstone_plugin::KnownField;
use wheatstone_plugin::anyhow::{Result, anyhow, bail};

use crate::http::reqwest::{RequestBuilder, Response};
use crate::http::{Address, describe, encode_query, read_text, reqwest, status_line};

/// A larger answer is not read: a guard that knows nothing beforehand is better than an agent without memory.
const LARGEST: usize = 64 << 20;

/// The URL that asks for the types of a database's fields.
pub fn field_types_url(address: &Address, database: &str) -> reqwest::Url {
    let mut url = address.endpoint("query");
    let query = [("db", database), ("q", "SHOW FIELD KEYS")];
    encode_query(&mut url, query.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    url
}

/// Sends such a request, credentials in it, and reads the answer.
pub async fn field_types(
    request: RequestBuilder,
    url: &reqwest::Url,
    address: &Address,
) -> Result<Vec<KnownField>> {
    let unanswered = |e| anyhow!(describe(&e, url, address));
    let response = request.send().await.map_err(unanswered)?;
    let status = status_line(&response);
    if response.status() != reqwest::StatusCode::OK {
        let text = read_text(response).await.map_err(unanswered)?;
        bail!("{status}: {}", text.trim());
    }
    let body = read(response).await.map_err(unanswered)?;
    parse(&body.ok_or_else(|| anyhow!("an answer of more than {LARGEST} bytes"))?)
}

async fn read(mut response: Response) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// Reads the answer. A field that has several types (its shards do not agree) is left out: nobody can say which one counts.
fn parse(body: &[u8]) -> Result<Vec<KnownField>> {
    let json: Value = serde_json::from_slice(body)?;
    let result = &json["results"][0];
    if let Some(error) = json["error"].as_str().or_else(|| result["error"].as_str()) {
        bail!("{error}");
    }
    let mut known: Vec<KnownField> = Vec::new();
    for series in result["series"].as_array().into_iter().flatten() {
        let from = known.len();
        for row in series["values"].as_array().into_iter().flatten() {
            let (Some(measurement), Some(field), Some(kind)) =
                (series["name"].as_str(), row[0].as_str(), row[1].as_str())
            else {
                bail!(
                    "an answer of another form: {}",
                    row.to_string().chars().take(80).collect::<String>()
                );
            };
            let [measurement, field, kind] = [measurement, field, kind].map(str::to_owned);
            known.push(KnownField {
                measurement,
                field,
                kind,
            });
        }
        let mut own = known.split_off(from);
        own.sort_by(|a, b| a.field.cmp(&b.field));
        for group in own.chunk_by(|a, b| a.field == b.field) {
            if let [only] = group {
                known.push(only.clone());
            }
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> String {
        match parse(json.as_bytes()) {
            Ok(known) => known
                .iter()
                .map(|k| format!("{}.{}:{} ", k.measurement, k.field, k.kind))
                .collect(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn every_field_of_every_measurement_is_read() {
        let json = r#"{"results":[{"statement_id":0,"series":[
            {"name":"hall","columns":["fieldKey","fieldType"],"values":[["t","float"],["open","boolean"]]},
            {"name":"site","columns":["fieldKey","fieldType"],"values":[["n","integer"],["t","string"],["n","float"]]}]}]}"#;
        assert_eq!(read(json), "hall.open:boolean hall.t:float site.t:string ");
        assert_eq!(
            read(r#"{"results":[{"statement_id":0}]}"#),
            "",
            "an empty database"
        );
        assert_eq!(read("{}"), "");
    }

    #[test]
    fn errors_are_those_of_the_server() {
        assert_eq!(
            read(r#"{"results":[{"error":"database not found: x"}]}"#),
            "database not found: x"
        );
        assert_eq!(
            read(r#"{"error":"authorization failed"}"#),
            "authorization failed"
        );
        assert!(read("<html>").starts_with("expected value"));
        let odd = r#"{"results":[{"series":[{"name":"m","values":[[1,"float"]]}]}]}"#;
        assert_eq!(read(odd), "an answer of another form: [1,\"float\"]");
    }
}
