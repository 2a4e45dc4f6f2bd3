// A web proxy of the kind bare server, as others write it: bare-server-node. It says its port; every name leads to this machine.
//
// Arguments: the folder bare-server-node is installed in.

import http from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(process.argv[2] + '/'));
const { createBareServer } = require('@tomphttp/bare-server-node');
const here = (_, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4));

const bare = createBareServer('/', { blockLocal: false, lookup: here, connectionLimiter: { maxConnectionsPerIP: 1000, windowDuration: 60, blockDuration: 60 } });
const serving = http.createServer((asked, answer) => (bare.shouldRoute(asked) ? bare.routeRequest(asked, answer) : answer.end('a page')));
serving.on('upgrade', (asked, socket, head) => bare.routeUpgrade(asked, socket, head));
serving.listen(0, '127.0.0.1', () => console.log(serving.address().port));
