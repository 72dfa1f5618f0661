//! The services: what was judged in the profile's order, each with its transports and pairs where they say more, then
//! in one line what no packet was seen of.

use super::frames;
use crate::render::layout::{blanks, count, cut, pad, pad_left, thousands, width, wrap};
use crate::render::page::{Page, Piece, Tone};
use crate::render::words;
use crate::report::{Attribution, Confidence, FrameRef, Pair, Report, Service, Transport, Verdict};
use crate::text::visible;

/// Service identifiers are short; a longer one (the profile may be the user's own) is wrapped.
const NAME: usize = 24;
/// Few host names are longer; the DNS allows 253.
const HOST_NAME: usize = 64;
/// The mark and its blank.
const MARK: usize = 2;
/// With more pairs than this the reader needs the worst ones, and `-v` for the rest.
const PAIRS: usize = 10;

/// Draws the table of services.
pub(super) fn draw(report: &Report, all: bool, page: &mut Page) {
    let (folded, judged): (Vec<&Service>, Vec<&Service>) =
        report.services.iter().partition(|service| service.verdict == Verdict::NotSeen && !service.required && !all);
    let cells = frames_limit(page.width);
    let counts = Counts::of(&judged, gap(page.width));
    let rows: Vec<Row> = judged.iter().flat_map(|service| rows(report, service, all, cells, &counts, page)).collect();
    let columns = Columns::of(&rows, &folded, report, page.width);
    if !rows.is_empty() {
        let head = ["SERVICE", "VERDICT", "ON THE WIRE", "FRAMES"].map(str::to_owned);
        columns.draw(&Row { mark: "", tone: Tone::Faint, cells: head, kind: Kind::Head }, page);
    }
    for row in &rows {
        columns.draw(row, page);
    }
    if !folded.is_empty() {
        columns.draw_folded(&folded, report, page);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Head,
    Service,
    Detail,
}

/// One row: name, verdict, what was on the wire, frames.
struct Row {
    mark: &'static str,
    tone: Tone,
    cells: [String; 4],
    kind: Kind,
}

impl Row {
    fn service(verdict: Verdict, name: &str, wire: String, frames: String, page: &Page) -> Self {
        let cells =
            [visible(name).into_owned(), words::verdict(verdict).to_owned(), visible(&wire).into_owned(), frames];
        Row { mark: page.marks.of(verdict), tone: Tone::of(verdict), cells, kind: Kind::Service }
    }

    fn detail(verdict: Verdict, name: &str, wire: String, frames: String) -> Self {
        let name = format!("  {}", visible(name));
        let cells = [name, words::verdict(verdict).to_owned(), visible(&wire).into_owned(), frames];
        Row { mark: "", tone: Tone::of(verdict), cells, kind: Kind::Detail }
    }

    fn name_tone(&self) -> Tone {
        if self.kind == Kind::Service && self.tone != Tone::Faint { Tone::Strong } else { self.text_tone() }
    }

    /// What is absent recedes, all along the line.
    fn text_tone(&self) -> Tone {
        if self.tone == Tone::Faint { Tone::Faint } else { Tone::Plain }
    }
}

fn rows(report: &Report, service: &Service, all: bool, cells: usize, counts: &Counts, page: &Page) -> Vec<Row> {
    let ellipsis = page.marks.ellipsis;
    let details = details(report, service, all, cells, counts, ellipsis);
    let proof = if details.is_empty() && service.verdict != Verdict::Seen {
        proof(report, &service.findings, |_| true, cells, ellipsis)
    } else {
        None
    };
    let span = span(report, &service.transports);
    let wire = on_the_wire(report, service);
    let mut rows = vec![Row::service(service.verdict, &service.id, wire, proof.or(span).unwrap_or_default(), page)];
    rows.extend(details);
    rows.extend(pairs(report, service, all, page.marks.arrow));
    rows
}

/// The service's summary, and why it is not surer where no finding tells.
fn on_the_wire(report: &Report, service: &Service) -> String {
    if service.verdict == Verdict::NotSeen && service.pairs.is_empty() {
        let ports: Vec<String> = service
            .transports
            .iter()
            .map(|transport| words::protocol_port(&transport.protocol, transport.port))
            .collect();
        let required = if service.required { "required, but " } else { "" };
        return format!("{required}no packet of it ({})", ports.join(", "));
    }
    let mut text = service.summary.clone();
    let others: Vec<String> = service.candidates.iter().filter(|id| **id != service.id).cloned().collect();
    let shares = service.attribution == Some(Attribution::SharedPort) && !others.is_empty();
    let mut before = report.services.iter().take_while(|known| known.id != service.id);
    let is_told = |known: &&Service| others.contains(&known.id) && known.summary == service.summary;
    if shares && let Some(known) = before.find(is_told) {
        return format!("the same as {}, which uses the same port", known.id);
    }
    let mut names: Vec<&str> = service.pairs.iter().filter_map(|pair| pair.server_name.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    // Where the port alone says whose it is, the name lets the reader judge.
    if let [name] = names.as_slice()
        && matches!(service.attribution, Some(Attribution::Port | Attribution::SharedPort))
        && !text.contains(name)
    {
        text.push_str(&format!("; its name is {}", cut(&visible(name), HOST_NAME, "...")));
    }
    if shares {
        let use_it = if others.len() == 1 { "which uses" } else { "which use" };
        text.push_str(&format!("; may be {} as well, {use_it} the same port", words::and_list(&others)));
    }
    let told =
        service.findings.iter().any(|&index| report.findings.get(index).is_some_and(|f| f.confidence_reason.is_some()));
    if let (Some(confidence), Some(reason), false) = (service.confidence, &service.confidence_reason, told)
        && confidence < Confidence::High
    {
        text.push_str(&format!(" ({} confidence: {reason})", confidence.name()));
    }
    text
}

/// The transports, where they say more than the service's own line: several were used, or it does not simply work.
fn details(report: &Report, service: &Service, all: bool, cells: usize, counts: &Counts, ellipsis: &str) -> Vec<Row> {
    let spoken = |transport: &&Transport| words::used(transport) || transport.verdict != Verdict::NotSeen;
    let (used, unused): (Vec<&Transport>, Vec<&Transport>) = service.transports.iter().partition(spoken);
    let wanted = all || used.len() > 1 || (service.verdict != Verdict::Seen && service.transports.len() > 1);
    if !wanted || used.is_empty() {
        return vec![];
    }
    let mut rows: Vec<Row> = used
        .into_iter()
        .map(|transport| {
            let here = |id: Option<&str>| id == Some(transport.id.as_str());
            let proof = if transport.verdict > Verdict::Seen {
                proof(report, &service.findings, here, cells, ellipsis)
            } else {
                None
            };
            let frames = proof.or_else(|| span(report, std::slice::from_ref(transport))).unwrap_or_default();
            Row::detail(transport.verdict, &transport.id, counts.line(service, transport), frames)
        })
        .collect();
    if !unused.is_empty() {
        let names: Vec<&str> = unused.iter().map(|transport| transport.id.as_str()).collect();
        rows.push(Row::detail(Verdict::NotSeen, &names.join(", "), String::new(), String::new()));
    }
    rows
}

/// The pairs, where they differ or all are asked for; the worst first where not all are shown.
fn pairs(report: &Report, service: &Service, all: bool, arrow: &str) -> Vec<Row> {
    let differ = service.pairs.iter().any(|pair| pair.verdict != service.verdict);
    if !all && !differ {
        return vec![];
    }
    let mut pairs: Vec<&Pair> = service.pairs.iter().collect();
    if !all && pairs.len() > PAIRS {
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.verdict));
    }
    let shown = if all { pairs.len() } else { PAIRS };
    let mut rows: Vec<Row> = pairs
        .iter()
        .take(shown)
        .map(|pair| {
            let frames = span(report, &pair.transports).unwrap_or_default();
            Row::detail(pair.verdict, "pair", format!("{}: {}", between(pair, arrow), pair.summary), frames)
        })
        .collect();
    let rest = pairs.get(shown..).unwrap_or_default();
    if let Some(worst) = rest.iter().map(|pair| pair.verdict).max() {
        let text = format!("at worst, of {}; -v lists them", count(rest.len() as u64, "more pair"));
        rows.push(Row::detail(worst, "pairs", text, String::new()));
    }
    rows
}

