//! Parts of pages: texts whose every character is seen, lines of arguments, figures.

use maud::{Markup, html};

use super::length;
use crate::action::{Line, Part};
use crate::figures::Figures;
use crate::odd::{Piece, number, pieces, why};

/// A text in pieces. Its direction stays its own.
pub fn seen(pieces: &[Piece]) -> Markup {
    html! { bdi { @for piece in pieces { (one(piece)) } } }
}

/// The same of a text of the tenant's own, such as a risk.
pub fn said(text: &str) -> Markup {
    seen(&pieces(text))
}

fn one(piece: &Piece) -> Markup {
    match piece {
        Piece::Plain(text) => html! { (text) },
        Piece::Odd(c) => html! {
            span class="odd" title={ "This character " (why(*c)) } { "⟨" (number(*c)) "⟩" }
        },
        Piece::Alike(c) => html! {
            span class="alike" title="This letter looks like another one" { (c) "⟨" (number(*c)) "⟩" }
        },
        Piece::Break => html! { span class="soft" title="A line ends here" { "⏎" } br; },
        Piece::Hidden { kind, chars } => html! {
            span class="hid" title="Personal data, hidden" { "hidden: " (kind) ", " (chars) " characters" }
        },
    }
}

/// One line, as deep as it stands.
pub fn line(line: &Line) -> Markup {
    let indent = "  ".repeat(line.depth);
    html! { (indent) @for part in &line.parts { (part_of(part)) } @if line.cut { " … (cut here)" } }
}

fn part_of(part: &Part) -> Markup {
    match part {
        Part::Mark(mark) => html! { (mark) },
        Part::Name(pieces) => html! { "\"" b { (seen(pieces)) } "\"" },
        Part::Text(pieces) => html! { "\"" (seen(pieces)) "\"" },
        Part::Word(pieces) => html! { (seen(pieces)) },
    }
}

/// A text that stands alone, without quotes.
pub fn lone(line: &Line) -> Markup {
    html! {
        @for part in &line.parts {
            @match part {
                Part::Mark(mark) => (mark),
                Part::Name(pieces) | Part::Text(pieces) | Part::Word(pieces) => (seen(pieces)),
            }
        }
        @if line.cut { " … (cut here)" }
    }
}

/// How whoever looks decides, told to them.
pub fn figures(figures: &Figures) -> Markup {
    html! {
        @if figures.count == 0 {
            p class="soft" { "You have not decided anything yet." }
        } @else {
            p class="soft" {
                "Your last " (figures.count) " decisions: " (length(figures.median_ms))
                " from look to word at the median, " (figures.approved) " of 100 approved."
            }
        }
        @if figures.is_hasty() {
            p class="box warn" role="note" {
                "You approve nearly everything, within seconds. Read the arguments below before you decide."
            }
        }
    }
}
