//! The answer to the run as a whole, and its exit status. Decided here and nowhere else.

use super::Scope;
use crate::report::{Outcome, Report, Service, Verdict};

/// What the services, the unexpected flows and the user's wishes amount to.
pub(super) fn outcome(scope: &Scope, services: &[Service], unexpected: usize) -> Outcome {
    let any = |verdict: Verdict| services.iter().any(|service| service.verdict == verdict);
    let bad = services.iter().any(|service| service.verdict.is_bad());
    let missing = services.iter().any(|service| service.required && !service.verdict.works());
    let unwanted = scope.fail_on.iter().any(|kind| match kind.verdict() {
        None => unexpected > 0,
        Some(verdict) => any(verdict),
    });
    if bad || missing || unwanted {
        Outcome::NonCompliant
    } else if any(Verdict::Inconclusive) || !services.iter().any(|service| service.verdict.works()) {
        Outcome::Inconclusive
    } else {
        Outcome::Compliant
    }
}

/// The exit status of a report: 0, 1, or 2 where an input could not be read.
pub fn exit_status(report: &Report, allow_inconclusive: bool) -> u8 {
    if report.inputs.iter().any(|input| input.error.is_some()) {
        return 2;
    }
    match report.outcome {
        Outcome::Compliant => 0,
        Outcome::Inconclusive if allow_inconclusive => 0,
        Outcome::NonCompliant | Outcome::Inconclusive => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::outcome;
    use crate::profile::{Profile, Site};
    use crate::report::{Outcome, Service, Verdict};
    use crate::verdict::{FailOn, Scope};

    fn scope() -> Scope {
        Scope::new(Profile::builtin(Profile::DEFAULT).unwrap(), Site::default())
    }

    fn services(verdicts: &[(Verdict, bool)]) -> Vec<Service> {
        let empty = crate::verdict::join::empty_services(&scope());
        verdicts
            .iter()
            .zip(empty)
            .map(|((verdict, required), service)| Service { verdict: *verdict, required: *required, ..service })
            .collect()
    }

    #[test]
    fn the_table_of_outcomes() {
        use Verdict::{Blocked, Degraded, Failed, Inconclusive, Interrupted, NotSeen, Seen};
        for (verdicts, expected) in [
            (vec![(Seen, false), (NotSeen, false)], Outcome::Compliant),
            (vec![(Degraded, false)], Outcome::Compliant),
            (vec![(Seen, true), (Blocked, false)], Outcome::NonCompliant),
            (vec![(Seen, true), (Failed, false)], Outcome::NonCompliant),
            (vec![(Interrupted, false)], Outcome::NonCompliant),
            (vec![(Seen, false), (NotSeen, true)], Outcome::NonCompliant),
            (vec![(Seen, false), (Inconclusive, true)], Outcome::NonCompliant),
            (vec![(Seen, false), (Inconclusive, false)], Outcome::Inconclusive),
            (vec![(NotSeen, false), (NotSeen, false)], Outcome::Inconclusive),
        ] {
            assert_eq!(outcome(&scope(), &services(&verdicts), 0), expected, "{verdicts:?}");
        }
    }

    #[test]
    fn fail_on_makes_it_worse() {
        let seen = services(&[(Verdict::Seen, false), (Verdict::Degraded, false)]);
        let with = |kind| Scope { fail_on: vec![kind], ..scope() };
        assert_eq!(outcome(&with(FailOn::Unexpected), &seen, 0), Outcome::Compliant);
        assert_eq!(outcome(&with(FailOn::Unexpected), &seen, 1), Outcome::NonCompliant);
        assert_eq!(outcome(&with(FailOn::Degraded), &seen, 0), Outcome::NonCompliant);
        assert_eq!(outcome(&with(FailOn::Inconclusive), &seen, 0), Outcome::Compliant);
    }
}
