//! Times of lines in, times that differ out: lines logged in the same instant would else overwrite one another.

const MICROSECOND: i64 = 1_000;
const MILLISECOND: i64 = 1_000_000;

/// Adds a little to each time that is that of the line before: one unit below the last one that the time uses.
#[derive(Default)]
pub(super) struct UniqueTimes {
    repeated: Option<i64>,
    last: Option<i64>,
    step: i64,
    steps: i64,
    rollover: i64,
}

impl UniqueTimes {
    pub(super) fn adjust(&mut self, time: i64) -> i64 {
        let Some(last) = self.last.replace(time) else {
            (self.steps, self.rollover) = (0, 0);
            return time;
        };
        if time != last && Some(time) != self.repeated {
            (self.step, self.steps, self.rollover) = (0, 0, 0);
            return time;
        }
        if time == last {
            self.repeated = Some(time);
        }
        if self.step == 0 {
            let digits = time.unsigned_abs().to_string();
            let zeros = digits.len() - digits.trim_end_matches('0').len();
            self.step = match zeros {
                0..=5 => 1,
                6..=8 => MICROSECOND,
                _ => MILLISECOND,
            };
        }
        self.steps += 1;
        if self.steps == 999 && self.step > 1 {
            self.rollover = self.step * self.steps;
            self.steps = 1;
            self.step = (self.step / 1000).max(1);
        }
        time.wrapping_add(self.step * self.steps + self.rollover)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_times_are_moved_apart() {
        let adjusted = |times: &[i64]| {
            let mut unique = UniqueTimes::default();
            times.iter().map(|t| unique.adjust(*t)).collect::<Vec<_>>()
        };
        let second = 1_465_040_505_000_000_000;
        assert_eq!(
            adjusted(&[second, second, second, second + 1_000_000_000]),
            [
                second,
                second + MILLISECOND,
                second + 2 * MILLISECOND,
                second + 1_000_000_000
            ]
        );
        let millis = second + 7 * MILLISECOND;
        assert_eq!(adjusted(&[millis, millis])[1], millis + MICROSECOND);
        let micros = millis + 3 * MICROSECOND;
        assert_eq!(adjusted(&[micros, micros])[1], micros + 1);
        assert_eq!(adjusted(&[0, 0])[1], 1);
    }

    #[test]
    fn many_equal_times_stay_within_the_unit() {
        let mut unique = UniqueTimes::default();
        let second = 1_465_040_505_000_000_000;
        let times: Vec<_> = (0..1200).map(|_| unique.adjust(second)).collect();
        let mut sorted = times.clone();
        sorted.dedup();
        assert_eq!(sorted.len(), times.len());
        assert!(times.iter().all(|time| time - second < 1_000_000_000));
    }
}
