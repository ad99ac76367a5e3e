//! Partial evaluation: Cedar's meaning, step for step, with failures as a truth of their own.

use super::compare::{equal, order};
use super::expr::{Comparison, Expr, Operand, Pattern};
use super::logic::{all, any, not};
use super::lookup::read;
use super::operator::{Arithmetic, arithmetic, function, function2, said};
use super::partial::{Cases, Partial, Said, Truth};
use super::sets;
use crate::engine::program::{ANY_TEXT, Failure, Node, NodeId, Program, World, matches};
use crate::engine::subject::Subject;
use crate::engine::view::View;
use crate::engine::world::RequestWorld;
use crate::model::Timestamp;
use crate::schema::{Attributes, Type, Value};

/// How deep an expression is followed; what lies deeper is not expressed. It must not exhaust the stack.
const DEPTH: usize = 192;
/// How many tests the formulas of one node may have, and how many values it.
const SIZE: usize = 5_000;

const TOO_LARGE: &str = "a condition that is too large or nests too deep";

/// Evaluates nodes for a request whose resource is not known.
pub(super) struct Evaluator<'e, 's, 'a> {
    pub program: &'e Program,
    pub world: &'e RequestWorld<'s, 'a>,
    pub view: &'a View<'a>,
    pub subject: &'e Subject<'a>,
    /// The resource's type, and its declared attributes.
    pub ty: &'a str,
    pub attributes: &'a Attributes,
    pub now: Timestamp,
    /// What cannot be expressed, by number.
    pub unknowns: Vec<&'static str>,
}

