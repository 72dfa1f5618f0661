//! The ladder: the messages of a conversation in order, the client left, the server right.
//!
//! ```text
//!                       10.20.1.7                   203.0.113.10
//!    12  14:02:11.412   |---------- IKE_SA_INIT --------->|
//!    13  14:02:11.434   |<--------- IKE_SA_INIT ----------|
//!    16  14:02:13.144   |------------ IKE_AUTH ---------->|
//!                       |<........... IKE_AUTH ...........|   never came
//! ```

use super::frames::{self, CLOCK};
use crate::render::layout::{blanks, cut, pad, pad_left, width};
use crate::render::page::{Page, Piece, Tone};
use crate::report::{Finding, FrameRef, Report, Step};
use crate::text::visible;

/// Room for an arrow's shaft on both sides of its label.
const SHAFT: usize = 10;
/// Between these a lane is easy to follow.
const LANE: std::ops::RangeInclusive<usize> = 24..=48;
/// The lane of short labels, where the page has room.
const USUAL_LANE: usize = 34;
/// What a note beside the ladder needs at least.
const NOTE: usize = 14;

/// Draws the finding's sequence, if it has one.
pub(super) fn draw(report: &Report, finding: &Finding, indent: usize, page: &mut Page) {
    let Some(first) = finding.sequence.first() else { return };
    let left = finding.client.map_or_else(|| first.from.clone(), |client| client.to_string());
    let right = other_end(&finding.sequence, &left);
    let number = |step: &Step| {
        step.frame.map(|frame| frames::frame(report, FrameRef { input: step.input, frame })).unwrap_or_default()
    };
    let numbers = finding.sequence.iter().map(|step| number(step).len()).max().unwrap_or(0);
    let before = indent + numbers + 2 + CLOCK + 3;
    let labels = finding.sequence.iter().map(|step| width(&visible(&step.label))).max().unwrap_or(0);
    let room = page.width.saturating_sub(before + 2 + 3 + NOTE).max(*LANE.start());
    let ends = width(&left) + width(&right) + 3;
    let lane = (labels + SHAFT).max(ends).max(USUAL_LANE).clamp(*LANE.start(), room.min(*LANE.end()));

    page.blank();
    page.line(vec![Piece::plain(blanks(before)), Piece::new(heading(&left, &right, lane + 2, page), Tone::Strong)]);
    for step in &finding.sequence {
        let time = step.time.map(|time| time.clock()).unwrap_or_default();
        let (arrow, whole_label) = arrow(step, &left, lane, page);
        let tone = if step.missing { Tone::Bad } else { Tone::Plain };
        let start = format!("{}{}  {}   ", blanks(indent), pad_left(&number(step), numbers), pad(&time, CLOCK));
        let mut line = vec![Piece::new(start, Tone::Faint), Piece::new(arrow, tone)];
        let note = note(step, &left, &right, whole_label);
        if note.is_empty() {
            page.line(line);
        } else {
            line.push(Piece::plain("   "));
            page.hanging(line, &note, if step.missing { Tone::Bad } else { Tone::Faint });
        }
    }
}

/// Whoever the left end talks to most plainly: the first other name in the sequence.
fn other_end(steps: &[Step], left: &str) -> String {
    let ends = steps.iter().flat_map(|step| [&step.to, &step.from]);
    ends.into_iter().find(|end| *end != left).cloned().unwrap_or_default()
}

/// Both names over their rails.
fn heading(left: &str, right: &str, cells: usize, page: &Page) -> String {
    let right = shortened(right, cells / 2, page.marks.ellipsis);
    let left = shortened(left, cells.saturating_sub(width(&right) + 1), page.marks.ellipsis);
    format!("{left}{}{right}", blanks(cells.saturating_sub(width(&left) + width(&right))))
}

/// The arrow between its rails, and the label once more where it had to be shortened.
fn arrow<'a>(step: &'a Step, left: &str, lane: usize, page: &Page) -> (String, Option<&'a str>) {
    let marks = page.marks;
    let line = if step.missing { marks.dot } else { marks.dash };
    let label = shortened(&step.label, lane.saturating_sub(8), marks.ellipsis);
    let whole = (label != visible(&step.label)).then_some(step.label.as_str());
    let shaft = lane.saturating_sub(width(&label) + 3);
    let (near, far) = (line.repeat(shaft / 2), line.repeat(shaft - shaft / 2));
    let drawn = if step.from == left {
        format!("{near} {label} {far}{}", marks.tip_right)
    } else {
        format!("{}{far} {label} {near}", marks.tip_left)
    };
    (format!("{0}{drawn}{0}", marks.rail), whole)
}

/// What the step's own note says, who speaks where it is neither end, and that it never came.
fn note(step: &Step, left: &str, right: &str, label: Option<&str>) -> String {
    let mut parts = vec![];
    parts.extend(label.map(str::to_owned));
    if step.from != left && step.from != right {
        parts.push(format!("from {}", step.from));
    } else if step.to != left && step.to != right {
        parts.push(format!("to {}", step.to));
    }
    parts.extend(step.note.clone());
    if step.missing && step.note.is_none() {
        parts.push("never came".to_owned());
    }
    parts.join(", ")
}

/// What stands in a lane or over a rail, cut where it must be.
fn shortened(text: &str, cells: usize, ellipsis: &str) -> String {
    cut(&visible(text), cells, ellipsis)
}
