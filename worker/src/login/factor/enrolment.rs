//! A factor is added: begun with what its owner needs for it, and confirmed by using it once.

use parapet::Finding;
use parapet::factor::backup_code::BackupCodes;
use parapet::factor::one_time_code::SentCode;
use parapet::factor::qr;
use parapet::factor::totp::{SECRET_BYTES, TotpSecret};
use parapet::factor::webauthn::{Ceremony, Credential, Registrant, RegistrationResponse, Usage};
use parapet::model::{MfaDevice, MfaDeviceType, Secret, Timestamp, User, is_name, is_phone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::check::Shown;
use super::method::Method;
use super::policy::Policy;
use super::{code, device, party};
use crate::administration::{Author, Deed, RowChange, enact, fresh_id};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::Site;
use crate::login::sent::Sent;
use crate::messaging::notification::{name, shortened};
use crate::platform::random;

/// Nobody has more factors than so many.
const MOST: usize = 20;

const TYPES: [&str; 4] = ["totp", "webauthn", "sms", "email"];

/// What somebody wants to add.
pub struct Wanted {
    /// What it is.
    pub kind: MfaDeviceType,
    /// What they call it.
    pub device_name: String,
    /// Of text messages: to which number.
    pub phone: Option<String>,
    /// Of a key: what it is for.
    pub usage: Usage,
}

impl Wanted {
    /// Reads the fields of a body.
    pub fn read(sent: &mut Sent) -> Self {
        let kind = sent.word("type", &TYPES, MfaDeviceType::from_word).unwrap_or(MfaDeviceType::Totp);
        let device_name = sent.text("device_name");
        if !device_name.is_empty() && !is_name(&device_name) {
            sent.wrong("device_name", "mfa_device.device_name", "a name is 1 to 255 characters, not blank");
        }
        let mut phone = None;
        if kind == MfaDeviceType::Sms {
            let number = sent.text("phone");
            if !number.is_empty() && !is_phone(&number) {
                sent.wrong("phone", "user.phone", "a number is written as `+4915112345678`");
            }
            phone = Some(number);
        }
        let mut usage = Usage::SecondFactor;
        if kind == MfaDeviceType::Webauthn {
            let read = |word: &str| match word {
                "passkey" => Some(Usage::Passkey),
                "second_factor" => Some(Usage::SecondFactor),
                _ => None,
            };
            usage = sent.word("usage", &["passkey", "second_factor"], read).unwrap_or(usage);
        }
        Self { kind, device_name, phone, usage }
    }
}

/// What was begun, until it is confirmed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Begun {
    /// The id that the device will have, under which its secret is sealed.
    id: Uuid,
    kind: MfaDeviceType,
    device_name: String,
    /// Sealed: the secret of an app, or an address.
    secret: Option<String>,
    code: Option<SentCode>,
    ceremony: Option<Ceremony>,
}

/// What its owner needs for it.
#[derive(Default)]
pub struct Needs {
    /// Of an app: its secret in base32, its address, and that as a QR code in SVG.
    pub app: Option<(String, String, Option<String>)>,
    /// Of a key: what a page hands to `navigator.credentials.create`.
    pub options: Option<Value>,
    /// Of codes that are sent: to where one was, shortened.
    pub sent_to: Option<String>,
}

impl Needs {
    /// The members of an answer.
    pub fn shown(self) -> Value {
        match self.app {
            Some((secret, uri, svg)) => json!({ "secret": secret, "uri": uri, "qr_svg": svg }),
            None => match self.options {
                Some(options) => json!({ "options": options }),
                None => json!({ "sent_to": self.sent_to }),
            },
        }
    }
}

