//! Payloads from prost's encoder in, metrics compared.

mod proto;
mod remembered;
mod shapes;

use std::sync::Arc;

use proptest::prelude::*;
use prost::Message as _;
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::{AgentInfo, Kind, States};

use super::*;
use crate::testing::{NOW, build, lines, show};
use proto::{Metric as Sent, Payload, Value as V};

/// The time of the payloads, in milliseconds.
const SENT: u64 = 1_700_000_000_000;

fn metric(name: &str, datatype: u32, value: V) -> Sent {
    Sent {
        name: Some(name.to_owned()),
        datatype: Some(datatype),
        value: Some(value),
        ..Sent::default()
    }
}

fn aliased(alias: u64, value: V) -> Sent {
    Sent {
        alias: Some(alias),
        value: Some(value),
        ..Sent::default()
    }
}

fn named(name: &str, alias: u64, datatype: u32, value: V) -> Sent {
    Sent {
        alias: Some(alias),
        ..metric(name, datatype, value)
    }
}

fn payload(seq: u64, metrics: Vec<Sent>) -> Payload {
    Payload {
        timestamp: Some(SENT),
        seq: Some(seq),
        metrics,
        ..Payload::default()
    }
}

fn bd_seq(number: u64) -> Sent {
    metric("bdSeq", 4, V::Long(number))
}

fn send(parser: &mut Sparkplug, topic: &str, payload: &Payload) -> Result<Vec<String>, String> {
    send_at(parser, topic, &payload.encode_to_vec(), NOW)
}

fn send_at(parser: &mut Sparkplug, topic: &str, bytes: &[u8], now: Timestamp) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    parser.set_source(topic);
    parser
        .parse(bytes, now, &mut out)
        .map_err(|error| format!("{error:#}"))?;
    // All payloads here are of one time, unless a test says otherwise.
    let time = format!(" {SENT}000000");
    Ok(out.iter().map(|m| show(m).replace(&time, "")).collect())
}

fn plain() -> Sparkplug {
    build::<Sparkplug>(SparkplugConfig::default()).expect("valid options")
}

fn asking() -> Sparkplug {
    let config = SparkplugConfig {
        sparkplug_rebirth: true,
        ..SparkplugConfig::default()
    };
    build::<Sparkplug>(config).expect("valid options")
}

const NODE: &str = "edge_node_id=E,group_id=G";

const DEVICE: &str = "device_id=D,edge_node_id=E,group_id=G";

#[test]
fn births_name_the_aliases_of_data() {
    let mut parser = plain();
    let birth = payload(
        0,
        vec![
            bd_seq(3),
            named("temp", 1, 10, V::Double(20.5)),
            named("count", 2, 3, V::Int(7)),
        ],
    );
    assert_eq!(
        send(&mut parser, "spBv1.0/G/NBIRTH/E", &birth),
        lines(&[
            &format!("sparkplug_state,{NODE} online=Bool(true),bd_seq=Int(3)"),
            &format!("m,{NODE} temp=Float(20.5),count=Int(7)"),
        ])
    );
    // The same aliases mean other things for a device.
    let device = payload(1, vec![named("level", 1, 9, V::Float(0.5))]);
    assert_eq!(
        send(&mut parser, "spBv1.0/G/DBIRTH/E/D", &device),
        lines(&[
            &format!("sparkplug_state,{DEVICE} online=Bool(true)"),
            &format!("m,{DEVICE} level=Float(0.5)"),
        ])
    );
    let data = payload(2, vec![aliased(2, V::Int(u32::MAX)), aliased(1, V::Double(21.0))]);
    assert_eq!(
        send(&mut parser, "spBv1.0/G/NDATA/E", &data),
        lines(&[&format!("m,{NODE} count=Int(-1),temp=Float(21.0)")])
    );
    let data = payload(3, vec![aliased(1, V::Float(0.25))]);
    assert_eq!(
        send(&mut parser, "spBv1.0/G/DDATA/E/D", &data),
        lines(&[&format!("m,{DEVICE} level=Float(0.25)")])
    );
}

#[test]
fn a_new_birth_gives_aliases_new_names() {
    let mut parser = plain();
    let birth = |name| payload(0, vec![named(name, 1, 10, V::Double(1.0))]);
    send(&mut parser, "spBv1.0/G/NBIRTH/E", &birth("a")).expect("a birth");
    send(&mut parser, "spBv1.0/G/NBIRTH/E", &birth("b")).expect("a birth");
    let data = payload(1, vec![aliased(1, V::Double(2.0))]);
    assert_eq!(
        send(&mut parser, "spBv1.0/G/NDATA/E", &data),
        lines(&[&format!("m,{NODE} b=Float(2.0)")])
    );
}

