package realtime

import (
	"strconv"

	"devinbox/pkg/chat"
)

// Connection is what a browser must be told to connect to Pusher, by the names that pusher-js has for it.
type Connection struct {
	Enabled  bool        `json:"enabled"`
	Key      string      `json:"key"`             // empty where Pusher is not configured
	Cluster  string      `json:"cluster"`         // likewise, and where a host of one's own has none
	WSHost   string      `json:"wsHost,omitzero"` // a server of one's own
	WSPort   int         `json:"wsPort,omitzero"` // its port, where it is not the scheme's
	ForceTLS bool        `json:"forceTLS"`
	Channels OwnChannels `json:"channels"`
}

// OwnChannels are the channels that an identity listens to without having looked at anything: a client its
// conversation's, a developer the inbox. Of a conversation in the inbox, its [chat.Conversation] tells the name.
type OwnChannels struct {
	Conversation *string `json:"conversation"`
	Inbox        *string `json:"inbox"`
}

// Connection is what the browser of an identity must be told. Where Pusher is not configured it still names
// the channels and says nothing more: a setting that is malformed may be anything, also a secret.
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

// connection is what of the options every browser is told.
func (o Options) connection() Connection {
	if len(o.Faults()) > 0 {
		return Connection{ForceTLS: true}
	}
	c := Connection{Enabled: true, Key: o.Key, Cluster: o.Cluster, ForceTLS: !o.NoTLS}
	if o.Host != "" {
		c.WSHost = o.Host
		c.WSPort, _ = strconv.Atoi(o.Port) // Faults has seen that it is a number, or empty
	}
	return c
}
