//! How pages look: the tenant's name or logo, its colour, light or dark, and where help is.

use parapet::model::{is_email, is_url};
use serde_json::{Value, json};

use super::language::Language;
use super::{script, style, template};
use crate::error::ApiError;
use crate::login::Site;
use crate::messaging::text::Brand;
use crate::response::Response;

/// What a page may load and where it may send: its stylesheet, pictures, and forms to itself. No scripts.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// The same of a page that asks for a passkey: our own script, which lies beside the page, and none within it.
const POLICY_WITH_SCRIPT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; \
                                  form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The look of a place.
#[derive(Default)]
pub struct Look {
    brand: Brand,
    /// A word of the setting `ui/theme`.
    theme: Option<String>,
    /// An address, and what it is called.
    support: Option<(String, String)>,
    /// Below which path its stylesheet lies.
    root: &'static str,
}

impl Look {
    /// Below this path our stylesheet lies at the host of an application, whose paths are its own.
    pub const AT_APPLICATIONS: &'static str = "/.parapet";

    /// Nobody's, at the host of an application.
    pub fn at_application() -> Self {
        Self { root: Self::AT_APPLICATIONS, ..Self::default() }
    }

    /// A tenant's.
    pub fn of(site: &Site) -> Self {
        let text = |key| site.ui(key).as_str().map(str::to_owned);
        let page = text("support_url").filter(|url| is_url(url)).map(|url| (url.clone(), url));
        let mail = text("support_email").filter(|mail| is_email(mail)).map(|mail| (format!("mailto:{mail}"), mail));
        Self { brand: Brand::new(&site.tenant, None, ""), theme: text("theme"), support: page.or(mail), root: "" }
    }

    /// A page: `values` are its own, beside what all have.
    ///
    /// Its forms need that browsers say where they come from, which they do not under `no-referrer`.
    pub fn page(
        &self,
        language: &'static Language,
        name: &'static str,
        source: &'static str,
        has_script: bool,
        mut values: Value,
    ) -> Result<Response, ApiError> {
        let own = json!({
            "language": language.tag,
            "theme": self.theme.as_deref().unwrap_or("system"),
            "style": format!("{}{}", self.root, style::path(self.brand.fill())),
            "script": has_script.then(script::path),
            "brand": { "name": self.brand.name, "logo": self.brand.logo_url },
            "support": self.support.as_ref().map(|(link, name)| json!({ "link": link, "name": name })),
        });
        if let (Some(values), Value::Object(own)) = (values.as_object_mut(), own) {
            values.extend(own);
        }
        let body = template::fill(language, name, source, &values)?.into_bytes();
        let response = Response { status: 200, body, ..Response::default() };
        Ok(response
            .with("content-type", "text/html; charset=utf-8")
            .with("content-security-policy", if has_script { POLICY_WITH_SCRIPT } else { POLICY })
            .with("cross-origin-opener-policy", "same-origin")
            .with("referrer-policy", "same-origin"))
    }
}
