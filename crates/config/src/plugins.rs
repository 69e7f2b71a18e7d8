//! The plugins of a file: from the tables under their headers to names, common keys and what is the plugin's own.

use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::{Node, NodeKind, Span, Table};

use crate::deal::{Dealer, labels};
use crate::load::Report;
use crate::schema::KnownKeys;
use crate::select::Selector;
use crate::tree::{Item, Slot, Tab};
use crate::{Header, LoadOptions, PluginConfig, id, known};

/// A plugin's table as it was found.
pub(crate) struct Found {
    kind: Kind,
    name: String,
    name_span: Span,
    pub table: Tab,
    /// `[[...]]`.
    list: bool,
    /// It stands at the top of the file, without its kind.
    top: bool,
    /// The line where the kind's first header stands.
    group_line: usize,
}

/// The tables of a file's plugins.
pub(crate) fn collect(slots: Vec<Slot>, report: &mut Report<'_>) -> Vec<Found> {
    let mut all = Vec::new();
    for slot in slots {
        let group = match slot.item {
            Item::Table(group) => group,
            other => {
                let help = known::top_help(&slot.key, matches!(other, Item::Value(..)));
                let message = format!(
                    "invalid configuration, error parsing field {:?} as table",
                    slot.key
                );
                report.help(slot.key_span, message, help);
                continue;
            }
        };
        let kind = match slot.key.as_str() {
            "inputs" | "plugins" => Kind::Input,
            "outputs" => Kind::Output,
            "processors" => Kind::Processor,
            "aggregators" => Kind::Aggregator,
            "secretstores" => Kind::SecretStore,
            // The oldest files have their inputs at the top.
            _ => {
                let (line, name_span) = (group.line, slot.key_span);
                all.push(Found {
                    kind: Kind::Input,
                    name: slot.key,
                    name_span,
                    table: group,
                    list: false,
                    top: true,
                    group_line: line,
                });
                continue;
            }
        };
        let group_line = group.line;
        for slot in group.entries {
            let found = |table, list| Found {
                kind,
                name: slot.key.clone(),
                name_span: slot.key_span,
                table,
                list,
                top: false,
                group_line,
            };
            match slot.item {
                Item::Table(table) if matches!(kind, Kind::Input | Kind::Output) => {
                    all.push(found(table, false))
                }
                Item::Tables(list) => all.extend(list.into_iter().map(|table| found(table, true))),
                Item::Table(table) => {
                    let header = format!("[[{}.{}]]", kind.plural(), slot.key);
                    let help = match first_header(&table).filter(|_| !table.defined) {
                        Some(_) => format!("this belongs to a {header}, which must stand above it"),
                        None => format!("write it in double brackets: {header}"),
                    };
                    report.help(
                        if table.defined { table.span } else { slot.key_span },
                        format!("unsupported config format: {}", slot.key),
                        help,
                    );
                }
                Item::Value(..) => {
                    let help = format!(
                        "a plugin is a table of its own: [[{}.{}]]",
                        kind.plural(),
                        slot.key
                    );
                    report.help(
                        slot.key_span,
                        format!("unsupported config format: {}", slot.key),
                        help,
                    );
                }
            }
        }
    }
    all
}

