//! Requests of plain values, as `js/plain.js` lays them on the border between JavaScript and here: texts one behind the
//! other, and numbers that say what they are. Read where they lie, without JSON between.
//!
//! A request is: subject's type and id, action's name, resource's type and id, each as the end of its text; then the
//! attributes of the subject, of the resource (or `ABSENT`), and of the context: how many there are, and for each the
//! end of its name, its kind, and what the kind has. Answers go back as numbers: outcome, reason and number of policies
//! in one, then the policies, whose ids are asked for once.

use parapet::authzen::principal_type;
use parapet::engine::{AttributesRef, Outcome, Reason, RequestRef, ValueRef, Verdict};
use parapet::{Engine, Timestamp};
use smallvec::SmallVec;
use std::cell::RefCell;
use wasm_bindgen::prelude::wasm_bindgen;

/// Instead of the number of attributes: the caller says nothing of them.
const ABSENT: u32 = u32::MAX;

/// The kinds of values.
mod kind {
    pub(super) const FALSE: u32 = 0;
    pub(super) const TRUE: u32 = 1;
    pub(super) const LONG: u32 = 2;
    pub(super) const TEXT: u32 = 3;
    pub(super) const ENTITY: u32 = 4;
}

/// The reasons by number, from 1.
const REASONS: [Reason; 10] = [
    Reason::TenantSuspended,
    Reason::TenantDeleted,
    Reason::PrincipalUnknown,
    Reason::PrincipalInactive,
    Reason::PrincipalDeleted,
    Reason::UnknownType,
    Reason::UnknownAction,
    Reason::WrongType,
    Reason::ForbidErrored,
    Reason::Undecidable,
];

thread_local! {
    static BORDER: RefCell<Border> = RefCell::default();
}

/// What lies between JavaScript, which writes texts and numbers, and this module, which writes answers.
#[derive(Default)]
struct Border {
    texts: Vec<u8>,
    numbers: Vec<u32>,
    answers: Vec<u32>,
}

/// Makes room for so many bytes of text, numbers and numbers of answers, and says where each begins. What lies there is
/// lost, and after any call the memory may have moved.
#[wasm_bindgen(js_name = makeRoom)]
pub fn make_room(texts: usize, numbers: usize, answers: usize) -> Vec<usize> {
    BORDER.with_borrow_mut(|border| {
        border.texts.resize(texts, 0);
        border.numbers.resize(numbers, 0);
        border.answers.resize(answers, 0);
        vec![border.texts.as_ptr() as usize, border.numbers.as_ptr() as usize, border.answers.as_ptr() as usize]
    })
}

/// The name of a reason that an answer gives by number.
#[wasm_bindgen(js_name = reasonName)]
pub fn reason_name(number: usize) -> Option<String> {
    REASONS.get(number.checked_sub(1)?).map(|reason| reason.name().to_owned())
}

/// Answers the requests on the border; `false` where one cannot be answered so.
pub(crate) fn ask(engine: &Engine, requests: usize, text: usize, now: Timestamp, scopes: Option<&[String]>) -> bool {
    BORDER.with_borrow_mut(|Border { texts, numbers, answers }| {
        let Some(texts) = texts.get(..text).and_then(|texts| std::str::from_utf8(texts).ok()) else { return false };
        let mut reader = Reader { texts, from: 0, numbers: numbers.iter() };
        let mut writer = answers.iter_mut();
        (0..requests).all(|_| answer(engine, &mut reader, &mut writer, now, scopes).is_some())
    })
}

fn answer<'a>(
    engine: &Engine,
    reader: &mut Reader<'_>,
    writer: &mut impl Iterator<Item = &'a mut u32>,
    now: Timestamp,
    scopes: Option<&[String]>,
) -> Option<()> {
    let subject_type = reader.text()?;
    let (principal_id, action) = (reader.text()?, reader.text()?);
    let (resource_type, resource_id) = (reader.text()?, reader.text()?);
    let principal_attributes = reader.attributes()?.unwrap_or_default();
    let resource_attributes = reader.attributes()?;
    let context = reader.attributes()?.unwrap_or_default();
    let request = RequestRef {
        principal_type: principal_type(subject_type).unwrap_or(subject_type),
        principal_id,
        principal_attributes: AttributesRef::Plain(&principal_attributes),
        action,
        action_attributes: None,
        resource_type,
        resource_id,
        resource_attributes: resource_attributes.as_ref().map(|attributes| AttributesRef::Plain(attributes)),
        context: AttributesRef::Plain(&context),
        scopes,
    };
    write(&engine.check(&request, now), writer)
}

fn write<'a>(verdict: &Verdict<'_>, writer: &mut impl Iterator<Item = &'a mut u32>) -> Option<()> {
    if verdict.has_errors() {
        return None;
    }
    let outcome = match verdict.outcome() {
        Outcome::Allow => 0,
        Outcome::Forbidden => 1,
        Outcome::NoPermit => 2,
        Outcome::Error => 3,
    };
    let reason = match verdict.reason() {
        Some(reason) => REASONS.iter().position(|known| *known == reason)? + 1,
        None => 0,
    };
    let policies = verdict.policy_numbers();
    *writer.next()? = outcome | (reason as u32) << 4 | u32::try_from(policies.len()).ok()? << 8;
    for policy in policies {
        *writer.next()? = *policy;
    }
    Some(())
}

/// Attributes; seldom many.
type Attributes<'a> = SmallVec<[(&'a str, ValueRef<'a>); 6]>;

/// Reads what lies on the border.
struct Reader<'a> {
    texts: &'a str,
    /// Where the next text begins.
    from: usize,
    numbers: std::slice::Iter<'a, u32>,
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u32> {
        self.numbers.next().copied()
    }

    fn text(&mut self) -> Option<&'a str> {
        let end = self.number()? as usize;
        let text = self.texts.get(self.from..end)?;
        self.from = end;
        Some(text)
    }

    /// Attributes, where the caller says something of them.
    fn attributes(&mut self) -> Option<Option<Attributes<'a>>> {
        let count = self.number()?;
        if count == ABSENT {
            return Some(None);
        }
        let mut attributes = Attributes::new();
        for _ in 0..count {
            let (name, value) = (self.text()?, self.value()?);
            attributes.push((name, value));
        }
        Some(Some(attributes))
    }

    fn value(&mut self) -> Option<ValueRef<'a>> {
        Some(match self.number()? {
            kind::FALSE => ValueRef::Bool(false),
            kind::TRUE => ValueRef::Bool(true),
            kind::LONG => {
                let (low, high) = (self.number()?, self.number()?);
                ValueRef::Long((u64::from(high) << 32 | u64::from(low)).cast_signed())
            }
            kind::TEXT => ValueRef::String(self.text()?),
            kind::ENTITY => ValueRef::Entity(self.text()?, self.text()?),
            _ => return None,
        })
    }
}
