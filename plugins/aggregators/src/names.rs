//! Names of fields in, the names of what is made of them out: `usage` gives `usage_min` and `usage_max`.

use std::collections::HashMap;

use wheatstone_plugin::Key;

/// Past so many fields what is remembered is forgotten, so that names without end take no memory without end.
const MAX_KNOWN: usize = 4096;

/// Puts suffixes behind names, and remembers the results over the periods.
pub(crate) struct Names {
    suffixes: Vec<&'static str>,
    known: HashMap<Key, Box<[Key]>>,
}

impl Names {
    pub(crate) fn new(suffixes: Vec<&'static str>) -> Names {
        Names {
            suffixes,
            known: HashMap::new(),
        }
    }

    /// One name per suffix, in the order of the suffixes.
    pub(crate) fn get(&mut self, field: &Key) -> &[Key] {
        if self.known.len() >= MAX_KNOWN && !self.known.contains_key(field) {
            self.known.clear();
        }
        let suffixes = &self.suffixes;
        self.known.entry(field.clone()).or_insert_with(|| {
            suffixes
                .iter()
                .map(|suffix| Key::from(format!("{field}{suffix}")))
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_right_and_bounded() {
        let mut names = Names::new(vec!["_min", "_max"]);
        for i in 0..3 * MAX_KNOWN {
            let field = Key::from(format!("f{}", i % 5000));
            assert_eq!(
                names.get(&field),
                [
                    Key::from(format!("{field}_min")),
                    Key::from(format!("{field}_max"))
                ]
            );
            assert!(names.known.len() <= MAX_KNOWN);
        }
    }
}
