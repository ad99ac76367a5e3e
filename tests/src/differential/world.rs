//! The names of the generated worlds: types, ids, attributes and tags, and the values that each kind may take.

use super::rng::Rng;
use cedar_policy::{EntityId, EntityTypeName, EntityUid, RestrictedExpression, pst};
use std::{collections::BTreeMap, sync::Arc, sync::LazyLock};

/// The kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// true, false
    Bool,
    /// 64 bits, signed
    Long,
    /// text
    String,
    /// a reference to an entity
    Entity,
    /// a set whose elements are mostly of one kind
    Set(&'static Kind),
    /// a record, mostly with the fields of [`FIELDS`]
    Record,
    /// the extension `decimal`
    Decimal,
    /// the extension `ipaddr`
    Ip,
    /// the extension `datetime`
    Datetime,
    /// the extension `duration`
    Duration,
}

/// Every kind once.
pub const KINDS: &[Kind] = &[
    Kind::Bool,
    Kind::Long,
    Kind::String,
    Kind::Entity,
    Kind::Set(&Kind::Long),
    Kind::Record,
    Kind::Decimal,
    Kind::Ip,
    Kind::Datetime,
    Kind::Duration,
];

/// The attributes that entities and contexts mostly have, with the kind they mostly are of.
pub const ATTRIBUTES: &[(&str, Kind)] = &[
    ("active", Kind::Bool),
    ("level", Kind::Long),
    ("count", Kind::Long),
    ("name", Kind::String),
    ("owner", Kind::Entity),
    ("labels", Kind::Set(&Kind::String)),
    ("numbers", Kind::Set(&Kind::Long)),
    ("friends", Kind::Set(&Kind::Entity)),
    ("details", Kind::Record),
    ("price", Kind::Decimal),
    ("address", Kind::Ip),
    ("since", Kind::Datetime),
    ("ttl", Kind::Duration),
    ("a \"quoted\" näme", Kind::Bool),
    ("", Kind::Long),
    ("if", Kind::String),
];

/// The fields of records.
pub const FIELDS: &[(&str, Kind)] = &[
    ("open", Kind::Bool),
    ("number", Kind::Long),
    ("street", Kind::String),
    ("owner", Kind::Entity),
    ("inner", Kind::Record),
    ("list", Kind::Set(&Kind::String)),
    ("price", Kind::Decimal),
    ("since", Kind::Datetime),
];

/// The tags that entities mostly have.
pub const TAGS: &[(&str, Kind)] = &[
    ("flag", Kind::Bool),
    ("size", Kind::Long),
    ("colour", Kind::String),
    ("friend", Kind::Entity),
    ("", Kind::Duration),
    ("set ☃", Kind::Set(&Kind::Long)),
];

/// The entity types.
pub const TYPES: &[&[&str]] = &[
    &["User"],
    &["Group"],
    &["Role"],
    &["Folder"],
    &["Acme", "Doc"],
    &["Acme", "Team", "Bot"],
    &["Action"],
    &["Acme", "Action"],
];
/// The types of principals, by their place in [`TYPES`].
pub const PRINCIPALS: &[u8] = &[0, 0, 0, 5, 1];
/// The types of groups.
pub const GROUPS: &[u8] = &[1, 2, 1, 2, 3];
/// The types of resources.
pub const RESOURCES: &[u8] = &[4, 4, 4, 3, 0];
/// The types of actions.
pub const ACTIONS: &[u8] = &[6, 6, 6, 7];

const IDS: &[&str] = &["a", "b", "c", "d", "", "q\"\\'", "ünï ☃\u{1f600}", "n\0l\n\t", "*", "a "];
const ACTION_IDS: &[&str] =
    &["view", "edit", "delete", "share", "read", "write", "all", "", "q\"\\'", "ünï ☃\u{1f600}"];

/// An entity's type and id, by their places in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid {
    /// The place in [`TYPES`].
    pub ty: u8,
    id: u8,
}

type Pair = (pst::EntityUID, EntityUid);

static UIDS: LazyLock<Vec<Vec<Pair>>> = LazyLock::new(|| {
    (0..TYPES.len())
        .map(|ty| {
            let ids = if ty >= 6 { ACTION_IDS } else { IDS };
            let name: EntityTypeName = TYPES[ty].join("::").parse().expect("a type's name");
            ids.iter()
                .map(|id| {
                    let uid = EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id));
                    (pst::EntityUID::from(uid.clone()), uid)
                })
                .collect()
        })
        .collect()
});

