//! Joined names in, what becomes of their values out: decided once per name, then remembered.

use std::hash::BuildHasher;

use wheatstone_plugin::prelude::*;

/// What becomes of the values under a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    /// `tag_keys` has it.
    pub(super) tag: bool,
    /// `json_string_fields` has it.
    pub(super) string_field: bool,
    /// `json_time_key` is it.
    pub(super) time: bool,
    /// `json_name_key` is it.
    pub(super) name: bool,
}

/// What a role comes to for most values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Numbers become fields, and nothing else counts.
    Field,
    /// Every value becomes a tag, and nothing else.
    Tag,
    /// It is the time, and nothing else.
    Time,
    /// The role says it.
    Mixed,
}

impl Role {
    fn duty(self) -> Duty {
        let only = Role::default();
        if self == only {
            Duty::Field
        } else if self == (Role { tag: true, ..only }) {
            Duty::Tag
        } else if self == (Role { time: true, ..only }) {
            Duty::Time
        } else {
            Duty::Mixed
        }
    }
}

/// The options that decide.
pub(super) struct Rules {
    pub(super) tags: Option<Glob>,
    pub(super) string_fields: Option<Glob>,
    pub(super) time: String,
    pub(super) name: String,
}

impl Rules {
    pub(super) fn role(&self, name: &str) -> Role {
        let on = |list: &Option<Glob>| list.as_ref().is_some_and(|list| list.matches(name));
        Role {
            tag: on(&self.tags),
            string_field: on(&self.string_fields),
            time: !self.time.is_empty() && self.time == name,
            name: !self.name.is_empty() && self.name == name,
        }
    }
}

struct Column {
    key: Key,
    role: Role,
    duty: Duty,
    /// The object in which the name was last seen.
    seen: u64,
    /// Where it stood then.
    stood: Stood,
    /// What came after it then.
    next: usize,
}

/// Where a name stands: in which object or array, and how that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stood {
    /// It is not known, or cannot be said in these words.
    Somewhere,
    /// The key as it is written, from its quote to its colon, in the object that is the value of that column.
    Key(usize, Box<[u8]>),
    /// The element of the array that is the value of that column.
    Element(usize, usize),
}

/// The object or array around a name is the whole one.
pub(super) const ROOT: usize = usize::MAX - 1;
/// It has no column of its own.
pub(super) const NOWHERE: usize = usize::MAX;

/// The names of the payloads before.
///
/// Devices send the same keys in the same order again and again. So each column remembers what came after it: where the
/// text goes on with just that, the name needs no scanning, joining and searching.
pub(super) struct Columns {
    columns: Vec<Column>,
    /// Places of columns by the hashes of their names: an open table of at most half its slots.
    slots: Vec<u32>,
    hash: foldhash::fast::FixedState,
    object: u64,
    /// How many columns were forgotten: the number of the first one of now. Numbers never come again.
    forgotten: usize,
    /// The place of the last name of this object, and what came first in the one before.
    last: Option<usize>,
    first: usize,
}

const FIRST_SIZE: usize = 64;
/// A table of this size forgets the names that the present object does not have, before it grows.
const FORGETTING_SIZE: usize = 4096;
const FREE: u32 = u32::MAX;

impl Default for Columns {
    fn default() -> Columns {
        Columns {
            columns: Vec::new(),
            slots: vec![FREE; FIRST_SIZE],
            hash: foldhash::fast::FixedState::default(),
            object: 0,
            forgotten: 0,
            last: None,
            first: NOWHERE,
        }
    }
}

impl Columns {
    /// A new object begins: no name has been seen in it.
    #[inline]
    pub(super) fn next_object(&mut self) {
        self.object += 1;
        self.last = None;
    }

    /// The place of a name until the next call, and marks it as seen. `None` where it was seen in this object before.
    #[inline]
    pub(super) fn find(&mut self, name: &str, rules: &Rules) -> Option<usize> {
        let mut slot = self.slot_of(name);
        loop {
            match self.columns.get_mut(self.slots[slot] as usize) {
                Some(column) if column.key.as_str() == name => {
                    let again = column.seen == self.object;
                    column.seen = self.object;
                    return (!again).then_some(self.slots[slot] as usize);
                }
                Some(_) => slot = (slot + 1) & (self.slots.len() - 1),
                None => return Some(self.add(name, rules)),
            }
        }
    }

