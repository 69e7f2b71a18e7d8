//! Versions such as `1.2.3-rc.1+build`, and conditions on them such as `>=1.2, <2 || ^3.1`.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::call::Param::{Any, Str};
use crate::call::{Fault, Function, Out, Signature, function, string};
use crate::value::{Member, Object, UintType, Value};

/// Longer texts are no versions.
const LONGEST: usize = 256;
/// Longer texts are no conditions, nor are those of more alternatives.
const LONGEST_CONDITION: usize = 512;
const MOST_ALTERNATIVES: usize = 32;

const TYPE: &str = "*semver.Version";

pub(super) static FUNCTIONS: &[Function] = &[
    function("semver", &[Str], |a| Ok(value(Version::parse(string(a, 0))?))),
    function("semverCompare", &[Str, Str], |a| {
        let condition = Condition::parse(string(a, 0))?;
        Ok(condition.holds(&Version::parse(string(a, 1))?).into())
    }),
];

fn value<'a>(version: Version) -> Value<'a> {
    Value::Object(Rc::new(version))
}

/// A version. What it lacks of its three numbers is zero.
#[derive(Clone, Debug, Default, PartialEq)]
struct Version {
    numbers: [u64; 3],
    /// What it comes before, without its dash; empty for a release.
    pre: String,
    build: String,
    original: String,
}

impl Version {
    fn parse(text: &str) -> Result<Version, Fault> {
        if text.len() > LONGEST {
            return Err(format!("version string is too long (max {LONGEST} bytes)").into());
        }
        let invalid = || Fault::from("invalid semantic version");
        let (parts, rest) = Parts::read(text, false).ok_or_else(invalid)?;
        if !rest.is_empty() {
            return Err(invalid());
        }
        parts.version(text)
    }

    fn precedence(&self, other: &Version) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => pre_precedence(&self.pre, &other.pre),
            })
    }

    /// The version as it was written, or as it is now where nobody wrote it.
    fn next(&self, number: usize) -> Version {
        let mut next = self.clone();
        // What comes before a patch is followed by that patch.
        if number < 2 || self.pre.is_empty() {
            next.numbers[number] = self.numbers[number].saturating_add(1);
        }
        next.numbers.iter_mut().skip(number + 1).for_each(|n| *n = 0);
        next.pre.clear();
        next.build.clear();
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{}", next.text());
        next
    }
}