impl Uid {
    /// Any entity of one of these types, mostly one of a few.
    pub fn any(rng: &mut Rng, types: &[u8]) -> Self {
        let ty = *rng.pick(types);
        let few = if ty >= 6 { 7 } else { 4 };
        let id = if rng.chance(85) { rng.below(few) } else { rng.below(IDS.len()) };
        Self { ty, id: id as u8 }
    }

    /// For policies.
    pub fn pst(self) -> pst::EntityUID {
        UIDS[self.ty as usize][self.id as usize].0.clone()
    }

    /// For entities and requests.
    pub fn cedar(self) -> EntityUid {
        UIDS[self.ty as usize][self.id as usize].1.clone()
    }

    /// Its type.
    pub fn entity_type(self) -> pst::EntityType {
        entity_type(self.ty)
    }
}

/// A type by its place in [`TYPES`].
pub fn entity_type(ty: u8) -> pst::EntityType {
    UIDS[ty as usize][0].0.ty.clone()
}

const SMALL: &[i64] = &[0, 1, -1, 2, 3, 5, 7, 10, 42, 100, -100];
const EXTREME: &[i64] = &[
    i64::MIN,
    i64::MAX,
    i64::MIN + 1,
    i64::MAX - 1,
    i64::MIN / 2,
    i64::MAX / 2 + 1,
    3_037_000_499,
    3_037_000_500,
    -3_037_000_500,
    1 << 31,
    1 << 32,
    -(1 << 32),
    86_400_000,
    1 << 53,
];
/// Text that occurs as values and in patterns.
pub const STRINGS: &[&str] = &[
    "a",
    "b",
    "",
    "red",
    "green",
    "abc",
    "aab",
    "abcabc",
    "a*c",
    "*",
    "\\*",
    "☃",
    "e\u{301}\u{1f600}",
    "quo\"te\\'",
    "n\0l\n\t",
    "1.0",
    "127.0.0.1",
    "name",
    "flag",
    "size",
    "colour",
];
const DECIMALS: &[&str] = &[
    "0.0",
    "1.0",
    "1.00",
    "-1.5",
    "1.5",
    "0.0001",
    "-0.0",
    "-0.5",
    "12.34",
    "00.1",
    "922337203685477.5807",
    "-922337203685477.5808",
];
const BAD_DECIMALS: &[&str] = &[
    "1",
    "1.",
    ".5",
    "0.12345",
    "+1.0",
    "1.-5",
    "abc",
    "",
    "1.0 ",
    "1.0\n",
    "١.٢",
    "--1.0",
    "1.0.0",
    "922337203685477.5808",
    "-922337203685477.5809",
    "922337203685478.0",
    "9223372036854775808.0",
];
const IPS: &[&str] = &[
    "127.0.0.1",
    "127.0.0.0/8",
    "127.0.0.1/4",
    "127.255.255.255/7",
    "10.0.0.1",
    "10.0.0.0/24",
    "10.0.0.128/25",
    "10.0.0.1/24",
    "0.0.0.0/0",
    "224.0.0.1",
    "239.255.255.255/4",
    "224.0.0.0/3",
    "255.255.255.255",
    "::1",
    "::/0",
    "::1/64",
    "::1/128",
    "ff00::/8",
    "ff02::1",
    "ff00::/7",
    "2001:db8::1",
    "2001:db8::/32",
    "::ffff:7f00:1",
];
const BAD_IPS: &[&str] = &[
    "127.0.0.1/33",
    "::1/129",
    "127.0.0.1/08",
    "::ffff:127.0.0.1",
    "1.2.3",
    "256.1.1.1",
    "",
    "127.0.0.1/",
    "10.0.0.1/-1",
    "g::1",
    "127.0.0.01",
    " 127.0.0.1",
    "::1/0128",
    "1.2.3.4/1/2",
    "[::1]",
    "ABCD:EF01:2345:6789:ABCD:EF01:2345:6789/1289",
];
const DATETIMES: &[&str] = &[
    "1970-01-01",
    "2024-02-29",
    "1969-12-31",
    "0000-01-01",
    "9999-12-31",
    "2024-01-01T00:00:00Z",
    "2024-01-01T12:34:56.789Z",
    "2024-01-01T12:34:56+0130",
    "2024-01-01T11:04:56Z",
    "2024-01-01T12:34:56.001-2359",
    "1969-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.999-2359",
    "0000-01-01T00:00:00.000+2359",
];
const BAD_DATETIMES: &[&str] = &[
    "2023-02-29",
    "2024-13-01",
    "2024-1-1",
    "24-01-01",
    "2024-01-01T",
    "2024-01-01T25:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:00:60Z",
    "2024-01-01T00:60:00Z",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00:00.1Z",
    "2024-01-01T00:00:00+2400",
    "2024-01-01T00:00:00+0060",
    "2024-01-01T00:00:00+01:00",
    "2024-01-01Z",
    "",
    "2024-01-01 ",
    "-2024-01-01",
    "12024-01-01",
    "２０24-01-01",
    "2024-01-01t00:00:00z",
];
const DURATIONS: &[&str] = &[
    "0ms",
    "1ms",
    "-1ms",
    "1s",
    "1m",
    "1h",
    "1d",
    "24h",
    "-1d",
    "1d2h3m4s5ms",
    "-1d2h3m4s5ms",
    "90s",
    "00001h",
    "9223372036854775807ms",
    "-9223372036854775808ms",
    "106751991167d",
];
const BAD_DURATIONS: &[&str] = &[
    "",
    "-",
    "1",
    "d",
    "1h1d",
    "1d1d",
    "+1h",
    "1.5h",
    "1 h",
    "--1h",
    "1D",
    "1ms1s",
    "１h",
    "9223372036854775808ms",
    "-9223372036854775809ms",
    "106751991168d",
    "-106751991168d",
    "1d9223372036854775807ms",
    "99999999999999999999d",
    "18446744073709551615ms",
    "-1d9223372036854775808ms",
];

