//! Mosquitto to a MongoDB-compatible server, and to a file beside it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Bson, DateTime, Document, doc};
use wheatstone_testkit::{Agent, SecantusMongo, wait_for};

use crate::readings::{
    AGENT, device, json_input, line, many, patience, patient_broker, publisher, site, state, subscribed, time,
};

/// Waits until the collection holds `count` documents, and gives them.
async fn documents(db: &SecantusMongo, collection: &str, count: u64) -> Result<Vec<Document>> {
    let client = mongodb::Client::with_uri_str(db.url()).await?;
    let collection: Collection<Document> = client.database("telegraf").collection(collection);
    let end = Instant::now() + patience();
    loop {
        let there = collection.count_documents(doc! {}).await?;
        if there >= count {
            break;
        }
        if Instant::now() > end {
            bail!("{there} of {count} documents");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(collection.find(doc! {}).await?.try_collect().await?)
}

/// The keys with their values; their order is not fixed.
fn sorted(document: &Document) -> Vec<(&str, &str)> {
    let mut all: Vec<_> = document
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str().unwrap_or("no text")))
        .collect();
    all.sort_unstable();
    all
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

#[test]
#[ignore = "needs mosquitto and secantusdb"]
fn every_reading_becomes_a_document_and_a_line() -> Result<()> {
    let (broker, db) = (patient_broker()?, SecantusMongo::start()?);
    let outputs = format!(
        r#"
[[outputs.mongodb]]
  dsn = "{}"
  database = "telegraf"
  granularity = "seconds"
[[outputs.file]]
  files = ["$DIR/out.lp"]
  data_format = "influx"
  influx_sort_fields = true
"#,
        db.url()
    );
    let mut agent = Agent::start(&(AGENT.to_owned() + &json_input(&broker, "") + &outputs))?;
    subscribed(&broker, &agent, "sensors/#")?;
    publisher(&broker, many()).run()?;

    let mut found = BTreeSet::new();
    for document in runtime()?.block_on(documents(&db, "sensors", many()))? {
        let n = document.get_f64("n").context("n is no double")? as u64;
        assert!(found.insert(n), "{n} is there twice");
        let tags = doc! { "device": device(n), "sensor_id": format!("s{}", n % 50), "site": site(n) };
        assert_eq!(sorted(document.get_document("tags")?), sorted(&tags));
        assert_eq!(document.get("ok"), Some(&Bson::Boolean(n.is_multiple_of(2))));
        assert_eq!(document.get_str("state")?, state(n));
        assert_eq!(document.get_f64("value")?, (n % 100) as f64 + 0.25);
        // A date has milliseconds.
        assert_eq!(
            document.get_datetime("timestamp")?,
            &DateTime::from_millis(time(n) / 1_000_000)
        );
    }
    assert!(found.into_iter().eq(0..many()), "a reading is missing");

    let file = agent.dir().join("out.lp");
    let lines = wait_for("the last line of the file", patience(), || {
        let text = std::fs::read_to_string(&file).ok()?;
        (text.lines().count() as u64 >= many()).then_some(text)
    })?;
    let mut lines: Vec<&str> = lines.lines().collect();
    let mut expected: Vec<String> = (0..many()).map(line).collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines.len(), expected.len());
    if let Some((got, wanted)) = lines.iter().zip(&expected).find(|(a, b)| *a != b) {
        bail!("the file has {got:?} where {wanted:?} should be");
    }
    agent.finish()
}

#[test]
#[ignore = "needs mosquitto and secantusdb"]
fn a_document_takes_the_form_that_the_configuration_draws() -> Result<()> {
    const COUNT: u64 = 500;
    let (broker, db) = (patient_broker()?, SecantusMongo::start()?);
    let output = format!(
        r#"
[[outputs.mongodb]]
  dsn = "{}"
  database = "telegraf"
  collection = "readings"
  [outputs.mongodb.document]
    sensor_id = "tag:sensor_id"
    value = "field:value"
    n = "field:n"
    timestamp = "time"
"#,
        db.url()
    );
    let mut agent = Agent::start(&(AGENT.to_owned() + &json_input(&broker, "") + &output))?;
    subscribed(&broker, &agent, "sensors/#")?;
    publisher(&broker, COUNT).run()?;

    let documents = runtime()?.block_on(documents(&db, "readings", COUNT))?;
    assert_eq!(documents.len() as u64, COUNT);
    for mut document in documents {
        document.remove("_id");
        let n = document.get_f64("n")? as u64;
        let expected = doc! {
            "sensor_id": format!("s{}", n % 50), "value": (n % 100) as f64 + 0.25, "n": n as f64,
            "timestamp": DateTime::from_millis(time(n) / 1_000_000),
        };
        assert_eq!(document, expected);
    }
    agent.finish()
}
