//! Attempts at one service, one after another: what they say together.

use super::judgement::Judgement;
use super::tcp::PATIENCE;
use crate::flow::{FlowView, Mark, Marks};
use crate::report::{Cause, Verdict};
use crate::time::{Span, Timestamp};

/// A failed attempt that began within this time of a connection that works lost a race (RFC 8305) or was opened ahead of need.
pub(super) const RACE: Span = Span::from_secs(1);

/// One attempt at the service, or several that make one statement together.
pub(super) struct Episode {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) judgement: Judgement,
}

pub(super) fn spanning(flows: &[&FlowView<'_>], judgement: Judgement) -> Episode {
    Episode {
        start: flows.iter().map(|flow| flow.first().time).min().unwrap_or_default(),
        end: flows.iter().map(|flow| flow.last().time).max().unwrap_or_default(),
        judgement,
    }
}

/// What the attempts say together: success at the end outweighs failure before it, and failure after it is an interruption.
pub(super) fn fold(mut episodes: Vec<Episode>, flows: &[FlowView<'_>], target: &str) -> Judgement {
    episodes.sort_by_key(|episode| (episode.start, episode.end));
    let works = |episode: &Episode| episode.judgement.verdict.works();
    let Some(last_success) = episodes.iter().filter(|episode| works(episode)).map(|episode| episode.start).max() else {
        return worst(episodes, flows, target);
    };
    let later: Vec<&Episode> = episodes
        .iter()
        .filter(|episode| episode.judgement.verdict.is_bad() && episode.start > last_success + RACE)
        .collect();
    if let Some(failure) = later.first() {
        let mut judgement = failure.judgement.clone();
        if judgement.cause == Some(Cause::SynNoReply) {
            judgement.verdict = Verdict::Interrupted;
            judgement.cause = Some(Cause::PathLost);
            judgement.story = format!("{target} answered before; then {}", judgement.story);
        }
        if judgement.cause == Some(Cause::ConnectionRefused) {
            judgement.verdict = Verdict::Interrupted;
            judgement.cause = Some(Cause::ClosedByGateway);
            judgement.story = format!("{target} worked before; then {}", judgement.story);
        }
        let worked = episodes.iter().rfind(|episode| works(episode) && episode.start == last_success);
        if let Some(last) = worked.and_then(|worked| worked.judgement.cited.last()) {
            judgement = judgement.citing_one(last.mark, "last packet of the connection that worked");
        }
        return judgement;
    }
    let interrupted = episodes
        .iter()
        .filter(|episode| episode.judgement.verdict == Verdict::Interrupted)
        .max_by_key(|episode| episode.end);
    if let Some(broken) = interrupted
        && !episodes.iter().any(|episode| works(episode) && episode.start > broken.end + RACE)
        && episodes.iter().filter(|episode| works(episode)).all(|episode| episode.end <= broken.end + PATIENCE)
    {
        return broken.judgement.clone();
    }
    let earlier: Vec<&Episode> = episodes
        .iter()
        .filter(|episode| episode.judgement.verdict.is_bad() && episode.start <= last_success)
        .filter(|failure| !episodes.iter().any(|other| works(other) && races(failure, other)))
        .collect();
    let degraded = episodes.iter().find(|episode| episode.judgement.verdict == Verdict::Degraded);
    let success = episodes.iter().rev().find(|episode| works(episode) && episode.start == last_success);
    match (earlier.first(), degraded, success) {
        (Some(failure), _, Some(success)) => {
            let judgement = Judgement::of(
                Cause::Recovered,
                format!(
                    "{target} did not work at first ({}), and works from {} on",
                    failure.judgement.story,
                    success.start.clock()
                ),
            );
            judgement.citing_proof_of(&failure.judgement).citing_one(mark_of(success), "works")
        }
        (None, Some(degraded), _) => degraded.judgement.clone(),
        (_, _, Some(success)) => success.judgement.clone(),
        _ => worst(episodes, flows, target),
    }
}

fn mark_of(episode: &Episode) -> Mark {
    episode.judgement.cited.first().map_or(Mark { frame: 0, time: episode.start }, |cited| cited.mark)
}

/// Whether a failure is the loser of a race against something that works.
fn races(failure: &Episode, success: &Episode) -> bool {
    (failure.start - success.start).abs() <= RACE && failure.end <= success.end + RACE
}

/// Nothing works: the statement that weighs most. What was proved outweighs what could not be judged.
fn worst(episodes: Vec<Episode>, flows: &[FlowView<'_>], target: &str) -> Judgement {
    let rank = |judgement: &Judgement| match judgement.cause {
        _ if judgement.verdict == Verdict::Interrupted => 6,
        Some(Cause::SingleAttempt) => 1,
        Some(Cause::StartedMidFlow) => 2,
        _ if judgement.verdict == Verdict::Inconclusive => 3,
        _ if judgement.verdict.is_bad() => 5,
        _ => 4,
    };
    episodes
        .into_iter()
        .max_by_key(|episode| (rank(&episode.judgement), episode.judgement.confidence, episode.judgement.total))
        .map_or_else(
            || {
                let seen: Marks = flows.iter().map(FlowView::first).collect();
                Judgement::of(Cause::StartedMidFlow, format!("packets to {target} that show no attempt"))
                    .citing(&seen, "packet")
            },
            |episode| episode.judgement,
        )
}
