//! What a client can find out of the service: its configuration, schemas and resource types (RFC 7643, sections 5 to 7).

use super::filter::MOST_COMPARISONS;
use super::schema::{Attribute, ResourceType, Schema};
use serde_json::{Map, Value, json};

/// No page has more resources.
pub const MOST: usize = 200;

/// So many where nothing is said.
pub const PAGE: usize = 100;

const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";

/// `/ServiceProviderConfig` (RFC 7643, section 5; `pagination` is RFC 9865, section 4); `base` is where SCIM is.
pub fn configuration(base: &str) -> Value {
    json!({
        "schemas": [CONFIG],
        "patch": { "supported": true },
        // Each request is one batch of the database, whole or not at all: there is nothing that many at once would save.
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MOST },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": PAGE,
            "maxPageSize": MOST,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": format!("An API key or an access token of the tenant, as `Authorization: Bearer`. A filter compares at most {MOST_COMPARISONS} times."),
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", format!("{base}/ServiceProviderConfig")),
    })
}

/// `/ResourceTypes/{name}` (RFC 7643, section 6).
pub fn resource_type(resource: &ResourceType, base: &str) -> Value {
    let extensions = resource.extensions.iter();
    let extensions: Vec<Value> = extensions.map(|its| json!({ "schema": its.id, "required": false })).collect();
    json!({
        "schemas": [RESOURCE_TYPE],
        "id": resource.name,
        "name": resource.name,
        "description": resource.schema.description,
        "endpoint": resource.endpoint,
        "schema": resource.schema.id,
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", format!("{base}/ResourceTypes/{}", resource.name)),
    })
}

/// `/Schemas/{id}` (RFC 7643, section 7).
pub fn schema(schema: &Schema, base: &str) -> Value {
    json!({
        "schemas": [SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().map(attribute).collect::<Vec<_>>(),
        "meta": meta("Schema", format!("{base}/Schemas/{}", schema.id)),
    })
}

/// A resource as it is shown: with its schemas and what the service says of it.
pub fn shown(
    resource: &ResourceType,
    mut document: Map<String, Value>,
    id: &str,
    base: &str,
    mut meta: Map<String, Value>,
) -> Map<String, Value> {
    let used = resource.extensions.iter().map(|its| its.id).filter(|urn| document.contains_key(*urn));
    let schemas: Vec<&str> = std::iter::once(resource.schema.id).chain(used).collect();
    meta.insert("resourceType".to_owned(), json!(resource.name));
    meta.insert("location".to_owned(), json!(format!("{base}{}/{id}", resource.endpoint)));
    document.insert("schemas".to_owned(), json!(schemas));
    document.insert("id".to_owned(), json!(id));
    document.insert("meta".to_owned(), Value::Object(meta));
    document
}

fn meta(kind: &str, location: String) -> Value {
    json!({ "resourceType": kind, "location": location })
}

fn attribute(its: &Attribute) -> Value {
    let mut described = json!({
        "name": its.name,
        "type": its.kind.as_str(),
        "multiValued": its.multi_valued,
        "description": its.description,
        "required": its.required,
        "caseExact": its.case_exact,
        "mutability": if its.read_only { "readOnly" } else { "readWrite" },
        "returned": if its.always { "always" } else { "default" },
        "uniqueness": if its.unique { "server" } else { "none" },
    });
    if let (Some(members), false) = (described.as_object_mut(), its.parts.is_empty()) {
        members.insert("subAttributes".to_owned(), its.parts.iter().map(attribute).collect());
    }
    described
}
