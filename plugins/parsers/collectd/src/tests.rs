//! Packets that are put together here, by the protocol's description, in; metrics compared.

use std::io::Write as _;
use std::sync::Arc;

use aes::Aes256;
use aes::cipher::KeyInit;
use hmac::{Hmac, Mac};
use proptest::prelude::*;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::{AgentInfo, Kind};

use super::*;

fn part(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut part = kind.to_be_bytes().to_vec();
    part.extend((content.len() as u16 + 4).to_be_bytes());
    part.extend(content);
    part
}

fn text(kind: u16, text: &str) -> Vec<u8> {
    part(kind, format!("{text}\0").as_bytes())
}

fn values(numbers: &[Number]) -> Vec<u8> {
    let mut content = (numbers.len() as u16).to_be_bytes().to_vec();
    content.extend(numbers.iter().map(|number| match number {
        Number::Counter(_) => 0,
        Number::Gauge(_) => 1,
        Number::Derive(_) => 2u8,
    }));
    for number in numbers {
        content.extend(match number {
            Number::Counter(n) => n.to_be_bytes(),
            Number::Gauge(x) => x.to_le_bytes(),
            Number::Derive(n) => n.to_be_bytes(),
        });
    }
    part(6, &content)
}

/// A second and a half after the beginning of 2020.
const TIME: u64 = (1_577_836_801 << 30) + (1 << 29);

fn packet(numbers: &[Number]) -> Vec<u8> {
    [
        text(0, "box"),
        part(8, &TIME.to_be_bytes()),
        part(9, &(10u64 << 30).to_be_bytes()),
        text(2, "net"),
        text(3, "eth0"),
        text(4, "if_octets"),
        text(5, ""),
        values(numbers),
    ]
    .concat()
}

fn sign(content: &[u8], user: &str, password: &str) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(password.as_bytes()).unwrap();
    mac.update(user.as_bytes());
    mac.update(content);
    let signature = [&mac.finalize().into_bytes()[..], user.as_bytes()].concat();
    [part(0x200, &signature), content.to_vec()].concat()
}

fn encrypt(content: &[u8], user: &str, password: &str) -> Vec<u8> {
    let cipher = Aes256::new(&Sha256::digest(password.as_bytes()));
    let mut secret = [&Sha1::digest(content)[..], content].concat();
    auth::output_feedback(&cipher, [7; 16], &mut secret);
    let head = (user.len() as u16).to_be_bytes();
    part(0x210, &[&head, user.as_bytes(), &[7; 16], &secret].concat())
}

fn build(config: CollectdConfig) -> Result<Collectd, String> {
    let log = Log::new("parsers.collectd::test", None, None);
    let cx = Context::new(
        Kind::Parser,
        "collectd",
        "",
        Table::default(),
        log,
        Arc::new(AgentInfo::default()),
    );
    Collectd::new(config, &cx).map_err(|e| format!("{e:#}"))
}

fn feed(parser: &mut Collectd, packet: &[u8]) -> Result<Vec<String>, String> {
    let mut out = vec![];
    parser.parse(packet, 1, &mut out).map_err(|e| format!("{e:#}"))?;
    let show = |metric: &Metric| {
        let tags: String = metric.tags().map(|(k, v)| format!(",{k}={v}")).collect();
        let fields: Vec<String> = metric.fields().map(|(k, v)| format!("{k}={v:?}")).collect();
        format!("{}{tags} {} {}", metric.name(), fields.join(","), metric.time())
    };
    Ok(out.iter().map(show).collect())
}

