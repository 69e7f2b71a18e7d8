//! Metrics in, the same with measurements, tags and fields under other names out.

use wheatstone_plugin::prelude::*;

/// Renames measurements, tags and fields.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RenameConfig {
    /// What is renamed: one table for each, applied in this order.
    replace: Vec<Replace>,
}

/// One renaming.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Replace {
    /// Measurement to rename. Of `measurement`, `tag` and `field` the first that is set counts.
    measurement: String,
    /// Tag to rename.
    tag: String,
    /// Field to rename.
    field: String,
    /// The new name; what bears it already is replaced. Where it is empty nothing is renamed.
    dest: String,
}

enum What {
    Measurement,
    Tag,
    Field,
}

struct Rename(Vec<(What, Key, Key)>);

impl Plugin for Rename {
    type Config = RenameConfig;

    fn new(config: RenameConfig, _: &Context) -> Result<Self> {
        let renaming = |r: &Replace| {
            let (what, from) = match r {
                Replace { measurement, .. } if !measurement.is_empty() => (What::Measurement, measurement),
                Replace { tag, .. } if !tag.is_empty() => (What::Tag, tag),
                Replace { field, .. } if !field.is_empty() => (What::Field, field),
                _ => return None,
            };
            (!r.dest.is_empty()).then(|| (what, Key::new(from), Key::new(&r.dest)))
        };
        Ok(Rename(config.replace.iter().filter_map(renaming).collect()))
    }
}

impl Processor for Rename {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        for m in metrics {
            for (what, from, to) in &self.0 {
                match what {
                    What::Measurement => {
                        if m.name() == from {
                            m.set_name(to);
                        }
                    }
                    What::Tag => {
                        if let Some(value) = m.remove_tag(from) {
                            m.set_tag(to, value);
                        }
                    }
                    What::Field => {
                        if let Some(value) = m.remove_field(from) {
                            m.set_field(to, value);
                        }
                    }
                }
            }
        }
    }
}

register!(processor "rename" = Rename);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, metric, process};

    fn rename(replaces: &[[&str; 4]]) -> Rename {
        let replace = |[measurement, tag, field, dest]: &[&str; 4]| Replace {
            measurement: (*measurement).to_owned(),
            tag: (*tag).to_owned(),
            field: (*field).to_owned(),
            dest: (*dest).to_owned(),
        };
        build(
            "rename",
            RenameConfig {
                replace: replaces.iter().map(replace).collect(),
            },
        )
        .unwrap()
    }

    #[test]
    fn all_three_are_renamed_in_order() {
        let mut plugin = rename(&[
            ["cpu", "", "", "mem"],
            ["mem", "", "", "disk"],
            ["", "a", "", "b"],
            ["", "", "x", "y"],
        ]);
        let m = metric(
            "cpu",
            &[("a", "1")],
            &[("x", Value::Int(1)), ("z", Value::Int(2))],
            7,
        );
        let want = metric(
            "disk",
            &[("b", "1")],
            &[("y", Value::Int(1)), ("z", Value::Int(2))],
            7,
        );
        assert_eq!(process(&mut plugin, m), [want]);
    }

    #[test]
    fn what_bears_the_name_already_is_replaced() {
        let mut plugin = rename(&[["", "a", "", "b"], ["", "", "x", "y"]]);
        let m = metric(
            "m",
            &[("a", "1"), ("b", "2")],
            &[("x", Value::Int(1)), ("y", Value::Int(2))],
            0,
        );
        assert_eq!(
            process(&mut plugin, m),
            [metric("m", &[("b", "1")], &[("y", Value::Int(1))], 0)]
        );
    }

    #[test]
    fn what_is_absent_or_has_no_new_name_stays() {
        let mut plugin = rename(&[
            ["", "a", "", ""],
            ["", "no", "", "b"],
            ["", "", "no", "b"],
            ["m2", "", "", "n"],
        ]);
        let m = metric("m", &[("a", "1")], &[("x", Value::Int(1))], 0);
        assert_eq!(process(&mut plugin, m.clone()), [m]);
    }

    #[test]
    fn the_first_kind_that_is_set_counts() {
        let mut plugin = rename(&[["other", "a", "x", "new"]]);
        let m = metric("m", &[("a", "1")], &[("x", Value::Int(1))], 0);
        assert_eq!(process(&mut plugin, m.clone()), [m]);
    }
}
