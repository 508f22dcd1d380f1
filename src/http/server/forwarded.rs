//! Who is behind a reverse proxy: `X-Forwarded-For`, believed from the proxies that the settings
//! list and from nobody else.
//!
//! Each proxy appends the address it was called from, so the list is read from its end: the first
//! address that is no proxy of ours is the caller, and whatever stands before it is the caller's
//! own word. Serves throttling alone; no link, log or answer is made from it.

use std::net::IpAddr;

use http::HeaderMap;

/// The address to count a request under, that came over a connection from `peer`.
pub(super) fn caller(headers: &HeaderMap, peer: IpAddr, proxies: &[IpAddr]) -> IpAddr {
    let is_proxy = |address: &IpAddr| proxies.iter().any(|proxy| proxy.to_canonical() == *address);
    if !is_proxy(&peer) {
        return peer;
    }
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    let mut caller = peer;
    for word in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Ok(address) = word.trim().parse::<IpAddr>() else { return caller };
        caller = address.to_canonical();
        if !is_proxy(&caller) {
            return caller;
        }
    }
    caller
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let proxies = ["10.0.0.1", "10.0.0.2"].map(|a| a.parse().expect("an address"));
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(line).expect("a value"));
        }
        caller(&headers, peer.parse().expect("an address"), &proxies).to_string()
    }

    #[test]
    fn only_a_listed_proxy_is_believed_and_only_about_its_own_caller() {
        assert_eq!(seen("192.0.2.7", &["203.0.113.9"]), "192.0.2.7");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["evil, ::ffff:203.0.113.9"]), "203.0.113.9");
    }
}
