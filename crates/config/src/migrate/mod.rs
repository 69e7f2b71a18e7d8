//! `config migrate`: a text with deprecated plugins and options in, the same with what replaces them out.
//!
//! The text is cut at the headers of plugins and sections. A piece that nothing is deprecated in stays as it is, comments
//! included; another is written anew, options in the order of their names, as Telegraf does it.

mod jolokia;
mod options;
mod own;
mod plugins;
mod value;

use value::{Map, Val, of_tab, write_table};

use crate::tree::{Item, Tab};
use crate::{parse, text};

/// A text whose deprecated parts were replaced.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The new text.
    pub text: String,
    /// How many migrations were applied; with none the text is the old one.
    pub applied: usize,
    /// What the user should know, in the order of the sections.
    pub notes: Vec<String>,
}

/// How many migrations there are: general ones, of plugins, of options.
pub const MIGRATIONS: (usize, usize, usize) = (3, plugins::COUNT, options::COUNT);

/// Whether [`migrate`] replaces an option of a plugin, such as `url` of `outputs.influxdb`.
pub(crate) fn knows(plugin: &str, option: &str) -> bool {
    options::knows(plugin, option)
}

/// Replaces what is deprecated in a text. An error names the plugin and its line, and nothing is replaced.
pub fn migrate(source: &str) -> Result<Migrated, String> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let (tree, faults) = parse::parse(&text::remove_comments(source), 0);
    if let Some(fault) = faults.first() {
        return Err(format!("parsing failed: {}", fault.message));
    }
    let mut sections = sections(tree);
    if sections.is_empty() {
        return Err("no TOML configuration found".into());
    }
    assign_text(source, &mut sections);
    let mut migrated = Migrated::default();
    for section in &mut sections {
        section.migrate(&mut migrated).map_err(|why| {
            format!(
                "migrating {:?} (line {}) failed: {why}",
                section.name, section.line
            )
        })?;
    }
    migrated.text = sections.into_iter().map(|s| s.text).collect();
    Ok(migrated)
}

/// A piece of the text, from one header to the next.
struct Section {
    /// `agent`, or `inputs.tail`; empty for what is only kept.
    name: String,
    line: usize,
    options: Map,
    text: String,
}

fn sections(tree: Tab) -> Vec<Section> {
    let mut all = vec![Section {
        name: String::new(),
        line: 0,
        options: Map::new(),
        text: String::new(),
    }];
    let mut add = |name: String, tab: &Tab| {
        all.push(Section {
            name,
            line: tab.line,
            options: of_tab(tab),
            text: String::new(),
        });
    };
    for slot in tree.entries {
        let Item::Table(group) = slot.item else { continue };
        if !matches!(
            slot.key.as_str(),
            "inputs" | "outputs" | "processors" | "aggregators" | "secretstores"
        ) {
            add(slot.key, &group);
            headers_inside(&group, &mut add);
            continue;
        }
        for plugin in group.entries {
            let name = format!("{}.{}", slot.key, plugin.key);
            match &plugin.item {
                Item::Tables(list) => list.iter().for_each(|tab| add(name.clone(), tab)),
                // Only what stands in double brackets is migrated.
                Item::Table(tab) => add(String::new(), tab),
                Item::Value(..) => {}
            }
        }
    }
    if all.len() == 1 {
        return Vec::new();
    }
    all.sort_by_key(|s| s.line);
    all
}

/// Tables inside a section that is no plugin's may stand anywhere: each is a piece of its own.
fn headers_inside(tab: &Tab, add: &mut impl FnMut(String, &Tab)) {
    for slot in &tab.entries {
        match &slot.item {
            Item::Table(inner) => {
                if inner.defined {
                    add(String::new(), inner);
                }
                headers_inside(inner, add);
            }
            Item::Tables(list) => list
                .iter()
                .filter(|t| t.defined)
                .for_each(|t| add(String::new(), t)),
            Item::Value(..) => {}
        }
    }
}

