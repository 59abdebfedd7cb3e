package pusherserver_test

import (
	"net"
	"strings"
	"testing"

	"devinbox/internal/dev/pusherserver"
)

func TestAServerIsNotStartedWithoutCredentials(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*pusherserver.Options){
		"no app":               func(o *pusherserver.Options) { o.AppID = "" },
		"no key":               func(o *pusherserver.Options) { o.Key = "" },
		"no secret":            func(o *pusherserver.Options) { o.Secret = "" },
		"a bad address":        func(o *pusherserver.Options) { o.Address = "nowhere" },
		"a webhook to nowhere": func(o *pusherserver.Options) { o.WebhookURL = "/api/pusher/webhook" },
		"a webhook to a file":  func(o *pusherserver.Options) { o.WebhookURL = "file:///etc/passwd" },
	} {
		o := credentials()
		change(&o)
		if s, err := pusherserver.Start(o); err == nil {
			s.Close()
			t.Errorf("%s: started", what)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAServerIsNotStartedInProduction(t *testing.T) {
	t.Setenv("VERCEL_ENV", "production")
	if s, err := pusherserver.Start(credentials()); err == nil {
		s.Close()
		t.Error("started")
	}
	t.Setenv("VERCEL_ENV", "preview")
	s, err := pusherserver.Start(credentials())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestAServerListensOnLoopback(t *testing.T) {
	t.Parallel()
	s := start(t)
	if ip := net.ParseIP(s.Host()); !ip.IsLoopback() {
		t.Errorf("listens on %s", s.Host())
	}
	if s.URL() != "http://"+net.JoinHostPort(s.Host(), s.Port()) || s.Port() == "0" {
		t.Errorf("the URL is %s", s.URL())
	}
	o := credentials()
	o.Address = s.Address()
	if other, err := pusherserver.Start(o); err == nil {
		other.Close()
		t.Error("two servers on one address")
	}
	everywhere := start(t, func(o *pusherserver.Options) { o.Address = ":0" })
	if everywhere.Host() != "127.0.0.1" {
		t.Errorf("reached at %s", everywhere.Host())
	}
	connect(t, everywhere)
}