    /// The number of a place: it stands for the column as long as that is known.
    #[inline]
    pub(super) fn number(&self, at: usize) -> usize {
        self.forgotten + at
    }

    /// The place of what came next in an earlier object.
    #[inline]
    fn expected(&self) -> usize {
        // What is not known any more has no place.
        let next = self.last.map_or(self.first, |last| self.columns[last].next);
        next.wrapping_sub(self.forgotten)
    }

    /// Where `rest` begins with the key that is expected in this object or array: its place, and how long it is.
    /// `Err` where it was seen in this object before.
    #[inline]
    pub(super) fn guess_key(&mut self, around: usize, rest: &[u8]) -> Option<Result<(usize, usize), ()>> {
        let at = self.expected();
        match &self.columns.get(at)?.stood {
            Stood::Key(there, written) if *there == around && begins_with(rest, written) => {
                let len = written.len();
                Some(self.take(at).map(|at| (at, len)))
            }
            _ => None,
        }
    }

    /// The same for an element of an array.
    #[inline]
    pub(super) fn guess_element(&mut self, around: usize, index: usize) -> Option<Result<usize, ()>> {
        let at = self.expected();
        (self.columns.get(at)?.stood == Stood::Element(around, index)).then(|| self.take(at))
    }

    #[inline]
    fn take(&mut self, at: usize) -> Result<usize, ()> {
        let column = &mut self.columns[at];
        if column.seen == self.object {
            return Err(());
        }
        column.seen = self.object;
        self.last = Some(at);
        Ok(at)
    }

    /// The name that was found last is this key of that object. `written` goes from its quote to its colon; nothing where it
    /// is not written in the plainest way.
    pub(super) fn learn_key(&mut self, at: usize, around: usize, written: Option<&[u8]>) {
        match (&mut self.columns[at].stood, written.filter(|_| around != NOWHERE)) {
            (Stood::Key(there, known), Some(written)) if **known == *written => *there = around,
            (stood, Some(written)) => *stood = Stood::Key(around, written.into()),
            (stood, None) => *stood = Stood::Somewhere,
        }
        self.came(at);
    }

    /// The name that was found last is this element of that array.
    pub(super) fn learn_element(&mut self, at: usize, around: usize, index: usize) {
        self.columns[at].stood = match around {
            NOWHERE => Stood::Somewhere,
            _ => Stood::Element(around, index),
        };
        self.came(at);
    }

    fn came(&mut self, at: usize) {
        let number = self.number(at);
        match self.last.replace(at) {
            Some(last) => self.columns[last].next = number,
            None => self.first = number,
        }
    }

    #[inline]
    fn slot_of(&self, name: &str) -> usize {
        // The size is a power of two.
        (self.hash.hash_one(name) >> 32) as usize & (self.slots.len() - 1)
    }

    #[cold]
    fn add(&mut self, name: &str, rules: &Rules) -> usize {
        if (self.columns.len() + 1) * 2 > self.slots.len() {
            self.make_room();
        }
        let role = rules.role(name);
        self.columns.push(Column {
            key: Key::new(name),
            role,
            duty: role.duty(),
            seen: self.object,
            stood: Stood::Somewhere,
            next: NOWHERE,
        });
        self.put(self.columns.len() - 1);
        self.columns.len() - 1
    }

