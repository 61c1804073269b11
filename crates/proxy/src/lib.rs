//! Service addresses on a node: nftables by netlink, from Services and EndpointSlices.

pub mod nft;
