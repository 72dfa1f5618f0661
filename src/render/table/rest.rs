//! What is beside the services: unexpected flows, background, bounds that were hit, and notes.

use super::frames;
use crate::render::layout::{blanks, column_widths, count, flow, pad, thousands};
use crate::render::page::{Page, Piece, Tone};
use crate::render::words;
use crate::report::{IcmpErrors, Limits, Report, Unexpected};
use crate::text::visible;

/// More than this are counted; `-v` lists them.
const SHOWN: usize = 10;

/// Kinds of background that are named without `-v`; the rest is counted.
const KINDS: usize = 4;

/// Groups of ICMP errors that are told without `-v`.
const ICMP_GROUPS: usize = 3;

/// As wide as `ICMP errors` and the gap behind it.
const LABEL: usize = 13;

/// Draws whatever there is.
pub(super) fn draw(report: &Report, all: bool, page: &mut Page) {
    unexpected(report, all, page);
    background(report, all, page);
    icmp_errors(report, all, page);
    beside(report, page);
    limits(&report.limits, page);
    for (index, note) in report.notes.iter().enumerate() {
        page.hanging(label(if index == 0 { "Note" } else { "" }, Tone::Faint), note, Tone::Plain);
    }
}

fn label(text: &str, tone: Tone) -> Vec<Piece> {
    vec![Piece::new(pad(text, LABEL), tone)]
}

fn unexpected(report: &Report, all: bool, page: &mut Page) {
    if report.unexpected.is_empty() {
        return;
    }
    let flows: u64 = report.unexpected.iter().map(|group| group.flows).sum();
    let text = format!("{} that neither the table nor the site file explains", count(flows, "flow"));
    page.hanging(label("Unexpected", Tone::Doubtful), &text, Tone::Plain);

    let shown = if all { report.unexpected.len() } else { SHOWN };
    let rows: Vec<Vec<String>> =
        report.unexpected.iter().take(shown).map(|group| columns(report, group, page.marks.arrow)).collect();
    let widths = column_widths(&rows);
    let indent = blanks(2);
    let aligned = 2 + widths.iter().map(|width| width + 3).sum::<usize>() <= page.width + 3;
    for row in rows {
        if aligned {
            let cells = row.iter().zip(&widths).map(|(cell, width)| pad(cell, width + 3)).collect::<String>();
            page.line(vec![Piece::plain(format!("{indent}{cells}"))]);
        } else {
            let cells: Vec<String> = row.into_iter().filter(|cell| !cell.is_empty()).collect();
            let lines = flow(&cells, "   ", page.width - 4);
            page.block(vec![Piece::plain(&indent)], 4, lines, Tone::Plain);
        }
    }
    if let Some(more) = report.unexpected.len().checked_sub(shown).filter(|&more| more > 0) {
        let text = format!("and {} more; -v lists them", thousands(more as u64));
        page.hanging(vec![Piece::plain(indent)], &text, Tone::Faint);
    }
    page.blank();
}

/// Who, what, what it may be, what became of it, where to see it.
fn columns(report: &Report, group: &Unexpected, arrow: &str) -> Vec<String> {
    let name = group.server_name.iter().map(|name| format!(" ({name})")).collect::<String>();
    let first = frames::frame(report, group.first_frame);
    // `#2:60` needs no word before it.
    let first = if report.inputs.len() > 1 { first } else { format!("frame {first}") };
    let place = if group.flows > 1 { format!("{first}, {}", count(group.flows, "flow")) } else { first };
    let cells = [
        format!("{} {arrow} {}{name}", group.client, group.server),
        words::protocol_port(&group.protocol, group.port),
        group.hint.as_deref().unwrap_or_default().to_owned(),
        group.state.to_owned(),
        place,
    ];
    cells.iter().map(|cell| visible(cell).into_owned()).collect()
}

