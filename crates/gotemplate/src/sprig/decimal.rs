//! Numbers as decimal digits: sums and products of what people write come out as people expect.

/// `digits * 10^exponent`; where that grows too large, or a number is none, plain floats go on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decimal {
    Exact { digits: i128, exponent: i32 },
    Float(f64),
}

/// How many digits a quotient has behind its point.
const QUOTIENT_DIGITS: i32 = 16;

impl Decimal {
    pub(super) fn new(x: f64) -> Decimal {
        if !x.is_finite() {
            return Decimal::Float(x);
        }
        let text = format!("{x:e}");
        let exact = || {
            let (mantissa, exponent) = text.split_once('e')?;
            let behind = mantissa.split_once('.').map_or(0, |(_, digits)| digits.len());
            let digits = mantissa.replace('.', "").parse().ok()?;
            let exponent = exponent.parse::<i32>().ok()? - i32::try_from(behind).ok()?;
            Some(Decimal::Exact { digits, exponent })
        };
        exact().unwrap_or(Decimal::Float(x))
    }

    pub(super) fn to_float(self) -> f64 {
        match self {
            Decimal::Exact { digits, exponent } => format!("{digits}e{exponent}").parse().unwrap_or(f64::NAN),
            Decimal::Float(x) => x,
        }
    }

    fn either(
        a: Decimal,
        b: Decimal,
        exact: impl Fn(i128, i32, i128, i32) -> Option<(i128, i32)>,
        float: impl Fn(f64, f64) -> f64,
    ) -> Decimal {
        if let (
            Decimal::Exact {
                digits: a,
                exponent: e,
            },
            Decimal::Exact {
                digits: b,
                exponent: f,
            },
        ) = (a, b)
            && let Some((digits, exponent)) = exact(a, e, b, f)
        {
            return Decimal::Exact { digits, exponent };
        }
        Decimal::Float(float(a.to_float(), b.to_float()))
    }

    pub(super) fn add(a: Decimal, b: Decimal) -> Decimal {
        let exact = |a: i128, e: i32, b: i128, f: i32| {
            let exponent = e.min(f);
            let sum = scaled(a, e - exponent)?.checked_add(scaled(b, f - exponent)?)?;
            Some((sum, exponent))
        };
        Self::either(a, b, exact, |a, b| a + b)
    }

    pub(super) fn sub(a: Decimal, b: Decimal) -> Decimal {
        let negative = match b {
            Decimal::Exact { digits, exponent } => Decimal::Exact {
                digits: -digits,
                exponent,
            },
            Decimal::Float(x) => Decimal::Float(-x),
        };
        Self::add(a, negative)
    }

    pub(super) fn mul(a: Decimal, b: Decimal) -> Decimal {
        let exact = |a: i128, e: i32, b: i128, f: i32| Some((a.checked_mul(b)?, e + f));
        Self::either(a, b, exact, |a, b| a * b)
    }

    /// Divides to sixteen digits behind the point, halves rounded away from zero.
    pub(super) fn div(a: Decimal, b: Decimal) -> Decimal {
        let exact = |a: i128, e: i32, b: i128, f: i32| {
            if b == 0 {
                return None;
            }
            let shift = e - f + QUOTIENT_DIGITS;
            let (n, by) = if shift >= 0 {
                (scaled(a, shift)?, b)
            } else {
                (a, scaled(b, -shift)?)
            };
            let (quotient, rest) = (n / by, n % by);
            let away = if (n < 0) == (by < 0) { 1 } else { -1 };
            let up = rest.unsigned_abs().checked_mul(2)? >= by.unsigned_abs();
            Some((quotient + if up { away } else { 0 }, -QUOTIENT_DIGITS))
        };
        Self::either(a, b, exact, |a, b| a / b)
    }
}

fn scaled(digits: i128, zeros: i32) -> Option<i128> {
    10i128
        .checked_pow(u32::try_from(zeros).ok()?)
        .and_then(|power| digits.checked_mul(power))
        .or((digits == 0).then_some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reckon(how: fn(Decimal, Decimal) -> Decimal, a: f64, b: f64) -> f64 {
        how(Decimal::new(a), Decimal::new(b)).to_float()
    }

    #[test]
    fn digits_are_those_that_people_expect() {
        assert_eq!(reckon(Decimal::add, 0.1, 0.2), 0.3);
        assert_eq!(reckon(Decimal::sub, 1.1, 1.0), 0.1);
        assert_eq!(reckon(Decimal::mul, 1.1, 1.1), 1.21);
        assert_eq!(reckon(Decimal::div, 10.0, 4.0), 2.5);
        assert_eq!(reckon(Decimal::div, 2.0, 3.0), 0.666_666_666_666_666_7);
        assert_eq!(reckon(Decimal::div, -2.0, 3.0), -0.666_666_666_666_666_7);
    }

    #[test]
    fn what_is_too_large_goes_on_as_a_float() {
        assert_eq!(reckon(Decimal::mul, 1e300, 10.0), 1e301);
        assert_eq!(reckon(Decimal::add, 1e300, 1.0), 1e300);
        assert!(reckon(Decimal::add, f64::NAN, 1.0).is_nan());
        assert_eq!(reckon(Decimal::div, 1e-300, 1e300), 0.0);
    }
}
