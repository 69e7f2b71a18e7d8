//! Numbers: integers in their bases, floats in Go's forms.

use super::Printer;

/// The most digits that a float's exact decimal form has behind its point; what is asked for beyond is zeros.
const MAX_DIGITS: usize = 1100;

/// `d.ddde±dd`.
fn scientific(x: f64, precision: Option<usize>) -> String {
    let text = match precision {
        Some(p) => format!("{x:.*e}", p.min(MAX_DIGITS)),
        None => format!("{x:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let missing = precision.map_or(0, |p| p.saturating_sub(MAX_DIGITS));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}{}e{sign}{digits:0>2}", "0".repeat(missing))
}

fn fixed(x: f64, precision: usize) -> String {
    let mut text = format!("{x:.*}", precision.min(MAX_DIGITS));
    text.push_str(&"0".repeat(precision.saturating_sub(MAX_DIGITS)));
    text
}

/// `%g`: whichever is shorter. `keep_zeros` is what `#` asks for.
fn general(x: f64, precision: Option<usize>, keep_zeros: bool) -> String {
    if !x.is_finite() {
        return special(x);
    }
    let precision = precision.map(|p| p.max(1));
    let text = match precision {
        Some(p) => format!("{x:.*e}", (p - 1).min(MAX_DIGITS)),
        None => format!("{x:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let mut digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    if !keep_zeros {
        digits.truncate(digits.trim_end_matches('0').len().max(1));
    } else {
        digits.push_str(&"0".repeat(precision.unwrap_or(6).saturating_sub(digits.len())));
    }
    let limit = precision.map_or(6, |p| i32::try_from(p).unwrap_or(i32::MAX));
    if exponent < -4 || exponent >= limit {
        let point = if digits.len() > 1 || keep_zeros { "." } else { "" };
        let esign = if exponent < 0 { '-' } else { '+' };
        return format!(
            "{sign}{}{point}{}e{esign}{:02}",
            &digits[..1],
            &digits[1..],
            exponent.unsigned_abs()
        );
    }
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    if whole == 0 {
        let zeros = "0".repeat((exponent.unsigned_abs() as usize).saturating_sub(1));
        format!("{sign}0.{zeros}{digits}")
    } else if digits.len() > whole {
        format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
    } else {
        let point = if keep_zeros { "." } else { "" };
        format!("{sign}{digits}{}{point}", "0".repeat(whole - digits.len()))
    }
}

fn special(x: f64) -> String {
    if x.is_nan() {
        "NaN".into()
    } else if x > 0.0 {
        "+Inf".into()
    } else {
        "-Inf".into()
    }
}

/// `%x`: `0x1.8p+01`.
fn hexadecimal(x: f64, precision: Option<usize>) -> String {
    let sign = if x.is_sign_negative() { "-" } else { "" };
    let bits = x.to_bits() & !(1 << 63);
    let (mut mantissa, mut exponent) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    if exponent == 0 {
        if mantissa == 0 {
            exponent = 0;
        } else {
            let shift = mantissa.leading_zeros() as i32 - 11;
            mantissa <<= shift;
            exponent = -1022 - shift;
        }
    } else {
        mantissa |= 1 << 52;
        exponent -= 1023;
    }
    if let Some(p) = precision.filter(|p| *p < 13) {
        let drop = (13 - p) * 4;
        let (half, rest) = (1u64 << (drop - 1), mantissa & ((1 << drop) - 1));
        mantissa >>= drop;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= drop;
        if mantissa >= 1 << 53 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let lead = mantissa >> 52;
    let fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let fraction = match precision {
        Some(p) if p <= 13 => fraction[..p].to_owned(),
        Some(p) => format!("{fraction}{}", "0".repeat(p - 13)),
        None => fraction.trim_end_matches('0').to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let esign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{sign}0x{lead}{point}{fraction}p{esign}{:02}",
        exponent.unsigned_abs()
    )
}

impl Printer {
    /// A float under a verb; false where the verb is none for floats.
    pub(super) fn float(&mut self, x: f64, verb: char) -> bool {
        let precision = self.flags.precision;
        let text = match verb {
            _ if !x.is_finite() => special(x),
            'v' | 'g' | 'G' => general(x, precision, self.flags.sharp && verb != 'v'),
            'e' | 'E' => scientific(x, Some(precision.unwrap_or(6))),
            'f' | 'F' => fixed(x, precision.unwrap_or(6)),
            'x' | 'X' => hexadecimal(x, precision),
            'b' => {
                let bits = x.to_bits();
                let exponent = ((bits >> 52) & 0x7ff) as i64;
                let fraction = bits & ((1 << 52) - 1);
                let mantissa = if exponent == 0 {
                    fraction
                } else {
                    fraction | 1 << 52
                };
                let sign = if x.is_sign_negative() { "-" } else { "" };
                format!("{sign}{mantissa}p{:+}", exponent.max(1) - 1075)
            }
            _ => return false,
        };
        if !matches!(verb, 'v' | 'g' | 'G' | 'e' | 'E' | 'f' | 'F' | 'x' | 'X' | 'b') {
            return false;
        }
        let text = if matches!(verb, 'G' | 'E' | 'X') && x.is_finite() {
            text.to_uppercase()
        } else {
            text
        };
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("+", text.strip_prefix('+').unwrap_or(&text)),
        };
        let plus = self.flags.plus || self.flags.plus_v;
        let shown = match (sign, plus, self.flags.space) {
            ("-", ..) => "-",
            // An infinity shows its sign even unasked.
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ if x == f64::INFINITY => "+",
            _ => "",
        };
        let zero = self.flags.zero;
        if !x.is_finite() {
            self.flags.zero = false;
        }
        if self.flags.zero
            && !self.flags.minus
            && !shown.is_empty()
            && let Some(width) = self.flags.width
        {
            // The sign stands before the zeros.
            self.out.push_str(shown);
            self.flags.width = Some(width.saturating_sub(1));
            self.pad(digits);
            self.flags.width = Some(width);
        } else {
            self.pad(&format!("{shown}{digits}"));
        }
        self.flags.zero = zero;
        true
    }

    /// An integer under a verb; false where the verb is none for integers. `signed` as Go's type says.
    pub(super) fn integer(&mut self, negative: bool, size: u64, signed: bool, verb: char) -> bool {
        let code = if negative { u64::MAX } else { size };
        match verb {
            'v' if self.flags.sharp_v && !signed => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.based(negative, size, 16, verb);
                self.flags.sharp = sharp;
            }
            'v' | 'd' => self.based(negative, size, 10, verb),
            'b' => self.based(negative, size, 2, verb),
            'o' | 'O' => self.based(negative, size, 8, verb),
            'x' | 'X' => self.based(negative, size, 16, verb),
            'c' => self.character(code),
            'q' => self.quoted_character(code),
            'U' => self.unicode(code),
            _ => return false,
        }
        true
    }

    fn based(&mut self, negative: bool, size: u64, base: u32, verb: char) {
        let sign = match (negative, self.flags.plus, self.flags.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let mut digits = match (base, verb) {
            (2, _) => format!("{size:b}"),
            (8, _) => format!("{size:o}"),
            (16, 'X') => format!("{size:X}"),
            (16, _) => format!("{size:x}"),
            _ => size.to_string(),
        };
        let mut precision = 0;
        if let Some(p) = self.flags.precision {
            precision = p;
            if p == 0 && size == 0 {
                // Nothing at all is printed but the padding, and that never of zeros.
                let zero = std::mem::take(&mut self.flags.zero);
                self.pad("");
                self.flags.zero = zero;
                return;
            }
        } else if self.flags.zero
            && !self.flags.minus
            && let Some(width) = self.flags.width
        {
            precision = width.saturating_sub(sign.len());
        }
        if digits.len() < precision {
            digits = "0".repeat(precision - digits.len()) + &digits;
        }
        let prefix = match (base, verb) {
            (8, 'O') => "0o",
            (2, _) if self.flags.sharp => "0b",
            (8, _) if self.flags.sharp && !digits.starts_with('0') => "0",
            (16, 'X') if self.flags.sharp => "0X",
            (16, _) if self.flags.sharp => "0x",
            _ => "",
        };
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(&format!("{sign}{prefix}{digits}"));
        self.flags.zero = zero;
    }
}
