//! A dotted name in, the name of the metric, its tags and its field out, as the template that fits the name tells.

use wheatstone_plugin::prelude::*;

use crate::value::number::quote;

/// What each part of a name is.
#[derive(Debug)]
pub(crate) struct Template {
    separator: String,
    parts: Vec<String>,
    tags: Vec<(String, String)>,
}

/// What a template made of a name; texts are empty where it named none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) measurement: String,
    pub(crate) field: String,
    pub(crate) tags: Vec<(String, String)>,
}

impl Template {
    fn new(separator: &str, pattern: &str, tags: Vec<(String, String)>) -> Result<Template> {
        let parts: Vec<String> = pattern.split(separator).map(str::to_owned).collect();
        if !parts.iter().any(|part| part.starts_with("measurement")) {
            bail!("no measurement specified for template. {}", quote(pattern));
        }
        Ok(Template {
            separator: separator.to_owned(),
            parts,
            tags,
        })
    }

    pub(crate) fn apply(&self, name: &str, joiner: &str) -> Result<Applied> {
        let has = |part: &str| self.parts.iter().any(|p| p == part);
        if has("measurement*") && has("field*") {
            bail!(
                "either 'field*' or 'measurement*' can be used in each template (but not both together): {}",
                quote(&self.parts.join(joiner))
            );
        }
        let values: Vec<&str> = name.split(self.separator.as_str()).collect();
        let (mut measurement, mut field) = (Vec::new(), Vec::new());
        let mut applied = Applied {
            tags: self.tags.clone(),
            ..Applied::default()
        };
        for (at, (part, value)) in self.parts.iter().zip(&values).enumerate() {
            match part.as_str() {
                "" => {}
                "measurement" => measurement.push(*value),
                "field" => field.push(*value),
                "measurement*" => measurement.extend(&values[at..]),
                "field*" => field.extend(&values[at..]),
                tag => match applied.tags.iter_mut().find(|(key, _)| key == tag) {
                    Some((_, before)) => {
                        before.push_str(joiner);
                        before.push_str(value);
                    }
                    None => applied.tags.push((tag.to_owned(), (*value).to_owned())),
                },
            }
        }
        applied.measurement = measurement.join(joiner);
        applied.field = field.join(joiner);
        Ok(applied)
    }
}

/// The text of a template taken apart: `[separator] [filter] <template> [tag1=value1,tag2=value2]`.
struct Spec<'a> {
    separator: &'a str,
    filter: &'a str,
    template: &'a str,
    tags: &'a str,
}

impl<'a> Spec<'a> {
    fn new(text: &'a str) -> Option<Spec<'a>> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let spec = |separator, filter, template, tags| Spec {
            separator,
            filter,
            template,
            tags,
        };
        Some(match parts[..] {
            [] => return None,
            [_] => spec(".", "", text, ""),
            [separator, filter, template, tags] => spec(separator, filter, template, tags),
            [.., filter, template, tags] if tags.contains('=') => {
                spec(".", if parts.len() == 3 { filter } else { "" }, template, tags)
            }
            [template, tags] if tags.contains('=') => spec(".", "", template, tags),
            [filter, template] => spec(".", filter, template, ""),
            [separator, filter, .., template] => spec(separator, filter, template, ""),
        })
    }

    fn template(&self) -> Result<Template> {
        let mut tags: Vec<(String, String)> = Vec::new();
        for tag in self.tags.split(',').filter(|_| !self.tags.is_empty()) {
            let mut parts = tag.split('=');
            let (Some(key), Some(value)) = (parts.next(), parts.next()) else {
                bail!("invalid template tags: {}", quote(tag));
            };
            tags.retain(|(before, _)| before != key);
            tags.push((key.to_owned(), value.to_owned()));
        }
        Template::new(self.separator, self.template, tags)
    }
}

/// All templates, found by their filters.
#[derive(Debug)]
pub(crate) struct Templates {
    default: Template,
    separator: String,
    root: Node,
}

/// A part of a filter, and what may follow it.
#[derive(Debug, Default)]
struct Node {
    children: Vec<(String, Node)>,
    template: Option<Template>,
}

