//! Which points go to which database and retention policy.

use std::collections::HashMap;

use wheatstone_net::influx::Settling;
use wheatstone_plugin::Metric;

use crate::Config;

/// The points of a batch for one database and retention policy.
#[derive(Debug)]
pub(crate) struct Route {
    pub database: String,
    pub retention_policy: String,
    pub batch: Settling,
    /// The servers that were asked last had no such database.
    pub lacks_database: bool,
}

/// Deals a batch out. Without the tag options it stays in one piece; otherwise the routes come in the order of their first
/// points.
pub(crate) fn routes(config: &Config, metrics: &[&Metric]) -> Vec<Route> {
    let route = |(database, retention_policy): (&str, &str), points| Route {
        database: database.to_owned(),
        retention_policy: retention_policy.to_owned(),
        batch: Settling::new(vec![points]),
        lacks_database: false,
    };
    let usual = (config.database.as_str(), config.retention_policy.as_str());
    if config.database_tag.is_empty() && config.retention_policy_tag.is_empty() {
        return vec![route(usual, (0..metrics.len()).collect())];
    }
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut dealt: Vec<((&str, &str), Vec<usize>)> = Vec::new();
    for (i, metric) in metrics.iter().enumerate() {
        let to = (
            metric.tag(&config.database_tag).unwrap_or(usual.0),
            metric.tag(&config.retention_policy_tag).unwrap_or(usual.1),
        );
        let place = *places.entry(to).or_insert_with(|| {
            dealt.push((to, Vec::new()));
            dealt.len() - 1
        });
        dealt[place].1.push(i);
    }
    dealt.into_iter().map(|(to, points)| route(to, points)).collect()
}

/// The tags that are not written.
pub(crate) fn excluded(config: &Config) -> Vec<String> {
    let tags = [
        (config.exclude_database_tag, &config.database_tag),
        (config.exclude_retention_policy_tag, &config.retention_policy_tag),
    ];
    tags.into_iter()
        .filter(|(excluded, tag)| *excluded && !tag.is_empty())
        .map(|(_, tag)| tag.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_choose_database_and_policy() {
        let mut metrics = Vec::new();
        for (db, rp) in [
            (Some("a"), None),
            (None, Some("week")),
            (Some("a"), None),
            (None, None),
        ] {
            let mut m = Metric::new("m", 1);
            db.into_iter().for_each(|v| m.set_tag("db", v));
            rp.into_iter().for_each(|v| m.set_tag("rp", v));
            metrics.push(m);
        }
        let metrics: Vec<&Metric> = metrics.iter().collect();
        let config = Config {
            database_tag: "db".into(),
            retention_policy_tag: "rp".into(),
            retention_policy: "day".into(),
            ..Config::default()
        };
        let dealt: Vec<_> = routes(&config, &metrics)
            .into_iter()
            .map(|mut r| (r.database, r.retention_policy, r.batch.next().unwrap()))
            .collect();
        let expected = [
            ("a", "day", vec![0, 2]),
            ("telegraf", "week", vec![1]),
            ("telegraf", "day", vec![3]),
        ];
        assert_eq!(
            dealt,
            expected.map(|(db, rp, points)| (db.to_owned(), rp.to_owned(), points))
        );
    }

    #[test]
    fn without_the_options_the_batch_stays_whole() {
        let (a, b) = (Metric::new("a", 1), Metric::new("b", 2));
        let mut routes = routes(&Config::default(), &[&a, &b]);
        assert_eq!(routes.len(), 1);
        assert_eq!(routes[0].batch.next(), Some(vec![0, 1]));
    }

    #[test]
    fn a_tag_is_only_excluded_where_it_is_named() {
        let mut config = Config {
            exclude_database_tag: true,
            ..Config::default()
        };
        assert!(excluded(&config).is_empty());
        config.database_tag = "db".into();
        assert_eq!(excluded(&config), ["db"]);
    }
}
