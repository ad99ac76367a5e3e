//! TXT records and addresses: asked of a resolver that speaks DNS over HTTPS in JSON at the edge, of a map elsewhere.

use std::net::IpAddr;

use serde::Deserialize;

/// The resolver does not answer, or with nonsense. The text is for the log alone.
#[derive(Debug, thiserror::Error)]
#[error("dns: {0}")]
pub struct DnsError(String);

/// The type of a TXT record (RFC 1035, section 3.2.2).
const TXT: u16 = 16;

/// The type of an IPv4 address (RFC 1035, section 3.2.2).
const A: u16 = 1;

/// The type of an IPv6 address (RFC 3596, section 2.1).
const AAAA: u16 = 28;

/// No such name (RFC 1035, section 4.1.1).
const NXDOMAIN: u16 = 3;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answers {
    status: u16,
    #[serde(default)]
    answer: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    r#type: u16,
    data: String,
}

/// The texts in what a resolver answers (`application/dns-json`); none where there is no such name.
pub fn texts(json: &[u8]) -> Result<Vec<String>, DnsError> {
    let of_type = |answer: &Answer| answer.r#type == TXT;
    Ok(answers(json)?.into_iter().filter(of_type).map(|answer| unquoted(&answer.data)).collect())
}

/// The addresses in what a resolver answers; none where there is no such name. What is said on the way there, by which
/// other names, does not matter.
pub fn addresses(json: &[u8]) -> Result<Vec<IpAddr>, DnsError> {
    let of_type = |answer: &Answer| answer.r#type == A || answer.r#type == AAAA;
    let malformed = |answer: &Answer| DnsError(format!("`{}` is no address", answer.data));
    let of_type = answers(json)?.into_iter().filter(of_type);
    of_type.map(|answer| answer.data.parse().map_err(|_| malformed(&answer))).collect()
}

fn answers(json: &[u8]) -> Result<Vec<Answer>, DnsError> {
    let answers: Answers = serde_json::from_slice(json).map_err(|error| DnsError(error.to_string()))?;
    match answers.status {
        0 => Ok(answers.answer),
        NXDOMAIN => Ok(Vec::new()),
        status => Err(DnsError(format!("the resolver says {status}"))),
    }
}

/// The text of a record, which some resolvers give in master file format: strings in quotes that belong together
/// (RFC 1035, section 5.1).
fn unquoted(data: &str) -> String {
    if !data.starts_with('"') {
        return data.to_owned();
    }
    let mut text = String::new();
    let mut inside = false;
    let mut characters = data.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => inside = !inside,
            '\\' if inside => text.extend(characters.next()),
            _ if inside => text.push(character),
            _ => {}
        }
    }
    text
}

#[cfg(target_arch = "wasm32")]
pub use edge::Dns;
#[cfg(not(target_arch = "wasm32"))]
pub use memory::Dns;

#[cfg(target_arch = "wasm32")]
mod edge {
    use std::time::Duration;

    use futures_util::future::{Either, select};
    use worker::{Delay, Fetch, Headers, Request, RequestInit};

    use std::net::IpAddr;

    use super::{DnsError, addresses, texts};

    /// A resolver that takes longer has not answered.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// A longer answer is not read.
    const LONGEST_ANSWER: usize = 64 * 1024;

    /// Asks a resolver over HTTPS.
    #[derive(Default)]
    pub struct Dns;

    impl Dns {
        /// The texts of a name, asked of the resolver at `url`.
        pub async fn texts(&self, url: &str, name: &str) -> Result<Vec<String>, DnsError> {
            texts(&self.ask(url, name, "TXT").await?)
        }

        /// All addresses of a name, of both families, asked of the resolver at `url`.
        pub async fn addresses(&self, url: &str, name: &str) -> Result<Vec<IpAddr>, DnsError> {
            let mut all = addresses(&self.ask(url, name, "A").await?)?;
            all.extend(addresses(&self.ask(url, name, "AAAA").await?)?);
            Ok(all)
        }

