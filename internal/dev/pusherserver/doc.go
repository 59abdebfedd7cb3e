// Package pusherserver is a server of the Pusher Channels protocol for development and tests: WebSockets for pusher-js,
// the signed HTTP API for server libraries, and webhooks, in one process and for one app. It refuses what Pusher
// refuses, so code that works here works with Pusher too.
//
// It follows https://pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol/ (protocol 7),
// https://pusher.com/docs/channels/library_auth_reference/rest-api/ and
// https://pusher.com/docs/channels/server_api/webhooks/.
//
// It has public, private and presence channels, client events, sign-in, events to a user, and terminating a user's
// connections. It does not have cache channels or the special rules of encrypted channels (both behave like other
// channels with their prefix), watchlists, subscription_count events, or webhooks in batches.
//
// It keeps everything in memory. It is not meant for production: [Start] fails there.
package pusherserver
