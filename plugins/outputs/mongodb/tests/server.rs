//! The output against a server: what is stored, what is refused, what comes again.

use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, CreateCollectionOptions};
use mongodb::{Client, Database};
use wheatstone_output_mongodb as _;
use wheatstone_plugin::conf::{Node, NodeKind, Table};
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{Build, Kind};
use wheatstone_testkit::SecantusMongo;
use wheatstone_testkit::plugin::context;

fn text(s: &str) -> Node {
    Node::bare(NodeKind::String(s.to_owned()))
}
fn table(entries: &[(&str, Node)]) -> Table {
    let mut table = Table::default();
    for (key, value) in entries {
        table.set(key, value.clone());
    }
    table
}

fn output(url: &str, more: &[(&str, Node)]) -> Result<Box<dyn Output>> {
    let mut table = table(more);
    table.set("dsn", text(url));
    if table.get("timeout").is_none() {
        table.set("timeout", text("5s"));
    }
    let cx = context(Kind::Output, "mongodb", table);
    match wheatstone_plugin::find(Kind::Output, "mongodb").map(|r| r.build) {
        Some(Build::Output(build)) => build(&cx),
        _ => bail!("not registered"),
    }
}

async fn database(url: &str) -> Result<Database> {
    Ok(Client::with_options(ClientOptions::parse(url).await?)?.database("telegraf"))
}

async fn connect(output: &mut Box<dyn Output>) -> Result<()> {
    output.connect().await.map_err(|e| e.error)
}

async fn write(output: &mut Box<dyn Output>, metrics: &[Metric]) -> Result<(), WriteError> {
    output.write(&metrics.iter().collect::<Vec<_>>()).await
}

async fn all(database: &Database, collection: &str) -> Result<Vec<Document>> {
    let mut cursor = database
        .collection::<Document>(collection)
        .find(doc! {})
        .sort(doc! { "_id": 1 })
        .await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}

fn reading(sensor: &str, value: impl Into<Value>, time: Timestamp) -> Metric {
    let mut m = Metric::new("weather", time);
    m.set_tag("sensor_id", sensor);
    m.set_field("value", value);
    m
}

const TIME: i64 = 1_700_000_000_000_000_000;

fn form() -> Node {
    Node::bare(NodeKind::Table(table(&[
        ("sensor_id", text("tag:sensor_id")),
        ("value", text("field:value")),
        ("timestamp", text("time")),
    ])))
}

#[tokio::test]
#[ignore = "needs servers: cargo xtask test"]
async fn metrics_become_documents_in_a_collection_per_measurement() -> Result<()> {
    let server = SecantusMongo::start()?;
    let mut out = output(&server.url(), &[])?;
    connect(&mut out).await?;
    let mut other = reading("s-1", 7i64, TIME);
    other.set_name("room");
    write(
        &mut out,
        &[
            reading("s-1", 21.5, TIME),
            other,
            reading("s-2", "wet", TIME + 1_000_000),
        ],
    )
    .await
    .map_err(|e| e.error)?;
    out.close().await?;

    let database = database(&server.url()).await?;
    let weather = all(&database, "weather").await?;
    assert_eq!(weather.len(), 2);
    assert_eq!(weather[0].get_f64("value")?, 21.5);
    assert_eq!(weather[0].get_document("tags")?, &doc! { "sensor_id": "s-1" });
    assert_eq!(
        weather[0].get_datetime("timestamp")?.timestamp_millis(),
        1_700_000_000_000
    );
    assert_eq!(weather[1].get_str("value")?, "wet");
    assert_eq!(all(&database, "room").await?[0].get_i64("value")?, 7);
    Ok(())
}

