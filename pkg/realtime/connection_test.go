package realtime_test

import (
	"encoding/json"
	"testing"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

func TestABrowserIsToldHowToConnect(t *testing.T) {
	t.Parallel()
	good := realtime.Options{AppID: appID, Key: key, Secret: secret}
	with := func(change func(*realtime.Options)) realtime.Options {
		o := good
		change(&o)
		return o
	}
	for name, test := range map[string]struct {
		options realtime.Options
		who     chat.Identity
		want    string
	}{
		"a client": {
			with(func(o *realtime.Options) { o.Cluster = "eu" }), grace,
			`{"enabled":true,"key":"` + key + `","cluster":"eu","forceTLS":true,"channels":{"conversation":"private-client-42","inbox":null}}`,
		},
		"a developer": {
			with(func(o *realtime.Options) { o.Cluster = "eu" }), ada,
			`{"enabled":true,"key":"` + key + `","cluster":"eu","forceTLS":true,"channels":{"conversation":null,"inbox":"private-developer-inbox"}}`,
		},
		"nobody": {
			with(func(o *realtime.Options) { o.Cluster = "eu" }), chat.Identity{},
			`{"enabled":true,"key":"` + key + `","cluster":"eu","forceTLS":true,"channels":{"conversation":null,"inbox":null}}`,
		},
		"a server of one's own": {
			with(func(o *realtime.Options) { o.Host, o.Port, o.NoTLS, o.Cluster = "localhost", "6001", true, "local" }), grace,
			`{"enabled":true,"key":"` + key + `","cluster":"local","wsHost":"localhost","wsPort":6001,"forceTLS":false,"channels":{"conversation":"private-client-42","inbox":null}}`,
		},
		"one without port or cluster": {
			with(func(o *realtime.Options) { o.Host = "ws.example.com" }), grace,
			`{"enabled":true,"key":"` + key + `","cluster":"","wsHost":"ws.example.com","forceTLS":true,"channels":{"conversation":"private-client-42","inbox":null}}`,
		},
		"Pusher's by another port": { // the port is for the HTTP API; browsers have their own default
			with(func(o *realtime.Options) { o.Cluster, o.Port = "eu", "443" }), grace,
			`{"enabled":true,"key":"` + key + `","cluster":"eu","forceTLS":true,"channels":{"conversation":"private-client-42","inbox":null}}`,
		},
		"presence": {
			with(func(o *realtime.Options) { o.Cluster, o.Channels = "eu", realtime.Presence }), chat.Identity{ID: "é", Role: chat.Client},
			`{"enabled":true,"key":"` + key + `","cluster":"eu","forceTLS":true,"channels":{"conversation":"presence-client-=C3=A9","inbox":null}}`,
		},
		"public": {
			with(func(o *realtime.Options) { o.Cluster, o.Channels = "eu", realtime.Public }), ada,
			`{"enabled":true,"key":"` + key + `","cluster":"eu","forceTLS":true,"channels":{"conversation":null,"inbox":"developer-inbox"}}`,
		},
		"Pusher is off": {
			realtime.Options{}, grace,
			`{"enabled":false,"key":"","cluster":"","forceTLS":true,"channels":{"conversation":"private-client-42","inbox":null}}`,
		},
		"a secret in the wrong place": {
			with(func(o *realtime.Options) { o.Key, o.Cluster, o.Host = secret+" ", secret, secret+"/" }), ada,
			`{"enabled":false,"key":"","cluster":"","forceTLS":true,"channels":{"conversation":null,"inbox":"private-developer-inbox"}}`,
		},
	} {
		got, err := json.Marshal(realtime.New(test.options).Connection(test.who))
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %s, %v, want\n%s", name, got, err, test.want)
		}
	}
}

func TestABrowserIsToldTheChannelsThatItIsAuthorisedFor(t *testing.T) {
	t.Parallel()
	for _, mode := range []realtime.Channels{realtime.Private, realtime.Presence} {
		p, _ := app(t, mode)
		for _, who := range []chat.Identity{grace, ada} {
			own := p.Connection(who).Channels
			for _, name := range []*string{own.Conversation, own.Inbox} {
				if name == nil {
					continue
				}
				if _, err := p.Authorize(who, socket, *name); err != nil {
					t.Errorf("%s: %v", *name, err)
				}
			}
			if (own.Conversation == nil) == (own.Inbox == nil) {
				t.Errorf("%+v", own)
			}
		}
	}
}
