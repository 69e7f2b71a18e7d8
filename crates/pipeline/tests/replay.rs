//! Letters sent again through small plugins: who gets them, and of which it is told that they were delivered.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use wheatstone_config::{Common, Config, PluginConfig};
use wheatstone_pipeline::{Letters, ReplayOptions, Replayed, build, replay};
use wheatstone_plugin::conf::{Node, NodeKind, Table};
use wheatstone_plugin::dead_letter::Letter;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind, Reread};

/// What each output took, as `name tags value time`.
static WRITTEN: LazyLock<Mutex<BTreeMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);

fn written(alias: &str) -> Vec<String> {
    let mut all = WRITTEN.lock().get(alias).cloned().unwrap_or_default();
    all.sort();
    all
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Options {
    text: String,
}

/// A metric per word; `bad` is none.
struct Words;
impl Plugin for Words {
    type Config = Options;
    fn new(_: Options, _: &Context) -> Result<Self> {
        Ok(Words)
    }
}
impl Parser for Words {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        for word in std::str::from_utf8(payload)?.split_whitespace() {
            if word == "bad" {
                bail!("a bad word");
            }
            let mut m = Metric::new("words", now);
            m.set_field("v", word);
            out.push(m);
        }
        Ok(())
    }
}
register!(parser "test_words" = Words);

/// Takes what its parser reads; `text` is what its topics begin with, where it looks at them.
struct Listener(String);
impl Plugin for Listener {
    type Config = Options;
    fn new(config: Options, _: &Context) -> Result<Self> {
        Ok(Listener(config.text))
    }
}
#[async_trait]
impl ServiceInput for Listener {
    async fn run(&mut self, _: &mut Accumulator) -> Result<()> {
        bail!("a replay starts no input")
    }
    fn read_again(
        &mut self,
        source: &str,
        _: &[u8],
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> Result<Reread> {
        if self.0.is_empty() {
            return Ok(Reread::ParserOnly);
        }
        if !source.starts_with(&self.0) {
            return Ok(Reread::NotMine);
        }
        let mut m = Metric::new("own", now);
        m.set_tag("topic", source);
        m.set_field("v", self.0.as_str());
        out.push(m);
        Ok(Reread::Done)
    }
}
register!(service_input "test_listener" = Listener, parser "test_words");

struct Seen;
impl Plugin for Seen {
    type Config = Options;
    fn new(_: Options, _: &Context) -> Result<Self> {
        Ok(Seen)
    }
}
impl Processor for Seen {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        metrics.iter_mut().for_each(|m| m.set_tag("seen", "yes"));
    }
}
register!(processor "test_seen" = Seen);

struct Nothing;
impl Plugin for Nothing {
    type Config = Options;
    fn new(_: Options, _: &Context) -> Result<Self> {
        Ok(Nothing)
    }
}
impl Aggregator for Nothing {
    fn add(&mut self, _: &Metric) {
        panic!("a replay aggregates nothing");
    }
    fn push(&mut self, _: Timestamp, _: &mut Vec<Metric>) {}
}
register!(aggregator "test_nothing" = Nothing);

/// Takes all but metrics whose value is its `text`; with "down" it takes none and may be asked again.
struct Collects {
    alias: String,
    refuses: String,
}
impl Plugin for Collects {
    type Config = Options;
    fn new(config: Options, cx: &Context) -> Result<Self> {
        Ok(Collects {
            alias: cx.alias().to_owned(),
            refuses: config.text,
        })
    }
}
#[async_trait]
impl Output for Collects {
    async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError> {
        if self.refuses == "down" {
            return Err(WriteError::retry(anyhow!("nobody there")));
        }
        let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
        for (index, m) in metrics.iter().enumerate() {
            let value = m.field("v").map(ToString::to_string).unwrap_or_default();
            if value == self.refuses {
                let reason = "still not".to_owned();
                rejected.push(Rejection { index, reason });
                continue;
            }
            let tags: Vec<_> = m.tags().map(|(k, v)| format!("{k}={v}")).collect();
            let line = format!("{} {} {value} {}", m.name(), tags.join(","), m.time());
            WRITTEN.lock().entry(self.alias.clone()).or_default().push(line);
            accepted.push(index);
        }
        match rejected.as_slice() {
            [] => Ok(()),
            _ => Err(WriteError::partial(
                anyhow!("some are refused"),
                accepted,
                rejected,
            )),
        }
    }
}
register!(output "test_collects" = Collects);

#[derive(Default)]
struct Setup(Config);

impl Setup {
    fn add(mut self, kind: Kind, name: &str, alias: &str, text: &str, drop_original: bool) -> Setup {
        let mut table = Table::default();
        if !text.is_empty() {
            table.set("text", Node::bare(NodeKind::String(text.into())));
        }
        let common = Common {
            alias: alias.to_owned(),
            drop_original,
            ..Common::default()
        };
        self.0.plugins.push(PluginConfig {
            kind,
            name: name.to_owned(),
            common,
            table,
            span: Default::default(),
            header: Default::default(),
            id: format!("{kind:?}{alias}{text}"),
            second_id: String::new(),
        });
        self
    }
    fn listener(self, alias: &str, text: &str) -> Setup {
        self.add(Kind::Input, "test_listener", alias, text, false)
    }
    fn output(self, alias: &str, refuses: &str) -> Setup {
        self.add(Kind::Output, "test_collects", alias, refuses, false)
    }
    fn seen(self) -> Setup {
        self.add(Kind::Processor, "test_seen", "", "", false)
    }

