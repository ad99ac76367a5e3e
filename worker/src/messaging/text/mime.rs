//! An e-mail as it goes over the wire (RFC 5322, 2045 to 2047): plain text and HTML, as alternatives.

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use parapet::Timestamp;
use uuid::Uuid;

/// An e-mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The notification; the same one is the same mail, however often it is tried.
    pub id: Uuid,
    /// The sender's address.
    pub from: String,
    /// The sender's name.
    pub from_name: String,
    /// The recipient's address.
    pub to: String,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// When it was made.
    pub date: Timestamp,
}

impl Mail {
    /// Its `Message-ID`, without the angle brackets.
    pub fn message_id(&self) -> String {
        let domain = self.from.rsplit('@').next().unwrap_or("localhost");
        // RFC 5322 knows ASCII alone; the id is unique without the domain.
        let domain = if domain.is_ascii() { domain } else { "parapet.invalid" };
        format!("{}@{domain}", self.id)
    }

    /// The sender with its name, as a header says it.
    pub fn sender(&self) -> String {
        let name = self.from_name.replace(['"', '\\'], "");
        if name.is_empty() { self.from.clone() } else { format!("\"{name}\" <{}>", self.from) }
    }

    /// The whole mail. Nothing in it depends on when it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let boundary = format!("parapet-{}", self.id.simple());
        let alternatives = ContentType::new("multipart/alternative").attribute("boundary", boundary);
        let parts =
            vec![MimePart::new("text/plain", self.text.as_str()), MimePart::new("text/html", self.html.as_str())];
        let address = |name: &'_ str, address: &'_ str| {
            Address::new_address((!name.is_empty()).then(|| line(name)), address.to_owned())
        };
        let mut message = MessageBuilder::new()
            .from(address(&self.from_name, &self.from))
            .to(address("", &self.to))
            .subject(line(&self.subject))
            .date(self.date.as_millis().div_euclid(1000))
            .message_id(self.message_id())
            // RFC 3834, section 5: nobody's absence is answered to it.
            .header("Auto-Submitted", Raw::new("auto-generated"));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(address("", reply_to));
        }
        let mut bytes = Vec::new();
        message.body(MimePart::new(alternatives, parts)).serialize(&mut bytes);
        bytes
    }
}

/// Text that stays in its header.
fn line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            id: Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001),
            from: "no-reply@acme.example".to_owned(),
            from_name: "Acme".to_owned(),
            to: "ann@example.org".to_owned(),
            reply_to: Some("help@acme.example".to_owned()),
            subject: "Grüße".to_owned(),
            text: "Hello\nthere, ä".to_owned(),
            html: "<p>Hello</p>".to_owned(),
            date: Timestamp::from_millis(1_767_225_600_000),
        }
    }

    fn text(mail: &Mail) -> String {
        String::from_utf8(mail.bytes()).unwrap()
    }

    #[test]
    fn a_mail_has_both_parts_and_says_that_nobody_wrote_it() {
        let text = text(&mail());
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        for header in [
            "From: \"Acme\" <no-reply@acme.example>",
            "To: <ann@example.org>",
            "Reply-To: <help@acme.example>",
            "Auto-Submitted: auto-generated",
            "Message-ID: <01980000-0000-7000-8000-000000000001@acme.example>",
            "Date: Thu, 1 Jan 2026 00:00:00 +0000",
        ] {
            assert!(head.contains(header), "{header} in {head}");
        }
        assert!(head.contains("multipart/alternative") && head.contains("=?utf-8?"), "{head}");
        assert!(body.find("text/plain").unwrap() < body.find("text/html").unwrap(), "the last is what is preferred");
        assert!(text.is_ascii(), "it goes to a server that knows no more");
        assert_eq!(mail().bytes(), mail().bytes(), "the same one each time");
    }

    #[test]
    fn nothing_begins_a_header_of_its_own() {
        let mut wicked = mail();
        wicked.subject = "a\r\nBcc: x@evil.example\r\n\r\nbody".to_owned();
        wicked.from_name = "b\r\nBcc: y@evil.example\"<z@evil.example>".to_owned();
        let text = text(&wicked);
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.lines().all(|line| !line.to_ascii_lowercase().starts_with("bcc")), "{head}");
        assert!(head.contains("From:") && head.contains("multipart/alternative"), "{head}");
    }
}
