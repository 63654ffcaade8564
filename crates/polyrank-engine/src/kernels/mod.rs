//! The one place with `unsafe`: SIMD, and views into arenas.
//!
//! Every vector kernel has a portable twin in [`portable`] that gives the same bits in fp32: each output of a product is
//! one chain of fused multiply-adds over ascending k, whatever the rows, the tile or the instruction set.
#![allow(unsafe_code, reason = "SIMD intrinsics and arena views; each block says why it is sound")]
#![cfg_attr(not(vectors), allow(dead_code, reason = "some things only vector kernels need"))]

#[cfg(vectors)]
mod amx;
pub(crate) mod arena;
#[cfg(vectors)]
mod avx2;
#[cfg(vectors)]
mod avx512;
pub(crate) mod buffer;
pub(crate) mod by_row;
pub(crate) mod gemm;
pub(crate) mod gradient;
pub(crate) mod half;
mod peak;
pub(crate) mod portable;
pub(crate) mod rows;
#[cfg(vectors)]
mod scratch;
#[cfg(vectors)]
mod tiles;
#[cfg(vectors)]
mod turn;

use std::sync::atomic::{AtomicU8, Ordering};

pub use peak::{Lying, copying, peak};

/// The [`Isa`] in use by its number, once it is known.
static CURRENT: AtomicU8 = AtomicU8::new(u8::MAX);

/// An instruction set that the kernels know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Whatever the compiler's baseline offers.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, CD, DQ and VL.
    Avx512,
    /// AVX-512 with bf16 products too.
    Avx512Bf16,
    /// The same, and tiles of bf16.
    Amx,
}

impl Isa {
    /// The name, as bundles and reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Avx512Bf16 => "avx512_bf16",
            Isa::Amx => "amx",
        }
    }

    /// All of them, the plainest first.
    pub const ALL: [Isa; 5] = [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Bf16, Isa::Amx];

    /// The best instruction set of this machine, or what `POLYRANK_ISA`, a name, caps it to.
    #[inline]
    pub fn current() -> Isa {
        match CURRENT.load(Ordering::Relaxed) {
            0 => Isa::Portable,
            1 => Isa::Avx2,
            2 => Isa::Avx512,
            3 => Isa::Avx512Bf16,
            4 => Isa::Amx,
            _ => Isa::choose(),
        }
    }

    #[cold]
    fn choose() -> Isa {
        let cap = std::env::var("POLYRANK_ISA").ok();
        let cap = Isa::ALL.into_iter().find(|isa| cap.as_deref() == Some(isa.name()));
        let isa = Isa::detect().min(cap.unwrap_or(Isa::Amx));
        // Detection is idempotent, so a race between two first callers is harmless.
        CURRENT.store(isa as u8, Ordering::Relaxed);
        isa
    }

    #[cfg(vectors)]
    fn detect() -> Isa {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match (avx512 && avx2, avx2) {
            (true, _) if is_x86_feature_detected!("avx512bf16") && amx::available() => Isa::Amx,
            (true, _) if is_x86_feature_detected!("avx512bf16") => Isa::Avx512Bf16,
            (true, _) => Isa::Avx512,
            (_, true) => Isa::Avx2,
            _ => Isa::Portable,
        }
    }

    #[cfg(not(vectors))]
    fn detect() -> Isa {
        Isa::Portable
    }
}

/// Compiles one loop once an instruction set and picks at run time. The body must be element-wise (or reduce in an
/// order that it spells out): then every version gives the same bits, because Rust never reorders or fuses floats.
macro_rules! simd {
    ($(#[$doc:meta])* $vis:vis fn $name:ident<$t:ident: $bound:path>($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$doc])*
        #[allow(unsafe_code, reason = "the macro is the kernels' own, and checks the processor before it calls")]
        $vis fn $name<$t: $bound>($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body<$t: $bound>($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(vectors)]
            #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
            fn avx512<$t: $bound>($($arg: $ty),*) $(-> $ret)? {
                body::<$t>($($arg),*)
            }

            #[cfg(vectors)]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$t: $bound>($($arg: $ty),*) $(-> $ret)? {
                body::<$t>($($arg),*)
            }

            match $crate::kernels::Isa::current() {
                // SAFETY: `Isa::current` answers only what the processor reported.
                #[cfg(vectors)]
                $crate::kernels::Isa::Avx512 | $crate::kernels::Isa::Avx512Bf16 | $crate::kernels::Isa::Amx => unsafe { avx512::<$t>($($arg),*) },
                // SAFETY: as above.
                #[cfg(vectors)]
                $crate::kernels::Isa::Avx2 => unsafe { avx2::<$t>($($arg),*) },
                _ => body::<$t>($($arg),*),
            }
        }
    };
}

pub(crate) use simd;

pub(crate) mod elementwise;

#[cfg(test)]
mod tests;
