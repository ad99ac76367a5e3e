//! Directed cases: policies whose condition is one application of one operator; and the table of what came of them.

use super::{
    case::{Case, Way},
    entities::{Cast, EntityCase, entities},
    expression::{attribute, binary, choose, has, pattern, text, unary},
    request::{RequestCase, request},
    rng::Rng,
    world::{FIELDS, KINDS, Kind, STRINGS, TAGS, Value, entity_type, long, texts},
};
use cedar_policy::{
    Entities, EvalResult, EvaluationError, Expression, Request, eval_expression,
    pst::{
        ActionConstraint, BinaryOp, Clause, Effect, Expr, Literal, PrincipalConstraint, ResourceConstraint, Template,
        UnaryOp,
    },
};
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    sync::Arc,
};

/// Whatever an expression can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// One operand.
    Unary(UnaryOp),
    /// Two operands.
    Binary(BinaryOp),
    /// `in` with a set on its right.
    InSet,
    /// `.name`
    GetAttr,
    /// `has name`
    Has,
    /// `has a.b.c`
    HasPath,
    /// `like`
    Like,
    /// `is`
    Is,
    /// `is … in`
    IsIn,
    /// `if`
    If,
    /// `[…]`
    Set,
    /// `{…}`
    Record,
}

/// All operators.
pub const OPERATORS: &[Operator] = &[
    Operator::Unary(UnaryOp::Not),
    Operator::Unary(UnaryOp::Neg),
    Operator::Unary(UnaryOp::IsEmpty),
    Operator::Unary(UnaryOp::Datetime),
    Operator::Unary(UnaryOp::Decimal),
    Operator::Unary(UnaryOp::Duration),
    Operator::Unary(UnaryOp::Ip),
    Operator::Unary(UnaryOp::IsIPv4),
    Operator::Unary(UnaryOp::IsIPV6),
    Operator::Unary(UnaryOp::IsLoopback),
    Operator::Unary(UnaryOp::IsMulticast),
    Operator::Unary(UnaryOp::ToDate),
    Operator::Unary(UnaryOp::ToTime),
    Operator::Unary(UnaryOp::ToMilliseconds),
    Operator::Unary(UnaryOp::ToSeconds),
    Operator::Unary(UnaryOp::ToMinutes),
    Operator::Unary(UnaryOp::ToHours),
    Operator::Unary(UnaryOp::ToDays),
    Operator::Binary(BinaryOp::Eq),
    Operator::Binary(BinaryOp::NotEq),
    Operator::Binary(BinaryOp::Less),
    Operator::Binary(BinaryOp::LessEq),
    Operator::Binary(BinaryOp::Greater),
    Operator::Binary(BinaryOp::GreaterEq),
    Operator::Binary(BinaryOp::And),
    Operator::Binary(BinaryOp::Or),
    Operator::Binary(BinaryOp::Add),
    Operator::Binary(BinaryOp::Sub),
    Operator::Binary(BinaryOp::Mul),
    Operator::Binary(BinaryOp::In),
    Operator::InSet,
    Operator::Binary(BinaryOp::Contains),
    Operator::Binary(BinaryOp::ContainsAll),
    Operator::Binary(BinaryOp::ContainsAny),
    Operator::Binary(BinaryOp::GetTag),
    Operator::Binary(BinaryOp::HasTag),
    Operator::Binary(BinaryOp::IsInRange),
    Operator::Binary(BinaryOp::Offset),
    Operator::Binary(BinaryOp::DurationSince),
    Operator::Binary(BinaryOp::DecimalLessThan),
    Operator::Binary(BinaryOp::DecimalLessEq),
    Operator::Binary(BinaryOp::DecimalGreater),
    Operator::Binary(BinaryOp::DecimalGreaterEq),
    Operator::GetAttr,
    Operator::Has,
    Operator::HasPath,
    Operator::Like,
    Operator::Is,
    Operator::IsIn,
    Operator::If,
    Operator::Set,
    Operator::Record,
];

