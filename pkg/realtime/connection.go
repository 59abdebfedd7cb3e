package realtime

import (
	"strconv"

	"devinbox/pkg/chat"
)

// Connection is what a browser needs to know to connect to Pusher, with the names that pusher-js uses.
type Connection struct {
	Enabled  bool        `json:"enabled"`
	Key      string      `json:"key"`             // empty if Pusher is not configured
	Cluster  string      `json:"cluster"`         // the same; also empty if a host of one's own has none
	WSHost   string      `json:"wsHost,omitzero"` // a server of one's own
	WSPort   int         `json:"wsPort,omitzero"` // its port, if it is not the scheme's
	ForceTLS bool        `json:"forceTLS"`
	Channels OwnChannels `json:"channels"`
}

// OwnChannels are the channels that an identity listens to from the start: a client its conversation's, a developer
// the inbox. For a conversation in the inbox, its [chat.Conversation] has the name.
type OwnChannels struct {
	Conversation *string `json:"conversation"`
	Inbox        *string `json:"inbox"`
}

// Connection returns what the browser of an identity needs to know. If Pusher is not configured, it has the
// channels and nothing more: a malformed setting could be anything, even a secret.
func (p *Publisher) Connection(me chat.Identity) Connection {
	c := p.browser
	switch me.Role {
	case chat.Client:
		name := p.channels.Name(chat.Place{ClientID: me.ID})
		c.Channels.Conversation = &name
	case chat.Developer:
		name := p.channels.Name(chat.Place{Inbox: true})
		c.Channels.Inbox = &name
	}
	return c
}

// connection returns the options that every browser needs to know.
func (o Options) connection() Connection {
	if len(o.Faults()) > 0 {
		return Connection{ForceTLS: true}
	}
	c := Connection{Enabled: true, Key: o.Key, Cluster: o.Cluster, ForceTLS: !o.NoTLS}
	if o.Host != "" {
		c.WSHost = o.Host
		c.WSPort, _ = strconv.Atoi(o.Port) // Faults has checked that it is a number or empty
	}
	return c
}