impl Templates {
    pub(crate) fn new(texts: &[String]) -> Result<Templates> {
        let mut specs: Vec<Spec<'_>> = texts.iter().filter_map(|text| Spec::new(text)).collect();
        specs.sort_by_key(|spec| {
            (
                !spec.filter.is_empty(),
                spec.template.matches(spec.separator).count(),
            )
        });
        let mut templates = Templates {
            default: Template::new(".", "measurement*", Vec::new())?,
            separator: ".".to_owned(),
            root: Node::default(),
        };
        for spec in specs {
            let template = spec.template()?;
            // As in Telegraf, names are matched with the separator of the last template.
            spec.separator.clone_into(&mut templates.separator);
            if spec.filter.is_empty() {
                templates.default = template;
                continue;
            }
            let mut node = &mut templates.root;
            for part in spec.filter.split(spec.separator) {
                let place = match node.children.iter().position(|(value, _)| value == part) {
                    Some(place) => place,
                    None => {
                        node.children.push((part.to_owned(), Node::default()));
                        node.children.len() - 1
                    }
                };
                node = &mut node.children[place].1;
            }
            node.template = Some(template);
        }
        Ok(templates)
    }

    /// The template for a name: that of the filter that fits most parts exactly.
    pub(crate) fn find(&self, name: &str) -> &Template {
        let parts: Vec<&str> = name.split(self.separator.as_str()).collect();
        self.root.search(&parts).unwrap_or(&self.default)
    }
}

impl Node {
    fn search(&self, parts: &[&str]) -> Option<&Template> {
        let child = |wanted: &str| {
            self.children
                .iter()
                .find(|(value, _)| value == wanted)
                .map(|(_, node)| node)
        };
        let [part, rest @ ..] = parts else {
            return self.template.as_ref();
        };
        if *part != "*"
            && let Some(template) = child(part).and_then(|node| node.search(rest))
        {
            return Some(template);
        }
        match child("*") {
            Some(node) => node.search(rest),
            None => self.template.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(templates: &[&str], name: &str) -> String {
        let texts: Vec<String> = templates.iter().map(|t| (*t).to_owned()).collect();
        let templates = Templates::new(&texts).expect("valid templates");
        let applied = templates
            .find(name)
            .apply(name, "_")
            .expect("a template that fits");
        let tags: Vec<_> = applied.tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
        format!("{} {} {}", applied.measurement, tags.join(","), applied.field)
    }

    #[test]
    fn parts_become_names_tags_and_fields() {
        for (template, name, want) in [
            ("measurement.host", "cpu.a", "cpu host=a "),
            ("host.host.measurement", "a.b.cpu", "cpu host=a_b "),
            ("measurement.A.B", "foo", "foo  "),
            (".zone..measurement*", "x.eu.y.cpu.load", "cpu_load zone=eu "),
            ("measurement.measurement.field*", "a.b.c.d", "a_b  c_d"),
            ("measurement.field.x.field", "a.b.c.d", "a x=c b_d"),
            ("measurement.t t=1,u=2", "a.b", "a t=1_b,u=2 "),
            (
                "/ /*/* /measurement/host/measurement*",
                "/tel/h1/cpu",
                "tel_cpu host=h1 ",
            ),
        ] {
            assert_eq!(apply(&[template], name), want, "{template} {name}");
        }
    }

    #[test]
    fn the_closest_filter_wins() {
        let templates = [
            "*.* .wrong.measurement*",
            "servers.* .host.measurement*",
            "servers.local.cpu .host.resource.measurement*",
            "*.local .wrong.measurement*",
        ];
        assert_eq!(apply(&templates, "servers.a.load"), "load host=a ");
        assert_eq!(
            apply(&templates, "servers.local.cpu.load"),
            "load host=local,resource=cpu "
        );
        assert_eq!(apply(&templates, "x.y.z"), "z wrong=y ");
        assert_eq!(apply(&templates, "one"), "one  ");
        assert_eq!(apply(&["a.b measurement", "measurement.tag"], "x.y"), "x tag=y ");
    }

    #[test]
    fn wrong_templates_are_named() {
        let message = |text: &str| Templates::new(&[text.to_owned()]).err().map(|e| e.to_string());
        assert_eq!(
            message("a.b.c"),
            Some("no measurement specified for template. \"a.b.c\"".to_owned())
        );
        assert_eq!(
            message(". a measurement x"),
            Some("invalid template tags: \"x\"".to_owned())
        );
        let both = Templates::new(&["measurement*.field*".to_owned()]).expect("two measures");
        let error = both.find("a").apply("a", ".").err().map(|e| e.to_string());
        assert!(error.is_some_and(|e| e.ends_with("(but not both together): \"measurement*.field*\"")));
    }
}