#[test]
fn a_nodes_death_is_its_devices_death() {
    let mut parser = plain();
    let birth = payload(0, vec![bd_seq(4)]);
    send(&mut parser, "spBv1.0/G/NBIRTH/E", &birth).expect("a birth");
    for (seq, device) in [(1, "D"), (2, "gone")] {
        let topic = format!("spBv1.0/G/DBIRTH/E/{device}");
        send(&mut parser, &topic, &payload(seq, vec![])).expect("a birth");
    }
    assert_eq!(
        send(&mut parser, "spBv1.0/G/DDEATH/E/gone", &payload(3, vec![])),
        lines(&["sparkplug_state,device_id=gone,edge_node_id=E,group_id=G online=Bool(false)"])
    );
    // The will of the connection before this one comes late: it says nothing of this one.
    let death = |number| Payload {
        seq: None,
        ..payload(0, vec![bd_seq(number)])
    };
    assert_eq!(send(&mut parser, "spBv1.0/G/NDEATH/E", &death(3)), lines(&[]));
    // A will's own time is that of the connection; its death is now.
    assert_eq!(
        send(&mut parser, "spBv1.0/G/NDEATH/E", &death(4)),
        lines(&[
            &format!("sparkplug_state,{NODE} online=Bool(false),bd_seq=Int(4)"),
            &format!("sparkplug_state,{DEVICE} online=Bool(false)"),
        ])
    );
}