fn read(config: CollectdConfig, packet: &[u8]) -> Result<Vec<String>, String> {
    feed(&mut build(config)?, packet)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn path(file: &tempfile::NamedTempFile) -> String {
    file.path().to_str().unwrap().to_owned()
}

const TAGS: &str = "host=box,instance=eth0,type=if_octets";
const AT: i64 = 1_577_836_801_500_000_000;

#[test]
fn every_value_is_a_metric_or_a_field() {
    let two = packet(&[Number::Derive(-5), Number::Counter(7)]);
    assert_eq!(
        read(CollectdConfig::default(), &two),
        Ok(vec![
            format!("net_0,{TAGS} value=Float(-5.0) {AT}"),
            format!("net_1,{TAGS} value=Float(7.0) {AT}"),
        ])
    );
    let join = CollectdConfig {
        collectd_parse_multivalue: "join".to_owned(),
        ..CollectdConfig::default()
    };
    assert_eq!(
        read(join.clone(), &two),
        Ok(vec![format!("net,{TAGS} 0=Float(-5.0),1=Float(7.0) {AT}")])
    );
    let one = packet(&[Number::Gauge(1.5)]);
    assert_eq!(
        read(join, &one),
        Ok(vec![format!("net,{TAGS} value=Float(1.5) {AT}")])
    );
    let neither = CollectdConfig {
        collectd_parse_multivalue: "sum".to_owned(),
        ..CollectdConfig::default()
    };
    assert_eq!(read(neither, &one), Ok(vec![]));
}

#[test]
fn what_was_said_holds_until_it_is_said_anew() {
    let more = [
        packet(&[Number::Gauge(1.0)]),
        part(1, &1_600_000_000u64.to_be_bytes()),
        text(5, "rx"),
        // A notification is none of our business.
        text(0x100, "message"),
        values(&[Number::Gauge(2.0)]),
    ]
    .concat();
    assert_eq!(
        read(CollectdConfig::default(), &more),
        Ok(vec![
            format!("net_value,{TAGS} value=Float(1.0) {AT}"),
            format!("net_value,{TAGS},type_instance=rx value=Float(2.0) 1600000000000000000"),
        ])
    );
}

#[test]
fn types_name_the_values() {
    let types = file("if_octets rx:DERIVE:0:U, tx:DERIVE:0:U\n");
    let config = CollectdConfig {
        collectd_typesdb: vec![path(&types)],
        ..CollectdConfig::default()
    };
    let two = packet(&[Number::Gauge(1.9), Number::Counter(7)]);
    assert_eq!(
        read(config.clone(), &two),
        Ok(vec![
            format!("net_rx,{TAGS} value=Float(1.0) {AT}"),
            format!("net_tx,{TAGS} value=Float(7.0) {AT}"),
        ])
    );
    assert_eq!(
        read(config.clone(), &packet(&[Number::Gauge(1.0)])),
        Ok(vec![]),
        "one is not two"
    );
    let other = [text(4, "load"), values(&[Number::Gauge(1.0)])].concat();
    assert_eq!(read(config, &other), Ok(vec![]), "not in the file");
    let missing = CollectdConfig {
        collectd_typesdb: vec!["/no/such/types.db".to_owned()],
        ..CollectdConfig::default()
    };
    assert_eq!(
        build(missing).err().unwrap(),
        "open /no/such/types.db: no such file or directory"
    );
}

fn level(level: &str, auth: &tempfile::NamedTempFile) -> CollectdConfig {
    CollectdConfig {
        collectd_security_level: level.to_owned(),
        collectd_auth_file: path(auth),
        ..CollectdConfig::default()
    }
}

#[test]
fn only_what_is_sure_enough_is_taken() {
    let auth = file("alice: secret\nbob: other\n");
    let plain = packet(&[Number::Gauge(1.0)]);
    let signed = sign(&plain, "alice", "secret");
    let encrypted = encrypt(&plain, "bob", "other");
    let metric = Ok(vec![format!("net_value,{TAGS} value=Float(1.0) {AT}")]);
    for (wanted, packet, taken) in [
        ("none", &plain, true),
        ("none", &signed, true),
        ("none", &encrypted, true),
        ("sign", &plain, false),
        ("sign", &signed, true),
        ("sign", &encrypted, true),
        ("encrypt", &plain, false),
        ("encrypt", &signed, false),
        ("encrypt", &encrypted, true),
    ] {
        let expected = if taken { metric.clone() } else { Ok(vec![]) };
        assert_eq!(read(level(wanted, &auth), packet), expected, "{wanted}");
    }
    // What stands behind an encrypted part is not encrypted.
    let both = [encrypted, plain].concat();
    assert_eq!(read(level("encrypt", &auth), &both), metric);
}

#[test]
fn what_is_not_sure_is_an_error() {
    let auth = file("alice: secret\n");
    let plain = packet(&[Number::Gauge(1.0)]);
    let error = |packet: &[u8]| read(level("sign", &auth), packet).unwrap_err();
    assert_eq!(
        error(&sign(&plain, "eve", "secret")),
        "collectd parser error: no such user: \"eve\""
    );
    // A name can be as long as a packet; the error is not.
    assert_eq!(
        error(&sign(&plain, &"e".repeat(6000), "secret")),
        format!("collectd parser error: no such user: \"{}…\"", "e".repeat(80))
    );
    assert_eq!(
        error(&sign(&plain, "alice", "guess")),
        "collectd parser error: SHA256 verification failure"
    );
    let mut changed = sign(&plain, "alice", "secret");
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(
        error(&changed),
        "collectd parser error: SHA256 verification failure"
    );
    for wrong in [
        encrypt(&plain, "alice", "guess"),
        encrypt(&plain, "eve", "secret"),
        encrypt(b"", "alice", "secret"),
        part(0x210, &[0xff, 0xff, 1]),
    ] {
        assert_eq!(error(&wrong), "collectd parser error: AES256 decryption failure");
    }
    assert_eq!(
        error(&part(0x200, &[1; 32])),
        "collectd parser error: part too small (32 bytes)"
    );
    let nowhere = CollectdConfig {
        collectd_auth_file: "/no/such/auth".to_owned(),
        ..CollectdConfig::default()
    };
    assert_eq!(
        read(nowhere, &sign(&plain, "alice", "secret")).unwrap_err(),
        "collectd parser error: stat /no/such/auth: no such file or directory"
    );
}

#[test]
fn a_changed_file_of_passwords_is_read_again() {
    let auth = file("alice: old\n");
    let mut parser = build(level("sign", &auth)).unwrap();
    let signed = sign(&packet(&[Number::Gauge(1.0)]), "alice", "new");
    assert!(feed(&mut parser, &signed).is_err());
    std::fs::write(auth.path(), "alice: new\n").unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    auth.as_file().set_modified(later).unwrap();
    assert_eq!(feed(&mut parser, &signed).map(|metrics| metrics.len()), Ok(1));
}

#[test]
fn broken_packets_leave_nothing() {
    let error = |packet: &[u8]| {
        let whole = [super::tests::packet(&[Number::Gauge(1.0)]), packet.to_vec()].concat();
        read(CollectdConfig::default(), &whole).unwrap_err()
    };
    let invalid = "collectd parser error: invalid data";
    assert_eq!(error(&[0, 0, 0]), invalid);
    assert_eq!(error(&[0, 0, 0, 4]), "collectd parser error: invalid length 4");
    assert_eq!(error(&[0, 0, 0, 3, 0]), "collectd parser error: invalid length 3");
    assert_eq!(error(&[0, 0, 0, 9, 0]), "collectd parser error: invalid length 9");
    assert_eq!(error(&part(0, b"box")), invalid, "no zero at the end");
    assert_eq!(error(&part(1, &[0; 7])), invalid);
    assert_eq!(error(&part(6, &[0])), "collectd parser error: unexpected EOF");
    assert_eq!(error(&part(6, &[0, 1, 1])), invalid);
    assert_eq!(
        error(&part(6, &[0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0])),
        invalid,
        "an absolute value"
    );
}

proptest! {
    #[test]
    fn no_packet_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100), flip in any::<u8>(), at in any::<prop::sample::Index>()) {
        let auth = file("alice: secret\n");
        let mut parser = build(level("none", &auth)).unwrap();
        let _ = feed(&mut parser, &bytes);
        let plain = packet(&[Number::Gauge(1.0), Number::Derive(2)]);
        let nested = encrypt(&sign(&encrypt(&plain, "alice", "secret"), "alice", "secret"), "alice", "secret");
        prop_assert_eq!(feed(&mut parser, &nested).map(|metrics| metrics.len()), Ok(2));
        for mut packet in [plain, nested] {
            let at = at.index(packet.len());
            packet[at] ^= flip;
            let _ = feed(&mut parser, &packet);
            let _ = feed(&mut parser, &packet[..at]);
        }
    }

    #[test]
    fn values_survive(gauge in any::<f64>(), derive in any::<i64>(), counter in any::<u64>()) {
        let numbers = [Number::Gauge(gauge), Number::Derive(derive), Number::Counter(counter)];
        let read = read(CollectdConfig::default(), &packet(&numbers)).unwrap();
        let shown: Vec<_> = numbers.iter().map(|n| format!("value={:?}", Value::Float(n.as_f64()))).collect();
        for (at, shown) in shown.iter().enumerate() {
            prop_assert!(read[at].contains(shown), "{} has no {}", read[at], shown);
        }
    }
}