        async fn ask(&self, url: &str, name: &str, of_type: &str) -> Result<Vec<u8>, DnsError> {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("name", name)
                .append_pair("type", of_type)
                .finish();
            let headers = Headers::new();
            headers.set("accept", "application/dns-json")?;
            let mut init = RequestInit::new();
            init.with_headers(headers);
            let request = Fetch::Request(Request::new_with_init(&format!("{url}?{query}"), &init)?);
            let (answer, patience) = (std::pin::pin!(request.send()), std::pin::pin!(Delay::from(PATIENCE)));
            let mut response = match select(answer, patience).await {
                Either::Left((response, _)) => response?,
                Either::Right(_) => return Err(DnsError("the resolver takes too long".to_owned())),
            };
            if response.status_code() != 200 {
                return Err(DnsError(format!("the resolver answers {}", response.status_code())));
            }
            let bytes = response.bytes().await?;
            if bytes.len() > LONGEST_ANSWER {
                return Err(DnsError("the resolver says too much".to_owned()));
            }
            Ok(bytes)
        }
    }

    impl From<worker::Error> for DnsError {
        fn from(error: worker::Error) -> Self {
            Self(error.to_string())
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod memory {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;
    use std::net::IpAddr;
    use std::rc::Rc;

    use super::DnsError;
    use crate::platform::fuse::Fuse;

    /// Names in memory.
    #[derive(Clone, Default)]
    pub struct Dns {
        names: Rc<RefCell<BTreeMap<String, Vec<String>>>>,
        addresses: Rc<RefCell<BTreeMap<String, Vec<IpAddr>>>>,
        failing: Rc<Cell<bool>>,
        fuse: Fuse,
    }

    impl Dns {
        /// Guarded by a fuse.
        #[must_use]
        pub fn fused(mut self, fuse: &Fuse) -> Self {
            self.fuse = fuse.clone();
            self
        }

        /// Gives a name these addresses, instead of those that it had.
        pub fn lead(&self, name: &str, addresses: &[IpAddr]) {
            self.addresses.borrow_mut().insert(name.to_owned(), addresses.to_vec());
        }

        /// Gives a name one text more.
        pub fn add(&self, name: &str, text: &str) {
            self.names.borrow_mut().entry(name.to_owned()).or_default().push(text.to_owned());
        }

        /// From now on each question fails, or no longer.
        pub fn fail(&self, failing: bool) {
            self.failing.set(failing);
        }

        /// The texts of a name.
        pub async fn texts(&self, _url: &str, name: &str) -> Result<Vec<String>, DnsError> {
            self.answers()?;
            Ok(self.names.borrow().get(name).cloned().unwrap_or_default())
        }

        /// All addresses of a name.
        pub async fn addresses(&self, _url: &str, name: &str) -> Result<Vec<IpAddr>, DnsError> {
            self.answers()?;
            Ok(self.addresses.borrow().get(name).cloned().unwrap_or_default())
        }

        fn answers(&self) -> Result<(), DnsError> {
            if self.failing.get() || self.fuse.is_blown() {
                return Err(DnsError("made to fail".to_owned()));
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{addresses, texts};

    #[test]
    fn addresses_of_both_families_are_read_and_names_on_the_way_are_passed_over() {
        let answer = br#"{"Status":0,"Answer":[{"name":"a.example","type":5,"TTL":60,"data":"b.example."},
            {"name":"b.example","type":1,"TTL":60,"data":"1.1.1.1"},
            {"name":"b.example","type":28,"TTL":60,"data":"2606:4700::1111"}]}"#;
        let all: Vec<String> = addresses(answer).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(all, ["1.1.1.1", "2606:4700::1111"]);
        assert!(addresses(br#"{"Status":3}"#).unwrap().is_empty());
        assert!(addresses(br#"{"Status":0,"Answer":[{"name":"a.example","type":1,"data":"0x7f.1"}]}"#).is_err());
    }

    #[test]
    fn texts_are_read_with_and_without_quotes() {
        let quoted = br#"{"Status":0,"TC":false,"Question":[{"name":"a.example","type":16}],"Answer":[
            {"name":"a.example","type":5,"TTL":60,"data":"b.example."},
            {"name":"b.example","type":16,"TTL":60,"data":"\"par\" \"apet\\\"=1\""},
            {"name":"b.example","type":16,"TTL":60,"data":"plain text"}]}"#;
        assert_eq!(texts(quoted).unwrap(), ["parapet\"=1", "plain text"]);
        assert_eq!(texts(br#"{"Status":3}"#).unwrap(), Vec::<String>::new());
        assert!(texts(br#"{"Status":2}"#).is_err());
        assert!(texts(b"<html>").is_err());
    }
}
