//! A schema as TypeScript: what a tenant's requests may say, for the declarations of `@parapet/engine`.

use super::{Schema, Type};
use std::collections::BTreeSet;
use std::fmt::{self, Display, Write};

impl Schema {
    /// As the declaration of a type of this name, an identifier, that extends the package's `Schema`. Every attribute is
    /// optional, and null is absence. What only the decision point sets is left out.
    pub fn typescript(&self, name: &str) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _: fmt::Result = self.declare(name, &mut out);
        out
    }

    fn declare(&self, name: &str, out: &mut String) -> fmt::Result {
        writeln!(out, "export interface {name} {{")?;
        let said = self.user.iter().filter(|(name, _)| self.caller.contains(*name));
        write!(out, "  readonly subject: ")?;
        record(said, 1, out)?;
        writeln!(out, ";\n  readonly resources: {{")?;
        for (ty, resource) in &self.types {
            let actions: BTreeSet<&str> = (self.actions.iter())
                .filter(|(_, action)| action.resource == *ty)
                .filter_map(|(name, _)| name.strip_prefix(ty.as_str())?.strip_prefix(':'))
                .collect();
            let actions: Vec<String> = actions.into_iter().map(|name| Text(name).to_string()).collect();
            let actions = if actions.is_empty() { "never".to_owned() } else { actions.join(" | ") };
            write!(out, "    readonly {}: {{\n      readonly actions: {actions};\n", Name(ty))?;
            write!(out, "      readonly properties: ")?;
            record(resource.attributes.iter(), 3, out)?;
            writeln!(out, ";\n    }};")?;
        }
        write!(out, "  }};\n  readonly context: ")?;
        let said = self.context.iter().filter(|(name, _)| !Self::DECISION_POINT_ONLY.contains(&name.as_str()));
        record(said, 1, out)?;
        writeln!(out, ";\n}}")
    }
}

/// Attributes, within lines that are indented so many times.
fn record<'a>(attributes: impl Iterator<Item = (&'a String, &'a Type)>, depth: usize, out: &mut String) -> fmt::Result {
    let mut attributes = attributes.peekable();
    if attributes.peek().is_none() {
        return out.write_str("Record<never, never>");
    }
    writeln!(out, "{{")?;
    for (name, ty) in attributes {
        write!(out, "{:1$}readonly {2}?: ", "", 2 * (depth + 1), Name(name))?;
        of(ty, depth + 1, out)?;
        writeln!(out, " | null | undefined;")?;
    }
    write!(out, "{:1$}}}", "", 2 * depth)
}

/// A type in the form in which a request gives its values.
fn of(ty: &Type, depth: usize, out: &mut String) -> fmt::Result {
    match ty {
        Type::Bool => out.write_str("boolean"),
        Type::Long => out.write_str("number"),
        Type::String | Type::Ip | Type::Duration => out.write_str("string"),
        Type::Decimal => out.write_str("number | string"),
        Type::Datetime => out.write_str("Date | string"),
        Type::Entity(ty) => write!(out, "{{ readonly type: {}; readonly id: string }}", Text(ty)),
        Type::Set(element) => {
            out.write_str("readonly (")?;
            of(element, depth, out)?;
            out.write_str(")[]")
        }
        Type::Record(attributes) => record(attributes.iter(), depth, out),
    }
}

/// Text as a literal: JSON's are TypeScript's.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", serde_json::Value::from(self.0))
    }
}

/// A property's name: bare where it is an identifier.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match super::types::is_identifier(self.0) {
            true => out.write_str(self.0),
            false => Text(self.0).fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Attributes, ResourceType};
    use super::*;

    #[test]
    fn every_type_and_every_name_can_be_said() {
        let ty = |name: &str| Type::read(&name.into()).unwrap();
        let record = Type::Record(Attributes::from([("street".to_owned(), Type::String)]));
        let attributes = [
            ("a-b", ty("Long")),
            ("address", record.clone()),
            ("at", ty("datetime")),
            ("former", Type::Set(Box::new(record))),
            ("owner", ty("User")),
            ("price", ty("decimal")),
            ("public", ty("Bool")),
            ("tags", ty("Set<String>")),
        ];
        let attributes = attributes.map(|(name, ty)| (name.to_owned(), ty)).into();
        let mut schema = Schema::default();
        schema.types.insert("folder".to_owned(), ResourceType::default());
        schema.types.insert("document".to_owned(), ResourceType { attributes, ..ResourceType::default() });
        for name in ["document:write", "document:read"] {
            let action = Action { resource: "document".to_owned(), groups: BTreeSet::new() };
            schema.actions.insert(name.to_owned(), action);
        }
        schema.caller.insert("email".to_owned());
        let expected = r#"export interface Acme {
  readonly subject: {
    readonly email?: string | null | undefined;
  };
  readonly resources: {
    readonly document: {
      readonly actions: "read" | "write";
      readonly properties: {
        readonly "a-b"?: number | null | undefined;
        readonly address?: {
          readonly street?: string | null | undefined;
        } | null | undefined;
        readonly at?: Date | string | null | undefined;
        readonly former?: readonly ({
          readonly street?: string | null | undefined;
        })[] | null | undefined;
        readonly owner?: { readonly type: "User"; readonly id: string } | null | undefined;
        readonly price?: number | string | null | undefined;
        readonly public?: boolean | null | undefined;
        readonly tags?: readonly (string)[] | null | undefined;
      };
    };
    readonly folder: {
      readonly actions: never;
      readonly properties: Record<never, never>;
    };
  };
  readonly context: {
    readonly auth_time?: Date | string | null | undefined;
    readonly ip?: string | null | undefined;
    readonly mfa?: boolean | null | undefined;
  };
}
"#;
        assert_eq!(schema.typescript("Acme"), expected);
    }
}
