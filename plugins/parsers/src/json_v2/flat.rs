//! The usual payloads, which make one metric: values that stand alone, and objects without arrays.
//!
//! What a member becomes is worked out when it is first met. Whatever makes several metrics, or an error that is only logged,
//! is left to [`Expander`](super::expand::Expander), which this module must agree with to the letter.

use wheatstone_plugin::prelude::*;

use super::plan::{Object, Plan};
use super::{convert, follow};
use crate::gjson_path::{Found, Kind};

/// So many members are known at most, with names of so many bytes.
const MOST: usize = 256;
const LONGEST: usize = 1024;
/// Stands for the object that the path leads to.
const ROOT: usize = usize::MAX;
/// After many payloads in a row of other kinds, one in 2^`DOUBT` is tried.
const DOUBT: u32 = 10;

/// What a payload makes.
pub(super) enum Made {
    Metric(Metric),
    Nothing,
    /// It is for the expander.
    Other,
}

/// A key of an object, at its place among others.
struct Member {
    /// The member whose value is the object around it.
    parent: usize,
    /// As it stands in the payload.
    raw: Box<str>,
    /// Name by which the options call it.
    set_name: String,
    /// Whether a value is wanted, and whether an object is gone into.
    wanted: bool,
    entered: bool,
    kind: String,
    becomes: Becomes,
}

enum Becomes {
    Time,
    Tag(Key),
    Field(Key),
}

#[derive(Default)]
pub(super) struct Flat {
    /// In the order in which they came first.
    members: Vec<Member>,
    /// Where the next one is expected.
    next: usize,
    full: bool,
    /// How often in a row a payload was another one, and for how many more it is not tried.
    others: u32,
    skip: u32,
}

impl Flat {
    /// One for these plans, where they are of the kind that it can read.
    pub(super) fn new(plans: &[Plan]) -> Option<Flat> {
        let [plan] = plans else { return None };
        let alone = match plan.objects.as_slice() {
            [] => true,
            [object] => plan.fields.is_empty() && plan.tags.is_empty() && object.items.is_empty(),
            _ => false,
        };
        alone.then(Flat::default)
    }

    /// Reads a payload that was found valid.
    pub(super) fn read(&mut self, plan: &Plan, json: &str, now: Timestamp) -> Result<Made> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(Made::Other);
        }
        let made = match plan.objects.first() {
            Some(object) => self.object(plan, object, json, now),
            None => values(plan, json, now),
        };
        if matches!(made, Ok(Made::Other)) {
            self.others = DOUBT.min(self.others + 1);
            self.skip = (1 << self.others) - 1;
        } else {
            self.others = 0;
        }
        made
    }

    fn object(&mut self, plan: &Plan, object: &Object, json: &str, now: Timestamp) -> Result<Made> {
        let mut metric = Metric::with_capacity(plan.name(json), plan.time(json, now)?, self.members.len());
        let Some(value) = follow(&object.path, object.optional, json)? else {
            return Ok(Made::Nothing);
        };
        if !value.is_object() {
            return Ok(Made::Other);
        }
        if std::mem::take(&mut self.full) {
            self.members.clear();
        }
        self.next = 0;
        Ok(match self.members(object, &value, ROOT, &mut metric) {
            Some(true) => Made::Metric(metric),
            Some(false) => Made::Nothing,
            None => Made::Other,
        })
    }

    /// Puts an object's members into the metric. Whether they make one; nothing where that is for the expander.
    fn members(
        &mut self,
        object: &Object,
        value: &Found<'_>,
        parent: usize,
        metric: &mut Metric,
    ) -> Option<bool> {
        let mut made = Some(false);
        value.for_each(|key, value| {
            made = key
                .and_then(|key| self.member(object, parent, key))
                .and_then(|at| {
                    let member = &self.members[at];
                    if value.kind != Kind::Json {
                        return if member.wanted {
                            member.take(object, &value, metric).then_some(true)
                        } else {
                            made
                        };
                    }
                    if !member.entered {
                        return made;
                    }
                    // An inner object takes the place of what was made before it.
                    value
                        .is_object()
                        .then(|| self.members(object, &value, at, metric))?
                });
            made.is_some()
        });
        made
    }

    /// Where a member is known; nothing where there are too many.
    fn member(&mut self, object: &Object, parent: usize, key: &Found<'_>) -> Option<usize> {
        let fits = |member: &Member| member.parent == parent && *member.raw == *key.raw;
        let at = if self.members.get(self.next).is_some_and(fits) {
            self.next
        } else if let Some(at) = self.members.iter().position(fits) {
            at
        } else {
            self.full = self.members.len() == MOST;
            let around = self.members.get(parent);
            let member = Member::new(object, parent, around, key);
            if self.full || member.set_name.len() > LONGEST {
                return None;
            }
            self.members.push(member);
            self.members.len() - 1
        };
        self.next = at + 1;
        Some(at)
    }
}

