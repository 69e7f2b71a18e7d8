//! Time zones: from an instant to the offset there, and from a clock's reading back to the instant, as Go decides it.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::TimeError;

/// A time zone, cheap to clone.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Nothing for UTC, which needs no look-up.
    rules: Option<Arc<Rules>>,
}

#[derive(Debug)]
struct Rules {
    zone: TimeZone,
    /// Every abbreviation that the zone has ever used, with its offset; gathered when first asked for.
    names: OnceLock<Vec<(String, i32)>>,
}

impl Default for Zone {
    fn default() -> Zone {
        Zone::UTC
    }
}

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone { rules: None };

    fn with_rules(zone: TimeZone) -> Zone {
        Zone {
            rules: Some(Arc::new(Rules {
                zone,
                names: OnceLock::new(),
            })),
        }
    }

    /// The zone of this machine: the environment's TZ or the system's setting.
    pub fn local() -> Zone {
        Zone::with_rules(TimeZone::system())
    }

    /// Finds a zone by its IANA name. An empty name and `UTC` are UTC, `Local` is the machine's own.
    ///
    /// # Errors
    /// Neither the system nor the bundled data knows the name.
    pub fn load(name: &str) -> Result<Zone, TimeError> {
        match name {
            "" | "UTC" => Ok(Zone::UTC),
            "Local" => Ok(Zone::local()),
            _ => match TimeZone::get(name) {
                Ok(rules) => Ok(Zone::with_rules(rules)),
                Err(_) => Err(TimeError::UnknownZone(name.to_string())),
            },
        }
    }

    /// Seconds east of UTC at the instant `unix` (seconds since 1970).
    pub fn offset_at(&self, unix: i64) -> i32 {
        self.rules
            .as_ref()
            .map_or(0, |rules| rules.zone.to_offset(instant(unix)).seconds())
    }

    /// The abbreviation in use at the instant, such as `CEST`.
    pub fn name_at(&self, unix: i64) -> String {
        match &self.rules {
            None => "UTC".to_string(),
            Some(rules) => rules
                .zone
                .to_offset_info(instant(unix))
                .abbreviation()
                .to_string(),
        }
    }

    /// The instant at which a clock in this zone shows `clock` (seconds since 1970 on that clock). A reading that a
    /// change of clocks skips or repeats is resolved as Go does it: by the offset that holds where the reading would
    /// be in UTC, corrected once.
    pub fn instant_of(&self, clock: i64) -> i64 {
        let guess = clock - i64::from(self.offset_at(clock));
        clock - i64::from(self.offset_at(guess))
    }

    /// The offset that the abbreviation has in this zone: the one in effect at the clock's reading if it bears that
    /// name then, else any that ever had it.
    pub(crate) fn offset_of_name(&self, name: &str, clock: i64) -> Option<i32> {
        let Some(rules) = &self.rules else {
            return (name == "UTC").then_some(0);
        };
        let known = rules.names.get_or_init(|| self.collect_names(&rules.zone));
        let mut of_this_name = known
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, offset)| *offset);
        of_this_name
            .clone()
            .find(|offset| self.name_at(clock - i64::from(*offset)) == name)
            .or_else(|| of_this_name.next())
    }

    fn collect_names(&self, rules: &TimeZone) -> Vec<(String, i32)> {
        // Rules that repeat for ever show all their names well before this.
        let end = instant(2_145_916_800);
        let mut found: Vec<(String, i32)> = vec![(self.name_at(i64::MIN), self.offset_at(i64::MIN))];
        for change in rules
            .following(Timestamp::MIN)
            .take_while(|change| change.timestamp() < end)
        {
            let entry = (change.abbreviation().to_string(), change.offset().seconds());
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
        found
    }
}

fn instant(unix: i64) -> Timestamp {
    let unix = unix.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::load(name).expect("a known zone")
    }

    #[test]
    fn offsets_follow_the_season() {
        let berlin = zone("Europe/Berlin");
        assert_eq!(
            (
                berlin.offset_at(1_700_000_000),
                berlin.name_at(1_700_000_000).as_str()
            ),
            (3600, "CET")
        );
        assert_eq!(
            (
                berlin.offset_at(1_690_000_000),
                berlin.name_at(1_690_000_000).as_str()
            ),
            (7200, "CEST")
        );
        assert_eq!(zone("").offset_at(0), 0);
        assert_eq!(zone("UTC").name_at(0), "UTC");
    }

    #[test]
    fn an_unknown_zone_is_an_error() {
        assert_eq!(
            Zone::load("Mars/Olympus").expect_err("not valid").to_string(),
            "unknown time zone Mars/Olympus"
        );
        assert!(Zone::load("../etc/passwd").is_err());
    }

    #[test]
    fn a_skipped_and_a_repeated_hour_go_gos_way() {
        // (zone, the clock's reading, the instant that Go's time.ParseInLocation gives)
        for (name, clock, expected) in [
            ("America/New_York", 1_710_037_800, 1_710_052_200), // 2024-03-10 02:30 was skipped
            ("America/New_York", 1_730_597_400, 1_730_611_800), // 2024-11-03 01:30 came twice
            ("Europe/Berlin", 1_711_852_200, 1_711_848_600),    // 2024-03-31 02:30 was skipped
            ("Europe/Berlin", 1_729_996_200, 1_729_992_600),    // 2024-10-27 02:30 came twice
            ("Australia/Lord_Howe", 1_712_454_300, 1_712_416_500), // 2024-04-07 01:45, half an hour twice
            ("Australia/Lord_Howe", 1_728_180_900, 1_728_143_100), // 2024-10-06 02:15, half an hour skipped
        ] {
            assert_eq!(zone(name).instant_of(clock), expected, "{name} {clock}");
        }
    }

    #[test]
    fn names_are_found_by_season() {
        let new_york = zone("America/New_York");
        assert_eq!(new_york.offset_of_name("EST", 1_700_000_000), Some(-18_000));
        assert_eq!(
            new_york.offset_of_name("EDT", 1_700_000_000),
            Some(-14_400),
            "not in winter, but known"
        );
        assert_eq!(new_york.offset_of_name("CET", 1_700_000_000), None);
    }
}
