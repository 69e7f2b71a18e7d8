//! One line of the log: `2026-11-21T09:18:19Z E! [inputs.file::alias] text`, or the same as a JSON object.

use std::sync::LazyLock;

use wheatstone_gotime::{Layout, Zone};
use wheatstone_plugin::Level;

static RFC3339: LazyLock<Layout> = LazyLock::new(|| Layout::new("2006-01-02T15:04:05Z07:00"));
static RFC3339_NANO: LazyLock<Layout> = LazyLock::new(|| Layout::new("2006-01-02T15:04:05.999999999Z07:00"));

/// How lines are written.
pub(super) enum Form {
    Text,
    /// JSON objects, the message under this key.
    Json {
        key: String,
    },
}

/// What was said, when and by whom.
pub(super) struct Line {
    pub time: i64,
    pub letter: char,
    /// `inputs.file::alias`, or a part of the program, or nothing.
    pub plugin: String,
    pub text: String,
}

impl Line {
    pub fn level(&self) -> Level {
        match self.letter {
            'E' => Level::Error,
            'W' => Level::Warn,
            'I' => Level::Info,
            'D' => Level::Debug,
            _ => Level::Trace,
        }
    }

    /// The line with its end.
    pub fn render(&self, form: &Form, zone: &Zone) -> String {
        match form {
            Form::Text => {
                let time = RFC3339.format(self.time, zone);
                match self.plugin.as_str() {
                    "" => format!("{time} {}! {}\n", self.letter, self.text),
                    plugin => format!("{time} {}! [{plugin}] {}\n", self.letter, self.text),
                }
            }
            Form::Json { key } => self.json(key, zone),
        }
    }

    fn json(&self, key: &str, zone: &Zone) -> String {
        let level = match self.letter {
            'E' => "ERROR",
            'W' => "WARN",
            'I' => "INFO",
            'D' => "DEBUG",
            _ => "TRACE",
        };
        let plugin = self.plugin.split_once('.');
        // A part of the program is no plugin: Telegraf has it in the text.
        let text = match plugin {
            None if !self.plugin.is_empty() => format!("[{}] {}", self.plugin, self.text),
            _ => self.text.clone(),
        };
        let time = RFC3339_NANO.format(self.time, zone);
        let mut pairs = vec![("time", time.as_str()), ("level", level), (key, text.as_str())];
        if let Some((category, name)) = plugin {
            let (name, alias) = name.split_once("::").unwrap_or((name, ""));
            pairs.extend([("category", category), ("plugin", name)]);
            pairs.extend((!alias.is_empty()).then_some(("alias", alias)));
        }
        let pairs: Vec<String> = pairs
            .into_iter()
            .map(|(k, v)| format!("{}:{}", serde_json::Value::from(k), serde_json::Value::from(v)))
            .collect();
        format!("{{{}}}\n", pairs.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(letter: char, plugin: &str, text: &str) -> Line {
        Line {
            time: 1_731_931_200_120_000_000,
            letter,
            plugin: plugin.into(),
            text: text.into(),
        }
    }

    #[test]
    fn text_has_seconds_in_the_zone() {
        let render = |plugin: &str, zone: &Zone| line('W', plugin, "hm").render(&Form::Text, zone);
        assert_eq!(render("", &Zone::UTC), "2024-11-18T12:00:00Z W! hm\n");
        assert_eq!(
            render("agent", &Zone::UTC),
            "2024-11-18T12:00:00Z W! [agent] hm\n"
        );
        let berlin = Zone::load("Europe/Berlin").unwrap();
        assert_eq!(
            render("inputs.file::a", &berlin),
            "2024-11-18T13:00:00+01:00 W! [inputs.file::a] hm\n"
        );
    }

    #[test]
    fn json_names_the_plugin() {
        let form = Form::Json {
            key: "message".into(),
        };
        let render = |letter, plugin: &str| line(letter, plugin, "a \"b\"\n").render(&form, &Zone::UTC);
        assert_eq!(
            render('E', "inputs.file::x"),
            "{\"time\":\"2024-11-18T12:00:00.12Z\",\"level\":\"ERROR\",\"message\":\"a \\\"b\\\"\\n\",\"category\":\"inputs\",\"plugin\":\"file\",\"alias\":\"x\"}\n"
        );
        let object: serde_json::Value = serde_json::from_str(&render('T', "agent")).unwrap();
        assert_eq!(
            (object["level"].as_str(), object["message"].as_str()),
            (Some("TRACE"), Some("[agent] a \"b\"\n"))
        );
        assert_eq!(object.get("plugin"), None);
    }
}
