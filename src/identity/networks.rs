//! Ranges of addresses and the groups they belong to. Pure.

use super::GroupId;
use ipnet::IpNet;
use std::net::IpAddr;

/// Which group an address belongs to. The narrowest range that holds the address decides.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    /// Narrowest first.
    ranges: Vec<(IpNet, GroupId)>,
}

impl Networks {
    /// A table of these ranges. Of two equal ranges the first counts; the configuration refuses such a pair.
    #[must_use]
    pub fn new(mut ranges: Vec<(IpNet, GroupId)>) -> Self {
        ranges.sort_by_key(|(net, _)| std::cmp::Reverse(net.prefix_len()));
        Self { ranges }
    }

    /// The ranges of a group, the narrowest first.
    pub fn of(&self, group: GroupId) -> impl Iterator<Item = IpNet> {
        self.ranges.iter().filter(move |(_, of)| *of == group).map(|(net, _)| *net)
    }

    /// The group of an address, if it is in any range.
    #[must_use]
    pub fn group_of(&self, address: IpAddr) -> Option<GroupId> {
        let address = address.to_canonical();
        self.ranges.iter().find(|(net, _)| net.contains(&address)).map(|(_, group)| *group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_range_decides() {
        let range = |net: &str, group| (net.parse().expect("a range"), GroupId(group));
        let networks = Networks::new(vec![range("10.0.0.0/8", 0), range("10.7.0.0/16", 1), range("10.7.3.9/32", 2), range("2001:db8::/32", 3)]);
        for (address, group) in
            [("10.1.1.1", Some(0)), ("10.7.1.1", Some(1)), ("10.7.3.9", Some(2)), ("::ffff:10.7.1.1", Some(1)), ("2001:db8::1", Some(3)), ("192.0.2.1", None)]
        {
            assert_eq!(networks.group_of(address.parse().expect("an address")), group.map(GroupId), "{address}");
        }
    }
}
