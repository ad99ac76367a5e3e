//! From Cedar's syntax tree to programs: equal expressions become one node.

use crate::engine::program::{ANY_TEXT, Function, Function2, MAX_SIZE, Node, NodeId, Program};
use crate::schema::literal::{read_datetime, read_decimal, read_duration, read_ip};
use crate::store::write::TextsBuilder;
use cedar_policy::pst::{BinaryOp, Clause, EntityType, EntityUID, Expr, Literal, PatternElem, Template, UnaryOp, Var};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// How deep an expression may nest, so that running it cannot exhaust the stack.
const DEPTH: usize = 500;

/// Why a policy cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// An expression nests too deep.
    #[error("an expression nests deeper than {DEPTH}")]
    TooDeep,
    /// A template without its link, or an unknown of partial evaluation.
    #[error("a policy with an open {0} cannot be executed")]
    Open(&'static str),
    /// An operator that this version of the compiler does not know.
    #[error("`{0}` is not known to this compiler")]
    UnknownOperator(String),
    /// The policies cannot be read.
    #[error("{0}")]
    Policies(String),
    /// A condition that would run for too long, though its equal parts are kept once.
    #[error("a condition has at most {MAX_SIZE} parts, written out")]
    TooLong,
    /// A text or an entity that no policy of the snapshot names.
    #[error("`{0}` is named by no policy of the snapshot")]
    Unknown(String),
    /// There are more parts than a program can number.
    #[error("the policies are too large")]
    TooLarge,
}

/// Compiles expressions into one program.
#[derive(Default)]
pub(crate) struct Compiler {
    pub(crate) program: Program,
    /// The entities that policies name, by number.
    pub(crate) entities: Vec<EntityUID>,
    /// The texts that policies name, by number: literals, names of attributes and entity types.
    pub(crate) texts: TextsBuilder,
    nodes: FxHashMap<Node, NodeId>,
    /// Of how many nodes each is, written out.
    sizes: Vec<u32>,
    entity_ids: FxHashMap<EntityUID, u32>,
    lists: FxHashMap<Vec<u32>, (u32, u32)>,
    /// The nodes of whole conditions by where their expressions lie, since many policies share one. The expressions are
    /// kept, so that no other comes to lie there.
    conditions: FxHashMap<*const Expr, (Arc<Expr>, NodeId)>,
    /// Whether the texts and entities are a snapshot's, to which none can be added.
    closed: bool,
}

impl Compiler {
    /// A compiler for what runs in the world of a snapshot: its texts and entities have the snapshot's numbers.
    pub(crate) fn closed<'t>(
        texts: impl Iterator<Item = (u32, &'t str)>,
        entities: impl Iterator<Item = (u32, EntityUID)>,
    ) -> Self {
        let mut compiler = Self { closed: true, ..Self::default() };
        texts.for_each(|(number, text)| compiler.texts.know(number, text));
        compiler.entity_ids = entities.map(|(number, uid)| (uid, number)).collect();
        compiler
    }

    /// The condition of a policy behind its scope; `None` where there is none.
    pub(crate) fn clauses(&mut self, template: &Template) -> Result<Option<NodeId>, CompileError> {
        let mut nodes = vec![];
        for clause in template.clauses() {
            nodes.push(match clause {
                Clause::When(expression) => self.condition(expression)?,
                Clause::Unless(expression) => {
                    let inner = self.condition(expression)?;
                    self.add(Node::Not(inner))?
                }
            });
        }
        if nodes.is_empty() { Ok(None) } else { self.all_of(&nodes).map(Some) }
    }

    /// A whole condition.
    pub(crate) fn condition(&mut self, expression: &Arc<Expr>) -> Result<NodeId, CompileError> {
        if let Some((_, node)) = self.conditions.get(&Arc::as_ptr(expression)) {
            return Ok(*node);
        }
        let node = self.expression(expression, DEPTH)?;
        self.conditions.insert(Arc::as_ptr(expression), (expression.clone(), node));
        Ok(node)
    }

    /// The conjunction of conditions in their order. Halved and halved again: a thousand clauses must not nest a
    /// thousand deep.
    fn all_of(&mut self, nodes: &[NodeId]) -> Result<NodeId, CompileError> {
        match nodes {
            [] => self.add(Node::Bool(true)),
            [only] => Ok(*only),
            _ => {
                let (left, right) = nodes.split_at(nodes.len() / 2);
                let (left, right) = (self.all_of(left)?, self.all_of(right)?);
                self.add(Node::And(left, right))
            }
        }
    }

    /// The number of an entity.
    pub(crate) fn entity(&mut self, uid: &EntityUID) -> Result<u32, CompileError> {
        if let Some(id) = self.entity_ids.get(uid) {
            return Ok(*id);
        }
        if self.closed {
            return Err(CompileError::Unknown(uid.to_string()));
        }
        let id = u32::try_from(self.entities.len()).map_err(|_| CompileError::TooLarge)?;
        self.entities.push(uid.clone());
        self.entity_ids.insert(uid.clone(), id);
        Ok(id)
    }

