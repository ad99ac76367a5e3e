//! Writing the arrays of a snapshot: the compiled policies, and the directory as they need it.

use super::hash::{self, Buckets};
use super::principal::TYPES;
use super::record::{
    EDGE_TABLES, EXISTS, EdgeRecord, EntityRecord, NAMED, NEVER, NONE, NameRecord, ORIGINS, PrincipalRow, REGISTERED,
    Run, SOURCE_TABLES, SourceDetail, SourceRecord, TO_NAMED, ValueRecord, kind,
};
use crate::Finding;
use crate::cedar::policies::{PoliciesBuilder, named};
use crate::cedar::program::CompileError;
use crate::compile::{Origin, Sourced};
use crate::directory::{Edge, Hierarchy, PrincipalRecord, PrincipalState, RowRef};
use crate::engine::policies::Policies;
use crate::engine::program::{Bounds, Program};
use crate::model::Timestamp;
use crate::schema::{
    ACTION, Attributes, DIRECTORY_TYPES, GROUP, ORGANIZATION_UNIT, ROLE, SERVICE_ACCOUNT, Schema, Value,
};
use crate::snapshot::{SectionKind, SnapshotBuilder};
use crate::tenant::TenantRecord;
use cedar_policy::pst::Template;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value as Json};
use uuid::Uuid;
use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

#[cfg(test)]
mod tests;

/// What a snapshot is written from.
pub(crate) struct Content<'c> {
    pub tenant: &'c TenantRecord,
    pub schema: &'c Schema,
    /// The policies with their ids, in the order of the ids.
    pub policies: &'c [(&'c str, &'c Template)],
    /// Where the policies come from; nothing where whoever gets the snapshot is not to know.
    pub sources: Option<&'c Sources<'c>>,
    pub hierarchy: &'c Hierarchy,
    pub principals: &'c [PrincipalRecord],
}

/// Where policies come from.
pub(crate) struct Sources<'c> {
    /// The names of actions, in their order: the rows of sources name actions by position.
    pub actions: &'c [String],
    /// The source of each policy, in the order of the policies.
    pub of: Vec<&'c Sourced>,
}

