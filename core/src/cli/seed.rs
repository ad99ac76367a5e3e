//! `parapet seed`: a tenant document as SQL, with fresh API keys.
//!
//! For local work and tests: what a key opens is made here and now, so that no file holds a secret.

use super::{Failure, input, output};
use crate::api_key::{ApiKeyToken, RANDOM_BYTES};
use crate::model::{SqlValue, TableInfo, TenantDocument, TenantEpoch};
use clap::Args;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Seed {
    /// The tenant documents
    #[arg(required = true)]
    documents: Vec<PathBuf>,
    /// Write the fresh API keys to this file as JSON, by tenant and key id
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

impl Seed {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let mut keys: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut statements = vec![];
        for path in &self.documents {
            let (mut document, _) = input::compiled(path)?;
            let fresh = keys.entry(document.tenant.slug.clone()).or_default();
            for key in &mut document.api_key {
                let token = fresh_token()?;
                key.key_hash = Some(crate::Secret::new(token.hash()));
                key.key_prefix = token.prefix().to_owned();
                fresh.insert(key.id.to_string(), token.expose().to_owned());
            }
            if document.tenant_epoch.is_empty() {
                document.tenant_epoch.push(TenantEpoch {
                    tenant_id: document.tenant.id,
                    policy_version: 1,
                    directory_version: 1,
                });
            }
            collect(&document, &mut statements);
        }
        match as_json {
            true => output::json(
                &json!({"statements": statements.iter().map(Statement::json).collect::<Vec<_>>(), "keys": keys}),
            )?,
            false => {
                for statement in &statements {
                    output::line(statement.text())?;
                }
            }
        }
        if let Some(path) = self.keys {
            let text = json!(keys).to_string();
            std::fs::write(&path, text).map_err(|error| Failure::Write { path, error })?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// One row, to be inserted.
pub(super) struct Statement {
    table: &'static TableInfo,
    values: Vec<SqlValue>,
}

/// The rows of a document, each after those that it refers to.
pub(super) fn collect(document: &TenantDocument, statements: &mut Vec<Statement>) {
    document.visit_sql(&mut |table, values| statements.push(Statement { table, values }));
}

impl Statement {
    /// With bound parameters.
    pub(super) fn json(&self) -> Json {
        let params: Vec<Json> = self
            .values
            .iter()
            .map(|value| match value {
                SqlValue::Null => Json::Null,
                SqlValue::Integer(number) => json!(number),
                SqlValue::Text(text) => json!(text),
            })
            .collect();
        json!({"sql": self.table.insert(), "params": params})
    }

    /// With literals, for a program that runs a file.
    pub(super) fn text(&self) -> String {
        let literals: Vec<String> = self
            .values
            .iter()
            .map(|value| match value {
                SqlValue::Null => "NULL".to_owned(),
                SqlValue::Integer(number) => number.to_string(),
                SqlValue::Text(text) => format!("'{}'", text.replace('\'', "''")),
            })
            .collect();
        let columns: Vec<&str> = self.table.columns.iter().map(|column| column.name).collect();
        format!("INSERT INTO \"{}\" ({}) VALUES ({});", self.table.name, columns.join(", "), literals.join(", "))
    }
}

/// A fresh API key.
pub(super) fn fresh_token() -> Result<ApiKeyToken, Failure> {
    Ok(ApiKeyToken::from_random(random::<RANDOM_BYTES>()?))
}

/// So many fresh random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut random = [0; N];
    getrandom::fill(&mut random).map_err(|error| Failure::Usage(format!("no random bytes: {error}")))?;
    Ok(random)
}
