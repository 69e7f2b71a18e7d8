//! The functions that an expression may call and the types that they take: CEL's standard library, the extensions that
//! Telegraf turns on, and `now`.
//!
//! A signature is written in letters: `b` bool, `i` int, `u` uint, `d` double, `s` string, `y` bytes, `t` timestamp,
//! `r` duration, `n` null, `*` any type, `T` a type, `A` and `B` any type but the same throughout, `[A]` a list, `{AB}` a map. Behind
//! the colon stands the result; a member function's target stands before a dot.

use crate::types::Type;

/// One way to call a function.
pub(crate) struct Signature {
    /// The first argument is the target: `x.f(y)`.
    pub(crate) member: bool,
    pub(crate) arguments: Vec<Type>,
    pub(crate) result: Type,
}

/// How a function can be called; none where there is no such function.
pub(crate) fn of(function: &str) -> Option<Vec<Signature>> {
    let (_, forms) = FUNCTIONS.iter().find(|(name, _)| *name == function)?;
    Some(forms.split(' ').filter_map(read).collect())
}

fn read(form: &str) -> Option<Signature> {
    let (arguments, result) = form.split_once(':')?;
    let member = arguments.contains('.');
    let read_all = |text: &str| {
        let mut letters = text.chars().filter(|c| *c != '.');
        std::iter::from_fn(|| read_type(&mut letters)).collect::<Vec<_>>()
    };
    Some(Signature {
        member,
        arguments: read_all(arguments),
        result: read_all(result).pop()?,
    })
}

fn read_type(letters: &mut impl Iterator<Item = char>) -> Option<Type> {
    Some(match letters.next()? {
        'b' => Type::Bool,
        'i' => Type::Int,
        'u' => Type::Uint,
        'd' => Type::Double,
        's' => Type::Text,
        'y' => Type::Bytes,
        't' => Type::Timestamp,
        'r' => Type::Duration,
        'n' => Type::Null,
        'T' => Type::Kind,
        'A' => Type::Param(0),
        'B' => Type::Param(1),
        '[' => {
            let item = read_type(letters)?;
            letters.next();
            Type::List(Box::new(item))
        }
        '{' => {
            let (key, value) = (read_type(letters)?, read_type(letters)?);
            letters.next();
            Type::Map(Box::new(key), Box::new(value))
        }
        _ => Type::Dyn,
    })
}

const COMPARED: &str = "bb:b ii:b uu:b dd:b ss:b yy:b tt:b rr:b";
const OF_TIME: &str = "t.:i t.s:i";
const OF_TIME_OR_DURATION: &str = "t.:i t.s:i r.:i";
const EXTREME: &str = "i:i u:u d:d ii:i uu:u dd:d iu:* id:* ui:* ud:* di:* du:* [i]:i [u]:u [d]:d";
const ROUNDED: &str = "d:d";
const BITS: &str = "ii:i uu:u";
const SHIFT: &str = "ii:i ui:u";

const FUNCTIONS: &[(&str, &str)] = &[
    ("_?_:_", "bAA:A"),
    ("_&&_", "bb:b"),
    ("_||_", "bb:b"),
    ("!_", "b:b"),
    ("@not_strictly_false", "b:b"),
    ("_==_", "AA:b"),
    ("_!=_", "AA:b"),
    ("_<_", COMPARED),
    ("_<=_", COMPARED),
    ("_>_", COMPARED),
    ("_>=_", COMPARED),
    ("_+_", "ii:i uu:u dd:d ss:s yy:y rr:r rt:t tr:t [A][A]:[A]"),
    ("_-_", "ii:i uu:u dd:d rr:r tr:t tt:r"),
    ("_*_", "ii:i uu:u dd:d"),
    ("_/_", "ii:i uu:u dd:d"),
    ("_%_", "ii:i uu:u"),
    ("-_", "i:i d:d"),
    ("_[_]", "[A]i:A {AB}A:B"),
    ("@in", "A[A]:b A{AB}:b"),
    ("size", "s:i s.:i y:i y.:i [A]:i [A].:i {AB}:i {AB}.:i"),
    ("type", "A:T"),
    ("dyn", "A:*"),
    ("bool", "b:b s:b"),
    ("bytes", "y:y s:y"),
    ("double", "d:d i:d u:d s:d"),
    ("int", "i:i u:i d:i s:i t:i r:i"),
    ("uint", "u:u i:u d:u s:u"),
    ("string", "s:s b:s i:s u:s d:s y:s t:s r:s"),
    ("duration", "r:r s:r"),
    ("timestamp", "t:t i:t s:t"),
    ("contains", "s.s:b"),
    ("endsWith", "s.s:b"),
    ("startsWith", "s.s:b"),
    ("matches", "ss:b s.s:b"),
    ("getFullYear", OF_TIME),
    ("getMonth", OF_TIME),
    ("getDayOfYear", OF_TIME),
    ("getDayOfMonth", OF_TIME),
    ("getDate", OF_TIME),
    ("getDayOfWeek", OF_TIME),
    ("getHours", OF_TIME_OR_DURATION),
    ("getMinutes", OF_TIME_OR_DURATION),
    ("getSeconds", OF_TIME_OR_DURATION),
    ("getMilliseconds", OF_TIME_OR_DURATION),
    ("now", ":t"),
    ("charAt", "s.i:s"),
    ("indexOf", "s.s:i s.si:i"),
    ("lastIndexOf", "s.s:i s.si:i"),
    ("lowerAscii", "s.:s"),
    ("upperAscii", "s.:s"),
    ("trim", "s.:s"),
    ("replace", "s.ss:s s.ssi:s"),
    ("split", "s.s:[s] s.si:[s]"),
    ("substring", "s.i:s s.ii:s"),
    ("format", "s.[*]:s"),
    ("join", "[s].:s [s].s:s"),
    ("reverse", "s.:s"),
    ("strings.quote", "s:s"),
    ("base64.decode", "s:y"),
    ("base64.encode", "y:s"),
    ("math.@max", EXTREME),
    ("math.@min", EXTREME),
    ("math.ceil", ROUNDED),
    ("math.floor", ROUNDED),
    ("math.round", ROUNDED),
    ("math.trunc", ROUNDED),
    ("math.isInf", "d:b"),
    ("math.isNaN", "d:b"),
    ("math.isFinite", "d:b"),
    ("math.abs", "d:d i:i u:u"),
    ("math.sign", "d:d i:i u:u"),
    ("math.sqrt", "d:d i:d u:d"),
    ("math.bitAnd", BITS),
    ("math.bitOr", BITS),
    ("math.bitXor", BITS),
    ("math.bitNot", "i:i u:u"),
    ("math.bitShiftLeft", SHIFT),
    ("math.bitShiftRight", SHIFT),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_can_be_read() {
        for (name, forms) in FUNCTIONS {
            assert_eq!(of(name).unwrap().len(), forms.split(' ').count(), "{name}");
        }
        let forms = of("split").unwrap();
        assert!(forms[1].member);
        assert_eq!(forms[1].arguments, [Type::Text, Type::Text, Type::Int]);
        assert_eq!(forms[1].result, Type::List(Box::new(Type::Text)));
    }
}
