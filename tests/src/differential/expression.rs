//! Generated expressions: mostly of the kind that is asked for, now and then of another.

use super::{
    entities::Cast,
    rng::Rng,
    world::{ATTRIBUTES, FIELDS, KINDS, Kind, STRINGS, TAGS, Uid, Value, entity_type, long, texts},
};
use cedar_policy::pst::{BinaryOp, Expr, Literal, NonEmpty, PatternElem, SmolStr, UnaryOp, Var};
use std::{collections::BTreeMap, sync::Arc};

/// In so many of a hundred places an expression is of any kind at all.
const WRONG: usize = 2;
/// In so many of a hundred places a constructor gets a text that it refuses.
const REFUSED: usize = 5;

/// What expressions are generated from.
#[derive(Debug)]
pub struct Generator<'a> {
    /// The choices.
    pub rng: &'a mut Rng,
    /// Whom the case is about.
    pub cast: &'a Cast,
}

/// A unary operation.
pub fn unary(op: UnaryOp, expr: Expr) -> Expr {
    Expr::UnaryOp { op, expr: Arc::new(expr) }
}

/// A binary operation.
pub fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { op, left: Arc::new(left), right: Arc::new(right) }
}

/// An attribute.
pub fn attribute(expr: Expr, attr: &str) -> Expr {
    Expr::GetAttr { expr: Arc::new(expr), attr: attr.into() }
}

/// Whether there is an attribute, or a path of them.
pub fn has(expr: Expr, path: &[&str]) -> Expr {
    let attrs: Vec<SmolStr> = path.iter().map(|name| SmolStr::from(*name)).collect();
    let attrs = NonEmpty::from_vec(attrs).expect("a path has a name");
    Expr::HasAttr { expr: Arc::new(expr), attrs }
}

/// A conditional.
pub fn choose(cond: Expr, then_expr: Expr, else_expr: Expr) -> Expr {
    Expr::IfThenElse { cond: Arc::new(cond), then_expr: Arc::new(then_expr), else_expr: Arc::new(else_expr) }
}

/// A text.
pub fn text(text: &str) -> Expr {
    Expr::Literal(Literal::String(text.into()))
}

/// A pattern that has to do with this text.
pub fn pattern(rng: &mut Rng, like: &str) -> Vec<PatternElem> {
    let mut pattern = Vec::new();
    if rng.chance(25) {
        pattern.push(PatternElem::Wildcard);
    }
    for letter in like.chars() {
        match rng.below(20) {
            0..=2 => pattern.push(PatternElem::Wildcard),
            3 => {}
            4 => pattern.push(PatternElem::Char(*rng.pick(&['a', '*', '\\', '"', '☃', '\0', '\u{1f600}']))),
            5 => pattern.extend([PatternElem::Wildcard, PatternElem::Char(letter), PatternElem::Wildcard]),
            _ => pattern.push(PatternElem::Char(letter)),
        }
    }
    if rng.chance(25) {
        pattern.push(PatternElem::Wildcard);
    }
    pattern
}

/// The names of this kind among some.
fn of_kind(rng: &mut Rng, names: &'static [(&'static str, Kind)], kind: Kind) -> Option<&'static str> {
    let start = rng.below(names.len());
    let all = names[start..].iter().chain(&names[..start]);
    all.clone()
        .find(|(_, of)| *of == kind)
        .or_else(|| all.clone().find(|(_, of)| matches!((of, kind), (Kind::Set(_), Kind::Set(_)))))
        .map(|(name, _)| *name)
}

/// Whether a name may stand in a path of `has`.
fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name != "if" && name.chars().all(|letter| letter.is_ascii_alphanumeric())
}

