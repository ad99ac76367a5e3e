//! The nodes of a program, in an arena: a node refers to nodes before it only.

/// A node's place in its program.
pub(crate) type NodeId = u32;

/// Expressions and the constants that they name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    /// The nodes; every reference is to an earlier one.
    pub nodes: Vec<Node>,
    /// Texts: string literals and names of attributes.
    pub texts: Vec<Box<str>>,
    /// Patterns of `like`.
    pub patterns: Vec<Vec<Wildcard>>,
    /// What has no fixed number of parts: elements, members, and names of nested attributes.
    pub lists: Vec<Vec<u32>>,
}

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wildcard {
    /// Exactly this character.
    One(char),
    /// Any characters.
    Any,
}

/// One node. `u32`s are nodes unless the comment says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Bool(bool),
    Long(i64),
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
    /// Node, list of texts: each within the one before.
    HasAttribute(NodeId, u32),
    /// Node, pattern.
    Like(NodeId, u32),
    /// Node, entity type constant of the world.
    Is(NodeId, u32),
    /// List of nodes.
    Set(u32),
    /// List: text, node, text, node …, in the order of the texts.
    Record(u32),
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

impl Program {
    /// A node. The root of an expression that was compiled into this program is always there.
    pub(crate) fn node(&self, id: NodeId) -> Node {
        self.nodes.get(id as usize).copied().unwrap_or(Node::Bool(false))
    }

    /// A text.
    pub(crate) fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", AsRef::as_ref)
    }

    /// A list.
    pub(crate) fn list(&self, id: u32) -> &[u32] {
        self.lists.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// A pattern.
    pub(crate) fn pattern(&self, id: u32) -> &[Wildcard] {
        self.patterns.get(id as usize).map_or(&[], Vec::as_slice)
    }
}

/// Whether a text matches a pattern, by going back to the last wildcard only.
pub(crate) fn matches(pattern: &[Wildcard], text: &str) -> bool {
    let (mut left, mut rest) = (pattern, text.chars());
    let mut retry: Option<(&[Wildcard], std::str::Chars<'_>)> = None;
    loop {
        match left.split_first() {
            Some((Wildcard::Any, after)) => {
                left = after;
                retry = Some((after, rest.clone()));
                continue;
            }
            Some((Wildcard::One(expected), after)) => {
                let mut ahead = rest.clone();
                if ahead.next() == Some(*expected) {
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

    fn pattern(text: &str) -> Vec<Wildcard> {
        text.chars().map(|c| if c == '*' { Wildcard::Any } else { Wildcard::One(c) }).collect()
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