/// Instants that no constructor's text reaches.
const INSTANTS: &[&str] =
    &["9223372036854775807ms", "-9223372036854775808ms", "-9223372036854775807ms", "-9223372036828800000ms"];

static FAR: LazyLock<Vec<RestrictedExpression>> = LazyLock::new(|| {
    INSTANTS
        .iter()
        .map(|text| {
            format!(r#"datetime("1970-01-01").offset(duration("{text}"))"#).parse().expect("a restricted expression")
        })
        .collect()
});

/// A number, now and then an extreme one.
pub fn long(rng: &mut Rng, extreme: usize) -> i64 {
    if rng.chance(extreme) { *rng.pick(EXTREME) } else { *rng.pick(SMALL) }
}

/// The texts that a constructor takes, and such as it refuses.
pub fn texts(constructor: pst::UnaryOp) -> (&'static [&'static str], &'static [&'static str]) {
    match constructor {
        pst::UnaryOp::Decimal => (DECIMALS, BAD_DECIMALS),
        pst::UnaryOp::Ip => (IPS, BAD_IPS),
        pst::UnaryOp::Datetime => (DATETIMES, BAD_DATETIMES),
        _ => (DURATIONS, BAD_DURATIONS),
    }
}

/// A value, as it stands in an attribute or as a literal in a policy.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// true, false
    Bool(bool),
    /// a number
    Long(i64),
    /// text
    String(&'static str),
    /// a reference
    Entity(Uid),
    /// a set
    Set(Vec<Self>),
    /// a record
    Record(BTreeMap<&'static str, Self>),
    /// a constructor of an extension with a text that it takes
    Extension(pst::UnaryOp, &'static str),
    /// an instant outside the years 0 to 9999, by its place in the table of them
    Far(usize),
}

impl Value {
    /// Some value of this kind.
    pub fn any(rng: &mut Rng, kind: Kind, uid: &mut impl FnMut(&mut Rng) -> Uid) -> Self {
        Self::nested(rng, kind, uid, 2)
    }

    fn nested(rng: &mut Rng, kind: Kind, uid: &mut impl FnMut(&mut Rng) -> Uid, depth: usize) -> Self {
        match kind {
            Kind::Bool => Self::Bool(rng.chance(60)),
            Kind::Long => Self::Long(long(rng, 15)),
            Kind::String => Self::String(rng.text(STRINGS)),
            Kind::Entity => Self::Entity(uid(rng)),
            Kind::Set(element) => {
                let mut elements = Vec::new();
                for _ in 0..rng.below(4) {
                    let element = if rng.chance(6) { *rng.pick(KINDS) } else { *element };
                    if depth > 0 {
                        elements.push(Self::nested(rng, element, uid, depth - 1));
                    }
                }
                Self::Set(elements)
            }
            Kind::Record => {
                let mut fields = BTreeMap::new();
                for (name, kind) in FIELDS {
                    let deep = matches!(kind, Kind::Record | Kind::Set(_));
                    if rng.chance(if deep { 50 } else { 75 }) && (depth > 0 || !deep) {
                        let kind = if rng.chance(4) { *rng.pick(KINDS) } else { *kind };
                        fields.insert(*name, Self::nested(rng, kind, uid, depth.saturating_sub(1)));
                    }
                }
                Self::Record(fields)
            }
            Kind::Decimal => Self::Extension(pst::UnaryOp::Decimal, rng.text(DECIMALS)),
            Kind::Ip => Self::Extension(pst::UnaryOp::Ip, rng.text(IPS)),
            Kind::Datetime if rng.chance(15) => Self::Far(rng.below(INSTANTS.len())),
            Kind::Datetime => Self::Extension(pst::UnaryOp::Datetime, rng.text(DATETIMES)),
            Kind::Duration => Self::Extension(pst::UnaryOp::Duration, rng.text(DURATIONS)),
        }
    }

    /// For an attribute.
    pub fn restricted(&self) -> RestrictedExpression {
        match self {
            Self::Bool(value) => RestrictedExpression::new_bool(*value),
            Self::Long(value) => RestrictedExpression::new_long(*value),
            Self::String(value) => RestrictedExpression::new_string((*value).to_owned()),
            Self::Entity(uid) => RestrictedExpression::new_entity_uid(uid.cedar()),
            Self::Set(elements) => RestrictedExpression::new_set(elements.iter().map(Self::restricted)),
            Self::Record(fields) => RestrictedExpression::new_record(
                fields.iter().map(|(name, value)| ((*name).to_owned(), value.restricted())),
            )
            .expect("no field twice"),
            Self::Extension(pst::UnaryOp::Decimal, text) => RestrictedExpression::new_decimal(text),
            Self::Extension(pst::UnaryOp::Ip, text) => RestrictedExpression::new_ip(text),
            Self::Extension(pst::UnaryOp::Datetime, text) => RestrictedExpression::new_datetime(text),
            Self::Extension(_, text) => RestrictedExpression::new_duration(text),
            Self::Far(place) => FAR[*place].clone(),
        }
    }

    /// As an expression of a policy.
    pub fn expression(&self) -> pst::Expr {
        match self {
            Self::Bool(value) => pst::Expr::Literal(pst::Literal::Bool(*value)),
            Self::Long(value) => pst::Expr::Literal(pst::Literal::Long(*value)),
            Self::String(value) => pst::Expr::Literal(pst::Literal::String((*value).into())),
            Self::Entity(uid) => pst::Expr::Literal(pst::Literal::EntityUID(uid.pst())),
            Self::Set(elements) => {
                pst::Expr::Set(elements.iter().map(|element| Arc::new(element.expression())).collect())
            }
            Self::Record(fields) => pst::Expr::Record(
                fields.iter().map(|(name, value)| ((*name).to_owned(), Arc::new(value.expression()))).collect(),
            ),
            Self::Extension(constructor, text) => constructed(*constructor, text),
            Self::Far(place) => pst::Expr::BinaryOp {
                op: pst::BinaryOp::Offset,
                left: Arc::new(constructed(pst::UnaryOp::Datetime, "1970-01-01")),
                right: Arc::new(constructed(pst::UnaryOp::Duration, INSTANTS[*place])),
            },
        }
    }
}

fn constructed(constructor: pst::UnaryOp, text: &str) -> pst::Expr {
    pst::Expr::UnaryOp { op: constructor, expr: Arc::new(pst::Expr::Literal(pst::Literal::String(text.into()))) }
}