/// Identifiers are compared one by one: numbers by their size and before words, and fewer before more.
fn pre_precedence(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let ordering = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => match (x.parse::<u64>(), y.parse::<u64>()) {
                (Ok(x), Ok(y)) => x.cmp(&y),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => x.cmp(y),
            },
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

impl<'a> Object<'a> for Version {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn text(&self) -> String {
        let [major, minor, patch] = self.numbers;
        let mut text = format!("{major}.{minor}.{patch}");
        for (mark, part) in [('-', &self.pre), ('+', &self.build)] {
            if !part.is_empty() {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }

    fn member(&self, name: &str) -> Option<Member> {
        let fixed: &'static [_] = match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" | "IncMajor"
            | "IncMinor" | "IncPatch" => &[],
            "Compare" | "Equal" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual" => &[Any],
            _ => return None,
        };
        Some(Member::Method(Signature::of(fixed)))
    }

    fn get(&self, name: &str, args: &[Value<'a>]) -> Out<'a> {
        let number = |i: usize| Ok(Value::Uint(self.numbers[i], UintType::Uint64));
        let ordering = || match args.first() {
            Some(Value::Object(other)) if other.type_name() == TYPE => {
                Ok(self.precedence(&Version::parse(&other.text())?))
            }
            other => Err(Fault(format!(
                "wrong type for value; expected {TYPE}; got {}",
                other.map_or("nothing", |v| v.kind_name())
            ))),
        };
        match name {
            "Major" => number(0),
            "Minor" => number(1),
            "Patch" => number(2),
            "Prerelease" => Ok(Value::str(&self.pre)),
            "Metadata" => Ok(Value::str(&self.build)),
            "Original" => Ok(Value::str(&self.original)),
            "String" => Ok(self.text().into()),
            "IncMajor" => Ok(value(self.next(0))),
            "IncMinor" => Ok(value(self.next(1))),
            "IncPatch" => Ok(value(self.next(2))),
            "Compare" => Ok(Value::int(ordering()? as i64)),
            "Equal" => Ok(ordering()?.is_eq().into()),
            "LessThan" => Ok(ordering()?.is_lt().into()),
            "LessThanEqual" => Ok(ordering()?.is_le().into()),
            "GreaterThan" => Ok(ordering()?.is_gt().into()),
            "GreaterThanEqual" => Ok(ordering()?.is_ge().into()),
            _ => Err(Fault(format!("no member {name}"))),
        }
    }
}

/// A version's parts as they are written.
struct Parts<'t> {
    numbers: Vec<&'t str>,
    pre: &'t str,
    build: &'t str,
}

impl<'t> Parts<'t> {
    /// Reads a version at the beginning of a text, and gives what follows. In a condition a number may be `x`, `X` or `*`.
    fn read(text: &'t str, wild: bool) -> Option<(Parts<'t>, &'t str)> {
        let mut rest = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = Vec::with_capacity(3);
        loop {
            let is_part = |c: char| c.is_ascii_digit() || (wild && matches!(c, 'x' | 'X' | '*'));
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            numbers.push(&rest[..end]);
            rest = &rest[end..];
            match rest.strip_prefix('.') {
                Some(after) if numbers.len() < 3 && after.starts_with(is_part) => rest = after,
                _ => break,
            }
        }
        let pre = identifiers(&mut rest, '-');
        let build = identifiers(&mut rest, '+');
        Some((Parts { numbers, pre, build }, rest))
    }

    fn version(&self, original: &str) -> Result<Version, Fault> {
        let mut version = Version {
            pre: self.pre.to_owned(),
            build: self.build.to_owned(),
            original: original.to_owned(),
            ..Version::default()
        };
        for (number, text) in version.numbers.iter_mut().zip(&self.numbers) {
            *number = text.parse().map_err(|_| {
                let text = crate::format::quote(text);
                Fault(format!(
                    "error parsing version segment: strconv.ParseUint: parsing {text}: value out of range"
                ))
            })?;
        }
        let zeros =
            |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit());
        if self.pre.split('.').any(zeros) {
            return Err("version segment starts with 0".into());
        }
        Ok(version)
    }
}

/// Identifiers with dots between them behind a mark; nothing is taken where there are none.
fn identifiers<'t>(rest: &mut &'t str, mark: char) -> &'t str {
    let Some(after) = rest.strip_prefix(mark) else {
        return "";
    };
    let mut end = 0;
    loop {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let part = after[end..].find(|c| !is_part(c)).unwrap_or(after.len() - end);
        if part == 0 {
            // A dot that nothing follows is none of ours.
            end = end.saturating_sub(1);
            break;
        }
        end += part;
        if !after[end..].starts_with('.') {
            break;
        }
        end += 1;
    }
    if end == 0 {
        return "";
    }
    *rest = &after[end..];
    &after[..end]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// The longer ones first.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterEqual),
    ("=>", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("=<", Operator::LessEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

/// One comparison.
struct Rule {
    operator: Operator,
    version: Version,
    /// How many numbers were given, before a wildcard.
    given: usize,
}

/// Alternatives, of each of which all rules must hold.
struct Condition(Vec<Vec<Rule>>);

impl Condition {
    fn parse(text: &str) -> Result<Condition, Fault> {
        if text.len() > LONGEST_CONDITION {
            return Err(format!("constraint string is too long (max {LONGEST_CONDITION} bytes)").into());
        }
        let alternatives: Vec<_> = text.split("||").collect();
        if alternatives.len() > MOST_ALTERNATIVES {
            return Err(format!("too many constraint groups (max {MOST_ALTERNATIVES})").into());
        }
        alternatives
            .into_iter()
            .map(rules)
            .collect::<Result<_, _>>()
            .map(Condition)
    }

    fn holds(&self, version: &Version) -> bool {
        self.0.iter().any(|rules| {
            // What comes before a release counts only where a rule names such a version.
            let named = rules.iter().any(|rule| !rule.version.pre.is_empty());
            (named || version.pre.is_empty()) && rules.iter().all(|rule| rule.holds(version))
        })
    }
}

fn rules(text: &str) -> Result<Vec<Rule>, Fault> {
    let improper = || Fault(format!("improper constraint: {}", crate::format::quote(text)));
    let mut rules = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let found = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign));
        let operator = found.map_or(Operator::Equal, |(_, operator)| *operator);
        rest = rest[found.map_or(0, |(sign, _)| sign.len())..].trim_start();
        let (parts, after) = Parts::read(rest, true).ok_or_else(improper)?;
        rest = after.trim_start();
        let apart = rest.len() < after.len();
        // `1.2 - 3` is a range.
        let until = rest
            .strip_prefix('-')
            .filter(|to| apart && found.is_none() && to.starts_with(char::is_whitespace));
        if let Some(to) = until {
            let (last, after) = Parts::read(to.trim_start(), true).ok_or_else(improper)?;
            rules.push(Rule::new(Operator::GreaterEqual, &parts)?);
            rules.push(Rule::new(Operator::LessEqual, &last)?);
            rest = after.trim_start();
        } else {
            rules.push(Rule::new(operator, &parts)?);
        }
        if rest.is_empty() {
            return Ok(rules);
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if apart || until.is_some() => {}
            None => return Err(improper()),
        }
    }
}

