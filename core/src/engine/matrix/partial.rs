//! What a condition comes to while a part of the request is not known.

use crate::engine::Unknown;
use crate::engine::program::{Node, Program, holds};
use crate::engine::view::View;
use crate::engine::world::RequestWorld;
use crate::schema::Schema;
use crate::store::record::NONE;

/// What a condition comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Truth {
    /// It holds, whatever the rest is.
    Yes,
    /// It does not hold, whatever the rest is.
    No,
    /// It cannot be evaluated, whatever the rest is.
    Failed,
    /// It does not hold, but may fail to be evaluated.
    Never,
    /// Anything.
    Open,
}

/// Which nodes of the programs read what is not known.
#[derive(Debug)]
pub(in crate::engine) struct Partial {
    open: Vec<bool>,
}

/// What is not known.
#[derive(Debug, Clone, Copy)]
enum Rest<'u> {
    /// All but the principal, the action and the instant.
    Matrix,
    /// These attributes.
    Attributes(&'u Unknown),
}

impl Partial {
    /// While only the principal, the action and the instant are known.
    pub(super) fn of(view: &View<'_>) -> Self {
        Self::without(view, Rest::Matrix)
    }

    /// While some attributes are not known.
    pub(in crate::engine) fn of_unknown(view: &View<'_>, unknown: &Unknown) -> Self {
        Self::without(view, Rest::Attributes(unknown))
    }

    fn without(view: &View<'_>, rest: Rest<'_>) -> Self {
        let partial = Self::with_flags(view, rest, false);
        let mut flags = view.store.flags.iter().map(|flag| flag.get());
        let closed = flags.all(|condition| condition == NONE || !partial.is_open(condition));
        // Which flags are on may itself depend on what is not known.
        if closed { Self::with_flags(view, rest, true) } else { partial }
    }

    fn with_flags(view: &View<'_>, rest: Rest<'_>, flags: bool) -> Self {
        let mut partial = Self { open: Vec::with_capacity(view.policies.program.nodes().len()) };
        for node in view.policies.program.nodes() {
            let open = partial.reads_unknown(view, node, rest, flags);
            partial.open.push(open);
        }
        partial
    }

    /// Whether a node's value may depend on what is not known. A reference is always to an earlier node.
    fn reads_unknown(&self, view: &View<'_>, node: &Node, rest: Rest<'_>, flags: bool) -> bool {
        let program = &view.policies.program;
        let all = |list: &[u32]| list.iter().any(|part| self.is_open(*part));
        match *node {
            Node::Bool(_)
            | Node::Long(_)
            | Node::Decimal(_)
            | Node::Datetime(_)
            | Node::Duration(_)
            | Node::Ip(_)
            | Node::Text(_)
            | Node::Entity(_)
            | Node::Principal
            | Node::Action => false,
            Node::Resource => matches!(rest, Rest::Matrix),
            // As a whole, which nobody reads but to compare it.
            Node::Context => true,
            // The action says of which type the resource is.
            Node::Is(inner, _) => self.is_open(inner) && !matches!(program.node(inner), Ok(Node::Resource)),
            Node::GetAttribute(inner, name) => self.attribute_is_open(view, inner, name, rest, flags),
            Node::HasAttribute(inner, name) => self.attribute_is_open(view, inner, name, rest, flags),
            // An attribute within an attribute.
            Node::HasAttributes(inner, list, length) => match (rest, program.list(list, length)) {
                (Rest::Attributes(_), Ok(&[first, ..])) => self.attribute_is_open(view, inner, first, rest, flags),
                // Of what the decision point knows, nothing has attributes of its own.
                _ => true,
            },
            Node::Not(a) | Node::Negate(a) | Node::IsEmpty(a) | Node::Like(a, ..) | Node::Call(_, a) => self.is_open(a),
            Node::And(a, b)
            | Node::Or(a, b)
            | Node::Equal(a, b)
            | Node::Less(a, b)
            | Node::LessEqual(a, b)
            | Node::Add(a, b)
            | Node::Subtract(a, b)
            | Node::Multiply(a, b)
            | Node::In(a, b)
            | Node::Contains(a, b)
            | Node::ContainsAll(a, b)
            | Node::ContainsAny(a, b)
            | Node::HasTag(a, b)
            | Node::GetTag(a, b)
            | Node::Call2(_, a, b) => all(&[a, b]),
            Node::If(a, b, c) => all(&[a, b, c]),
            Node::Set(list, length) => program.list(list, length).map_or(true, all),
            Node::Record(list, length) => {
                let members = program.list(list, length);
                members.map_or(true, |members| members.iter().skip(1).step_by(2).any(|member| self.is_open(*member)))
            }
        }
    }

