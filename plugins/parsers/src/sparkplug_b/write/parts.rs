//! Values with parts in, a field for each part out: members of templates, properties, cells of datasets.

use std::collections::HashSet;

use wheatstone_plugin::prelude::*;

use super::super::payload::{DataSet, Metrics, Named, is_definition, parameters, properties, text};
use super::{Group, Malformed, Place, Shape, Writer, scalar};

/// Templates in templates and properties in properties, at most.
const DEEPEST: usize = 16;
/// A field's name grows with the parts it is put together from; a longer one is a payload gone wrong.
const LONGEST: usize = 512;
/// So many parts (elements, cells, members) one payload may have; fewer in tests, which look through all of them at every part.
const MOST_PARTS: usize = if cfg!(test) { 1 << 12 } else { 1 << 18 };
impl Writer {
    /// A name of a part; `within` is where an error points to.
    pub(super) fn part(
        &mut self,
        shape: &Shape,
        whole: &str,
        part: &str,
        within: &[u8],
    ) -> Result<Key, Malformed> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(Malformed::at(within, "more parts than a payload may have"));
        }
        self.joined.clear();
        self.joined.push_str(whole);
        self.joined.push_str(&shape.separator);
        self.joined.push_str(part);
        if self.joined.len() > LONGEST {
            return Err(Malformed::at(within, "a part whose name is too long"));
        }
        Ok(self.keys.get(&self.joined))
    }

    pub(super) fn template(
        &mut self,
        place: &Place<'_>,
        shape: &Shape,
        field: &Key,
        bytes: &[u8],
        depth: usize,
    ) -> Result<(), Malformed> {
        if depth >= DEEPEST {
            return Err(Malformed::at(bytes, "templates nested too deeply"));
        }
        if is_definition(bytes)? {
            return Ok(());
        }
        parameters(bytes, |named: Named<'_>| {
            let key = self.part(shape, field, &text(named.name), bytes)?;
            self.value(place, shape, key, named.datatype, named.value, false, depth + 1)
        })?;
        let mut members = Metrics::of(bytes);
        while let Some(member) = members.next()? {
            let Some(name) = member.name else {
                continue;
            };
            let key = self.part(shape, field, &text(name), bytes)?;
            self.value(
                place,
                shape,
                key,
                member.datatype,
                member.value,
                member.null,
                depth + 1,
            )?;
        }
        Ok(())
    }

    pub(super) fn properties(
        &mut self,
        place: &Place<'_>,
        shape: &Shape,
        field: &Key,
        set: &[u8],
        depth: usize,
    ) -> Result<(), Malformed> {
        if depth >= DEEPEST {
            return Err(Malformed::at(set, "properties nested too deeply"));
        }
        properties(set, |property| {
            let key = self.part(shape, field, &text(property.name), set)?;
            self.value(
                place,
                shape,
                key,
                property.datatype,
                property.value,
                property.null,
                depth + 1,
            )
        })
    }

    pub(super) fn rows(
        &mut self,
        place: &Place<'_>,
        shape: &Shape,
        field: &Key,
        bytes: &[u8],
    ) -> Result<(), Malformed> {
        let set = DataSet::read(bytes)?;
        let mut columns = Vec::with_capacity(set.columns.len());
        for name in &set.columns {
            columns.push(self.part(shape, field, &text(name), bytes)?);
        }
        for (at, row) in set.rows.iter().enumerate() {
            let mut group = Group {
                metric: self.metric(place, shape, columns.len() + 1),
                historical: place.historical,
                seen: HashSet::default(),
            };
            group
                .metric
                .set_tag(key!("row"), CompactString::from(at.to_string()));
            let mut column = columns.iter();
            set.row(row, |cell| {
                self.parts += 1;
                if self.parts > MOST_PARTS {
                    return Err(Malformed::at(bytes, "more parts than a payload may have"));
                }
                if let (Some(key), Some(value)) = (column.next(), scalar(cell.datatype, cell.value)) {
                    group.put(key.clone(), value);
                }
                Ok(())
            })?;
            if group.metric.field_count() > 0 {
                self.rows.push(group.metric);
            }
        }
        Ok(())
    }
}