/// Deals the lines out; comments right above a header belong to it.
fn assign_text(source: &str, sections: &mut [Section]) {
    let lines: Vec<&str> = source.split_inclusive('\n').collect();
    let mut ends: Vec<usize> = sections[1..]
        .iter()
        .map(|s| s.line.saturating_sub(1).min(lines.len()))
        .collect();
    for end in &mut ends {
        while *end > 0 && lines[*end - 1].trim_start().starts_with('#') {
            *end -= 1;
        }
    }
    ends.push(lines.len());
    let mut from = 0;
    for (section, end) in sections.iter_mut().zip(ends) {
        let end = end.max(from);
        section.text = lines[from..end].concat();
        from = end;
    }
}

impl Section {
    fn migrate(&mut self, done: &mut Migrated) -> Result<(), String> {
        if self.name == "agent" {
            if global_agent(&mut self.options)? {
                self.rewrite();
                done.applied += 1;
            }
            return Ok(());
        }
        let Some((category, _)) = self.name.split_once('.') else {
            return Ok(());
        };
        if let Some(replaced) = plugins::apply(&self.name, &self.options)? {
            self.say(&replaced.message, done);
            self.text = String::new();
            for (name, map) in &replaced.tables {
                write_table(&mut self.text, name, true, map);
                self.text.push('\n');
            }
            done.applied += 1;
            return Ok(());
        }
        if category != "secretstores" {
            for change in [common_tls, metric_filter] {
                if change(&mut self.options)? {
                    self.rewrite();
                    done.applied += 1;
                }
            }
        }
        if let Some(message) = options::apply(&self.name, &mut self.options)? {
            self.say(&message, done);
            self.rewrite();
            done.applied += 1;
        }
        Ok(())
    }

    fn say(&self, message: &str, done: &mut Migrated) {
        if !message.is_empty() {
            done.notes
                .push(format!("Plugin {:?} in line {}: {message}", self.name, self.line));
        }
    }

    fn rewrite(&mut self) {
        self.text = String::new();
        write_table(&mut self.text, &self.name, self.name != "agent", &self.options);
        self.text.push('\n');
    }
}

/// `logtarget` says nothing that `logfile` and `logformat` do not.
fn global_agent(agent: &mut Map) -> Result<bool, String> {
    let Some(target) = agent.get("logtarget").and_then(Val::as_text).map(str::to_owned) else {
        return Ok(false);
    };
    match target.as_str() {
        "stderr" => {
            agent.remove("logfile");
        }
        "eventlog" => {
            if agent
                .get("logformat")
                .is_some_and(|f| f.as_text() != Some("eventlog"))
            {
                return Err(options::contradiction("logtarget", "logformat"));
            }
            agent.insert("logformat".into(), Val::text("eventlog"));
            agent.remove("logfile");
        }
        _ => {}
    }
    agent.remove("logtarget");
    Ok(true)
}

fn common_tls(map: &mut Map) -> Result<bool, String> {
    let mut applied = false;
    for (from, to) in [
        ("ssl_ca", "tls_ca"),
        ("ssl_cert", "tls_cert"),
        ("ssl_key", "tls_key"),
    ] {
        applied |= options::rename(map, from, to, options::Type::Text)?.is_some();
    }
    Ok(applied)
}

fn metric_filter(map: &mut Map) -> Result<bool, String> {
    let mut applied = false;
    for (new, old) in [
        ("fieldinclude", ["pass", "fieldpass"]),
        ("fieldexclude", ["drop", "fielddrop"]),
    ] {
        for key in old {
            let Some(value) = map.remove(key) else { continue };
            let list = value.as_texts().ok_or_else(|| options::unexpected(&value, key))?;
            options::add(map, new, &list)?;
            applied = true;
        }
    }
    Ok(applied)
}

#[cfg(test)]
mod tests;
