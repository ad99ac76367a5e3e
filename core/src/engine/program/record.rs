//! A program as it lies in a file, written and read in one place.

use super::node::{Function, Function2, MAX_DEPTH, MAX_SIZE, Node, NodeId, Program};
use crate::store::record::NodeRecord;
use zerocopy::little_endian::U32;

/// What nodes may refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How many entities there are.
    pub entities: usize,
    /// How many texts there are.
    pub texts: usize,
}

impl Program {
    /// Reads a program and holds every reference against what it refers to.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub(crate) fn read(nodes: &[NodeRecord], lists: &[U32], bounds: Bounds) -> Result<Self, &'static str> {
        let lists: Vec<u32> = lists.iter().map(|word| word.get()).collect();
        let mut read = Reader { lists: &lists, bounds, known: Vec::with_capacity(nodes.len()), deepest: 0, size: 0 };
        let mut checked = Vec::with_capacity(nodes.len());
        for node in nodes {
            (read.deepest, read.size) = (0, 1);
            checked.push(read.node(node)?);
            if read.deepest >= MAX_DEPTH {
                return Err("an expression that nests too deep");
            }
            if read.size > MAX_SIZE {
                return Err("an expression that is too large");
            }
            read.known.push((read.deepest + 1, read.size));
        }
        Ok(Self::of(checked, lists))
    }

    /// The nodes as they lie in a file.
    #[cfg(feature = "cedar")]
    pub(crate) fn records(&self) -> Vec<NodeRecord> {
        self.nodes().iter().map(|node| write(*node)).collect()
    }
}

struct Reader<'l> {
    lists: &'l [u32],
    bounds: Bounds,
    /// How deep the nodes that were read are, and of how many nodes, written out.
    known: Vec<(u16, u32)>,
    /// How deep the deepest part of the node that is being read is.
    deepest: u16,
    /// Of how many nodes it is so far.
    size: u32,
}

impl<'l> Reader<'l> {
    fn node(&mut self, record: &NodeRecord) -> Result<Node, &'static str> {
        let (a, b, c) = (record.a.get(), record.b.get(), record.c.get());
        let number = (u64::from(b) << 32 | u64::from(a)) as i64;
        let two = |read: &mut Self, node: fn(NodeId, NodeId) -> Node| {
            Ok::<_, &'static str>(node(read.part(a)?, read.part(b)?))
        };
        Ok(match record.op.get() {
            0 => Node::Bool(a != 0),
            1 => Node::Long(number),
            2 => Node::Decimal(number),
            3 => Node::Datetime(number),
            4 => Node::Duration(number),
            5 => {
                self.list(a, 6)?;
                Node::Ip(a)
            }
            6 => Node::Text(self.text(a)?),
            7 if (a as usize) < self.bounds.entities => Node::Entity(a),
            8 => Node::Principal,
            9 => Node::Action,
            10 => Node::Resource,
            11 => Node::Context,
            12 => Node::Not(self.part(a)?),
            13 => Node::Negate(self.part(a)?),
            14 => Node::IsEmpty(self.part(a)?),
            15 => two(self, Node::And)?,
            16 => two(self, Node::Or)?,
            17 => Node::If(self.part(a)?, self.part(b)?, self.part(c)?),
            18 => two(self, Node::Equal)?,
            19 => two(self, Node::Less)?,
            20 => two(self, Node::LessEqual)?,
            21 => two(self, Node::Add)?,
            22 => two(self, Node::Subtract)?,
            23 => two(self, Node::Multiply)?,
            24 => two(self, Node::In)?,
            25 => two(self, Node::Contains)?,
            26 => two(self, Node::ContainsAll)?,
            27 => two(self, Node::ContainsAny)?,
            28 => two(self, Node::HasTag)?,
            29 => two(self, Node::GetTag)?,
            30 => Node::GetAttribute(self.part(a)?, self.text(b)?),
            31 => Node::HasAttribute(self.part(a)?, self.text(b)?),
            38 => {
                for name in self.list(b, c)? {
                    self.text(*name)?;
                }
                Node::HasAttributes(self.part(a)?, b, c)
            }
            32 => {
                self.list(b, c)?;
                Node::Like(self.part(a)?, b, c)
            }
            33 => Node::Is(self.part(a)?, self.text(b)?),
            34 => {
                for element in self.list(a, b)? {
                    self.part(*element)?;
                }
                Node::Set(a, b)
            }
            35 => {
                for member in self.list(a, b)?.chunks(2) {
                    let [name, member] = member else { return Err("a record without its last value") };
                    self.text(*name)?;
                    self.part(*member)?;
                }
                Node::Record(a, b)
            }
            36 => Node::Call(*Function::ALL.get(a as usize).ok_or("an unknown function")?, self.part(b)?),
            37 => {
                let function = *Function2::ALL.get(a as usize).ok_or("an unknown function")?;
                Node::Call2(function, self.part(b)?, self.part(c)?)
            }
            _ => return Err("an unknown node, or an entity that is not there"),
        })
    }

    /// A node that the one being read refers to: one before it.
    fn part(&mut self, node: NodeId) -> Result<NodeId, &'static str> {
        let (depth, size) = self.known.get(node as usize).ok_or("a reference to a later node")?;
        self.deepest = self.deepest.max(*depth);
        self.size = self.size.saturating_add(*size);
        Ok(node)
    }

    fn text(&self, text: u32) -> Result<u32, &'static str> {
        if (text as usize) < self.bounds.texts { Ok(text) } else { Err("a text that is not there") }
    }

    fn list(&self, start: u32, length: u32) -> Result<&'l [u32], &'static str> {
        let end = (start as usize).checked_add(length as usize).ok_or("a list that is not there")?;
        self.lists.get(start as usize..end).ok_or("a list that is not there")
    }
}

