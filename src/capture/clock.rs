//! How the times of an interface are counted: resolution and offset (pcapng `if_tsresol`, `if_tsoffset`).

use crate::time::Timestamp;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// What a tick of an interface means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    tick: Tick,
    /// Nanoseconds to add, from `if_tsoffset`, which counts seconds.
    offset: i128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tick {
    /// This many nanoseconds each.
    Nanos(u64),
    /// So many of them a nanosecond; what is finer is cut.
    PerNano(u64),
    /// 2^n of them a second.
    PowerOfTwo(u8),
}

impl Clock {
    /// From the octet of `if_tsresol`: `n` for 10^-n s, `0x80 | n` for 2^-n s; and the seconds of `if_tsoffset`.
    pub(super) fn new(resolution: u8, offset: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let tick = if resolution & 0x80 != 0 {
            Tick::PowerOfTwo(resolution & 0x7f)
        } else if exponent <= 9 {
            Tick::Nanos(10u64.pow(9 - exponent))
        } else {
            // Finer than 10^-28 s, all that a file can count is less than a nanosecond.
            10u64.checked_pow(exponent - 9).map_or(Tick::Nanos(0), Tick::PerNano)
        };
        Clock { tick, offset: i128::from(offset) * i128::from(NANOS_PER_SECOND) }
    }

    /// The time that a count of ticks means. What a [`Timestamp`] cannot hold saturates.
    #[inline]
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        let nanos = match self.tick {
            Tick::Nanos(nanos) => u128::from(ticks) * u128::from(nanos),
            Tick::PerNano(ticks_per_nano) => u128::from(ticks / ticks_per_nano),
            Tick::PowerOfTwo(exponent) => (u128::from(ticks) * u128::from(NANOS_PER_SECOND)) >> exponent,
        };
        // At most 2^64 * 10^9, which leaves 33 bits: neither the cast nor the sum can overflow.
        let nanos = nanos as i128 + self.offset;
        Timestamp(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use crate::time::Timestamp;

    #[test]
    fn decimal_resolutions() {
        for (resolution, ticks, nanos) in [
            (0, 3, 3_000_000_000),
            (3, 1_500, 1_500_000_000),
            (6, 7, 7_000),
            (9, 7, 7),
            (12, 7_999, 7),
            (27, u64::MAX, 18),
            (28, u64::MAX, 1),
            (29, u64::MAX, 0),
            (127, u64::MAX, 0),
        ] {
            assert_eq!(Clock::new(resolution, 0).time(ticks), Timestamp(nanos), "10^-{resolution}");
        }
    }

    #[test]
    fn binary_resolutions() {
        assert_eq!(Clock::new(0x80, 0).time(2), Timestamp(2_000_000_000));
        assert_eq!(Clock::new(0x80 | 10, 0).time(1_536), Timestamp(1_500_000_000));
        assert_eq!(Clock::new(0x80 | 32, 0).time(1 << 31), Timestamp(500_000_000));
        assert_eq!(Clock::new(0x80 | 63, 0).time(u64::MAX), Timestamp(1_999_999_999));
        assert_eq!(Clock::new(0xff, 0).time(u64::MAX), Timestamp(0));
    }

    #[test]
    fn offsets_are_signed_seconds() {
        assert_eq!(Clock::new(6, 10).time(1), Timestamp(10_000_001_000));
        assert_eq!(Clock::new(9, -10).time(1), Timestamp(-9_999_999_999));
    }

    #[test]
    fn what_does_not_fit_saturates() {
        assert_eq!(Clock::new(0, 0).time(u64::MAX), Timestamp(i64::MAX));
        assert_eq!(Clock::new(0, i64::MAX).time(u64::MAX), Timestamp(i64::MAX));
        assert_eq!(Clock::new(9, i64::MIN).time(0), Timestamp(i64::MIN));
        assert_eq!(Clock::new(6, i64::MIN).time(u64::MAX), Timestamp(i64::MIN));
    }
}
