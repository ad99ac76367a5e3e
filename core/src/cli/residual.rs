//! `parapet residual`: which resources of a type a subject may see, as a condition over their attributes.

use super::input::QuestionArguments;
use super::{Failure, input, output};
use crate::authzen::ResourceSearch;
use crate::engine::Residual;
use crate::engine::residual::{Answer, Columns, Dialect, Sql};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct ResidualCommand {
    #[command(flatten)]
    question: QuestionArguments,
    /// Print a Cedar expression over `resource`
    #[arg(long, conflicts_with = "sql")]
    cedar: bool,
    /// Print a condition for a `WHERE`, with its parameters
    #[arg(long, value_name = "DIALECT")]
    sql: Option<SqlDialect>,
    /// The columns of the table as JSON; one column for each attribute, by its name, where nothing is said
    #[arg(long, value_name = "FILE", requires = "sql")]
    columns: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SqlDialect {
    Sqlite,
    Postgresql,
}

impl ResidualCommand {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let engine = self.question.engine()?;
        let search = ResourceSearch::parse(&self.question.request()?)?;
        let residual = engine.residual(&search.request(&self.question.caller())?, self.question.now());
        if let Some(dialect) = self.sql {
            let columns = match &self.columns {
                Some(path) => serde_json::from_slice(&input::bytes(path)?)
                    .map_err(|error| Failure::Usage(format!("`{}`: {error}", path.display())))?,
                None => {
                    let ty = engine.schema().types.get(&residual.resource_type);
                    ty.map(|ty| Columns::by_name(&ty.attributes)).unwrap_or_default()
                }
            };
            let dialect = match dialect {
                SqlDialect::Sqlite => Dialect::Sqlite,
                SqlDialect::Postgresql => Dialect::PostgreSql,
            };
            print_sql(&residual, &residual.sql(dialect, &columns)?, as_json)?;
        } else if as_json && self.cedar {
            let mut json = residual.json();
            if let Some(json) = json.as_object_mut() {
                json.insert("cedar".to_owned(), residual.cedar().into());
            }
            output::json(&json)?;
        } else if as_json {
            output::json(&residual.json())?;
        } else {
            print(&residual)?;
        }
        Ok(if residual.answer == Answer::Never { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}

fn print(residual: &Residual) -> Result<(), Failure> {
    match (&residual.answer, residual.reason) {
        (Answer::Never, Some(reason)) => output::note(&format!("never: {}", reason.name())),
        _ => print_unsupported(residual),
    }
    output::line(residual.cedar())
}

fn print_sql(residual: &Residual, sql: &Sql, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let mut json = residual.json();
        if let (Some(json), Ok(sql)) = (json.as_object_mut(), serde_json::to_value(sql)) {
            json.insert("sql".to_owned(), sql);
        }
        return output::json(&json);
    }
    print_unsupported(residual);
    for what in &sql.unsupported {
        output::note(&format!("not expressed in SQL: {what}"));
    }
    output::line(&sql.condition)?;
    for (number, param) in (1..).zip(&sql.params) {
        let value = serde_json::to_string(param).map_err(|error| Failure::Print(error.into()))?;
        output::line(format!("  {} {value}", output::dim(&number.to_string())))?;
    }
    Ok(())
}

fn print_unsupported(residual: &Residual) {
    for part in &residual.unsupported {
        output::note(&format!("not expressed: {} in {}", part.what, part.policy));
    }
}
