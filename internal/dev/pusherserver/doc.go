// Package pusherserver is a server of the Pusher Channels protocol for development and tests: WebSockets for pusher-js,
// the signed HTTP API for server libraries, and webhooks, in one process and for one app. It refuses what Pusher
// refuses, so that what works here works there.
//
// What it follows: https://pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol/ (protocol 7),
// https://pusher.com/docs/channels/library_auth_reference/rest-api/ and
// https://pusher.com/docs/channels/server_api/webhooks/.
//
// Public, private and presence channels, client events, sign-in, events to a user, terminating a user's connections.
// Not there: cache channels and the rules that are only for encrypted ones (both behave as what the rest of their
// prefix says), watchlists, subscription_count events, and webhooks in batches.
//
// It keeps everything in memory, and it is no server for production: [Start] refuses that.
package pusherserver
