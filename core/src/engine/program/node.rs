//! The nodes of a program, in an arena: a node refers to nodes before it only.

use super::evaluate::Failure;
use super::step::Step;
use crate::schema::IpRange;
use std::net::IpAddr;

/// A node's place in its program.
pub(crate) type NodeId = u32;

/// Expressions. Texts and entities are numbered by the world that the program runs in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    /// The nodes; every reference is to an earlier one.
    nodes: Vec<Node>,
    /// How each is run as a condition.
    steps: Vec<Step>,
    /// What has no fixed number of parts: elements, members, names of nested attributes, patterns and addresses.
    lists: Vec<u32>,
}

/// A wildcard in a pattern, whose other parts are characters.
pub(crate) const ANY_TEXT: u32 = u32::MAX;

/// How deep nodes may lie in each other, so that running them cannot exhaust the stack.
pub(crate) const MAX_DEPTH: u16 = 1_200;

/// How many nodes an expression may have, written out: where nodes are shared, a few could otherwise run for years.
pub(crate) const MAX_SIZE: u32 = 1 << 20;

/// One node. `u32`s are nodes unless the comment says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Bool(bool),
    Long(i64),
    /// In ten-thousandths.
    Decimal(i64),
    /// Milliseconds since 1970.
    Datetime(i64),
    /// Milliseconds.
    Duration(i64),
    /// List: the version, four words of the address, and the length of the prefix.
    Ip(u32),
    /// A text.
    Text(u32),
    /// An entity constant of the world.
    Entity(u32),
    Principal,
    Action,
    Resource,
    Context,
    Not(NodeId),
    Negate(NodeId),
    IsEmpty(NodeId),
    And(NodeId, NodeId),
    Or(NodeId, NodeId),
    If(NodeId, NodeId, NodeId),
    Equal(NodeId, NodeId),
    Less(NodeId, NodeId),
    LessEqual(NodeId, NodeId),
    Add(NodeId, NodeId),
    Subtract(NodeId, NodeId),
    Multiply(NodeId, NodeId),
    In(NodeId, NodeId),
    Contains(NodeId, NodeId),
    ContainsAll(NodeId, NodeId),
    ContainsAny(NodeId, NodeId),
    HasTag(NodeId, NodeId),
    GetTag(NodeId, NodeId),
    /// Node, text.
    GetAttribute(NodeId, u32),
    /// Node, text.
    HasAttribute(NodeId, u32),
    /// Node, list of texts and its length: each within the one before.
    HasAttributes(NodeId, u32, u32),
    /// Node, pattern and its length.
    Like(NodeId, u32, u32),
    /// Node, text: an entity type.
    Is(NodeId, u32),
    /// List of nodes and its length.
    Set(u32, u32),
    /// List and its length: text, node, text, node …
    Record(u32, u32),
    /// Extension function on one value.
    Call(Function, NodeId),
    /// Extension function on two values.
    Call2(Function2, NodeId, NodeId),
}

/// Extension functions of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Function {
    Datetime,
    Decimal,
    Duration,
    Ip,
    IsIpv4,
    IsIpv6,
    IsLoopback,
    IsMulticast,
    ToDate,
    ToTime,
    ToMilliseconds,
    ToSeconds,
    ToMinutes,
    ToHours,
    ToDays,
}

/// Extension functions of two arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Function2 {
    IsInRange,
    Offset,
    DurationSince,
    LessThan,
    LessThanOrEqual,
    GreaterThan,
    GreaterThanOrEqual,
}

impl Function {
    /// Every function, by its number in a file.
    pub(super) const ALL: [Self; 15] = [
        Self::Datetime,
        Self::Decimal,
        Self::Duration,
        Self::Ip,
        Self::IsIpv4,
        Self::IsIpv6,
        Self::IsLoopback,
        Self::IsMulticast,
        Self::ToDate,
        Self::ToTime,
        Self::ToMilliseconds,
        Self::ToSeconds,
        Self::ToMinutes,
        Self::ToHours,
        Self::ToDays,
    ];
}

impl Function2 {
    /// Every function, by its number in a file.
    pub(super) const ALL: [Self; 7] = [
        Self::IsInRange,
        Self::Offset,
        Self::DurationSince,
        Self::LessThan,
        Self::LessThanOrEqual,
        Self::GreaterThan,
        Self::GreaterThanOrEqual,
    ];
}

impl Program {
    /// A node. The root of an expression that was compiled into this program is always there.
    #[inline]
    pub(crate) fn node(&self, id: NodeId) -> Result<Node, Failure> {
        self.nodes.get(id as usize).copied().ok_or(Failure::Broken)
    }

    /// A list.
    pub(crate) fn list(&self, start: u32, length: u32) -> Result<&[u32], Failure> {
        let end = (start as usize).checked_add(length as usize).ok_or(Failure::Broken)?;
        self.lists.get(start as usize..end).ok_or(Failure::Broken)
    }

    /// A program of nodes that were checked.
    pub(super) fn of(nodes: Vec<Node>, lists: Vec<u32>) -> Self {
        let steps = nodes.iter().map(|node| Step::of(&nodes, *node)).collect();
        Self { nodes, steps, lists }
    }

