package realtime_test

import (
	"net"
	"net/url"
	"testing"
	"time"

	"devinbox/internal/dev/pusherserver"
	"devinbox/pkg/realtime"
)

func TestAProbeTellsWhatPusherSaysOfTheApp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		refusal  pusherserver.Refusal
		skew     time.Duration
		change   func(*realtime.Options)
		status   int
		class    string
		accepted bool
	}{
		{name: "all is right", status: 200, accepted: true},
		{name: "another secret", change: func(o *realtime.Options) { o.Secret = "canary" }, status: 401, class: "4xx"},
		{name: "another app", change: func(o *realtime.Options) { o.AppID = "4" }, status: 404, class: "4xx"},
		{name: "over quota", refusal: pusherserver.OverQuota, status: 403, class: "4xx"},
		{name: "a clock that is ahead", skew: 2 * time.Minute, status: 200, accepted: true},
		{name: "a clock too far ahead", skew: 20 * time.Minute, status: 401, class: "4xx"},
		{name: "nobody there", change: func(o *realtime.Options) { o.Port = "1" }, class: "refused"},
		{name: "not configured", change: func(o *realtime.Options) { o.Secret = "" }, class: "disabled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, err := pusherserver.Start(pusherserver.Options{AppID: "3", Key: "app-key", Secret: "app-secret"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Close)
			server.Refuse(test.refusal)
			server.Skew(test.skew)
			u, err := url.Parse(server.URL())
			if err != nil {
				t.Fatal(err)
			}
			host, port, _ := net.SplitHostPort(u.Host)
			o := realtime.Options{AppID: "3", Key: "app-key", Secret: "app-secret", Host: host, Port: port, NoTLS: true}
			if test.change != nil {
				test.change(&o)
			}
			got := realtime.New(o).Probe(t.Context())
			if got.Status != test.status || got.Class != test.class || got.Accepted != test.accepted {
				t.Errorf("%+v, want %d %q %t", got, test.status, test.class, test.accepted)
			}
			if test.status != 0 && (got.Date.Sub(got.Came)-test.skew).Abs() > 30*time.Second {
				t.Errorf("its clock says %v at %v, and is ahead by %v", got.Date, got.Came, test.skew)
			}
		})
	}
}
