use mongodb::bson::{Bson, Document, doc};

use super::*;

const TIME: i64 = 1_700_000_000_123_456_789;

fn metric() -> Metric {
    let mut m = Metric::new("weather", TIME);
    m.set_tag("site", "north");
    m.set_tag("sensor_id", "s-7");
    m.set_field("value", 21.5);
    m.set_field("count", 3i64);
    m.set_field("total", 4u64);
    m.set_field("ok", true);
    m.set_field("state", "fine");
    m
}

fn layout(change: impl FnOnce(&mut MongodbConfig)) -> Result<Layout> {
    let mut config = MongodbConfig::default();
    change(&mut config);
    Layout::new(&config)
}

fn form(entries: &[(&str, &str)]) -> Form {
    Form(
        entries
            .iter()
            .map(|(k, s)| ((*k).to_owned(), (*s).to_owned()))
            .collect(),
    )
}

/// The document without its `_id`.
fn document(layout: &Layout, metric: &Metric) -> Document {
    let mut doc = Document::try_from(layout.document(metric).unwrap()).unwrap();
    assert!(doc.remove("_id").is_some());
    doc
}

fn date() -> Bson {
    Bson::DateTime(DateTime::from_millis(1_700_000_000_123))
}

#[test]
fn telegrafs_form_has_time_tags_and_fields() {
    let want = doc! {
        "timestamp": date(), "tags": { "sensor_id": "s-7", "site": "north" },
        "value": 21.5, "count": 3i64, "total": 4i64, "ok": true, "state": "fine",
    };
    let layout = layout(|_| {}).unwrap();
    assert_eq!(document(&layout, &metric()), want);
    assert_eq!(
        (layout.time_key(), layout.meta_key()),
        (Some("timestamp"), Some("tags"))
    );
}

#[test]
fn metadata_is_kept_moved_or_alone() {
    for (strategy, tags) in [
        ("keep", Some(doc! { "sensor_id": "s-7", "site": "north" })),
        ("move", Some(doc! { "site": "north" })),
        ("clear", None),
    ] {
        let layout = layout(|c| {
            c.metadata_keys = vec!["sensor*".into()];
            c.metadata_tag_strategy = strategy.into();
        })
        .unwrap();
        let doc = document(&layout, &metric());
        assert_eq!(
            doc.get_document("metadata").unwrap(),
            &doc! { "sensor_id": "s-7" }
        );
        assert_eq!(doc.get_document("tags").ok(), tags.as_ref(), "{strategy}");
        assert_eq!(layout.meta_key(), Some("metadata"));
    }
    assert!(layout(|c| c.metadata_tag_strategy = "burn".into()).is_err());
}

#[test]
fn an_own_form_holds_what_it_names() {
    let layout = layout(|c| {
        c.document = form(&[
            ("sensor_id", "tag:sensor_id"),
            ("value", "field:value"),
            ("timestamp", "time"),
            ("ns", "time:ns"),
            ("name", "name"),
            ("site", "=here"),
            ("missing", "tag:missing"),
            ("all", "fields"),
            ("t", "tags"),
        ]);
    })
    .unwrap();
    let want = doc! {
        "sensor_id": "s-7", "value": 21.5, "timestamp": date(), "ns": TIME, "name": "weather", "site": "here",
        "all": { "value": 21.5, "count": 3i64, "total": 4i64, "ok": true, "state": "fine" },
        "t": { "sensor_id": "s-7", "site": "north" },
    };
    assert_eq!(document(&layout, &metric()), want);
    assert_eq!(
        (layout.time_key(), layout.meta_key()),
        (Some("timestamp"), Some("t"))
    );
}

#[test]
fn a_metric_without_the_fields_asked_for_is_refused() {
    let layout = layout(|c| c.document = form(&[("value", "field:other"), ("timestamp", "time")])).unwrap();
    assert!(
        layout
            .document(&metric())
            .unwrap_err()
            .contains("none of the fields")
    );
}

#[test]
fn what_bson_cannot_hold_is_refused_with_a_reason() {
    let layout = layout(|_| {}).unwrap();
    let mut m = metric();
    m.set_field("total", u64::MAX);
    assert!(
        layout
            .document(&m)
            .unwrap_err()
            .contains("\"total\": 18446744073709551615")
    );
    let mut m = metric();
    m.set_field("a\0b", 1i64);
    assert!(layout.document(&m).unwrap_err().contains("zero byte"));
}

#[test]
fn a_key_never_stands_twice() {
    let mut m = metric();
    m.set_field("timestamp", 1i64);
    m.set_field("tags", "x");
    m.set_field("metadata", 2i64);
    let doc = document(&layout(|_| {}).unwrap(), &m);
    assert_eq!(doc.get("timestamp"), Some(&date()));
    assert_eq!(doc.get("_timestamp"), Some(&Bson::Int64(1)));
    assert_eq!(doc.get("_tags"), Some(&Bson::String("x".into())));
    assert_eq!(doc.get("metadata"), Some(&Bson::Int64(2)));
}

#[test]
fn ids_come_from_the_metric_where_that_is_asked_for() {
    let own = layout(|c| c.document = form(&[("_id", "tag:sensor_id"), ("value", "field:value")])).unwrap();
    let doc = Document::try_from(own.document(&metric()).unwrap()).unwrap();
    assert_eq!(doc, doc! { "_id": "s-7", "value": 21.5 });

    let same = layout(|c| c.idempotent = true).unwrap();
    assert_eq!(
        same.document(&metric()).unwrap(),
        same.document(&metric()).unwrap()
    );
    let fresh = layout(|_| {}).unwrap();
    assert_ne!(
        fresh.document(&metric()).unwrap(),
        fresh.document(&metric()).unwrap()
    );

    let both = layout(|c| {
        c.idempotent = true;
        c.document = form(&[("_id", "tag:sensor_id")]);
    });
    assert!(both.is_err());
}
