// Package realtime carries the domain's events to browsers through Pusher Channels.
//
// [Channels] gives conversations and the inbox their names on Pusher and reads such a name back into a
// place of the domain. [Publisher] announces events there, tells a browser how to connect, signs for those
// who may listen, cuts those off who may no longer, and reads from Pusher's webhooks which clients are there.
//
// What it speaks is Pusher's HTTP API and protocol 7 (https://pusher.com/docs/channels/), by way of
// pusher-http-go. That library knows no context, no deadline but its own, no retry and no limit, and its
// errors repeat signed URLs; so each of its requests passes through a transport of this package, which
// adds what is missing and keeps the outcome apart from the library's texts.
package realtime