    /// How a node is run as a condition.
    #[inline]
    pub(super) fn step(&self, id: NodeId) -> Result<Step, Failure> {
        self.steps.get(id as usize).copied().ok_or(Failure::Broken)
    }

    /// How many nodes are run with others in one step.
    #[cfg(all(test, feature = "cedar"))]
    pub(crate) fn steps(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Guarded(..))).count()
    }

    /// The same, each node run by itself: the slow twin.
    #[cfg(all(test, feature = "cedar"))]
    pub(crate) fn node_by_node(&self) -> Self {
        Self { steps: self.nodes.iter().map(|node| Step::Node(*node)).collect(), ..self.clone() }
    }

    /// All nodes.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// An address constant.
    pub(crate) fn ip(&self, list: u32) -> Result<IpRange, Failure> {
        let [version, words @ .., prefix] = self.list(list, 6)? else { return Err(Failure::Broken) };
        let address = words.iter().fold(0_u128, |address, word| address << 32 | u128::from(*word));
        let prefix = u8::try_from(*prefix).map_err(|_| Failure::Broken)?;
        let address = match version {
            4 => IpAddr::V4(u32::try_from(address).map_err(|_| Failure::Broken)?.into()),
            _ => IpAddr::V6(address.into()),
        };
        Ok(IpRange { address, prefix })
    }
}

#[cfg(feature = "cedar")]
impl Program {
    /// Adds a node behind all others.
    pub(crate) fn push(&mut self, node: Node) -> Option<NodeId> {
        let id = u32::try_from(self.nodes.len()).ok()?;
        self.steps.push(Step::of(&self.nodes, node));
        self.nodes.push(node);
        Some(id)
    }

    /// Adds a list: its start and its length.
    pub(crate) fn push_list(&mut self, list: &[u32]) -> Option<(u32, u32)> {
        let (start, length) = (u32::try_from(self.lists.len()).ok()?, u32::try_from(list.len()).ok()?);
        self.lists.extend(list);
        Some((start, length))
    }

    /// Adds an address constant.
    pub(crate) fn push_ip(&mut self, range: IpRange) -> Option<u32> {
        let (version, address) = match range.address {
            IpAddr::V4(address) => (4, u128::from(u32::from(address))),
            IpAddr::V6(address) => (6, u128::from(address)),
        };
        let word = |shift: u32| (address >> shift) as u32;
        Some(self.push_list(&[version, word(96), word(64), word(32), word(0), range.prefix.into()])?.0)
    }

    /// All lists, one behind the other.
    pub(crate) fn lists(&self) -> &[u32] {
        &self.lists
    }

    /// The nodes that a node refers to.
    pub(crate) fn parts(&self, node: Node) -> Vec<NodeId> {
        let list = |start, length| self.list(start, length).unwrap_or_default();
        match node {
            Node::Bool(_)
            | Node::Long(_)
            | Node::Decimal(_)
            | Node::Datetime(_)
            | Node::Duration(_)
            | Node::Ip(_)
            | Node::Text(_)
            | Node::Entity(_)
            | Node::Principal
            | Node::Action
            | Node::Resource
            | Node::Context => vec![],
            Node::Not(a)
            | Node::Negate(a)
            | Node::IsEmpty(a)
            | Node::GetAttribute(a, _)
            | Node::HasAttribute(a, _)
            | Node::HasAttributes(a, ..)
            | Node::Like(a, ..)
            | Node::Is(a, _)
            | Node::Call(_, a) => vec![a],
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
            | Node::Call2(_, a, b) => vec![a, b],
            Node::If(a, b, c) => vec![a, b, c],
            Node::Set(start, length) => list(start, length).to_vec(),
            Node::Record(start, length) => list(start, length).iter().skip(1).step_by(2).copied().collect(),
        }
    }
}

/// Whether a text matches a pattern, by going back to the last wildcard only.
pub(crate) fn matches(pattern: &[u32], text: &str) -> bool {
    let (mut left, mut rest) = (pattern, text.chars());
    let mut retry: Option<(&[u32], std::str::Chars<'_>)> = None;
    loop {
        match left.split_first() {
            Some((&ANY_TEXT, after)) => {
                left = after;
                retry = Some((after, rest.clone()));
                continue;
            }
            Some((expected, after)) => {
                let mut ahead = rest.clone();
                if ahead.next().map(u32::from) == Some(*expected) {
                    (left, rest) = (after, ahead);
                    continue;
                }
            }
            None if rest.as_str().is_empty() => return true,
            None => {}
        }
        // A mismatch: let the last wildcard take one character more.
        let Some((after, mut taken)) = retry.take() else { return false };
        if taken.next().is_none() {
            return false;
        }
        (left, rest) = (after, taken.clone());
        retry = Some((after, taken));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Vec<u32> {
        text.chars().map(|c| if c == '*' { ANY_TEXT } else { c.into() }).collect()
    }

    #[test]
    fn patterns() {
        for (like, text, holds) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "äö", true),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("**x**", "x", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "aab", false),
        ] {
            assert_eq!(matches(&pattern(like), text), holds, "{like} on {text}");
        }
    }
}
