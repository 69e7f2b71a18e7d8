use super::*;
use crate::conf::Node;

struct One;
#[async_trait]
impl Revealer for One {
    async fn reveal(&self, _: &str, key: &str) -> Result<String> {
        if key == "broken" {
            anyhow::bail!("not found")
        } else {
            Ok(format!("<{key}>"))
        }
    }
    fn link(&self, store: &str, _: &str) -> bool {
        store == "one"
    }
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Config {
    password: Secret,
}

fn context(password: &str) -> Context {
    let mut table = Table::default();
    table.set("password", Node::bare(NodeKind::String(password.into())));
    let log = Log::new("inputs.test", None, None);
    Context::new(Kind::Input, "test", "", table, log, Arc::default())
}

struct Own;
impl crate::Plugin for Own {
    type Config = OwnConfig;
    fn new(config: OwnConfig, _: &Context) -> Result<Own> {
        if config.mine == "refused" {
            anyhow::bail!("refused");
        }
        Ok(Own)
    }
}
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema, Default)]
#[serde(default)]
struct OwnConfig {
    mine: String,
}
impl Parser for Own {
    fn parse(&mut self, _: &[u8], _: crate::Timestamp, _: &mut Vec<crate::Metric>) -> Result<()> {
        Ok(())
    }
}
crate::register!(parser "own_of_context" = Own);

#[test]
fn a_parser_within_takes_its_options_there_and_nowhere_else() {
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Outer {
        adapter: Vec<Adapter>,
    }
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Adapter {
        data_format: String,
    }
    let text = |s: &str| Node::bare(NodeKind::String(s.into()));
    let adapter = |keys: &[&str]| {
        let mut table = Table::default();
        table.set("data_format", text("own_of_context"));
        keys.iter().for_each(|k| table.set(k, text("x")));
        Node::bare(NodeKind::Table(table))
    };
    let mut table = Table::default();
    let list = vec![adapter(&["mine"]), adapter(&["mine", "typo"])];
    table.set("adapter", Node::bare(NodeKind::Array(list)));
    table.set("mine", text("x"));
    let log = Log::new("inputs.test", None, None);
    let cx = Context::new(Kind::Input, "test", "", table, log, Arc::default());
    let outer: Outer = cx.config().unwrap();
    assert_eq!(outer.adapter[1].data_format, "own_of_context");
    for i in ["0", "1"] {
        cx.parser_within(&["adapter", i], "", Key::new("m")).unwrap();
    }
    let mut left: Vec<_> = cx.unused().iter().map(|u| u.path.join(".")).collect();
    left.sort();
    assert_eq!(left, ["adapter.1.typo", "mine"]);
    for nowhere in [
        &["adapter", "2"][..],
        &["adapter", "x"],
        &["adapter"],
        &["mine"],
        &["none"],
    ] {
        assert!(
            cx.parser_within(nowhere, "", Key::new("m")).is_err(),
            "{nowhere:?}"
        );
    }
}

#[tokio::test]
async fn secrets_are_revealed_where_their_store_is_there() {
    let cx = context("a@{one:b}c@{one:d}").with_revealer(Arc::new(One));
    let config: Config = cx.config().unwrap();
    assert_eq!(cx.reveal(&config.password).await.unwrap(), "a<b>c<d>");
    let broken = cx.reveal(&Secret::new("hidden@{one:broken}")).await.unwrap_err();
    assert_eq!(
        format!("{broken:#}"),
        "resolving \"@{one:broken}\" failed: not found"
    );
}

#[test]
fn a_parser_has_a_state_of_its_own() {
    let agent = AgentInfo {
        states: States::in_memory(),
        ..AgentInfo::default()
    };
    let log = Log::new("inputs.test", None, None);
    let cx = Context::new(Kind::Input, "test", "", Table::default(), log, Arc::new(agent)).with_id("7");
    let part = || cx.part(Kind::Parser, "p", cx.table(), Key::new("m")).state();
    let (own, parsers) = (cx.state().unwrap(), part().unwrap());
    own.put(&1).unwrap();
    parsers.put(&2).unwrap();
    assert_eq!(own.load::<i64>().unwrap(), Some(1));
    assert_eq!(parsers.load::<i64>().unwrap(), Some(2));
    assert!(part().is_err(), "a second parser of the plugin has none");
}

#[test]
fn an_unknown_store_is_an_error_of_the_table() {
    for cx in [
        context("@{two:b}").with_revealer(Arc::new(One)),
        context("@{two:b}"),
    ] {
        let error = cx.config::<Config>().err().unwrap();
        assert_eq!(error.message, "unknown secret store for \"@{two:b}\"");
    }
}

#[test]
fn what_gathers_would_refuse_is_refused_before_them_but_at_the_start() {
    let tried = |starting: bool, format: &str, mine: NodeKind| {
        let mut table = Table::default();
        table.set("data_format", Node::bare(NodeKind::String(format.into())));
        table.set("mine", Node::bare(mine));
        let agent = AgentInfo {
            starting,
            ..AgentInfo::default()
        };
        let log = Log::new("inputs.test", None, None);
        Context::new(Kind::Input, "test", "", table, log, Arc::new(agent)).try_parser("influx")
    };
    let text = |text: &str| NodeKind::String(text.into());
    for starting in [true, false] {
        assert!(tried(starting, "own_of_context", text("x")).is_ok());
        assert_eq!(
            tried(starting, "own_of_context", text("refused")).is_ok(),
            starting
        );
        assert!(tried(starting, "nosuch", text("x")).is_err());
        assert!(tried(starting, "own_of_context", NodeKind::Boolean(true)).is_err());
    }
}
