// Package realtime carries the domain's events to browsers through Pusher Channels.
//
// [Channels] gives conversations and the inbox their names on Pusher and parses such a name back into a
// [chat.Place]. [Publisher] announces events there, tells a browser how to connect, signs the
// subscriptions of identities that may listen, disconnects those that no longer may, and reads from Pusher's
// webhooks which clients are online.
//
// It uses Pusher's HTTP API and protocol 7 (https://pusher.com/docs/channels/), with the library
// pusher-http-go. That library has no context, no deadline except its own, no retry and no limit, and its
// errors contain signed URLs. So each of its requests goes through a transport of this package, which adds
// what is missing and keeps the outcome separate from the library's errors.
package realtime
