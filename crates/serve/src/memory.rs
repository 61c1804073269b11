//! Memory that a crowd or a start left: the C library keeps what is freed for whoever asks next, in pieces that lie
//! everywhere, and the kernel keeps every page of code that once ran in the process's tables.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{Elf64_Phdr, PF_W, PT_LOAD, dl_phdr_info};

/// How many connections at one time are a crowd.
const CROWD: usize = 64;

/// The most connections there were since memory was last given back.
#[derive(Debug, Default)]
pub(crate) struct Tide {
    high: AtomicUsize,
}

impl Tide {
    /// Notes that `open` connections are there.
    pub(crate) fn rises(&self, open: usize) {
        self.high.fetch_max(open, Ordering::Relaxed);
    }

    /// Notes that only `open` are left. Gives whether most of a crowd has gone since memory was last given back.
    pub(crate) fn falls(&self, open: usize) -> bool {
        let high = self.high.load(Ordering::Relaxed);
        let gone = high >= CROWD && open <= high / 4;
        gone && self.high.compare_exchange(high, open, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Gives free pages back to the kernel, and those of the executable that are only read. Takes some milliseconds, in which other
/// threads may wait for memory; pages that are used again are found in the kernel's cache.
pub fn give_back() {
    #[allow(unsafe_code)] // the allocator's own housekeeping has no form in std
    // SAFETY: malloc_trim(3) may be called by any thread at any time, and touches nothing that is in use. The callback is given
    // what dl_iterate_phdr(3) promises it.
    unsafe {
        libc::malloc_trim(0);
        libc::dl_iterate_phdr(Some(forget), std::ptr::null_mut());
    }
}

/// Takes the read-only segments of the first object, which is the executable, out of the process's tables.
#[allow(unsafe_code)] // the form that dl_iterate_phdr(3) asks for
unsafe extern "C" fn forget(object: *mut dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: the object lives as long as the callback runs, and its program headers as long as it is loaded, which is for
    // good. What a segment without PF_W maps is the file's alone: it is read again from there.
    unsafe {
        let object = &*object;
        let page = u64::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(4096);
        let headers = std::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum));
        for Elf64_Phdr { p_vaddr, p_memsz, .. } in
            headers.iter().filter(|h| h.p_type == PT_LOAD && h.p_flags & PF_W == 0)
        {
            let start = (object.dlpi_addr + p_vaddr) & !(page - 1);
            let end = (object.dlpi_addr + p_vaddr + p_memsz).next_multiple_of(page);
            // where the kernel refuses, the pages stay
            libc::madvise(start as *mut c_void, (end - start) as usize, libc::MADV_DONTNEED);
        }
    }
    1 // the first is enough
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many kB of the executable's code the process holds.
    fn code() -> usize {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut mapped = maps.lines().skip_while(|line| !line.contains(" r-xp "));
        let held = mapped.find_map(|line| line.strip_prefix("Rss:")).unwrap();
        held.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn code_that_ran_once_is_given_back_and_runs_again() {
        let words = || (0..100).map(|n| format!("{n:?}")).collect::<Vec<_>>().concat();
        let (before, held) = (words(), code());
        give_back();
        assert!(code() < held, "{held} kB of code were held, and are still");
        assert_eq!(words(), before);
    }

    #[test]
    fn memory_is_given_back_once_a_crowd_has_gone() {
        let tide = Tide::default();
        (1..=100).for_each(|open| tide.rises(open));
        assert!((26..100).rev().all(|open| !tide.falls(open)));
        assert!(tide.falls(25));
        assert!((0..25).rev().all(|open| !tide.falls(open)), "once");
        (1..CROWD).for_each(|open| tide.rises(open));
        assert!(!tide.falls(0), "no crowd");
    }
}