fn between(pair: &Pair, arrow: &str) -> String {
    let server = match (pair.server, &pair.server_name) {
        (Some(address), Some(name)) => format!("{address} ({name})"),
        (Some(address), None) => address.to_string(),
        (None, Some(name)) => name.clone(),
        (None, None) => "unknown server".to_owned(),
    };
    format!("{} {arrow} {server}", pair.client)
}

/// The frames that the first fitting finding cites.
fn proof(
    report: &Report,
    findings: &[usize],
    transport: impl Fn(Option<&str>) -> bool,
    cells: usize,
    ellipsis: &str,
) -> Option<String> {
    let finding = findings
        .iter()
        .filter_map(|&index| report.findings.get(index))
        .find(|finding| transport(finding.transport.as_deref()) && !finding.evidence.is_empty())?;
    let cited: Vec<FrameRef> =
        finding.evidence.iter().map(|proof| FrameRef { input: proof.input, frame: proof.frame }).collect();
    let more = finding.evidence_total > cited.len() as u64;
    Some(frames::list(report, &cited, more, cells, ellipsis))
}

/// From the first to the last frame of the transports.
fn span(report: &Report, transports: &[Transport]) -> Option<String> {
    let first = transports.iter().filter_map(|transport| transport.first_frame).min()?;
    let last = transports.iter().filter_map(|transport| transport.last_frame).max()?;
    Some(frames::range(report, first, last))
}