impl Rule {
    fn new(operator: Operator, parts: &Parts<'_>) -> Result<Rule, Fault> {
        let is_wild = |part: &&str| matches!(*part, "x" | "X" | "*");
        let given = parts
            .numbers
            .iter()
            .position(is_wild)
            .unwrap_or(parts.numbers.len());
        let numbers = parts.numbers[..given].to_vec();
        if numbers.iter().any(|n| !n.bytes().all(|b| b.is_ascii_digit())) {
            return Err("constraint parser error".into());
        }
        let version = Parts { numbers, ..*parts }
            .version("")
            .map_err(|_| Fault::from("constraint parser error"))?;
        Ok(Rule {
            operator,
            version,
            given,
        })
    }

    fn holds(&self, version: &Version) -> bool {
        let ordering = version.precedence(&self.version);
        let [major, minor, patch] = version.numbers;
        let [own_major, own_minor, own_patch] = self.version.numbers;
        match self.operator {
            Operator::Equal if self.given == 3 => ordering.is_eq(),
            Operator::NotEqual => match self.given {
                1 => major != own_major,
                2 if version.pre.is_empty() && self.version.pre.is_empty() => {
                    (major, minor) != (own_major, own_minor)
                }
                2 => (major, minor) != (own_major, own_minor) || version.pre != self.version.pre,
                _ => ordering.is_ne(),
            },
            Operator::Greater => match self.given {
                1 => major > own_major,
                2 => (major, minor) > (own_major, own_minor),
                _ => ordering.is_gt(),
            },
            Operator::Less => ordering.is_lt(),
            Operator::GreaterEqual => ordering.is_ge(),
            Operator::LessEqual => match self.given {
                3 => ordering.is_le(),
                1 => major <= own_major,
                _ => (major, minor) <= (own_major, own_minor),
            },
            Operator::Equal | Operator::Tilde => {
                if ordering.is_lt() {
                    return false;
                }
                let everything = self.version.numbers == [0; 3] && matches!(self.given, 0 | 3);
                everything || (major == own_major && (self.given == 1 || minor == own_minor))
            }
            Operator::Caret => {
                if ordering.is_lt() || major != own_major {
                    return false;
                }
                if own_major > 0 || self.given == 1 {
                    return true;
                }
                minor == own_minor && (own_minor > 0 || self.given == 2 || patch == own_patch)
            }
        }
    }
}
#[cfg(test)]
mod tests;
