//! An object in, its numbers, strings and truth values out, each under its joined name: `{"a":{"b":[5]}}` is `a_b_0` = 5.

use super::check::MAX_DEPTH;
use super::columns::{NOWHERE, ROOT};
use super::scan::{Malformed, Number, RawStr, Scanner};

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
    fn guess_key(&mut self, _around: usize, _rest: &str) -> Result<Option<usize>, Stop> {
        Ok(None)
    }
    /// Takes the next value of an array under the name of its place, where that is the expected one.
    fn guess_element(&mut self, _around: usize, _index: usize) -> Result<bool, Stop> {
        Ok(false)
    }
    /// The last key is written so, from its quote to its colon; nothing where blanks or escapes are in it.
    fn learn_key(&mut self, _around: usize, _written: Option<&str>) {}
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
        let mut in_array = self.begin(scanner, sink, b'{')?;
        let mut just_opened = true;
        loop {
            let mut first = scanner.peek()?;
            if !just_opened || first != if in_array { b']' } else { b'}' } {
                if in_array {
                    self.element(first, sink)?;
                } else {
                    self.next_key(scanner, sink)?;
                    first = scanner.peek()?;
                }
                match first {
                    b'"' => sink.leaf(Leaf::Str(scanner.string()?)),
                    b'-' | b'0'..=b'9' => sink.leaf(Leaf::Number(scanner.number()?)),
                    b'{' | b'[' => {
                        in_array = self.begin(scanner, sink, first)?;
                        just_opened = true;
                        continue;
                    }
                    _ => sink.leaf(scanner.literal()?.map_or(Leaf::Null, Leaf::Bool)),
                }
            }
            just_opened = false;
            loop {
                match scanner.peek()? {
                    b',' => break,
                    b'}' if !in_array => sink.scope(false),
                    b']' if in_array => {}
                    _ => return Err(Stop::Malformed),
                }
                scanner.bump();
                self.open.pop();
                let Some(around) = self.open.last() else {
                    return Ok(());
                };
                in_array = around.index.is_some();
            }
            scanner.bump();
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
    #[inline]
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

    /// An object or array begins. Whether it is an array.
    #[inline]
    fn begin<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        sink: &mut impl Sink<'a>,
        open: u8,
    ) -> Result<bool, Stop> {
        scanner.bump();
        if self.open.len() >= MAX_DEPTH {
            return Err(Stop::Malformed);
        }
        if self.guessed {
            self.path.clear();
            self.path.push_str(sink.name());
        }
        let in_array = open == b'[';
        self.open.push(Open {
            path_len: self.path.len(),
            index: in_array.then_some(0),
            column: self.column,
        });
        if !in_array {
            sink.scope(true);
        }
        Ok(in_array)
    }

    /// Takes the path back to the name of the innermost object or array.
    #[inline]
    fn rewind(&mut self) {
        self.path
            .truncate(self.open.last().map_or(0, |open| open.path_len));
    }
}
