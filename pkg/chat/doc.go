// Package chat is the domain: clients, developers, conversations, messages and read marks, the rules for changing
// them, and the events that announce the changes.
//
// It knows neither HTTP nor SQL nor Pusher and imports the standard library only. It declares the interfaces
// that it needs from the other packages: [Store] with [FileStore], and [WebhookStore], for the database;
// [Publisher] and [Channels], for Pusher; [Files], for the object store; [Receiver], for the team's own server.
//
// Every call goes through [Service]: it decides whose conversation the call is about, checks the rules, saves, and only
// then announces. A message counts as sent when the Store has committed it; nothing that happens to the
// announcement afterwards changes that. [Webhooks] sends the webhooks when a cron calls it.
package chat