impl Generator<'_> {
    /// An expression, mostly of this kind.
    pub fn any(&mut self, kind: Kind, depth: usize) -> Expr {
        let kind = if self.rng.chance(WRONG) { *self.rng.pick(KINDS) } else { kind };
        if depth == 0 || (kind != Kind::Bool && self.rng.chance(35)) {
            return self.leaf(kind);
        }
        let depth = depth - 1;
        match self.rng.below(20) {
            0 => choose(self.any(Kind::Bool, depth), self.any(kind, depth), self.any(kind, depth)),
            1 => self.tag(kind, depth),
            2 => self.access(kind, depth),
            _ => self.operation(kind, depth),
        }
    }

    fn operation(&mut self, kind: Kind, depth: usize) -> Expr {
        match kind {
            Kind::Bool => self.condition(depth),
            Kind::Long => match self.rng.below(10) {
                0 => unary(UnaryOp::Neg, self.any(Kind::Long, depth)),
                1..=2 => binary(BinaryOp::Add, self.any(Kind::Long, depth), self.any(Kind::Long, depth)),
                3..=4 => binary(BinaryOp::Sub, self.any(Kind::Long, depth), self.any(Kind::Long, depth)),
                5..=6 => binary(BinaryOp::Mul, self.any(Kind::Long, depth), self.any(Kind::Long, depth)),
                _ => {
                    let op = *self.rng.pick(&[
                        UnaryOp::ToMilliseconds,
                        UnaryOp::ToSeconds,
                        UnaryOp::ToMinutes,
                        UnaryOp::ToHours,
                        UnaryOp::ToDays,
                    ]);
                    unary(op, self.any(Kind::Duration, depth))
                }
            },
            Kind::String => self.leaf(kind),
            Kind::Entity => match self.rng.below(3) {
                0 => self.access(kind, depth),
                _ => self.leaf(kind),
            },
            Kind::Set(element) => {
                let mut elements = Vec::new();
                for _ in 0..self.rng.below(4) {
                    elements.push(Arc::new(self.any(*element, depth.min(1))));
                }
                Expr::Set(elements)
            }
            Kind::Record => self.record(depth),
            Kind::Decimal => self.constructor(UnaryOp::Decimal),
            Kind::Ip => self.constructor(UnaryOp::Ip),
            Kind::Datetime => match self.rng.below(6) {
                0..=1 => binary(BinaryOp::Offset, self.any(Kind::Datetime, depth), self.any(Kind::Duration, depth)),
                2 => unary(UnaryOp::ToDate, self.any(Kind::Datetime, depth)),
                _ => self.constructor(UnaryOp::Datetime),
            },
            Kind::Duration => match self.rng.below(6) {
                0..=1 => {
                    binary(BinaryOp::DurationSince, self.any(Kind::Datetime, depth), self.any(Kind::Datetime, depth))
                }
                2 => unary(UnaryOp::ToTime, self.any(Kind::Datetime, depth)),
                _ => self.constructor(UnaryOp::Duration),
            },
        }
    }

    /// A condition: one application of an operator that answers yes or no.
    fn condition(&mut self, depth: usize) -> Expr {
        match self.rng.below(30) {
            0..=1 => unary(UnaryOp::Not, self.any(Kind::Bool, depth)),
            2..=4 => binary(BinaryOp::And, self.any(Kind::Bool, depth), self.any(Kind::Bool, depth)),
            5..=7 => binary(BinaryOp::Or, self.any(Kind::Bool, depth), self.any(Kind::Bool, depth)),
            8..=10 => {
                let op = *self.rng.pick(&[BinaryOp::Eq, BinaryOp::NotEq]);
                let kind = *self.rng.pick(KINDS);
                let left = self.any(kind, depth);
                let other = *self.rng.pick(KINDS);
                let right = match self.rng.below(10) {
                    0..=1 => left.clone(),
                    2 => self.leaf(other),
                    _ => self.any(kind, depth),
                };
                binary(op, left, right)
            }
            11..=13 => {
                let op = *self.rng.pick(&[BinaryOp::Less, BinaryOp::LessEq, BinaryOp::Greater, BinaryOp::GreaterEq]);
                let kind = *self.rng.pick(&[Kind::Long, Kind::Long, Kind::Datetime, Kind::Duration]);
                binary(op, self.any(kind, depth), self.any(kind, depth))
            }
            14..=15 => {
                let above = *self.rng.pick(&[Kind::Entity, Kind::Entity, Kind::Set(&Kind::Entity)]);
                binary(BinaryOp::In, self.any(Kind::Entity, depth), self.any(above, depth))
            }
            16 => binary(BinaryOp::Contains, self.any(Kind::Set(&Kind::String), depth), self.any(Kind::String, depth)),
            17 => {
                let op = *self.rng.pick(&[BinaryOp::ContainsAll, BinaryOp::ContainsAny]);
                let kind =
                    *self.rng.pick(&[Kind::Set(&Kind::Long), Kind::Set(&Kind::String), Kind::Set(&Kind::Entity)]);
                binary(op, self.any(kind, depth), self.any(kind, depth))
            }
            18 => unary(UnaryOp::IsEmpty, self.any(Kind::Set(&Kind::Entity), depth)),
            19 => self.has(depth),
            20..=21 => self.guarded(depth),
            22 => binary(BinaryOp::HasTag, self.any(Kind::Entity, depth), self.tag_name(None)),
            23 => {
                let of = *self.rng.pick(STRINGS);
                let pattern = pattern(self.rng, of);
                let expr = if self.rng.chance(50) { text(of) } else { self.any(Kind::String, depth) };
                Expr::Like { expr: Arc::new(expr), pattern }
            }
            24..=25 => {
                let entity_type = entity_type(self.rng.below(8) as u8);
                let expr = Arc::new(self.any(Kind::Entity, depth));
                let above = *self.rng.pick(&[Kind::Entity, Kind::Set(&Kind::Entity)]);
                let in_expr = self.rng.chance(40).then(|| Arc::new(self.any(above, depth)));
                Expr::Is { expr, entity_type, in_expr }
            }
            26 => {
                let op = *self.rng.pick(&[UnaryOp::IsIPv4, UnaryOp::IsIPV6, UnaryOp::IsLoopback, UnaryOp::IsMulticast]);
                unary(op, self.any(Kind::Ip, depth))
            }
            27 => binary(BinaryOp::IsInRange, self.any(Kind::Ip, depth), self.any(Kind::Ip, depth)),
            28 => {
                let op = *self.rng.pick(&[
                    BinaryOp::DecimalLessThan,
                    BinaryOp::DecimalLessEq,
                    BinaryOp::DecimalGreater,
                    BinaryOp::DecimalGreaterEq,
                ]);
                binary(op, self.any(Kind::Decimal, depth), self.any(Kind::Decimal, depth))
            }
            _ => self.leaf(Kind::Bool),
        }
    }

    /// A literal, a variable or an attribute of one.
    fn leaf(&mut self, kind: Kind) -> Expr {
        match kind {
            Kind::Entity if self.rng.chance(45) => Expr::Var(self.variable()),
            Kind::Record if self.rng.chance(10) => Expr::Var(Var::Context),
            _ if self.rng.chance(40) => self.access(kind, 0),
            Kind::Decimal => self.constructor(UnaryOp::Decimal),
            Kind::Ip => self.constructor(UnaryOp::Ip),
            Kind::Datetime => self.constructor(UnaryOp::Datetime),
            Kind::Duration => self.constructor(UnaryOp::Duration),
            Kind::Long => Expr::Literal(Literal::Long(long(self.rng, 12))),
            _ => {
                let cast = self.cast;
                Value::any(self.rng, kind, &mut |rng: &mut Rng| -> Uid { cast.uid(rng) }).expression()
            }
        }
    }

    fn variable(&mut self) -> Var {
        self.rng.pick(&[Var::Principal, Var::Principal, Var::Resource, Var::Resource, Var::Action]).clone()
    }

    fn constructor(&mut self, op: UnaryOp) -> Expr {
        let (good, bad) = texts(op);
        let of = if self.rng.chance(REFUSED) { bad } else { good };
        let chosen: &&str = self.rng.pick(of);
        unary(op, text(chosen))
    }

    fn record(&mut self, depth: usize) -> Expr {
        let mut fields = BTreeMap::new();
        for (name, kind) in FIELDS {
            if self.rng.chance(35) {
                fields.insert((*name).to_owned(), Arc::new(self.any(*kind, depth.min(1))));
            }
        }
        if self.rng.chance(10) {
            fields.insert("a \"quoted\" näme".to_owned(), Arc::new(self.leaf(Kind::Long)));
        }
        Expr::Record(fields)
    }

    /// What has attributes, and the attributes that it mostly has.
    fn base(&mut self, depth: usize) -> (Expr, &'static [(&'static str, Kind)]) {
        match self.rng.below(12) {
            0..=3 => (Expr::Var(Var::Context), ATTRIBUTES),
            4..=6 => (Expr::Var(Var::Principal), ATTRIBUTES),
            7..=9 => (Expr::Var(Var::Resource), ATTRIBUTES),
            10 if depth > 0 => (self.any(Kind::Entity, depth - 1), ATTRIBUTES),
            _ if depth > 0 => (self.any(Kind::Record, depth - 1), FIELDS),
            10 => (Expr::Var(self.variable()), ATTRIBUTES),
            _ => (attribute(Expr::Var(Var::Context), "details"), FIELDS),
        }
    }

    /// An attribute of this kind: of a variable, of an expression, or in a record of one; guarded or not.
    fn access(&mut self, kind: Kind, depth: usize) -> Expr {
        let (base, names) = self.base(depth);
        let Some(name) = of_kind(self.rng, names, kind) else {
            return attribute(base, self.rng.pick(names).0);
        };
        if self.rng.chance(12) && of_kind(self.rng, FIELDS, kind).is_some() && names == ATTRIBUTES {
            return self.deep(base, kind);
        }
        let read = attribute(base.clone(), name);
        if self.rng.chance(45) {
            let cast = self.cast;
            let otherwise = Value::any(self.rng, kind, &mut |rng: &mut Rng| cast.uid(rng)).expression();
            return choose(has(base, &[name]), read, otherwise);
        }
        read
    }

    /// A field in the record `details`, or in the one in that.
    fn deep(&mut self, base: Expr, kind: Kind) -> Expr {
        let Some(name) = of_kind(self.rng, FIELDS, kind) else { return base };
        let path: &[&str] = if self.rng.chance(50) { &["details", name] } else { &["details", "inner", name] };
        let read = path.iter().fold(base.clone(), |expr, name| attribute(expr, name));
        if self.rng.chance(60) { choose(has(base, path), read, self.leaf(kind)) } else { read }
    }

    /// `base has a && base.a == …`, as policies are mostly written.
    fn guarded(&mut self, depth: usize) -> Expr {
        let (base, names) = self.base(depth);
        let (name, kind) = *self.rng.pick(names);
        let read = attribute(base.clone(), name);
        let condition = match kind {
            Kind::Bool => read,
            Kind::Set(element) => binary(BinaryOp::Contains, read, self.any(*element, depth)),
            Kind::Long => binary(BinaryOp::GreaterEq, read, self.any(kind, depth)),
            _ => binary(BinaryOp::Eq, read, self.any(kind, depth)),
        };
        binary(BinaryOp::And, has(base, &[name]), condition)
    }

    fn has(&mut self, depth: usize) -> Expr {
        let (base, names) = self.base(depth);
        let first = self.rng.pick(names).0;
        if self.rng.chance(50) || !is_identifier(first) {
            return has(base, &[first]);
        }
        let mut path = vec![*self.rng.pick(&["details", "details", "owner", "inner", first])];
        for _ in 0..self.rng.between(1, 3) {
            path.push(*self.rng.pick(&["inner", "inner", "number", "open", "list", "owner", "level", "details"]));
        }
        has(base, &path)
    }

    fn tag_name(&mut self, kind: Option<Kind>) -> Expr {
        let name = kind.and_then(|kind| of_kind(self.rng, TAGS, kind));
        let name = name.unwrap_or_else(|| self.rng.pick(TAGS).0);
        if self.rng.chance(5) { self.leaf(Kind::String) } else { text(name) }
    }

    /// A tag of this kind; guarded or not.
    fn tag(&mut self, kind: Kind, depth: usize) -> Expr {
        let of = self.any(Kind::Entity, depth.min(1));
        let name = self.tag_name(Some(kind));
        let read = binary(BinaryOp::GetTag, of.clone(), name.clone());
        if self.rng.chance(60) { choose(binary(BinaryOp::HasTag, of, name), read, self.leaf(kind)) } else { read }
    }
}

