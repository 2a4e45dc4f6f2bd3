// A web proxy of the kind Wisp, as others write it: wisp-js. It says its port; every name leads to this machine.
//
// Arguments: the folder wisp-js is installed in.

import http from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(process.argv[2] + '/'));
const { server: wisp, logging } = await import(pathToFileURL(require.resolve('@mercuryworkshop/wisp-js/server').replace('dist/wisp-server.cjs', 'src/entrypoints/server.mjs')));

logging.set_level(logging.NONE);
Object.assign(wisp.options, { allow_loopback_ips: true, allow_private_ips: true, dns_method: async () => '127.0.0.1' });

const serving = http.createServer((_, answer) => answer.end('a page'));
serving.on('upgrade', (asked, socket, head) => wisp.routeRequest(asked, socket, head));
serving.listen(0, '127.0.0.1', () => console.log(serving.address().port));
