//! Plugins that are not in this program: what a message says of one, by its name.

use wheatstone_plugin::Kind;

use crate::LoadOptions;
use crate::suggest::nearest;

/// Every plugin of Telegraf 1.40, one `kind.name` a line, sorted.
const TELEGRAF: &str = include_str!("known/telegraf.txt");

/// A plugin that Telegraf had once.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    /// `kind.name`.
    pub name: &'static str,
    /// The version that deprecated it.
    pub since: &'static str,
    /// The version that it was to go with.
    pub removal: &'static str,
    /// What stands in its place.
    pub instead: &'static str,
}

const fn gone(name: &'static str, since: &'static str, removal: &'static str, instead: &'static str) -> Gone {
    Gone {
        name,
        since,
        removal,
        instead,
    }
}

/// Plugins that Telegraf had once, sorted.
pub const GONE: &[Gone] = &[
    gone(
        "inputs.KNXListener",
        "1.20.1",
        "1.35.0",
        "it is 'inputs.knx_listener' now",
    ),
    gone(
        "inputs.aerospike",
        "1.30.0",
        "1.40.0",
        "use 'inputs.prometheus' with the Aerospike Prometheus Exporter instead",
    ),
    gone(
        "inputs.cassandra",
        "1.7.0",
        "1.30.0",
        "use 'inputs.jolokia2_agent' instead",
    ),
    gone(
        "inputs.cisco_telemetry_gnmi",
        "1.15.0",
        "1.35.0",
        "it is 'inputs.gnmi' now",
    ),
    gone(
        "inputs.http_listener",
        "1.9.0",
        "1.35.0",
        "it is 'inputs.influxdb_listener' now",
    ),
    gone("inputs.httpjson", "1.6.0", "1.30.0", "use 'inputs.http' instead"),
    gone("inputs.io", "0.10.0", "1.30.0", "use 'inputs.diskio' instead"),
    gone(
        "inputs.jolokia",
        "1.5.0",
        "1.30.0",
        "use 'inputs.jolokia2_agent' instead",
    ),
    gone(
        "inputs.kafka_consumer_legacy",
        "1.4.0",
        "1.30.0",
        "use 'inputs.kafka_consumer' instead",
    ),
    gone(
        "inputs.logparser",
        "1.15.0",
        "1.35.0",
        "use 'inputs.tail' with data_format = \"grok\" instead",
    ),
    gone("inputs.sflow", "1.31.0", "1.40.0", "use 'inputs.netflow' instead"),
    gone(
        "inputs.snmp_legacy",
        "1.0.0",
        "1.30.0",
        "use 'inputs.snmp' instead",
    ),
    gone(
        "inputs.tcp_listener",
        "1.3.0",
        "1.30.0",
        "use 'inputs.socket_listener' instead",
    ),
    gone(
        "inputs.udp_listener",
        "1.3.0",
        "1.30.0",
        "use 'inputs.socket_listener' instead",
    ),
    gone("outputs.amon", "1.37.0", "1.40.0", "its service is no more"),
    gone(
        "outputs.riemann_legacy",
        "1.3.0",
        "1.30.0",
        "use 'outputs.riemann' instead",
    ),
];

/// The words that head a section.
const SECTIONS: [&str; 9] = [
    "agent",
    "global_tags",
    "inputs",
    "outputs",
    "processors",
    "aggregators",
    "secretstores",
    "tags",
    "wheatstone",
];

/// The names of Telegraf's plugins of a kind.
pub fn telegraf_plugins(kind: Kind) -> impl Iterator<Item = &'static str> {
    TELEGRAF
        .lines()
        .filter_map(|line| line.split_once('.'))
        .filter(move |(found, _)| *found == kind.plural())
        .map(|(_, name)| name)
}

/// How to come by a plugin that this program was built without.
pub fn without_feature(feature: &str) -> String {
    format!(
        "this program was built without it: build it with `cargo build --release -p wheatstone --features {feature}`"
    )
}

