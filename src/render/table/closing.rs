//! The answer in one line.

use crate::render::layout::{count, width};
use crate::render::page::{Page, Piece, Tone};
use crate::render::words;
use crate::report::{Cause, Outcome, Report, Verdict};
use crate::text::visible;

/// Between the answer and the hint.
const GAP: &str = "   ";

/// The answer of the report in one line: `Not compliant: 1 blocked, 1 seen, 10 not seen.`
pub fn closing_line(report: &Report) -> String {
    let (word, reason) = match report.outcome {
        Outcome::Compliant => ("Compliant", None),
        Outcome::NonCompliant => ("Not compliant", required_but_not_working(report)),
        Outcome::Inconclusive => ("Inconclusive", Some(why_inconclusive(report))),
    };
    let mut counts = words::tally(report);
    let unexpected: u64 = report.unexpected.iter().map(|group| group.flows).sum();
    if unexpected > 0 {
        counts.push(count(unexpected, "unexpected flow"));
    }
    let reason = reason.map(|reason| format!("{reason}; ")).unwrap_or_default();
    let unread = report.inputs.iter().filter(|input| input.error.is_some()).count();
    let unread = if unread > 0 && unread < report.inputs.len() {
        format!(" {unread} of {} could not be read.", count(report.inputs.len() as u64, "input"))
    } else {
        String::new()
    };
    visible(&format!("{word}: {reason}{}.{unread}", counts.join(", "))).into_owned()
}

/// Draws the closing line, and behind it, unless `quiet`, how to learn more of the first cause.
pub(super) fn draw(report: &Report, quiet: bool, page: &mut Page) {
    let text = closing_line(report);
    let tone = match report.outcome {
        Outcome::Compliant => Tone::Good,
        Outcome::NonCompliant => Tone::Bad,
        Outcome::Inconclusive => Tone::Doubtful,
    };
    let hint = first_cause(report).filter(|_| !quiet).map(|cause| format!("portproof explain {cause}"));
    match hint {
        Some(hint) if width(&text) + width(GAP) + width(&hint) <= page.width => {
            page.line(vec![Piece::new(text, tone), Piece::plain(GAP), Piece::new(hint, Tone::Faint)]);
        }
        hint => {
            page.hanging(vec![], &text, tone);
            if let Some(hint) = hint {
                page.hanging(vec![], &hint, Tone::Faint);
            }
        }
    }
}

/// The cause of the first finding that has one.
fn first_cause(report: &Report) -> Option<Cause> {
    report.findings.iter().find_map(|finding| Cause::from_code(&finding.code))
}

/// Services that the user named and that were not shown to work, unless their own verdict says enough.
fn required_but_not_working(report: &Report) -> Option<String> {
    let missing: Vec<String> = report
        .services
        .iter()
        .filter(|service| service.required && !service.verdict.works() && !service.verdict.is_bad())
        .map(|service| service.id.clone())
        .collect();
    let verb = if missing.len() == 1 { "was" } else { "were" };
    (!missing.is_empty()).then(|| format!("{} {verb} required and not shown to work", words::and_list(&missing)))
}

fn why_inconclusive(report: &Report) -> String {
    let open: Vec<String> = report
        .services
        .iter()
        .filter(|service| service.verdict == Verdict::Inconclusive)
        .map(|service| service.id.clone())
        .collect();
    if !open.is_empty() {
        format!("this capture cannot answer for {}", words::and_list(&open))
    } else if !report.inputs.is_empty() && report.inputs.iter().all(|input| input.error.is_some()) {
        "no input could be read".to_owned()
    } else if report.totals.packets == 0 {
        "the capture holds no packet".to_owned()
    } else {
        "no packet of any required service".to_owned()
    }
}
