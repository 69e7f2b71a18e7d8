use super::*;
use crate::adapter::AdapterConfig;
use crate::topic::TopicParsing;

/// One float `v` per word. A word with an `@` is a time: the words before it have that.
struct Words;
impl Parser for Words {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let from = out.len();
        for word in std::str::from_utf8(payload)?.split_whitespace() {
            if let Some(time) = word.strip_prefix('@') {
                let time = time.parse()?;
                out[from..].iter_mut().for_each(|metric| metric.set_time(time));
                continue;
            }
            let mut m = Metric::new("words", now);
            m.set_tag("topic", "mine");
            m.set_field("v", word.parse::<f64>()?);
            out.push(m);
        }
        Ok(())
    }
}

fn reader(data_format: &str, rule: Option<&str>) -> Reader {
    Reader {
        parser: Box::new(Words),
        data_format: data_format.to_owned(),
        rule: rule.map(str::to_owned),
    }
}

fn messages(rules: &[TopicParsing], retained: Retained) -> Messages {
    adapted(&[], true, rules, retained)
}

fn adapted(adapters: &[AdapterConfig], own: bool, rules: &[TopicParsing], retained: Retained) -> Messages {
    let adapters: Vec<_> = adapters
        .iter()
        .enumerate()
        .map(|(i, a)| Adapter::new(i, a).unwrap())
        .collect();
    let mut readers: Vec<_> = adapters.iter().map(|a| reader("words", Some(&a.rule))).collect();
    readers.extend(own.then(|| reader("words", None)));
    let format = Format {
        adapters,
        readers,
        topic_tag: Some(Key::new("topic")),
        rules: rules.iter().map(|r| Rule::new(r).unwrap()).collect(),
        retained,
        max_payload: 100,
    };
    Messages::new(
        format,
        Numbers::new(),
        Log::new("inputs.mqtt_consumer", None, None),
    )
}

fn take(m: &mut Messages, message: &Publish<'_>, out: &mut Vec<Metric>) -> Taken {
    m.take(message, out, || None)
}

fn publish<'a>(topic: &'a str, payload: &'a [u8]) -> Publish<'a> {
    Publish {
        topic: topic.as_bytes(),
        payload,
        id: 0,
        qos: 0,
        dup: false,
        retain: false,
    }
}

#[test]
fn the_topic_overwrites_a_tag_of_its_name_and_times_differ() {
    let (mut m, mut out) = (messages(&[], Retained::Store), Vec::new());
    m.begin_gulp();
    take(&mut m, &publish("a/b", b"1 2"), &mut out);
    take(&mut m, &publish("a/b", b"3"), &mut out);
    assert_eq!(
        out.iter().map(|m| m.tag("topic")).collect::<Vec<_>>(),
        [Some("a/b"); 3]
    );
    assert!(out[0].time() == out[1].time() && out[1].time() < out[2].time());
}

#[test]
fn a_gulp_tells_whether_a_metric_bears_the_time_of_its_reading() {
    let (mut m, mut out) = (messages(&[], Retained::Store), Vec::new());
    for (payloads, stamped) in [
        (&["1 2 @5", "3 @6"][..], false),
        (&["1 @5", "2", "3 @6"], true),
        (&["1 2 @5 3"], true),
        (&["1 @5", ""], false),
        (&["1 @5", "no number"], false),
    ] {
        m.begin_gulp();
        for payload in payloads {
            take(&mut m, &publish("a", payload.as_bytes()), &mut out);
        }
        assert_eq!(m.end_gulp(), stamped, "{payloads:?}");
    }
}

#[test]
fn what_cannot_be_read_leaves_nothing() {
    let rule = TopicParsing {
        topic: "+/+".into(),
        fields: "_/n".into(),
        types: [("n".to_owned(), "int".to_owned())].into(),
        ..TopicParsing::default()
    };
    let (mut m, mut out) = (messages(&[rule], Retained::Store), Vec::new());
    take(&mut m, &publish("a/7", b"1 x"), &mut out);
    take(&mut m, &publish("a/seven", b"1"), &mut out);
    take(&mut m, &publish("a/7", b""), &mut out);
    assert!(out.is_empty());
    take(&mut m, &publish("a/7", b"1"), &mut out);
    assert_eq!(out[0].field("n"), Some(&Value::Int(7)));
}

