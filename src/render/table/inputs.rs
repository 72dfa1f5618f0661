//! What was read: one paragraph per input, with what is wrong with it directly beneath.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::render::layout::{blanks, count, flow, pad, pad_left, thousands, width};
use crate::render::page::{Page, Piece, Tone};
use crate::render::words;
use crate::report::{Input, Report, Vantage};
use crate::text::visible;
use crate::time::Timestamp;

/// A directory may hold hundreds of files; beyond this only those with something wrong are shown without `-v`.
const SHOWN: usize = 8;

/// More clients than this say nothing in a heading.
const CLIENTS: usize = 3;

/// One bad disk block can damage a file in many places; the first ones tell enough without `-v`.
const DAMAGE: usize = 3;

const GAP: &str = "   ";

/// Draws every input, or where there are many the first and those with something wrong.
pub(super) fn draw(report: &Report, all: bool, page: &mut Page) {
    if all {
        program(report, page);
    }
    let (shown, left_out): (Vec<_>, Vec<_>) =
        report.inputs.iter().enumerate().partition(|(index, input)| all || *index < SHOWN || has_trouble(input));
    let columns = Columns::of(report, &shown);
    for (index, input) in shown {
        paragraph(report, index, input, &columns, all, page);
    }
    if !left_out.is_empty() {
        let text =
            format!("and {} with nothing wrong in them; -v lists them", count(left_out.len() as u64, "more input"));
        page.hanging(vec![Piece::plain("  ")], &text, Tone::Faint);
    }
}

/// Widths by which several inputs stand below each other.
struct Columns {
    number: usize,
    path: usize,
    packets: usize,
}

impl Columns {
    fn of(report: &Report, shown: &[(usize, &Input)]) -> Self {
        let widest =
            |of: fn(&(usize, &Input)) -> String| shown.iter().map(|input| width(&of(input))).max().unwrap_or(0);
        let number = if report.inputs.len() > 1 { widest(|(index, _)| number(*index)) } else { 0 };
        Columns { number, path: widest(|(_, input)| path(input)), packets: widest(|(_, input)| packets(input)) }
    }
}

fn number(index: usize) -> String {
    format!("#{}  ", index + 1)
}

fn path(input: &Input) -> String {
    if input.path == "-" { "standard input".to_owned() } else { visible(&input.path).into_owned() }
}

/// Nothing was counted in what could not be read.
fn packets(input: &Input) -> String {
    if input.error.is_some() { String::new() } else { count(input.packets, "packet") }
}

fn program(report: &Report, page: &mut Page) {
    let profile = &report.profile;
    let tool = &report.tool;
    let text = format!("{} {}, table {} {} ({})", tool.name, tool.version, profile.id, profile.version, profile.title);
    page.hanging(vec![], &text, Tone::Faint);
    page.hanging(vec![Piece::plain("  ")], &format!("SHA-256 {}", profile.sha256), Tone::Faint);
    page.blank();
}

fn paragraph(report: &Report, index: usize, input: &Input, columns: &Columns, all: bool, page: &mut Page) {
    let indent = columns.number.max(2);
    let name = path(input);
    let number = if columns.number > 0 { pad(&number(index), columns.number) } else { String::new() };
    let number = Piece::new(number, Tone::Faint);
    let facts = facts(report, index, input);
    let aligned = aligned(input, &facts, columns);
    if columns.number + columns.path + width(&aligned) <= page.width {
        page.line(vec![number, Piece::new(pad(&name, columns.path), Tone::Strong), Piece::plain(aligned)]);
    } else {
        page.hanging(vec![number], &name, Tone::Strong);
        let lines = flow(&facts, GAP, page.width.saturating_sub(indent));
        page.block(vec![Piece::plain(blanks(indent))], indent, lines, Tone::Plain);
    }
    if all && let Some(hash) = &input.sha256 {
        page.hanging(vec![Piece::plain(blanks(indent))], &format!("SHA-256 {hash}"), Tone::Faint);
    }
    trouble(input, all, indent, page);
}

/// What stands behind the path, the number of packets below those of other inputs.
fn aligned(input: &Input, facts: &[String], columns: &Columns) -> String {
    let counted = packets(input);
    facts
        .iter()
        .map(|fact| if *fact == counted { pad_left(fact, columns.packets) } else { fact.clone() })
        .map(|fact| format!("{GAP}{fact}"))
        .collect()
}

