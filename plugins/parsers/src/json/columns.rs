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

#[derive(Clone)]
struct Column {
    key: Key,
    role: Role,
    /// The object in which the name was last seen.
    seen: u64,
}

/// The names of the payloads before: an open table of at most half its slots.
pub(super) struct Columns {
    slots: Vec<Option<Column>>,
    used: usize,
    hash: foldhash::fast::FixedState,
    object: u64,
}

const FIRST_SIZE: usize = 64;
/// A table of this size forgets the names that the present object does not have, before it grows.
const FORGETTING_SIZE: usize = 4096;

impl Default for Columns {
    fn default() -> Columns {
        let hash = foldhash::fast::FixedState::default();
        Columns {
            slots: vec![None; FIRST_SIZE],
            used: 0,
            hash,
            object: 0,
        }
    }
}

impl Columns {
    /// A new object begins: no name has been seen in it.
    #[inline]
    pub(super) fn next_object(&mut self) {
        self.object += 1;
    }

    /// The place of a name until the next call, and marks it as seen. `None` where it was seen in this object before.
    #[inline]
    pub(super) fn find(&mut self, name: &str, rules: &Rules) -> Option<usize> {
        let mut at = self.slot_of(name);
        loop {
            match &mut self.slots[at] {
                Some(column) if column.key.as_str() == name => {
                    if column.seen == self.object {
                        return None;
                    }
                    column.seen = self.object;
                    return Some(at);
                }
                Some(_) => at = (at + 1) & (self.slots.len() - 1),
                None => return Some(self.add(name, rules)),
            }
        }
    }

    #[inline]
    fn slot_of(&self, name: &str) -> usize {
        // The size is a power of two.
        (self.hash.hash_one(name) >> 32) as usize & (self.slots.len() - 1)
    }

    #[cold]
    fn add(&mut self, name: &str, rules: &Rules) -> usize {
        if self.used * 2 >= self.slots.len() {
            self.make_room();
        }
        self.put(Column {
            key: Key::new(name),
            role: rules.role(name),
            seen: self.object,
        })
    }

    fn put(&mut self, column: Column) -> usize {
        let mut at = self.slot_of(&column.key);
        while self.slots[at].is_some() {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = Some(column);
        self.used += 1;
        at
    }

    /// Forgets names, or grows: the biggest object bounds the size, not the number of different names.
    fn make_room(&mut self) {
        let object = self.object;
        let size = self.slots.len();
        let present = self
            .slots
            .iter()
            .flatten()
            .filter(|column| column.seen == object)
            .count();
        let forget = size >= FORGETTING_SIZE && present * 4 <= size;
        let size = if forget { size } else { size * 2 };
        self.used = 0;
        for column in std::mem::replace(&mut self.slots, vec![None; size])
            .into_iter()
            .flatten()
        {
            if !forget || column.seen == object {
                self.put(column);
            }
        }
    }

    #[inline]
    pub(super) fn role(&self, at: usize) -> Role {
        self.slots[at]
            .as_ref()
            .map_or_else(Role::default, |column| column.role)
    }

    #[inline]
    pub(super) fn key(&self, at: usize) -> Key {
        self.slots[at]
            .as_ref()
            .map_or_else(|| key!(""), |column| column.key.clone())
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
    }
}
