//! Lists and maps: shared by whoever holds them, taken apart without recursion, and never part of themselves.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use wheatstone_metric::CompactString;

use super::{Elem, Value};
use crate::call::Fault;

/// Lists and maps are taken apart without recursion, so that depth costs no stack.
fn dismantle(first: Vec<Value<'_>>) {
    let mut left = first;
    while let Some(value) = left.pop() {
        match value {
            Value::List(List(mut inner)) => {
                if let Some(only) = Rc::get_mut(&mut inner) {
                    left.append(&mut only.items);
                }
            }
            Value::Map(Map(mut inner)) => {
                if let Some(only) = Rc::get_mut(&mut inner) {
                    left.extend(std::mem::take(only.entries.get_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}

struct ListInner<'a> {
    items: Vec<Value<'a>>,
    elem: Elem,
}
impl Drop for ListInner<'_> {
    fn drop(&mut self) {
        if self.items.iter().any(Value::is_container) {
            dismantle(std::mem::take(&mut self.items));
        }
    }
}

/// A slice; no function of the language changes one in place.
#[derive(Clone)]
pub struct List<'a>(Rc<ListInner<'a>>);

impl<'a> List<'a> {
    /// A list of a type.
    pub fn new(items: Vec<Value<'a>>, elem: Elem) -> List<'a> {
        List(Rc::new(ListInner { items, elem }))
    }
    /// What is in it.
    pub fn items(&self) -> &[Value<'a>] {
        &self.0.items
    }
    /// The type of what is in it.
    pub fn elem(&self) -> Elem {
        self.0.elem
    }
}

struct MapInner<'a> {
    entries: RefCell<BTreeMap<CompactString, Value<'a>>>,
    elem: Elem,
}
impl Drop for MapInner<'_> {
    fn drop(&mut self) {
        let entries = self.entries.get_mut();
        if entries.values().any(Value::is_container) {
            dismantle(std::mem::take(entries).into_values().collect());
        }
    }
}

/// A map. Whoever holds it sees what `set` does to it. It is walked in the order of its keys.
#[derive(Clone)]
pub struct Map<'a>(Rc<MapInner<'a>>);

impl<'a> Map<'a> {
    /// A map of a type.
    pub fn new(entries: impl IntoIterator<Item = (CompactString, Value<'a>)>, elem: Elem) -> Map<'a> {
        let entries = RefCell::new(entries.into_iter().collect());
        Map(Rc::new(MapInner { entries, elem }))
    }
    /// A `map[string]interface {}`.
    pub fn dict(entries: impl IntoIterator<Item = (CompactString, Value<'a>)>) -> Map<'a> {
        Map::new(entries, Elem::Any)
    }
    /// The type of what is in it.
    pub fn elem(&self) -> Elem {
        self.0.elem
    }
    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }
    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// What stands under a key.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.0.entries.borrow().get(key).cloned()
    }
    /// What is in it now, in the order of the keys.
    pub fn entries(&self) -> Vec<(CompactString, Value<'a>)> {
        let entries = self.0.entries.borrow();
        entries.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
    }
    /// Puts a value under a key.
    ///
    /// # Errors
    /// The map would hold itself: it could be neither printed nor freed.
    pub fn set(&self, key: &str, value: Value<'a>) -> Result<(), Fault> {
        if value.is_container() && value.reaches(self) {
            return Err("a dict cannot hold itself".into());
        }
        self.0
            .entries
            .borrow_mut()
            .insert(CompactString::from(key), value);
        Ok(())
    }
    /// Takes a key away.
    pub fn unset(&self, key: &str) {
        self.0.entries.borrow_mut().remove(key);
    }
    pub(crate) fn same(&self, other: &Map<'a>) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<'a> Value<'a> {
    /// Whether `map` lies in this value or below it. Every container is looked at once.
    fn reaches(&self, map: &Map<'a>) -> bool {
        let mut seen = HashSet::new();
        let mut left = vec![self.clone()];
        while let Some(value) = left.pop() {
            match &value {
                Value::Map(m) => {
                    if m.same(map) {
                        return true;
                    }
                    if seen.insert(Rc::as_ptr(&m.0).cast::<()>()) {
                        let entries = m.0.entries.borrow();
                        left.extend(entries.values().filter(|v| v.is_container()).cloned());
                    }
                }
                Value::List(l) if seen.insert(Rc::as_ptr(&l.0).cast::<()>()) => {
                    left.extend(l.items().iter().filter(|v| v.is_container()).cloned());
                }
                _ => {}
            }
        }
        false
    }
}