/// The widths of a transport's numbers, so that they stand below each other all down the table.
struct Counts {
    port: usize,
    out: usize,
    back: usize,
    gap: usize,
}

impl Counts {
    fn of(services: &[&Service], gap: usize) -> Self {
        let used = || {
            let all = services.iter().flat_map(|service| service.transports.iter().map(move |one| (*service, one)));
            all.filter(|(_, transport)| words::used(transport))
        };
        let widest = |of: fn(&Service, &Transport) -> String| {
            used().map(|(service, transport)| width(&of(service, transport))).max().unwrap_or(0)
        };
        Counts {
            port: widest(|service, transport| visible(&words::used_port(service, transport)).into_owned()),
            out: widest(|_, transport| thousands(transport.packets_out)),
            back: widest(|_, transport| thousands(transport.packets_in)),
            gap,
        }
    }

    /// `udp/4500   5 out   0 in`.
    fn line(&self, service: &Service, transport: &Transport) -> String {
        if !words::used(transport) {
            return String::new();
        }
        format!(
            "{}{gap}{} out{gap}{} in",
            pad(&visible(&words::used_port(service, transport)), self.port),
            pad_left(&thousands(transport.packets_out), self.out),
            pad_left(&thousands(transport.packets_in), self.back),
            gap = blanks(self.gap),
        )
    }
}

/// What FRAMES may take: enough for a few numbers (18 of 80 cells), never so much that the wire is squeezed.
fn frames_limit(page: usize) -> usize {
    (page * 3 / 10).saturating_sub(6)
}

/// Between columns: less where cells are few.
fn gap(page: usize) -> usize {
    if page < 100 { 2 } else { 3 }
}

/// The widths of the columns, and of the gap behind each.
struct Columns {
    name: usize,
    verdict: usize,
    wire: usize,
    frames: usize,
    gap: usize,
}

impl Columns {
    fn of(rows: &[Row], folded: &[&Service], report: &Report, page: usize) -> Self {
        let widest = |column: usize| {
            rows.iter().filter_map(|row| row.cells.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        };
        let fold = if folded.is_empty() { 0 } else { width(&fold_name(folded, report)) };
        let gap = gap(page);
        let name = widest(0).max(fold).max(width("SERVICE")).min((page / 2).saturating_sub(16)).min(NAME);
        let verdict = widest(1).max(width("not seen"));
        let frames = widest(3).min(frames_limit(page)).max(width("FRAMES"));
        let left = page.saturating_sub(MARK + name + verdict + frames + 3 * gap);
        let wire = widest(2).min(left).max(width("ON THE WIRE"));
        Columns { name, verdict, wire, frames, gap }
    }

    fn draw(&self, row: &Row, page: &mut Page) {
        let [name, verdict, wire, frames] = &row.cells;
        let indent = if row.kind == Kind::Detail { 2 } else { 0 };
        let names =
            wrap(name, self.name - indent).into_iter().map(|line| format!("{}{line}", blanks(indent))).collect();
        // Numbers stand below each other, so what fits is left as it is.
        let wires = if width(wire) <= self.wire { vec![wire.clone()] } else { wrap(wire, self.wire) };
        let columns: [(Vec<String>, usize, Tone); 5] = [
            (vec![row.mark.to_owned()], MARK, row.tone),
            (names, self.name + self.gap, row.name_tone()),
            (vec![verdict.clone()], self.verdict + self.gap, row.tone),
            (wires, self.wire + self.gap, row.text_tone()),
            (wrap(frames, self.frames), self.frames, row.text_tone()),
        ];
        let height = columns.iter().map(|(lines, ..)| lines.len()).max().unwrap_or(0);
        for index in 0..height {
            let cell = |(lines, cells, tone): &(Vec<String>, usize, Tone)| {
                Piece::new(pad(lines.get(index).map_or("", String::as_str), *cells), *tone)
            };
            page.line(columns.iter().map(cell).collect());
        }
    }

    /// One line for all services without a packet, over both last columns.
    fn draw_folded(&self, folded: &[&Service], report: &Report, page: &mut Page) {
        let names: Vec<&str> = folded.iter().map(|service| service.id.as_str()).collect();
        let head = [
            pad(page.marks.of(Verdict::NotSeen), MARK),
            pad(&cut(&fold_name(folded, report), self.name, ""), self.name + self.gap),
            pad(words::verdict(Verdict::NotSeen), self.verdict + self.gap),
        ];
        let head = head.iter().map(|cell| Piece::new(cell, Tone::Faint)).collect();
        page.hanging(head, &format!("no packet of {}", names.join(", ")), Tone::Faint);
    }
}

/// `10 others`, `all 12`, or the one service's own name.
fn fold_name(folded: &[&Service], report: &Report) -> String {
    match folded {
        [only] => visible(&only.id).into_owned(),
        _ if folded.len() == report.services.len() => format!("all {}", folded.len()),
        _ => format!("{} others", folded.len()),
    }
}