#[cfg(feature = "cedar")]
fn write(node: Node) -> NodeRecord {
    let number = |value: i64| (value as u64 as u32, (value as u64 >> 32) as u32, 0);
    let position = |position: Option<usize>| position.unwrap_or_default() as u32;
    let (op, (a, b, c)) = match node {
        Node::Bool(value) => (0, (u32::from(value), 0, 0)),
        Node::Long(value) => (1, number(value)),
        Node::Decimal(value) => (2, number(value)),
        Node::Datetime(value) => (3, number(value)),
        Node::Duration(value) => (4, number(value)),
        Node::Ip(list) => (5, (list, 0, 0)),
        Node::Text(text) => (6, (text, 0, 0)),
        Node::Entity(entity) => (7, (entity, 0, 0)),
        Node::Principal => (8, (0, 0, 0)),
        Node::Action => (9, (0, 0, 0)),
        Node::Resource => (10, (0, 0, 0)),
        Node::Context => (11, (0, 0, 0)),
        Node::Not(a) => (12, (a, 0, 0)),
        Node::Negate(a) => (13, (a, 0, 0)),
        Node::IsEmpty(a) => (14, (a, 0, 0)),
        Node::And(a, b) => (15, (a, b, 0)),
        Node::Or(a, b) => (16, (a, b, 0)),
        Node::If(a, b, c) => (17, (a, b, c)),
        Node::Equal(a, b) => (18, (a, b, 0)),
        Node::Less(a, b) => (19, (a, b, 0)),
        Node::LessEqual(a, b) => (20, (a, b, 0)),
        Node::Add(a, b) => (21, (a, b, 0)),
        Node::Subtract(a, b) => (22, (a, b, 0)),
        Node::Multiply(a, b) => (23, (a, b, 0)),
        Node::In(a, b) => (24, (a, b, 0)),
        Node::Contains(a, b) => (25, (a, b, 0)),
        Node::ContainsAll(a, b) => (26, (a, b, 0)),
        Node::ContainsAny(a, b) => (27, (a, b, 0)),
        Node::HasTag(a, b) => (28, (a, b, 0)),
        Node::GetTag(a, b) => (29, (a, b, 0)),
        Node::GetAttribute(a, name) => (30, (a, name, 0)),
        Node::HasAttribute(a, name) => (31, (a, name, 0)),
        Node::HasAttributes(a, list, length) => (38, (a, list, length)),
        Node::Like(a, list, length) => (32, (a, list, length)),
        Node::Is(a, ty) => (33, (a, ty, 0)),
        Node::Set(list, length) => (34, (list, length, 0)),
        Node::Record(list, length) => (35, (list, length, 0)),
        Node::Call(function, a) => (36, (position(Function::ALL.iter().position(|known| *known == function)), a, 0)),
        Node::Call2(function, a, b) => {
            (37, (position(Function2::ALL.iter().position(|known| *known == function)), a, b))
        }
    };
    NodeRecord { op: U32::new(op), a: a.into(), b: b.into(), c: c.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `principal`, and so many times both sides of an equation.
    fn doubled(times: u32) -> Vec<NodeRecord> {
        let both = (0..times).map(|node| NodeRecord { op: 18.into(), a: node.into(), b: node.into(), c: 0.into() });
        [NodeRecord { op: 8.into(), a: 0.into(), b: 0.into(), c: 0.into() }].into_iter().chain(both).collect()
    }

    #[test]
    fn what_would_run_for_years_is_refused() {
        let read = |times| Program::read(&doubled(times), &[], Bounds { entities: 0, texts: 0 });
        assert!(read(10).is_ok());
        assert_eq!(read(20).unwrap_err(), "an expression that is too large");
        assert_eq!(read(1_000).unwrap_err(), "an expression that is too large");
    }

    #[test]
    fn what_would_exhaust_the_stack_is_refused() {
        let negated = |times: u32| {
            let mut nodes = doubled(0);
            nodes.extend((0..times).map(|node| NodeRecord { op: 12.into(), a: node.into(), b: 0.into(), c: 0.into() }));
            Program::read(&nodes, &[], Bounds { entities: 0, texts: 0 })
        };
        assert!(negated(u32::from(MAX_DEPTH) - 1).is_ok());
        assert_eq!(negated(u32::from(MAX_DEPTH)).unwrap_err(), "an expression that nests too deep");
    }
}
