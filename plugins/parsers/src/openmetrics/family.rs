//! What the two OpenMetrics formats are read into: families of metrics with points.

/// What kind of values a family has; the numbers are those of the binary format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FamilyKind {
    #[default]
    Unknown,
    Gauge,
    Counter,
    StateSet,
    Info,
    Histogram,
    GaugeHistogram,
    Summary,
}

impl FamilyKind {
    pub(super) fn from_name(name: &str) -> Option<FamilyKind> {
        Some(match name {
            "unknown" => FamilyKind::Unknown,
            "gauge" => FamilyKind::Gauge,
            "counter" => FamilyKind::Counter,
            "stateset" => FamilyKind::StateSet,
            "info" => FamilyKind::Info,
            "histogram" => FamilyKind::Histogram,
            "gaugehistogram" => FamilyKind::GaugeHistogram,
            "summary" => FamilyKind::Summary,
            _ => return None,
        })
    }

    pub(super) fn from_number(number: u64) -> Option<FamilyKind> {
        Some(match number {
            0 => FamilyKind::Unknown,
            1 => FamilyKind::Gauge,
            2 => FamilyKind::Counter,
            3 => FamilyKind::StateSet,
            4 => FamilyKind::Info,
            5 => FamilyKind::Histogram,
            6 => FamilyKind::GaugeHistogram,
            7 => FamilyKind::Summary,
            _ => return None,
        })
    }

    /// The label that tells the parts of a point apart, where it has parts.
    pub(super) fn part_label(self) -> Option<&'static str> {
        match self {
            FamilyKind::Summary => Some("quantile"),
            FamilyKind::Histogram | FamilyKind::GaugeHistogram => Some("le"),
            _ => None,
        }
    }

    /// Whether samples with this behind the family's name belong to the family, even where it has no use for them.
    pub(super) fn takes(self, ending: &str) -> bool {
        let has_endings = !matches!(
            self,
            FamilyKind::Unknown | FamilyKind::Gauge | FamilyKind::StateSet
        );
        has_endings && ENDINGS.contains(&ending)
    }
}

/// All endings that some kind of family gives its samples.
const ENDINGS: &[&str] = &[
    "total", "created", "count", "sum", "bucket", "gcount", "gsum", "info",
];

/// All metrics of one name.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: FamilyKind,
    pub(super) unit: String,
    pub(super) metrics: Vec<Series>,
}

/// One set of labels, with its points in time.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) labels: Vec<(String, String)>,
    pub(super) points: Vec<Point>,
}

/// What one metric is at one time; of the parts only those of the family's kind are there.
#[derive(Debug, Default)]
pub(super) struct Point {
    /// Nanoseconds since 1970.
    pub(super) time: Option<i64>,
    /// The one number of a gauge, a counter or an unknown.
    pub(super) value: Option<f64>,
    pub(super) states: Vec<(String, bool)>,
    /// Labels that an info has beside those of its series.
    pub(super) info: Vec<(String, String)>,
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    /// When counting began: seconds since 1970, and nanoseconds.
    pub(super) created: Option<(i64, i64)>,
    /// Quantiles with their values, or upper bounds with their counts.
    pub(super) parts: Vec<(f64, f64)>,
}
