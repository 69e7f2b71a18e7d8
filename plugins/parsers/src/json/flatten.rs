//! An object in, its numbers, strings and truth values out, each under its joined name: `{"a":{"b":[5]}}` is `a_b_0` = 5.

use super::check::MAX_DEPTH;
use super::scan::{Malformed, RawStr, Scanner};

/// A value that can become a field or a tag.
#[derive(Clone, Copy)]
pub(super) enum Leaf<'a> {
    /// The float, and the digits that it was written with.
    Number(f64, &'a str),
    Str(RawStr<'a>),
    Bool(bool),
    Null,
}

/// Why flattening ended early.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Malformed,
    /// A name may have come twice; what the sink holds is of no use.
    Twice,
    /// The names are too long together.
    TooLong,
}

impl From<Malformed> for Stop {
    fn from(_: Malformed) -> Stop {
        Stop::Malformed
    }
}

/// What takes the values.
pub(super) trait Sink<'a> {
    /// An object begins or ends.
    fn scope(&mut self, begins: bool);
    /// A key of the innermost object, joined with those around it.
    fn key(&mut self, path: &str) -> Result<(), Stop>;
    /// A value in an array, under the name of its place.
    fn element(&mut self, path: &str) -> Result<(), Stop>;
    /// The value of the last key or element, unless it is an object or an array.
    fn leaf(&mut self, leaf: Leaf<'a>);
}

/// Room for the names and the nesting, kept from payload to payload.
#[derive(Default)]
pub(super) struct Flattener {
    /// The joined name of where the scanner is.
    path: String,
    open: Vec<Open>,
    /// How many bytes of names the payload may still have.
    left: usize,
}

/// How many bytes all names of a payload may have together; long payloads may have more.
const NAMES: usize = 4 << 20;

/// An object or array around the place.
struct Open {
    /// How much of the path is its name.
    path_len: usize,
    /// The next index of an array; nothing for an object.
    index: Option<usize>,
}

enum Next {
    KeyOrEnd,
    Key,
    /// A value; the path is named already.
    Value,
    ElementOrEnd,
    Element,
    CommaOrEnd,
}

impl Flattener {
    /// Takes one object apart; the scanner stands on its brace, and behind it afterwards.
    pub(super) fn flatten<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        sink: &mut impl Sink<'a>,
    ) -> Result<(), Stop> {
        self.path.clear();
        self.open.clear();
        self.begin(scanner, sink, b'{')?;
        let mut next = Next::KeyOrEnd;
        loop {
            next = match next {
                Next::KeyOrEnd if scanner.peek()? == b'}' => match self.end(scanner, sink) {
                    Some(next) => next,
                    None => return Ok(()),
                },
                Next::KeyOrEnd | Next::Key => {
                    if scanner.peek()? != b'"' {
                        return Err(Stop::Malformed);
                    }
                    let name = scanner.string()?;
                    scanner.expect(b':')?;
                    self.rewind();
                    if !self.path.is_empty() {
                        self.path.push('_');
                    }
                    name.unescape_to(&mut self.path);
                    self.spend()?;
                    sink.key(&self.path)?;
                    Next::Value
                }
                Next::ElementOrEnd if scanner.peek()? == b']' => match self.end(scanner, sink) {
                    Some(next) => next,
                    None => return Ok(()),
                },
                Next::ElementOrEnd | Next::Element => {
                    self.rewind();
                    if let Some(Open {
                        index: Some(index), ..
                    }) = self.open.last_mut()
                    {
                        let mut digits = itoa::Buffer::new();
                        let place = digits.format(*index);
                        *index += 1;
                        if !self.path.is_empty() {
                            self.path.push('_');
                        }
                        self.path.push_str(place);
                    }
                    if !matches!(scanner.peek()?, b'{' | b'[') {
                        self.spend()?;
                        sink.element(&self.path)?;
                    }
                    Next::Value
                }
                Next::Value => match scanner.peek()? {
                    b'"' => {
                        sink.leaf(Leaf::Str(scanner.string()?));
                        Next::CommaOrEnd
                    }
                    b'-' | b'0'..=b'9' => {
                        let (value, text) = scanner.number()?;
                        sink.leaf(Leaf::Number(value, text));
                        Next::CommaOrEnd
                    }
                    open @ (b'{' | b'[') => self.begin(scanner, sink, open)?,
                    _ => {
                        sink.leaf(scanner.literal()?.map_or(Leaf::Null, Leaf::Bool));
                        Next::CommaOrEnd
                    }
                },
                Next::CommaOrEnd => {
                    let in_array = self.open.last().is_some_and(|open| open.index.is_some());
                    match scanner.peek()? {
                        b',' => {
                            scanner.bump();
                            if in_array { Next::Element } else { Next::Key }
                        }
                        b'}' if !in_array => match self.end(scanner, sink) {
                            Some(next) => next,
                            None => return Ok(()),
                        },
                        b']' if in_array => match self.end(scanner, sink) {
                            Some(next) => next,
                            None => return Ok(()),
                        },
                        _ => return Err(Stop::Malformed),
                    }
                }
            };
        }
    }

    /// A payload of so many bytes comes next. Names of nested values begin with those around them, so that a short payload
    /// can have very long ones.
    pub(super) fn next_payload(&mut self, bytes: usize) {
        self.left = NAMES.max(bytes.saturating_mul(16));
    }

    #[inline]
    fn spend(&mut self) -> Result<(), Stop> {
        self.left = self.left.checked_sub(self.path.len()).ok_or(Stop::TooLong)?;
        Ok(())
    }

    #[inline]
    fn begin<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        sink: &mut impl Sink<'a>,
        open: u8,
    ) -> Result<Next, Stop> {
        scanner.bump();
        if self.open.len() >= MAX_DEPTH {
            return Err(Stop::Malformed);
        }
        let array = open == b'[';
        self.open.push(Open {
            path_len: self.path.len(),
            index: array.then_some(0),
        });
        if array {
            return Ok(Next::ElementOrEnd);
        }
        sink.scope(true);
        Ok(Next::KeyOrEnd)
    }

    /// Nothing when the outermost object has ended.
    #[inline]
    fn end<'a>(&mut self, scanner: &mut Scanner<'a>, sink: &mut impl Sink<'a>) -> Option<Next> {
        scanner.bump();
        if let Some(Open { index: None, .. }) = self.open.pop() {
            sink.scope(false);
        }
        (!self.open.is_empty()).then_some(Next::CommaOrEnd)
    }

    /// Takes the path back to the name of the innermost object or array.
    #[inline]
    fn rewind(&mut self) {
        self.path
            .truncate(self.open.last().map_or(0, |open| open.path_len));
    }
}
