//! `GET /style/{version}/{sheet}`: the one stylesheet of all pages, in the colour that its path names.
//!
//! A tenant's colour stands in the path rather than in the page, so pages need no style of their own, and a sheet never
//! changes under its path: it is kept for a year. No database is asked.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::app::App;
use crate::colour::Colour;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// What no colour changes.
const SHEET: &str = include_str!("style.css");

/// What text in a tenant's colour stands on, in [`SHEET`]: light and dark.
const LIGHT: [&str; 2] = ["#ffffff", "#f3f4f6"];
const DARK: [&str; 2] = ["#1f2937", "#111827"];

/// What is made of the code of now, whatever the colour.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digits = hex::encode(Sha256::digest(sheet(Colour::default())));
    digits.truncate(16);
    digits
});

/// The stylesheet.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/style/{version}/{sheet}",
        access: Access::Public(|app, call| Box::pin(serve(app, call))),
    }]
}

/// Where the sheet in a colour lies.
pub fn path(colour: Colour) -> String {
    format!("/style/{}/{}.css", *VERSION, colour.to_string().trim_start_matches('#'))
}

async fn serve(_: &App, call: &Call) -> Result<Response, ApiError> {
    sheet_at(&call.request.path)
}

/// The sheet that lies at a path.
pub fn sheet_at(path: &str) -> Result<Response, ApiError> {
    let names = path.strip_prefix("/style/").and_then(|names| names.split_once('/'));
    let (version, digits) =
        names.and_then(|(version, name)| Some((version, name.strip_suffix(".css")?))).ok_or(ApiError::NotFound)?;
    let colour = Colour::parse(&format!("#{digits}")).ok_or(ApiError::NotFound)?;
    let response = Response { status: 200, body: sheet(colour).into_bytes(), ..Response::default() };
    let response = response.with("content-type", "text/css; charset=utf-8");
    // A page of before or after this version still looks like something, and nobody keeps it for the other.
    let is_of_now = version == *VERSION;
    Ok(if is_of_now { response.with("cache-control", "public, max-age=31536000, immutable") } else { response })
}

fn sheet(colour: Colour) -> String {
    let readable = |on: [&str; 2], end| colour.readable(&on.map(|text| Colour::parse(text).unwrap_or_default()), end);
    format!(
        ":root {{ --fill: {colour}; --ink: {}; --accent-light: {}; --accent-dark: {} }}\n{SHEET}",
        colour.ink(),
        readable(LIGHT, Colour::BLACK),
        readable(DARK, Colour::WHITE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::READABLE;

    /// The variables of a theme, from where it begins.
    fn theme(begins: &str) -> impl Fn(&str) -> Colour {
        let block = SHEET.split(begins).nth(1).unwrap().split('}').next().unwrap().to_owned();
        move |name| {
            let value = block.split(&format!("--{name}: ")).nth(1).unwrap();
            Colour::parse(value.get(..7).unwrap()).unwrap()
        }
    }

    #[test]
    fn what_is_written_in_a_theme_can_be_read() {
        for (begins, grounds) in
            [(":root {", LIGHT), (":root[data-theme=dark] {", DARK), (":root[data-theme=system] {", DARK)]
        {
            let colour = theme(begins);
            assert_eq!([colour("sheet"), colour("ground")], grounds.map(|text| Colour::parse(text).unwrap()));
            for (text, ground) in [
                ("text", "sheet"),
                ("text", "ground"),
                ("faint", "sheet"),
                ("faint", "ground"),
                ("wrong", "sheet"),
                ("wrong", "wrong-ground"),
                ("text", "wrong-ground"),
                ("text", "right-ground"),
            ] {
                let ratio = colour(text).contrast(colour(ground));
                assert!(ratio >= READABLE, "{begins} {text} on {ground}: {ratio}");
            }
            // What is no text, but says where something is (section 1.4.11).
            assert!(colour("line").contrast(colour("sheet")) >= 3.0, "{begins}");
        }
    }

    #[test]
    fn another_colour_is_another_path_of_the_same_version() {
        let [default, white] = [Colour::default(), Colour::WHITE].map(path);
        assert_eq!(default.rsplit_once('/').unwrap().0, white.rsplit_once('/').unwrap().0);
        assert!(white.ends_with("/ffffff.css"));
        assert!(sheet(Colour::WHITE).contains("--fill: #ffffff; --ink: #000000; --accent-light: #"));
    }
}
