//! Everything that a decision reads, made ready when a snapshot is opened.

use super::index::{Index, Key};
use super::policies::Policies;
use super::program::{Bounds, Node, Program};
use crate::schema::{ACTION, Attributes, DIRECTORY_TYPES, Schema, Type};
use crate::snapshot::{SectionKind, Snapshot};
use crate::store::record::NAMED;
use crate::store::{EngineError, Lookup, Store, malformed, same, section};
use crate::tenant::TenantRecord;
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;

/// Everything that a decision reads.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub store: Store<'a>,
    pub tenant: TenantRecord,
    pub schema: Schema,
    pub policies: Policies<'a>,
    /// The text `scopes`, where a program asks for it.
    pub scopes: Option<u32>,
    /// What may be asked of, by resource type.
    pub types: Lookup<TypeView>,
    /// The user's attributes that the directory owns.
    pub user: Declared,
    /// Those that the caller may fill.
    pub caller: Declared,
    pub service_account: Declared,
    /// The context as far as a caller says it.
    pub context: Declared,
}

/// A resource type.
#[derive(Debug, Default)]
pub(crate) struct TypeView {
    pub attributes: Declared,
    pub actions: Lookup<ActionView>,
    /// Whether the registry or a policy names one of its entities.
    pub has_entities: bool,
}

/// An action.
#[derive(Debug, Default)]
pub(crate) struct ActionView {
    /// Its whole name: `document:read`.
    pub name: Box<str>,
    /// The entity, and those that it lies in, as far as scopes name them.
    pub keys: Box<[Key]>,
}

/// Declared attributes. Programs know their names by number.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    /// In the order of their names.
    attributes: Vec<DeclaredAttribute>,
}

/// One declared attribute.
#[derive(Debug)]
pub(crate) struct DeclaredAttribute {
    pub name: Box<str>,
    /// The text that programs know it by; `None` where none asks for it.
    pub text: Option<u32>,
    pub ty: Type,
}

impl<'a> View<'a> {
    /// Reads an opened snapshot.
    ///
    /// # Errors
    /// A section that is not there or not what it should be.
    pub(crate) fn open(snapshot: &'a Snapshot) -> Result<Self, EngineError> {
        let tenant = section::tenant(snapshot)?;
        let schema = section::schema(snapshot)?;
        let store = Store::open(snapshot)?;
        if store.flags.len() != tenant.flags.len() {
            return Err(malformed(SectionKind::Flag, "another number of flags than the tenant has"));
        }
        let bounds = Bounds { entities: store.entities.len(), texts: store.texts.len() };
        let program =
            Program::read(store.nodes, store.lists, bounds).map_err(|what| malformed(SectionKind::Node, what))?;
        let asked = asked(&store, &program)?;
        let index = Index::open(store.index_buckets.clone(), store.index, store.policies);
        let policies = Policies::new(program, Cow::Borrowed(store.policies), index);
        let declared = |attributes: &Attributes, counts: &dyn Fn(&str) -> bool| {
            let attributes = attributes.iter().filter(|(name, _)| counts(name));
            Declared::new(attributes.map(|(name, ty)| (name.as_str(), ty.clone())), &asked)
        };
        let everything = |_: &str| true;
        let of_caller = |name: &str| schema.caller.contains(name);
        let of_directory = |name: &str| !schema.caller.contains(name);
        let said = |name: &str| name != "action" && !Schema::DECISION_POINT_ONLY.contains(&name);
        Ok(Self {
            types: types(&schema, &store, &asked),
            user: declared(&schema.user, &of_directory),
            caller: declared(&schema.user, &of_caller),
            service_account: declared(&schema.service_account, &everything),
            context: declared(&schema.context, &said),
            scopes: asked.get("scopes").copied(),
            tenant,
            schema,
            policies,
            store,
        })
    }
}

impl Declared {
    fn new<'n>(attributes: impl Iterator<Item = (&'n str, Type)>, asked: &FxHashMap<&str, u32>) -> Self {
        let attributes =
            attributes.map(|(name, ty)| DeclaredAttribute { name: name.into(), text: asked.get(name).copied(), ty });
        Self { attributes: attributes.collect() }
    }

    /// The declared attribute of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&DeclaredAttribute> {
        if self.attributes.len() <= 8 {
            return self.attributes.iter().find(|attribute| same(&attribute.name, name));
        }
        let position = self.attributes.binary_search_by(|attribute| (*attribute.name).cmp(name)).ok()?;
        self.attributes.get(position)
    }
}

/// The names of attributes that programs ask for, with their numbers.
///
/// # Errors
/// One name under two numbers: what is kept under one would be absent under the other.
fn asked<'a>(store: &Store<'a>, program: &Program) -> Result<FxHashMap<&'a str, u32>, EngineError> {
    let mut asked = FxHashMap::default();
    let mut add = |name: u32| match asked.insert(store.texts.get(name), name) {
        Some(other) if other != name => Err(malformed(SectionKind::Text, "one text twice")),
        _ => Ok(()),
    };
    for node in program.nodes() {
        match node {
            Node::GetAttribute(_, name) | Node::HasAttribute(_, name) => add(*name)?,
            Node::HasAttributes(_, names, length) => {
                program.list(*names, *length).unwrap_or_default().iter().try_for_each(|name| add(*name))?;
            }
            _ => {}
        }
    }
    Ok(asked)
}

/// The resource types that may be asked of, with their actions.
fn types(schema: &Schema, store: &Store<'_>, asked: &FxHashMap<&str, u32>) -> Lookup<TypeView> {
    let mut actions: FxHashMap<&str, Vec<(Box<str>, ActionView)>> = FxHashMap::default();
    for (name, action) in &schema.actions {
        let is_named = |number: &Key| {
            let entity = store.entities.get(*number as usize);
            entity.is_some_and(|entity| entity.flags.get() & NAMED != 0)
        };
        let named = [name].into_iter().chain(&action.groups).filter_map(|id| store.entity(ACTION, id));
        let view = ActionView { name: name.as_str().into(), keys: named.filter(is_named).collect() };
        let short = name.strip_prefix(action.resource.as_str()).and_then(|rest| rest.strip_prefix(':'));
        if let Some(short) = short {
            actions.entry(&action.resource).or_default().push((short.into(), view));
        }
    }
    let with_entities: FxHashSet<u32> = store.entities.iter().map(|entity| entity.ty.get()).collect();
    let with_entities: FxHashSet<&str> = with_entities.into_iter().map(|ty| store.texts.get(ty)).collect();
    let types = schema.types.iter().filter(|(name, _)| !DIRECTORY_TYPES.contains(&name.as_str()));
    let types = types.map(|(name, ty)| {
        let attributes = ty.attributes.iter().map(|(name, ty)| (name.as_str(), ty.clone()));
        let view = TypeView {
            attributes: Declared::new(attributes, asked),
            actions: Lookup::new(actions.remove(name.as_str()).unwrap_or_default()),
            has_entities: with_entities.contains(name.as_str()),
        };
        (name.as_str().into(), view)
    });
    Lookup::new(types.collect())
}
