// Runs one part of pusher-js's own specs of channels against a server, as they are in its package, and prints a line
// of JSON for each that ran.
//
// The specs need modules of pusher-js's sources and helpers of its own build. These four replace them.
const Module = require('module');
const path = require('path');
const Jasmine = require('jasmine');
const Pusher = require('pusher-js');

const [host, port, helpers, part] = process.argv.slice(1);

const standIns = {
  pusher_integration: class extends Pusher {
    constructor(_key, options) {
      super('278d425bdf160c739803', {
        ...options,
        wsHost: host,
        wsPort: Number(port),
        enabledTransports: ['ws'],
        channelAuthorization: { endpoint: `${helpers}/auth`, transport: 'ajax' },
      });
    }
  },
  integration: {
    API_URL: helpers,
    describe: (name, _constraints, body) => describe(name, body),
    getRandomName: (prefix) => `${prefix}_${Math.random().toString(36).slice(2)}`,
    sendAPIMessage: ({ url, channel, event, data }) => {
      const base64 = (text) => encodeURIComponent(Buffer.from(text).toString('base64'));
      fetch(`${url}?channel=${base64(channel)}&event=${base64(event)}&data=${base64(JSON.stringify(data))}`);
    },
  },
  'core/utils/collections': {
    objectApply: (object, f) => Object.keys(object).forEach((key) => f(object[key], key, object)),
  },
  runtime: { default: Pusher.Runtime },
};
const load = Module._load;
Module._load = (request, ...rest) => standIns[request] || load(request, ...rest);

const runner = new Jasmine({});
runner.exitOnCompletion = false;
runner.randomizeTests(false);
runner.clearReporters();
runner.addReporter({
  specDone({ fullName, status, failedExpectations }) {
    if (status === 'excluded') return;
    console.log(JSON.stringify({ Name: fullName, Status: status, Failures: failedExpectations.map((f) => f.message) }));
  },
});
const specs = path.dirname(require.resolve('pusher-js/package.json')) + '/spec/javascripts/integration/core/pusher_spec';
require(specs + '/test_builder.js').build({ transport: 'ws', forceTLS: false });
runner.execute([], `setup|teardown|${part}`).then(() => process.exit(0));