fn background(report: &Report, all: bool, page: &mut Page) {
    if report.background.is_empty() {
        return;
    }
    let text = if all {
        let kinds = report
            .background
            .iter()
            .map(|kind| format!("{} {}, {}", kind.kind, count(kind.flows, "flow"), count(kind.packets, "packet")));
        kinds.collect::<Vec<_>>().join("; ")
    } else {
        let packets = report.background.iter().map(|kind| kind.packets).sum();
        let mut by_size: Vec<_> = report.background.iter().collect();
        by_size.sort_by_key(|kind| std::cmp::Reverse(kind.packets));
        let mut kinds: Vec<String> = by_size.iter().take(KINDS).map(|kind| kind.kind.clone()).collect();
        if by_size.len() > KINDS {
            kinds.push(count((by_size.len() - KINDS) as u64, "other kind"));
        }
        format!("{} of {}", count(packets, "packet"), words::and_list(&kinds))
    };
    page.hanging(label("Background", Tone::Faint), &text, Tone::Faint);
}

/// Who says that what did not arrive.
fn icmp_errors(report: &Report, all: bool, page: &mut Page) {
    let total = report.totals.accounted.icmp_errors;
    if total == 0 {
        return;
    }
    let shown = if all { report.icmp_errors.len() } else { ICMP_GROUPS };
    let quoted: u64 = report.icmp_errors.iter().take(shown).map(|group| group.packets).sum();
    let mut words: Vec<String> = report.icmp_errors.iter().take(shown).map(icmp_group).collect();
    if let Some(more) = total.checked_sub(quoted).filter(|&more| more > 0) {
        let all_told = shown >= report.icmp_errors.len();
        words.push(format!("{} {}", thousands(more), if all_told { "about flows not seen here" } else { "more" }));
    }
    page.hanging(label("ICMP errors", Tone::Faint), &words.join("; "), Tone::Faint);
}

/// `16 host unreachable from 192.168.2.30 about 198.51.100.53 udp/53`.
fn icmp_group(group: &IcmpErrors) -> String {
    let port = words::protocol_port(&group.protocol, group.port);
    format!("{} {} from {} about {} {port}", thousands(group.packets), group.says, group.from, group.server)
}

/// The packets that stand nowhere else, so that the sums add up.
fn beside(report: &Report, page: &mut Page) {
    let accounted = &report.totals.accounted;
    let there: Vec<String> = [
        (accounted.duplicates, "duplicate", "duplicates"),
        (accounted.not_ip, "packet that is not IP", "packets that are not IP"),
        (accounted.undecoded, "packet not decoded", "packets not decoded"),
        (accounted.filtered, "packet filtered out", "packets filtered out"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, one, many)| format!("{} {}", thousands(number), if number == 1 { one } else { many }))
    .collect();
    if !there.is_empty() {
        page.hanging(label("Not judged", Tone::Faint), &there.join(", "), Tone::Faint);
    }
}

/// Only what was hit, and what follows from it.
fn limits(limits: &Limits, page: &mut Page) {
    let Limits {
        evicted_flows,
        // The notes speak of these.
        evicted_evidence: _,
        unlisted_unexpected,
        dropped_names,
        dropped_messages,
        dropped_streams,
        orphan_fragments,
        dropped_fragments,
    } = limits;
    let hit: Vec<String> = [
        (evicted_flows, "flow given up for lack of memory", "flows given up for lack of memory"),
        (unlisted_unexpected, "unexpected flow not listed", "unexpected flows not listed"),
        (dropped_names, "DNS name not kept", "DNS names not kept"),
        (dropped_messages, "message beyond what is kept of a flow", "messages beyond what is kept of a flow"),
        (dropped_streams, "stream whose beginning was not kept", "streams whose beginning was not kept"),
        (orphan_fragments, "fragment without its first one", "fragments without their first one"),
        (dropped_fragments, "fragment given up", "fragments given up"),
    ]
    .into_iter()
    .filter(|(number, ..)| **number > 0)
    .map(|(number, one, many)| format!("{} {}", thousands(*number), if *number == 1 { one } else { many }))
    .collect();
    if !hit.is_empty() {
        let text = format!("{}: what is absent here may have been there", hit.join("; "));
        page.hanging(label("Limits", Tone::Doubtful), &text, Tone::Plain);
    }
}
