//! What the document says of one route, beyond what the route itself states: method, path and what it needs.
//!
//! It stands beside the routes and not in them, so that nothing of it is in the Worker. A table's five come from
//! [`super::table::table`], another route's from [`About::new`], both in the file of their area.

use serde_json::{Map, Value, json};

/// JSON, as most bodies are.
pub const JSON: &str = "application/json";

/// A JSON Merge Patch (RFC 7396).
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// What the document says of one route.
pub struct About {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: String,
    pub(super) tag: &'static str,
    pub(super) summary: String,
    pub(super) description: Option<&'static str>,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    pub(super) answers: Map<String, Value>,
    pub(super) refusals: Vec<u16>,
    pub(super) writes: bool,
}

impl About {
    /// Of this route. `id` is the operation's name for generated clients (`lockUser`), `tag` its area.
    pub fn new(
        method: &'static str,
        path: &'static str,
        id: impl Into<String>,
        tag: &'static str,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            method,
            path,
            id: id.into(),
            tag,
            summary: summary.into(),
            description: None,
            parameters: Vec::new(),
            body: None,
            answers: Map::new(),
            refusals: Vec::new(),
            writes: true,
        }
    }

    /// More than fits a line.
    #[must_use]
    pub fn describe(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// A parameter of the query.
    #[must_use]
    pub fn query(mut self, name: &str, schema: Value, description: &str) -> Self {
        self.parameters.push(json!({ "name": name, "in": "query", "schema": schema, "description": description }));
        self
    }

    /// What stands in the path for `{name}`; `{id}` is a row's id where nothing is said.
    #[must_use]
    pub fn in_path(mut self, name: &str, schema: Value, description: &str) -> Self {
        let parameter =
            json!({ "name": name, "in": "path", "required": true, "schema": schema, "description": description });
        self.parameters.push(parameter);
        self
    }

    /// A parameter that the document has under this name, such as `IfMatch`.
    #[must_use]
    pub fn parameter(mut self, name: &str) -> Self {
        self.parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
        self
    }

    /// A body of JSON, with an example of it.
    #[must_use]
    pub fn takes(self, schema: Value, example: Value) -> Self {
        self.takes_as(&[JSON], schema, example)
    }

    /// A body of these media types.
    #[must_use]
    pub fn takes_as(mut self, types: &[&str], schema: Value, example: Value) -> Self {
        let content: Map<String, Value> = types
            .iter()
            .map(|name| ((*name).to_owned(), json!({ "schema": schema.clone(), "example": example.clone() })))
            .collect();
        self.body = Some(json!({ "required": true, "content": content }));
        self
    }

    /// Or no body, which says nothing, as an empty object does.
    #[must_use]
    pub fn or_nothing(mut self) -> Self {
        if let Some(body) = self.body.as_mut().and_then(Value::as_object_mut) {
            body.insert("required".to_owned(), json!(false));
        }
        self
    }

    /// `200` with JSON.
    #[must_use]
    pub fn gives(self, schema: Value, description: &str) -> Self {
        self.answer(200, json!({ "description": description, "content": { JSON: { "schema": schema } } }))
    }

    /// An answer, as OpenAPI writes one.
    #[must_use]
    pub fn answer(mut self, status: u16, answer: Value) -> Self {
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// Nothing is written, though it needs what writing needs: it contradicts nothing, and is not kept for a repeat.
    #[must_use]
    pub fn writes_nothing(mut self) -> Self {
        self.writes = false;
        self
    }

    /// A refusal beyond those that follow from the route.
    #[must_use]
    pub fn refuses(mut self, status: u16) -> Self {
        self.refusals.push(status);
        self
    }
}