pub(crate) fn plugin(
    found: Found,
    options: &LoadOptions,
    selector: &Selector,
    report: &mut Report<'_>,
) -> Option<PluginConfig> {
    let Found {
        kind,
        name,
        name_span,
        table,
        list,
        top,
        group_line,
    } = found;
    let filter = match kind {
        Kind::Input => &options.input_filter,
        Kind::Output => &options.output_filter,
        Kind::SecretStore => &options.secretstore_filter,
        _ => &Vec::new(),
    };
    if !filter.is_empty() && !filter.contains(&name) {
        return None;
    }
    // Where [[x]] names the plugin several times, each has its own header.
    let head = if table.defined { table.span } else { name_span };
    let place = format!("line {}:{{{} {}}}", table.line, table.section.0, table.section.1);
    let id = id::plugin_id(&format!("{}.{name}", kind.plural()), &table);
    let second_id = match kind {
        Kind::Processor => id::plugin_id(&format!("aggprocessors.{name}"), &table),
        _ => String::new(),
    };
    let inner = first_header(&table);
    let mut own = table.into_table();
    let prefix = if list && kind == Kind::Output {
        format!("error parsing {name} array")
    } else {
        format!("error parsing {name}")
    };

    let labels = match labels(&own) {
        Ok(labels) if !selector.matches(&labels) => return None,
        Ok(labels) => labels,
        Err((span, why)) => {
            report.problem(
                span,
                format!(
                    "{prefix}, invalid label in plugin {}.{name}: {why}",
                    kind.plural()
                ),
            );
            return None;
        }
    };
    if kind == Kind::SecretStore {
        if let Err((span, why)) = check_store(&own, &name) {
            let help =
                "give it a name of its own: id = \"mystore\", of letters, digits and underscores".into();
            report.help(span, format!("{prefix}, {why}"), help);
        } else {
            add_password(&mut own, &name, options);
        }
    } else {
        let there = (options.plugins)(kind);
        if !there.contains(&name.as_str()) {
            let help = top.then(|| known::section_help(&name)).flatten();
            let help = Some(help.unwrap_or_else(|| known::help(kind, &name, &there, options)));
            report.push(
                head,
                format!("{prefix}, undefined but requested {}: {name}", kind.singular()),
                help,
            );
            return None;
        }
    }
    deprecated_options(kind, &name, &own, report);
    let mut common = Dealer {
        kind,
        name: &name,
        table: &mut own,
        place,
        report,
        prefix: &prefix,
    }
    .deal();
    common.labels = labels;
    Some(PluginConfig {
        kind,
        name,
        common,
        table: own,
        span: head,
        id,
        second_id,
        header: Header {
            list,
            group_line,
            inner,
        },
    })
}

/// Says which options of a plugin are deprecated. Its schema tells: `x-deprecated` is "since;removed in;what instead".
fn deprecated_options(kind: Kind, name: &str, table: &Table, report: &mut Report<'_>) {
    let known = KnownKeys::of(kind, name, table);
    for entry in &table.entries {
        let Some(text) = known.extension(&entry.key, "x-deprecated") else {
            continue;
        };
        let mut parts = text.splitn(3, ';');
        let (since, removal, instead) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let message = format!(
            "Option {:?} of plugin \"{}.{name}\" deprecated since version {since} and will be removed in {removal}: {instead}",
            entry.key,
            kind.plural()
        );
        report.deprecated_until(entry.key_span, &message, removal);
    }
}

/// The first header inside a table; inline tables have none.
fn first_header(table: &Tab) -> Option<Span> {
    let header = |t: &Tab| t.defined.then_some(t.span);
    let of_slot = |slot: &Slot| match &slot.item {
        Item::Table(t) => header(t).or_else(|| first_header(t)),
        Item::Tables(list) => list.first().and_then(header),
        Item::Value(..) => None,
    };
    table.entries.iter().filter_map(of_slot).min()
}

/// Stores that are files open with a password, which need not stand in the table.
fn add_password(table: &mut Table, name: &str, options: &LoadOptions) {
    let set = table
        .get("password")
        .and_then(Node::as_str)
        .is_some_and(|p| !p.is_empty());
    if set || !matches!(name, "jose" | "os") {
        return;
    }
    let id = table.get("id").and_then(Node::as_str).unwrap_or_default();
    if let Some(password) = (options.passwords)(name, id) {
        table.take("password");
        table.set("password", Node::bare(NodeKind::String(password)));
    }
}

fn check_store(table: &Table, name: &str) -> Result<(), (Span, String)> {
    let node = table.get("id");
    let id = node.and_then(Node::as_str).unwrap_or_default();
    if id.is_empty() {
        return Err((table.span, format!("{name:?} secret store without ID")));
    }
    if !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let span = node.map_or(table.span, |n| n.span);
        let message =
            format!("invalid secret store ID {id:?}, must only contain letters, numbers or underscore");
        return Err((span, message));
    }
    Ok(())
}