impl Operator {
    /// Its name in the table.
    pub fn name(self) -> String {
        match self {
            Self::Unary(UnaryOp::Neg) => "- (negation)".to_owned(),
            Self::Unary(op) => op.to_string(),
            Self::Binary(op) => op.to_string(),
            Self::InSet => "in […]".to_owned(),
            Self::GetAttr => ".attribute".to_owned(),
            Self::Has => "has".to_owned(),
            Self::HasPath => "has a.b".to_owned(),
            Self::Like => "like".to_owned(),
            Self::Is => "is".to_owned(),
            Self::IsIn => "is … in".to_owned(),
            Self::If => "if".to_owned(),
            Self::Set => "[…]".to_owned(),
            Self::Record => "{…}".to_owned(),
        }
    }

    /// Whether an operand of the wrong kind is an error.
    pub fn has_type_error(self) -> bool {
        !matches!(self, Self::Binary(BinaryOp::Eq | BinaryOp::NotEq) | Self::Set | Self::Record)
    }

    /// Whether it can leave the range of its result.
    pub fn has_overflow(self) -> bool {
        matches!(
            self,
            Self::Unary(UnaryOp::Neg | UnaryOp::Decimal | UnaryOp::Duration | UnaryOp::ToDate)
                | Self::Binary(
                    BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Offset | BinaryOp::DurationSince
                )
        )
    }
}

/// What came of one application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A value.
    Success,
    /// An operand of the wrong kind.
    TypeError,
    /// A result out of its range.
    Overflow,
    /// A missing entity, attribute or tag, or a text that a constructor refuses.
    Other,
}

impl Outcome {
    /// Of what Cedar's evaluator answered.
    pub fn of(result: &Result<EvalResult, EvaluationError>) -> Self {
        match result {
            Ok(_) => Self::Success,
            Err(EvaluationError::TypeError(_)) => Self::TypeError,
            Err(EvaluationError::IntegerOverflow(_)) => Self::Overflow,
            Err(EvaluationError::FailedExtensionFunctionExecution(error)) if error.to_string().contains("overflow") => {
                Self::Overflow
            }
            Err(_) => Self::Other,
        }
    }
}

/// How often each operator succeeded and failed.
#[derive(Debug, Clone, Default)]
pub struct Table(Vec<[u64; 4]>);

impl Table {
    /// Counts one application.
    pub fn count(&mut self, operator: Operator, outcome: Outcome) {
        self.0.resize(OPERATORS.len(), [0; 4]);
        if let Some(place) = OPERATORS.iter().position(|known| *known == operator) {
            self.0[place][outcome as usize] += 1;
        }
    }

    /// How often an operator came to this.
    pub fn counted(&self, operator: Operator, outcome: Outcome) -> u64 {
        let place = OPERATORS.iter().position(|known| *known == operator);
        place.and_then(|place| self.0.get(place)).map_or(0, |counts| counts[outcome as usize])
    }

    /// What was never seen, though it exists.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        for operator in OPERATORS {
            let mut need = vec![Outcome::Success];
            need.extend(operator.has_type_error().then_some(Outcome::TypeError));
            need.extend(operator.has_overflow().then_some(Outcome::Overflow));
            for outcome in need {
                if self.counted(*operator, outcome) == 0 {
                    gaps.push(format!("{}: no {outcome:?}", operator.name()));
                }
            }
        }
        gaps
    }
}

impl Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{:<20} {:>10} {:>10} {:>10} {:>10}", "operator", "success", "type error", "overflow", "other")?;
        for operator in OPERATORS {
            let cell = |outcome, exists: bool| match self.counted(*operator, outcome) {
                0 if !exists => "-".to_owned(),
                count => count.to_string(),
            };
            writeln!(
                out,
                "{:<20} {:>10} {:>10} {:>10} {:>10}",
                operator.name(),
                cell(Outcome::Success, true),
                cell(Outcome::TypeError, operator.has_type_error()),
                cell(Outcome::Overflow, operator.has_overflow()),
                cell(Outcome::Other, false)
            )?;
        }
        Ok(())
    }
}

