//! Which collection a metric belongs to, and the making of those that are not there.

use std::collections::HashSet;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{CreateCollectionOptions, IndexOptions, TimeseriesGranularity, TimeseriesOptions};
use mongodb::{Database, IndexModel};
use wheatstone_plugin::prelude::{Metric, Result, bail};

use crate::MongodbConfig;
use crate::document::Layout;

/// The option `collection`, read.
pub struct NameTemplate(Vec<Piece>);

enum Piece {
    Text(String),
    Name,
    Tag(String),
}

impl NameTemplate {
    /// Reads a template; an empty one is the measurement's name.
    pub fn parse(text: &str) -> Result<NameTemplate> {
        if text.is_empty() {
            return Ok(NameTemplate(vec![Piece::Name]));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((inner, after)) = after.split_once('}') else {
                bail!("option \"collection\": {text:?} has a brace that is not closed");
            };
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(match inner.split_once(':') {
                None if inner == "name" => Piece::Name,
                Some(("tag", tag)) if !tag.is_empty() => Piece::Tag(tag.to_owned()),
                _ => bail!("option \"collection\": unknown {{{inner}}}: use {{name}} or {{tag:KEY}}"),
            });
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(NameTemplate(pieces))
    }

    /// Puts the metric's collection into `out`, or says why it can have none.
    pub fn fill(&self, metric: &Metric, out: &mut String) -> Result<(), String> {
        out.clear();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Name => out.push_str(metric.name()),
                Piece::Tag(tag) => out.push_str(metric.tag(tag).unwrap_or_default()),
            }
        }
        if out.is_empty() || out.contains(['\0', '$']) {
            return Err(format!("{out:?} cannot be the name of a collection"));
        }
        Ok(())
    }
}

/// The collections that are there, and how new ones are made.
pub struct Collections {
    known: HashSet<String>,
    time_series: Option<TimeseriesOptions>,
    /// The key that holds the time, and how long documents live.
    expiry: Option<(String, Duration)>,
}

impl Collections {
    /// Reads the options about new collections. With a form of their own, or ids made from metrics, documents go into ordinary
    /// collections, unless `granularity` asks for time series.
    pub fn new(config: &MongodbConfig, layout: &Layout) -> Result<Collections> {
        let granularity = match config.granularity.as_str() {
            "" | "seconds" => TimeseriesGranularity::Seconds,
            "minutes" => TimeseriesGranularity::Minutes,
            "hours" => TimeseriesGranularity::Hours,
            _ => bail!(
                "invalid time series collection granularity. please specify \"seconds\", \"minutes\", or \"hours\""
            ),
        };
        let asked = !config.granularity.is_empty();
        let time_series = match layout.time_key() {
            // Time-series collections store a second document with the same _id as well.
            _ if config.idempotent => None,
            _ if !asked && !layout.is_telegrafs() => None,
            None => bail!(
                "granularity makes time-series collections: a key of the document must have the source \"time\""
            ),
            Some(time) => {
                let mut options = TimeseriesOptions::builder().time_field(time.to_owned()).build();
                options.meta_field = layout.meta_key().map(str::to_owned);
                options.granularity = Some(granularity);
                Some(options)
            }
        };
        let expiry = match (config.ttl.is_zero(), layout.time_key()) {
            (true, _) => None,
            (false, Some(time)) => Some((time.to_owned(), config.ttl.0)),
            (false, None) => {
                bail!("ttl counts from a date: a key of the document must have the source \"time\"")
            }
        };
        Ok(Collections {
            known: HashSet::new(),
            time_series,
            expiry,
        })
    }

    /// Notes what is there, so that it is used as it is.
    pub async fn list(&mut self, database: &Database, limit: Duration) -> Result<()> {
        let names = tokio::time::timeout(limit, database.list_collection_names()).await;
        self.known = names??.into_iter().collect();
        Ok(())
    }

