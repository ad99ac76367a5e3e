//! Colours of tenants, and what can be read on them and beside them (WCAG 2.2, contrast ratio).

use std::fmt;

/// What text needs to what it stands on: level AA, section 1.4.3.
pub const READABLE: f64 = 4.5;

/// What text in a tenant's own colour gets: level AAA, section 1.4.6. With less it looks like what cannot be pressed.
const WELL_READABLE: f64 = 7.0;

/// A colour; shown as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Default for Colour {
    /// That of a tenant that has none.
    fn default() -> Self {
        Self([0x1f, 0x29, 0x37])
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self([0xff; 3]);
    /// Black.
    pub const BLACK: Self = Self([0; 3]);

    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6)?;
        let mut channels = [0; 3];
        hex::decode_to_slice(hex, &mut channels).ok()?;
        Some(Self(channels))
    }

    /// Black or white, whichever can be read better on it. The worse of the best is 4.58 to 1.
    pub fn ink(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// The nearest to it, on its way to `end`, that can be read well on all of these.
    #[must_use]
    pub fn readable(self, on: &[Self], end: Self) -> Self {
        let is_readable = |colour: &Self| on.iter().all(|ground| colour.contrast(*ground) >= WELL_READABLE);
        (0..=20).map(|twentieths| self.towards(end, twentieths)).find(is_readable).unwrap_or(end)
    }

    /// The contrast ratio of two, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (its, others) = (self.luminance(), other.luminance());
        (its.max(others) + 0.05) / (its.min(others) + 0.05)
    }

    /// So many twentieths of the way to another.
    fn towards(self, end: Self, twentieths: u16) -> Self {
        let mut channels = self.0;
        for (its, others) in channels.iter_mut().zip(end.0) {
            let mixed = u16::from(*its) * (20 - twentieths) + u16::from(others) * twentieths;
            *its = u8::try_from(mixed / 20).unwrap_or(others);
        }
        Self(channels)
    }

    /// The relative luminance.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each channel every fifteenth.
    fn many() -> impl Iterator<Item = Colour> {
        let steps = || (0..=255).step_by(15);
        steps().flat_map(move |red| steps().flat_map(move |green| steps().map(move |blue| Colour([red, green, blue]))))
    }

    #[test]
    fn what_stands_on_any_colour_can_be_read() {
        for colour in many() {
            let ratio = colour.contrast(colour.ink());
            assert!(ratio >= READABLE, "{:?} on {colour:?}: {ratio}", colour.ink());
        }
        assert_eq!((Colour::WHITE.ink(), Colour::BLACK.ink()), (Colour::BLACK, Colour::WHITE));
    }

    #[test]
    fn any_colour_becomes_one_that_can_be_read_on_light_and_on_dark() {
        let (light, dark) =
            ([Colour::WHITE, Colour([0xf3, 0xf4, 0xf6])], [Colour::default(), Colour([0x11, 0x18, 0x27])]);
        for colour in many() {
            for (on, end) in [(&light[..], Colour::BLACK), (&dark[..], Colour::WHITE)] {
                let readable = colour.readable(on, end);
                assert!(
                    on.iter().all(|ground| readable.contrast(*ground) >= WELL_READABLE),
                    "{colour:?}: {readable:?}"
                );
            }
        }
        let navy = Colour([0x10, 0x20, 0x60]);
        assert_eq!(navy.readable(&light, Colour::BLACK), navy, "what can be read stays");
    }

    #[test]
    fn a_colour_is_six_digits() {
        assert_eq!(Colour::parse("#1F2937").unwrap().to_string(), "#1f2937");
        for text in ["", "#", "1f2937", "#1f293", "#1f29377", "#1f293g", "#+f2937", "red;background:url(x)", "#ééé"]
        {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }
}
