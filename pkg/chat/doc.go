// Package chat is the domain: what a client, a developer, a conversation, a message and a read mark are,
// what may happen to them, and in which words it is announced.
//
// It knows neither HTTP nor SQL nor Pusher and imports the standard library only. It declares as interfaces
// what it needs from the other packages: [Store] with [FileStore], and [WebhookStore], which are the database;
// [Publisher] and [Channels], which are Pusher; [Files], the object store; [Receiver], the team's own server.
//
// [Service] is the one way in: it decides whose conversation a call is about, checks the rules, saves, and only
// then announces. A message counts as sent when the Store has committed it; nothing that happens to the
// announcement afterwards changes that. [Webhooks] does the rest that a cron calls.
package chat