    /// Makes a collection that is not there yet.
    pub async fn ensure(&mut self, database: &Database, name: &str) -> Result<(), mongodb::error::Error> {
        if self.known.contains(name) {
            return Ok(());
        }
        let mut options = CreateCollectionOptions::default();
        if let Some(time_series) = &self.time_series {
            options.timeseries = Some(time_series.clone());
            options.expire_after_seconds = self.expiry.as_ref().map(|(_, ttl)| *ttl);
        }
        match database.create_collection(name).with_options(options).await {
            Ok(()) => {
                if self.time_series.is_none()
                    && let Some((time, ttl)) = &self.expiry
                {
                    let index = IndexModel::builder()
                        .keys(doc! { time: 1 })
                        .options(IndexOptions::builder().expire_after(*ttl).build())
                        .build();
                    database.collection::<Document>(name).create_index(index).await?;
                }
            }
            // Somebody else was quicker.
            Err(e) if matches!(&*e.kind, ErrorKind::Command(c) if c.code == 48) => {}
            Err(e) => return Err(e),
        }
        self.known.insert(name.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Form;
    use wheatstone_plugin::conf;
    use wheatstone_plugin::prelude::anyhow;

    fn collections(change: impl FnOnce(&mut MongodbConfig)) -> Result<Collections> {
        let mut config = MongodbConfig::default();
        change(&mut config);
        Collections::new(&config, &Layout::new(&config)?)
    }
    fn own(entries: &[(&str, &str)]) -> Form {
        Form(
            entries
                .iter()
                .map(|(k, s)| ((*k).to_owned(), (*s).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn names_are_filled_from_the_metric() -> Result<()> {
        let mut m = Metric::new("weather", 1);
        m.set_tag("site", "north");
        let mut name = String::new();
        for (template, want) in [
            ("", "weather"),
            ("readings", "readings"),
            ("{name}_{tag:site}", "weather_north"),
            ("a{tag:none}b", "ab"),
        ] {
            NameTemplate::parse(template)?
                .fill(&m, &mut name)
                .map_err(|e| anyhow!(e))?;
            assert_eq!(name, want);
        }
        assert!(NameTemplate::parse("{tag:none}")?.fill(&m, &mut name).is_err());
        m.set_name("a$b");
        assert!(NameTemplate::parse("")?.fill(&m, &mut name).is_err());
        for wrong in ["{name", "{host}", "{tag:}"] {
            assert!(NameTemplate::parse(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn telegrafs_form_makes_time_series() -> Result<()> {
        let options = collections(|c| c.granularity = "minutes".into())?.time_series;
        let options = options.ok_or_else(|| anyhow!("an ordinary collection"))?;
        assert_eq!(options.time_field, "timestamp");
        assert_eq!(options.meta_field.as_deref(), Some("tags"));
        assert!(matches!(
            options.granularity,
            Some(TimeseriesGranularity::Minutes)
        ));
        assert!(collections(|c| c.granularity = "days".into()).is_err());
        assert!(collections(|c| c.idempotent = true)?.time_series.is_none());
        Ok(())
    }

    #[test]
    fn an_own_form_makes_ordinary_ones_unless_asked() -> Result<()> {
        let form = own(&[("at", "time"), ("v", "field:v")]);
        assert!(collections(|c| c.document = form.clone())?.time_series.is_none());
        let asked = collections(|c| {
            c.document = form.clone();
            c.granularity = "seconds".into();
        })?;
        assert_eq!(asked.time_series.map(|t| t.time_field).as_deref(), Some("at"));
        Ok(())
    }

    #[test]
    fn a_time_to_live_needs_a_date() -> Result<()> {
        let ttl = conf::Duration::from_secs(60);
        let made = collections(|c| {
            c.ttl = ttl;
            c.document = own(&[("at", "time"), ("v", "field:v")]);
        })?;
        assert_eq!(made.expiry, Some(("at".to_owned(), Duration::from_secs(60))));
        let undated = collections(|c| {
            c.ttl = ttl;
            c.document = own(&[("at", "time:ms"), ("v", "field:v")]);
        });
        assert!(undated.is_err());
        Ok(())
    }
}
