//! How a node is run as a condition: what is mostly written is one step, and reads each attribute once.
//!
//! Attributes are optional, so nearly every condition first asks whether they are there: `resource has owner &&
//! resource.owner == principal`. Such a chain is one step with the same meaning, found when a program is read; the nodes
//! stay as they are for whoever asks what they say.

use super::node::{Node, NodeId};
use smallvec::SmallVec;

/// How a node is run as a condition.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// As the node says.
    Node(Node),
    /// False where an attribute that is compared is not there; else what the comparison says.
    Guarded(Comparison, Operand, Operand),
}

/// What compares two values, of which each was read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    In,
    Contains,
}

/// What is compared. `u32`s are texts, which are the names of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Principal,
    Resource,
    PrincipalAttribute(u32),
    ResourceAttribute(u32),
    ContextAttribute(u32),
    /// A node that cannot fail: a constant.
    Constant(NodeId),
}

/// How many tests for attributes may stand before a comparison, which has two sides.
const GUARDS: usize = 2;

/// The parts of a chain: as many tests, and the comparison.
type Parts = SmallVec<[Node; GUARDS + 1]>;

impl Step {
    /// How a node is run that refers to these, which lie before it.
    pub(super) fn of(nodes: &[Node], node: Node) -> Self {
        guarded(nodes, node).unwrap_or(Self::Node(node))
    }
}

/// A chain of `&&` whose last part is a comparison, and whose other parts ask for just the attributes that it reads. Then
/// no part can fail before the comparison itself, and in which order they are asked does not matter.
fn guarded(nodes: &[Node], node: Node) -> Option<Step> {
    let Node::And(left, right) = node else { return None };
    let mut parts = Parts::new();
    parts_of(nodes, left, GUARDS, &mut parts)?;
    parts_of(nodes, right, GUARDS, &mut parts)?;
    let (last, guards) = parts.split_last()?;
    let (comparison, left, right) = match *last {
        Node::Equal(left, right) => (Comparison::Equal, left, right),
        Node::In(left, right) => (Comparison::In, left, right),
        Node::Contains(left, right) => (Comparison::Contains, left, right),
        _ => return None,
    };
    let (left, right) = (operand(nodes, left)?, operand(nodes, right)?);
    let mut asked: SmallVec<[Operand; GUARDS]> = SmallVec::new();
    for guard in guards {
        let Node::HasAttribute(of, name) = guard else { return None };
        asked.push(attribute(nodes, *of, *name)?);
    }
    let read = [left, right].into_iter().filter(|operand| operand.is_attribute());
    let all_asked = read.clone().all(|attribute| asked.contains(&attribute));
    let all_read = asked.iter().all(|attribute| read.clone().any(|read| read == *attribute));
    (all_asked && all_read).then_some(Step::Guarded(comparison, left, right))
}

/// The parts of a chain of `&&` in their order; `None` where it is longer than any that is one step.
fn parts_of(nodes: &[Node], node: NodeId, deep: usize, parts: &mut Parts) -> Option<()> {
    match *nodes.get(node as usize)? {
        Node::And(left, right) => {
            let deep = deep.checked_sub(1)?;
            parts_of(nodes, left, deep, parts)?;
            parts_of(nodes, right, deep, parts)
        }
        _ if parts.len() > GUARDS => None,
        other => {
            parts.push(other);
            Some(())
        }
    }
}

fn operand(nodes: &[Node], node: NodeId) -> Option<Operand> {
    Some(match *nodes.get(node as usize)? {
        Node::Principal => Operand::Principal,
        Node::Resource => Operand::Resource,
        Node::GetAttribute(of, name) => attribute(nodes, of, name)?,
        Node::Bool(_)
        | Node::Long(_)
        | Node::Decimal(_)
        | Node::Datetime(_)
        | Node::Duration(_)
        | Node::Text(_)
        | Node::Entity(_) => Operand::Constant(node),
        _ => return None,
    })
}

/// An attribute of what always has attributes.
fn attribute(nodes: &[Node], of: NodeId, name: u32) -> Option<Operand> {
    match nodes.get(of as usize)? {
        Node::Principal => Some(Operand::PrincipalAttribute(name)),
        Node::Resource => Some(Operand::ResourceAttribute(name)),
        Node::Context => Some(Operand::ContextAttribute(name)),
        _ => None,
    }
}

impl Operand {
    fn is_attribute(self) -> bool {
        matches!(self, Self::PrincipalAttribute(_) | Self::ResourceAttribute(_) | Self::ContextAttribute(_))
    }
}
