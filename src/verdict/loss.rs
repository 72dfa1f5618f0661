//! When loss is worth a word: the rule of the cause `packet-loss`.

/// The least share of segments or requests that must be lost.
const SHARE: f64 = 0.2;

/// The least number: a short conversation that loses one packet is not lossy.
const LEAST: u64 = 4;

/// Whether `lost` of `all` segments or requests are heavy loss.
pub(super) fn is_heavy_loss(lost: u64, all: u64) -> bool {
    lost >= LEAST && lost as f64 >= SHARE * all as f64
}
