//! What an offer holds, by role, and taking from it: CPU and memory in Mesos' fixed point, ports as ranges.

/// Mesos rounds every scalar to three decimals; amounts here are whole thousandths (of a CPU, of a MB).
pub type Milli = i64;

/// Resources of one reservation within an offer; also what was taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The role the resources are reserved for, `*` for unreserved ones.
    pub role: String,
    /// Which of the offer's reservations this is: the caller's own index, kept when something is taken.
    pub reservation: usize,
    /// Thousandths of a CPU.
    pub cpus: Milli,
    /// Thousandths of a MB.
    pub mem: Milli,
    /// Inclusive ranges, in the offer's order.
    pub ports: Vec<(u16, u16)>,
}

impl Share {
    /// A share that holds nothing yet.
    #[must_use]
    pub fn empty(role: &str, reservation: usize) -> Self {
        Self { role: role.to_owned(), reservation, cpus: 0, mem: 0, ports: Vec::new() }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cpus == 0 && self.mem == 0 && self.ports.is_empty()
    }
}

/// All that one agent offers to one allocation role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// In the offer's order.
    pub shares: Vec<Share>,
}

impl Pool {
    /// CPU and memory that `roles` may use.
    #[must_use]
    pub fn available(&self, roles: &[String]) -> (Milli, Milli) {
        self.of(roles).fold((0, 0), |(cpus, mem), share| (cpus + share.cpus, mem + share.mem))
    }

    /// Takes CPU and memory in the order of `roles`, possibly from several of them. `None`, and nothing taken that matters
    /// to the caller (who works on a copy), when they do not suffice.
    pub fn take(&mut self, roles: &[String], mut cpus: Milli, mut mem: Milli) -> Option<Vec<Share>> {
        let mut taken = Vec::new();
        for role in roles {
            for share in self.shares.iter_mut().filter(|share| &share.role == role) {
                let mut part = Share::empty(role, share.reservation);
                part.cpus = cpus.min(share.cpus);
                part.mem = mem.min(share.mem);
                share.cpus -= part.cpus;
                share.mem -= part.mem;
                cpus -= part.cpus;
                mem -= part.mem;
                if !part.is_empty() {
                    taken.push(part);
                }
            }
        }
        (cpus == 0 && mem == 0).then_some(taken)
    }

    /// Whether `port` is offered to one of `roles`.
    #[must_use]
    pub fn has_port(&self, roles: &[String], port: u16) -> bool {
        self.of(roles).any(|share| share.ports.iter().any(|&(begin, end)| (begin..=end).contains(&port)))
    }

    /// The lowest port of the first range that `roles` are offered, in their order.
    #[must_use]
    pub fn first_port(&self, roles: &[String]) -> Option<u16> {
        roles.iter().find_map(|role| {
            let share = self.shares.iter().find(|share| &share.role == role && !share.ports.is_empty())?;
            share.ports.first().map(|&(begin, _)| begin)
        })
    }

    /// Takes one port from the first of `roles` that is offered it.
    pub fn take_port(&mut self, roles: &[String], port: u16) -> Option<Share> {
        for role in roles {
            for share in self.shares.iter_mut().filter(|share| &share.role == role) {
                let Some(at) = share.ports.iter().position(|&(begin, end)| (begin..=end).contains(&port)) else {
                    continue;
                };
                let (begin, end) = share.ports.remove(at);
                if port < end {
                    share.ports.insert(at, (port + 1, end));
                }
                if begin < port {
                    share.ports.insert(at, (begin, port - 1));
                }
                return Some(Share { ports: vec![(port, port)], ..Share::empty(role, share.reservation) });
            }
        }
        None
    }

    fn of<'a>(&'a self, roles: &'a [String]) -> impl Iterator<Item = &'a Share> {
        self.shares.iter().filter(move |share| roles.contains(&share.role))
    }
}

/// Shares of one reservation put together, so that a task names each resource once.
#[must_use]
pub fn merged(shares: impl IntoIterator<Item = Share>) -> Vec<Share> {
    let mut sum: Vec<Share> = Vec::new();
    for share in shares {
        match sum.iter_mut().find(|seen| seen.reservation == share.reservation && seen.role == share.role) {
            Some(seen) => {
                seen.cpus += share.cpus;
                seen.mem += share.mem;
                seen.ports.extend(share.ports);
            }
            None => sum.push(share),
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn pool() -> Pool {
        let share =
            |role: &str, reservation, cpus, mem, ports| Share { cpus, mem, ports, ..Share::empty(role, reservation) };
        Pool {
            shares: vec![
                share("*", 0, 1000, 640_000, vec![(8000, 8002)]),
                share("public", 1, 2000, 64_000, vec![(7000, 7001)]),
            ],
        }
    }

    #[test]
    fn roles_are_used_up_in_their_order() {
        let mut pool = pool();
        let taken = pool.take(&roles(&["public", "*"]), 2500, 100_000).unwrap();
        let seen: Vec<_> = taken.iter().map(|share| (share.role.as_str(), share.cpus, share.mem)).collect();
        assert_eq!(seen, [("public", 2000, 64_000), ("*", 500, 36_000)]);
        assert_eq!(pool.available(&roles(&["*", "public"])), (500, 604_000));
    }

    #[test]
    fn what_other_roles_hold_is_not_taken() {
        assert!(pool().take(&roles(&["*"]), 1001, 1).is_none());
        assert!(pool().take(&roles(&["other"]), 1, 1).is_none());
    }

    #[test]
    fn a_taken_port_splits_its_range() {
        let mut pool = pool();
        assert_eq!(pool.take_port(&roles(&["*"]), 8001).unwrap().ports, [(8001, 8001)]);
        assert_eq!(pool.shares[0].ports, [(8000, 8000), (8002, 8002)]);
        assert!(pool.take_port(&roles(&["*"]), 8001).is_none());
        assert!(!pool.has_port(&roles(&["*"]), 7000));
        assert_eq!(pool.first_port(&roles(&["public", "*"])), Some(7000));
    }

    #[test]
    fn merging_keeps_reservations_apart() {
        let parts = [
            Share { cpus: 1, ..Share::empty("*", 0) },
            Share { mem: 2, ..Share::empty("*", 0) },
            Share { cpus: 5, ..Share::empty("public", 1) },
        ];
        let sum = merged(parts);
        assert_eq!((sum.len(), sum[0].cpus, sum[0].mem, sum[1].cpus), (2, 1, 2, 5));
    }
}