    /// Whether an attribute is unknown. Of the principal, those are known that no caller says; of the context, those that
    /// the decision point itself says. Whatever else has attributes may be, or come from, the resource or the context.
    fn attribute_is_open(&self, view: &View<'_>, of: u32, name: u32, rest: Rest<'_>, flags: bool) -> bool {
        let program = &view.policies.program;
        let name = view.store.texts.get(name);
        let is_callers = view.schema.caller.contains(name);
        let are_flags = name == "flags" && !flags;
        match (rest, program.node(of)) {
            (Rest::Matrix, Ok(Node::Principal)) => is_callers,
            (Rest::Matrix, Ok(Node::Context)) => !Schema::DECISION_POINT_ONLY.contains(&name) || are_flags,
            (Rest::Matrix, _) => true,
            (Rest::Attributes(unknown), Ok(Node::Principal)) => is_callers && unknown.principal.contains(name),
            (Rest::Attributes(unknown), Ok(Node::Resource)) => unknown.resource.contains(name),
            (Rest::Attributes(unknown), Ok(Node::Context)) => {
                let is_part = name == "action" && !unknown.action.is_empty();
                unknown.context.contains(name) || is_part || are_flags
            }
            // The action's attributes lie within, and are looked for one by one.
            (Rest::Attributes(unknown), Ok(Node::GetAttribute(inner, action))) if is_context(view, inner) => {
                match view.store.texts.get(action) {
                    "action" => unknown.action.contains(name),
                    _ => self.is_open(of),
                }
            }
            // What an attribute names may be the principal or the resource itself.
            (Rest::Attributes(unknown), _) => self.is_open(of) || unknown.names(name),
        }
    }

    fn is_open(&self, node: u32) -> bool {
        self.open.get(node as usize).copied().unwrap_or(true)
    }

    /// What a condition comes to. What is not known is not asked of the world.
    pub(in crate::engine) fn truth(&self, program: &Program, world: &RequestWorld<'_, '_>, node: u32) -> Truth {
        let truth = |node| self.truth(program, world, node);
        match program.node(node) {
            _ if !self.is_open(node) => match holds(program, world, node) {
                Ok(true) => Truth::Yes,
                Ok(false) => Truth::No,
                Err(_) => Truth::Failed,
            },
            Ok(Node::Not(inner)) => match truth(inner) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                Truth::Failed => Truth::Failed,
                Truth::Never | Truth::Open => Truth::Open,
            },
            Ok(Node::And(left, right)) => match truth(left) {
                Truth::Yes => truth(right),
                Truth::Open if truth(right).is_never() => Truth::Never,
                other => other,
            },
            Ok(Node::Or(left, right)) => match truth(left) {
                Truth::No => truth(right),
                Truth::Never if truth(right).is_never() => Truth::Never,
                Truth::Never => Truth::Open,
                other => other,
            },
            Ok(Node::If(condition, then, otherwise)) => match truth(condition) {
                Truth::Yes => truth(then),
                Truth::No => truth(otherwise),
                Truth::Failed => Truth::Failed,
                Truth::Never if truth(otherwise).is_never() => Truth::Never,
                Truth::Open if truth(then).is_never() && truth(otherwise).is_never() => Truth::Never,
                Truth::Never | Truth::Open => Truth::Open,
            },
            _ => Truth::Open,
        }
    }
}

impl Truth {
    /// Whether it surely does not hold.
    pub(super) fn is_never(self) -> bool {
        matches!(self, Self::No | Self::Failed | Self::Never)
    }
}

fn is_context(view: &View<'_>, node: u32) -> bool {
    matches!(view.policies.program.node(node), Ok(Node::Context))
}
