// Makes every call of Pusher's library for Node, one after another, and prints their answers.
const Pusher = require('pusher');
const [host, port, first, second] = process.argv.slice(1);
const pusher = new Pusher({ appId: '3', key: '278d425bdf160c739803', secret: '7ad3773142a6692b25b8', host, port });
const odd = 'private-a;b,c@d=e';
const calls = [
  () => pusher.trigger('presence-x', 'one', { a: 'ä<' }),
  () => pusher.trigger(['presence-x'], 'two', 'text', { socket_id: first, info: 'user_count' }),
  () => pusher.trigger(['presence-x', odd], 'three', 'text'),
  () => pusher.triggerBatch([
    { channel: 'presence-x', name: 'four', data: 'x', info: 'user_count' },
    { channel: odd, name: 'five', data: { a: 1 } },
  ]),
  () => pusher.sendToUser('c:1 Ä', 'six', 'x'),
  () => pusher.get({ path: '/channels', params: { filter_by_prefix: 'private-a;b,c@d=' } }),
  () => pusher.get({ path: `/channels/${odd}`, params: { info: 'subscription_count' } }),
  () => pusher.get({ path: '/channels/presence-x/users' }),
  () => pusher.get({ path: '/channels/my-channel', params: { info: 'user_count' } }),
  () => pusher.trigger('presence-x', 'seven', 'x'.repeat(10241)),
  () => pusher.terminateUserConnections('c:1 Ä'),
];
(async () => {
  const answers = [];
  for (const call of calls) {
    const answer = await call().then(
      async (response) => `${response.status} ${await response.text()}`,
      (error) => `${error.status} ${(error.body || error.message).trim()}`,
    );
    answers.push(answer);
  }
  console.log(JSON.stringify(answers));
})();
