//! Synthetic rows whose labels can be learned, and whose true probabilities are known.

mod byterec;
mod regression_pair;

pub use byterec::ByteRec;
pub use regression_pair::{Law, RegressionPair, Sines};

/// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