impl Evaluator<'_, '_, '_> {
    /// When a condition holds, and when it fails. Anything but a truth value is a failure.
    pub(super) fn condition(&mut self, node: NodeId) -> Truth {
        self.truth(node, DEPTH).unwrap_or(Truth { yes: Expr::FALSE, fails: Expr::TRUE })
    }

    /// Something of which nothing can be said but that it is true, false or fails.
    fn unknown(&mut self, what: &'static str) -> Truth {
        let yes = self.unknowns.len() as u32;
        self.unknowns.extend([what, what]);
        Truth { yes: Expr::Unknown(yes), fails: all([not(Expr::Unknown(yes)), Expr::Unknown(yes + 1)]) }
    }

    fn truth(&mut self, node: NodeId, depth: usize) -> Result<Truth, Failure> {
        let Some(deeper) = depth.checked_sub(1) else { return Ok(self.unknown(TOO_LARGE)) };
        // Each part is another function's, so that little lies on the stack meanwhile.
        let truth = match self.program.node(node)? {
            Node::Bool(value) => Truth::certain(if value { Expr::TRUE } else { Expr::FALSE }),
            Node::Not(inner) => self.not(inner, deeper)?,
            Node::And(left, right) => self.and(left, right, deeper)?,
            Node::Or(left, right) => self.or(left, right, deeper)?,
            Node::If(condition, then, otherwise) => self.choice(condition, then, otherwise, deeper)?,
            Node::HasAttribute(inner, name) => self.has_attribute(inner, name, deeper)?,
            Node::HasAttributes(inner, names, length) => self.has_attributes(inner, (names, length), deeper)?,
            _ => self.value(node, depth)?,
        };
        Ok(if truth.yes.size() + truth.fails.size() > SIZE { self.unknown(TOO_LARGE) } else { truth })
    }

    fn not(&mut self, inner: NodeId, depth: usize) -> Result<Truth, Failure> {
        self.truth(inner, depth).map(Truth::opposite)
    }

    fn and(&mut self, left: NodeId, right: NodeId, depth: usize) -> Result<Truth, Failure> {
        let left = self.truth(left, depth)?;
        if left.yes.is_false() { Ok(left) } else { self.truth(right, depth).map(|right| left.and(right)) }
    }

    fn or(&mut self, left: NodeId, right: NodeId, depth: usize) -> Result<Truth, Failure> {
        let left = self.truth(left, depth)?;
        if left.yes.is_true() { Ok(left) } else { self.truth(right, depth).map(|right| left.or(right)) }
    }

    fn choice(&mut self, condition: NodeId, then: NodeId, other: NodeId, depth: usize) -> Result<Truth, Failure> {
        let condition = self.truth(condition, depth)?;
        let then = if condition.yes.is_false() { Truth::NEVER } else { self.truth(then, depth)? };
        let other = if condition.no().is_false() { Truth::NEVER } else { self.truth(other, depth)? };
        Ok(condition.choose(then, other))
    }

    fn has_attribute(&mut self, inner: NodeId, name: u32, depth: usize) -> Result<Truth, Failure> {
        let inner = self.cases(inner, depth)?;
        Ok(self.has(inner, &[name]))
    }

    fn has_attributes(&mut self, inner: NodeId, names: (u32, u32), depth: usize) -> Result<Truth, Failure> {
        let names = self.program.list(names.0, names.1)?.to_vec();
        let inner = self.cases(inner, depth)?;
        Ok(self.has(inner, &names))
    }

    fn value(&mut self, node: NodeId, depth: usize) -> Result<Truth, Failure> {
        let cases = self.cases(node, depth)?;
        Ok(self.truth_of(cases))
    }

    /// A value as a truth.
    fn truth_of(&mut self, cases: Cases) -> Truth {
        let mut truth = Truth { yes: Expr::FALSE, fails: cases.fails };
        for (when, value) in cases.ways {
            let (yes, fails) = match value {
                Partial::Known(Value::Bool(value)) => (if value { Expr::TRUE } else { Expr::FALSE }, Expr::FALSE),
                Partial::Attribute(attribute) if attribute.r#type == Type::Bool => {
                    let (attribute, truth) = (Operand::Attribute(attribute), Operand::Value(Value::Bool(true)));
                    (Expr::Compare(Comparison::Equal, attribute, truth), Expr::FALSE)
                }
                Partial::Unknown(what) => {
                    let unknown = self.unknown(what);
                    (unknown.yes, unknown.fails)
                }
                _ => (Expr::FALSE, Expr::TRUE),
            };
            truth.yes = any([truth.yes, all([when.clone(), yes])]);
            truth.fails = any([truth.fails, all([when, fails])]);
        }
        truth
    }

    /// Whether there is an attribute, or one within another.
    fn has(&mut self, base: Cases, names: &[u32]) -> Truth {
        let mut truth = Truth { yes: Expr::FALSE, fails: base.fails };
        for (when, value) in base.ways {
            let (name, rest) = match names.split_first() {
                Some(split) if !matches!(value, Partial::Unknown(_)) => split,
                Some(_) => {
                    let unknown = self.unknown("an attribute of what cannot be expressed");
                    truth.yes = any([truth.yes, all([when.clone(), unknown.yes])]);
                    truth.fails = any([truth.fails, all([when, unknown.fails])]);
                    continue;
                }
                None => {
                    truth.yes = any([truth.yes, when]);
                    continue;
                }
            };
            let Some(members) = self.member(&value, *name) else {
                truth.fails = any([truth.fails, when]);
                continue;
            };
            for (found, member) in members {
                let Some(member) = member else { continue };
                let mut inner = Cases { ways: vec![], fails: Expr::FALSE };
                inner.add(all([when.clone(), found]), member);
                let inner = self.has(inner, rest);
                truth.yes = any([truth.yes, inner.yes]);
                truth.fails = any([truth.fails, inner.fails]);
            }
        }
        truth
    }

    /// The values that a node may have. What is done with those of its parts is another function's, so that little lies
    /// on the stack meanwhile.
    fn cases(&mut self, node: NodeId, depth: usize) -> Result<Cases, Failure> {
        let Some(deeper) = depth.checked_sub(1) else { return Ok(Cases::of(Partial::Unknown(TOO_LARGE))) };
        let found = self.program.node(node)?;
        let cases = match found {
            Node::Not(_) | Node::And(..) | Node::Or(..) | Node::HasAttribute(..) | Node::HasAttributes(..) => {
                Cases::of_truth(self.truth(node, depth)?)
            }
            Node::If(condition, then, otherwise) => self.branches(condition, then, otherwise, deeper)?,
            // What is asked of the context most is one of its members.
            Node::GetAttribute(inner, name) if self.program.node(inner)? == Node::Context => {
                let member = self.world.member(self.world.context(), name);
                member.map_or_else(Cases::failure, |value| Cases::known(read(self.world, value)))
            }
            Node::Negate(inner)
            | Node::IsEmpty(inner)
            | Node::GetAttribute(inner, _)
            | Node::Like(inner, ..)
            | Node::Is(inner, _)
            | Node::Call(_, inner) => {
                let inner = self.cases(inner, deeper)?;
                self.of_one(found, inner)?
            }
            Node::Equal(left, right)
            | Node::Less(left, right)
            | Node::LessEqual(left, right)
            | Node::Add(left, right)
            | Node::Subtract(left, right)
            | Node::Multiply(left, right)
            | Node::In(left, right)
            | Node::Contains(left, right)
            | Node::ContainsAll(left, right)
            | Node::ContainsAny(left, right)
            | Node::HasTag(left, right)
            | Node::GetTag(left, right)
            | Node::Call2(_, left, right) => {
                let (left, right) = (self.cases(left, deeper)?, self.cases(right, deeper)?);
                left.then(|left| right.clone().then(|right| self.of_two(found, &left, &right)))
            }
            Node::Set(list, length) => self.set(list, length, deeper)?,
            Node::Record(list, length) => self.record(list, length, deeper)?,
            Node::Resource => Cases::of(Partial::Resource),
            leaf => Cases::known(self.leaf(leaf)?),
        };
        let size = cases.fails.size() + cases.ways.iter().map(|(when, _)| when.size()).sum::<usize>();
        Ok(if size > SIZE { Cases::of(Partial::Unknown(TOO_LARGE)) } else { cases })
    }

    /// A value that a policy or the request says.
    fn leaf(&self, node: Node) -> Result<Value, Failure> {
        let entity = |ty: &str, id: &str| Value::Entity(ty.to_owned(), id.to_owned());
        Ok(match node {
            Node::Bool(value) => Value::Bool(value),
            Node::Long(value) => Value::Long(value),
            Node::Decimal(value) => Value::Decimal(value),
            Node::Datetime(value) => Value::Datetime(value),
            Node::Duration(value) => Value::Duration(value),
            Node::Ip(list) => Value::Ip(self.program.ip(list)?),
            Node::Text(text) => Value::String(self.world.text(text).to_owned()),
            Node::Entity(constant) => {
                let constant = self.world.constant(constant);
                entity(constant.ty, constant.id)
            }
            Node::Principal => entity(self.subject.ty, self.subject.id),
            Node::Action => {
                let action = self.world.action();
                entity(action.ty, action.id)
            }
            Node::Context => {
                let members = self.world.members(self.world.context()).into_iter();
                Value::Record(members.map(|(name, value)| (name.to_owned(), read(self.world, value))).collect())
            }
            _ => return Err(Failure::Broken),
        })
    }

    /// What comes of one value.
    fn of_one(&self, node: Node, inner: Cases) -> Result<Cases, Failure> {
        Ok(match node {
            Node::Negate(_) => {
                let zero = Partial::Known(Value::Long(0));
                inner.then(|value| arithmetic(Arithmetic::Subtract, &zero, &value))
            }
            Node::IsEmpty(_) => inner.then(|value| said(sets::is_empty(&value))),
            Node::GetAttribute(_, name) => inner.then(|value| self.attribute(&value, name)),
            Node::Like(_, pattern, length) => {
                let pattern = self.program.list(pattern, length)?;
                inner.then(|value| said(like(&value, pattern)))
            }
            Node::Is(_, ty) => {
                let ty = self.world.text(ty);
                inner.then(|value| match (&value, self.entity_type(&value)) {
                    (Partial::Unknown(what), _) => Cases::of(Partial::Unknown(what)),
                    (_, Some(found)) => Cases::known(Value::Bool(found == ty)),
                    _ => Cases::failure(),
                })
            }
            Node::Call(called, _) => inner.then(|value| function(called, &value)),
            _ => return Err(Failure::Broken),
        })
    }

    /// What comes of two values.
    fn of_two(&self, node: Node, left: &Partial, right: &Partial) -> Cases {
        match node {
            Node::Equal(..) => said(equal(left, right, self.ty)),
            Node::Less(..) => said(order(Comparison::Less, left, right)),
            Node::LessEqual(..) => said(order(Comparison::LessEqual, left, right)),
            Node::Add(..) => arithmetic(Arithmetic::Add, left, right),
            Node::Subtract(..) => arithmetic(Arithmetic::Subtract, left, right),
            Node::Multiply(..) => arithmetic(Arithmetic::Multiply, left, right),
            Node::In(..) => said(self.lies_in(left, right)),
            Node::Contains(..) => said(sets::contains(left, right, self.ty)),
            Node::ContainsAll(..) => said(sets::contains_all(left, right, self.ty)),
            Node::ContainsAny(..) => said(sets::contains_any(left, right, self.ty)),
            Node::Call2(called, ..) => function2(called, left, right),
            Node::HasTag(..) => said(self.tag(left, right)),
            // Nothing has tags here.
            _ => Cases::failure(),
        }
    }

    fn set(&mut self, list: u32, length: u32, depth: usize) -> Result<Cases, Failure> {
        let elements = self.program.list(list, length)?.to_vec();
        Ok(self.parts(&elements, depth)?.then_parts(|elements| {
            let known = elements.iter().map(known).collect::<Option<_>>();
            known.map_or_else(|| Partial::Set(elements), |elements| Partial::Known(Value::Set(elements)))
        }))
    }

    fn record(&mut self, list: u32, length: u32, depth: usize) -> Result<Cases, Failure> {
        let pairs = self.program.list(list, length)?.chunks_exact(2);
        let pairs = pairs.filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
        let (names, members): (Vec<u32>, Vec<NodeId>) = pairs.unzip();
        let names: Vec<String> = names.iter().map(|name| self.world.text(*name).to_owned()).collect();
        Ok(self.parts(&members, depth)?.then_parts(|members| {
            let known: Option<Vec<Value>> = members.iter().map(known).collect();
            let names = names.iter().cloned();
            match known {
                Some(members) => Partial::Known(Value::Record(names.zip(members).collect())),
                None => Partial::Record(names.zip(members).collect()),
            }
        }))
    }

    fn branches(&mut self, condition: NodeId, then: NodeId, otherwise: NodeId, depth: usize) -> Result<Cases, Failure> {
        let condition = self.truth(condition, depth)?;
        let no = condition.no();
        let mut cases = Cases { ways: vec![], fails: condition.fails };
        for (when, node) in [(condition.yes, then), (no, otherwise)] {
            if !when.is_false() {
                let branch = self.cases(node, depth)?.within(&when);
                cases.fails = any([cases.fails, branch.fails]);
                cases.ways.extend(branch.ways);
            }
        }
        Ok(cases)
    }

    fn tag(&self, entity: &Partial, name: &Partial) -> Said {
        let text = match name {
            Partial::Known(Value::String(_)) => true,
            Partial::Attribute(attribute) => attribute.r#type == Type::String,
            _ => false,
        };
        match (entity, name) {
            (Partial::Unknown(what), _) | (_, Partial::Unknown(what)) => Said::Unknown(what),
            _ if text && self.entity_type(entity).is_some() => Said::plainly(false),
            _ => Said::Fails,
        }
    }

    fn attribute(&self, value: &Partial, name: u32) -> Cases {
        let Some(members) = self.member(value, name) else { return Cases::failure() };
        let mut cases = Cases { ways: vec![], fails: Expr::FALSE };
        for (when, member) in members {
            match member {
                Some(member) => cases.add(when, member),
                None => cases.fails = any([cases.fails, when]),
            }
        }
        cases
    }

    /// The values of several nodes together.
    fn parts(&mut self, nodes: &[NodeId], depth: usize) -> Result<Parts, Failure> {
        let mut parts = Parts { ways: vec![(Expr::TRUE, vec![])], fails: Expr::FALSE };
        for node in nodes {
            let cases = self.cases(*node, depth)?;
            parts.fails = any([parts.fails, cases.fails]);
            let mut ways = vec![];
            for (when, values) in &parts.ways {
                for (and_when, value) in &cases.ways {
                    let both = all([when.clone(), and_when.clone()]);
                    if !both.is_false() {
                        ways.push((both, values.iter().cloned().chain([value.clone()]).collect()));
                    }
                }
            }
            parts.ways = ways;
            if parts.ways.len() > SIZE {
                parts.ways = vec![(not(parts.fails.clone()), vec![Partial::Unknown(TOO_LARGE)])];
            }
        }
        Ok(parts)
    }
}

