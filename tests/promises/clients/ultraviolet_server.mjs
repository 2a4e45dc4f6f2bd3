// A site with the web proxy Ultraviolet, as pupils find them: the files of the kit as they are published, a page that starts it, and what fetches for it: a
// bare server, or a server of Wisp where the page is asked for with ?wisp. It says its port; every name leads to this machine.
//
// Arguments: the folder the packages are installed in.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const folder = process.argv[2];
const require = createRequire(pathToFileURL(folder + '/'));
const { createBareServer } = require('@tomphttp/bare-server-node');
const { server: wisp, logging } = await import(pathToFileURL(require.resolve('@mercuryworkshop/wisp-js/server').replace('dist/wisp-server.cjs', 'src/entrypoints/server.mjs')));
logging.set_level(logging.NONE);
Object.assign(wisp.options, { allow_loopback_ips: true, allow_private_ips: true, dns_method: async () => '127.0.0.1' });
const here = (_, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4));
const bare = createBareServer('/bare/', { blockLocal: false, lookup: here, connectionLimiter: { maxConnectionsPerIP: 1000, windowDuration: 60, blockDuration: 60 } });

const kits = {
    '/uv/': '@titaniumnetwork-dev/ultraviolet/dist',
    '/baremux/': '@mercuryworkshop/bare-mux/dist',
    '/bareasmodule/': '@mercuryworkshop/bare-as-module3/dist',
    '/epoxy/': '@mercuryworkshop/epoxy-transport/dist',
};

// What somebody writes who sets one up.
const config = `self.__uv$config = {
    prefix: '/uv/service/', encodeUrl: Ultraviolet.codec.xor.encode, decodeUrl: Ultraviolet.codec.xor.decode,
    handler: '/uv/uv.handler.js', client: '/uv/uv.client.js', bundle: '/uv/uv.bundle.js', config: '/uv/uv.config.js', sw: '/uv/uv.sw.js',
};`;
const page = `<!doctype html><title>Maths</title><iframe></iframe>
<script src="/baremux/index.js"></script><script src="/uv/uv.bundle.js"></script><script src="/uv/uv.config.js"></script>
<script>
    const started = (async () => {
        const by = location.search === '?wisp' ? ['/epoxy/index.mjs', [{ wisp: 'wss://' + location.host + '/wisp/' }]] : ['/bareasmodule/index.mjs', [location.origin + '/bare/']];
        await new BareMux.BareMuxConnection('/baremux/worker.js').setTransport(...by);
        const { installing } = await navigator.serviceWorker.register('/uv/sw.js', { scope: '/uv/service/' });
        await new Promise((done) => installing.addEventListener('statechange', () => installing.state === 'activated' && done()));
    })();
    // The words of the page at an address, as it is shown in the frame.
    async function read(address) {
        await started;
        const frame = document.querySelector('iframe');
        await new Promise((done) => { frame.onload = done; frame.src = __uv$config.prefix + __uv$config.encodeUrl(address); });
        return frame.contentDocument.body.innerText;
    }
</script>`;

const serving = http.createServer((asked, answer) => {
    if (bare.shouldRoute(asked)) {
        return bare.routeRequest(asked, answer);
    }
    const url = asked.url.split('?')[0];
    const say = (type, body) => answer.writeHead(200, { 'Content-Type': type }).end(body);
    if (url === '/uv/uv.config.js') {
        return say('text/javascript', config);
    }
    const kit = Object.keys(kits).find((prefix) => url.startsWith(prefix));
    const file = kit && path.join(folder, 'node_modules', kits[kit], path.basename(url));
    if (file && fs.existsSync(file)) {
        return say('text/javascript', fs.readFileSync(file));
    }
    return url === '/' ? say('text/html', page) : answer.writeHead(404).end();
});
serving.on('upgrade', (asked, socket, head) => (asked.url === '/wisp/' ? wisp.routeRequest(asked, socket, head) : bare.routeUpgrade(asked, socket, head)));
serving.listen(0, '127.0.0.1', () => console.log(serving.address().port));
