//! The bytes of a `WriteRequest` in, its series out.

use wheatstone_plugin::prelude::*;

use super::histogram::{Histogram, Side, Span};
use crate::prometheus::binary::{each, label};
use crate::protobuf::{Field, Message};

/// A snappy block may claim to become any size; what a request says at once is less than this.
const MAX_REQUEST: usize = 512 << 20;

/// One series of samples or histograms. Exemplars are left out.
#[derive(Debug, Default)]
pub(super) struct TimeSeries {
    pub(super) labels: Vec<(String, String)>,
    /// Values with milliseconds since 1970.
    pub(super) samples: Vec<(f64, i64)>,
    pub(super) histograms: Vec<Histogram>,
}

/// Reads a request, as it is or packed by snappy, which is how it travels.
pub(super) fn request(payload: &[u8]) -> Result<Vec<TimeSeries>> {
    let plain = plain_request(payload);
    if plain.is_err()
        && snap::raw::decompress_len(payload).is_ok_and(|length| length <= MAX_REQUEST)
        && let Ok(unpacked) = snap::raw::Decoder::new().decompress_vec(payload)
    {
        return plain_request(&unpacked);
    }
    plain
}

fn plain_request(payload: &[u8]) -> Result<Vec<TimeSeries>> {
    let mut all = Vec::new();
    let mut request = Message::new(payload);
    while let Some(field) = request.next()? {
        // Field 3 tells of types and units.
        if field.number == 1 {
            all.push(series(&field)?);
        }
    }
    Ok(all)
}

fn series(field: &Field<'_>) -> Result<TimeSeries> {
    let mut series = TimeSeries::default();
    each(field, |part| {
        match part.number {
            1 => series.labels.push(label(part)?),
            2 => {
                let (mut value, mut millis) = (0.0, 0);
                each(part, |number| {
                    match number.number {
                        1 => value = number.double()?,
                        2 => millis = number.int()?,
                        _ => {}
                    }
                    Ok(())
                })?;
                series.samples.push((value, millis));
            }
            4 => series.histograms.push(histogram(part)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(series)
}

fn histogram(field: &Field<'_>) -> Result<Histogram> {
    let mut histogram = Histogram::default();
    let (mut positive_deltas, mut negative_deltas) = (Vec::new(), Vec::new());
    let mut floats = false;
    each(field, |part| {
        match part.number {
            1 => (histogram.count, floats) = (part.uint()? as f64, false),
            2 => (histogram.count, floats) = (part.double()?, true),
            3 => histogram.sum = part.double()?,
            4 => histogram.schema = part.sint()? as i32,
            5 => histogram.zero_threshold = part.double()?,
            6 => histogram.zero_count = part.uint()? as f64,
            7 => histogram.zero_count = part.double()?,
            8 => histogram.negative.spans.push(span(part)?),
            9 => part.sints(&mut negative_deltas)?,
            10 => part.doubles(&mut histogram.negative.counts)?,
            11 => histogram.positive.spans.push(span(part)?),
            12 => part.sints(&mut positive_deltas)?,
            13 => part.doubles(&mut histogram.positive.counts)?,
            14 => histogram.reset_hint = part.uint()?,
            15 => histogram.millis = part.int()?,
            16 => part.doubles(&mut histogram.custom_bounds)?,
            _ => {}
        }
        Ok(())
    })?;
    if !floats {
        // Whole counts are sent as differences.
        sum_up(&positive_deltas, &mut histogram.positive);
        sum_up(&negative_deltas, &mut histogram.negative);
    }
    Ok(histogram)
}

fn sum_up(deltas: &[i64], side: &mut Side) {
    let mut count = 0.0;
    side.counts.clear();
    side.counts.extend(deltas.iter().map(|delta| {
        count += *delta as f64;
        count
    }));
}

fn span(field: &Field<'_>) -> Result<Span> {
    let mut span = Span::default();
    each(field, |part| {
        match part.number {
            1 => span.offset = part.sint()? as i32,
            2 => span.length = part.uint()? as u32,
            _ => {}
        }
        Ok(())
    })?;
    Ok(span)
}
