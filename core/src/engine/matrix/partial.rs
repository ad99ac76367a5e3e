//! What a condition comes to while only the principal, the action and the instant are known.

use crate::engine::program::{Node, Program, holds};
use crate::engine::view::View;
use crate::engine::world::RequestWorld;
use crate::schema::Schema;
use crate::store::record::NONE;

/// What a condition comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
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
pub(super) struct Partial {
    open: Vec<bool>,
}

impl Partial {
    pub(super) fn of(view: &View<'_>) -> Self {
        let partial = Self::with_flags(view, false);
        let mut flags = view.store.flags.iter().map(|flag| flag.get());
        let closed = flags.all(|condition| condition == NONE || !partial.is_open(condition));
        // Which flags are on may itself depend on what is not known.
        if closed { Self::with_flags(view, true) } else { partial }
    }

    fn with_flags(view: &View<'_>, flags: bool) -> Self {
        let mut partial = Self { open: Vec::with_capacity(view.policies.program.nodes().len()) };
        for node in view.policies.program.nodes() {
            let open = partial.reads_unknown(view, node, flags);
            partial.open.push(open);
        }
        partial
    }

    /// Whether a node's value may depend on what is not known. A reference is always to an earlier node.
    fn reads_unknown(&self, view: &View<'_>, node: &Node, flags: bool) -> bool {
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
            Node::Resource | Node::Context => true,
            // The action says of which type the resource is.
            Node::Is(inner, _) => self.is_open(inner) && !matches!(program.node(inner), Ok(Node::Resource)),
            Node::GetAttribute(inner, name) => attribute_is_open(view, inner, name, flags),
            Node::HasAttribute(inner, name) => attribute_is_open(view, inner, name, flags),
            // Of what the decision point knows, nothing has attributes of its own.
            Node::HasAttributes(..) => true,
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

    fn is_open(&self, node: u32) -> bool {
        self.open.get(node as usize).copied().unwrap_or(true)
    }

    /// What a condition comes to. The world's resource and context are not asked, but for what the decision point knows.
    pub(super) fn truth(&self, program: &Program, world: &RequestWorld<'_, '_>, node: u32) -> Truth {
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

/// Whether an attribute is unknown. Of the principal, those are known that no caller says; of the context, those that the
/// decision point itself says. Whatever else has attributes may be, or come from, the resource or the context.
fn attribute_is_open(view: &View<'_>, of: u32, name: u32, flags: bool) -> bool {
    let name = view.store.texts.get(name);
    match view.policies.program.node(of) {
        Ok(Node::Principal) => view.schema.caller.contains(name),
        Ok(Node::Context) => !Schema::DECISION_POINT_ONLY.contains(&name) || (name == "flags" && !flags),
        _ => true,
    }
}
