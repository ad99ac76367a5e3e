//! From a template and values to what people read: a subject line, a text, and the same as HTML in the tenant's branding.
//!
//! A template's body is text with three kinds of lines that mean more: `[Label](address)` alone on a line is a button,
//! `- ` begins an item of a list, and a line within backticks is a code. The plain part and the HTML part of an e-mail are
//! both made of it, so neither can say what the other does not, and no HTML but ours ever leaves the service.

pub mod layout;
pub mod markup;
pub mod mime;
pub mod template;

pub use layout::Brand;
pub use mime::Mail;
pub use template::{Values, check};

use template::{Mode, TemplateError, render};

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The subject line; none where the template has none.
    pub subject: Option<String>,
    /// The plain text.
    pub text: String,
    /// What HTML is made of.
    blocks: Vec<markup::Block>,
}

impl Text {
    /// Fills a template.
    ///
    /// # Errors
    /// [`TemplateError`]: a template that was checked when it was saved fails only by its length.
    pub fn new(subject: Option<&str>, body: &str, values: &Values) -> Result<Self, TemplateError> {
        let subject = subject.map(|subject| render(subject, values, Mode::Line)).transpose()?;
        let blocks = markup::blocks(&render(body, values, Mode::Body)?);
        Ok(Self { subject, text: markup::text(&blocks), blocks })
    }

    /// The same as a page of HTML.
    pub fn html(&self, brand: &Brand) -> String {
        layout::page(self.subject.as_deref().unwrap_or_default(), &markup::html(&self.blocks, brand), brand)
    }
}