#[tokio::test]
#[ignore = "needs servers: cargo xtask test"]
async fn documents_take_the_form_that_is_asked_for() -> Result<()> {
    let server = SecantusMongo::start()?;
    let more = [
        ("document", form()),
        ("collection", text("readings_{tag:sensor_id}")),
        ("ttl", text("1h")),
    ];
    let mut out = output(&server.url(), &more)?;
    connect(&mut out).await?;
    let now = wheatstone_plugin::time::now();
    write(&mut out, &[reading("s-1", 21.5, now)])
        .await
        .map_err(|e| e.error)?;

    let database = database(&server.url()).await?;
    let mut readings = all(&database, "readings_s-1").await?;
    assert!(readings[0].remove("_id").is_some());
    assert_eq!(
        readings[0].keys().collect::<Vec<_>>(),
        ["sensor_id", "value", "timestamp"]
    );
    let mut expiries = Vec::new();
    let mut indexes = database
        .collection::<Document>("readings_s-1")
        .list_indexes()
        .await?;
    while indexes.advance().await? {
        expiries.extend(
            indexes
                .deserialize_current()?
                .options
                .and_then(|o| o.expire_after),
        );
    }
    assert_eq!(expiries, [std::time::Duration::from_secs(3600)]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs servers: cargo xtask test"]
async fn what_comes_twice_is_stored_once_where_that_is_asked_for() -> Result<()> {
    let server = SecantusMongo::start()?;
    let mut out = output(
        &server.url(),
        &[("idempotent", Node::bare(NodeKind::Boolean(true)))],
    )?;
    connect(&mut out).await?;
    let (first, second) = (reading("s-1", 1.0, TIME), reading("s-2", 2.0, TIME));
    write(&mut out, std::slice::from_ref(&first))
        .await
        .map_err(|e| e.error)?;
    write(&mut out, &[first, second]).await.map_err(|e| e.error)?;
    assert_eq!(all(&database(&server.url()).await?, "weather").await?.len(), 2);
    Ok(())
}

#[tokio::test]
#[ignore = "needs servers: cargo xtask test"]
async fn a_refused_document_does_not_take_the_others_along() -> Result<()> {
    let server = SecantusMongo::start()?;
    let database = database(&server.url()).await?;
    let mut options = CreateCollectionOptions::default();
    options.validator = Some(doc! { "value": { "$type": "double" } });
    database
        .create_collection("weather")
        .with_options(options)
        .await?;

    let mut out = output(&server.url(), &[("document", form())])?;
    connect(&mut out).await?;
    let metrics = [
        reading("s-1", 1.0, TIME),
        reading("s-2", "text", TIME),
        reading("s-3", u64::MAX, TIME),
        reading("s-4", "x".repeat(17 << 20), TIME),
        reading("s-5", 5.0, TIME),
    ];
    let Err(error) = write(&mut out, &metrics).await else {
        bail!("all were accepted")
    };
    assert_eq!(error.accepted, [0, 4]);
    let rejected: Vec<_> = error.rejected.iter().map(|r| r.index).collect();
    assert_eq!(rejected, [1, 2, 3], "{error}");
    assert!(
        error.rejected[0].reason.contains("121"),
        "{}",
        error.rejected[0].reason
    );
    assert_eq!(all(&database, "weather").await?.len(), 2);
    Ok(())
}

#[tokio::test]
#[ignore = "needs servers: cargo xtask test"]
async fn a_server_that_is_away_is_waited_for() -> Result<()> {
    let mut server = SecantusMongo::start()?;
    let url = server.url();
    let mut out = output(&url, &[("timeout", text("2s"))])?;
    connect(&mut out).await?;
    write(&mut out, &[reading("s-1", 1.0, TIME)])
        .await
        .map_err(|e| e.error)?;
    server.kill9()?;
    let Err(error) = write(&mut out, &[reading("s-2", 2.0, TIME)]).await else {
        bail!("nobody was there")
    };
    assert!(
        error.accepted.is_empty() && error.rejected.is_empty(),
        "{error:?}"
    );

    let mut second = output(&url, &[("timeout", text("1s"))])?;
    let Err(start) = second.connect().await else {
        bail!("nobody was there")
    };
    assert!(start.retry, "{:#}", start.error);

    server.restart()?;
    write(&mut out, &[reading("s-2", 2.0, TIME)])
        .await
        .map_err(|e| e.error)?;
    let stored = all(&database(&url).await?, "weather").await?;
    assert!(
        stored.iter().any(|d| d.get_f64("value").is_ok_and(|v| v == 2.0)),
        "{stored:?}"
    );
    Ok(())
}

#[tokio::test]
#[ignore = "needs servers: cargo xtask test"]
async fn tls_is_checked_against_the_given_authority() -> Result<()> {
    let server = SecantusMongo::with(&[], true)?;
    let certs = server.certs().context("no certificates")?;
    let ca = certs.ca.display().to_string();
    let url = server.url().replace("127.0.0.1", "localhost");
    let mut out = output(&url, &[("tls_ca", text(&ca))])?;
    connect(&mut out).await?;
    write(&mut out, &[reading("s-1", 1.0, TIME)])
        .await
        .map_err(|e| e.error)?;

    let mut unchecked = output(
        &url,
        &[("insecure_skip_verify", Node::bare(NodeKind::Boolean(true)))],
    )?;
    connect(&mut unchecked).await?;
    let unknown = [
        ("timeout", text("2s")),
        ("tls_enable", Node::bare(NodeKind::Boolean(true))),
    ];
    assert!(output(&url, &unknown)?.connect().await.is_err());
    Ok(())
}

#[tokio::test]
#[ignore = "needs servers: cargo xtask test"]
async fn users_log_in_with_their_password() -> Result<()> {
    let home = SecantusMongo::start()?;
    let data = home.dir().join("users").display().to_string();
    let mut open = SecantusMongo::with(&["--storage-path", &data], false)?;
    let create =
        doc! { "createUser": "agent", "pwd": "s3cret", "roles": [{ "role": "readWrite", "db": "telegraf" }] };
    database(&open.url())
        .await?
        .client()
        .database("admin")
        .run_command(create)
        .await?;
    open.terminate()?;

    let server = SecantusMongo::with(&["--auth", "--storage-path", &data], false)?;
    let login = |password: &str| {
        output(
            &server.url(),
            &[
                ("authentication", text("SCRAM")),
                ("username", text("agent")),
                ("password", text(password)),
            ],
        )
    };
    let mut out = login("s3cret")?;
    connect(&mut out).await?;
    write(&mut out, &[reading("s-1", 1.0, TIME)])
        .await
        .map_err(|e| e.error)?;
    let Err(start) = login("wrong")?.connect().await else {
        bail!("any password will do")
    };
    assert!(!start.retry, "{:#}", start.error);
    Ok(())
}

#[tokio::test]
#[ignore = "needs servers: cargo xtask test"]
async fn a_server_in_trouble_loses_no_document() -> Result<()> {
    let server = SecantusMongo::with(&["--enable-test-commands"], false)?;
    // The driver asks a server that reported trouble again after this time.
    let mut out = output(&format!("{}&heartbeatFrequencyMS=500", server.url()), &[])?;
    connect(&mut out).await?;
    write(&mut out, &[reading("s-0", 0.0, TIME)])
        .await
        .map_err(|e| e.error)?;
    let admin = database(&server.url()).await?.client().database("admin");
    for failure in [
        doc! { "errorCode": 11600 },
        doc! { "errorCode": 13 },
        doc! { "closeConnection": true },
    ] {
        let mut data = doc! { "failCommands": ["insert"] };
        data.extend(failure.clone());
        admin
            .run_command(doc! { "configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data })
            .await?;
        let Err(error) = write(&mut out, &[reading("s-1", 1.0, TIME)]).await else {
            bail!("written despite {failure}")
        };
        assert!(
            error.accepted.is_empty() && error.rejected.is_empty(),
            "{failure}: {error:?}"
        );
        admin
            .run_command(doc! { "configureFailPoint": "failCommand", "mode": "off" })
            .await?;
        write(&mut out, &[reading("s-1", 1.0, TIME)])
            .await
            .map_err(|e| e.error)?;
    }
    assert_eq!(all(&database(&server.url()).await?, "weather").await?.len(), 4);
    Ok(())
}
