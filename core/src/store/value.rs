//! Values as records: the attributes that the directory and the registry own, typed when they were written.

use super::record::{ValueRecord, kind};
use super::{EngineError, Store, malformed};
use crate::schema::Value;
use crate::snapshot::SectionKind;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// How deep values may lie in each other: types nest at most 16 deep.
const DEPTH: u8 = 32;

/// How many values one may have, written out: where parts are shared, a few could otherwise fill the memory.
const SIZE: u32 = 1 << 20;

impl ValueRecord {
    /// The number in its two halves.
    pub(crate) fn number(&self) -> i64 {
        (u64::from(self.b.get()) << 32 | u64::from(self.a.get())) as i64
    }

    /// The values of a set or a record.
    pub(crate) fn parts<'a>(&self, values: &'a [ValueRecord]) -> &'a [ValueRecord] {
        super::record::Run { start: self.a, length: self.b }.of(values)
    }
}

impl Store<'_> {
    pub(super) fn check_values(&self) -> Result<(), EngineError> {
        let broken = |what| Err(malformed(SectionKind::Value, what));
        // Parts lie behind their whole, so going backwards they are known first, and none lies in itself.
        let mut known = vec![(0_u8, 1_u32); if self.values.iter().any(is_whole) { self.values.len() } else { 0 }];
        for (position, value) in self.values.iter().enumerate().rev() {
            let (a, b) = (value.a.get(), value.b.get());
            let fits = match value.kind.get() {
                kind::BOOL | kind::LONG | kind::DECIMAL | kind::DATETIME | kind::DURATION => true,
                kind::TEXT | kind::WRONG => self.texts.has(a),
                kind::IP => self.texts.has(a) && crate::schema::literal::read_ip(self.texts.get(a)).is_some(),
                kind::ENTITY => self.texts.has(a) && self.texts.has(b),
                kind::SET | kind::RECORD => {
                    let run = super::record::Run { start: value.a, length: value.b };
                    if !run.fits(self.values.len()) || (a as usize) <= position {
                        return broken("a run that is not there");
                    }
                    let whole = run.of(&known).iter().fold((0, 1_u32), |(deepest, size), (depth, own)| {
                        (*depth.max(&deepest), size.saturating_add(*own))
                    });
                    let whole = (whole.0 + 1, whole.1);
                    if whole.0 > DEPTH || whole.1 > SIZE {
                        return broken("a value that nests too deep, or is too large");
                    }
                    if let Some(known) = known.get_mut(position) {
                        *known = whole;
                    }
                    true
                }
                _ => false,
            };
            if !fits || !self.has_or_none(value.name.get()) {
                return broken("a kind or a text that is not there");
            }
        }
        Ok(())
    }

    /// A value as it was written.
    pub(crate) fn value(&self, value: &ValueRecord) -> Value {
        let text = |id| self.texts.get(id).to_owned();
        match value.kind.get() {
            kind::BOOL => Value::Bool(value.a.get() != 0),
            kind::LONG => Value::Long(value.number()),
            kind::DECIMAL => Value::Decimal(value.number()),
            kind::DATETIME => Value::Datetime(value.number()),
            kind::DURATION => Value::Duration(value.number()),
            kind::ENTITY => Value::Entity(text(value.a.get()), text(value.b.get())),
            kind::SET => {
                let mut set = BTreeSet::new();
                set.extend(value.parts(self.values).iter().map(|part| self.value(part)));
                Value::Set(set)
            }
            kind::RECORD => {
                let mut record = BTreeMap::new();
                for part in value.parts(self.values) {
                    record.insert(text(part.name.get()), self.value(part));
                }
                Value::Record(record)
            }
            kind::IP => match crate::schema::literal::read_ip(self.texts.get(value.a.get())) {
                Some(range) => Value::Ip(range),
                None => Value::String(text(value.a.get())),
            },
            _ => Value::String(text(value.a.get())),
        }
    }

    /// Attributes as JSON, in the forms in which a request would give them.
    pub(crate) fn attributes(&self, attributes: &[ValueRecord]) -> Map<String, Json> {
        let read = |value: &ValueRecord| match value.kind.get() {
            kind::WRONG => serde_json::from_slice(self.texts.get(value.a.get()).as_bytes()).unwrap_or_default(),
            _ => self.value(value).json(),
        };
        let mut map = Map::new();
        for value in attributes {
            map.insert(self.texts.get(value.name.get()).to_owned(), read(value));
        }
        map
    }
}

fn is_whole(value: &ValueRecord) -> bool {
    matches!(value.kind.get(), kind::SET | kind::RECORD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::record::NONE;

    /// Sets of two, each of which has the next two as its parts; at the end two numbers.
    fn doubled(times: u32) -> Vec<ValueRecord> {
        let value =
            |kind: u32, a: u32, b: u32| ValueRecord { name: NONE.into(), kind: kind.into(), a: a.into(), b: b.into() };
        let sets = (0..times).flat_map(|level| [value(kind::SET, 2 * level + 2, 2); 2]);
        sets.chain([value(kind::LONG, 0, 0); 2]).collect()
    }

    #[test]
    fn what_would_fill_the_memory_is_refused() {
        let is_taken = |times| {
            let values = doubled(times);
            Store { values: &values, ..Store::default() }.check_values().is_ok()
        };
        assert!(is_taken(10));
        assert!(!is_taken(20));
        assert!(!is_taken(40));
    }
}
