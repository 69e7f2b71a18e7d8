//! What only the start needed goes out of resident memory: pages of code and constants, unchanged since they were read from
//! their file.
//!
//! Command line, configuration and the making of plugins touch most of the program once; the kernel maps sixteen pages for
//! each that is touched and keeps them for as long as it has room. Afterwards a small part is in use. The rest is given back
//! at once, and what is needed again comes from the page cache at the price of a minor fault.

#[cfg(target_os = "linux")]
pub(crate) use linux::release;

#[cfg(not(target_os = "linux"))]
pub(crate) fn release() -> usize {
    0
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ops::Range;

    /// Gives the pages back. Returns how many bytes of address space were gone through: 0 where the kernel does not tell.
    pub(crate) fn release() -> usize {
        let Ok(text) = std::fs::read_to_string("/proc/self/smaps") else {
            return 0;
        };
        let mut released = 0;
        for range in unchanged(&text) {
            let length = range.len();
            let start = range.start as *mut std::ffi::c_void;
            // SAFETY: the range is a whole private mapping of a file that this process can read but not write, and none of
            // its pages differs from the file (the kernel has just said so). Such pages can go at any time: the next access
            // reads them from the file again.
            #[allow(unsafe_code)]
            let done = unsafe { rustix::mm::madvise(start, length, rustix::mm::Advice::LinuxDontNeed) };
            if done.is_ok() {
                released += length;
            }
        }
        released
    }

    /// The mappings of files, readable and not writable, in which no page was changed.
    fn unchanged(smaps: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut mapping: Option<Range<usize>> = None;
        for line in smaps.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(first), Some(second)) = (words.next(), words.next()) else {
                continue;
            };
            if let Some(key) = first.strip_suffix(':') {
                let changed = matches!(key, "Private_Dirty" | "Shared_Dirty" | "Anonymous" | "Swap");
                if changed && second != "0" {
                    mapping = None;
                }
                continue;
            }
            found.extend(mapping.take());
            let is_file = words.nth(2).is_some_and(|inode| inode != "0");
            if is_file && matches!(second, "r-xp" | "r--p") {
                mapping = range(first);
            }
        }
        found.extend(mapping);
        found
    }

    fn range(text: &str) -> Option<Range<usize>> {
        let (from, to) = text.split_once('-')?;
        Some(usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_unchanged_files_that_cannot_be_written_are_chosen() {
            let smaps = "\
1000-3000 r--p 00000000 fd:00 77 /bin/x
Size: 8 kB
Private_Dirty: 0 kB
VmFlags: rd mr mw me sd
3000-9000 r-xp 00002000 fd:00 77 /bin/x
Private_Dirty: 0 kB
Anonymous: 0 kB
9000-a000 r--p 00008000 fd:00 77 /bin/x
Private_Dirty: 4 kB
Anonymous: 4 kB
a000-b000 rw-p 00009000 fd:00 77 /bin/x
Private_Dirty: 0 kB
b000-c000 rw-p 00000000 00:00 0 [heap]
c000-d000 r-xp 00000000 00:00 0 [vdso]
d000-e000 r-xs 00000000 fd:00 78 /lib/shared
e000-f000 r-xp 00000000 fd:00 79 /lib/with space.so
Swap: 0 kB
";
            assert_eq!(unchanged(smaps), [0x1000..0x3000, 0x3000..0x9000, 0xe000..0xf000]);
        }

        #[test]
        fn the_program_goes_on_without_them() {
            let released = release();
            assert!(
                released > 100_000,
                "{released} bytes: not even the program itself"
            );
            // Code and constants that were not in use a moment ago.
            assert_eq!(format!("{:e}", 1234.5_f64), "1.2345e3");
            assert_eq!("Straße".to_uppercase(), "STRASSE");
        }
    }
}
