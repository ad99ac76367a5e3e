//! Hierarchies have no cycles, and the paths of units follow from their parents.

use super::{MAX_LEVELS, OrganizationUnit, Resource, ResourceReference};
use crate::Finding;
use std::collections::HashMap;
use uuid::Uuid;

/// Fills in the path and level of units that leave them out, and checks them in the others.
pub(super) fn complete_units(units: &mut [OrganizationUnit], findings: &mut Vec<Finding>) {
    let index: HashMap<Uuid, usize> = units.iter().enumerate().map(|(index, unit)| (unit.id, index)).collect();
    let parents: Vec<Vec<usize>> = (units.iter())
        .map(|unit| unit.parent_id.and_then(|parent| index.get(&parent).copied()).into_iter().collect())
        .collect();
    let (order, cyclic) = sort(&parents);
    // A unit that is its own parent was found as a row already.
    let cyclic = cyclic.into_iter().filter_map(|index| units.get(index));
    for unit in cyclic.filter(|unit| unit.parent_id != Some(unit.id)) {
        let finding = Finding::error("organization_unit", "organization_unit.cycle", "the unit lies below itself");
        findings.push(finding.row(unit.id).field("parent_id"));
    }
    let mut places: HashMap<Uuid, (String, i64)> = HashMap::with_capacity(units.len());
    for index in order {
        let Some(unit) = units.get_mut(index) else {
            continue;
        };
        let (mut path, level) = match unit.parent_id.map(|parent| places.get(&parent)) {
            None => ("/".to_owned(), 0),
            Some(Some((path, level))) => (path.clone(), level + 1),
            // The parent is a finding already.
            Some(None) => continue,
        };
        let mut add = |field: &str, code: &str, message: String| {
            findings.push(Finding::error("organization_unit", code, message).row(unit.id).field(field));
        };
        if level >= MAX_LEVELS {
            add("parent_id", "organization_unit.depth", format!("an organisation has at most {MAX_LEVELS} levels"));
            continue;
        }
        path.push_str(&unit.id.to_string());
        path.push('/');
        if unit.path.is_empty() {
            unit.path.clone_from(&path);
        } else if unit.path != path {
            add("path", "organization_unit.path", format!("expected `{path}`, found `{}`", unit.path));
        }
        if unit.level == -1 {
            unit.level = level;
        } else if unit.level != level {
            add("level", "organization_unit.level", format!("expected {level}, found {}", unit.level));
        }
        places.insert(unit.id, (path, level));
    }
}

/// Resources may have several parents, registered or not, but none lies in itself.
pub(super) fn check_resources(resources: &[Resource], findings: &mut Vec<Finding>) {
    let index: HashMap<(&str, &str), usize> = (resources.iter().enumerate())
        .map(|(index, resource)| ((resource.r#type.as_str(), resource.id.as_str()), index))
        .collect();
    let parent = |parent: &ResourceReference| index.get(&(parent.r#type.as_str(), parent.id.as_str())).copied();
    let parents: Vec<Vec<usize>> =
        resources.iter().map(|resource| resource.parents.iter().filter_map(parent).collect()).collect();
    let (_, cyclic) = sort(&parents);
    for resource in cyclic.into_iter().filter_map(|index| resources.get(index)) {
        let message = format!("the `{}` lies in itself", resource.r#type);
        let finding = Finding::error("resource", "resource.cycle", message);
        findings.push(finding.row(&resource.id).field("parents"));
    }
}

/// An order in which parents come first, and the nodes that lie on a cycle or between two.
fn sort(parents: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
    for (child, parents) in parents.iter().enumerate() {
        for parent in parents {
            if let Some(children) = children.get_mut(*parent) {
                children.push(child);
            }
        }
    }
    let order = peel(parents, &children, &vec![false; parents.len()]);
    // What is left lies on a cycle or below one; peeled from below as well, only cycles are left.
    let mut gone = vec![false; parents.len()];
    mark(&order, &mut gone);
    let below = peel(&children, parents, &gone);
    mark(&below, &mut gone);
    let cyclic = gone.iter().enumerate().filter(|(_, gone)| !**gone).map(|(node, _)| node).collect();
    (order, cyclic)
}

/// Takes nodes away, again and again, that wait for none that is still there.
fn peel(waits_for: &[Vec<usize>], waited_for_by: &[Vec<usize>], gone: &[bool]) -> Vec<usize> {
    let is_gone = |node: usize| gone.get(node).copied().unwrap_or(true);
    let mut waiting: Vec<usize> =
        waits_for.iter().map(|nodes| nodes.iter().filter(|node| !is_gone(**node)).count()).collect();
    let mut peeled: Vec<usize> = waiting
        .iter()
        .enumerate()
        .filter(|(node, count)| **count == 0 && !is_gone(*node))
        .map(|(node, _)| node)
        .collect();
    let mut next = 0;
    while let Some(node) = peeled.get(next).copied() {
        next += 1;
        for other in waited_for_by.get(node).into_iter().flatten().filter(|other| !is_gone(**other)) {
            if let Some(count) = waiting.get_mut(*other) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    peeled.push(*other);
                }
            }
        }
    }
    peeled
}

fn mark(nodes: &[usize], gone: &mut [bool]) {
    for node in nodes {
        if let Some(gone) = gone.get_mut(*node) {
            *gone = true;
        }
    }
}
