//! OpenMetrics' binary format in, families out: one message `MetricSet`.

use wheatstone_plugin::prelude::*;

use super::family::{Family, FamilyKind, Point, Series};
use crate::prometheus::binary::{each, label};
use crate::protobuf::{Field, Message};

/// Reads a payload. What is not wholly a `MetricSet` with named families is an error, so that a text can be told apart.
pub(super) fn read(payload: &[u8]) -> Result<Vec<Family>> {
    let mut families = Vec::new();
    let mut set = Message::new(payload);
    while let Some(field) = set.next()? {
        if field.number != 1 {
            bail!("protobuf: field {} in a MetricSet", field.number);
        }
        families.push(family(&field)?);
    }
    Ok(families)
}

fn family(field: &Field<'_>) -> Result<Family> {
    let mut family = Family::default();
    let mut metrics = Vec::new();
    each(field, |part| {
        match part.number {
            1 => family.name = part.text()?,
            2 => {
                let number = part.uint()?;
                family.kind =
                    FamilyKind::from_number(number).ok_or_else(|| anyhow!("unknown metric type {number}"))?;
            }
            3 => family.unit = part.text()?,
            4 => drop(part.text()?),
            5 => metrics.push(series(part)?),
            _ => {}
        }
        Ok(())
    })?;
    if family.name.is_empty() {
        bail!("empty metric-family name");
    }
    family.metrics = metrics;
    Ok(family)
}

fn series(field: &Field<'_>) -> Result<Series> {
    let mut series = Series::default();
    each(field, |part| {
        match part.number {
            1 => series.labels.push(label(part)?),
            2 => series.points.push(point(part)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(series)
}

fn point(field: &Field<'_>) -> Result<Point> {
    let mut point = Point::default();
    each(field, |part| {
        match part.number {
            // An unknown, a gauge, a counter.
            1..=3 => each(part, |number| {
                match (part.number, number.number) {
                    (_, 1) => point.value = Some(number.double()?),
                    (3, 2) => point.value = Some(number.uint()? as f64),
                    (_, 2) => point.value = Some(number.int()? as f64),
                    _ => {}
                }
                Ok(())
            }),
            4 | 7 => distribution(part, &mut point),
            5 => each(part, |state| {
                point.states.push(self::state(state)?);
                Ok(())
            }),
            6 => each(part, |info| {
                point.info.push(label(info)?);
                Ok(())
            }),
            8 => {
                let (seconds, nanos) = timestamp(part)?;
                point.time = Some(seconds.saturating_mul(1_000_000_000).saturating_add(nanos));
                Ok(())
            }
            _ => Ok(()),
        }
    })?;
    Ok(point)
}

/// A histogram (field 4) or a summary (field 7).
fn distribution(field: &Field<'_>, point: &mut Point) -> Result<()> {
    each(field, |part| {
        match part.number {
            1 => point.sum = Some(part.double()?),
            2 => point.sum = Some(part.int()? as f64),
            3 => point.count = part.uint()?,
            4 => point.created = Some(timestamp(part)?),
            5 => {
                let (mut bound, mut value) = (0.0, 0.0);
                each(part, |number| {
                    match (field.number, number.number) {
                        (4, 1) => value = number.uint()? as f64,
                        (4, 2) | (7, 1) => bound = number.double()?,
                        (7, 2) => value = number.double()?,
                        _ => {}
                    }
                    Ok(())
                })?;
                point.parts.push((bound, value));
            }
            _ => {}
        }
        Ok(())
    })
}

fn state(field: &Field<'_>) -> Result<(String, bool)> {
    let mut state = (String::new(), false);
    each(field, |part| {
        match part.number {
            1 => state.1 = part.uint()? != 0,
            2 => state.0 = part.text()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(state)
}

/// Seconds since 1970, and nanoseconds.
fn timestamp(field: &Field<'_>) -> Result<(i64, i64)> {
    let mut time = (0, 0);
    each(field, |part| {
        match part.number {
            1 => time.0 = part.int()?,
            2 => time.1 = part.int()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(time)
}