#[test]
fn retained_messages_are_stored_dropped_or_tagged() {
    for (retained, expected) in [
        (Retained::Store, vec![None]),
        (Retained::Drop, vec![]),
        (Retained::Tag, vec![Some("true")]),
    ] {
        let (mut m, mut out) = (messages(&[], retained), Vec::new());
        take(
            &mut m,
            &Publish {
                retain: true,
                ..publish("a", b"1")
            },
            &mut out,
        );
        assert_eq!(
            out.iter().map(|m| m.tag("retained")).collect::<Vec<_>>(),
            expected
        );
        take(&mut m, &publish("a", b"1"), &mut out);
        assert_eq!(out.last().unwrap().tag("retained"), None);
    }
}

#[test]
fn the_memory_of_topics_is_bounded() {
    let (mut m, mut out) = (messages(&[], Retained::Store), Vec::new());
    for i in 0..KNOWN_TOPICS * 2 {
        take(&mut m, &publish(&format!("t/{i}"), b"1"), &mut out);
        out.clear();
    }
    assert!(m.known.len() <= KNOWN_TOPICS);
}

#[test]
fn the_first_adapter_that_fits_takes_the_message() {
    let adapter = |topics: &[&str], topic: &str, measurement: &str| AdapterConfig {
        topics: topics.iter().map(|t| (*t).to_owned()).collect(),
        topic: topic.into(),
        measurement: measurement.into(),
        ..AdapterConfig::default()
    };
    let adapters = [
        adapter(&[], "home/{room}/{field}", "home"),
        adapter(&["home/#"], "", "rest"),
    ];
    let (mut m, mut out) = (adapted(&adapters, true, &[], Retained::Store), Vec::new());
    for topic in ["home/kitchen/temperature", "home/x", "garden"] {
        assert_eq!(take(&mut m, &publish(topic, b"1"), &mut out), Taken::Metrics);
    }
    let shown = |m: &Metric| {
        (
            m.name().to_string(),
            m.fields().map(|(k, _)| k.to_string()).collect::<String>(),
        )
    };
    let shown: Vec<_> = out.iter().map(shown).collect();
    let expected = [("home", "temperature"), ("rest", "v"), ("words", "v")];
    assert_eq!(shown, expected.map(|(n, f)| (n.to_owned(), f.to_owned())));
    assert_eq!(
        (out[0].tag("room"), out[0].tag("topic")),
        (Some("kitchen"), Some("home/kitchen/temperature"))
    );

    let mut m = adapted(&adapters, false, &[], Retained::Store);
    assert_eq!(take(&mut m, &publish("garden", b"1"), &mut out), Taken::Nothing);
    assert_eq!(out.len(), 3);
    let (error, reader) = m.read("garden", b"1", 0, &mut out).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), reader),
        ("no adapter takes the topic", None)
    );
    let (error, reader) = m.read("home/a/b", b"x", 0, &mut out).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), reader),
        ("invalid float literal", Some(0))
    );
}

#[test]
fn topic_parsing_goes_on_after_an_adapter() {
    let rule = TopicParsing {
        topic: "home/+/+".into(),
        tags: "_/place/_".into(),
        ..TopicParsing::default()
    };
    let adapter = AdapterConfig {
        topic: "home/{_}/{field}".into(),
        ..AdapterConfig::default()
    };
    let (mut m, mut out) = (adapted(&[adapter], false, &[rule], Retained::Store), Vec::new());
    take(&mut m, &publish("home/a/t", b"1"), &mut out);
    assert_eq!(
        (out[0].tag("place"), out[0].field("t")),
        (Some("a"), Some(&Value::Float(1.0)))
    );
}

#[test]
fn a_payload_over_the_limit_is_refused_by_the_option_s_name() {
    let (mut m, mut out) = (messages(&[], Retained::Store), Vec::new());
    assert_eq!(
        take(&mut m, &publish("a", &[b'1'; 100]), &mut out),
        Taken::Metrics
    );
    assert_eq!(
        take(&mut m, &publish("a", &[b'1'; 101]), &mut out),
        Taken::Nothing
    );
    assert_eq!(out.len(), 1);
    let text = m.too_large(101).to_string();
    assert_eq!(
        text,
        "payload of 101 bytes exceeds option \"max_payload_size\" (100 bytes)"
    );
}
