//! A types.db file in, the names and kinds of the values of each collectd type out.

use std::collections::HashMap;

use wheatstone_plugin::{os_text, prelude::*};

use crate::packet::Number;

/// The types of one or more files.
#[derive(Debug, Default)]
pub(crate) struct TypesDb(HashMap<String, Vec<Source>>);

/// One value of a type.
#[derive(Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Counter,
    Derive,
    Gauge,
}

impl Source {
    /// Reads `name:KIND:min:max`.
    fn parse(word: &str) -> Option<Source> {
        let parts: Vec<&str> = word.strip_suffix(',').unwrap_or(word).split(':').collect();
        let [name, kind, min, max] = parts[..] else {
            return None;
        };
        let kind = match kind {
            "COUNTER" => Kind::Counter,
            "DERIVE" => Kind::Derive,
            "GAUGE" => Kind::Gauge,
            _ => return None,
        };
        let limit = |text: &str| text == "U" || text.parse::<f64>().is_ok();
        (limit(min) && limit(max)).then(|| Source {
            name: name.to_owned(),
            kind,
        })
    }

    /// The value as the file says it is, whatever the packet says.
    pub(crate) fn convert(&self, number: Number) -> Number {
        match (self.kind, number) {
            (Kind::Counter, Number::Gauge(x)) => Number::Counter(x as u64),
            (Kind::Counter, Number::Derive(n)) => Number::Counter(n as u64),
            (Kind::Derive, Number::Gauge(x)) => Number::Derive(x as i64),
            (Kind::Derive, Number::Counter(n)) => Number::Derive(n as i64),
            (Kind::Gauge, number) => Number::Gauge(number.as_f64()),
            (_, number) => number,
        }
    }
}

impl TypesDb {
    /// Adds a file; a type that is there already is replaced. Lines that are no types are skipped.
    pub(crate) fn read(&mut self, path: &str) -> Result<()> {
        let text = std::fs::read(path).map_err(|error| anyhow!("open {path}: {}", os_text(&error)))?;
        self.add(&String::from_utf8_lossy(&text));
        Ok(())
    }

    fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut line = line.split_whitespace();
            if let (Some(name), Some(sources)) = (line.next(), line.map(Source::parse).collect()) {
                self.0.insert(name.to_owned(), sources);
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&[Source]> {
        self.0.get(name).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_others_skipped() {
        let mut db = TypesDb::default();
        db.add("# comment:GAUGE:0:U\nif_octets\trx:DERIVE:0:U, tx:DERIVE:0:1e9\nbad x:ABSOLUTE:0:U\nbad2 x:GAUGE:a:U\nbad3 x:GAUGE\n\n");
        db.add("load value:GAUGE:U:U");
        let names: Vec<_> = db
            .get("if_octets")
            .expect("known")
            .iter()
            .map(|s| s.name.as_str())
            .collect();
        assert_eq!(names, ["rx", "tx"]);
        assert_eq!(db.0.len(), 2);
    }

    #[test]
    fn values_take_the_kind_of_the_file() {
        let convert = |kind: &str, number| {
            let source = Source::parse(&format!("v:{kind}:U:U")).expect("a source");
            source.convert(number).as_f64()
        };
        assert_eq!(convert("DERIVE", Number::Gauge(-1.7)), -1.0);
        assert_eq!(convert("COUNTER", Number::Derive(-1)), u64::MAX as f64);
        assert_eq!(convert("DERIVE", Number::Counter(u64::MAX)), -1.0);
        assert_eq!(convert("GAUGE", Number::Counter(7)), 7.0);
        assert_eq!(convert("COUNTER", Number::Gauge(2.9)), 2.0);
    }
}
