//! Requests of plain values, as `js/plain.js` lays them on the border between JavaScript and here: texts one behind the
//! other, and numbers that say what they are. Read where they lie, without JSON between.
//!
//! A request is: subject's type and id, action's name, resource's type and id, each as a text; then the attributes of the
//! subject, of the resource (or `ABSENT`), and of the context: how many there are, and for each its name as a text, its
//! kind, and what the kind has. A text is the place where it ends, or the number of a word. Answers go back as numbers:
//! outcome, reason and number of policies in one, then the policies, whose ids are asked for once.
//!
//! A crate of its own, since it is compiled for speed and what lies around it for size: what of the engine is marked
//! `#[inline]` is compiled here, and so for speed too.

use parapet::authzen::principal_type;
use parapet::engine::{AttributesRef, Outcome, PrincipalNumber, Reason, RequestRef, ValueRef, Verdict};
use parapet::{Engine, Timestamp};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::ops::Range;

/// Instead of the number of attributes: the caller says nothing of them.
const ABSENT: u32 = u32::MAX;

/// Instead of the end of a text: the number of a word.
const WORD: u32 = 1 << 31;

/// How many words an engine learns; `js/plain.js` says the same.
const MAX_WORDS: usize = 8 * 1024;

/// The types of principals, as policies name them.
const USER: &str = "User";
const SERVICE_ACCOUNT: &str = "ServiceAccount";

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
pub fn make_room(texts: usize, numbers: usize, answers: usize) -> [usize; 3] {
    BORDER.with_borrow_mut(|border| {
        border.texts.resize(texts, 0);
        border.numbers.resize(numbers, 0);
        border.answers.resize(answers, 0);
        [border.texts.as_ptr() as usize, border.numbers.as_ptr() as usize, border.answers.as_ptr() as usize]
    })
}

/// The name of a reason that an answer gives by number.
pub fn reason_name(number: usize) -> Option<&'static str> {
    REASONS.get(number.checked_sub(1)?).map(|reason| reason.name())
}

/// Texts that requests said, by number: what one engine need not be told again. A number never comes to stand for another
/// text.
#[derive(Default)]
pub struct Words {
    known: Vec<Word>,
}

struct Word {
    text: Box<str>,
    /// The user of the snapshot that it names.
    user: Option<PrincipalNumber>,
}

impl Words {
    /// Learns a text that lies on the border, and gives its number. Of what should name a principal only what does, so
    /// that whoever asks with made-up names takes no room from those that there are. Always with the same engine.
    pub fn learn(&mut self, engine: &Engine, from: usize, to: usize, is_principal: bool) -> Option<u32> {
        let number = u32::try_from(self.known.len()).ok().filter(|_| self.known.len() < MAX_WORDS)?;
        BORDER.with_borrow(|border| {
            let text = std::str::from_utf8(border.texts.get(from..to)?).ok()?;
            let user = engine.principal_number(USER, text);
            if is_principal && user.or_else(|| engine.principal_number(SERVICE_ACCOUNT, text)).is_none() {
                return None;
            }
            self.known.push(Word { text: text.into(), user });
            Some(number)
        })
    }
}

/// Answers the requests on the border; `false` where one cannot be answered so.
pub fn ask(
    engine: &Engine,
    words: &Words,
    requests: usize,
    text: usize,
    now: Timestamp,
    scopes: Option<&[String]>,
) -> bool {
    BORDER.with_borrow_mut(|Border { texts, numbers, answers }| {
        let Some(texts) = texts.get(..text).and_then(|texts| std::str::from_utf8(texts).ok()) else { return false };
        let mut reader = Reader { words: &words.known, texts, from: 0, numbers: numbers.iter() };
        let mut writer = answers.iter_mut();
        let mut values = Values::new();
        (0..requests).all(|_| {
            values.clear();
            answer(engine, &mut reader, &mut values, &mut writer, now, scopes).is_some()
        })
    })
}

fn answer<'a, 'v>(
    engine: &Engine,
    reader: &mut Reader<'v>,
    values: &mut Values<'v>,
    writer: &mut impl Iterator<Item = &'a mut u32>,
    now: Timestamp,
    scopes: Option<&[String]>,
) -> Option<()> {
    let subject_type = reader.text()?;
    let (principal_id, user) = reader.word()?;
    let action = reader.text()?;
    let (resource_type, resource_id) = (reader.text()?, reader.text()?);
    let of_principal = reader.attributes(values)?;
    let of_resource = reader.attributes(values)?;
    let of_context = reader.attributes(values)?;
    let said = |of: Option<Range<usize>>| of.and_then(|of| values.get(of)).map(AttributesRef::Plain);
    let request = RequestRef {
        principal_type: principal_type(subject_type).unwrap_or(subject_type),
        principal_id,
        principal_attributes: said(of_principal).unwrap_or_default(),
        action,
        action_attributes: None,
        resource_type,
        resource_id,
        resource_attributes: said(of_resource),
        context: said(of_context).unwrap_or_default(),
        scopes,
    };
    let user = user.filter(|_| request.principal_type == USER);
    let verdict = engine.check_as(user, &request, now);
    write(&verdict, writer)
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

/// The attributes of a request, one part's behind the other's; seldom many.
type Values<'a> = SmallVec<[(&'a str, ValueRef<'a>); 8]>;

/// Reads what lies on the border.
struct Reader<'a> {
    words: &'a [Word],
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
        self.word().map(|(text, _)| text)
    }

    /// A text, with the user that it is known to name.
    fn word(&mut self) -> Option<(&'a str, Option<PrincipalNumber>)> {
        let number = self.number()?;
        if number & WORD != 0 {
            return self.words.get((number & !WORD) as usize).map(|word| (&*word.text, word.user));
        }
        let end = number as usize;
        let text = self.texts.get(self.from..end)?;
        self.from = end;
        Some((text, None))
    }

    /// Adds attributes, where the caller says something of them: which they are.
    fn attributes(&mut self, values: &mut Values<'a>) -> Option<Option<Range<usize>>> {
        let count = self.number()?;
        if count == ABSENT {
            return Some(None);
        }
        let first = values.len();
        for _ in 0..count {
            let (name, value) = (self.text()?, self.value()?);
            values.push((name, value));
        }
        Some(Some(first..values.len()))
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
