//! Lines over a logarithmic axis, as SVG: one panel for each line, since their units differ.

use std::fmt::Write;

/// A line with its name.
pub struct Line<'a> {
    pub name: &'a str,
    pub points: &'a [(f64, f64)],
}

/// A drawing.
pub struct Chart<'a> {
    pub title: &'a str,
    /// What the axis counts.
    pub across: &'a str,
    pub lines: &'a [Line<'a>],
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 52.0;
const BOTTOM: f64 = 44.0;

/// The next of 1, 2, 5, 10 … that is not below `x`.
fn round_up(x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(x.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .iter()
        .map(|step| step * power)
        .find(|step| *step >= x * 0.999_999)
        .unwrap_or(10.0 * power)
}

fn short(x: f64) -> String {
    match x {
        x if x >= 1e6 => format!("{}M", x / 1e6),
        x if x >= 1e3 => format!("{}k", x / 1e3),
        x => format!("{}", (x * 1000.0).round() / 1000.0),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

impl Chart<'_> {
    /// The drawing as text. Writing to a String cannot fail.
    pub fn draw(&self) -> String {
        let width = WIDTH * self.lines.len() as f64;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"{LEFT}\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{}</text>\n",
            escaped(self.title)
        );
        for (i, line) in self.lines.iter().enumerate() {
            let _ = writeln!(out, "<g transform=\"translate({} 0)\">", WIDTH * i as f64);
            self.panel(&mut out, line);
            out.push_str("</g>\n");
        }
        out.push_str("</svg>\n");
        out
    }

    fn panel(&self, out: &mut String, line: &Line<'_>) {
        let xs = || line.points.iter().map(|(x, _)| x.max(1e-9).log10());
        let (low, high) = (xs().fold(f64::MAX, f64::min), xs().fold(f64::MIN, f64::max));
        let top = round_up(line.points.iter().map(|(_, y)| *y).fold(0.0, f64::max));
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let x_of = |x: f64| {
            let part = if high > low {
                (x.max(1e-9).log10() - low) / (high - low)
            } else {
                0.5
            };
            LEFT + part * (right - LEFT)
        };
        let y_of = |y: f64| bottom - y / top * (bottom - TOP);
        let _ = writeln!(
            out,
            "<text x=\"{LEFT}\" y=\"40\" fill=\"#555\">{}</text>",
            escaped(line.name)
        );
        for step in 0..=4 {
            let value = top * f64::from(step) / 4.0;
            let y = y_of(value);
            let _ = writeln!(
                out,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                short(value)
            );
        }
        let mut path = String::new();
        for (x, y) in line.points {
            let (px, py) = (x_of(*x), y_of(*y));
            let _ = write!(path, "{px:.1},{py:.1} ");
            let _ = writeln!(
                out,
                "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"3\" fill=\"#0a6ebd\"/><text x=\"{px:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{}</text>",
                bottom + 16.0,
                short(*x)
            );
        }
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#0a6ebd\" stroke-width=\"2\"/>\n<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            path.trim_end(),
            (LEFT + right) / 2.0,
            bottom + 34.0,
            escaped(self.across)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (x, want) in [
            (0.63, 1.0),
            (1.1, 2.0),
            (3.0, 5.0),
            (26.0, 50.0),
            (100.0, 100.0),
            (0.0, 1.0),
        ] {
            assert_eq!(round_up(x), want, "{x}");
        }
        assert_eq!(
            [short(100_000.0), short(3e6), short(0.25)],
            ["100k", "3M", "0.25"]
        );
    }

    #[test]
    fn a_drawing_holds_every_point() {
        let points = [(1.0, 0.5), (10.0, 0.6), (100.0, 0.7)];
        let text = Chart {
            title: "a < b",
            across: "n",
            lines: &[Line {
                name: "y",
                points: &points,
            }],
        }
        .draw();
        assert_eq!(text.matches("<circle").count(), 3);
        assert!(text.contains("a &lt; b") && text.ends_with("</svg>\n"));
        assert!(!text.contains("NaN") && !text.contains("inf"));
        let empty = Chart {
            title: "",
            across: "",
            lines: &[Line {
                name: "",
                points: &[],
            }],
        };
        assert!(!empty.draw().contains("NaN"));
    }
}
