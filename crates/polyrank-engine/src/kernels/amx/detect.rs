//! Whether this process may use AMX's tiles.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};

/// `arch_prctl`'s request to use an extended state component, and the component: tile data.
#[cfg(target_os = "linux")]
const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
#[cfg(target_os = "linux")]
const XFEATURE_XTILEDATA: u64 = 18;

/// Whether the processor multiplies tiles of bf16, and the operating system keeps their registers for this process, which
/// it is asked for here.
pub(in crate::kernels) fn available() -> bool {
    processor() && system()
}

fn processor() -> bool {
    // Leaf 7: bit 22 of EDX is bf16 products, bit 24 tiles. Leaf 1: bit 27 of ECX says that XGETBV may be read.
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & 1 << 27 == 0 {
        return false;
    }
    let features = __cpuid_count(7, 0).edx;
    if features & 1 << 22 == 0 || features & 1 << 24 == 0 {
        return false;
    }
    let states: u32;
    // SAFETY: the processor has the instruction (leaf 1), which reads a register and changes nothing.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") states, out("edx") _, options(nomem, nostack, preserves_flags)) };
    // Bits 17 and 18: the operating system keeps tiles' configuration and data.
    states >> 17 & 3 == 3
}

#[cfg(target_os = "linux")]
fn system() -> bool {
    // SAFETY: asks for a state component; no memory is touched.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn system() -> bool {
    false
}