    /// The text of an entity type.
    pub(crate) fn entity_type(&mut self, ty: &EntityType) -> Result<u32, CompileError> {
        self.text(&ty.to_string())
    }

    /// An expression that is written as text.
    pub(crate) fn text_expression(&mut self, text: &str) -> Result<NodeId, CompileError> {
        let expression = super::expression::parse_expression(text).map_err(CompileError::Policies)?;
        self.expression(&Arc::new(expression), DEPTH)
    }

    /// A condition that holds for one action only.
    pub(crate) fn action_is(&mut self, action: u32, condition: Option<NodeId>) -> Result<NodeId, CompileError> {
        let (asked, named) = (self.add(Node::Action)?, self.add(Node::Entity(action))?);
        let is = self.add(Node::Equal(asked, named))?;
        match condition {
            Some(condition) => self.add(Node::And(is, condition)),
            None => Ok(is),
        }
    }

    fn add(&mut self, node: Node) -> Result<NodeId, CompileError> {
        if let Some(id) = self.nodes.get(&node) {
            return Ok(*id);
        }
        let parts = self.program.parts(node);
        let size = parts.iter().fold(1_u32, |size, part| size.saturating_add(self.size(*part)));
        let id = self.program.push(node).ok_or(CompileError::TooLarge)?;
        self.sizes.push(size);
        self.nodes.insert(node, id);
        Ok(id)
    }

    fn size(&self, node: NodeId) -> u32 {
        self.sizes.get(node as usize).copied().unwrap_or(u32::MAX)
    }

    /// Holds a condition against what a snapshot may have: what it refuses would not open.
    ///
    /// # Errors
    /// More than 2^20 nodes, written out.
    pub(crate) fn check_size(&self, condition: NodeId) -> Result<NodeId, CompileError> {
        if self.size(condition) > MAX_SIZE { Err(CompileError::TooLong) } else { Ok(condition) }
    }

    fn text(&mut self, text: &str) -> Result<u32, CompileError> {
        if self.closed {
            return self.texts.known(text).ok_or_else(|| CompileError::Unknown(text.to_owned()));
        }
        self.texts.intern(text).ok_or(CompileError::TooLarge)
    }

    fn list(&mut self, list: Vec<u32>) -> Result<(u32, u32), CompileError> {
        if let Some(known) = self.lists.get(&list) {
            return Ok(*known);
        }
        let run = self.program.push_list(&list).ok_or(CompileError::TooLarge)?;
        self.lists.insert(list, run);
        Ok(run)
    }

    /// An extension value that is written out, read once and for all; `None` where its text is refused, which is an
    /// error only when it is evaluated.
    fn constant(&mut self, op: UnaryOp, argument: &Expr) -> Result<Option<Node>, CompileError> {
        let Expr::Literal(Literal::String(text)) = argument else { return Ok(None) };
        Ok(match op {
            UnaryOp::Decimal => read_decimal(text).map(Node::Decimal),
            UnaryOp::Datetime => read_datetime(text).map(Node::Datetime),
            UnaryOp::Duration => read_duration(text).map(Node::Duration),
            UnaryOp::Ip => match read_ip(text) {
                Some(range) => Some(Node::Ip(self.program.push_ip(range).ok_or(CompileError::TooLarge)?)),
                None => None,
            },
            _ => None,
        })
    }