impl Member {
    fn new(object: &Object, parent: usize, around: Option<&Member>, key: &Found<'_>) -> Member {
        let own = key.string().replace(' ', "_");
        let set_name = match around.map_or("", |around| &around.set_name) {
            "" => own.clone(),
            prefix => format!("{prefix}_{own}"),
        };
        let name = match object.renames.get(&set_name) {
            Some(name) => name,
            None if object.prepend_keys => &set_name,
            None => &own,
        };
        let becomes = if !object.time_key.is_empty() && set_name == object.time_key {
            Becomes::Time
        } else if object.tags.contains(&set_name) {
            Becomes::Tag(Key::new(name))
        } else {
            Becomes::Field(Key::new(name))
        };
        let inherited = || around.map(|around| around.kind.clone()).unwrap_or_default();
        Member {
            parent,
            raw: key.raw.as_ref().into(),
            wanted: object.wants(&set_name, false),
            entered: object.wants(&set_name, true),
            kind: object.kinds.get(&set_name).cloned().unwrap_or_else(inherited),
            becomes,
            set_name,
        }
    }

    /// Puts a value into the metric. Where it is not what the options say, the expander tells of it; where it takes another
    /// one's place, the expander knows which of the two Telegraf keeps.
    fn take(&self, object: &Object, value: &Found<'_>, metric: &mut Metric) -> bool {
        let entries = metric.tag_count() + metric.field_count();
        match &self.becomes {
            Becomes::Time => {
                let Ok(format) = &object.time_format else {
                    return false;
                };
                let Ok(time) = format.parse_str(&value.string()) else {
                    return false;
                };
                metric.set_time(time);
                return true;
            }
            _ if value.kind == Kind::Null => return true,
            Becomes::Tag(key) => metric.set_tag(key.clone(), CompactString::from(convert::text(value))),
            Becomes::Field(key) => match convert::field(value, &self.kind, &self.set_name) {
                Ok(value) => metric.set_field(key.clone(), value),
                Err(_) => return false,
            },
        }
        metric.tag_count() + metric.field_count() > entries
    }
}

/// The metric of the `field` and `tag` tables.
fn values(plan: &Plan, json: &str, now: Timestamp) -> Result<Made> {
    let entries = plan.fields.len() + plan.tags.len();
    let mut metric = Metric::with_capacity(plan.name(json), plan.time(json, now)?, entries);
    let mut found = false;
    for item in plan.fields.iter().chain(&plan.tags) {
        let Some(value) = follow(&item.path, item.optional, json)? else {
            continue;
        };
        found = true;
        match value.kind {
            Kind::Json => return Ok(Made::Other),
            Kind::Null => {}
            _ if item.tag => metric.set_tag(item.key.clone(), CompactString::from(convert::text(&value))),
            _ => metric.set_field(item.key.clone(), convert::field(&value, &item.kind, &item.name)?),
        }
    }
    Ok(if found {
        Made::Metric(metric)
    } else {
        Made::Nothing
    })
}
