//! What all pictures share: their size, lines of text, colours. They are SVG.
//!
//! They need no font of this machine: the reader's browser lays the text out.

pub(crate) mod theme;

use std::io;
use std::iter;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::error_text::wrap;
use theme::{MUTED, text};

pub(crate) const WIDTH: i32 = 960;
pub(crate) const MARGIN: i32 = 24;

/// Characters of running text that fit in a line.
const LINE: usize = 140;

/// From one line of text to the next.
pub(crate) const LINE_HEIGHT: i32 = 18;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(crate) type Drawn<T> = Result<T, DrawingAreaErrorKind<io::Error>>;

/// Running text as lines that fit.
pub(crate) fn wrapped(text: &str) -> Vec<String> {
    wrap(text, LINE)
}

/// Height of so many lines.
pub(crate) fn height(lines: &[String]) -> i32 {
    lines.iter().map(|_| LINE_HEIGHT).sum()
}

/// Lines of text from `top` downwards.
pub(crate) fn write_lines(area: &Area<'_>, lines: &[String], top: i32) -> Drawn<()> {
    let rows = iter::successors(Some(top), |y| Some(y + LINE_HEIGHT));
    for (line, y) in lines.iter().zip(rows) {
        area.draw(&Text::new(line.as_str(), (MARGIN, y), text(12, MUTED)))?;
    }
    Ok(())
}
