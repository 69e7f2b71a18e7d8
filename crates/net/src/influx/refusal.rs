//! What a server's refusal says about the points of the request.
//!
//! The texts are InfluxDB's, 1.x and 2.x alike:
//! - `unable to parse 'LINE': REASON`, for several lines joined by line breaks;
//! - `field type conflict: input field "F" on measurement "M" is type T, already exists as type U dropped=N`;
//! - `points beyond retention policy dropped=N`, or `… outside retention policy of duration D … dropped=N`.
//!
//! In front of them stands `partial write: ` where the other points were stored.

use std::collections::HashMap;

use wheatstone_plugin::Metric;

use super::Lines;

/// The points that a refusal names, as indexes of the batch, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// None: the answer holds for the request as a whole.
    Nothing,
    /// These are refused, and all others are stored.
    Exactly(Vec<usize>),
    /// These are refused; of the others nothing is known.
    These(Vec<usize>),
    /// Some of these are refused.
    Among(Vec<usize>),
}

/// Reads a refusal's text.
pub fn named_by_text(text: &str, metrics: &[&Metric], lines: &Lines) -> Named {
    let unparsable = unparsable(text, lines);
    if !unparsable.is_empty() {
        // InfluxDB stores the lines that it could read before it complains about the others.
        return if text.contains("partial write") {
            Named::Exactly(unparsable)
        } else {
            Named::These(unparsable)
        };
    }
    let dropped = dropped(text);
    let conflicting = conflicting(text, metrics, lines);
    if !conflicting.is_empty() {
        return match dropped {
            Some(n) if n < conflicting.len() => Named::Among(conflicting),
            _ => Named::These(conflicting),
        };
    }
    let Some(dropped) = dropped else {
        return Named::Nothing;
    };
    if dropped >= lines.points().len() {
        return Named::These(lines.points().to_vec());
    }
    let too_old = text.contains("points beyond retention policy")
        || (text.contains("outside retention policy") && !text.contains("Upper Bound"));
    if too_old && dropped > 0 {
        oldest(dropped, metrics, lines)
    } else {
        Named::Nothing
    }
}

/// The point on the given line of the body, counted from 1: for servers that say the number.
pub fn named_by_line(number: usize, lines: &Lines) -> Option<usize> {
    let mut next = 1;
    for (point, line) in lines.iter() {
        // A text field may hold line breaks, which the server counts too.
        next += 1 + line.iter().filter(|&&b| b == b'\n').count();
        if number < next {
            return (number > 0).then_some(point);
        }
    }
    None
}

