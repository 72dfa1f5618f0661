//! What is said of a transport, a pair or a service, with what proves it.

use std::net::IpAddr;

use crate::flow::{Mark, Marks};
use crate::report::{Cause, Confidence, Verdict};

/// Frames that a finding cites: the first ones of each kind and the last, so that a reader sees the rhythm and the end.
pub(super) const MAX_CITED: usize = 16;

/// A verdict and its proof.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) cause: Option<Cause>,
    pub(super) confidence: Confidence,
    /// Why not surer.
    pub(super) reason: Option<String>,
    /// The frames that prove it.
    pub(super) cited: Vec<Cited>,
    /// How many frames bear on it, each counted once.
    pub(super) total: u64,
    /// The device that did it.
    pub(super) suspect: Option<IpAddr>,
    /// What happened, in one sentence without a full stop.
    pub(super) story: String,
    /// What it may be, where the cause alone does not say enough.
    pub(super) likely: Option<String>,
    /// What to do, where the advice for the cause does not fit.
    pub(super) remedy: Option<String>,
    /// What else went wrong, which the cause does not explain.
    pub(super) also: Vec<String>,
    /// The messages of the conversation, in order, where they tell the story.
    pub(super) sequence: Vec<Rung>,
}

/// A message of the ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rung {
    /// Where it stands; none where it never came.
    pub(super) mark: Option<Mark>,
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    /// `IKE_AUTH request`.
    pub(super) label: String,
    pub(super) note: Option<String>,
}

/// A frame and what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cited {
    pub(super) mark: Mark,
    pub(super) note: String,
}

impl Judgement {
    /// It works.
    pub(super) fn seen(story: impl Into<String>) -> Self {
        Judgement {
            verdict: Verdict::Seen,
            cause: None,
            confidence: Confidence::High,
            reason: None,
            cited: Vec::new(),
            total: 0,
            suspect: None,
            story: story.into(),
            likely: None,
            remedy: None,
            also: Vec::new(),
            sequence: Vec::new(),
        }
    }

    /// Something of the cause's class.
    pub(super) fn of(cause: Cause, story: impl Into<String>) -> Self {
        Judgement { verdict: cause.verdict(), cause: Some(cause), ..Judgement::seen(story) }
    }

    /// Nothing of it is in the capture.
    pub(super) fn not_seen() -> Self {
        Judgement { verdict: Verdict::NotSeen, ..Judgement::seen("") }
    }

    /// Makes it less sure, and says why. The first reason stands.
    pub(super) fn at_most(mut self, confidence: Confidence, reason: impl Into<String>) -> Self {
        if confidence < self.confidence {
            self.confidence = confidence;
            self.reason = Some(reason.into());
        }
        self
    }

    /// Names the device that did it.
    pub(super) fn by(mut self, suspect: Option<IpAddr>) -> Self {
        self.suspect = suspect;
        self
    }

    /// Says what it may be.
    pub(super) fn likely(mut self, likely: impl Into<String>) -> Self {
        self.likely = Some(likely.into());
        self
    }

    /// Says what to do.
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// `connection-refused: 10.0.0.5:4500 refused the connection`; none where it works.
    pub(super) fn in_one_line(&self) -> Option<String> {
        Some(format!("{}: {}", self.cause?.code(), self.story))
    }

    /// Cites frames that all show the same.
    pub(super) fn citing(mut self, marks: &Marks, note: &str) -> Self {
        let known = marks.cited().filter(|mark| self.cites(*mark)).count() as u64;
        self.total += marks.count() - known;
        self.cited.extend(marks.cited().map(|mark| Cited { mark, note: note.to_owned() }));
        self
    }

    /// Cites one frame.
    pub(super) fn citing_one(mut self, mark: Mark, note: impl Into<String>) -> Self {
        self.total += u64::from(!self.cites(mark));
        self.cited.push(Cited { mark, note: note.into() });
        self
    }

    /// Cites what proves another judgement.
    pub(super) fn citing_proof_of(mut self, other: &Judgement) -> Self {
        let mut known: Vec<u64> = other.cited.iter().map(|cited| cited.mark.frame).collect();
        known.sort_unstable();
        known.dedup();
        known.retain(|frame| self.cited.iter().any(|cited| cited.mark.frame == *frame));
        self.total += other.total.saturating_sub(known.len() as u64);
        self.cited.extend(other.cited.iter().cloned());
        self
    }

    fn cites(&self, mark: Mark) -> bool {
        self.cited.iter().any(|cited| cited.mark.frame == mark.frame)
    }

    /// The frames cited, in order, each once, capped: the first ones and the last.
    pub(super) fn evidence(&self) -> Vec<Cited> {
        let mut cited = self.cited.clone();
        cited.sort_by_key(|cited| cited.mark);
        cited.dedup_by_key(|cited| cited.mark.frame);
        if cited.len() > MAX_CITED {
            let last = cited.pop();
            cited.truncate(MAX_CITED - 1);
            cited.extend(last);
        }
        cited
    }

    /// How much weight it has against another judgement of the same thing: a statement before none, a sure one before an unsure one.
    pub(super) fn weight(&self) -> (bool, Confidence) {
        (!matches!(self.verdict, Verdict::NotSeen | Verdict::NotNeeded | Verdict::Inconclusive), self.confidence)
    }
}
