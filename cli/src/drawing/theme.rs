//! Colours for light and dark, and text.
//!
//! The picture is drawn in the colours for light. Its style sheet replaces each by the one for dark where
//! the reader prefers that; a program that knows no style sheets shows the picture in light.

use std::fmt::Write as _;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(crate) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
pub(crate) const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
pub(crate) const MUTED: RGBColor = RGBColor(0x59, 0x63, 0x6e);
pub(crate) const GRID: RGBColor = RGBColor(0xd1, 0xd9, 0xe0);
pub(crate) const WARNING: RGBColor = RGBColor(0xb3, 0x1d, 0x28);
/// Neighbouring bands differ.
pub(crate) const BANDS: [RGBColor; 2] = [RGBColor(0xf0, 0xf3, 0xf6), RGBColor(0xe4, 0xe9, 0xee)];
/// Paths: told apart by every eye, after Okabe and Ito.
const PATHS: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xb4, 0x5a, 0x92),
    RGBColor(0x8a, 0x6d, 0x00),
    RGBColor(0x5a, 0x64, 0x72),
];

/// Each colour and what it is in the dark.
const DARK: [(RGBColor, RGBColor); 13] = [
    (PAPER, RGBColor(0x0d, 0x11, 0x17)),
    (INK, RGBColor(0xe6, 0xed, 0xf3)),
    (MUTED, RGBColor(0x9a, 0xa4, 0xae)),
    (GRID, RGBColor(0x36, 0x3d, 0x46)),
    (WARNING, RGBColor(0xff, 0x8b, 0x82)),
    (BANDS[0], RGBColor(0x17, 0x1c, 0x23)),
    (BANDS[1], RGBColor(0x20, 0x27, 0x30)),
    (PATHS[0], RGBColor(0x56, 0xb4, 0xe9)),
    (PATHS[1], RGBColor(0xf5, 0x8b, 0x3c)),
    (PATHS[2], RGBColor(0x2f, 0xc7, 0x98)),
    (PATHS[3], RGBColor(0xe0, 0x95, 0xc3)),
    (PATHS[4], RGBColor(0xd8, 0xc6, 0x4e)),
    (PATHS[5], RGBColor(0xb4, 0xbd, 0xc8)),
];

/// Where a text's `(x, y)` is: in its middle.
pub(crate) const CENTRE: Pos = Pos { h_pos: HPos::Center, v_pos: VPos::Center };
/// At its end.
pub(crate) const END: Pos = Pos { h_pos: HPos::Right, v_pos: VPos::Center };
/// At its start.
const START: Pos = Pos { h_pos: HPos::Left, v_pos: VPos::Center };

pub(crate) fn text(px: u8, colour: RGBColor) -> TextStyle<'static> {
    style(px, colour, FontStyle::Normal)
}

pub(crate) fn bold(px: u8, colour: RGBColor) -> TextStyle<'static> {
    style(px, colour, FontStyle::Bold)
}

fn style(px: u8, colour: RGBColor, font: FontStyle) -> TextStyle<'static> {
    // The backend divides the size by 1.24.
    let desc = FontDesc::new(FontFamily::SansSerif, f64::from(px) * 1.24, font);
    desc.color(&colour).pos(START)
}

/// The colour of the path at `index`.
pub(crate) fn of_path(index: usize) -> RGBColor {
    PATHS[index % PATHS.len()]
}

/// The drawing with its style sheet, without the characters that XML has no place for.
pub(crate) fn finish(drawn: &str) -> String {
    let mut sheet = String::new();
    for (light, dark) in DARK.map(|(light, dark)| (hex(light), hex(dark))) {
        for property in ["fill", "stroke"] {
            // Writing to a String does not fail.
            writeln!(sheet, "[{property}=\"{light}\"]{{{property}:{dark}}}").ok();
        }
    }
    let sheet = format!("<style>@media (prefers-color-scheme: dark) {{\n{sheet}}}</style>\n");
    let start = drawn.find('\n').map_or(0, |end| end + 1);
    let valid = |c: char| match c {
        '\n' => c,
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => '\u{fffd}',
        c => c,
    };
    let (head, rest) = drawn.split_at(start);
    [head, &sheet, rest].iter().flat_map(|part| part.chars()).map(valid).collect()
}

/// As the backend writes it.
fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}