/// What may be meant by a plugin that is not in this program, or how to come by it. `there` are those that are.
pub(crate) fn help(kind: Kind, name: &str, there: &[&'static str], options: &LoadOptions) -> String {
    if let Some(feature) = (options.feature)(kind, name) {
        return without_feature(feature);
    }
    if telegraf_plugins(kind).any(|n| n == name) {
        return format!(
            "{}.{name} is a plugin of Telegraf that Wheatstone does not have: {}",
            kind.plural(),
            through_telegraf(kind, name)
        );
    }
    let full = format!("{}.{name}", kind.plural());
    if let Some(gone) = GONE.iter().find(|gone| gone.name == full) {
        return format!(
            "Telegraf has it no more: {}; `config migrate` rewrites the file",
            gone.instead
        );
    }
    if let Some(meant) = nearest(name, there.iter().copied().chain(telegraf_plugins(kind))) {
        return format!("did you mean `{meant}`?");
    }
    let others = [
        Kind::Input,
        Kind::Output,
        Kind::Processor,
        Kind::Aggregator,
        Kind::SecretStore,
    ];
    let has = |other: &Kind| {
        *other != kind
            && ((options.plugins)(*other).contains(&name) || telegraf_plugins(*other).any(|n| n == name))
    };
    if let Some(other) = others.iter().find(|other| has(other)) {
        return format!("there is one among the {0}: [[{0}.{name}]]", other.plural());
    }
    if (options.plugins)(Kind::Parser).contains(&name) || telegraf_plugins(Kind::Parser).any(|n| n == name) {
        return format!(
            "`{name}` is a format: data_format = \"{name}\" under the plugin that reads or writes it"
        );
    }
    format!(
        "`wheatstone plugins {}` lists those that there are",
        kind.plural()
    )
}

/// What may be meant by something at the top of a file that is not `[name]`.
pub(crate) fn top_help(word: &str, is_value: bool) -> String {
    if is_value && SECTIONS.contains(&word) {
        return format!("`{word}` is a table, not an option");
    }
    if is_value {
        return if crate::agent::is_option(word) {
            format!("`{word}` stands above every header: it belongs under [agent]")
        } else {
            "an option stands under a header, such as [agent] or [[inputs.cpu]]".into()
        };
    }
    match word {
        "inputs" | "outputs" | "processors" | "aggregators" | "secretstores" => {
            format!("a plugin's header has its name too: [[{word}.name]]")
        }
        "agent" | "global_tags" | "tags" | "wheatstone" => format!("write it in single brackets: [{word}]"),
        _ => section_help(word).unwrap_or_else(|| format!("an input's header is [[inputs.{word}]]")),
    }
}

/// What may be meant by a table at the top of a file that is no section.
pub(crate) fn section_help(word: &str) -> Option<String> {
    let meant = nearest(word, SECTIONS)?;
    Some(match meant {
        "agent" | "global_tags" | "tags" | "wheatstone" => format!("did you mean [{meant}]?"),
        _ => format!("did you mean `{meant}`, as in [[{meant}.name]]?"),
    })
}

/// The way to Telegraf's plugin through a Telegraf that runs beside this program.
fn through_telegraf(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Input => format!(
            "let Telegraf run it. Put this table and [[outputs.file]] with files = [\"stdout\"] into {name}.conf, and here\n        \
             [[inputs.execd]]\n          \
             command = [\"telegraf\", \"--config\", \"{name}.conf\"]\n          \
             signal = \"none\"\n          \
             data_format = \"influx\""
        ),
        Kind::Output | Kind::Processor => format!(
            "build it alone with Telegraf's execd shim (plugins/common/shim in its repository), and have here\n        \
             [[{0}.execd]]\n          \
             command = [\"/path/to/{name}\", \"-config\", \"{name}.conf\"]",
            kind.plural()
        ),
        Kind::Aggregator => "let a Telegraf behind this program aggregate: [[outputs.socket_writer]] here, [[inputs.socket_listener]] \
                             and the aggregator there"
            .into(),
        Kind::SecretStore => {
            "fetch its secrets into files or the environment, and use [[secretstores.docker]] or \"${NAME}\"".into()
        }
        Kind::Parser | Kind::Serializer => {
            "let Telegraf convert it: run one with this format through [[inputs.execd]] or [[outputs.execd]]".into()
        }
    }
}