/// Begins to add a factor to a user.
pub async fn begin(
    app: &App,
    call: &Call,
    site: &Site,
    user: &User,
    wanted: &Wanted,
) -> Result<(Begun, Needs), ApiError> {
    if !Policy::of(site).allows(wanted.kind) {
        let message = format!("your tenant does not allow `{}`", wanted.kind);
        return Err(ApiError::invalid(Finding::error("request", "factor.not_allowed", message).field("type")));
    }
    let mut begun = Begun {
        id: fresh_id(app.clock.now())?,
        kind: wanted.kind,
        device_name: wanted.device_name.clone(),
        secret: None,
        code: None,
        ceremony: None,
    };
    let mut needs = Needs::default();
    match wanted.kind {
        MfaDeviceType::Totp => {
            let bytes: [u8; SECRET_BYTES] = random::bytes().map_err(ApiError::internal)?;
            let secret = TotpSecret::new(&bytes).ok_or_else(|| ApiError::internal("a secret is too short"))?;
            let uri = secret.uri(&site.tenant.name, &user.email);
            let svg = qr::svg(&uri);
            needs.app = Some((secret.base32(), uri, svg));
            begun.secret = Some(device::seal(app, begun.id, &bytes)?.expose().to_owned());
        }
        MfaDeviceType::Webauthn => {
            let mut known = device::read(app, site.tenant.id, user.id).await?;
            known.retain(|device| device.r#type == MfaDeviceType::Webauthn);
            let known = known.iter().map(|its| device::credential(app, its)).collect::<Result<Vec<Credential>, _>>()?;
            let display_name = name(user);
            let registrant = Registrant { id: user.id, name: &user.email, display_name: &display_name };
            let random = random::bytes().map_err(ApiError::internal)?;
            let (ceremony, options) = party(call, site)?.registration(wanted.usage, &registrant, &known, random);
            needs.options = Some(json!(options));
            begun.ceremony = Some(ceremony);
        }
        MfaDeviceType::Sms | MfaDeviceType::Email => {
            let address = wanted.phone.as_ref().unwrap_or(&user.email);
            begun.code = Some(code::send(app, user, wanted.kind, address, begun.id).await?);
            begun.secret = Some(device::seal(app, begun.id, address.as_bytes())?.expose().to_owned());
            needs.sent_to = Some(shortened(address));
        }
    }
    Ok((begun, needs))
}

/// Reads what confirms it: `code`, or `credential`.
pub fn confirmation(sent: &mut Sent) -> Shown {
    match sent.optional("code") {
        Some(code) => Shown::Code(Method::Totp, Secret::new(code)),
        None => Shown::Credential(sent.object("credential")),
    }
}

/// The device that what is shown confirms, and what a session's `amr` says of it.
pub fn confirm(
    app: &App,
    call: &Call,
    site: &Site,
    user: &User,
    begun: Begun,
    shown: &Shown,
) -> Result<(MfaDevice, Vec<&'static str>), ApiError> {
    let now = app.clock.now();
    let wrong = |field: &'static str, code: &'static str, message: String| {
        ApiError::invalid(Finding::error("request", code, message).field(field))
    };
    let mut device = device_of(site, user, &begun, now);
    let amr = match (shown, begun.code, begun.ceremony) {
        (Shown::Credential(json), None, Some(ceremony)) => {
            let party = party(call, site)?;
            let credential = RegistrationResponse::parse(json).and_then(|response| response.verify(&party, &ceremony));
            let credential = credential.map_err(|error| wrong("credential", error.code(), error.to_string()))?;
            device.secret =
                Some(device::seal(app, device.id, &serde_json::to_vec(&credential.key).map_err(ApiError::internal)?)?);
            device.counter = i64::from(credential.sign_count);
            device.credential_id = Some(credential.id);
            vec![if credential.key.backup_eligible { "swk" } else { "hwk" }]
        }
        (Shown::Code(_, code), Some(mut sent), None) => {
            let keys = app.config()?.data_keys()?;
            let checked = sent.check(code.expose(), keys, begun.id, now);
            checked.map_err(|error| wrong("code", error.code(), error.to_string()))?;
            vec![if begun.kind == MfaDeviceType::Sms { "sms" } else { "otp" }]
        }
        (Shown::Code(_, code), None, None) => {
            let secret = TotpSecret::new(&device::open(app, &device)?);
            let secret = secret.ok_or_else(|| ApiError::internal("what is kept of an app is no secret"))?;
            let step = secret.check(code.expose(), now, 0);
            device.counter = step.map_err(|error| wrong("code", error.code(), error.to_string()))?;
            vec!["otp"]
        }
        (Shown::Code(..), ..) => {
            return Err(wrong("credential", "request.missing", "`credential` is required".to_owned()));
        }
        (Shown::Credential(_), ..) => return Err(wrong("code", "request.missing", "`code` is required".to_owned())),
    };
    Ok((device, amr))
}

fn device_of(site: &Site, user: &User, begun: &Begun, now: Timestamp) -> MfaDevice {
    MfaDevice {
        id: begun.id,
        tenant_id: site.tenant.id,
        user_id: user.id,
        r#type: begun.kind,
        device_name: begun.device_name.clone(),
        secret: begun.secret.as_deref().map(Secret::new),
        backup_codes: None,
        credential_id: None,
        counter: 0,
        is_verified: true,
        is_primary: false,
        created_at: now,
        last_used_at: None,
    }
}

/// Adds a confirmed device. With the first one come backup codes, which are shown this once.
pub async fn add(app: &App, author: &Author, device: MfaDevice) -> Result<(MfaDevice, Option<BackupCodes>), ApiError> {
    let conflict = |code, detail: &str| ApiError::Conflict { code, detail: detail.to_owned(), findings: Vec::new() };
    let codes = BackupCodes::new(random::bytes().map_err(ApiError::internal)?);
    let hashes = codes.hashes(device.user_id);
    let reads = vec![
        device::of_user(device.tenant_id, device.user_id),
        select::<MfaDevice>("tenant_id = ?1 AND credential_id = ?2", device.tenant_id)
            .bind(device.credential_id.as_deref()),
    ];
    let added = enact(app, author, device.tenant_id, reads, |_, answers| {
        let mut answers = answers.into_iter();
        let known: Vec<MfaDevice> = rows(answers.next().unwrap_or_default())?;
        if known.len() >= MOST {
            return Err(conflict("factor.too_many", "you have as many factors as anybody may have"));
        }
        if !answers.next().unwrap_or_default().is_empty() {
            return Err(conflict("factor.taken", "this key is a factor already"));
        }
        let has_codes = known.iter().any(|device| device.backup_codes.is_some());
        let row = MfaDevice {
            is_primary: known.is_empty(),
            backup_codes: (!has_codes).then(|| hashes.clone()),
            ..device.clone()
        };
        let changes = vec![RowChange::made(&row, "added")];
        Ok((Deed { changes, ..Deed::default() }, row))
    })
    .await?;
    let codes = added.backup_codes.is_some().then_some(codes);
    Ok((added, codes))
}

/// The answer to whoever added it.
pub fn shown(app: &App, device: &MfaDevice, codes: Option<&BackupCodes>) -> Value {
    let mut answer = json!({ "factor": device::shown(app, device) });
    if let (Some(members), Some(codes)) = (answer.as_object_mut(), codes) {
        members.insert("backup_codes".to_owned(), codes.expose().collect());
    }
    answer
}
