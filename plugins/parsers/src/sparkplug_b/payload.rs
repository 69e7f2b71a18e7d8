//! A payload in, its metrics out, as the messages of Sparkplug B's protobuf schema have them. Nothing is copied.

use std::borrow::Cow;

use crate::protobuf::{Fields, Malformed, Wire};

/// What a payload says besides its metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Milliseconds since 1970.
    pub(super) timestamp: Option<u64>,
    pub(super) seq: Option<u64>,
    pub(super) metrics: usize,
    /// The payload is a wrapping: its body holds a compressed one.
    pub(super) compressed: bool,
}

impl Head {
    pub(super) fn read(payload: &[u8]) -> Result<Head, Malformed> {
        let mut head = Head::default();
        let mut fields = Fields::of(payload);
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => head.timestamp = Some(wire.number()),
                2 => head.metrics += 1,
                3 => head.seq = Some(wire.number()),
                4 => head.compressed = wire.bytes() == b"SPBV1.0_COMPRESSED",
                _ => {}
            }
        }
        Ok(head)
    }
}

/// The metrics of a payload, or of a template.
#[derive(Clone, Copy)]
pub(super) struct Metrics<'a>(Fields<'a>);

impl<'a> Metrics<'a> {
    /// Of a payload or a template: both have them in field 2.
    pub(super) fn of(message: &'a [u8]) -> Metrics<'a> {
        Metrics(Fields::of(message))
    }
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Metric<'a>>, Malformed> {
        while let Some((number, wire)) = self.0.next()? {
            if let (2, Wire::Bytes(bytes)) = (number, wire) {
                return Metric::read(bytes).map(Some);
            }
        }
        Ok(None)
    }
}

/// A value as it was encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Raw<'a> {
    #[default]
    None,
    Int(u64),
    Float(f32),
    Double(f64),
    Bool(bool),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    DataSet(&'a [u8]),
    Template(&'a [u8]),
    Set(&'a [u8]),
    Sets(&'a [u8]),
}

impl<'a> Raw<'a> {
    /// The kinds that all messages with values have, in the order of their fields: the first of them has the number `first`.
    #[inline]
    fn scalar(number: u64, first: u64, wire: Wire<'a>) -> Option<Raw<'a>> {
        Some(match (number.checked_sub(first)?, wire) {
            (0 | 1, wire) => Raw::Int(wire.number()),
            (2, Wire::Fixed32(bits)) => Raw::Float(f32::from_bits(bits)),
            (3, Wire::Fixed64(bits)) => Raw::Double(f64::from_bits(bits)),
            (4, wire) => Raw::Bool(wire.number() != 0),
            (5, wire) => Raw::Text(wire.bytes()),
            _ => return None,
        })
    }
}

/// One metric of a payload.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Metric<'a> {
    pub(super) name: Option<&'a [u8]>,
    pub(super) alias: Option<u64>,
    pub(super) timestamp: Option<u64>,
    /// 0 where it is not said.
    pub(super) datatype: u32,
    pub(super) historical: bool,
    pub(super) transient: bool,
    pub(super) null: bool,
    pub(super) properties: Option<&'a [u8]>,
    pub(super) value: Raw<'a>,
}

impl<'a> Metric<'a> {
    #[inline]
    fn read(bytes: &'a [u8]) -> Result<Metric<'a>, Malformed> {
        let mut metric = Metric::default();
        let mut fields = Fields::of(bytes);
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => metric.name = Some(wire.bytes()),
                2 => metric.alias = Some(wire.number()),
                3 => metric.timestamp = Some(wire.number()),
                4 => metric.datatype = wire.number() as u32,
                5 => metric.historical = wire.number() != 0,
                6 => metric.transient = wire.number() != 0,
                7 => metric.null = wire.number() != 0,
                9 => metric.properties = Some(wire.bytes()),
                16 => metric.value = Raw::Bytes(wire.bytes()),
                17 => metric.value = Raw::DataSet(wire.bytes()),
                18 => metric.value = Raw::Template(wire.bytes()),
                _ => {
                    if let Some(value) = Raw::scalar(number, 10, wire) {
                        metric.value = value;
                    }
                }
            }
        }
        Ok(metric)
    }
}

/// A property of a metric, or a parameter of a template: a name with a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Named<'a> {
    pub(super) name: &'a [u8],
    pub(super) datatype: u32,
    pub(super) null: bool,
    pub(super) value: Raw<'a>,
}

/// Hands over every property of a property set: its names stand apart from its values, in the same order.
pub(super) fn properties<'a>(
    set: &'a [u8],
    mut each: impl FnMut(Named<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let (mut names, mut values) = (Fields::of(set), Fields::of(set));
    while let Some((number, wire)) = values.next()? {
        if number != 2 {
            continue;
        }
        let name = loop {
            match names.next()? {
                Some((1, wire)) => break wire.bytes(),
                Some(_) => {}
                // A value without a name is nothing that could be told.
                None => return Ok(()),
            }
        };
        let mut property = Named {
            name,
            ..Named::default()
        };
        let mut fields = Fields::of(wire.bytes());
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => property.datatype = wire.number() as u32,
                2 => property.null = wire.number() != 0,
                9 => property.value = Raw::Set(wire.bytes()),
                10 => property.value = Raw::Sets(wire.bytes()),
                _ => {
                    if let Some(value) = Raw::scalar(number, 3, wire) {
                        property.value = value;
                    }
                }
            }
        }
        each(property)?;
    }
    Ok(())
}