    /// Sends the letters, numbered from 1; what became of them, and which were told to be delivered.
    fn replay(self, letters: Vec<Letter>, processors: bool) -> (Replayed, Vec<u64>) {
        let mut post = Post {
            letters: (1..).zip(letters).collect(),
            delivered: Vec::new(),
        };
        let options = ReplayOptions {
            patience: Duration::from_secs(30),
            processors,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let report = runtime.block_on(async {
            let topology =
                build(&self.0, &Arc::new(AgentInfo::default()), None).unwrap_or_else(|p| panic!("{p:?}"));
            replay(topology, &mut post, options, std::future::pending())
                .await
                .unwrap()
        });
        post.delivered.sort_unstable();
        (report, post.delivered)
    }
}

struct Post {
    letters: VecDeque<(u64, Letter)>,
    delivered: Vec<u64>,
}
impl Letters for Post {
    fn next(&mut self) -> Option<io::Result<(u64, Letter)>> {
        self.letters.pop_front().map(Ok)
    }
    fn delivered(&mut self, ids: &[u64]) -> io::Result<()> {
        self.delivered.extend(ids);
        Ok(())
    }
}

fn payload(time: i64, text: &str, plugin: &str) -> Letter {
    Letter::payload(time, text, "no words")
        .plugin(plugin)
        .source("a/b")
}

fn metric(time: i64, value: &str, plugin: &str) -> Letter {
    let mut m = Metric::new("words", time);
    m.set_field("v", value);
    Letter::metric(0, m, "refused").plugin(plugin)
}

#[test]
fn messages_are_read_and_go_to_all_outputs() {
    let letters = vec![
        payload(1, "a b", "inputs.test_listener"),
        payload(2, "bad", "inputs.test_listener"),
        payload(3, "c", "inputs.gone"),
        payload(4, "", "inputs.test_listener"),
    ];
    let (report, delivered) = Setup::default()
        .listener("", "")
        .seen()
        .output("all/1", "")
        .output("all/2", "")
        .replay(letters, false);
    let expected = Replayed {
        delivered: 2,
        unreadable: 1,
        homeless: 1,
        ..Replayed::default()
    };
    assert_eq!(
        (report, delivered),
        (expected, vec![1, 4]),
        "a message of nothing is done with"
    );
    assert_eq!(report.kept(), 2);
    for alias in ["all/1", "all/2"] {
        assert_eq!(
            written(alias),
            ["words seen=yes a 1", "words seen=yes b 1"],
            "its time is the letter's"
        );
    }
}

#[test]
fn a_metric_goes_to_the_output_that_refused_it() {
    let letters = || {
        vec![
            metric(1, "x", "outputs.test_collects::one/2"),
            metric(2, "y", "outputs.test_collects::one/gone"),
            metric(3, "z", "wheatstone.type_guard"),
        ]
    };
    let setup = || Setup::default().seen().output("one/1", "").output("one/2", "");
    let (report, delivered) = setup().replay(letters(), false);
    assert_eq!((report.delivered, delivered), (3, vec![1, 2, 3]));
    assert_eq!(written("one/1"), ["words  y 2", "words  z 3"]);
    assert_eq!(
        written("one/2"),
        ["words  x 1", "words  y 2", "words  z 3"],
        "processors have seen it before"
    );

    WRITTEN.lock().retain(|alias, _| !alias.starts_with("one/"));
    setup().replay(letters(), true);
    assert_eq!(written("one/2")[0], "words seen=yes x 1");
    assert_eq!(written("one/1").len(), 2);
}

#[test]
fn what_is_refused_again_or_not_taken_in_time_is_kept() {
    let letters = vec![
        metric(1, "worse", "outputs.test_collects::kept/1"),
        metric(2, "better", "outputs.test_collects::kept/1"),
        metric(3, "x", "outputs.test_collects::kept/2"),
        payload(4, "worse well", "inputs.test_listener::hall"),
    ];
    let (report, delivered) = Setup::default()
        .listener("hall", "")
        .output("kept/1", "worse")
        .output("kept/2", "down")
        .replay(letters, false);
    let expected = Replayed {
        delivered: 1,
        refused: 1,
        waiting: 2,
        ..Replayed::default()
    };
    assert_eq!((report, delivered), (expected, vec![2]));
}

#[test]
fn inputs_of_one_name_are_asked_in_turn() {
    let letter = |source: &str| payload(7, "word", "inputs.test_listener::renamed").source(source);
    let (report, delivered) = Setup::default()
        .listener("a", "north/")
        .listener("b", "south/")
        .output("turn", "")
        .replay(
            vec![letter("south/1"), letter("north/1"), letter("east/1")],
            false,
        );
    assert_eq!((report.homeless, delivered), (1, vec![1, 2]));
    assert_eq!(
        written("turn"),
        ["own topic=north/1 north/ 7", "own topic=south/1 south/ 7"]
    );
}

#[test]
fn aggregators_are_left_out_and_keep_their_originals() {
    let (report, delivered) = Setup::default()
        .listener("", "")
        .add(Kind::Aggregator, "test_nothing", "", "", true)
        .output("aggregated", "")
        .replay(vec![payload(1, "a", "inputs.test_listener")], false);
    assert_eq!((report.delivered, delivered), (1, vec![1]));
    assert!(written("aggregated").is_empty());
}

#[test]
fn many_letters_are_told_in_gulps_and_none_is_forgotten() {
    let letters = (0..5000)
        .map(|n| payload(n, "a", "inputs.test_listener"))
        .collect();
    let (report, delivered) = Setup::default()
        .listener("", "")
        .output("many", "")
        .replay(letters, false);
    assert_eq!((report.delivered, delivered), (5000, (1..=5000).collect()));
    assert_eq!(written("many").len(), 5000);
}
