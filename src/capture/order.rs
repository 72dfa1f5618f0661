//! Byte order: that of the machine that wrote the file.

/// The order of bytes in the fields of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    #[inline]
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        }
    }

    /// The first `N` words of 32 bits, and what follows them.
    #[inline]
    pub(super) fn words<const N: usize>(self, bytes: &[u8]) -> Option<([u32; N], &[u8])> {
        let words = bytes.as_chunks::<4>().0.first_chunk::<N>()?;
        Some((words.map(|word| self.u32(word)), bytes.get(4 * N..)?))
    }
}