    fn put(&mut self, at: usize) {
        let mut slot = self.slot_of(&self.columns[at].key);
        while self.slots[slot] != FREE {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        // Far fewer names than this fit into memory.
        self.slots[slot] = u32::try_from(at).unwrap_or(FREE);
    }

    /// Forgets names, or grows: the biggest object bounds the size, not the number of different names.
    fn make_room(&mut self) {
        let object = self.object;
        let mut size = self.slots.len();
        let present = self.columns.iter().filter(|column| column.seen == object).count();
        if size >= FORGETTING_SIZE && present * 4 <= size {
            // Their places change, and with them their numbers.
            self.forgotten += self.columns.len();
            self.last = None;
            self.columns.retain(|column| column.seen == object);
            for column in &mut self.columns {
                (column.stood, column.next) = (Stood::Somewhere, NOWHERE);
            }
        } else {
            size *= 2;
        }
        self.slots = vec![FREE; size];
        (0..self.columns.len()).for_each(|at| self.put(at));
    }

    #[inline]
    pub(super) fn role(&self, at: usize) -> Role {
        self.columns[at].role
    }

    #[inline]
    pub(super) fn key_and_duty(&self, at: usize) -> (&Key, Duty) {
        let column = &self.columns[at];
        (&column.key, column.duty)
    }

    #[inline]
    pub(super) fn key(&self, at: usize) -> &Key {
        &self.columns[at].key
    }
}

/// As `starts_with`, for short texts: without a call, around which all that the caller has in registers would have to be
/// put away.
#[inline(always)]
fn begins_with(text: &[u8], beginning: &[u8]) -> bool {
    let Some(text) = text.get(..beginning.len()) else {
        return false;
    };
    let (chunks, rest) = text.as_chunks::<8>();
    let (others, other_rest) = beginning.as_chunks::<8>();
    chunks.iter().zip(others).all(|(a, b)| a == b)
        && match (text.last_chunk::<8>(), beginning.last_chunk::<8>()) {
            // Eight bytes with those of the last chunk that were compared before.
            (Some(a), Some(b)) => a == b,
            _ => rest.iter().zip(other_rest).all(|(a, b)| a == b),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            tags: Glob::new(&["t*".to_owned()], "").expect("a pattern"),
            string_fields: Glob::new(&["s".to_owned()], "").expect("a name"),
            time: "ts".to_owned(),
            name: String::new(),
        }
    }

    #[test]
    fn roles_are_decided_by_the_options() {
        let (rules, mut columns) = (rules(), Columns::default());
        columns.next_object();
        let at = columns.find("ts", &rules).expect("new");
        assert_eq!(
            columns.role(at),
            Role {
                tag: true,
                time: true,
                ..Role::default()
            }
        );
        let at = columns.find("s", &rules).expect("new");
        assert_eq!(
            columns.role(at),
            Role {
                string_field: true,
                ..Role::default()
            }
        );
        let at = columns.find("", &rules).expect("new");
        assert_eq!(columns.role(at), Role::default());
    }

    #[test]
    fn a_beginning_is_compared_to_its_last_byte() {
        let text: Vec<u8> = (b'a'..=b'z').collect();
        for len in 0..=text.len() {
            assert!(begins_with(&text, &text[..len]));
            assert!(!begins_with(&text[..len], &text) || len == text.len());
            for at in 0..len {
                let mut other = text[..len].to_vec();
                other[at] = b'!';
                assert!(!begins_with(&text, &other), "{at} of {len}");
            }
        }
    }

    #[test]
    fn a_name_that_comes_twice_is_noticed_among_many() {
        let (rules, mut columns) = (rules(), Columns::default());
        for object in 0..3 {
            columns.next_object();
            for i in 0..900 {
                let name = format!("n{i}");
                let at = columns.find(&name, &rules).expect("first time");
                assert_eq!(columns.key(at).as_str(), name, "object {object}");
            }
            for i in 0..900 {
                assert_eq!(columns.find(&format!("n{i}"), &rules), None);
            }
        }
    }

    #[test]
    fn names_that_never_come_again_do_not_pile_up() {
        let (rules, mut columns) = (rules(), Columns::default());
        for i in 0..100_000 {
            columns.next_object();
            assert!(columns.find(&format!("n{i}"), &rules).is_some());
        }
        assert!(columns.slots.len() <= FORGETTING_SIZE);
        assert!(columns.columns.len() <= FORGETTING_SIZE);
    }
}
