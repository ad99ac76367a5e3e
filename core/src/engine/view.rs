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
use std::sync::Arc;

/// Everything that a decision reads.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub store: Store<'a>,
    pub tenant: TenantRecord,
    pub schema: Schema,
    pub policies: Policies<'a>,
    /// The text `scopes`, where a program asks for it.
    pub scopes: Option<u32>,
    /// What may be asked for, by resource type and action.
    pub actions: Lookup<ActionView>,
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
    /// Whether the registry or a policy names one of its entities.
    pub has_entities: bool,
}

/// An action.
#[derive(Debug, Default)]
pub(crate) struct ActionView {
    /// Its whole name: `document:read`.
    pub name: Box<str>,
    /// What it is done to.
    pub ty: Arc<TypeView>,
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
            actions: actions(&schema, &store, &asked),
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

impl View<'_> {
    /// Whether there is a resource type that may be asked of.
    pub(crate) fn has_type(&self, ty: &str) -> bool {
        may_be_asked_of(ty) && self.schema.types.contains_key(ty)
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

/// What may be asked for.
fn actions(schema: &Schema, store: &Store<'_>, asked: &FxHashMap<&str, u32>) -> Lookup<ActionView> {
    let with_entities: FxHashSet<u32> = store.entities.iter().map(|entity| entity.ty.get()).collect();
    let with_entities: FxHashSet<&str> = with_entities.into_iter().map(|ty| store.texts.get(ty)).collect();
    let types = schema.types.iter().filter(|(name, _)| may_be_asked_of(name));
    let types = types.map(|(name, ty)| {
        let attributes = ty.attributes.iter().map(|(name, ty)| (name.as_str(), ty.clone()));
        let attributes = Declared::new(attributes, asked);
        (name.as_str(), Arc::new(TypeView { attributes, has_entities: with_entities.contains(name.as_str()) }))
    });
    let types: FxHashMap<&str, Arc<TypeView>> = types.collect();
    let is_named = |number: &Key| {
        let entity = store.entities.get(*number as usize);
        entity.is_some_and(|entity| entity.flags.get() & NAMED != 0)
    };
    let actions = schema.actions.iter().filter_map(|(name, action)| {
        let ty = types.get(action.resource.as_str())?.clone();
        let short = name.strip_prefix(action.resource.as_str())?.strip_prefix(':')?;
        let named = [name].into_iter().chain(&action.groups).filter_map(|id| store.entity(ACTION, id));
        let keys = named.filter(is_named).collect();
        Some(((action.resource.as_str(), short), ActionView { name: name.as_str().into(), ty, keys }))
    });
    Lookup::new(actions.collect())
}

/// Whether a resource type is the tenant's own, and not one of the directory's.
fn may_be_asked_of(ty: &str) -> bool {
    !DIRECTORY_TYPES.contains(&ty)
}
