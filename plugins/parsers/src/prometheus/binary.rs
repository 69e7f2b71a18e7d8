//! Prometheus' binary format in, families of samples out: messages `MetricFamily`, each with its length before it.

use wheatstone_plugin::prelude::*;

use super::text::{Family, FamilyKind, Sample};
use crate::protobuf::{Field, Message};

/// Whether a payload is in the binary format: its first message can be read and begins with the family's name. No text is
/// one: its first character would have to count the bytes of a message, its second to be a line feed, and so on.
pub(super) fn is_binary(payload: &[u8]) -> bool {
    let Ok(first) = Message::new(payload).delimited() else {
        return false;
    };
    let mut start = first;
    matches!(start.next(), Ok(Some(name)) if name.number == 1) && family(first).is_ok()
}

/// Reads a payload.
pub(super) fn read(payload: &[u8]) -> Result<Vec<Family>> {
    let mut payload = Message::new(payload);
    let mut families = Vec::new();
    while !payload.is_done() {
        families.push(family(payload.delimited()?)?);
    }
    families.retain(|family: &Family| !family.samples.is_empty());
    Ok(families)
}

fn family(mut message: Message<'_>) -> Result<Family> {
    let mut family = Family::default();
    // The type may come after the metrics.
    let mut metrics = Vec::new();
    let mut kind = 0;
    while let Some(field) = message.next()? {
        match field.number {
            1 => family.name = field.text()?,
            3 => kind = field.uint()?,
            4 => metrics.push(field.message()?),
            _ => {}
        }
    }
    let kind = match kind {
        0 => FamilyKind::Counter,
        1 => FamilyKind::Gauge,
        2 => FamilyKind::Summary,
        3 => FamilyKind::Untyped,
        // The text format has no gauge histograms either: they are written as histograms there.
        4 | 5 => FamilyKind::Histogram,
        other => bail!("unknown metric type {other} of {:?}", family.name),
    };
    family.kind = Some(kind);
    family.samples = metrics.into_iter().map(sample).collect::<Result<_>>()?;
    Ok(family)
}

fn sample(mut message: Message<'_>) -> Result<Sample> {
    let mut sample = Sample {
        // One without a value is left out.
        value: f64::NAN,
        ..Sample::default()
    };
    while let Some(field) = message.next()? {
        match field.number {
            1 => sample.labels.push(label(&field)?),
            2 | 3 | 5 => {
                sample.value = 0.0;
                each(&field, |part| {
                    if part.number == 1 {
                        sample.value = part.double()?;
                    }
                    Ok(())
                })?;
            }
            4 | 7 => distribution(&field, &mut sample)?,
            6 => sample.time = Some(field.int()?),
            _ => {}
        }
    }
    Ok(sample)
}

/// A label as name and value.
pub(crate) fn label(field: &Field<'_>) -> Result<(String, String)> {
    let mut label = (String::new(), String::new());
    each(field, |part| {
        match part.number {
            1 => label.0 = part.text()?,
            2 => label.1 = part.text()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(label)
}

/// A summary (field 4) or a histogram (field 7).
fn distribution(field: &Field<'_>, sample: &mut Sample) -> Result<()> {
    each(field, |part| {
        match part.number {
            1 => sample.count = part.uint()?,
            2 => sample.sum = part.double()?,
            3 => {
                // A quantile's two numbers, or a bucket's count and bound.
                let (mut bound, mut value) = (0.0, 0.0);
                each(part, |number| {
                    match (field.number, number.number) {
                        (4, 1) | (7, 2) => bound = number.double()?,
                        (4, 2) => value = number.double()?,
                        (7, 1) => value = number.uint()? as f64,
                        _ => {}
                    }
                    Ok(())
                })?;
                sample.parts.push((bound, value));
            }
            _ => {}
        }
        Ok(())
    })
}

/// Gives every field of the message that a field holds.
pub(crate) fn each<'a>(field: &Field<'a>, mut read: impl FnMut(&Field<'a>) -> Result<()>) -> Result<()> {
    let mut message = field.message()?;
    while let Some(part) = message.next()? {
        read(&part)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus::{Prometheus, PrometheusConfig};
    use crate::protobuf::Draft;
    use crate::testing::{build, feed, lines};

    fn draft() -> Draft {
        Draft::default()
    }

    fn labelled(name: &str, value: &str) -> Draft {
        draft().message(1, draft().text(1, name).text(2, value))
    }

    fn payload() -> Vec<u8> {
        let counter = labelled("a", "x")
            .message(3, draft().double(1, 7.5))
            .uint(6, 1500);
        let quantile = draft().double(1, 0.5).double(2, 2.0);
        let summary = draft().uint(1, 4).double(2, 10.0).message(3, quantile);
        let bucket = draft().uint(1, 3).double(2, 0.1);
        let histogram = draft().uint(1, 5).double(2, 7.5).message(3, bucket);
        [
            draft().text(1, "c").text(2, "help").message(4, counter),
            draft().text(1, "empty").uint(3, 1),
            draft()
                .text(1, "novalue")
                .uint(3, 1)
                .message(4, labelled("b", "y")),
            draft()
                .text(1, "s")
                .uint(3, 2)
                .message(4, draft().message(4, summary)),
            draft()
                .text(1, "h")
                .uint(3, 4)
                .message(4, draft().message(7, histogram)),
        ]
        .into_iter()
        .flat_map(Draft::delimited)
        .collect()
    }

    fn parse(version: i64, payload: &[u8]) -> Result<Vec<String>, String> {
        let config = PrometheusConfig {
            prometheus_metric_version: version,
            ..PrometheusConfig::default()
        };
        feed(&mut build::<Prometheus>(config)?, payload)
    }

    #[test]
    fn both_shapes() {
        assert_eq!(
            parse(2, &payload()),
            lines(&[
                "prometheus,a=x c=Float(7.5) 1500000000",
                "prometheus s_count=Float(4.0),s_sum=Float(10.0)",
                "prometheus,quantile=0.5 s=Float(2.0)",
                "prometheus h_count=Float(5.0),h_sum=Float(7.5)",
                "prometheus,le=0.1 h_bucket=Float(3.0)",
                "prometheus,le=+Inf h_bucket=Float(5.0)",
            ])
        );
        assert_eq!(
            parse(1, &payload()),
            lines(&[
                "c,a=x counter=Float(7.5) 1500000000",
                "s count=Float(4.0),sum=Float(10.0),0.5=Float(2.0)",
                "h count=Float(5.0),sum=Float(7.5),0.1=Float(3.0)",
            ])
        );
    }

    #[test]
    fn what_is_cut_is_refused_and_text_is_text() {
        let whole = payload();
        assert!(is_binary(&whole));
        let error = parse(2, &whole[..whole.len() - 1]);
        assert!(error.is_err_and(|e| e.starts_with("decoding response failed: protobuf: ")));
        for text in [
            "",
            "\n",
            "\n\n\n# HELP a b\n",
            "up 1\n",
            "a{b=\"c\"} 1\n",
            "\n\x03abc",
            "#\n # HELP go_gc_duration_seconds A summary\n",
        ] {
            assert!(!is_binary(text.as_bytes()), "{text:?}");
        }
    }
}