/// The expressions directly in one.
pub fn children(expr: &Expr) -> Vec<Arc<Expr>> {
    match expr {
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => vec![expr.clone()],
        Expr::BinaryOp { left, right, .. } => vec![left.clone(), right.clone()],
        Expr::Is { expr, in_expr, .. } => std::iter::once(expr.clone()).chain(in_expr.clone()).collect(),
        Expr::IfThenElse { cond, then_expr, else_expr } => vec![cond.clone(), then_expr.clone(), else_expr.clone()],
        Expr::Set(elements) => elements.clone(),
        Expr::Record(fields) => fields.values().cloned().collect(),
        _ => Vec::new(),
    }
}

/// The same with other expressions directly in it, as many as [`children`] gave.
pub fn with_children(expr: &Expr, children: Vec<Arc<Expr>>) -> Expr {
    let mut expr = expr.clone();
    let mut children = children.into_iter();
    let mut next = |place: &mut Arc<Expr>| {
        if let Some(child) = children.next() {
            *place = child;
        }
    };
    match &mut expr {
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => next(expr),
        Expr::BinaryOp { left, right, .. } => {
            next(left);
            next(right);
        }
        Expr::Is { expr, in_expr, .. } => {
            next(expr);
            in_expr.iter_mut().for_each(next);
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            next(cond);
            next(then_expr);
            next(else_expr);
        }
        Expr::Set(elements) => elements.iter_mut().for_each(next),
        Expr::Record(fields) => fields.values_mut().for_each(next),
        _ => {}
    }
    expr
}

/// All expressions that are this one made simpler in one place.
pub fn simpler(expr: &Expr) -> Vec<Expr> {
    let own = children(expr);
    let mut found: Vec<Expr> = own.iter().map(|child| (**child).clone()).collect();
    if !own.is_empty() {
        found.push(Expr::Literal(Literal::Bool(true)));
        found.push(Expr::Literal(Literal::Long(1)));
    }
    match expr {
        Expr::Set(elements) => {
            for place in 0..elements.len() {
                let mut fewer = elements.clone();
                fewer.remove(place);
                found.push(Expr::Set(fewer));
            }
        }
        Expr::Record(fields) => {
            for name in fields.keys() {
                let mut fewer = fields.clone();
                fewer.remove(name);
                found.push(Expr::Record(fewer));
            }
        }
        Expr::Is { expr, entity_type, in_expr: Some(_) } => {
            found.push(Expr::Is { expr: expr.clone(), entity_type: entity_type.clone(), in_expr: None });
        }
        _ => {}
    }
    for (place, child) in own.iter().enumerate() {
        for simple in simpler(child) {
            let mut children = own.clone();
            children[place] = Arc::new(simple);
            found.push(with_children(expr, children));
        }
    }
    found
}
