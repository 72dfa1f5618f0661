//! What the pairs of a service say together.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::pair::PairVerdict;
use crate::flow::Mark;
use crate::report::{Attribution, Cause, Confidence, Verdict};
use crate::time::Span;

/// A client that turns to another server within this time of starting with the first one, or of losing it, tries them one after
/// another.
const FALLBACK: Span = Span::from_secs(120);

/// Clients start the second address family within this time of the first (RFC 8305 recommends 250 ms).
const RACE: Span = Span::from_secs(1);

/// What is said of a service as a whole.
#[derive(Clone, Debug)]
pub(super) struct ServiceVerdict {
    pub(super) verdict: Verdict,
    pub(super) cause: Option<Cause>,
    pub(super) confidence: Option<Confidence>,
    pub(super) reason: Option<String>,
    pub(super) attribution: Option<Attribution>,
    /// Indexes into the profile's services.
    pub(super) candidates: Vec<usize>,
    pub(super) summary: String,
    /// When the last of it was seen.
    last: Option<Mark>,
}

/// Joins the pairs of a service: the worst of them, except that a client's own fallbacks are judged together.
pub(super) fn join(pairs: &[&PairVerdict]) -> ServiceVerdict {
    let mut by_client: BTreeMap<IpAddr, Vec<&PairVerdict>> = BTreeMap::new();
    let same_host = is_one_host(pairs);
    for pair in pairs {
        let client = if same_host { pairs.first().map_or(pair.client, |first| first.client) } else { pair.client };
        by_client.entry(client).or_default().push(pair);
    }
    let worst = by_client
        .values()
        .map(|pairs| of_client(pairs))
        .max_by_key(|said| (said.verdict, said.confidence.map_or(0, |confidence| confidence as u8), said.last));
    let mut said = worst.unwrap_or(ServiceVerdict {
        verdict: Verdict::NotSeen,
        cause: None,
        confidence: None,
        reason: None,
        attribution: None,
        candidates: Vec::new(),
        summary: String::new(),
        last: None,
    });
    said.candidates = pairs.iter().flat_map(|pair| pair.candidates.iter().copied()).collect();
    said.candidates.sort_unstable();
    said.candidates.dedup();
    said
}

/// Whether the clients are one host by its IPv4 and its IPv6 address: one of each, and no more.
fn is_one_host(pairs: &[&PairVerdict]) -> bool {
    let mut clients: Vec<IpAddr> = pairs.iter().map(|pair| pair.client).collect();
    clients.sort_unstable();
    clients.dedup();
    matches!(clients.as_slice(), [one, other] if one.is_ipv4() != other.is_ipv4())
}

/// One client: servers that it used at the same time count each, servers that it turned to when another failed count together.
fn of_client(pairs: &[&PairVerdict]) -> ServiceVerdict {
    let lost_races: Vec<&&PairVerdict> =
        pairs.iter().filter(|pair| pairs.iter().any(|other| lost_race(pair, other))).collect();
    let silent_family = lost_races.iter().find(|pair| pair.attempts_unanswered() >= 2);
    let pairs: Vec<&PairVerdict> =
        pairs.iter().filter(|pair| !lost_races.iter().any(|lost| std::ptr::eq(**lost, **pair))).copied().collect();
    let pairs = pairs.as_slice();
    if let Some(failed) = silent_family
        && let Some(works) = pairs.iter().find(|pair| pair.judgement.verdict == Verdict::Seen)
    {
        let said = fallback(failed, works);
        return ServiceVerdict {
            cause: Some(Cause::AddressFamilyBlocked),
            confidence: Some(Confidence::Medium),
            ..said
        };
    }
    let rescued = |failed: &PairVerdict| pairs.iter().find(|other| other.works() && is_fallback(failed, other));
    let alone: Vec<&&PairVerdict> = pairs.iter().filter(|pair| !is_failure(pair) || rescued(pair).is_none()).collect();
    // A pair that the client turned to, and that the snaplen keeps from being judged, may have worked.
    let unread = pairs.iter().find(|pair| {
        pair.judgement.cause == Some(Cause::SnaplenTooShort)
            && pairs.iter().any(|failed| is_failure(failed) && is_fallback(failed, pair))
    });
    if let Some(unread) = unread {
        return said_of(unread);
    }
    let worst = alone.into_iter().max_by_key(|pair| pair.rank());
    let given_up = pairs.iter().find_map(|pair| (is_failure(pair)).then(|| Some((pair, rescued(pair)?))).flatten());
    match (worst, given_up) {
        (Some(worst), Some((failed, works))) if worst.works() => fallback(failed, works),
        (Some(worst), _) => said_of(worst),
        (None, _) => join(&[]),
    }
}

/// Whether a pair only lost a race of address families (RFC 8305): it says little, and the same host works over the other family, tried
/// within a second.
fn lost_race(pair: &PairVerdict, other: &PairVerdict) -> bool {
    let families = pair.server.zip(other.server).is_some_and(|(a, b)| a.is_ipv4() != b.is_ipv4());
    pair.judgement.cause == Some(Cause::SingleAttempt)
        && other.works()
        && families
        && (pair.start() - other.start()).abs() <= RACE
}

fn is_failure(pair: &PairVerdict) -> bool {
    pair.judgement.verdict.is_bad()
}

/// Whether `works` is where the client turned when `failed` did not answer, or no longer: it began later, and the failed one was not
/// tried again once it worked.
fn is_fallback(failed: &PairVerdict, works: &PairVerdict) -> bool {
    let interrupted = failed.judgement.verdict == Verdict::Interrupted;
    let since = if interrupted { failed.last.time } else { failed.start() };
    works.start() >= since
        && works.start() - since <= FALLBACK
        && failed
            .judgement
            .evidence()
            .iter()
            .filter(|cited| !cited.note.starts_with("witness"))
            .map(|cited| cited.mark.time)
            .max()
            <= Some(works.last.time)
        && works.start() - failed.start() > Span::from_secs(1)
}

fn fallback(failed: &PairVerdict, works: &PairVerdict) -> ServiceVerdict {
    let other_family = match (failed.server, works.server) {
        (Some(a), Some(b)) => a.is_ipv4() != b.is_ipv4(),
        _ => false,
    };
    let udp_failed = failed.transports.iter().all(|transport| transport.judgement.cause == Some(Cause::UdpNoReply));
    let cause = match () {
        () if other_family => Cause::AddressFamilyBlocked,
        () if udp_failed => Cause::UdpBlockedTcpUsed,
        () => Cause::Recovered,
    };
    ServiceVerdict {
        verdict: Verdict::Degraded,
        cause: Some(cause),
        confidence: Some(works.judgement.confidence.min(failed.judgement.confidence)),
        reason: works.judgement.reason.clone().or_else(|| failed.judgement.reason.clone()),
        summary: format!("{}; then {}", failed.judgement.story, works.judgement.story),
        ..said_of(works)
    }
}

fn said_of(pair: &PairVerdict) -> ServiceVerdict {
    ServiceVerdict {
        verdict: pair.judgement.verdict,
        cause: pair.judgement.cause,
        confidence: Some(pair.judgement.confidence),
        reason: pair.judgement.reason.clone(),
        attribution: Some(pair.attribution),
        candidates: pair.candidates.clone(),
        summary: pair.judgement.story.clone(),
        last: Some(pair.last),
    }
}
