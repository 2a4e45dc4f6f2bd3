// An example of proxy auto-configuration. Browsers fetch it from the address set by policy or announced by the network (WPAD), from
// a web server of the school: as proxy.pac or wpad.dat, with the type application/x-ns-proxy-autoconfig.
//
// Change the two names. There is no "; DIRECT" after the proxy: a browser that cannot reach it must not go round it.
// Close the way out at the firewall too: this file is advice to a browser, not a wall.
function FindProxyForURL(url, host) {
    // Names without a dot, and the school's own, need no filter.
    if (isPlainHostName(host) || dnsDomainIs(host, ".school.example")) {
        return "DIRECT";
    }
    // Addresses of the school's own network, written as addresses. Names are not resolved here: that would slow every request.
    if (/^(127|10|192\.168|172\.(1[6-9]|2\d|3[01]))\.[\d.]+$/.test(host)) {
        return "DIRECT";
    }
    return "PROXY proxy.school.example:3128";
}
