//! The machine's memory, as `/proc/meminfo` says.

/// Bytes of one of its lines, `MemTotal` say; `None` where the kernel does not say.
pub(crate) fn bytes(line: &str) -> Option<u64> {
    read(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default(), line)
}

fn read(meminfo: &str, line: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    let kibibytes: u64 = rest.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_in_bytes() {
        let meminfo = "MemTotal: 9 kB\nMemAvailable:   2048 kB\n";
        assert_eq!((read(meminfo, "MemAvailable"), read(meminfo, "MemTotal")), (Some(2 << 20), Some(9 << 10)));
        assert_eq!((read(meminfo, "Mem"), read("", "MemTotal")), (None, None));
    }
}
