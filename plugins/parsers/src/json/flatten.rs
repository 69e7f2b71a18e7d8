//! An object in, its numbers, strings and truth values out, each under its joined name: `{"a":{"b":[5]}}` is `a_b_0` = 5.

use super::check::MAX_DEPTH;
use super::columns::{NOWHERE, ROOT};
use super::number::Number;
use super::scan::{Malformed, RawStr, Scanner};

/// A value that can become a field or a tag.
#[derive(Clone, Copy)]
pub(super) enum Leaf<'a> {
    Number(Number<'a>),
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

    /// Takes the key that `rest` begins with, where that is the expected one: how long it is, to behind its colon. `around`
    /// is the number of the column whose value the innermost object is.
    fn guess_key(&mut self, _around: usize, _rest: &[u8]) -> Result<Option<usize>, Stop> {
        Ok(None)
    }
    /// Takes the next value of an array under the name of its place, where that is the expected one.
    fn guess_element(&mut self, _around: usize, _index: usize) -> Result<bool, Stop> {
        Ok(false)
    }
    /// The last key is written so, from its quote to its colon; nothing where blanks or escapes are in it.
    fn learn_key(&mut self, _around: usize, _written: Option<&[u8]>) {}
    /// The last element has that index.
    fn learn_element(&mut self, _around: usize, _index: usize) {}
    /// The number of the last key's or element's column.
    fn number(&self) -> usize {
        NOWHERE
    }
    /// The joined name of the last key that was guessed.
    fn name(&self) -> &str {
        ""
    }

    /// The value of the last key or element, unless it is an object or an array.
    fn leaf(&mut self, leaf: Leaf<'a>);
}

/// Room for the names and the nesting, kept from payload to payload.
#[derive(Default)]
pub(super) struct Flattener {
    /// The joined name of where the scanner is, unless that was guessed: then at least that of the innermost object.
    path: String,
    guessed: bool,
    /// The column of the value that comes next.
    column: usize,
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
    /// The column whose value it is.
    column: usize,
}

impl Open {
    fn nested(&self) -> Nested {
        match self.index {
            Some(_) => Nested::Array,
            None => Nested::Object,
        }
    }
}

#[derive(Clone, Copy)]
enum Nested {
    Object,
    Array,
}

impl Nested {
    /// The byte that ends it.
    fn end(self) -> u8 {
        match self {
            Nested::Object => b'}',
            Nested::Array => b']',
        }
    }
}

/// A value that is neither object nor array and begins with `first`; the scanner stands on it.
#[inline(always)]
fn value<'a>(scanner: &mut Scanner<'a>, sink: &mut impl Sink<'a>, first: u8) -> Result<(), Stop> {
    sink.leaf(match first {
        b'"' => Leaf::Str(scanner.string()?),
        b'-' | b'0'..=b'9' => Leaf::Number(scanner.number()?),
        _ => scanner.literal()?.map_or(Leaf::Null, Leaf::Bool),
    });
    Ok(())
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
        (self.column, self.guessed) = (ROOT, false);
        // A copy of its own stays in the processor's registers.
        let mut here = scanner.clone();
        let (mut nested, mut just_opened) = (self.begin(&mut here, sink, b'{')?, true);
        loop {
            let inner = match nested {
                _ if just_opened && here.peek()? == nested.end() => None,
                Nested::Object => self.members(&mut here, sink)?,
                Nested::Array => self.elements(&mut here, sink)?,
            };
            just_opened = inner.is_some();
            nested = match inner {
                Some(inner) => inner,
                None => match self.close(&mut here, sink)? {
                    Some(around) => around,
                    None => break,
                },
            };
        }
        *scanner = here;
        Ok(())
    }

    /// The members of an object, up to one that is nested, which begins then, or to the brace. The scanner stands behind the
    /// opening brace or a comma.
    #[inline(always)]
    fn members<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        sink: &mut impl Sink<'a>,
    ) -> Result<Option<Nested>, Stop> {
        loop {
            self.next_key(scanner, sink)?;
            let first = scanner.peek()?;
            if matches!(first, b'{' | b'[') {
                return self.begin(scanner, sink, first).map(Some);
            }
            value(scanner, sink, first)?;
            match scanner.peek()? {
                b',' => scanner.bump(),
                b'}' => return Ok(None),
                _ => return Err(Stop::Malformed),
            }
        }
    }

    /// The elements of an array, likewise.
    fn elements<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        sink: &mut impl Sink<'a>,
    ) -> Result<Option<Nested>, Stop> {
        loop {
            let first = scanner.peek()?;
            self.element(first, sink)?;
            if matches!(first, b'{' | b'[') {
                return self.begin(scanner, sink, first).map(Some);
            }
            value(scanner, sink, first)?;
            match scanner.peek()? {
                b',' => scanner.bump(),
                b']' => return Ok(None),
                _ => return Err(Stop::Malformed),
            }
        }
    }

    /// Steps over the end of an object or array, on which the scanner stands, and over the ends that follow at once. Gives
    /// the one around that goes on, behind its comma; `None` where all is closed.
    fn close<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        sink: &mut impl Sink<'a>,
    ) -> Result<Option<Nested>, Stop> {
        loop {
            if self.open.pop().is_some_and(|open| open.index.is_none()) {
                sink.scope(false);
            }
            scanner.bump();
            let Some(around) = self.open.last().map(Open::nested) else {
                return Ok(None);
            };
            match scanner.peek()? {
                b',' => {
                    scanner.bump();
                    return Ok(Some(around));
                }
                end if end == around.end() => {}
                _ => return Err(Stop::Malformed),
            }
        }
    }

    /// A payload of so many bytes comes next. Names of nested values begin with those around them, so that a short payload
    /// can have very long ones.
    pub(super) fn next_payload(&mut self, bytes: usize) {
        self.left = NAMES.max(bytes.saturating_mul(16));
    }

    #[inline]
    fn spend(&mut self, bytes: usize) -> Result<(), Stop> {
        self.left = self.left.checked_sub(bytes).ok_or(Stop::TooLong)?;
        Ok(())
    }

    /// The column whose value the innermost object or array is.
    #[inline]
    fn around(&self) -> usize {
        self.open.last().map_or(NOWHERE, |open| open.column)
    }

    /// A key; the scanner stands before it, and behind its colon afterwards.
    #[inline(always)]
    fn next_key<'a>(&mut self, scanner: &mut Scanner<'a>, sink: &mut impl Sink<'a>) -> Result<(), Stop> {
        if scanner.peek()? != b'"' {
            return Err(Stop::Malformed);
        }
        let (around, rest) = (self.around(), scanner.rest());
        if let Some(len) = sink.guess_key(around, rest)? {
            scanner.skip(len);
            self.guessed = true;
            self.spend(sink.name().len())?;
        } else {
            self.key(scanner, sink, around)?;
        }
        self.column = sink.number();
        Ok(())
    }

    /// A key that nobody expected; the scanner stands on its quote.
    fn key<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        sink: &mut impl Sink<'a>,
        around: usize,
    ) -> Result<(), Stop> {
        let rest = scanner.rest();
        let name = scanner.string()?;
        scanner.expect(b':')?;
        self.rewind();
        if !self.path.is_empty() {
            self.path.push('_');
        }
        name.unescape_to(&mut self.path);
        self.guessed = false;
        self.spend(self.path.len())?;
        sink.key(&self.path)?;
        // Two quotes and the colon.
        let len = name.text.len() + 3;
        let plain = !name.escaped && rest.len() - scanner.rest().len() == len;
        sink.learn_key(around, rest.get(..len).filter(|_| plain));
        Ok(())
    }

    /// The place of an array where a value stands that begins with this byte.
    #[inline]
    fn element<'a>(&mut self, first: u8, sink: &mut impl Sink<'a>) -> Result<(), Stop> {
        let Some(Open {
            index: Some(next),
            column,
            ..
        }) = self.open.last_mut()
        else {
            return Ok(());
        };
        let (index, around, is_leaf) = (*next, *column, !matches!(first, b'{' | b'['));
        *next += 1;
        if is_leaf && sink.guess_element(around, index)? {
            self.guessed = true;
            return self.spend(sink.name().len());
        }
        self.rewind();
        if !self.path.is_empty() {
            self.path.push('_');
        }
        self.path.push_str(itoa::Buffer::new().format(index));
        (self.guessed, self.column) = (false, NOWHERE);
        if is_leaf {
            self.spend(self.path.len())?;
            sink.element(&self.path)?;
            sink.learn_element(around, index);
        }
        Ok(())
    }

    /// An object or array begins.
    fn begin<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        sink: &mut impl Sink<'a>,
        open: u8,
    ) -> Result<Nested, Stop> {
        scanner.bump();
        if self.open.len() >= MAX_DEPTH {
            return Err(Stop::Malformed);
        }
        if self.guessed {
            self.path.clear();
            self.path.push_str(sink.name());
        }
        let in_array = open == b'[';
        let open = Open {
            path_len: self.path.len(),
            index: in_array.then_some(0),
            column: self.column,
        };
        let nested = open.nested();
        self.open.push(open);
        if !in_array {
            sink.scope(true);
        }
        Ok(nested)
    }

    /// Takes the path back to the name of the innermost object or array.
    #[inline]
    fn rewind(&mut self) {
        self.path
            .truncate(self.open.last().map_or(0, |open| open.path_len));
    }
}