    fn expression(&mut self, expression: &Arc<Expr>, depth: usize) -> Result<NodeId, CompileError> {
        let depth = depth.checked_sub(1).ok_or(CompileError::TooDeep)?;
        let node = match &**expression {
            Expr::Literal(Literal::Bool(value)) => Node::Bool(*value),
            Expr::Literal(Literal::Long(value)) => Node::Long(*value),
            Expr::Literal(Literal::String(value)) => Node::Text(self.text(value)?),
            Expr::Literal(Literal::EntityUID(uid)) => Node::Entity(self.entity(uid)?),
            Expr::Var(Var::Principal) => Node::Principal,
            Expr::Var(Var::Action) => Node::Action,
            Expr::Var(Var::Resource) => Node::Resource,
            Expr::Var(Var::Context) => Node::Context,
            Expr::Slot(_) => return Err(CompileError::Open("template slot")),
            Expr::Unknown { .. } => return Err(CompileError::Open("unknown")),
            Expr::UnaryOp { op, expr } => match self.constant(*op, expr)? {
                Some(constant) => constant,
                None => unary(*op, self.expression(expr, depth)?)?,
            },
            Expr::BinaryOp { op, left, right } => {
                let (left, right) = (self.expression(left, depth)?, self.expression(right, depth)?);
                self.binary(*op, left, right)?
            }
            Expr::GetAttr { expr, attr } => Node::GetAttribute(self.expression(expr, depth)?, self.text(attr)?),
            Expr::HasAttr { expr, attrs } => {
                let inner = self.expression(expr, depth)?;
                let names = attrs.iter().map(|name| self.text(name)).collect::<Result<Vec<_>, _>>()?;
                match names.as_slice() {
                    [name] => Node::HasAttribute(inner, *name),
                    _ => {
                        let (names, length) = self.list(names)?;
                        Node::HasAttributes(inner, names, length)
                    }
                }
            }
            Expr::Like { expr, pattern } => {
                let inner = self.expression(expr, depth)?;
                let pattern = pattern.iter().map(|part| match part {
                    PatternElem::Char(character) => u32::from(*character),
                    PatternElem::Wildcard => ANY_TEXT,
                });
                let (pattern, length) = self.list(pattern.collect())?;
                Node::Like(inner, pattern, length)
            }
            Expr::Is { expr, entity_type, in_expr } => {
                let inner = self.expression(expr, depth)?;
                let is = Node::Is(inner, self.entity_type(entity_type)?);
                match in_expr {
                    None => is,
                    Some(other) => {
                        let is = self.add(is)?;
                        let other = self.expression(other, depth)?;
                        let within = self.add(Node::In(inner, other))?;
                        Node::And(is, within)
                    }
                }
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => Node::If(
                self.expression(cond, depth)?,
                self.expression(then_expr, depth)?,
                self.expression(else_expr, depth)?,
            ),
            Expr::Set(elements) => {
                let elements = elements.iter().map(|element| self.expression(element, depth));
                let elements = elements.collect::<Result<_, _>>()?;
                let (elements, length) = self.list(elements)?;
                Node::Set(elements, length)
            }
            Expr::Record(members) => {
                let mut list = vec![];
                for (name, member) in members {
                    list.push(self.text(name)?);
                    list.push(self.expression(member, depth)?);
                }
                let (list, length) = self.list(list)?;
                Node::Record(list, length)
            }
            other => return Err(CompileError::UnknownOperator(other.to_string())),
        };
        self.add(node)
    }

    fn binary(&mut self, op: BinaryOp, left: NodeId, right: NodeId) -> Result<Node, CompileError> {
        Ok(match op {
            BinaryOp::Eq => Node::Equal(left, right),
            BinaryOp::NotEq => Node::Not(self.add(Node::Equal(left, right))?),
            BinaryOp::Less => Node::Less(left, right),
            BinaryOp::LessEq => Node::LessEqual(left, right),
            // As Cedar reads them: not the other way round, so that the left is evaluated first.
            BinaryOp::Greater => Node::Not(self.add(Node::LessEqual(left, right))?),
            BinaryOp::GreaterEq => Node::Not(self.add(Node::Less(left, right))?),
            BinaryOp::And => Node::And(left, right),
            BinaryOp::Or => Node::Or(left, right),
            BinaryOp::Add => Node::Add(left, right),
            BinaryOp::Sub => Node::Subtract(left, right),
            BinaryOp::Mul => Node::Multiply(left, right),
            BinaryOp::In => Node::In(left, right),
            BinaryOp::Contains => Node::Contains(left, right),
            BinaryOp::ContainsAll => Node::ContainsAll(left, right),
            BinaryOp::ContainsAny => Node::ContainsAny(left, right),
            BinaryOp::GetTag => Node::GetTag(left, right),
            BinaryOp::HasTag => Node::HasTag(left, right),
            BinaryOp::IsInRange => Node::Call2(Function2::IsInRange, left, right),
            BinaryOp::Offset => Node::Call2(Function2::Offset, left, right),
            BinaryOp::DurationSince => Node::Call2(Function2::DurationSince, left, right),
            BinaryOp::DecimalLessThan => Node::Call2(Function2::LessThan, left, right),
            BinaryOp::DecimalLessEq => Node::Call2(Function2::LessThanOrEqual, left, right),
            BinaryOp::DecimalGreater => Node::Call2(Function2::GreaterThan, left, right),
            BinaryOp::DecimalGreaterEq => Node::Call2(Function2::GreaterThanOrEqual, left, right),
            other => return Err(CompileError::UnknownOperator(other.to_string())),
        })
    }
}

fn unary(op: UnaryOp, inner: NodeId) -> Result<Node, CompileError> {
    let function = match op {
        UnaryOp::Not => return Ok(Node::Not(inner)),
        UnaryOp::Neg => return Ok(Node::Negate(inner)),
        UnaryOp::IsEmpty => return Ok(Node::IsEmpty(inner)),
        UnaryOp::Datetime => Function::Datetime,
        UnaryOp::Decimal => Function::Decimal,
        UnaryOp::Duration => Function::Duration,
        UnaryOp::Ip => Function::Ip,
        UnaryOp::IsIPv4 => Function::IsIpv4,
        UnaryOp::IsIPV6 => Function::IsIpv6,
        UnaryOp::IsLoopback => Function::IsLoopback,
        UnaryOp::IsMulticast => Function::IsMulticast,
        UnaryOp::ToDate => Function::ToDate,
        UnaryOp::ToTime => Function::ToTime,
        UnaryOp::ToMilliseconds => Function::ToMilliseconds,
        UnaryOp::ToSeconds => Function::ToSeconds,
        UnaryOp::ToMinutes => Function::ToMinutes,
        UnaryOp::ToHours => Function::ToHours,
        UnaryOp::ToDays => Function::ToDays,
        other => return Err(CompileError::UnknownOperator(other.to_string())),
    };
    Ok(Node::Call(function, inner))
}