/// What is told of an input.
fn facts(report: &Report, index: usize, input: &Input) -> Vec<String> {
    let mut facts = vec![packets(input)];
    if let (Some(first), Some(last)) = (input.first_time, input.last_time) {
        facts.push(time_range(first, last));
    }
    let clients = clients(report, index);
    if !clients.is_empty() {
        let mut named: Vec<String> = clients.iter().take(CLIENTS).map(ToString::to_string).collect();
        if clients.len() > CLIENTS {
            named.push(format!("{} more", thousands((clients.len() - CLIENTS) as u64)));
        }
        let noun = if clients.len() == 1 { "client" } else { "clients" };
        facts.push(format!("{noun} {}", words::and_list(&named)));
    }
    match input.vantage {
        Vantage::Client => facts.push("taken on the client".to_owned()),
        Vantage::Gateway => facts.push("taken on the gateway".to_owned()),
        Vantage::Mirror => facts.push("taken between the two ends".to_owned()),
        Vantage::Unknown => {}
    }
    facts.retain(|fact| !fact.is_empty());
    facts
}

/// `2026-11-24 14:02:11 to 14:03:05 UTC (54 s)`: the date once where it is the same.
fn time_range(first: Timestamp, last: Timestamp) -> String {
    let (from, to) = (first.to_second(), last.to_second());
    let span = last - first;
    if first == last {
        return format!("{from} UTC");
    }
    match (from.split_once(' '), to.split_once(' ')) {
        (Some((date, _)), Some((same, clock))) if date == same => format!("{from} to {clock} UTC ({span})"),
        _ => format!("{from} to {to} UTC ({span})"),
    }
}

/// The clients whose packets this input holds.
fn clients(report: &Report, index: usize) -> BTreeSet<IpAddr> {
    let pairs = report.services.iter().flat_map(|service| &service.pairs);
    let here = pairs.filter(|pair| {
        report.inputs.len() == 1
            || pair.transports.iter().any(|transport| {
                transport.first_frame.is_some_and(|frame| frame.input == index)
                    || transport.last_frame.is_some_and(|frame| frame.input == index)
            })
    });
    here.map(|pair| pair.client).collect()
}

fn has_trouble(input: &Input) -> bool {
    input.error.is_some()
        || !input.damage.is_empty()
        || input.truncated_packets > 0
        || input.dropped_packets.is_some_and(|dropped| dropped > 0)
}

fn trouble(input: &Input, all: bool, indent: usize, page: &mut Page) {
    let mut warn = |mark: &str, tone: Tone, text: &str| {
        page.hanging(vec![Piece::plain(blanks(indent)), Piece::new(format!("{mark} "), tone)], text, tone);
    };
    if let Some(error) = &input.error {
        warn("!", Tone::Bad, &format!("cannot be read: {error}"));
    }
    let shown = if all { input.damage.len() } else { DAMAGE };
    for damage in input.damage.iter().take(shown) {
        let place = format!("damaged at byte {} (frame {})", thousands(damage.offset), damage.frame);
        warn("!", Tone::Doubtful, &format!("{place}: {}", damage.message));
    }
    if input.damage.len() > shown {
        let more = (input.damage.len() - shown) as u64;
        warn("!", Tone::Doubtful, &format!("damaged in {}; -v lists them", count(more, "more place")));
    }
    if let Some(dropped) = input.dropped_packets.filter(|&dropped| dropped > 0) {
        warn("!", Tone::Doubtful, &format!("the capture itself lost {}, by its own count", count(dropped, "packet")));
    }
    if input.truncated_packets > 0 {
        let (cut, packets) = (thousands(input.truncated_packets), count(input.packets, "packet"));
        warn("!", Tone::Doubtful, &format!("{cut} of {packets} captured shorter than they were on the wire"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_named_once() {
        let first = Timestamp::from_parts(1_795_528_931, 0);
        assert_eq!(
            time_range(first, first + crate::time::Span::from_secs(54)),
            "2026-11-24 14:02:11 to 14:03:05 UTC (54 s)"
        );
        let next_day = first + crate::time::Span::from_secs(86_400);
        assert_eq!(time_range(first, next_day), "2026-11-24 14:02:11 to 2026-11-25 14:02:11 UTC (24 h 00 min)");
        assert_eq!(time_range(first, first), "2026-11-24 14:02:11 UTC");
    }
}
