//! Cloudflare's binding that sends e-mail: `send_email` at the edge, a list elsewhere.

/// It is not bound, or does not take the mail. The text is for the log and for administrators.
#[derive(Debug, thiserror::Error)]
#[error("the binding does not take it: {0}")]
pub struct MailerError(String);

#[cfg(target_arch = "wasm32")]
pub use edge::Mailer;
#[cfg(not(target_arch = "wasm32"))]
pub use memory::Mailer;

#[cfg(target_arch = "wasm32")]
mod edge {
    use worker::{Env, SendEmail};

    use super::MailerError;

    /// The binding, perhaps one that is not there: then each mail is refused.
    pub struct Mailer {
        env: Env,
        name: &'static str,
    }

    impl Mailer {
        /// The binding of this name.
        pub fn bound(env: &Env, name: &'static str) -> Self {
            Self { env: env.clone(), name }
        }

        /// Sends one mail, whole; with the id that the binding gives it.
        pub async fn send(&self, from: &str, to: &str, raw: &str) -> Result<Option<String>, MailerError> {
            let binding =
                self.env.get_binding::<SendEmail>(self.name).map_err(|error| MailerError(error.to_string()))?;
            let said = |error: worker::js_sys::Error| MailerError(String::from(error.message()));
            let message = worker::EmailMessage::new(from, to, raw).map_err(said)?;
            let sent = binding.send(&message).await.map_err(said)?;
            let id = worker::js_sys::Reflect::get(&sent, &"messageId".into());
            Ok(id.ok().and_then(|id| id.as_string()))
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod memory {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::MailerError;

    /// A mail: from whom, to whom, and what.
    pub type Sent = (String, String, String);

    /// What was taken; nothing where none is.
    type Mails = Option<Vec<Sent>>;

    /// Mails in memory; none is taken at first.
    #[derive(Clone, Default)]
    pub struct Mailer(Rc<RefCell<Mails>>);

    impl Mailer {
        /// From now on mails are taken.
        pub fn open(&self) {
            self.0.replace(Some(Vec::new()));
        }

        /// What was sent: from whom, to whom, and what.
        pub fn take(&self) -> Vec<Sent> {
            self.0.replace(Some(Vec::new())).unwrap_or_default()
        }

        /// Sends one mail.
        pub async fn send(&self, from: &str, to: &str, raw: &str) -> Result<Option<String>, MailerError> {
            match self.0.borrow_mut().as_mut() {
                Some(sent) => sent.push((from.to_owned(), to.to_owned(), raw.to_owned())),
                None => return Err(MailerError("not bound".to_owned())),
            }
            Ok(None)
        }
    }
}