/// Why content cannot be written.
#[derive(Debug)]
pub(crate) struct Unwritable {
    /// The table and the id of the policy or the name of the flag, where it is about one.
    pub at: Option<(&'static str, String)>,
    /// What is wrong.
    pub error: CompileError,
}

impl From<CompileError> for Unwritable {
    fn from(error: CompileError) -> Self {
        Self { at: None, error }
    }
}

impl From<Unwritable> for Finding {
    fn from(Unwritable { at, error }: Unwritable) -> Self {
        let finding = |table| Self::error(table, "policy.invalid", error.to_string());
        at.map_or_else(|| finding("policy"), |(table, row)| finding(table).row(row))
    }
}

/// Writes the sections that [`super::Store`] reads. The same content gives the same bytes.
///
/// # Errors
/// Content that cannot be executed, or is too large to be numbered.
pub(crate) fn write(content: &Content<'_>, snapshot: SnapshotBuilder) -> Result<SnapshotBuilder, Unwritable> {
    let mut policies = PoliciesBuilder::default();
    for (id, template) in content.policies {
        let number = policies.compiler.texts.intern(id).ok_or(CompileError::TooLarge)?;
        let condition = policies.add(number, template);
        let condition = condition.and_then(|node| node.map(|node| policies.compiler.check_size(node)).transpose());
        condition.map_err(|error| Unwritable { at: Some(("policy", (*id).to_owned())), error })?;
    }
    let mut flags: Vec<U32> = vec![];
    for flag in &content.tenant.flags {
        let compiler = &mut policies.compiler;
        let mut node = |condition| compiler.text_expression(condition).and_then(|node| compiler.check_size(node));
        let node = flag.condition.as_deref().map(&mut node).transpose();
        let node = node.map_err(|error| Unwritable { at: Some(("feature_flag", flag.name.clone())), error })?;
        flags.push(node.unwrap_or(NONE).into());
    }
    let (policies, compiler, _) = policies.build();
    let mut writer = Writer { texts: compiler.texts, ..Writer::default() };
    for (uid, named) in compiler.entities.iter().zip(named(&policies, compiler.entities.len())) {
        let number = writer.entity(&uid.ty.to_string(), &uid.eid)?;
        writer.flag(number, if named { NAMED } else { 0 });
    }
    writer.actions(content.schema)?;
    writer.hierarchy(content.schema, content.hierarchy)?;
    let principals = writer.principals(content.schema, content.principals)?;
    let mut names = writer.names(content.principals)?;
    let sources = content.sources.map(|sources| writer.sources(sources, &policies)).transpose()?;
    let hash_of_name = |name: &NameRecord| {
        let principal = principals.get(name.principal.get() as usize);
        let ty = principal.map_or(0, |principal| principal.ty.get());
        hash::of_principal(ty as usize, writer.texts.get(name.name.get()))
    };
    for name in &mut names {
        name.hash = ((hash_of_name(name) >> 32) as u32).into();
    }
    let (name_buckets, names) = bucketed(&names, hash_of_name);
    let slots: Vec<U32> = (0..writer.entities.len() as u32).map(U32::new).collect();
    let (entity_buckets, entity_slots) = bucketed(&slots, |slot| {
        let entity = writer.entities.get(slot.get() as usize);
        let text = |text: Option<U32>| text.map_or("", |text| writer.texts.get(text.get()));
        hash::of_entity(text(entity.map(|entity| entity.ty)), text(entity.map(|entity| entity.id)))
    });
    let nodes = policies.program.records();
    let lists: Vec<U32> = policies.program.lists().iter().map(|word| U32::new(*word)).collect();
    // What would not open must not be published in the place of what does.
    let bounds = Bounds { entities: writer.entities.len(), texts: writer.texts.len() };
    Program::read(&nodes, &lists, bounds).map_err(|what| CompileError::Policies(what.to_owned()))?;
    let mut snapshot = snapshot
        .section(SectionKind::Text, writer.texts.whole.as_bytes())
        .section(SectionKind::TextBound, writer.texts.bounds().as_bytes())
        .section(SectionKind::Entity, writer.entities.as_bytes())
        .section(SectionKind::EntityBucket, entity_buckets.bounds().as_bytes())
        .section(SectionKind::EntitySlot, entity_slots.as_bytes())
        .section(SectionKind::Edge, writer.edges.as_bytes())
        .section(SectionKind::EdgeRow, writer.edge_rows.as_bytes())
        .section(SectionKind::Value, writer.values.as_bytes())
        .section(SectionKind::Node, nodes.as_bytes())
        .section(SectionKind::List, lists.as_bytes())
        .section(SectionKind::Flag, flags.as_bytes())
        .section(SectionKind::Policy, policies.records.as_bytes())
        .section(SectionKind::Index, policies.index.records().as_bytes())
        .section(SectionKind::IndexBucket, policies.index.buckets().bounds().as_bytes());
    if let Some((sources, rows, details)) = sources {
        snapshot = snapshot
            .section(SectionKind::Source, sources.as_bytes())
            .section(SectionKind::SourceRow, rows.as_bytes())
            .section(SectionKind::SourceDetail, details.as_bytes());
    }
    if !principals.is_empty() {
        snapshot = snapshot
            .section(SectionKind::Principals, principals.as_bytes())
            .section(SectionKind::Name, names.as_bytes())
            .section(SectionKind::NameBucket, name_buckets.bounds().as_bytes());
    }
    Ok(snapshot)
}

/// Collects texts, each once.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextsBuilder {
    whole: String,
    ends: Vec<u32>,
    numbers: FxHashMap<Box<str>, u32>,
}

impl TextsBuilder {
    /// The number of a text; `None` where there are too many.
    pub(crate) fn intern(&mut self, text: &str) -> Option<u32> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        let number = u32::try_from(self.ends.len()).ok().filter(|number| *number < NONE)?;
        self.whole.push_str(text);
        self.ends.push(u32::try_from(self.whole.len()).ok()?);
        self.numbers.insert(text.into(), number);
        Some(number)
    }

    /// Takes a text under the number that it has elsewhere. Nothing is interned beside it.
    pub(crate) fn know(&mut self, number: u32, text: &str) {
        self.numbers.insert(text.into(), number);
    }

    /// The number of a text that is known.
    pub(crate) fn known(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// A text.
    pub(crate) fn get(&self, number: u32) -> &str {
        let start = number.checked_sub(1).map_or(Some(&0), |before| self.ends.get(before as usize));
        match (start, self.ends.get(number as usize)) {
            (Some(start), Some(end)) => self.whole.get(*start as usize..*end as usize).unwrap_or(""),
            _ => "",
        }
    }

    /// How many texts there are.
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// The texts, by number.
    pub(crate) fn into_texts(self) -> Vec<String> {
        (0..self.ends.len() as u32).map(|number| self.get(number).to_owned()).collect()
    }

    fn bounds(&self) -> Vec<U32> {
        [0].iter().chain(&self.ends).map(|bound| U32::new(*bound)).collect()
    }
}

