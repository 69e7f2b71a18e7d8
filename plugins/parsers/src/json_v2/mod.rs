//! JSON payloads in, metrics out as GJSON paths tell: values become fields and tags, arrays and objects several metrics.

mod config;
mod convert;
mod expand;
mod flat;
mod plan;

use wheatstone_plugin::{excerpt, prelude::*};

pub use config::{DataSet, JsonV2Config, ObjectConfig, Section};

use crate::gjson_path::{self, Found, Path};
use crate::value::number::quote;
use expand::{Expander, Id, Node};
use flat::{Flat, Made};
use plan::{Item, Object, Plan};

/// The parser of `data_format = "json_v2"`.
pub struct JsonV2 {
    plans: Vec<Plan>,
    /// For payloads that make one metric.
    flat: Option<Flat>,
    /// The options of objects before the first `object` table.
    plain: Object,
    keys: KeyCache,
    log: Log,
}

impl Plugin for JsonV2 {
    type Config = JsonV2Config;

    fn new(config: JsonV2Config, cx: &Context) -> Result<JsonV2> {
        if config.json_v2.is_empty() {
            bail!("no configuration provided");
        }
        let sections = config.json_v2.into_iter().enumerate();
        let plans = sections.map(|(place, section)| Plan::new(section, place + 1, cx.metric_name()));
        let plans: Vec<Plan> = plans.collect::<Result<_>>()?;
        Ok(JsonV2 {
            flat: Flat::new(&plans),
            plans,
            plain: Object::new(ObjectConfig::default()),
            keys: KeyCache::default(),
            log: cx.log().clone(),
        })
    }
}

register!(parser "json_v2" = JsonV2);

impl Parser for JsonV2 {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let payload = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
        let json = String::from_utf8_lossy(payload);
        if !gjson_path::valid(&json) {
            bail!("invalid JSON provided, unable to parse: {}", excerpt(&json));
        }
        if let (Some(flat), [plan]) = (&mut self.flat, self.plans.as_slice()) {
            match flat.read(plan, &json, now)? {
                Made::Metric(metric) => {
                    out.push(metric);
                    return Ok(());
                }
                Made::Nothing => return Ok(()),
                Made::Other => {}
            }
        }
        let mut metrics = Vec::new();
        let mut expander = Expander::new(&self.log, &mut self.keys, key!(""), now, &self.plain);
        expander.next_payload(json.len());
        for plan in &self.plans {
            let ids = run(plan, &json, now, &mut expander)?;
            if expander.is_beyond() {
                bail!(
                    "the payload makes too many metrics, since arrays beside each other make one of each element with each, \
                     or names that are too long"
                );
            }
            // What the next plan makes begins anew.
            let mut made: Vec<_> = expander.metrics.drain(..).map(Some).collect();
            for (place, id) in ids.iter().enumerate() {
                let again = ids[place + 1..].contains(id);
                let metric = &mut made[*id];
                metrics.extend(if again { metric.clone() } else { metric.take() });
            }
        }
        out.append(&mut metrics);
        Ok(())
    }
}

/// Reads a payload as one `[[json_v2]]` table tells.
fn run<'p>(plan: &'p Plan, json: &'p str, now: Timestamp, expander: &mut Expander<'p>) -> Result<Vec<Id>> {
    expander.name = plan.name(json);
    expander.time = plan.time(json, now)?;
    expander.in_object = false;
    let fields = values(&plan.fields, json, expander)?;
    let tags = values(&plan.tags, json, expander)?;
    let mut objects = objects(plan, json, expander)?;
    let mut metrics = expander.product(tags, fields);
    if !objects.is_empty() && !metrics.is_empty() {
        return Ok(expander.product(objects, metrics));
    }
    metrics.append(&mut objects);
    Ok(metrics)
}

/// What a path leads to, if it leads anywhere or need not.
fn follow<'p>(path: &'p Path, optional: bool, json: &'p str) -> Result<Option<Found<'p>>> {
    if path.as_str().is_empty() {
        bail!("the GJSON path is required");
    }
    let found = path.get(json);
    if found.exists() {
        return Ok(Some(found));
    }
    if optional {
        return Ok(None);
    }
    bail!("the path {} doesn't exist", quote(path.as_str()));
}

/// The metrics of all `field` or all `tag` tables: each value with each of the others.
fn values<'p>(items: &'p [Item], json: &'p str, expander: &mut Expander<'p>) -> Result<Vec<Id>> {
    let mut all = None;
    for item in items {
        let Some(value) = follow(&item.path, item.optional, json)? else {
            continue;
        };
        if value.is_object() && item.kind != "string" {
            debug!(
                expander.log,
                "Found object in the path {}, ignoring it please use 'object' to gather metrics from objects",
                quote(item.path.as_str())
            );
            continue;
        }
        let node = Node {
            parent_index: value.index,
            value,
            output_name: item.name.clone(),
            set_name: item.name.clone(),
            tag: item.tag,
            kind: &item.kind,
            item: None,
            metric: expander.new_metric(),
        };
        let ids = expander.expand(node)?;
        all = Some(match all {
            None => ids,
            Some(before) => expander.product(before, ids),
        });
    }
    Ok(all.unwrap_or_default())
}

/// The metrics of all `object` tables, one after the other.
fn objects<'p>(plan: &'p Plan, json: &'p str, expander: &mut Expander<'p>) -> Result<Vec<Id>> {
    expander.in_object = true;
    let mut all = Vec::new();
    for object in &plan.objects {
        expander.object = object;
        expander.found.clear();
        let Some(value) = follow(&object.path, object.optional, json)? else {
            continue;
        };
        for item in &object.items {
            let found = value.inside(item.path.as_str());
            if found.exists() {
                expander.found.push((found, item));
            } else if !item.optional {
                bail!("the path {} doesn't exist", quote(item.path.as_str()));
            }
        }
        let node = Node {
            value,
            parent_index: 0,
            output_name: String::new(),
            set_name: String::new(),
            tag: false,
            kind: "",
            item: None,
            metric: expander.new_metric(),
        };
        all.append(&mut expander.expand(node)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
