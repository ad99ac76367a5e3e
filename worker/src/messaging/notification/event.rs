//! Which events tell whom: the one table of it.

use parapet::model::{Outbox, User};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::notify::{Notices, Wanted, name, notify};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::platform::db::Statement;

/// Who is told.
enum Whom {
    /// The user that a column of the row names.
    Column(&'static str),
    /// The user that a column of the row names; where it names none, those who own the tenant.
    ColumnOrOwners(&'static str),
    /// Those who own the tenant.
    Owners,
}

/// An event that somebody is told of.
struct Told {
    event: &'static str,
    /// Where not always: what its `cause` must say.
    only: Option<(&'static str, &'static str)>,
    whom: Whom,
    purpose: &'static str,
    says: &'static [(&'static str, Says)],
}

/// Where a value comes from.
#[derive(Clone, Copy)]
enum Says {
    /// This word.
    Word(&'static str),
    /// A column of the row; of a time, to the minute.
    Column(&'static str),
    /// What the event's `cause` says.
    Cause(&'static str),
    /// When it happened.
    Time,
    /// The name of the row that a column refers to.
    Name(&'static str, &'static str),
    /// The role, permission or resource that is asked for.
    Requested,
}

use Says::{Cause, Column, Name, Requested, Time, Word};

const PASSWORD_CHANGED: &[(&str, Says)] =
    &[("ip_address", Cause("ip_address")), ("time", Column("password_changed_at"))];

const TOLD: &[Told] = &[
    Told {
        event: "user_session.created",
        only: Some(("device", "new")),
        whom: Whom::Column("user_id"),
        purpose: "sign_in.new_device",
        says: &[
            ("device", Column("device_info")),
            ("ip_address", Column("ip_address")),
            ("time", Column("created_at")),
        ],
    },
    Told {
        event: "login_attempt.failed",
        only: Some(("wait", "begins")),
        whom: Whom::Column("user_id"),
        purpose: "sign_in.many_failures",
        says: &[("attempts", Cause("tries")), ("ip_address", Column("ip_address")), ("time", Column("attempted_at"))],
    },
    Told {
        event: "user.password_changed",
        only: None,
        whom: Whom::Column("id"),
        purpose: "password.changed",
        says: PASSWORD_CHANGED,
    },
    Told {
        event: "user.password_reset",
        only: None,
        whom: Whom::Column("id"),
        purpose: "password.changed",
        says: PASSWORD_CHANGED,
    },
    Told {
        event: "mfa_device.added",
        only: None,
        whom: Whom::Column("user_id"),
        purpose: "factor.added",
        says: &[("factor", Column("device_name")), ("time", Time)],
    },
    Told {
        event: "mfa_device.removed",
        only: None,
        whom: Whom::Column("user_id"),
        purpose: "factor.removed",
        says: &[("factor", Column("device_name")), ("time", Time)],
    },
    Told {
        event: "mfa_device.backup_code_used",
        only: None,
        whom: Whom::Column("user_id"),
        purpose: "factor.backup_code_used",
        says: &[("left", Cause("left")), ("time", Time)],
    },
    Told {
        event: "user_role.assigned",
        only: None,
        whom: Whom::Column("user_id"),
        purpose: "role.assigned",
        says: &[("role", Name("role", "role_id")), ("expires_at", Column("expires_at"))],
    },
    Told {
        event: "user_role.expiring",
        only: None,
        whom: Whom::Column("user_id"),
        purpose: "role.expiring",
        says: &[("role", Name("role", "role_id")), ("expires_at", Column("expires_at"))],
    },
    Told {
        event: "api_key.expiring",
        only: None,
        whom: Whom::ColumnOrOwners("user_id"),
        purpose: "api_key.expiring",
        says: &[("key_name", Column("name")), ("expires_at", Column("expires_at"))],
    },
    Told {
        event: "user.locked",
        only: None,
        whom: Whom::Column("id"),
        purpose: "user.state_changed",
        says: &[("state", Word("locked"))],
    },
    Told {
        event: "user.unlocked",
        only: None,
        whom: Whom::Column("id"),
        purpose: "user.state_changed",
        says: &[("state", Word("active again"))],
    },
    Told {
        event: "user.suspended",
        only: None,
        whom: Whom::Column("id"),
        purpose: "user.state_changed",
        says: &[("state", Word("suspended"))],
    },
    Told {
        event: "user.reactivated",
        only: None,
        whom: Whom::Column("id"),
        purpose: "user.state_changed",
        says: &[("state", Word("active again"))],
    },
    Told {
        event: "access_request.created",
        only: None,
        whom: Whom::Owners,
        purpose: "access_request.made",
        says: &[
            ("requester", Name("user", "requester_id")),
            ("requested", Requested),
            ("justification", Column("justification")),
        ],
    },
    Told {
        event: "access_request.approved",
        only: None,
        whom: Whom::Column("requester_id"),
        purpose: "access_request.decided",
        says: &[("requested", Requested), ("decision", Word("approved"))],
    },
    Told {
        event: "access_request.denied",
        only: None,
        whom: Whom::Column("requester_id"),
        purpose: "access_request.decided",
        says: &[("requested", Requested), ("decision", Word("denied"))],
    },
    Told {
        event: "access_request.expired",
        only: None,
        whom: Whom::Column("requester_id"),
        purpose: "access_request.decided",
        says: &[("requested", Requested), ("decision", Word("not answered in time"))],
    },
    Told {
        event: "webhook.disabled",
        only: None,
        whom: Whom::Owners,
        purpose: "webhook.disabled",
        says: &[("webhook", Column("name")), ("reason", Column("reason"))],
    },
];

/// So many owners are told of one event at a time: with what is read and written for each, the events of one message stay
/// below the statements that D1 takes of an invocation. The next ones get a message of their own.
pub const MOST_OWNERS: usize = 5;

/// Those who own the tenant and may act, in the order of their ids after `?4`.
const OWNERS: &str = "
    SELECT DISTINCT u.id FROM user_role r JOIN role o ON o.id = r.role_id
    JOIN user u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
    WHERE r.tenant_id = ?1 AND o.tenant_id = ?1 AND o.type = 'system' AND o.name = 'owner' AND r.is_active = 1
      AND (r.expires_at IS NULL OR r.expires_at > ?2) AND u.state = 'active' AND u.is_active = 1 AND u.id > ?4 ORDER BY u.id LIMIT ?3";

/// What tells people of an event, and after which user there may be more of them to tell: nothing, where nobody is told of
/// such. Owners begin after the user `after`, and all with nil. Asked for twice, it is there once.
pub async fn for_event(app: &App, event: &Outbox, after: Uuid) -> Result<(Notices, Option<Uuid>), ApiError> {
    let mut notices = Notices::default();
    let Some(told) = TOLD.iter().find(|told| told.event == event.event_type) else { return Ok((notices, None)) };
    let cause = |name: &str| event.payload.get("cause").and_then(|cause| cause.get(name));
    if told.only.is_some_and(|(name, word)| cause(name).and_then(Value::as_str) != Some(word)) {
        return Ok((notices, None));
    }
    let empty = Map::new();
    let object = event.payload.get("object").and_then(Value::as_object).unwrap_or(&empty);
    let users = match told.whom {
        Whom::Column(column) => id(object, column).into_iter().collect(),
        Whom::ColumnOrOwners(column) => match id(object, column) {
            Some(user) => vec![user],
            None => owners(app, event.tenant_id, after).await?,
        },
        Whom::Owners => owners(app, event.tenant_id, after).await?,
    };
    if users.is_empty() {
        return Ok((notices, None));
    }
    let next = users.last().copied().filter(|_| users.len() == MOST_OWNERS);
    let mut values = Vec::new();
    for (name, says) in told.says {
        let value = match says {
            Cause(member) => match cause(member) {
                Some(Value::String(text)) => text.clone(),
                other => other.map(ToString::to_string).unwrap_or_default(),
            },
            Time => minute(event.created_at),
            says => value(app, event.tenant_id, object, *says).await?,
        };
        values.push((*name, value));
    }
    for user in users {
        let wanted = Wanted {
            tenant: event.tenant_id,
            user: Some(user),
            purpose: told.purpose,
            values: values.clone(),
            event: Some(event.id),
            ..Wanted::default()
        };
        notices.extend(notify(app, &wanted).await?);
    }
    Ok((notices, next))
}

async fn owners(app: &App, tenant: Uuid, after: Uuid) -> Result<Vec<Uuid>, ApiError> {
    let most = i64::try_from(MOST_OWNERS).map_err(ApiError::internal)?;
    let statement = Statement::new(OWNERS).bind(tenant).bind(app.clock.now()).bind(most).bind(after);
    let found = app.db.all(statement).await.map_err(ApiError::database)?;
    Ok(found.iter().filter_map(|row| id(row, "id")).collect())
}

async fn value(app: &App, tenant: Uuid, object: &Map<String, Value>, says: Says) -> Result<String, ApiError> {
    Ok(match says {
        Word(word) => word.to_owned(),
        Cause(_) | Time => String::new(),
        Column(column) => text(object, column),
        Name(table, column) => named(app, tenant, table, id(object, column)).await?.unwrap_or_default(),
        Requested => {
            for (column, table, word) in
                [("role_id", "role", "the role"), ("permission_id", "permission", "the permission")]
            {
                if let Some(name) = named(app, tenant, table, id(object, column)).await? {
                    return Ok(format!("{word} {name}"));
                }
            }
            let resource = [text(object, "resource_type"), text(object, "resource_id")].join(" ");
            if resource.trim().is_empty() { "access".to_owned() } else { resource }
        }
    })
}

/// What a row is called.
pub async fn named(app: &App, tenant: Uuid, table: &str, id: Option<Uuid>) -> Result<Option<String>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    if table == "user" {
        let found = select::<User>("tenant_id = ?1 AND id = ?2", tenant).bind(id);
        let found = rows::<User>(app.db.all(found).await.map_err(ApiError::database)?)?;
        return Ok(found.first().map(name));
    }
    let sql = match table {
        "permission" => "SELECT name FROM permission WHERE (tenant_id = ?1 OR tenant_id IS NULL) AND id = ?2",
        _ => "SELECT name FROM role WHERE tenant_id = ?1 AND id = ?2",
    };
    let found = app.db.first(Statement::new(sql).bind(tenant).bind(id)).await.map_err(ApiError::database)?;
    Ok(found.as_ref().map(|row| text(row, "name")).filter(|name| !name.is_empty()))
}

fn id(object: &Map<String, Value>, column: &str) -> Option<Uuid> {
    object.get(column).and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok())
}

/// A column as people read it: `2026-01-31 08:00 UTC` of a time.
fn text(object: &Map<String, Value>, column: &str) -> String {
    let text = object.get(column).and_then(Value::as_str).unwrap_or_default();
    match text.parse::<parapet::Timestamp>() {
        Ok(time) => minute(time),
        Err(_) => text.to_owned(),
    }
}

/// A time as people read it.
pub fn minute(time: parapet::Timestamp) -> String {
    let text = time.to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", clock.chars().take(5).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::purpose;
    use super::*;

    #[test]
    fn what_is_said_of_an_event_is_what_its_purpose_offers() {
        for told in TOLD {
            let purpose = purpose::find(told.purpose).unwrap();
            for (name, _) in told.says {
                assert!(purpose.variables.iter().any(|variable| variable.name == *name), "{} {name}", told.event);
            }
            assert!(purpose.variables.iter().all(|variable| !variable.is_secret), "{}", told.event);
        }
    }

    /// One that fails must not bring another about, which fails.
    #[test]
    fn nobody_is_told_of_what_became_of_a_notification() {
        assert!(TOLD.iter().all(|told| !told.event.starts_with("user_notification.")));
    }

    #[test]
    fn a_time_is_written_as_people_read_it() {
        assert_eq!(minute("2026-01-31T08:00:59.123Z".parse().unwrap()), "2026-01-31 08:00 UTC");
    }
}