/// What may be meant by a data format that is not in this program.
pub(crate) fn format_help(kind: Kind, name: &str, there: &[&'static str]) -> String {
    let other = if kind == Kind::Parser {
        Kind::Serializer
    } else {
        Kind::Parser
    };
    if telegraf_plugins(kind).any(|n| n == name) {
        return format!(
            "Telegraf has this format, Wheatstone does not: {}",
            through_telegraf(kind, name)
        );
    }
    if name == "xpath" {
        return "say what is read by XPath: \"xml\", \"xpath_json\", \"xpath_msgpack\", \"xpath_cbor\" or \"xpath_protobuf\"".into();
    }
    if let Some(meant) = nearest(name, there.iter().copied().chain(telegraf_plugins(kind))) {
        return format!("did you mean data_format = \"{meant}\"?");
    }
    if telegraf_plugins(other).any(|n| n == name) {
        let (can, cannot) = if kind == Kind::Parser {
            ("written", "read")
        } else {
            ("read", "written")
        };
        return format!("\"{name}\" can only be {can}, not {cannot}");
    }
    let mut all = there.to_vec();
    all.sort_unstable();
    format!("there are: {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> LoadOptions {
        LoadOptions {
            plugins: |kind| match kind {
                Kind::Input => vec!["cpu", "mqtt_consumer"],
                Kind::Output => vec!["discard", "file"],
                _ => vec![],
            },
            feature: |kind, name| (kind == Kind::Input && name == "tail").then_some("inputs"),
            ..LoadOptions::default()
        }
    }

    #[test]
    fn the_list_is_sorted_and_whole() {
        let lines: Vec<&str> = TELEGRAF.lines().collect();
        assert!(lines.is_sorted());
        let count = |kind| telegraf_plugins(kind).count();
        assert_eq!(
            [
                Kind::Input,
                Kind::Output,
                Kind::Processor,
                Kind::Aggregator,
                Kind::SecretStore
            ]
            .map(count),
            [244, 68, 35, 9, 8]
        );
    }

    #[test]
    fn every_missing_plugin_gets_its_own_help() {
        let options = options();
        let help = |kind, name: &str| help(kind, name, &(options.plugins)(kind), &options);
        for (kind, name, text) in [
            (Kind::Input, "tail", "--features inputs`"),
            (
                Kind::Input,
                "snmp",
                "[[inputs.execd]]\n          command = [\"telegraf\", \"--config\", \"snmp.conf\"]",
            ),
            (Kind::Output, "kafka", "[[outputs.execd]]"),
            (
                Kind::Input,
                "httpjson",
                "use 'inputs.http' instead; `config migrate`",
            ),
            (Kind::Input, "mqtt_consumr", "did you mean `mqtt_consumer`?"),
            (Kind::Input, "snpm", "did you mean `snmp`?"),
            (
                Kind::Input,
                "discard",
                "there is one among the outputs: [[outputs.discard]]",
            ),
            (Kind::Input, "starlark", "there is one among the processors"),
            (Kind::Input, "json_v2", "`json_v2` is a format"),
            (
                Kind::Input,
                "wholly_unknown_thing",
                "`wheatstone plugins inputs` lists",
            ),
        ] {
            assert!(help(kind, name).contains(text), "{name}: {}", help(kind, name));
        }
    }

    #[test]
    fn sections_and_formats() {
        assert_eq!(section_help("agnet").as_deref(), Some("did you mean [agent]?"));
        assert_eq!(
            section_help("input").as_deref(),
            Some("did you mean `inputs`, as in [[inputs.name]]?")
        );
        assert_eq!(section_help("cpu"), None);
        for (kind, name, text) in [
            (Kind::Parser, "jsno", "did you mean data_format = \"json\"?"),
            (Kind::Parser, "avro", "Telegraf has this format"),
            (Kind::Parser, "carbon2", "can only be written"),
            (Kind::Serializer, "grok", "can only be read"),
            (Kind::Parser, "xpath", "\"xpath_json\""),
            (Kind::Parser, "yaml_or_so", "there are: influx, json"),
        ] {
            let help = format_help(kind, name, &["json", "influx"]);
            assert!(help.contains(text), "{name}: {help}");
        }
    }
}
