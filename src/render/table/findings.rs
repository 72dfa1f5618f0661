//! The findings: what happened, why, what to do, and where to see it.

use super::frames::{self, CLOCK};
use super::ladder;
use crate::render::layout::{blanks, pad, pad_left, thousands, width};
use crate::render::page::{Page, Piece, Tone};
use crate::render::words;
use crate::report::{Cause, Confidence, Evidence, Finding, FrameRef, Report, Severity, Verdict};
use crate::text::visible;

/// A capture of a whole site may have hundreds; the worst come first, and `-v` lists the rest.
const SHOWN: usize = 20;

/// As wide as the longest label and the gap behind it.
const LABEL: usize = 16;

/// Draws the findings, the worst first, as the report has them.
pub(super) fn draw(report: &Report, all: bool, page: &mut Page) {
    let groups: Vec<&[Finding]> = report.findings.chunk_by(is_same).collect();
    let shown = if all { groups.len() } else { SHOWN };
    let number_width = thousands(groups.len().min(shown) as u64).len();
    for (index, group) in groups.iter().take(shown).enumerate() {
        let number = pad_left(&(index + 1).to_string(), number_width);
        let Some(finding) = group.first() else { continue };
        let services: Vec<String> = group.iter().map(|finding| finding.service.clone()).collect();
        if finding.severity == Severity::Info {
            draw_info(report, finding, &services, &number, all, page);
        } else {
            draw_trouble(report, finding, &services, &number, all, page);
        }
        page.blank();
    }
    if let Some(more) = groups.len().checked_sub(shown).filter(|&more| more > 0) {
        page.hanging(vec![], &format!("and {} more findings; -v lists them", thousands(more as u64)), Tone::Faint);
        page.blank();
    }
}

/// Whether two findings are one for the reader: services that share a port have all but their names in common.
fn is_same(one: &Finding, other: &Finding) -> bool {
    (one.service != other.service)
        && (&one.code, &one.summary, one.client, one.server)
            == (&other.code, &other.summary, other.client, other.server)
        && (one.severity, one.confidence, &one.evidence) == (other.severity, other.confidence, &other.evidence)
}

fn draw_trouble(report: &Report, finding: &Finding, services: &[String], number: &str, all: bool, page: &mut Page) {
    let cause = Cause::ALL.iter().find(|cause| cause.code() == finding.code);
    let verdict = cause.map_or(Verdict::Inconclusive, |cause| cause.verdict());
    let tone = Tone::of(verdict);
    let (one, several) = match verdict {
        Verdict::Failed => ("failed", "failed"),
        Verdict::Interrupted => ("was interrupted", "were interrupted"),
        Verdict::Degraded => ("is degraded", "are degraded"),
        Verdict::Inconclusive => ("is inconclusive", "are inconclusive"),
        _ => ("is blocked", "are blocked"),
    };
    let predicate = if services.len() == 1 { one } else { several };
    title(
        number,
        &format!("{} {predicate}: {}", words::and_list(services), finding.code),
        Some(finding.confidence),
        tone,
        page,
    );

    let mut section = Section { indent: number.len() + 2, page };
    if all || pairs_of(report, finding) > 1 {
        section.text("Between", &between(finding, section.page.marks.arrow));
    }
    section.text("What happened", &finding.summary);
    if all {
        section.evidence(report, finding);
    } else {
        section.text("Proof", &proof(report, finding, section.page));
    }
    section.text("Likely cause", &finding.explanation);
    if let Some(suspect) = finding.suspect {
        section.text("Suspect", &format!("{suspect}, the device that did it"));
    }
    for also in &finding.also_seen {
        section.text("Also seen", also);
    }
    if finding.confidence < Confidence::High {
        section.text("Why not surer", finding.confidence_reason.as_deref().unwrap_or_default());
    }
    section.text("What to do", &finding.remedy);
    section.filter(&finding.display_filter);
    if all {
        ladder::draw(report, finding, section.indent, section.page);
    }
}

/// Worth knowing: what it is and what to do; the rest is for `-v`.
fn draw_info(report: &Report, finding: &Finding, services: &[String], number: &str, all: bool, page: &mut Page) {
    title(number, &format!("{}: {}", words::and_list(services), finding.code), None, Tone::Strong, page);
    let frames = proof(report, finding, page);
    let cited = if frames.is_empty() { String::new() } else { format!(" ({frames})") };
    let mut section = Section { indent: number.len() + 2, page };
    section.text("What happened", &format!("{}{cited}", finding.summary));
    section.text("What to do", &finding.remedy);
    if all {
        section.filter(&finding.display_filter);
    }
}

