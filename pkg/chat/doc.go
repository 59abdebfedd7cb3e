// Package chat is the domain: what a client, a developer, a conversation, a message and a read mark are,
// what may happen to them, and in which words it is announced.
//
// It knows neither HTTP nor SQL nor Pusher and imports the standard library only. What it needs of the
// outside it declares as two interfaces: [Store], which keeps the truth, and [Publisher], which tells the
// browsers. [Service] is the one way in: it decides whose a thing is, checks the rules, saves, and only
// then announces. A message is a success when the Store has committed it; nothing that happens to the
// announcement afterwards changes that.
package chat
