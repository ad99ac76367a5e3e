//! A case: policies, entities and requests; and its text, ready to paste.

use super::{
    entities::{Cast, EntityCase, entities, to_cedar},
    policy::{Scope, link, policy},
    request::{RequestCase, request},
    rng::Rng,
};
use cedar_policy::{
    Entities, Policy, PolicyId, PolicySet,
    pst::{self, LinkedHashMap, StaticPolicy, Template, TemplateLink},
};
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

/// By which way the policies reach Cedar, and the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As trees.
    Tree,
    /// As Cedar text (where nothing is linked), parsed.
    Text,
    /// As Cedar's JSON, parsed.
    Json,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// The seed that it comes from.
    pub seed: u64,
    /// By which way the policies are given.
    pub way: Way,
    /// Templates.
    pub templates: Vec<Template>,
    /// Policies without slots.
    pub policies: Vec<Template>,
    /// Links of the templates.
    pub links: Vec<TemplateLink>,
    /// Entities.
    pub entities: Vec<EntityCase>,
    /// Requests.
    pub requests: Vec<RequestCase>,
}

/// How many requests a case has.
pub const REQUESTS: usize = 4;

const ODD_IDS: &[&str] = &["", "a policy", "\"", "☃\u{1f600}", "role/1/ab\\n"];

/// The general case of a seed.
pub fn general(seed: u64) -> Case {
    let rng = &mut Rng::new(seed);
    let cast = Cast::any(rng);
    let entities = entities(rng, &cast);
    let many = rng.chance(2);
    let count = if many { rng.between(20, 60) } else { rng.between(1, 8) };
    let forbid = *rng.pick(&[0, 10, 20, 20, 30]);
    let mut case = Case {
        seed,
        way: *rng.pick(&[Way::Tree, Way::Tree, Way::Tree, Way::Tree, Way::Tree, Way::Tree, Way::Text, Way::Json]),
        templates: Vec::new(),
        policies: Vec::new(),
        links: Vec::new(),
        entities,
        requests: Vec::new(),
    };
    for place in 0..count {
        let id = if rng.chance(3) { format!("{place}{}", rng.pick(ODD_IDS)) } else { format!("p{place}") };
        let slots = rng.chance(12);
        let open = if many { 15 } else { *rng.pick(&[30, 60, 80]) };
        let template = policy(rng, &cast, &id, Scope { open, slots }, forbid);
        if template.is_static() {
            case.policies.push(template);
        } else {
            for number in 0..rng.below(4) {
                let link = link(rng, &cast, &template, &format!("{id}-link{number}"));
                case.links.push(link);
            }
            case.templates.push(template);
        }
    }
    case.requests = (0..REQUESTS).map(|_| request(rng, &cast)).collect();
    case
}

impl Case {
    /// The policies for Cedar.
    pub fn policy_set(&self) -> Result<PolicySet, String> {
        let mut policies = LinkedHashMap::new();
        for policy in &self.policies {
            let fixed = StaticPolicy::try_from(policy.clone()).map_err(|error| error.to_string())?;
            policies.insert(policy.id.clone(), fixed);
        }
        let templates = self.templates.iter().map(|template| (template.id.clone(), template.clone())).collect();
        let trees = pst::PolicySet { templates, policies, template_links: self.links.clone() };
        let set = PolicySet::from_pst(trees).map_err(|error| error.to_string())?;
        // What Cedar itself cannot print and read again is given as trees.
        Ok(match self.way {
            Way::Tree => set,
            Way::Text => self.parsed().unwrap_or(set),
            Way::Json => set.clone().to_json().and_then(PolicySet::from_json_value).unwrap_or(set),
        })
    }

    fn parsed(&self) -> Option<PolicySet> {
        if !self.links.is_empty() {
            return None;
        }
        let mut set = PolicySet::new();
        for policy in &self.policies {
            let id = PolicyId::new(policy.id.0.as_str());
            set.add(Policy::parse(Some(id), policy.to_string()).ok()?).ok()?;
        }
        Some(set)
    }

    /// The entities for Cedar.
    pub fn cedar_entities(&self) -> Result<Entities, String> {
        to_cedar(&self.entities)
    }

    /// How many policies decide.
    pub fn deciding(&self) -> usize {
        self.policies.len() + self.links.len()
    }
}

fn with_id(template: &Template, id: &str) -> Template {
    template.clone().with_annotations(BTreeMap::from([("id".to_owned(), id.into())]))
}

/// The case as text: Cedar policies, Cedar's JSON of the entities, and the requests.
impl Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "// --- policies (given as {:?})", self.way)?;
        for policy in &self.policies {
            writeln!(out, "{}\n", with_id(policy, &policy.id.0))?;
        }
        for template in &self.templates {
            writeln!(out, "// A template; its links stand below as policies.")?;
            let text = with_id(template, &template.id.0).to_string();
            for line in text.lines() {
                writeln!(out, "// {line}")?;
            }
            for link in self.links.iter().filter(|link| link.template_id == template.id) {
                match template.clone().link(&link.values) {
                    Ok(linked) => writeln!(out, "{}\n", with_id(linked.body(), &link.new_id.0))?,
                    Err(error) => writeln!(out, "// {}: {error}", link.new_id)?,
                }
            }
        }
        writeln!(out, "// --- entities")?;
        match self.entities.iter().map(EntityCase::to_json).collect::<Result<serde_json::Value, _>>() {
            Ok(json) => writeln!(out, "{json:#}")?,
            Err(error) => writeln!(out, "// {error}: {:#?}", self.entities)?,
        }
        for request in &self.requests {
            writeln!(out, "// --- request")?;
            writeln!(out, "principal {}", request.principal.pst())?;
            writeln!(out, "action    {}", request.action.pst())?;
            writeln!(out, "resource  {}", request.resource.pst())?;
            let context = request.to_cedar().and_then(|request| {
                let context = request.context().ok_or("no context")?;
                context.to_json_value().map_err(|error| error.to_string())
            });
            match context {
                Ok(json) => writeln!(out, "context   {json:#}")?,
                Err(error) => writeln!(out, "context   {:#?} // {error}", request.context)?,
            }
        }
        Ok(())
    }
}
