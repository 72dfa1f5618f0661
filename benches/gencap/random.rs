//! Random numbers that are the same on every machine and in every year.

/// SplitMix64 (Steele, Lea, Flood 2014), and a pool of its output from which payloads are cut: filling every payload
/// afresh would cost more than all the rest.
pub(crate) struct Random {
    state: u64,
    pool: Vec<u8>,
}

/// Payloads start anywhere in the first MiB of the pool.
const POOL_STARTS: u64 = 1 << 20;

/// The longest payload that is cut from the pool.
const LONGEST: usize = 8 << 10;

impl Random {
    /// The generator with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random { state: seed, pool: Vec::new() };
        let words = (POOL_STARTS as usize + LONGEST) / 8;
        random.pool = (0..words).flat_map(|_| random.next().to_le_bytes()).collect();
        random
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `0..n`.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        (((self.next() >> 32) * u64::from(n)) >> 32) as u32
    }

    /// Uniform in `low..high`.
    pub(crate) fn range(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low)
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of these, each as likely.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    /// A heavy-tailed count, as the lengths of real flows are: `low` at least, `high` at most.
    pub(crate) fn pareto(&mut self, low: f64, alpha: f64, high: f64) -> u32 {
        (low / (1.0 - self.unit()).powf(1.0 / alpha)).min(high) as u32
    }

    /// Exponentially distributed with this mean: the gaps of a Poisson process.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Appends `len` random bytes.
    pub(crate) fn append(&mut self, out: &mut Vec<u8>, len: usize) {
        let at = (self.next() % POOL_STARTS) as usize;
        out.extend_from_slice(&self.pool[at..at + len]);
    }

    /// Uniform in `0.0..1.0`.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
