//! Numbers of line protocol, read in one pass over their digits.

use wheatstone_metric::Value;

use crate::scan::eight_digits;

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberError {
    /// It is too large for its type.
    OutOfRange,
    /// It is none.
    Syntax,
}

impl NumberError {
    /// The text of InfluxDB's library, where `syntax` depends on the type.
    pub fn text(self, syntax: &'static str) -> &'static str {
        match self {
            NumberError::OutOfRange => "line-protocol value out of range",
            NumberError::Syntax => syntax,
        }
    }
}

/// Powers of ten that a double holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// What the digits at the start of a value are.
pub(super) struct Number {
    negative: bool,
    /// All digits as one number; wrong where there are more than 19 of them.
    digits: u64,
    whole: usize,
    decimals: usize,
    leading_zero: bool,
    /// Behind the last digit or the decimal point.
    pub end: usize,
    start: usize,
}

impl Number {
    /// Reads `-`, digits, a point and decimals from `start` on; all of them may be missing.
    #[inline(always)]
    pub fn scan(bytes: &[u8], start: usize) -> Number {
        let negative = bytes.get(start) == Some(&b'-');
        let mut at = start + usize::from(negative);
        let first = at;
        let mut digits = 0u64;
        let mut run = |at: &mut usize| {
            let from = *at;
            while let Some(d) = bytes.get(*at).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10) {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(d));
                *at += 1;
            }
            *at - from
        };
        let whole = run(&mut at);
        let mut decimals = 0;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            decimals = run(&mut at);
        }
        let leading_zero = whole > 1 && bytes.get(first) == Some(&b'0');
        Number {
            negative,
            digits,
            whole,
            decimals,
            leading_zero,
            end: at,
            start,
        }
    }

    /// Whether there is a digit at all.
    #[inline(always)]
    pub fn has_digits(&self) -> bool {
        self.whole + self.decimals > 0
    }

    /// Whether it is written as the internal engine wants an integer: no point, no needless zero in front.
    #[inline(always)]
    pub fn is_integer(&self, bytes: &[u8]) -> bool {
        self.whole > 0
            && !self.leading_zero
            && bytes.get(self.end.wrapping_sub(1)) != Some(&b'.')
            && self.decimals == 0
    }

    /// Whether there is a minus.
    #[inline(always)]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The float that is written from the number's start to `end`, which is behind an exponent if there is one.
    #[inline(always)]
    pub fn float(&self, bytes: &[u8], end: usize) -> Result<Value, NumberError> {
        if end == self.end && self.digits < 1 << 53 && self.whole + self.decimals <= 19 {
            // Both numbers are exact, so one division rounds once.
            let v = self.digits as f64 / TENS[self.decimals];
            return Ok(Value::Float(if self.negative { -v } else { v }));
        }
        parse_float(bytes.get(self.start..end).unwrap_or_default()).map(Value::Float)
    }

    /// The integer.
    #[inline(always)]
    pub fn int(&self) -> Result<Value, NumberError> {
        if self.whole > 19 {
            return Err(NumberError::OutOfRange);
        }
        let v = if self.negative {
            0i64.checked_sub_unsigned(self.digits)
        } else {
            self.digits.try_into().ok()
        };
        v.map(Value::Int).ok_or(NumberError::OutOfRange)
    }

    /// The unsigned integer.
    #[inline(always)]
    pub fn uint(&self, bytes: &[u8]) -> Result<Value, NumberError> {
        if self.whole <= 19 {
            return Ok(Value::Uint(self.digits));
        }
        parse_uint(bytes.get(self.start..self.end).unwrap_or_default()).map(Value::Uint)
    }
}

/// A decimal float, or an infinity where it says so; the standard library rounds it correctly.
#[cold]
pub(super) fn parse_float(text: &[u8]) -> Result<f64, NumberError> {
    let parsed = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<f64>().ok());
    match parsed {
        Some(v) if v.is_nan() => Err(NumberError::Syntax),
        Some(v) if v.is_infinite() && text.iter().any(u8::is_ascii_digit) => Err(NumberError::OutOfRange),
        parsed => parsed.ok_or(NumberError::Syntax),
    }
}

/// Digits, perhaps with a minus.
pub(super) fn parse_int(text: &[u8]) -> Result<i64, NumberError> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let size = parse_uint(digits)?;
    let v = if negative {
        0i64.checked_sub_unsigned(size)
    } else {
        size.try_into().ok()
    };
    v.ok_or(NumberError::OutOfRange)
}

/// Digits.
pub(super) fn parse_uint(text: &[u8]) -> Result<u64, NumberError> {
    if text.is_empty() {
        return Err(NumberError::Syntax);
    }
    text.iter().try_fold(0u64, |v, &b| {
        let digit = char::from(b).to_digit(10).ok_or(NumberError::Syntax)?;
        v.checked_mul(10)
            .and_then(|v| v.checked_add(u64::from(digit)))
            .ok_or(NumberError::OutOfRange)
    })
}

/// At most 19 digits from `at` on: their number and where they end.
#[inline(always)]
pub(super) fn scan_timestamp(bytes: &[u8], mut at: usize) -> (u64, usize) {
    let most = at + 19;
    let mut digits = 0u64;
    for _ in 0..2 {
        let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
        let Some(eight) = chunk.and_then(|chunk| eight_digits(*chunk)) else {
            break;
        };
        digits = digits * 100_000_000 + eight;
        at += 8;
    }
    while at < most
        && let Some(d) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10)
    {
        digits = digits * 10 + u64::from(d);
        at += 1;
    }
    (digits, at)
}