/// Records in the order of their buckets.
fn bucketed<T: Copy>(records: &[T], hash: impl Fn(&T) -> u64) -> (Buckets<'static>, Vec<T>) {
    let hashes: Vec<u64> = records.iter().map(hash).collect();
    let (buckets, order) = Buckets::build(&hashes);
    (buckets, order.iter().filter_map(|position| records.get(*position as usize)).copied().collect())
}

#[derive(Default)]
struct Writer {
    texts: TextsBuilder,
    entities: Vec<EntityRecord>,
    /// By the texts of type and id.
    numbers: FxHashMap<(u32, u32), u32>,
    edges: Vec<EdgeRecord>,
    edge_rows: Vec<[u8; 16]>,
    values: Vec<ValueRecord>,
}

impl Writer {
    fn text(&mut self, text: &str) -> Result<u32, CompileError> {
        self.texts.intern(text).ok_or(CompileError::TooLarge)
    }

    /// The number of an entity.
    fn entity(&mut self, ty: &str, id: &str) -> Result<u32, CompileError> {
        let key = (self.text(ty)?, self.text(id)?);
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        let number = u32::try_from(self.entities.len()).map_err(|_| CompileError::TooLarge)?;
        self.entities.push(EntityRecord {
            ty: key.0.into(),
            id: key.1.into(),
            name: NONE.into(),
            flags: 0.into(),
            above: Run::default(),
            attributes: Run::default(),
            wrong: NONE.into(),
        });
        self.numbers.insert(key, number);
        Ok(number)
    }

    /// The number of an entity that is there already.
    fn known(&mut self, ty: &str, id: &str) -> Result<Option<u32>, CompileError> {
        let key = (self.text(ty)?, self.text(id)?);
        Ok(self.numbers.get(&key).copied())
    }

    fn flag(&mut self, entity: u32, flag: u32) {
        if let Some(entity) = self.entities.get_mut(entity as usize) {
            entity.flags = (entity.flags.get() | flag).into();
        }
    }

    fn set_above(&mut self, entity: u32, edges: Vec<EdgeRecord>) -> Result<(), CompileError> {
        let run = self.push_edges(edges)?;
        if let Some(entity) = self.entities.get_mut(entity as usize) {
            entity.above = run;
        }
        Ok(())
    }

    fn push_edges(&mut self, edges: Vec<EdgeRecord>) -> Result<Run, CompileError> {
        let run = Run::new(self.edges.len(), edges.len()).ok_or(CompileError::TooLarge)?;
        self.edges.extend(edges);
        Ok(run)
    }

    /// The bit of an edge to an entity.
    fn to_named(&self, entity: u32) -> u32 {
        let named = self.entities.get(entity as usize).is_some_and(|to| to.flags.get() & NAMED != 0);
        if named { TO_NAMED } else { 0 }
    }

    /// An edge that does not end, and of which no row needs to be named.
    fn lasting(&mut self, ty: &str, id: &str) -> Result<EdgeRecord, CompileError> {
        let to = self.entity(ty, id)?;
        Ok(EdgeRecord { to: to.into(), flags: self.to_named(to).into(), until: NEVER.into(), row: NONE.into() })
    }

    /// Every action with the groups that it lies in.
    fn actions(&mut self, schema: &Schema) -> Result<(), CompileError> {
        for (name, action) in &schema.actions {
            let number = self.entity(ACTION, name)?;
            let groups = action.groups.iter().map(|group| self.lasting(ACTION, group));
            let groups = groups.collect::<Result<_, CompileError>>()?;
            self.set_above(number, groups)?;
        }
        Ok(())
    }

