//! The pages' templates, in Handlebars: all that is filled in is escaped, and a name that nothing has is an error.
//!
//! `{{t "name"}}` says the words of that name, with what else it is given in their braces; `{{time x}}` an instant.

use std::cell::RefCell;
use std::collections::BTreeMap;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, RenderErrorReason, ScopedJson, TemplateError,
};
use serde_json::Value;

use super::language::Language;
use crate::error::ApiError;

/// What every page is made of.
const PARTIALS: [(&str, &str); 4] = [
    ("layout", include_str!("layout.hbs")),
    ("form", include_str!("form.hbs")),
    ("inputs", include_str!("inputs.hbs")),
    (
        "hidden",
        r#"<input type="hidden" name="csrf_token" value="{{csrf}}">{{#if return_to}}<input type="hidden" name="return_to" value="{{return_to}}">{{/if}}"#,
    ),
];

thread_local! {
    /// By language; a page's template is read when it is first shown.
    static ENGINES: RefCell<BTreeMap<&'static str, Handlebars<'static>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Fills the template of a page.
pub fn fill(
    language: &'static Language,
    name: &'static str,
    source: &'static str,
    values: &Value,
) -> Result<String, ApiError> {
    ENGINES.with_borrow_mut(|engines| {
        if !engines.contains_key(language.tag) {
            engines.insert(language.tag, engine(language).map_err(ApiError::internal)?);
        }
        let engine = engines.get_mut(language.tag).ok_or_else(|| ApiError::internal("there is no engine"))?;
        if !engine.has_template(name) {
            let page = format!("{{{{#> layout}}}}\n{source}\n{{{{/layout}}}}");
            engine.register_template_string(name, page).map_err(ApiError::internal)?;
        }
        engine.render(name, values).map_err(ApiError::internal)
    })
}

fn engine(language: &'static Language) -> Result<Handlebars<'static>, TemplateError> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.set_prevent_indent(true);
    engine.register_helper("t", Box::new(Words(language)));
    engine.register_helper("time", Box::new(Time(language)));
    for (name, source) in PARTIALS {
        engine.register_partial(name, source)?;
    }
    Ok(engine)
}

/// `{{t "name" key=value}}`.
struct Words(&'static Language);

impl HelperDef for Words {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let name = text(helper, 0).unwrap_or_default();
        if self.0.find(name).is_none() {
            return Err(RenderErrorReason::Other(format!("there are no words `{name}`")).into());
        }
        let values: Vec<(&str, &str)> =
            helper.hash().iter().map(|(key, value)| (*key, value.value().as_str().unwrap_or_default())).collect();
        Ok(Value::from(self.0.say(name, &values)).into())
    }
}

/// `{{time instant}}`: RFC 3339, as the language writes it.
struct Time(&'static Language);

impl HelperDef for Time {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let instant = text(helper, 0).unwrap_or_default();
        let part = |range| instant.get(range).unwrap_or_default();
        let values = [
            ("year", part(0..4)),
            ("month", part(5..7)),
            ("day", part(8..10)),
            ("hour", part(11..13)),
            ("minute", part(14..16)),
        ];
        Ok(Value::from(self.0.say("time", &values)).into())
    }
}

fn text<'h>(helper: &'h Helper<'_>, at: usize) -> Option<&'h str> {
    helper.param(at).and_then(|parameter| parameter.value().as_str())
}
