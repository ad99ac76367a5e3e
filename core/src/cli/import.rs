//! `parapet import`: a tenant document of what another system exports.

use super::{Failure, input, output};
use crate::import::{self, Imported};
use crate::model::Timestamp;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(subcommand)]
    from: From,
    /// Write the document to this file; it holds the hashes of passwords
    #[arg(short, long, value_name = "FILE", global = true)]
    output: Option<PathBuf>,
    /// Write lines, as `POST /v1/import` takes them into a tenant that is there, instead of a document
    #[arg(long, global = true)]
    lines: bool,
    /// When the tenant says it was made (RFC 3339); the clock's time otherwise
    #[arg(long, global = true)]
    now: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
enum From {
    /// A realm export of Keycloak: users with their passwords, roles and groups
    Keycloak {
        /// The export (`-` for the standard input)
        realm: PathBuf,
        /// The tenant's slug; the realm's name otherwise
        #[arg(long)]
        slug: Option<String>,
    },
    /// Tables of comma-separated values: users, roles, and who has what
    Csv {
        /// The tenant's slug
        #[arg(long)]
        slug: String,
        /// `email`, and what else there is of users
        #[arg(long, value_name = "FILE")]
        users: Option<PathBuf>,
        /// `role`, with `resource` and `action` a line
        #[arg(long, value_name = "FILE")]
        roles: Option<PathBuf>,
        /// `user`, with `role` or `group`
        #[arg(long, value_name = "FILE")]
        memberships: Option<PathBuf>,
    },
    /// A model and a policy of Casbin
    Casbin {
        /// The model (`*.conf`)
        model: PathBuf,
        /// The policy (`*.csv`)
        policy: PathBuf,
        /// The tenant's slug
        #[arg(long)]
        slug: String,
        /// The type of resources that Casbin's objects become
        #[arg(long, default_value = "object")]
        resource_type: String,
        /// The domain of the e-mail addresses of users, whom Casbin knows by a name
        #[arg(long)]
        email_domain: String,
    },
}

impl Import {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let now = input::now(self.now);
        let text = |path: &PathBuf| {
            String::from_utf8(input::bytes(path)?)
                .map_err(|_| Failure::Usage(format!("`{}` is no text", path.display())))
        };
        let (path, imported) = match self.from {
            From::Keycloak { realm, slug } => {
                let export = serde_json::from_slice(&input::bytes(&realm)?)
                    .map_err(|error| Failure::Usage(format!("`{}`: {error}", realm.display())))?;
                let imported = import::keycloak(&export, slug.as_deref(), now);
                (realm, imported)
            }
            From::Csv { slug, users, roles, memberships } => {
                let read = |path: &Option<PathBuf>| path.as_ref().map(text).transpose();
                let [of_users, of_roles, of_memberships] = [read(&users)?, read(&roles)?, read(&memberships)?];
                let tables = import::Csv {
                    users: of_users.as_deref(),
                    roles: of_roles.as_deref(),
                    memberships: of_memberships.as_deref(),
                };
                let path = [users, roles, memberships].into_iter().flatten().next().unwrap_or_default();
                (path, import::csv(tables, &slug, now))
            }
            From::Casbin { model, policy, slug, resource_type, email_domain } => {
                let how = import::Casbin { slug: &slug, resource_type: &resource_type, email_domain: &email_domain };
                let imported = import::casbin(&text(&model)?, &text(&policy)?, &how, now);
                (model, imported)
            }
        };
        let Imported { document, left } = imported.map_err(|findings| Failure::Findings { path, findings })?;
        let lines = self.lines.then(|| import::lines(&document));
        if let Some(path) = &self.output {
            let text = lines.clone().unwrap_or_else(|| document.to_string());
            std::fs::write(path, text).map_err(|error| Failure::Write { path: path.clone(), error })?;
        }
        match (as_json, &self.output) {
            (true, Some(path)) => output::json(&json!({"output": path, "left": left}))?,
            (true, None) => match lines {
                Some(lines) => output::json(&json!({"lines": lines, "left": left}))?,
                None => output::json(&json!({"document": document, "left": left}))?,
            },
            (false, Some(_)) => output::findings(&left),
            (false, None) => {
                output::findings(&left);
                match lines {
                    Some(lines) => output::write(&lines)?,
                    None => output::json(&document)?,
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