fn title(number: &str, text: &str, confidence: Option<Confidence>, tone: Tone, page: &mut Page) {
    let head = vec![Piece::new(format!("{number}  "), Tone::Strong)];
    let Some(confidence) = confidence else { return page.hanging(head, text, tone) };
    let tail = format!("   (confidence {})", confidence.name());
    let text = visible(text);
    if number.len() + 2 + width(&text) + width(&tail) <= page.width {
        let mut line = head;
        line.push(Piece::new(text, tone));
        line.push(Piece::new(tail, Tone::Faint));
        page.line(line);
    } else {
        page.hanging(head, &text, tone);
        page.hanging(vec![Piece::plain(blanks(number.len() + 2))], tail.trim_start(), Tone::Faint);
    }
}

/// Labelled paragraphs below a title.
struct Section<'a> {
    indent: usize,
    page: &'a mut Page,
}

impl Section<'_> {
    fn label(&self, label: &str) -> Vec<Piece> {
        vec![Piece::plain(blanks(self.indent)), Piece::new(pad(label, LABEL), Tone::Faint)]
    }

    /// A paragraph, unless there is nothing to say.
    fn text(&mut self, label: &str, text: &str) {
        if !text.is_empty() {
            self.page.hanging(self.label(label), text, Tone::Plain);
        }
    }

    /// A display filter stays in one piece, so that it can be copied: where it does not fit behind its label it gets a
    /// line of its own, at the margin where it is too long even for that.
    fn filter(&mut self, filter: &str) {
        if filter.is_empty() {
            return;
        }
        let (filter, mut head) = (visible(filter), self.label("Show it"));
        let left = self.page.width.saturating_sub(width(&filter));
        if left >= self.indent + LABEL {
            head.push(Piece::plain(filter));
            self.page.line(head);
        } else {
            self.page.line(head);
            self.page.line(vec![Piece::plain(blanks(left.min(self.indent))), Piece::plain(filter)]);
        }
    }

    /// Every cited frame with its time and what it shows.
    fn evidence(&mut self, report: &Report, finding: &Finding) {
        let frame = |proof: &Evidence| frames::frame(report, FrameRef { input: proof.input, frame: proof.frame });
        let widest = finding.evidence.iter().map(|proof| frame(proof).len()).max().unwrap_or(0);
        let left_out = finding.evidence_total.saturating_sub(finding.evidence.len() as u64);
        for (index, proof) in finding.evidence.iter().enumerate() {
            if index > 0 && index + 1 == finding.evidence.len() && left_out > 0 {
                let mut head = self.label("");
                head.push(Piece::plain(blanks(widest + 2)));
                self.page.hanging(head, &format!("{} more", thousands(left_out)), Tone::Faint);
            }
            let mut head = self.label(if index == 0 { "Proof" } else { "" });
            let time = proof.time.map(|time| time.clock()).unwrap_or_default();
            head.push(Piece::plain(format!("{}  {}  ", pad_left(&frame(proof), widest), pad(&time, CLOCK))));
            self.page.hanging(head, &proof.note, Tone::Plain);
        }
    }
}

/// `frames 16, 19, 22 ... 31, 6 in all`.
fn proof(report: &Report, finding: &Finding, page: &Page) -> String {
    let cited: Vec<FrameRef> =
        finding.evidence.iter().map(|proof| FrameRef { input: proof.input, frame: proof.frame }).collect();
    let more = finding.evidence_total.saturating_sub(cited.len() as u64);
    let list = frames::list(report, &cited, more > 0, page.width / 2, page.marks.ellipsis);
    match (cited.len(), more) {
        (0, _) => String::new(),
        (1, 0) => format!("frame {list}"),
        (1, more) => format!("frame {list} and {} more", thousands(more)),
        (_, 0) => format!("frames {list}"),
        _ => format!("frames {list}, {} in all", thousands(finding.evidence_total)),
    }
}

/// How many pairs the finding's service has: with one there is no doubt whom it is about.
fn pairs_of(report: &Report, finding: &Finding) -> usize {
    report.services.iter().find(|service| service.id == finding.service).map_or(0, |service| service.pairs.len())
}

fn between(finding: &Finding, arrow: &str) -> String {
    let server = match (finding.server, &finding.server_name) {
        (Some(address), Some(name)) => format!("{address} ({name})"),
        (Some(address), None) => address.to_string(),
        (None, Some(name)) => name.clone(),
        (None, None) => String::new(),
    };
    match finding.client {
        Some(client) if !server.is_empty() => format!("{client} {arrow} {server}"),
        Some(client) => client.to_string(),
        None => server,
    }
}