/// The values that several nodes may have together.
struct Parts {
    ways: Vec<(Expr, Vec<Partial>)>,
    fails: Expr,
}

impl Parts {
    fn then_parts(self, made: impl Fn(Vec<Partial>) -> Partial) -> Cases {
        let mut cases = Cases { ways: vec![], fails: self.fails };
        for (when, values) in self.ways {
            let unknown = values.iter().find_map(|value| match value {
                Partial::Unknown(what) => Some(Partial::Unknown(what)),
                _ => None,
            });
            cases.add(when, unknown.unwrap_or_else(|| made(values)));
        }
        cases
    }
}

fn known(value: &Partial) -> Option<Value> {
    match value {
        Partial::Known(value) => Some(value.clone()),
        _ => None,
    }
}

fn like(value: &Partial, pattern: &[u32]) -> Said {
    match value {
        Partial::Unknown(what) => Said::Unknown(what),
        Partial::Known(Value::String(text)) => Said::plainly(matches(pattern, text)),
        Partial::Attribute(attribute) if attribute.r#type == Type::String => {
            let part = |part: &u32| if *part == ANY_TEXT { Some(None) } else { char::from_u32(*part).map(Some) };
            match pattern.iter().map(part).collect::<Option<_>>() {
                Some(pattern) => Said::If(Expr::Like(attribute.clone(), Pattern(pattern))),
                // A number that is no character matches nothing.
                None => Said::plainly(false),
            }
        }
        _ => Said::Fails,
    }
}
