//! Generated entities: a hierarchy of principals, groups, resources and actions with attributes and tags.

use super::{
    rng::Rng,
    world::{ACTIONS, ATTRIBUTES, GROUPS, KINDS, Kind, PRINCIPALS, RESOURCES, TAGS, Uid, Value},
};
use cedar_policy::{Entities, Entity};
use std::collections::BTreeMap;

/// One entity, before Cedar has it.
#[derive(Debug, Clone)]
pub struct EntityCase {
    /// Its type and id.
    pub uid: Uid,
    /// Those directly above it.
    pub parents: Vec<Uid>,
    /// Its attributes.
    pub attributes: BTreeMap<&'static str, Value>,
    /// Its tags.
    pub tags: BTreeMap<&'static str, Value>,
}

/// Whom a case is about: what policies, requests and attributes mostly refer to.
#[derive(Debug, Clone)]
pub struct Cast {
    /// Who asks.
    pub principals: Vec<Uid>,
    /// What is asked for.
    pub actions: Vec<Uid>,
    /// On what.
    pub resources: Vec<Uid>,
    /// What may stand above them.
    pub groups: Vec<Uid>,
}

impl Cast {
    /// A few of each.
    pub fn any(rng: &mut Rng) -> Self {
        let mut some = |low, high, types| {
            let mut found = Vec::new();
            for _ in 0..rng.between(low, high) {
                let uid = Uid::any(rng, types);
                if !found.contains(&uid) {
                    found.push(uid);
                }
            }
            found
        };
        Self {
            principals: some(1, 3, PRINCIPALS),
            actions: some(2, 4, ACTIONS),
            resources: some(1, 3, RESOURCES),
            groups: some(2, 4, GROUPS),
        }
    }

    /// Some entity, mostly one of the cast.
    pub fn uid(&self, rng: &mut Rng) -> Uid {
        match rng.below(10) {
            0..=2 => *rng.pick(&self.principals),
            3..=4 => *rng.pick(&self.resources),
            5..=7 => *rng.pick(&self.groups),
            8 => *rng.pick(&self.actions),
            _ => Uid::any(rng, &[0, 1, 2, 3, 4, 5, 6, 7]),
        }
    }
}

fn values(
    rng: &mut Rng,
    cast: &Cast,
    names: &'static [(&'static str, Kind)],
    present: usize,
) -> BTreeMap<&'static str, Value> {
    let mut values = BTreeMap::new();
    for (name, kind) in names {
        if rng.chance(present) {
            let kind = if rng.chance(4) { *rng.pick(KINDS) } else { *kind };
            values.insert(*name, Value::any(rng, kind, &mut |rng| cast.uid(rng)));
        }
    }
    values
}

/// The attributes of a context.
pub fn context(rng: &mut Rng, cast: &Cast) -> BTreeMap<&'static str, Value> {
    let present = if rng.chance(10) { 20 } else { 85 };
    values(rng, cast, ATTRIBUTES, present)
}

/// The entities of a cast: most are there, and what is above has its own parents above it.
pub fn entities(rng: &mut Rng, cast: &Cast) -> Vec<EntityCase> {
    let mut entities: Vec<EntityCase> = Vec::new();
    let mut all: Vec<(Uid, bool)> = Vec::new();
    // Parents come before their children, so there is no cycle.
    for (group, uids) in
        [(true, &cast.groups), (true, &cast.actions), (false, &cast.resources), (false, &cast.principals)]
    {
        for uid in uids {
            if !all.iter().any(|(known, _)| known == uid) {
                all.push((*uid, group));
            }
        }
    }
    for place in 0..all.len() {
        let (uid, group) = all[place];
        if rng.chance(8) {
            continue;
        }
        let mut parents = Vec::new();
        let is_action = ACTIONS.contains(&uid.ty);
        for (above, _) in &all[..place] {
            let alike = is_action == ACTIONS.contains(&above.ty);
            let chance = match (alike, group || GROUPS.contains(&above.ty)) {
                (false, _) => 3,
                (true, true) => 45,
                (true, false) => 10,
            };
            if rng.chance(chance) {
                parents.push(*above);
            }
        }
        let (present, tagged) = if group { (25, 20) } else { (85, 70) };
        let attributes = values(rng, cast, ATTRIBUTES, present);
        let tags = values(rng, cast, TAGS, tagged);
        entities.push(EntityCase { uid, parents, attributes, tags });
    }
    entities
}

impl EntityCase {
    /// The same for Cedar.
    pub fn to_cedar(&self) -> Result<Entity, String> {
        let own = |values: &BTreeMap<&'static str, Value>| -> Vec<_> {
            values.iter().map(|(name, value)| ((*name).to_owned(), value.restricted())).collect()
        };
        let parents = self.parents.iter().map(|parent| parent.cedar());
        Entity::new_with_tags(self.uid.cedar(), own(&self.attributes), parents, own(&self.tags))
            .map_err(|error| error.to_string())
    }

    /// As Cedar's JSON, the same for the same entity.
    pub fn to_json(&self) -> Result<serde_json::Value, String> {
        let mut json = self.to_cedar()?.to_json_value().map_err(|error| error.to_string())?;
        if let Some(parents) = json.get_mut("parents").and_then(serde_json::Value::as_array_mut) {
            parents.sort_by_key(ToString::to_string);
        }
        Ok(json)
    }
}

/// All of them for Cedar.
pub fn to_cedar(entities: &[EntityCase]) -> Result<Entities, String> {
    let built = entities.iter().map(EntityCase::to_cedar).collect::<Result<Vec<_>, _>>()?;
    Entities::from_entities(built, None).map_err(|error| error.to_string())
}