/// Whether a template is the description of a type rather than a value.
pub(super) fn is_definition(template: &[u8]) -> Result<bool, Malformed> {
    let (mut fields, mut definition) = (Fields::of(template), false);
    while let Some((number, wire)) = fields.next()? {
        if number == 5 {
            definition = wire.number() != 0;
        }
    }
    Ok(definition)
}

/// Hands over the parameters of a template.
pub(super) fn parameters<'a>(
    template: &'a [u8],
    mut each: impl FnMut(Named<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut fields = Fields::of(template);
    while let Some((number, wire)) = fields.next()? {
        if number != 3 {
            continue;
        }
        let mut named = Named::default();
        let mut fields = Fields::of(wire.bytes());
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => named.name = wire.bytes(),
                2 => named.datatype = wire.number() as u32,
                _ => {
                    if let Some(value) = Raw::scalar(number, 3, wire) {
                        named.value = value;
                    }
                }
            }
        }
        each(named)?;
    }
    Ok(())
}

/// A table: columns with names and types, rows of values.
#[derive(Debug, Default)]
pub(super) struct DataSet<'a> {
    pub(super) columns: Vec<&'a [u8]>,
    pub(super) types: Vec<u32>,
    pub(super) rows: Vec<&'a [u8]>,
}

impl<'a> DataSet<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<DataSet<'a>, Malformed> {
        let mut set = DataSet::default();
        let mut fields = Fields::of(bytes);
        while let Some((number, wire)) = fields.next()? {
            match (number, wire) {
                (2, wire) => set.columns.push(wire.bytes()),
                // Numbers in a row may be packed into one field.
                (3, Wire::Bytes(packed)) => {
                    let mut one = Vec::with_capacity(packed.len() + 1);
                    one.push(0x08);
                    for byte in packed {
                        one.push(*byte);
                        if byte & 0x80 == 0 {
                            let number = Fields::of(&one).next().ok().flatten();
                            set.types.push(number.map_or(0, |(_, wire)| wire.number() as u32));
                            one.truncate(1);
                        }
                    }
                }
                (3, wire) => set.types.push(wire.number() as u32),
                (4, Wire::Bytes(row)) => set.rows.push(row),
                _ => {}
            }
        }
        Ok(set)
    }

    /// Hands over the values of a row with their columns; a value beyond the columns has none and is left out.
    pub(super) fn row(
        &self,
        row: &'a [u8],
        mut each: impl FnMut(Named<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut fields = Fields::of(row);
        let mut columns = self.columns.iter().enumerate();
        while let Some((number, wire)) = fields.next()? {
            if number != 1 {
                continue;
            }
            let Some((at, name)) = columns.next() else {
                return Ok(());
            };
            let mut value = Raw::None;
            let mut element = Fields::of(wire.bytes());
            while let Some((number, wire)) = element.next()? {
                value = Raw::scalar(number, 1, wire).unwrap_or(value);
            }
            each(Named {
                name,
                datatype: self.types.get(at).copied().unwrap_or(0),
                null: value == Raw::None,
                value,
            })?;
        }
        Ok(())
    }
}

/// A text, broken UTF-8 mended.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
