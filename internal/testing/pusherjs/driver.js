// A pusher-js client that takes commands on stdin and prints on stdout what its application would see, in lines of JSON.
//
// In:  {"id":1,"do":"subscribe","channel":"private-chat"}; the first one is "start".
// Out: {"id":1,"value":…} or {"id":1,"error":"…"} for each command, and in between
//      {"state":"connected","socketId":"1.2"} and {"event":{"channel":…,"name":…,"data":…,"userId":…}}.
'use strict';

const Pusher = require('pusher-js');

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

let pusher;
const watched = new WeakSet();

// watch prints every event that an emitter passes to the handlers of the application.
function watch(emitter, channel) {
  if (watched.has(emitter)) return emitter;
  watched.add(emitter);
  const emit = emitter.emit;
  emitter.emit = function (name, data, metadata) {
    say({ event: { channel, name, data: data === undefined ? null : data, userId: metadata && metadata.user_id } });
    return emit.call(this, name, data, metadata);
  };
  return emitter;
}

// first waits for the first of several events, and unbinds all of them.
function first(handlers) {
  return new Promise((resolve, reject) => {
    const bound = handlers.map(([emitter, name, outcome]) => {
      const handler = (data) => {
        const { value, error } = outcome(data) || {};
        if (value === undefined && error === undefined) return;
        bound.forEach(([e, n, h]) => e.unbind(n, h));
        error === undefined ? resolve(value) : reject(new Error(error));
      };
      emitter.bind(name, handler);
      return [emitter, name, handler];
    });
  });
}

function joined(name) {
  const channel = pusher.channel(name);
  if (!channel) throw new Error('not subscribed to ' + name);
  return channel;
}

const commands = {
  start({ key, options, headers, authEndpoint, userAuthEndpoint }) {
    pusher = new Pusher(key, {
      ...options,
      cluster: 'local',
      forceTLS: false,
      enabledTransports: ['ws'],
      channelAuthorization: { endpoint: authEndpoint, transport: 'ajax', headers },
      userAuthentication: { endpoint: userAuthEndpoint, transport: 'ajax', headers },
    });
    pusher.connection.bind('state_change', ({ current }) => say({ state: current, socketId: pusher.connection.socket_id }));
    pusher.connection.bind('error', (error) => {
      const cause = error.error || error;
      const { code, message } = cause.data || cause;
      say({ event: { channel: '', name: 'error', data: { type: cause.type || error.type, code, message } } });
    });
    watch(pusher.user, '#user');
  },
  connect: () => pusher.connect(),
  disconnect: () => pusher.disconnect(),
  subscribe({ channel: name }) {
    const channel = watch(pusher.subscribe(name), name);
    if (channel.subscribed) return 200;
    return first([
      [channel, 'pusher:subscription_succeeded', () => ({ value: 200 })],
      [channel, 'pusher:subscription_error', (error) => ({ value: error.status || 0 })],
    ]);
  },
  unsubscribe: ({ channel }) => pusher.unsubscribe(channel),
  trigger({ channel, name, data }) {
    if (!joined(channel).trigger(name, data)) throw new Error('not connected');
  },
  members({ channel }) {
    const { count, me, members } = joined(channel).members;
    return { count, me, members };
  },
  signin() {
    const done = first([
      [pusher.connection, 'message', ({ event, channel }) => {
        const events = pusher.user.serverToUserChannel;
        if (event === 'pusher_internal:subscription_succeeded' && events && events.name === channel) return { value: 200 };
      }],
      [pusher.connection, 'error', ({ data }) => ({ error: (data && data.message) || 'the connection failed' })],
      [pusher.user, 'pusher:signin_error', ({ error }) => ({ error })],
    ]);
    pusher.signin();
    return done;
  },
};

let rest = '';
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const command = JSON.parse(line);
    // In an async function, an exception that is thrown at once becomes the answer too.
    (async () => commands[command.do](command))().then(
      (value) => say({ id: command.id, value: value === undefined ? null : value }),
      (error) => say({ id: command.id, error: String(error.message || error) }),
    );
  }
});
process.stdin.setEncoding('utf8');
process.stdin.on('end', () => process.exit());
