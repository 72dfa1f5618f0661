//! Frame numbers, as they are typed into Wireshark: without separators, and with `#2:` for the second of several
//! inputs.

use crate::render::layout::width;
use crate::report::{FrameRef, Report};

/// Cells that a time of day takes, `14:02:13.144`.
pub(super) const CLOCK: usize = 12;

/// `12`, `#2:12`.
pub(super) fn frame(report: &Report, frame: FrameRef) -> String {
    format!("{}{}", prefix(report, frame.input), frame.frame)
}

/// `12-31`, `#2:12-31`, and over two inputs `#1:12 - #2:31`.
pub(super) fn range(report: &Report, first: FrameRef, last: FrameRef) -> String {
    if first == last {
        frame(report, first)
    } else if first.input == last.input {
        // Where time runs backwards the earliest packet may have the higher number.
        let (low, high) = if first.frame < last.frame { (first, last) } else { (last, first) };
        format!("{}-{}", frame(report, low), high.frame)
    } else {
        format!("{} - {}", frame(report, first), frame(report, last))
    }
}

/// As many of `frames` as fit into `cells`, the last always: `16, 19, 22 ... 31`. `more` says that some between the
/// last two were not kept.
pub(super) fn list(report: &Report, frames: &[FrameRef], more: bool, cells: usize, ellipsis: &str) -> String {
    let Some((last, head)) = frames.split_last() else { return String::new() };
    if let ([], _) | (_, false) = (head, more) {
        let all = join(report, frames);
        if width(&all) <= cells {
            return all;
        }
    }
    (1..=head.len())
        .rev()
        .map(|kept| {
            let shown = join(report, head.get(..kept).unwrap_or_default());
            let same_input = head.get(kept - 1).is_some_and(|before| before.input == last.input);
            let last = if same_input { last.frame.to_string() } else { frame(report, *last) };
            format!("{shown} {ellipsis} {last}")
        })
        .find(|text| width(text) <= cells)
        .unwrap_or_else(|| match head.first() {
            Some(first) => range(report, *first, *last),
            None => frame(report, *last),
        })
}

/// Numbers with commas; an input is named where it changes.
fn join(report: &Report, frames: &[FrameRef]) -> String {
    let mut out = String::new();
    let mut input = None;
    for reference in frames {
        if !out.is_empty() {
            out.push_str(", ");
        }
        if input == Some(reference.input) {
            out.push_str(&reference.frame.to_string());
        } else {
            out.push_str(&frame(report, *reference));
        }
        input = Some(reference.input);
    }
    out
}

fn prefix(report: &Report, input: usize) -> String {
    if report.inputs.len() > 1 { format!("#{}:", input + 1) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    fn refs(frames: &[(usize, u64)]) -> Vec<FrameRef> {
        frames.iter().map(|&(input, frame)| FrameRef { input, frame }).collect()
    }

    #[test]
    fn one_input_needs_no_name() {
        let report = samples::blocked_vpn();
        let frames = refs(&[(0, 16), (0, 19), (0, 22), (0, 26), (0, 31)]);
        assert_eq!(list(&report, &frames, false, 40, "..."), "16, 19, 22, 26, 31");
        assert_eq!(list(&report, &frames, false, 17, "..."), "16, 19, 22 ... 31");
        assert_eq!(list(&report, &frames, true, 40, "..."), "16, 19, 22, 26 ... 31");
        assert_eq!(list(&report, &frames, false, 3, "..."), "16-31");
        assert_eq!(list(&report, &[], false, 3, "..."), "");
        assert_eq!(list(&report, &frames[..1], true, 40, "..."), "16");
    }

    #[test]
    fn several_inputs_are_numbered() {
        let report = samples::many_inputs();
        let frames = refs(&[(0, 16), (1, 3), (1, 9)]);
        assert_eq!(list(&report, &frames, false, 40, "..."), "#1:16, #2:3, 9");
        assert_eq!(list(&report, &frames, false, 12, "..."), "#1:16 - #2:9");
        assert_eq!(range(&report, frames[1], frames[2]), "#2:3-9");
    }
}
