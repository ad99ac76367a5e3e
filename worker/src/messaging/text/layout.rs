//! The page around a text in HTML: the tenant's name or logo, its colour where it can be read, and where to find help.

use parapet::model::Tenant;

use super::markup::escaped;
use crate::colour::Colour;

/// How a tenant looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The tenant's name.
    pub name: String,
    /// A picture of it, `https` alone.
    pub logo_url: Option<String>,
    /// Its colour, `#rrggbb`.
    pub colour: Option<String>,
    /// An address where users find help.
    pub support: Option<String>,
    /// The language of the text.
    pub locale: String,
}

impl Brand {
    /// Of a tenant.
    pub fn new(tenant: &Tenant, support: Option<String>, locale: &str) -> Self {
        Self {
            name: tenant.name.clone(),
            logo_url: tenant.logo_url.clone().filter(|url| url.starts_with("https://")),
            colour: tenant.primary_color.clone(),
            support,
            locale: locale.to_owned(),
        }
    }

    /// The colour of what is filled.
    pub fn fill(&self) -> Colour {
        self.colour.as_deref().and_then(Colour::parse).unwrap_or_default()
    }

    /// What can be read on it.
    pub fn ink(&self) -> Colour {
        self.fill().ink()
    }
}

/// The page.
pub fn page(title: &str, content: &str, brand: &Brand) -> String {
    let name = escaped(&brand.name);
    let head = match &brand.logo_url {
        Some(url) => format!(
            "<img src=\"{}\" alt=\"{name}\" height=\"40\" style=\"height:40px;max-width:240px;border:0\">",
            escaped(url)
        ),
        None => format!("<strong style=\"font-size:18px\">{name}</strong>"),
    };
    let support = brand.support.as_deref().map(|support| format!(" · {}", escaped(support))).unwrap_or_default();
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title></head>\
         <body style=\"margin:0;padding:0;background:#f3f4f6\">\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"background:#f3f4f6\"><tr>\
         <td align=\"center\" style=\"padding:24px 12px\">\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
         style=\"max-width:560px;background:#ffffff;border-top:4px solid {};border-radius:6px\"><tr>\
         <td style=\"padding:24px 32px;color:#111827;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif\">\
         <div style=\"margin:0 0 24px\">{head}</div>{content}</td></tr></table>\
         <p style=\"margin:16px 0 0;color:#4b5563;font:13px/1.5 Arial,sans-serif\">{name}{support}</p>\
         </td></tr></table></body></html>",
        escaped(&brand.locale),
        escaped(title),
        brand.fill(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brand(colour: &str) -> Brand {
        Brand { colour: Some(colour.to_owned()), name: "A & <B>".to_owned(), ..Brand::default() }
    }

    #[test]
    fn nothing_of_a_tenant_breaks_the_page() {
        let brand = Brand {
            logo_url: Some("https://a.example/\"onerror=\"x".to_owned()),
            support: Some("<help@a.example>".to_owned()),
            colour: Some("red;background:url(x)".to_owned()),
            ..brand("#102030")
        };
        let page = page("<title>", "", &brand);
        assert!(
            !page.contains("<B>")
                && !page.contains("\"onerror=\"")
                && !page.contains("<help")
                && !page.contains("url(x)")
        );
        assert!(page.contains("alt=\"A &amp; &lt;B&gt;\"") && page.contains(&Colour::default().to_string()));
    }
}
