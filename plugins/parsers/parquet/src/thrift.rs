//! Footers and page headers, looked through before the library reads them.
//!
//! The library trusts them: it skips lists of any length whose elements take no bytes, reads on in the wrong place where a field
//! has another type than it expects, reserves room for as many columns as a group says it has, and follows groups within groups
//! on the stack. Here every element takes a byte at least, and known fields have their types.
//!
//! Formats: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md> and
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

mod definitions;

use Type::{Binary, Bool, Byte, Double, Int, List, Noted, Schema, Struct};
use definitions::{FILE, PAGE, SCHEMA_ELEMENT};

use crate::varint::{take, varint, zigzag};

/// How a known field is written.
enum Type {
    Bool,
    Byte,
    /// An integer of more than eight bits.
    Int,
    /// One that is handed out.
    Noted,
    Double,
    Binary,
    List(&'static Type),
    Struct(Fields),
    /// The list of `SchemaElement`: a tree, each element before its children.
    Schema,
}

/// The fields of a structure by their numbers; others are only stepped over.
type Fields = &'static [(i16, Type)];

/// Whether the library may read a footer.
pub(crate) fn is_footer(bytes: &[u8]) -> bool {
    Reader { bytes }.structure(FILE, DEPTH).is_some()
}

/// How many bytes the page has without compression whose header begins here, if the library may read it.
pub(crate) fn page_size(bytes: &[u8]) -> Option<usize> {
    let size = Reader { bytes }.structure(PAGE, DEPTH)?;
    i32::try_from(size).ok().map(|size| size.max(0) as usize)
}

/// How deep structures, and columns of a file, may be nested.
const DEPTH: u8 = 100;

struct Reader<'b> {
    bytes: &'b [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        take(&mut self.bytes, 1).map(|byte| byte[0])
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        take(&mut self.bytes, length).map(drop)
    }

    fn varint(&mut self) -> Option<u64> {
        varint(&mut self.bytes)
    }

    fn integer(&mut self) -> Option<i64> {
        zigzag(&mut self.bytes)
    }

    /// What is noted of its fields, or 0.
    fn structure(&mut self, known: Fields, depth: u8) -> Option<i64> {
        let (mut id, mut noted) = (0i16, 0);
        loop {
            let header = self.byte()?;
            if header & 0x0f == 0 {
                return Some(noted);
            }
            id = match header >> 4 {
                0 => i16::try_from(self.integer()?).ok()?,
                more => id.checked_add(i16::from(more))?,
            };
            let known = known.iter().find(|(known, _)| *known == id).map(|(_, t)| t);
            let code = header & 0x0f;
            match known {
                Some(Noted) if is_int(code) => noted = self.integer()?,
                // A field's type is its value.
                _ if code <= 2 => is_known(code, known)?,
                _ => self.value(code, known, depth)?,
            }
        }
    }

    fn value(&mut self, code: u8, known: Option<&Type>, depth: u8) -> Option<()> {
        is_known(code, known)?;
        match code {
            3 => self.skip(1),
            4..=6 => self.integer().map(drop),
            7 => self.skip(8),
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.skip(length)
            }
            9 | 10 => self.list(known, depth.checked_sub(1)?),
            11 => self.map(depth.checked_sub(1)?),
            12 => {
                let fields = match known {
                    Some(Struct(fields)) => fields,
                    _ => &[][..],
                };
                self.structure(fields, depth.checked_sub(1)?).map(drop)
            }
            13 => self.skip(16),
            _ => None,
        }
    }

    /// How many elements there are: no more than bytes.
    fn count(&self, count: u64) -> Option<usize> {
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.bytes.len())
    }

    fn list(&mut self, known: Option<&Type>, depth: u8) -> Option<()> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        let (count, code) = (self.count(count)?, header & 0x0f);
        if count == 0 {
            return Some(());
        }
        match known {
            Some(Schema) => {
                let mut children = Vec::with_capacity(count);
                for _ in 0..count {
                    is_known(code, Some(&Struct(&[])))?;
                    children.push(self.structure(SCHEMA_ELEMENT, depth)?);
                }
                is_tree(&children).then_some(())
            }
            Some(List(element)) => (0..count).try_for_each(|_| self.value(code, Some(element), depth)),
            // Booleans take a byte each here, and the library steps over them as if they took none; no field has such a list.
            _ if code <= 2 => None,
            _ => (0..count).try_for_each(|_| self.value(code, None, depth)),
        }
    }

    /// No known field is a map.
    fn map(&mut self, depth: u8) -> Option<()> {
        let count = self.varint()?;
        if count == 0 {
            return Some(());
        }
        let (types, count) = (self.byte()?, self.count(count)?);
        let (key, value) = (types >> 4, types & 0x0f);
        if key <= 2 || value <= 2 {
            return None;
        }
        (0..count).try_for_each(|_| {
            self.value(key, None, depth)?;
            self.value(value, None, depth)
        })
    }
}

fn is_int(code: u8) -> bool {
    (4..=6).contains(&code)
}

/// Nothing where a field of this type is not written so.
fn is_known(code: u8, known: Option<&Type>) -> Option<()> {
    let good = match known {
        None => true,
        Some(Bool) => matches!(code, 1 | 2),
        Some(Byte) => code == 3,
        Some(Int | Noted) => is_int(code),
        Some(Double) => code == 7,
        Some(Binary) => code == 8,
        Some(List(_) | Schema) => code == 9,
        Some(Struct(_)) => code == 12,
    };
    good.then_some(())
}

/// Whether no element has more children than elements follow it, and none is too deep.
fn is_tree(children: &[i64]) -> bool {
    // How many are still to come at each level.
    let mut levels: Vec<usize> = Vec::new();
    for (at, children_of) in children.iter().enumerate() {
        if let Some(last) = levels.last_mut() {
            *last -= 1;
        }
        match usize::try_from(*children_of) {
            Ok(count) if count < children.len() - at => levels.push(count),
            _ => return false,
        }
        while levels.last() == Some(&0) {
            levels.pop();
        }
        if levels.len() > usize::from(DEPTH) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests;