#[test]
fn states_of_host_applications_in_both_forms() {
    let mut parser = plain();
    let mut send = |topic, text: &str| send_at(&mut parser, topic, text.as_bytes(), NOW);
    let online = |online: bool| format!("sparkplug_state,host_id=scada online=Bool({online})");
    let json = format!(r#"{{"online":true,"timestamp":{SENT}}}"#);
    assert_eq!(send("spBv1.0/STATE/scada", &json), lines(&[&online(true)]));
    assert_eq!(send("STATE/scada", "OFFLINE"), lines(&[&online(false)]));
    let wrong = send("STATE/scada", "offline?").expect_err("no state");
    assert!(
        wrong.starts_with("the state of host \"scada\" is neither JSON nor ONLINE nor OFFLINE:")
            && wrong.ends_with("\"offline?\""),
        "{wrong}"
    );
}

#[test]
fn without_a_topic_payloads_are_read_all_the_same() {
    let mut parser = plain();
    let birth = payload(0, vec![named("a", 1, 3, V::Int(1))]);
    assert_eq!(
        send(&mut parser, "/data/dump.bin", &birth),
        lines(&["m a=Int(1)"])
    );
    let data = payload(1, vec![aliased(1, V::Int(2))]);
    assert_eq!(send(&mut parser, "", &data), lines(&["m a=Int(2)"]));
}

#[test]
fn commands_only_where_they_are_wanted() {
    let command = payload(0, vec![metric("Node Control/Reboot", 11, V::Boolean(true))]);
    assert_eq!(send(&mut plain(), "spBv1.0/G/NCMD/E", &command), lines(&[]));
    let config = SparkplugConfig {
        sparkplug_commands: true,
        ..SparkplugConfig::default()
    };
    let mut parser = build::<Sparkplug>(config).expect("valid options");
    assert_eq!(
        send(&mut parser, "spBv1.0/G/NCMD/E", &command),
        lines(&[&format!(
            "m,{NODE},message_type=NCMD Node Control/Reboot=Bool(true)"
        )])
    );
}

#[test]
fn what_is_wrong_is_said_and_leaves_nothing() {
    let mut parser = plain();
    let mut bytes = payload(0, vec![metric("a", 3, V::Int(1)), metric("b", 3, V::Int(2))]).encode_to_vec();
    let whole = bytes.len();
    bytes.truncate(whole - 3);
    let mut out = vec![wheatstone_plugin::Metric::new("before", 1)];
    parser.set_source("spBv1.0/G/NDATA/E");
    let error = parser.parse(&bytes, NOW, &mut out).expect_err("cut off");
    assert_eq!(out.len(), 1);
    assert_eq!(
        error.to_string(),
        format!(
            "not a Sparkplug B payload: a field that ends beyond its message at byte 18 of {}",
            whole - 3
        )
    );
    let squeezed = Payload {
        uuid: Some("SPBV1.0_COMPRESSED".to_owned()),
        body: Some(vec![1, 2]),
        ..Payload::default()
    };
    let error = send(&mut parser, "spBv1.0/G/NDATA/E", &squeezed).expect_err("not read");
    assert!(error.contains("a compressed payload"), "{error}");
}

fn any_value() -> impl Strategy<Value = (u32, V)> {
    prop_oneof![
        (0..40u32, any::<u32>()).prop_map(|(t, n)| (t, V::Int(n))),
        (0..40u32, any::<u64>()).prop_map(|(t, n)| (t, V::Long(n))),
        (0..40u32, any::<f32>()).prop_map(|(t, n)| (t, V::Float(n))),
        (0..40u32, any::<f64>()).prop_map(|(t, n)| (t, V::Double(n))),
        (0..40u32, any::<bool>()).prop_map(|(t, n)| (t, V::Boolean(n))),
        (0..40u32, "\\PC{0,8}").prop_map(|(t, n)| (t, V::String(n))),
        (0..40u32, proptest::collection::vec(any::<u8>(), 0..20)).prop_map(|(t, n)| (t, V::Bytes(n))),
    ]
}

fn any_metric() -> impl Strategy<Value = Sent> {
    let flags = (
        any::<Option<bool>>(),
        any::<Option<bool>>(),
        any::<Option<bool>>(),
    );
    (
        proptest::option::of("[a-d/]{0,3}"),
        any::<Option<u8>>(),
        proptest::option::of(SENT..SENT + 3),
        any_value(),
        flags,
    )
        .prop_map(|(name, alias, timestamp, (datatype, value), flags)| Sent {
            name,
            alias: alias.map(u64::from),
            timestamp,
            datatype: Some(datatype),
            is_historical: flags.0,
            is_transient: flags.1,
            is_null: flags.2,
            value: Some(value),
            ..Sent::default()
        })
}

proptest! {
    /// Whole numbers and floats come out as they went in, whatever their width and sign.
    #[test]
    fn numbers_survive(a in any::<i8>(), b in any::<i16>(), c in any::<i32>(), d in any::<i64>(), e in any::<u64>(), f in any::<f32>()) {
        let sent = payload(0, vec![
            metric("a", 1, V::Int(a as u32)),
            metric("narrow", 1, V::Int(u32::from(a as u8))),
            metric("b", 2, V::Int(b as u32)),
            metric("c", 3, V::Int(c as u32)),
            metric("d", 4, V::Long(d as u64)),
            metric("e", 8, V::Long(e)),
            metric("f", 9, V::Float(f)),
        ]);
        let mut out = Vec::new();
        plain().parse(&sent.encode_to_vec(), NOW, &mut out).expect("a payload");
        let wanted = [
            Value::Int(a.into()), Value::Int(a.into()), Value::Int(b.into()), Value::Int(c.into()),
            Value::Int(d), Value::Uint(e), Value::Float(f.into()),
        ];
        let found: Vec<_> = out[0].fields().map(|(_, value)| format!("{value:?}")).collect();
        prop_assert_eq!(found, wanted.map(|value| format!("{value:?}")));
    }

    /// Any metrics are read, in any order, with any flags; cut or changed they are an error or other metrics.
    #[test]
    fn no_payload_panics(metrics in proptest::collection::vec(any_metric(), 0..30), cut in any::<prop::sample::Index>(), flip in any::<u8>()) {
        let bytes = payload(0, metrics).encode_to_vec();
        let mut parser = asking();
        for topic in ["spBv1.0/G/NBIRTH/E", "spBv1.0/G/DDATA/E/D", "spBv1.0/G/NDEATH/E", ""] {
            let _ = send_at(&mut parser, topic, &bytes, NOW);
            let at = cut.index(bytes.len());
            let _ = send_at(&mut parser, topic, &bytes[..at], NOW);
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let _ = send_at(&mut parser, topic, &changed, NOW);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), topic in "[a-zA-Z0-9/.]{0,20}") {
        let mut parser = plain();
        let _ = send_at(&mut parser, &topic, &bytes, NOW);
        let _ = send_at(&mut parser, "spBv1.0/G/NBIRTH/E", &bytes, NOW);
    }
}
