//! QR codes as SVG (ISO/IEC 18004): black squares on white with the quiet zone around them, a pixel a module.

use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write as _;

/// The white around the code, in modules: as much as the standard asks for.
const QUIET: i32 = 4;

/// A text as a QR code. The image holds nothing but numbers, whatever the text is; `None` where the text is too long for
/// one (2,331 bytes).
pub fn svg(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let whole = code.size().saturating_add(2 * QUIET);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{whole}v{whole}H0z"/><path d=""##
    );
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // To a `String` nothing fails to be written.
            let _ = write!(svg, "M{} {}h1v1h-1z", x.saturating_add(QUIET), y.saturating_add(QUIET));
        }
    }
    svg.push_str(r#""/></svg>"#);
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// What a reader of QR codes finds in an image of ours.
    fn read(svg: &str) -> String {
        let size: usize = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let path = svg.rsplit("<path d=\"").next().unwrap().split('"').next().unwrap();
        let modules = path.split_terminator("h1v1h-1z").map(|module| {
            let (x, y) = module.strip_prefix('M').unwrap().split_once(' ').unwrap();
            (x.parse::<usize>().unwrap(), y.parse::<usize>().unwrap())
        });
        let black: HashSet<_> = modules.collect();
        // Four pixels a module: what finds codes in photographs needs some.
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(size * 4, size * 4, |x, y| {
            if black.contains(&(x / 4, y / 4)) { 0 } else { 255 }
        });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_reader_reads_what_was_written() {
        let secret = crate::factor::totp::TotpSecret::new(&[7; 20]).unwrap();
        for text in [secret.uri("Café & Söhne", "somebody.with.a.long.name@mail.company.example"), "1".into()] {
            assert_eq!(read(&svg(&text).unwrap()), text);
        }
    }

    #[test]
    fn what_is_too_long_is_none() {
        assert!(svg(&"ä".repeat(1165)).is_some());
        assert_eq!(svg(&"ä".repeat(1166)), None);
    }
}
