//! What is remembered from one message to the next: gaps, requests for rebirths, aliases over a restart, and no more than fits.

use super::*;

/// Topics of the requests that are there, and whether their payloads are what they should be.
fn asked(parser: &mut Sparkplug) -> Vec<String> {
    let reply = |reply: Reply| {
        let payload = Payload::decode(reply.payload.as_slice()).expect("a payload");
        assert_eq!(payload.seq, None);
        assert!(payload.timestamp.is_some());
        let [command] = &payload.metrics[..] else {
            panic!("one command: {payload:?}");
        };
        assert_eq!(command.name.as_deref(), Some("Node Control/Rebirth"));
        assert_eq!(
            (command.datatype, &command.value),
            (Some(11), &Some(V::Boolean(true)))
        );
        reply.to
    };
    parser.take_replies().into_iter().map(reply).collect()
}

#[test]
fn a_rebirth_is_asked_for_where_something_is_missing() {
    let mut parser = asking();
    let data = |seq| payload(seq, vec![metric("a", 3, V::Int(1))]).encode_to_vec();
    let topic = "site/spBv1.0/G/NDATA/E";
    let mut at = |seq, seconds: i64| {
        send_at(&mut parser, topic, &data(seq), seconds * 1_000_000_000).expect("data");
        asked(&mut parser)
    };
    // Its birth was not seen; it is asked again only after a while.
    assert_eq!(at(5, 0), ["site/spBv1.0/G/NCMD/E"]);
    assert_eq!(at(6, 29), [""; 0]);
    assert_eq!(at(7, 30), ["site/spBv1.0/G/NCMD/E"]);

    let birth = payload(0, vec![]).encode_to_vec();
    send_at(&mut parser, "site/spBv1.0/G/NBIRTH/E", &birth, 0).expect("a birth");
    let mut at = |seq| {
        send_at(&mut parser, topic, &data(seq), 1).expect("data");
        asked(&mut parser)
    };
    assert_eq!(at(1), [""; 0]);
    assert_eq!(at(1), [""; 0], "the same once more");
    assert_eq!(at(3).len(), 1, "a gap");
    for seq in 4..=255 {
        at(seq);
    }
    assert_eq!(at(0), [""; 0], "255 is followed by 0");

    let mut parser = asking();
    send_at(&mut parser, "spBv1.0/G/NBIRTH/E", &birth, 0).expect("a birth");
    let unknown = payload(1, vec![aliased(9, V::Int(1))]);
    assert_eq!(send(&mut parser, "spBv1.0/G/NDATA/E", &unknown), lines(&[]));
    assert_eq!(asked(&mut parser), ["spBv1.0/G/NCMD/E"]);

    let mut parser = plain();
    send(&mut parser, "spBv1.0/G/NDATA/E", &unknown).expect("data");
    assert_eq!(asked(&mut parser), [""; 0], "nobody wanted it");
}

#[test]
fn gaps_are_counted() {
    let mut node = nodes::Node {
        namespace: "".into(),
        group: "".into(),
        name: "".into(),
        seq: None,
        bd_seq: None,
        born: true,
        scopes: vec![],
        asked: None,
    };
    let mut follow = |seq| node.follow(Some(seq));
    assert_eq!(follow(254), Sequence::Next);
    assert_eq!(follow(255), Sequence::Next);
    assert_eq!(follow(0), Sequence::Next);
    assert_eq!(follow(4), Sequence::Gap(3));
    assert_eq!(follow(4), Sequence::Next);
    assert_eq!(follow(2), Sequence::Gap(253));
    assert_eq!(node.follow(None), Sequence::Next);
}

/// A parser with states that outlive it.
fn lasting(states: &States) -> Sparkplug {
    let agent = AgentInfo {
        states: states.clone(),
        ..AgentInfo::default()
    };
    let log = Log::new("parsers.sparkplug_b::test", None, None);
    let cx = Context::new(Kind::Parser, "m", "", Table::default(), log, Arc::new(agent)).with_id("7");
    let config = SparkplugConfig {
        sparkplug_properties: "tags".to_owned(),
        sparkplug_rebirth: true,
        ..SparkplugConfig::default()
    };
    Sparkplug::new(config, &cx).expect("valid options")
}

#[test]
fn aliases_outlive_a_restart() {
    // A file that nobody writes: opened again while it is open it is the same states.
    let path = std::path::Path::new("/sparkplug_b/no/such/file");
    let states = States::open(path).expect("no file");
    let mut parser = lasting(&states);
    let unit = proto::PropertySet {
        keys: vec!["unit".to_owned()],
        values: vec![proto::PropertyValue {
            datatype: Some(12),
            value: Some(proto::Property::String("C".to_owned())),
            ..proto::PropertyValue::default()
        }],
    };
    let temp = Sent {
        properties: Some(unit),
        ..named("temp", 1, 10, V::Double(1.0))
    };
    send(&mut parser, "spBv1.0/G/NBIRTH/E", &payload(0, vec![bd_seq(2)])).expect("a birth");
    send(&mut parser, "spBv1.0/G/DBIRTH/E/D", &payload(1, vec![temp])).expect("a birth");
    drop(parser);
    let mut parser = lasting(&States::open(path).expect("no file"));
    let data = payload(2, vec![aliased(1, V::Double(2.0))]);
    assert_eq!(
        send(&mut parser, "spBv1.0/G/DDATA/E/D", &data),
        lines(&[&format!("m,{DEVICE},unit=C temp=Float(2.0)")])
    );
    // Its birth may have been missed meanwhile.
    assert_eq!(asked(&mut parser), ["spBv1.0/G/NCMD/E"]);
}

#[test]
fn memory_is_bounded() {
    let mut parser = plain();
    for i in 0..MOST_TOPICS * 3 {
        parser.set_source(&format!("spBv1.0/G/DDATA/E{}/D{i}", i % 50));
        assert!(parser.topics.len() <= MOST_TOPICS && parser.nodes.scopes.len() < MOST_TOPICS);
    }
    for i in 0..MOST_TOPICS * 3 {
        parser.set_source(&format!("spBv1.0/G/DDATA/E/D{}/x{i}", i % 2));
    }
    assert!(parser.topics.len() <= MOST_TOPICS);
    let data = payload(1, vec![metric("a", 3, V::Int(1))]);
    let read = send(&mut parser, "spBv1.0/G/NDATA/E1", &data).expect("data");
    assert_eq!(read, ["m,edge_node_id=E1,group_id=G a=Int(1)"]);
    parser.forget();
    let mut out = Vec::new();
    parser.parse(&data.encode_to_vec(), NOW, &mut out).expect("data");
    assert_eq!(
        out[0].tag("edge_node_id"),
        Some("E1"),
        "the source is still the same"
    );
}