    fn hierarchy(&mut self, schema: &Schema, hierarchy: &Hierarchy) -> Result<(), CompileError> {
        // Those that edges lead to first: an edge to anything else leads nowhere.
        for (ty, id, name) in hierarchy
            .roles
            .iter()
            .map(|(id, role)| (ROLE, id, &role.name))
            .chain(hierarchy.groups.iter().map(|(id, group)| (GROUP, id, &group.name)))
            .chain(hierarchy.organization_units.iter().map(|(id, unit)| (ORGANIZATION_UNIT, id, &unit.name)))
        {
            let (number, name) = (self.entity(ty, id)?, self.text(name)?);
            self.flag(number, EXISTS);
            if let Some(entity) = self.entities.get_mut(number as usize) {
                entity.name = name.into();
            }
        }
        for (id, group) in &hierarchy.groups {
            let number = self.entity(GROUP, id)?;
            let mut above = self.edges(ROLE, &group.roles)?;
            if let Some(unit) = &group.organization_unit {
                above.push(self.lasting(ORGANIZATION_UNIT, unit)?);
            }
            self.set_above(number, above)?;
        }
        for (id, unit) in &hierarchy.organization_units {
            let number = self.entity(ORGANIZATION_UNIT, id)?;
            if let Some(parent) = &unit.parent {
                let parent = self.lasting(ORGANIZATION_UNIT, parent)?;
                self.set_above(number, vec![parent])?;
            }
        }
        let nothing = Attributes::new();
        // A resource of the directory's own types, or an action, could not be asked for.
        let askable = |ty: &&String| ty.as_str() != ACTION && !DIRECTORY_TYPES.contains(&ty.as_str());
        for (ty, resources) in hierarchy.resources.iter().filter(|(ty, _)| askable(ty)) {
            let declared = schema.types.get(ty);
            for (id, resource) in resources {
                let number = self.entity(ty, id)?;
                self.flag(number, REGISTERED);
                // A resource lies in what the registry says, as far as the schema allows.
                let parents = resource.parents.iter();
                let parents = parents.filter(|parent| declared.is_some_and(|ty| ty.parents.contains(&parent.r#type)));
                let parents = parents.map(|parent| self.lasting(&parent.r#type, &parent.id));
                let parents = parents.collect::<Result<_, CompileError>>()?;
                self.set_above(number, parents)?;
                let attributes = declared.map_or(&nothing, |ty| &ty.attributes);
                let (attributes, wrong) = self.attributes(attributes, &|_| true, &resource.attributes)?;
                if let Some(entity) = self.entities.get_mut(number as usize) {
                    (entity.attributes, entity.wrong) = (attributes, wrong.into());
                }
            }
        }
        Ok(())
    }

    /// The edges that lead to what there is.
    fn edges(&mut self, ty: &str, edges: &[Edge]) -> Result<Vec<EdgeRecord>, CompileError> {
        let mut written = vec![];
        for edge in edges {
            let Some(number) = self.known(ty, &edge.to)? else { continue };
            let exists = self.entities.get(number as usize).is_some_and(|to| to.flags.get() & EXISTS != 0);
            if exists {
                let row = u32::try_from(self.edge_rows.len()).map_err(|_| CompileError::TooLarge)?;
                self.edge_rows.push(row_id(&edge.source)?);
                let table = position(EDGE_TABLES.iter(), |table| **table == edge.source.table)?;
                written.push(EdgeRecord {
                    to: number.into(),
                    flags: (table | self.to_named(number)).into(),
                    until: until(edge.expires_at).into(),
                    row: row.into(),
                });
            }
        }
        Ok(written)
    }

    /// Declared attributes as values, and the path of the first that does not fit its type.
    fn attributes(
        &mut self,
        declared: &Attributes,
        counts: &dyn Fn(&str) -> bool,
        given: &Map<String, Json>,
    ) -> Result<(Run, u32), CompileError> {
        let mut wrong = NONE;
        let mut read = vec![];
        for (name, json) in given {
            let Some(ty) = declared.get(name).filter(|_| counts(name)) else { continue };
            match Value::read(ty, json) {
                Ok(None) => {}
                Ok(Some(value)) => read.push((self.text(name)?, Ok(value))),
                Err(error) => {
                    if wrong == NONE {
                        wrong = self.text(&error.below(name).way.join("."))?;
                    }
                    read.push((self.text(name)?, Err(json.to_string())));
                }
            }
        }
        let values: Vec<(u32, Result<&Value, &str>)> =
            read.iter().map(|(name, value)| (*name, value.as_ref().map_err(String::as_str))).collect();
        Ok((self.values(&values)?, wrong))
    }

    /// Values side by side; the parts of each lie behind them.
    fn values(&mut self, values: &[(u32, Result<&Value, &str>)]) -> Result<Run, CompileError> {
        let start = self.values.len();
        let run = Run::new(start, values.len()).ok_or(CompileError::TooLarge)?;
        let nothing = ValueRecord { name: NONE.into(), kind: 0.into(), a: 0.into(), b: 0.into() };
        self.values.resize(start + values.len(), nothing);
        for (position, (name, value)) in values.iter().enumerate() {
            let written = match value {
                Ok(value) => self.value(*name, value)?,
                Err(json) => {
                    let json = self.text(json)?;
                    ValueRecord { name: (*name).into(), kind: kind::WRONG.into(), a: json.into(), b: 0.into() }
                }
            };
            if let Some(place) = self.values.get_mut(start + position) {
                *place = written;
            }
        }
        Ok(run)
    }

    fn value(&mut self, name: u32, value: &Value) -> Result<ValueRecord, CompileError> {
        let number = |number: i64| (U32::new(number as u64 as u32), U32::new((number as u64 >> 32) as u32));
        let (kind, (a, b)) = match value {
            Value::Bool(value) => (kind::BOOL, (u32::from(*value).into(), 0.into())),
            Value::Long(value) => (kind::LONG, number(*value)),
            Value::Decimal(value) => (kind::DECIMAL, number(*value)),
            Value::Datetime(value) => (kind::DATETIME, number(*value)),
            Value::Duration(value) => (kind::DURATION, number(*value)),
            Value::String(value) => (kind::TEXT, (self.text(value)?.into(), 0.into())),
            Value::Ip(_) => (kind::IP, (self.text(&value.to_string())?.into(), 0.into())),
            Value::Entity(ty, id) => (kind::ENTITY, (self.text(ty)?.into(), self.text(id)?.into())),
            Value::Set(elements) => {
                let elements: Vec<_> = elements.iter().map(|element| (NONE, Ok(element))).collect();
                let run = self.values(&elements)?;
                (kind::SET, (run.start, run.length))
            }
            Value::Record(attributes) => {
                let mut members = vec![];
                for (name, value) in attributes {
                    members.push((self.text(name)?, Ok(value)));
                }
                let run = self.values(&members)?;
                (kind::RECORD, (run.start, run.length))
            }
        };
        Ok(ValueRecord { name: name.into(), kind: kind.into(), a, b })
    }

    fn principals(
        &mut self,
        schema: &Schema,
        principals: &[PrincipalRecord],
    ) -> Result<Vec<PrincipalRow>, CompileError> {
        let mut rows = Vec::with_capacity(principals.len());
        for principal in principals {
            let (roles, groups) = (self.edges(ROLE, &principal.roles)?, self.edges(GROUP, &principal.groups)?);
            let account = principal.r#type == SERVICE_ACCOUNT;
            let declared = if account { &schema.service_account } else { &schema.user };
            let counts = |name: &str| account || !schema.caller.contains(name);
            let (attributes, wrong) = self.attributes(declared, &counts, &principal.attributes)?;
            let state = match principal.state {
                PrincipalState::Active => 0,
                PrincipalState::Inactive => 1,
                PrincipalState::Deleted => 2,
            };
            rows.push(PrincipalRow {
                ty: position(TYPES.iter(), |ty| **ty == principal.r#type)?.into(),
                state: state.into(),
                id: self.text(&principal.id)?.into(),
                entity: self.known(&principal.r#type, &principal.id)?.unwrap_or(NONE).into(),
                roles: self.push_edges(roles)?,
                groups: self.push_edges(groups)?,
                attributes,
                wrong: wrong.into(),
            });
        }
        Ok(rows)
    }

    /// Ids first, so that no name can take another's id; then names, of those who still have theirs.
    fn names(&mut self, principals: &[PrincipalRecord]) -> Result<Vec<NameRecord>, CompileError> {
        let mut taken: FxHashMap<(bool, u32), u32> = FxHashMap::default();
        let mut names = Vec::with_capacity(principals.len() * 2);
        let mut add = |account: bool, name: u32, principal: u32| {
            if taken.insert((account, name), principal).is_none() {
                names.push(NameRecord { name: name.into(), hash: 0.into(), principal: principal.into() });
            }
        };
        for (number, principal) in (0..).zip(principals) {
            add(principal.r#type == SERVICE_ACCOUNT, self.text(&principal.id)?, number);
        }
        for (number, principal) in (0..).zip(principals) {
            if principal.r#type == SERVICE_ACCOUNT || principal.state == PrincipalState::Deleted {
                continue;
            }
            for column in ["username", "email"] {
                if let Some(name) = principal.attributes.get(column).and_then(Json::as_str) {
                    add(false, self.text(name)?, number);
                }
            }
        }
        Ok(names)
    }

    /// The sources of the policies, the row behind each grant, and what else is behind it.
    #[expect(clippy::type_complexity, reason = "three arrays, named by whoever takes them")]
    fn sources(
        &mut self,
        of: &Sources<'_>,
        policies: &Policies<'_>,
    ) -> Result<(Vec<SourceRecord>, Vec<[u8; 16]>, Vec<SourceDetail>), CompileError> {
        if of.of.len() != policies.records.len() {
            return Err(CompileError::Policies("a policy has no source".to_owned()));
        }
        let mut sources = Vec::with_capacity(of.of.len());
        for source in &of.of {
            let (origin, id, name) = match &*source.origin {
                Origin::Role { id, name } => (0, id.as_str(), name),
                Origin::ServiceAccount { id, name } => (1, id.as_str(), name),
                Origin::Request { id, user } => (2, id.as_str(), user),
                Origin::Custom { id, name } => (3, id.as_str(), name),
                Origin::Guardrail { name } => (ORIGINS.len() as u32 - 1, "", name),
            };
            let condition = source.condition.as_ref().map(|condition| self.text(&condition.text));
            sources.push(SourceRecord {
                origin: origin.into(),
                id: self.text(id)?.into(),
                name: self.text(name)?.into(),
                condition: condition.transpose()?.unwrap_or(NONE).into(),
                until: until(source.expires_at).into(),
            });
        }
        // The numbers of actions, by those of their entities.
        let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
        for (number, action) in (0..).zip(of.actions) {
            numbers.extend(self.known(ACTION, action)?.map(|entity| (entity, number)));
        }
        let mut rows = Vec::with_capacity(policies.index.records().len());
        let mut details = vec![];
        for (grant, record) in (0_u32..).zip(policies.index.records()) {
            let source = of.of.get(record.policy.get() as usize).copied();
            let action = numbers.get(&record.action.get());
            let behind = action.and_then(|action| source.map(|source| source.of(*action))).unwrap_or_default();
            match behind {
                [] => rows.push([0; 16]),
                [(_, row)] if row.table == "role_permission" && row.entry.is_none() => rows.push(row.id.into_bytes()),
                several => {
                    rows.push([0; 16]);
                    for (_, row) in several {
                        details.push(SourceDetail {
                            grant: grant.into(),
                            table: position(SOURCE_TABLES.iter(), |(table, _)| *table == row.table)?.into(),
                            position: row.entry.map_or(0, |(_, position)| position).into(),
                            row: row.id.into_bytes(),
                        });
                    }
                }
            }
        }
        Ok((sources, rows, details))
    }
}

fn until(end: Option<Timestamp>) -> i64 {
    end.map_or(NEVER, Timestamp::as_millis)
}

fn row_id(row: &RowRef) -> Result<[u8; 16], CompileError> {
    let id = Uuid::try_parse(&row.id).map_err(|_| unwritable(row))?;
    Ok(id.into_bytes())
}

fn position<T>(all: impl Iterator<Item = T>, is: impl Fn(&T) -> bool) -> Result<u32, CompileError> {
    let found = all.enumerate().find(|(_, one)| is(one)).and_then(|(position, _)| u32::try_from(position).ok());
    found.ok_or_else(|| CompileError::Policies("a row of an unknown table or type".to_owned()))
}

fn unwritable(row: &RowRef) -> CompileError {
    CompileError::Policies(format!("`{}` of table `{}` cannot be written", row.id, row.table))
}