/// Points whose line the text quotes.
fn unparsable(text: &str, lines: &Lines) -> Vec<usize> {
    const BEGIN: &str = "unable to parse '";
    if !text.contains(BEGIN) {
        return Vec::new();
    }
    let mut by_line: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (point, line) in lines.iter() {
        by_line.entry(line.trim_ascii()).or_default().push(point);
    }
    let mut found = Vec::new();
    for (at, _) in text.match_indices(BEGIN) {
        let quoted = &text[at + BEGIN.len()..];
        // The line may hold quotes of its own: the first end that makes it one of ours is the right one.
        let ends = quoted
            .match_indices('\'')
            .map(|(end, _)| &quoted.as_bytes()[..end]);
        if let Some(points) = ends.filter_map(|line| by_line.get(line.trim_ascii())).next() {
            found.extend_from_slice(points);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Points with the field whose type conflicts.
fn conflicting(text: &str, metrics: &[&Metric], lines: &Lines) -> Vec<usize> {
    let parts = || {
        let rest = text.split_once("input field \"")?.1;
        let (field, rest) = rest.split_once("\" on measurement \"")?;
        let (measurement, rest) = rest.split_once("\" is type ")?;
        let kind = rest.split([',', ' ']).next()?;
        Some((field, measurement, kind))
    };
    let Some((field, measurement, kind)) = parts() else {
        return Vec::new();
    };
    let conflicts = |m: &Metric| {
        let written = |name| {
            if name == "unsigned" && kind == "integer" {
                kind
            } else {
                name
            }
        };
        m.name() == measurement && m.field(field).is_some_and(|v| written(v.type_name()) == kind)
    };
    lines
        .points()
        .iter()
        .copied()
        .filter(|&i| conflicts(metrics[i]))
        .collect()
}

/// How many points the server says that it dropped.
fn dropped(text: &str) -> Option<usize> {
    let (_, rest) = text.rsplit_once("dropped=")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// The oldest points. Where the server's limit would run through points of one time, its count means something else.
fn oldest(count: usize, metrics: &[&Metric], lines: &Lines) -> Named {
    let mut points = lines.points().to_vec();
    points.sort_by_key(|&i| metrics[i].time());
    if metrics[points[count - 1]].time() == metrics[points[count]].time() {
        return Named::Nothing;
    }
    points.truncate(count);
    points.sort_unstable();
    Named::These(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wheatstone_plugin::line_protocol::{Encoder, Options};

    fn metric(name: &str, value: impl Into<wheatstone_plugin::Value>, time: i64) -> Metric {
        let mut m = Metric::new(name, time);
        m.set_field("v", value);
        m
    }

    fn named(text: &str, metrics: &[Metric]) -> Named {
        let metrics: Vec<&Metric> = metrics.iter().collect();
        let all: Vec<usize> = (0..metrics.len()).collect();
        let mut lines = Lines::default();
        lines.write(
            &mut Encoder::new(Options::default()),
            &metrics,
            &all,
            &[],
            usize::MAX,
            |i, e| panic!("{i}: {e}"),
        );
        named_by_text(text, &metrics, &lines)
    }

    #[test]
    fn quoted_lines_are_found_even_with_quotes_in_them() {
        let metrics = [
            metric("a", 1i64, 1),
            metric("it's", "x': y", 2),
            metric("c", 3i64, 3),
        ];
        let text = "unable to parse 'it's v=\"x': y\" 2': invalid\nunable to parse 'c v=3i 3': bad timestamp";
        assert_eq!(named(text, &metrics), Named::These(vec![1, 2]));
        assert_eq!(
            named(&format!("partial write: {text} dropped=0"), &metrics),
            Named::Exactly(vec![1, 2])
        );
        assert_eq!(
            named("unable to parse 'something else': bad", &metrics),
            Named::Nothing
        );
    }

    #[test]
    fn a_type_conflict_names_measurement_field_and_type() {
        let text = "partial write: field type conflict: input field \"v\" on measurement \"cpu\" is type string, already exists as type float dropped=";
        let metrics = [
            metric("cpu", 1.0, 1),
            metric("cpu", "x", 2),
            metric("mem", "x", 3),
            metric("cpu", "y", 4),
        ];
        assert_eq!(named(&format!("{text}2"), &metrics), Named::These(vec![1, 3]));
        assert_eq!(named(&format!("{text}3"), &metrics), Named::These(vec![1, 3]));
        assert_eq!(named(&format!("{text}1"), &metrics), Named::Among(vec![1, 3]));
        assert_eq!(
            named(&format!("{text}2"), &metrics[..1]),
            Named::These(vec![0]),
            "all were dropped"
        );
    }

    #[test]
    fn an_unsigned_integer_is_written_as_an_integer() {
        let text = "field type conflict: input field \"v\" on measurement \"m\" is type integer, already exists as type float";
        assert_eq!(
            named(text, &[metric("m", 1u64, 1), metric("m", 1.0, 2)]),
            Named::These(vec![0])
        );
    }

    #[test]
    fn points_beyond_the_retention_policy_are_the_oldest() {
        let metrics = [
            metric("m", 1.0, 50),
            metric("m", 1.0, 10),
            metric("m", 1.0, 20),
            metric("m", 1.0, 20),
        ];
        let beyond = |n: usize| {
            named(
                &format!("partial write: points beyond retention policy dropped={n}"),
                &metrics,
            )
        };
        assert_eq!(beyond(1), Named::These(vec![1]));
        assert_eq!(beyond(2), Named::Nothing, "two points have the same time");
        assert_eq!(beyond(3), Named::These(vec![1, 2, 3]));
        assert_eq!(beyond(4), Named::These(vec![0, 1, 2, 3]));
    }

    #[test]
    fn a_text_that_names_no_point_names_none() {
        let metrics = [metric("m", 1.0, 1), metric("m", 2.0, 2)];
        for text in [
            "",
            "authorization failed",
            "partial write: field type conflict dropped=1",
            "dropped=",
            "unable to parse",
        ] {
            assert_eq!(named(text, &metrics), Named::Nothing, "{text}");
        }
    }

    #[test]
    fn lines_are_counted_with_the_breaks_inside_texts() {
        let metrics = [metric("a", "two\nlines", 1), metric("b", 1.0, 2)];
        let metrics: Vec<&Metric> = metrics.iter().collect();
        let mut lines = Lines::default();
        lines.write(
            &mut Encoder::new(Options::default()),
            &metrics,
            &[0, 1],
            &[],
            usize::MAX,
            |_, _| {},
        );
        assert_eq!(
            [0, 1, 2, 3, 4].map(|n| named_by_line(n, &lines)),
            [None, Some(0), Some(0), Some(1), None]
        );
    }
}