/// How many operators one directed case applies.
const APPLIED: usize = 8;
/// The attributes that hold operands.
const PLACES: &[&str] = &[
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
    "x18", "x19", "x20", "x21", "x22", "x23",
];

/// Where the operands of a case stand.
struct Operands<'a> {
    rng: &'a mut Rng,
    cast: &'a Cast,
    /// Of the context, of the principal, of the resource, and of the record `context.in`.
    held: [BTreeMap<&'static str, Value>; 4],
    next: usize,
}

impl Operands<'_> {
    fn value(&mut self, kind: Kind) -> Value {
        let cast = self.cast;
        if kind == Kind::Long && self.rng.chance(40) {
            return Value::Long(long(self.rng, 80));
        }
        if kind == Kind::Duration && self.rng.chance(15) {
            let text = *self.rng.pick(&["9223372036854775807ms", "-9223372036854775808ms"]);
            return Value::Extension(UnaryOp::Duration, text);
        }
        Value::any(self.rng, kind, &mut |rng: &mut Rng| cast.uid(rng))
    }

    /// A literal, or an attribute that has this value.
    fn place(&mut self, value: Value) -> Expr {
        let Some(name) = PLACES.get(self.next) else { return value.expression() };
        let variable = |var| Expr::Var(var);
        use cedar_policy::pst::Var;
        let (holder, base) = match self.rng.below(8) {
            0..=1 => (0, variable(Var::Context)),
            2 => (1, variable(Var::Principal)),
            3 => (2, variable(Var::Resource)),
            4 => (3, attribute(variable(Var::Context), "in")),
            _ => return value.expression(),
        };
        self.next += 1;
        self.held[holder].insert(*name, value);
        attribute(base, name)
    }

    /// An operand of this kind; where `wrong`, of any other.
    fn operand(&mut self, kind: Kind, wrong: bool) -> Expr {
        let kind = if wrong { *self.rng.pick(KINDS) } else { kind };
        let value = self.value(kind);
        self.place(value)
    }

    fn name_of(&mut self, names: &[(&'static str, Kind)]) -> &'static str {
        self.rng.pick(names).0
    }

    /// One application of an operator, and the kind of what it gives.
    fn apply(&mut self, operator: Operator) -> (Expr, Kind) {
        let wrong = self.rng.chance(30);
        let (first, second) = if self.rng.chance(50) { (wrong, false) } else { (false, wrong) };
        match operator {
            Operator::Unary(op) => self.apply_unary(op, wrong),
            Operator::Binary(op) => self.apply_binary(op, first, second),
            Operator::InSet => {
                let one = self.operand(Kind::Entity, first);
                let kind = if second { Kind::Set(&Kind::String) } else { Kind::Set(&Kind::Entity) };
                (binary(BinaryOp::In, one, self.operand(kind, false)), Kind::Bool)
            }
            Operator::GetAttr => {
                let base = if self.rng.chance(50) { Kind::Record } else { Kind::Entity };
                let base = self.operand(base, wrong);
                let name = if self.rng.chance(60) { self.name_of(FIELDS) } else { "level" };
                (attribute(base, name), Kind::Long)
            }
            Operator::Has => {
                let base = if self.rng.chance(60) { Kind::Record } else { Kind::Entity };
                let base = self.operand(base, wrong);
                let name = self.name_of(FIELDS);
                (has(base, &[name]), Kind::Bool)
            }
            Operator::HasPath => {
                let base = if self.rng.chance(60) { Kind::Record } else { Kind::Entity };
                let base = self.operand(base, wrong);
                let first = *self.rng.pick(&["inner", "inner", "owner", "details", "number"]);
                let second = *self.rng.pick(&["inner", "open", "number", "owner", "level"]);
                let path = [first, second, "number"];
                let deep = self.rng.between(2, 3);
                (has(base, &path[..deep]), Kind::Bool)
            }
            Operator::Like => {
                let of = *self.rng.pick(STRINGS);
                let pattern = pattern(self.rng, of);
                let value = if wrong { self.value(Kind::Long) } else { Value::String(of) };
                (Expr::Like { expr: Arc::new(self.place(value)), pattern }, Kind::Bool)
            }
            Operator::Is => {
                let expr = Arc::new(self.operand(Kind::Entity, wrong));
                let entity_type = entity_type(self.rng.below(8) as u8);
                (Expr::Is { expr, entity_type, in_expr: None }, Kind::Bool)
            }
            Operator::IsIn => {
                let value = if first { self.value(Kind::String) } else { self.value(Kind::Entity) };
                let entity_type = match value {
                    Value::Entity(uid) if self.rng.chance(75) => uid.entity_type(),
                    _ => entity_type(self.rng.below(8) as u8),
                };
                let expr = Arc::new(self.place(value));
                let above = if self.rng.chance(50) { Kind::Entity } else { Kind::Set(&Kind::Entity) };
                let in_expr = Some(Arc::new(self.operand(above, second)));
                (Expr::Is { expr, entity_type, in_expr }, Kind::Bool)
            }
            Operator::If => {
                let cond = self.operand(Kind::Bool, wrong);
                (choose(cond, self.operand(Kind::Long, false), self.operand(Kind::Long, first)), Kind::Long)
            }
            Operator::Set => {
                let kind = *self.rng.pick(KINDS);
                let count = self.rng.below(4);
                let elements = (0..count).map(|_| Arc::new(self.operand(kind, first))).collect();
                (Expr::Set(elements), Kind::Set(&Kind::Bool))
            }
            Operator::Record => {
                let mut fields = BTreeMap::new();
                for _ in 0..self.rng.below(3) {
                    let (name, kind) = *self.rng.pick(FIELDS);
                    fields.insert(name.to_owned(), Arc::new(self.operand(kind, first)));
                }
                (Expr::Record(fields), Kind::Record)
            }
        }
    }

    fn apply_unary(&mut self, op: UnaryOp, wrong: bool) -> (Expr, Kind) {
        let (takes, gives) = match op {
            UnaryOp::Not => (Kind::Bool, Kind::Bool),
            UnaryOp::Neg => (Kind::Long, Kind::Long),
            UnaryOp::IsEmpty => (Kind::Set(&Kind::Long), Kind::Bool),
            UnaryOp::Datetime => (Kind::String, Kind::Datetime),
            UnaryOp::Decimal => (Kind::String, Kind::Decimal),
            UnaryOp::Duration => (Kind::String, Kind::Duration),
            UnaryOp::Ip => (Kind::String, Kind::Ip),
            UnaryOp::ToDate => (Kind::Datetime, Kind::Datetime),
            UnaryOp::ToTime => (Kind::Datetime, Kind::Duration),
            UnaryOp::ToMilliseconds | UnaryOp::ToSeconds | UnaryOp::ToMinutes | UnaryOp::ToHours | UnaryOp::ToDays => {
                (Kind::Duration, Kind::Long)
            }
            _ => (Kind::Ip, Kind::Bool),
        };
        let constructs = matches!(op, UnaryOp::Datetime | UnaryOp::Decimal | UnaryOp::Duration | UnaryOp::Ip);
        if constructs && !wrong {
            let (good, bad) = texts(op);
            let texts = if self.rng.chance(60) { good } else { bad };
            let text = *self.rng.pick(texts);
            return (unary(op, self.place(Value::String(text))), gives);
        }
        if op == UnaryOp::Neg && self.rng.chance(10) {
            return (unary(op, self.place(Value::Long(i64::MIN))), gives);
        }
        (unary(op, self.operand(takes, wrong)), gives)
    }

    fn apply_binary(&mut self, op: BinaryOp, first: bool, second: bool) -> (Expr, Kind) {
        let ordered = [Kind::Long, Kind::Long, Kind::Datetime, Kind::Duration];
        let (left, right, gives) = match op {
            BinaryOp::Eq | BinaryOp::NotEq => {
                let kind = *self.rng.pick(KINDS);
                (kind, kind, Kind::Bool)
            }
            BinaryOp::Less | BinaryOp::LessEq | BinaryOp::Greater | BinaryOp::GreaterEq => {
                let kind = *self.rng.pick(&ordered);
                (kind, kind, Kind::Bool)
            }
            BinaryOp::And | BinaryOp::Or => (Kind::Bool, Kind::Bool, Kind::Bool),
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => (Kind::Long, Kind::Long, Kind::Long),
            BinaryOp::In => (Kind::Entity, Kind::Entity, Kind::Bool),
            BinaryOp::IsInRange => (Kind::Ip, Kind::Ip, Kind::Bool),
            BinaryOp::Offset => (Kind::Datetime, Kind::Duration, Kind::Datetime),
            BinaryOp::DurationSince => (Kind::Datetime, Kind::Datetime, Kind::Duration),
            BinaryOp::Contains | BinaryOp::ContainsAll | BinaryOp::ContainsAny => {
                return (self.apply_to_set(op, first, second), Kind::Bool);
            }
            BinaryOp::GetTag | BinaryOp::HasTag => {
                let of = self.operand(Kind::Entity, first);
                let name = self.name_of(TAGS);
                let name = if second { self.operand(Kind::Long, false) } else { self.place(Value::String(name)) };
                return (binary(op, of, name), if op == BinaryOp::HasTag { Kind::Bool } else { Kind::Long });
            }
            _ => (Kind::Decimal, Kind::Decimal, Kind::Bool),
        };
        let compares = !matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Offset);
        if compares && !first && !second && self.rng.chance(20) {
            // The same twice, once perhaps as a literal and once as an attribute.
            let value = self.value(left);
            return (binary(op, self.place(value.clone()), self.place(value)), gives);
        }
        (binary(op, self.operand(left, first), self.operand(right, second)), gives)
    }

    fn apply_to_set(&mut self, op: BinaryOp, first: bool, second: bool) -> Expr {
        let element = *self.rng.pick(&[Kind::Long, Kind::String, Kind::Entity, Kind::Decimal, Kind::Record]);
        let mut elements: Vec<Value> = Vec::new();
        for _ in 0..self.rng.below(5) {
            elements.push(self.value(element));
        }
        let mut others: Vec<Value> = Vec::new();
        for known in &elements {
            if self.rng.chance(45) {
                others.push(known.clone());
            }
        }
        if self.rng.chance(35) {
            let kind = if self.rng.chance(25) { *self.rng.pick(KINDS) } else { element };
            others.push(self.value(kind));
        }
        let left = if first { self.operand(Kind::Long, true) } else { self.place(Value::Set(elements)) };
        let right = match (op, second) {
            (BinaryOp::Contains, _) => match others.pop() {
                Some(other) => self.place(other),
                None => self.operand(element, second),
            },
            (_, true) => self.operand(Kind::Long, true),
            _ => self.place(Value::Set(others)),
        };
        binary(op, left, right)
    }

    /// What a condition can compare a result with: the value that Cedar found, or some other.
    fn expected(&mut self, result: &Result<EvalResult, EvaluationError>, kind: Kind) -> Expr {
        match result {
            Ok(EvalResult::Long(value)) if self.rng.chance(75) => Expr::Literal(Literal::Long(*value)),
            Ok(EvalResult::String(value)) => text(value),
            Ok(EvalResult::Bool(value)) => Expr::Literal(Literal::Bool(*value)),
            Ok(EvalResult::EntityUid(uid)) => Expr::Literal(Literal::EntityUID(uid.clone().into())),
            _ => self.value(kind).expression(),
        }
    }
}

/// Evaluates an expression with Cedar's evaluator.
fn evaluate(request: &Request, entities: &Entities, expr: &Expr) -> Result<EvalResult, EvaluationError> {
    let tree: cedar_policy_core::ast::Expr = expr.clone().into();
    eval_expression(request, entities, &Expression::from(tree))
}

/// A condition out of an application: itself where it answers yes or no, a comparison otherwise.
fn condition(operands: &mut Operands<'_>, request: &Request, entities: &Entities, applied: &Expr, kind: Kind) -> Expr {
    // An instant and a duration are compared by their milliseconds, so that every bit of them counts.
    let milliseconds = |expr: &Expr| match kind {
        Kind::Datetime => {
            let epoch = unary(UnaryOp::Datetime, text("1970-01-01"));
            unary(UnaryOp::ToMilliseconds, binary(BinaryOp::DurationSince, expr.clone(), epoch))
        }
        _ => unary(UnaryOp::ToMilliseconds, expr.clone()),
    };
    let (compared, kind) = match kind {
        Kind::Bool => return applied.clone(),
        Kind::Datetime | Kind::Duration if operands.rng.chance(70) => (milliseconds(applied), Kind::Long),
        _ => (applied.clone(), kind),
    };
    let expected = operands.expected(&evaluate(request, entities, &compared), kind);
    match operands.rng.below(6) {
        0 => binary(BinaryOp::NotEq, compared, expected),
        1 if kind == Kind::Long => binary(BinaryOp::LessEq, compared, expected),
        2 if kind == Kind::Decimal => binary(BinaryOp::DecimalLessEq, compared, expected),
        3 if kind == Kind::Ip => binary(BinaryOp::IsInRange, compared, expected),
        _ => binary(BinaryOp::Eq, compared, expected),
    }
}

/// The directed case of a seed, with what came of each application in it.
pub fn directed(seed: u64) -> Result<(Case, Vec<(Operator, Outcome)>), String> {
    let rng = &mut Rng::new(seed);
    let cast = Cast::any(rng);
    let mut entities = entities(rng, &cast);
    let RequestCase { principal, action, resource, mut context } = request(rng, &cast);
    for uid in [principal, resource] {
        if !entities.iter().any(|entity| entity.uid == uid) {
            entities.push(EntityCase { uid, parents: Vec::new(), attributes: BTreeMap::new(), tags: BTreeMap::new() });
        }
    }
    let operators: Vec<Operator> = (0..APPLIED).map(|_| *rng.pick(OPERATORS)).collect();
    let mut operands = Operands { rng, cast: &cast, held: Default::default(), next: 0 };
    let applied: Vec<(Expr, Kind)> = operators.iter().map(|operator| operands.apply(*operator)).collect();
    let [around, of_principal, of_resource, inside] = std::mem::take(&mut operands.held);
    context.extend(around);
    context.insert("in", Value::Record(inside));
    for entity in &mut entities {
        if entity.uid == principal {
            entity.attributes.extend(of_principal.clone());
        }
        if entity.uid == resource {
            entity.attributes.extend(of_resource.clone());
        }
    }
    let request = RequestCase { principal, action, resource, context };
    let mut case = Case {
        seed,
        way: *operands.rng.pick(&[Way::Tree, Way::Tree, Way::Tree, Way::Text, Way::Json]),
        templates: Vec::new(),
        policies: Vec::new(),
        links: Vec::new(),
        entities,
        requests: vec![request],
    };
    let cedar_entities = case.cedar_entities()?;
    let cedar_request = case.requests[0].to_cedar()?;
    // A satisfied forbid would hide which permits are satisfied, so a case has one of them only.
    let effect = if operands.rng.chance(70) { Effect::Permit } else { Effect::Forbid };
    let mut outcomes = Vec::with_capacity(APPLIED);
    for (place, (operator, (expr, kind))) in operators.iter().zip(&applied).enumerate() {
        outcomes.push((*operator, Outcome::of(&evaluate(&cedar_request, &cedar_entities, expr))));
        let condition = Arc::new(condition(&mut operands, &cedar_request, &cedar_entities, expr, *kind));
        let unless = operands.rng.chance(25);
        let clause = if unless { Clause::Unless(condition) } else { Clause::When(condition) };
        let policy = Template::new(
            format!("p{place}").as_str(),
            effect,
            PrincipalConstraint::Any,
            ActionConstraint::Any,
            ResourceConstraint::Any,
        );
        case.policies.push(policy.try_with_clauses([clause]).map_err(|error| error.to_string())?);
    }
    Ok((case, outcomes))
}
